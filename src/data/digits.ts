/**
 * The handwritten digits that come with fettle: 1,797 images of 8 × 8 pixels, 43 people's handwriting, counted down from
 * 32 × 32 bitmaps to the 0 … 16 set pixels of each 4 × 4 block.
 *
 * "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository,
 * https://doi.org/10.24432/C50P49, licensed CC BY 4.0; these are its test part, as scikit-learn distributes it
 * (`sklearn.datasets.load_digits`). Unchanged but for the packing.
 */
import { codeDigits, decoder } from './digits-codec.js';
import { COUNT, PACKED } from './digits-packed.js';
import { ImageDataset, type ImageOptions, type LabelledImages } from './images/imagedataset.js';

const CLASSES: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

let unpacked: { readonly images: Uint8Array; readonly labels: Uint8Array } | null = null;

/**
 * The embedded digits: `images` holds 1,797 · 64 pixels of 0 … 16, row by row, `labels` the digit that each shows. Every
 * call gives copies of its own.
 */
export function digits(): LabelledImages {
  if (unpacked === null) {
    const bytes = Uint8Array.from(atob(PACKED), (character) => character.charCodeAt(0));
    const labels = new Uint8Array(COUNT);
    const images = new Uint8Array(COUNT * 64);
    codeDigits(decoder(bytes), labels, images);
    unpacked = { images, labels };
  }
  const { images, labels } = unpacked;
  return { images: images.slice(), labels: labels.slice(), classes: CLASSES, shape: [1, 8, 8], white: 16 };
}

/** The embedded digits as a dataset of [1, 8, 8] images of brightness 0 … 1 and their labels. */
export class Digits extends ImageDataset {
  constructor(options: ImageOptions = {}) {
    super(digits(), options);
  }
}
