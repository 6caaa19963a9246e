import { fail, show } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import { cast, div, select, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { checkIndex, type Dataset, type Pass, streamsOf } from '../dataset.js';
import type { Construction, Transform } from '../transforms/transform.js';

/** Images and their labels as they are stored: small whole numbers. */
export interface LabelledImages {
  /** Pixels of all images one behind another, each as `shape` says. */
  readonly images: Uint8Array;
  /** The class of each image. */
  readonly labels: Uint8Array;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Channels, height and width of an image. */
  readonly shape: readonly [channels: number, height: number, width: number];
  /** The value of a white pixel. */
  readonly white: number;
}

export interface ImageOptions {
  /** Applied to the images, to a single one as to a batch. */
  readonly transform?: Transform;
}

/**
 * Images of one size with their classes: sample i is a float32 tensor [C, H, W] of brightness 0 … 1 and its class as a
 * zero-dimensional int32 tensor; a batch is [N, C, H, W] and [N]. Pixels are held as bytes and become numbers when asked for.
 */
export class ImageDataset
  implements Dataset<[Tensor<'float32'>, Tensor<'int32'>], [Tensor<'float32'>, Tensor<'int32'>]>
{
  readonly length: number;
  readonly classes: readonly string[];
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  private readonly size: number;
  private readonly white: number;
  private readonly transform: Transform | undefined;
  /** Where the bytes of a batch are gathered: kept, so that an epoch leaves no garbage of its size. */
  private gathered = new Uint8Array(0);

  constructor(source: LabelledImages, options: ImageOptions = {}) {
    const { images, labels, classes, shape, white } = source;
    this.size = sizeOf(shape);
    if (images.length !== labels.length * this.size) {
      fail(
        'shape',
        `ImageDataset: ${labels.length} images ${show(shape)} take ${labels.length * this.size} pixels, got ${images.length}.`,
      );
    }
    const odd = labels.findIndex((label) => label >= classes.length);
    if (odd >= 0)
      fail('data', `ImageDataset: label ${labels[odd]} of image ${odd} is none of ${classes.length} classes.`);
    this.length = labels.length;
    this.images = images;
    this.labels = labels;
    this.classes = classes;
    this.shape = shape;
    this.white = white;
    this.transform = options.transform;
  }

  get(index: number, pass?: Pass): [Tensor<'float32'>, Tensor<'int32'>] {
    const [image, label] = this.getBatch(Int32Array.of(index), pass);
    return [select(image, 0, 0) as Tensor<'float32'>, select(label, 0, 0) as Tensor<'int32'>];
  }

  /** What makes a dataset of the same images in another thread. */
  portable(): Construction {
    const { images, labels, classes, shape, white, transform } = this;
    const source: LabelledImages = { images, labels, classes, shape, white };
    return { type: 'ImageDataset', args: transform === undefined ? [source] : [source, { transform }] };
  }

  getBatch(indices: Int32Array, pass?: Pass): [Tensor<'float32'>, Tensor<'int32'>] {
    const { size, images } = this;
    if (this.gathered.length < indices.length * size) this.gathered = new Uint8Array(indices.length * size);
    const pixels = this.gathered.subarray(0, indices.length * size);
    const labels = new Int32Array(indices.length);
    for (let n = 0; n < indices.length; n++) {
      const index = checkIndex('ImageDataset', indices[n], this.length);
      labels[n] = this.labels[index] as number;
      pixels.set(images.subarray(index * size, (index + 1) * size), n * size);
    }
    // Bytes are a quarter of what moves to the device, and it makes numbers of them faster.
    const batch = div(cast(tensor(pixels, [indices.length, ...this.shape]), 'float32'), this.white);
    const transformed = this.transform?.forward(batch, streamsOf(indices, pass)) ?? batch;
    return [transformed as Tensor<'float32'>, tensor(labels, [indices.length], { dtype: 'int32' })];
  }
}
