import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { cast, clone, copy_, randn, select, slice, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import {
  between,
  checkProbability,
  checkRange,
  type Fill,
  type Range,
  roundHalfEven,
  wholeBetween,
} from './numbers.js';
import { fillOf, moved } from './pixels.js';
import type { Box } from './resize.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';
import type { Plane } from './warp.js';

const NOTHING: Box = [0, 0, 0, 0];

/** The box of each image filled with `value`. */
function erased(name: string, input: Tensor, boxes: readonly Box[], value: Fill): Tensor {
  const images = imagesOf(name, input);
  const { count, channels, height, width } = images;
  const values = fillOf(name, value, images);
  if (boxes.every(([, , h, w]) => h === 0 || w === 0)) return input;
  return scope(() => {
    const table = Float32Array.from({ length: count * channels }, (_, i) => values[i % channels] as number);
    return moved(name, input, input.shape, {
      kernel: 'erase',
      work: count * channels,
      tables: [Int32Array.from(boxes.flat()), cast(tensor(table, [count, channels]), input.dtype)],
      ints: [channels, height, width],
    });
  });
}

/** The part of each image from row `top` and column `left` on filled with `value`; torchvision's `functional.erase`. */
export function erase(input: Tensor, top: number, left: number, height: number, width: number, value: Fill): Tensor {
  const images = imagesOf('erase', input);
  const box: Box = [top, left, height, width];
  if (!box.every((v) => Number.isInteger(v) && v >= 0) || top + height > images.height || left + width > images.width) {
    fail('argument', `erase: the box ${show(box)} must lie within the image, ${images.height} × ${images.width}.`);
  }
  return erased('erase', input, new Array<Box>(images.count).fill(box), value);
}

export interface RandomErasingOptions {
  /** The probability that an image is changed. Default 0.5. */
  readonly p?: number;
  /** Range of the box's share of the image's area. Default [0.02, 0.33]. */
  readonly scale?: Range;
  /** Range of the box's height / width; its logarithm is uniform. Default [0.3, 3.3]. */
  readonly ratio?: Range;
  /** What stands in the box: one number, one for each channel, or 'random' for standard normal noise. Default 0. */
  readonly value?: Fill | 'random';
}

class RandomErasingTransform implements Transform {
  readonly p: number;
  readonly scale: Range;
  readonly ratio: Range;
  readonly value: Fill | 'random';

  constructor(options: RandomErasingOptions = {}) {
    const { p = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3], value = 0 } = options;
    this.p = checkProbability('RandomErasing', p);
    this.scale = checkRange('RandomErasing', 'scale', scale, 0, 1);
    this.ratio = checkRange('RandomErasing', 'ratio', ratio, 0, Number.POSITIVE_INFINITY);
    if (!(ratio[0] > 0)) fail('argument', 'RandomErasing: ratio must be > 0.');
    if (typeof value === 'string' && value !== 'random') {
      fail('argument', `RandomErasing: value must be a number, a list, or 'random', got '${String(value)}'.`);
    }
    this.value = value;
  }

  /** The box of one image, which may be empty: it is given up after ten tries. */
  parameters(stream: Generator, { height, width }: Plane): Box {
    if (stream.uniform() >= this.p) return NOTHING;
    const logRatio: Range = [elementary.log(this.ratio[0]), elementary.log(this.ratio[1])];
    for (let attempt = 0; attempt < 10; attempt++) {
      const area = height * width * between(stream, this.scale);
      const aspect = elementary.exp(between(stream, logRatio));
      const h = roundHalfEven(Math.sqrt(area * aspect));
      const w = roundHalfEven(Math.sqrt(area / aspect));
      if (h < height && w < width) {
        const top = wholeBetween(stream, 0, height - h);
        return [top, wholeBetween(stream, 0, width - w), h, w];
      }
    }
    return NOTHING;
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const images = imagesOf('RandomErasing', input);
    const own = streamsFor('RandomErasing', images.count, streams);
    const boxes = own.map((stream) => this.parameters(stream, images));
    if (this.value !== 'random') return erased('RandomErasing', input, boxes, this.value);
    if (boxes.every(([, , h, w]) => h === 0 || w === 0)) return input;
    if (input.dtype !== 'float32' && input.dtype !== 'float16') {
      fail(
        'dtype',
        `RandomErasing: 'random' draws normal noise, which ${input.dtype} cannot hold. Use ToTensor first.`,
      );
    }
    return scope(() => {
      const y = clone(input.detach());
      boxes.forEach(([top, left, h, w], n) => {
        if (h === 0 || w === 0) return;
        const noise = randn([images.channels, h, w], { generator: (own[n] as Generator).fork('noise') });
        const whole = y.ndim === 4 ? select(y, 0, n) : y;
        copy_(slice(slice(whole, 1, top, top + h), 2, left, left + w), noise);
      });
      return y;
    });
  }
}

/** A random box of each image erased, with probability p (Zhong et al., "Random erasing data augmentation", AAAI 2020). */
export const RandomErasing = /* @__PURE__ */ callable('RandomErasing', RandomErasingTransform);
export type RandomErasing = RandomErasingTransform;
