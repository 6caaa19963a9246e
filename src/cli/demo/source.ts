import { fail } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import {
  CIFAR10,
  digits,
  FashionMNIST,
  ImageDataset,
  type LabelledImages,
  MNIST,
  StandardScaler,
  stratifiedSplit,
} from '../../data/index.js';
import { RandomAffine, type Transform } from '../../data/transforms/index.js';
import { reshape, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

/** Images cut into the three parts that a fair comparison needs. */
export interface Parts {
  /** As on the command line: 'digits', 'mnist:DIR'. */
  readonly data: string;
  readonly classes: readonly string[];
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly train: LabelledImages;
  readonly validation: LabelledImages;
  readonly test: LabelledImages;
}

/** The images of `source` with the given numbers. */
export function pick(source: LabelledImages, indices: Int32Array): LabelledImages {
  const size = source.shape.reduce((a, b) => a * b, 1);
  const images = new Uint8Array(indices.length * size);
  indices.forEach((index, i) => {
    images.set(source.images.subarray(index * size, (index + 1) * size), i * size);
  });
  return { ...source, images, labels: Uint8Array.from(indices, (index) => source.labels[index] as number) };
}

function asSource(dataset: ImageDataset): LabelledImages {
  const { images, labels, classes, shape } = dataset;
  return { images, labels, classes, shape, white: 255 };
}

/** Cuts `source` into train, validation and test parts in which every class has its share. */
export function cutThree(source: LabelledImages, seed: number): Pick<Parts, 'train' | 'validation' | 'test'> {
  const [train, validation, test] = stratifiedSplit(source.labels, [0.65, 0.15, 0.2], seed);
  return { train: pick(source, train), validation: pick(source, validation), test: pick(source, test) };
}

/** Data sets come with a test part of their own; validation is a tenth of the training part. */
async function loadPair(kind: typeof MNIST | typeof FashionMNIST | typeof CIFAR10, folder: string, seed: number) {
  const [all, test] = await Promise.all([kind.load(folder), kind.load(folder, { train: false })]);
  const source = asSource(all);
  const [train, validation] = stratifiedSplit(source.labels, [0.9, 0.1], seed);
  return { train: pick(source, train), validation: pick(source, validation), test: asSource(test) };
}

/** The data sets of the demonstration, as they are named on the command line. */
export const DATA_HELP = 'digits | mnist:DIR | fashion:DIR';

/** Whether `data` names one of them; the files themselves are looked for when it is loaded. */
export function isDataName(data: string): boolean {
  return data === 'digits' || /^(mnist|fashion):./.test(data);
}

/** Reads a data set and cuts it, the same way every time for a seed. */
export async function loadParts(data: string, seed: number): Promise<Parts> {
  const colon = data.indexOf(':');
  const kind = colon < 0 ? data : data.slice(0, colon);
  const folder = data.slice(colon + 1);
  const parts =
    kind === 'digits'
      ? cutThree(digits(), seed)
      : kind === 'mnist'
        ? await loadPair(MNIST, folder, seed)
        : kind === 'fashion'
          ? await loadPair(FashionMNIST, folder, seed)
          : kind === 'cifar10'
            ? await loadPair(CIFAR10, folder, seed)
            : fail('argument', `--data: expected ${DATA_HELP}, got '${data}'.`);
  const { classes, shape } = parts.train;
  return { data, classes, shape, ...parts };
}

/**
 * Mean and standard deviation of the training part's pixels, one of each for a channel. Pixels are not standardized one by
 * one: a pixel that is nearly always blank would be divided by almost nothing, and an image shifted onto it would explode.
 */
export function fitScaler(part: LabelledImages): StandardScaler {
  const [channels, height, width] = part.shape;
  const scaler = new StandardScaler();
  const size = channels * height * width;
  const chunk = Math.max(1, Math.floor((1 << 20) / size));
  for (let first = 0; first < part.labels.length; first += chunk) {
    const pixels = part.images.subarray(first * size, (first + chunk) * size);
    scope(() => {
      const x = tensor(
        Float32Array.from(pixels, (v) => v / part.white),
        [pixels.length / size, channels, height * width],
      );
      scaler.partialFit(reshape(x.transpose(1, 2), [-1, channels]));
    });
  }
  return scaler;
}

/** Standardizes images [N, C, H, W] by their channels. */
export class Standardize implements Transform {
  constructor(private readonly scaler: StandardScaler) {}

  forward(input: Tensor): Tensor {
    const [n, c, h, w] = input.shape as [number, number, number, number];
    if (c === 1) return reshape(this.scaler.transform(reshape(input, [-1, 1])), [n, c, h, w]);
    const pixels = reshape(input.permute(0, 2, 3, 1), [-1, c]);
    return reshape(this.scaler.transform(pixels), [n, h, w, c]).permute(0, 3, 1, 2).contiguous();
  }
}

/** Small rotations, shifts and changes of size; no flips, since digits have a direction. */
class Augment implements Transform {
  private readonly affine = new RandomAffine(10, { translate: [0.08, 0.08], scale: [0.9, 1.1] });

  constructor(private readonly standardize: Standardize) {}

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    return this.standardize.forward(this.affine.forward(input, streams));
  }
}

/** A part as a dataset of standardized images, augmented or not. */
export function datasetOf(part: LabelledImages, scaler: StandardScaler, augmented = false): ImageDataset {
  const standardize = new Standardize(scaler);
  return new ImageDataset(part, { transform: augmented ? new Augment(standardize) : standardize });
}
