import { fail, show } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { add, cast, clone, copy_, mul, oneHot, roll, slice } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { defaultCollate } from '../collate.js';
import { dirichlet } from './numbers.js';
import { callable, imagesOf } from './transform.js';

export interface MixOptions {
  /** How evenly images are mixed: the share of one is drawn from Beta(alpha, alpha). Default 1, uniform. */
  readonly alpha?: number;
  /** How many classes there are. Needed for labels [N]; labels [N, classes] are mixed as they are. */
  readonly numClasses?: number;
}

/** A batch of mixed images and its labels as shares of the classes, float32 [N, classes]. */
export type Mixed = [x: Tensor<'float32'>, y: Tensor<'float32'>];

/** What mixes the images of a batch by pairs. */
abstract class Mix {
  readonly alpha: number;
  private readonly numClasses: number | undefined;

  constructor(
    private readonly name: string,
    options: MixOptions,
  ) {
    const { alpha = 1, numClasses } = options;
    if (!(alpha > 0)) fail('argument', `${name}: alpha must be > 0, got ${alpha}.`);
    if (numClasses !== undefined && !(Number.isInteger(numClasses) && numClasses > 0)) {
      fail('argument', `${name}: numClasses must be a whole number > 0, got ${numClasses}.`);
    }
    this.alpha = alpha;
    this.numClasses = numClasses;
  }

  /** The images mixed with their neighbours, and the share that is left of their own labels. */
  protected abstract mixed(x: Tensor, share: number, stream: Generator): { images: Tensor; share: number };

  /**
   * Mixes each image of `x` [N, C, H, W], with its label, with the one before it in the batch, as torchvision does; the first
   * with the last. The labels `y` are class numbers [N], or shares [N, classes]. One share is drawn for the whole batch.
   */
  forward(x: Tensor, y: Tensor, stream: Generator = defaultGenerator): Mixed {
    const { count } = imagesOf(this.name, x);
    if (x.ndim !== 4)
      fail('shape', `${this.name}: expected a batch [N, C, H, W], got ${show(x.shape)}. Use it behind the loader.`);
    if (y.shape[0] !== count || y.ndim > 2 || y.ndim < 1) {
      fail('shape', `${this.name}: expected labels [${count}] or [${count}, classes], got ${show(y.shape)}.`);
    }
    return scope((): Mixed => {
      const targets = this.targets(y);
      const drawn = dirichlet(stream, this.alpha, 2)[0] as number;
      const { images, share } = this.mixed(cast(x, 'float32'), drawn, stream);
      const labels = add(mul(targets, share), mul(roll(targets, 1, 0), 1 - share));
      return [images as Tensor<'float32'>, labels as Tensor<'float32'>];
    });
  }

  /** Joins samples (image, label) as the loader does, and mixes the batch: for the loader's option `collate`. */
  readonly collate = (samples: readonly (readonly [image: unknown, label: unknown])[]): Mixed => {
    const [x, y] = defaultCollate(samples) as unknown[];
    if (!(x instanceof Tensor && y instanceof Tensor)) {
      return fail('argument', `${this.name}: expected samples (image, label) of tensors, typed arrays and numbers.`);
    }
    return this.forward(x, y);
  };

  private targets(y: Tensor): Tensor {
    if (y.ndim === 2) return cast(y, 'float32');
    if (this.numClasses === undefined) {
      return fail(
        'argument',
        `${this.name}: labels [N] need numClasses. ${this.name}({ numClasses: 10 }), for instance.`,
      );
    }
    return cast(oneHot(cast(y, 'int32'), this.numClasses), 'float32');
  }
}

class MixUpMix extends Mix {
  constructor(options: MixOptions = {}) {
    super('MixUp', options);
  }

  protected mixed(x: Tensor, share: number): { images: Tensor; share: number } {
    return { images: add(mul(x, share), mul(roll(x, 1, 0), 1 - share)), share };
  }
}

class CutMixMix extends Mix {
  constructor(options: MixOptions = {}) {
    super('CutMix', options);
  }

  protected mixed(x: Tensor, share: number, stream: Generator): { images: Tensor; share: number } {
    const { height, width } = imagesOf('CutMix', x);
    // A box about any pixel, whose edges are cut at the image's: what is left of the share follows from what remains.
    const [cx, cy] = [stream.below(width), stream.below(height)];
    const half = 0.5 * Math.sqrt(1 - share);
    const [halfW, halfH] = [Math.trunc(half * width), Math.trunc(half * height)];
    const [left, right] = [Math.max(0, cx - halfW), Math.min(width, cx + halfW)];
    const [top, bottom] = [Math.max(0, cy - halfH), Math.min(height, cy + halfH)];
    const box = (images: Tensor): Tensor => slice(slice(images, 2, top, bottom), 3, left, right);
    const images = clone(x);
    copy_(box(images), box(roll(x, 1, 0)));
    return { images, share: 1 - ((right - left) * (bottom - top)) / (width * height) };
  }
}

/** Sums of pairs of images, and of their labels (Zhang et al., "mixup", ICLR 2018). */
export const MixUp = /* @__PURE__ */ callable('MixUp', MixUpMix);
export type MixUp = MixUpMix;

/** Boxes of images that show the image before, and labels in proportion (Yun et al., "CutMix", ICCV 2019). */
export const CutMix = /* @__PURE__ */ callable('CutMix', CutMixMix);
export type CutMix = CutMixMix;
