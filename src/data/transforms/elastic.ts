import { fail, show } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { sameShape } from '../../core/shape.js';
import { cast, contiguous, expand, mul, rand, select, stack, sub } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { blurred } from './blur.js';
import type { PerspectiveOptions } from './perspective.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';
import { warp } from './warp.js';

/**
 * Images whose pixels show places moved by `displacement`: [1, H, W, 2] for all images, or [N, H, W, 2], x before y, in units
 * in which an image is 2 wide and 2 high. torchvision's `functional.elastic_transform`.
 */
export function elastic(input: Tensor, displacement: Tensor, options: PerspectiveOptions = {}): Tensor {
  const { count, height, width } = imagesOf('elastic', input);
  const wanted = [displacement.shape[0] === 1 ? 1 : count, height, width, 2];
  if (!sameShape(displacement.shape, wanted)) {
    fail('shape', `elastic: expected a displacement ${show(wanted)}, got ${show(displacement.shape)}.`);
  }
  return scope(() => {
    const field = contiguous(expand(cast(displacement, 'float32'), [count, height, width, 2]));
    return warp('elastic', input, 'Field', field, { interpolation: 'bilinear', ...options });
  });
}

type Pair = readonly [x: number, y: number];

function pairOf(what: string, value: number | Pair): Pair {
  const pair: Pair = typeof value === 'number' ? [value, value] : value;
  if (pair.length !== 2 || !pair.every((v) => v >= 0)) {
    fail('argument', `ElasticTransform: ${what} must be ≥ 0, one number or [x, y], got ${show(pair)}.`);
  }
  return pair;
}

export interface ElasticOptions extends PerspectiveOptions {
  /** How far pixels move: one number, or along x and along y. Default 50. */
  readonly alpha?: number | Pair;
  /** How smoothly, as the standard deviation of a blur in pixels: one number, or along x and along y. Default 5. */
  readonly sigma?: number | Pair;
}

class ElasticTransformTransform implements Transform {
  readonly alpha: Pair;
  readonly sigma: Pair;

  constructor(private readonly options: ElasticOptions = {}) {
    this.alpha = pairOf('alpha', options.alpha ?? 50);
    this.sigma = pairOf('sigma', options.sigma ?? 5);
  }

  /** How far each pixel of each image moves, [N, H, W, 2]: noise in (−1, 1), blurred, alpha pixels of the edge's length. */
  private displacement(streams: readonly Generator[], height: number, width: number): Tensor {
    const component = (sigma: number, alpha: number, edge: number): Tensor => {
      const noise = stack(streams.map((stream) => rand([1, height, width], { generator: stream })));
      const field = sub(mul(noise, 2), 1);
      // The kernel reaches four standard deviations to either side, an odd number of pixels in all. Both directions are
      // blurred by the sigmas of both axes, as torchvision does.
      const size = Math.trunc(8 * sigma + 1) | 1;
      const smooth =
        sigma > 0 && this.sigma.every((s) => s > 0)
          ? blurred('ElasticTransform', field, [size, size], new Array<Pair>(streams.length).fill(this.sigma))
          : field;
      return select(mul(smooth, alpha / edge), 1, 0);
    };
    // torchvision divides what moves along x by the height; images that are not square keep to that.
    const x = component(this.sigma[0], this.alpha[0], height);
    return stack([x, component(this.sigma[1], this.alpha[1], width)], 3);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const { count, height, width } = imagesOf('ElasticTransform', input);
    const own = streamsFor('ElasticTransform', count, streams);
    if (count === 0) return input;
    return scope(() => elastic(input, this.displacement(own, height, width), this.options));
  }
}

/**
 * Images as if seen through uneven glass (Simard et al., "Best practices for convolutional neural networks", ICDAR 2003):
 * every pixel moves by a smooth random amount.
 */
export const ElasticTransform = /* @__PURE__ */ callable('ElasticTransform', ElasticTransformTransform);
export type ElasticTransform = ElasticTransformTransform;
