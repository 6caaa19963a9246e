import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import type { Tensor } from '../../tensor.js';
import { between, type Range } from './numbers.js';
import { drawn } from './pixels.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';

/** One odd size for both directions, or that along x and along y. */
export type KernelSize = number | readonly [x: number, y: number];

/** One standard deviation in pixels for both directions, or that along x and along y. */
export type Sigma = number | readonly [x: number, y: number];

function kernelSizeOf(name: string, size: KernelSize): readonly [x: number, y: number] {
  const pair: readonly [number, number] = typeof size === 'number' ? [size, size] : size;
  if (pair.length !== 2 || !pair.every((k) => Number.isInteger(k) && k > 0 && k % 2 === 1)) {
    fail('argument', `${name}: kernelSize must be odd and > 0, one number or [x, y], got ${show(pair)}.`);
  }
  return pair;
}

/** Weights of a bell curve at whole distances from its middle; they add up to 1. */
function bell(size: number, sigma: number): number[] {
  const weights = Array.from({ length: size }, (_, i) =>
    elementary.exp(-0.5 * elementary.square((i - (size - 1) / 2) / sigma)),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Blurs each image with a bell curve of its own. */
export function blurred(
  name: string,
  input: Tensor,
  [across, down]: readonly [x: number, y: number],
  sigmas: readonly (readonly [x: number, y: number])[],
): Tensor {
  const { count, channels, height, width } = imagesOf(name, input);
  if (across >> 1 >= width || down >> 1 >= height) {
    fail(
      'argument',
      `${name}: a kernel of ${across} × ${down} needs images larger than ${across >> 1} × ${down >> 1}, whose edges it ` +
        `mirrors; got ${width} × ${height} (x × y). Use a smaller one, or Resize the images first.`,
    );
  }
  return drawn(name, input, input.shape, {
    kernel: 'blur',
    work: count * channels * height,
    tables: [
      Float32Array.from(sigmas.flatMap(([x]) => bell(across, x))),
      Float32Array.from(sigmas.flatMap(([, y]) => bell(down, y))),
    ],
    ints: [channels, height, width, across, down],
    scratch: 4 * (width + across + 32),
  });
}

/**
 * Images blurred by a Gaussian of `kernelSize` pixels; what lies beyond an edge is the image mirrored. Default of sigma:
 * 0.15 · kernelSize + 0.35. torchvision's `functional.gaussian_blur`.
 */
export function gaussianBlur(input: Tensor, kernelSize: KernelSize, sigma?: Sigma | null): Tensor {
  const size = kernelSizeOf('gaussianBlur', kernelSize);
  const [x, y] =
    sigma === undefined || sigma === null
      ? size.map((k) => 0.15 * k + 0.35)
      : typeof sigma === 'number'
        ? [sigma, sigma]
        : sigma;
  if (!(x !== undefined && y !== undefined && x > 0 && y > 0)) {
    return fail('argument', `gaussianBlur: sigma must be > 0, got ${String(sigma)}.`);
  }
  const { count } = imagesOf('gaussianBlur', input);
  return blurred('gaussianBlur', input, size, new Array<readonly [number, number]>(count).fill([x, y]));
}

class GaussianBlurTransform implements Transform {
  private readonly kernelSize: readonly [x: number, y: number];
  readonly sigma: Range;

  constructor(kernelSize: KernelSize, sigma: number | Range = [0.1, 2]) {
    this.kernelSize = kernelSizeOf('GaussianBlur', kernelSize);
    this.sigma = typeof sigma === 'number' ? [sigma, sigma] : sigma;
    if (!(this.sigma.length === 2 && this.sigma[0] > 0 && this.sigma[0] <= this.sigma[1])) {
      fail('argument', `GaussianBlur: sigma must be > 0 or [least, most], got ${String(sigma)}.`);
    }
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const own = streamsFor('GaussianBlur', imagesOf('GaussianBlur', input).count, streams);
    const sigmas = own.map((stream): [number, number] => {
      const sigma = between(stream, this.sigma);
      return [sigma, sigma];
    });
    return blurred('GaussianBlur', input, this.kernelSize, sigmas);
  }
}

/** Images blurred by a Gaussian whose standard deviation is drawn from `sigma` (default [0.1, 2]), or is that number. */
export const GaussianBlur = /* @__PURE__ */ callable('GaussianBlur', GaussianBlurTransform);
export type GaussianBlur = GaussianBlurTransform;
