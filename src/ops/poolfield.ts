import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { reshape } from './movement.js';
import { checkTensor } from './op.js';
import { type Extent, extents, imageShapes, type Pair, type Rank } from './window.js';

/** What pools take, and the windows that follow from it. */

export interface PoolOptions<S extends Extent = Pair> {
  /** Step of the window. Default: its size. */
  readonly stride?: S | null;
  /** How far windows begin before the image, at most half their size. Default 0. */
  readonly padding?: S;
  /** Count windows that begin inside the padded image but end outside. Default false. */
  readonly ceilMode?: boolean;
}

export interface MaxPoolOptions<S extends Extent = Pair, I extends boolean = boolean> extends PoolOptions<S> {
  /** Distance of neighbouring elements of a window. Default 1. */
  readonly dilation?: S;
  /** Also give the places of the largest elements, counted through the image in row-major order. Default false. */
  readonly returnIndices?: I;
}

export interface AvgPoolOptions<S extends Extent = Pair> extends PoolOptions<S> {
  /** Count padding as zeros in the mean. Default true. */
  readonly countIncludePad?: boolean;
  /** Divide by this instead of the window's size. */
  readonly divisorOverride?: number | null;
}

/** What follows the window's size, by position or by name. */
export type MaxPoolArguments<S extends Extent = Pair> =
  | readonly [options?: MaxPoolOptions<S>]
  | readonly [
      stride?: S | null,
      padding?: S | MaxPoolOptions<S>,
      dilation?: S | MaxPoolOptions<S>,
      ceilMode?: boolean | MaxPoolOptions<S>,
      returnIndices?: boolean | MaxPoolOptions<S>,
      options?: MaxPoolOptions<S>,
    ];

export type AvgPoolArguments<S extends Extent = Pair> =
  | readonly [options?: AvgPoolOptions<S>]
  | readonly [
      stride?: S | null,
      padding?: S | AvgPoolOptions<S>,
      ceilMode?: boolean | AvgPoolOptions<S>,
      countIncludePad?: boolean | AvgPoolOptions<S>,
      divisorOverride?: number | null | AvgPoolOptions<S>,
    ];

export function readMaxPool<S extends Extent>(name: string, given: MaxPoolArguments<S>): MaxPoolOptions<S> {
  return readArguments(name, given, ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices']);
}

export function readAvgPool<S extends Extent>(name: string, given: AvgPoolArguments<S>): AvgPoolOptions<S> {
  return readArguments(name, given, ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride']);
}

type Two = readonly [number, number];

/** The windows of one image, in one to three directions. */
export interface PoolField {
  readonly image: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly out: readonly number[];
}

/** Windows of planes, which is what the kernels know. */
export interface PlaneField extends PoolField {
  readonly image: Two;
  readonly kernel: Two;
  readonly stride: Two;
  readonly padding: Two;
  readonly dilation: Two;
  readonly out: Two;
}

/** Throws unless input is [N, C, …] or [C, …], of which the first `mayBeEmpty` sizes may be 0; default: N. */
export function checkImage(name: string, rank: Rank, input: Tensor, mayBeEmpty?: number): void {
  checkTensor(name, input);
  const free = mayBeEmpty ?? input.ndim - rank - 1;
  const hasRank = input.ndim === rank + 1 || input.ndim === rank + 2;
  if (!hasRank || input.shape.indexOf(0, free) >= 0) {
    const which = free === 0 ? 'no size' : free === 1 ? 'no size but the first' : 'no size of the image';
    fail('shape', `${name}: expected ${imageShapes(rank)} with ${which} being 0, got ${show(input.shape)}.`);
  }
}

/** The windows that the options ask for. */
export function poolField(
  name: string,
  rank: Rank,
  image: readonly number[],
  kernelSize: Extent,
  options: MaxPoolOptions<Extent>,
): PoolField {
  const kernel = extents(name, 'kernelSize', kernelSize, rank, 1);
  const stride = extents(name, 'stride', options.stride ?? kernelSize, rank, 1);
  const padding = extents(name, 'padding', options.padding ?? 0, rank, 0);
  const dilation = extents(name, 'dilation', options.dilation ?? 1, rank, 1);
  const out: number[] = [];
  const field = { image, kernel, stride, padding, dilation, out };
  for (let i = 0; i < rank; i++) {
    if ((padding[i] as number) > (kernel[i] as number) / 2) {
      fail('argument', `${name}: padding must be at most half the window, got ${show(padding)} for ${show(kernel)}.`);
    }
    const size = poolSize(field, i, options.ceilMode ?? false);
    if (size < 1) {
      fail(
        'shape',
        `${name}: a window of ${show(kernel)} with padding ${show(padding)} does not fit into ${show(image)}.`,
      );
    }
    out.push(size);
  }
  return field;
}

/** Number of windows along direction i. */
function poolSize(f: Omit<PoolField, 'out'>, i: number, ceilMode: boolean): number {
  const [size, stride, padding] = [f.image[i] as number, f.stride[i] as number, f.padding[i] as number];
  const room = size + 2 * padding - (f.dilation[i] as number) * ((f.kernel[i] as number) - 1) - 1;
  const count = (ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
  // In ceil mode the last window must begin inside the image or its left padding.
  return ceilMode && (count - 1) * stride >= size + padding ? count - 1 : count;
}

function isOfPlanes(f: PoolField): f is PlaneField {
  return f.image.length === 2;
}

/** The last two directions as windows of planes; a line gets a first direction of size 1. */
export function planeOf(f: PoolField): PlaneField {
  if (isOfPlanes(f)) return f;
  const two = (sizes: readonly number[], one: number) => [one, ...sizes].slice(-2) as unknown as Two;
  return {
    image: two(f.image, 1),
    kernel: two(f.kernel, 1),
    stride: two(f.stride, 1),
    padding: two(f.padding, 0),
    dilation: two(f.dilation, 1),
    out: two(f.out, 1),
  };
}

/**
 * The first of three directions as windows of planes [D, OH · OW]. Maxima and means of boxes are those of their slices'
 * maxima and means.
 */
export function depthOf(f: PoolField): PlaneField {
  const of = (sizes: readonly number[], other: number): Two => [sizes[0] as number, other];
  const across = sizeOf(f.out.slice(1));
  return {
    image: of(f.image, across),
    kernel: of(f.kernel, 1),
    stride: of(f.stride, 1),
    padding: of(f.padding, 0),
    dilation: of(f.dilation, 1),
    out: of(f.out, across),
  };
}

/** `x` [.., …image] with `sizes` in the place of its last `rank` dimensions; the same tensor where they are equal. */
export function reimage(x: Tensor, rank: number, sizes: readonly number[]): Tensor {
  const shape = [...x.shape.slice(0, x.ndim - rank), ...sizes];
  return shape.length === x.ndim && shape.every((s, i) => s === x.shape[i]) ? x : reshape(x, shape);
}

/** Planes a thread should at least get. */
export function planeGrain(elements: number): number {
  return Math.max(1, Math.floor(32768 / Math.max(elements, 1)));
}
