import { fail } from '../core/errors.js';
import { ImageFolder, type LabelledImages, stratifiedSplit } from '../data/index.js';
import { CenterCrop, Compose, Resize } from '../data/transforms/index.js';
import { readFolder } from '../runtime/files.node.js';
import { cutThree, type Parts, pick } from './demo/source.js';

/** Images in folders, one for each class, as data to work with: brought to one size and held in memory as bytes. */

/** Edge of the images, in pixels, where nothing else is asked for: what the networks for small images take. */
export const USUAL_SIZE = 32;

/** Names under which the part that a model is judged by during training goes. */
const VALIDATION = ['val', 'valid', 'validation'];

export function isFolderName(data: string): boolean {
  return /^folder:./.test(data);
}

/** All images below `root`: the shorter edge `size` pixels long, and of the longer one the middle. */
async function readImages(root: string, size: number): Promise<LabelledImages> {
  const transform = Compose([Resize(size), CenterCrop(size)]);
  const folder = await ImageFolder.load(root, { transform, dtype: 'uint8' });
  const { classes, targets, length } = folder;
  if (classes.length > 256) fail('data', `${root}: at most 256 classes, and there are ${classes.length} folders.`);
  const pixels = 3 * size * size;
  const images = new Uint8Array(length * pixels);
  let next = 0;
  // Files are read while others are decoded; the folder itself limits how many are open.
  const reading = Array.from({ length: 8 }, async () => {
    for (let i = next++; i < length; i = next++) images.set((await folder.get(i))[0].data, i * pixels);
  });
  await Promise.all(reading);
  return { images, labels: Uint8Array.from(targets), classes, shape: [3, size, size], white: 255 };
}

/** The labels of a part whose folders are other ones, or not all, told in the numbers of the training part's classes. */
function alike(root: string, part: LabelledImages, classes: readonly string[]): LabelledImages {
  const numbers = part.classes.map((name) => {
    const label = classes.indexOf(name);
    return label >= 0 ? label : fail('data', `${root}: the class ${name} is not among those of the training part.`);
  });
  return { ...part, classes, labels: part.labels.map((label) => numbers[label] as number) };
}

/**
 * Reads the images below a folder. One that has the folders train and val or test has them as parts; what is missing of the
 * three is cut from another. Every other folder has the classes, and is cut into three.
 */
export async function loadFolder(data: string, seed: number, size: number): Promise<Parts> {
  const root = data.slice(data.indexOf(':') + 1).replace(/[\\/]+$/, '') || '/';
  const folders = new Set((await readFolder(root)).filter(({ kind }) => kind === 'folder').map(({ name }) => name));
  const validationName = VALIDATION.find((name) => folders.has(name));
  const judged = [validationName, folders.has('test') ? 'test' : undefined].filter((name) => name !== undefined);
  if (!folders.has('train') || judged.length === 0) {
    const whole = await readImages(root, size);
    return { data, classes: whole.classes, shape: whole.shape, ...cutThree(whole, seed) };
  }
  const all = await readImages(`${root}/train`, size);
  const { classes, shape } = all;
  const others = await Promise.all(
    judged.map(async (name) => alike(`${root}/${name}`, await readImages(`${root}/${name}`, size), classes)),
  );
  const test = others.at(-1) as LabelledImages;
  if (others.length === 2) return { data, classes, shape, train: all, validation: others[0] as LabelledImages, test };
  // What a result is told by must not have been chosen by, so the training part gives a tenth for that.
  const [train, validation] = stratifiedSplit(all.labels, [0.9, 0.1], seed);
  return { data, classes, shape, train: pick(all, train), validation: pick(all, validation), test };
}
