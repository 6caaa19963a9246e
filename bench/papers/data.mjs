/** MNIST as the papers use it: bytes in memory, from which batches are cut. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MNIST } from 'fettle/data';

/** Where the files lie unless `--data` names another folder. */
const USUAL = fileURLToPath(new URL('../../../shared/data/mnist', import.meta.url));

/** Pixels of an image. */
export const PIXELS = 28 * 28;

/**
 * Images of 28 × 28 bytes one behind another, and the class of each.
 *
 * @typedef {{ images: Uint8Array, labels: Uint8Array, length: number }} Images
 * @typedef {{ train: Images, test: Images }} Mnist
 */

/**
 * MNIST from a folder of its IDX files, or null where the folder is not there.
 *
 * @param {string} [folder]
 * @returns {Promise<Mnist | null>}
 */
export async function loadMnist(folder = USUAL) {
  if (!existsSync(folder)) return null;
  const [train, test] = [await MNIST.load(folder), await MNIST.load(folder, { train: false })];
  return { train, test };
}

/**
 * The images for whose class and number `keeps` says yes.
 *
 * @param {Images} data
 * @param {(label: number, index: number) => boolean} keeps
 * @returns {Images}
 */
export function select(data, keeps) {
  const indices = [...data.labels.keys()].filter((i) => keeps(/** @type {number} */ (data.labels[i]), i));
  const images = new Uint8Array(indices.length * PIXELS);
  indices.forEach((from, to) => images.set(data.images.subarray(from * PIXELS, (from + 1) * PIXELS), to * PIXELS));
  return { images, labels: Uint8Array.from(indices, (i) => Number(data.labels[i])), length: indices.length };
}

/**
 * Copies image `from` of `images` to place `to` of `batch`, `right` pixels to the right and `down` pixels down; what comes in
 * at the border is black.
 *
 * @param {Uint8Array} images
 * @param {number} from
 * @param {Uint8Array} batch
 * @param {number} to
 * @param {number} [right]
 * @param {number} [down]
 */
export function place(images, from, batch, to, right = 0, down = 0) {
  const [source, target] = [from * PIXELS, to * PIXELS];
  if (right === 0 && down === 0) {
    batch.set(images.subarray(source, source + PIXELS), target);
    return;
  }
  batch.fill(0, target, target + PIXELS);
  const [left, width] = [Math.max(-right, 0), 28 - Math.abs(right)];
  for (let row = Math.max(-down, 0); row < 28 - Math.max(down, 0); row++) {
    const begin = source + row * 28 + left;
    batch.set(images.subarray(begin, begin + width), target + (row + down) * 28 + left + right);
  }
}
