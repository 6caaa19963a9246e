import { pooling } from '#binary';
import { isGradEnabled, noGrad, record } from '../autograd/index.js';
import { leading } from '../core/keywords.js';
import { scope } from '../core/scoping.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul } from './arithmetic.js';
import { logicalOr, lt, where } from './compare.js';
import { floorDivide } from './division.js';
import { maximum } from './extremes.js';
import { halfLike } from './halflike.js';
import { gatherOp } from './indexing.js';
import { cast, reshape } from './movement.js';
import { dense, empty, type Op, op } from './op.js';
import {
  checkImage,
  depthOf,
  type MaxPoolArguments,
  type MaxPoolOptions,
  type PlaneField,
  type PoolField,
  planeGrain,
  planeOf,
  poolField,
  readMaxPool,
} from './poolfield.js';
import { referencePool } from './pooloracle.js';
import { poolSpan } from './poolspan.js';
import { type ValuesAndIndices, valuesAndIndices } from './reduce.js';
import { type Reference, spread } from './sheet.js';
import type { Extent, Pair, Rank, RankEntry, Single, Triple } from './window.js';

/** The largest elements of windows. */

/** Whether arguments ask for indices. */
export type Asks<A> = A extends readonly [...unknown[], { readonly returnIndices: true }]
  ? true
  : A extends readonly [unknown, unknown, unknown, unknown, true, ...unknown[]]
    ? true
    : false;

/** What a pool gives: the values, or with returnIndices also their places. */
export type Pooled<I> = I extends true ? ValuesAndIndices : Tensor;

/** All by name. */
export type NamedMaxPool<S extends Extent> = MaxPoolOptions<S> & { readonly kernelSize: S };

type MaxPool<S extends Extent> = Op<{
  <const A extends MaxPoolArguments<S>>(input: Tensor, kernelSize: S, ...rest: A): Pooled<Asks<A>>;
  <const O extends NamedMaxPool<S>>(input: Tensor, options: O): Pooled<Asks<[O]>>;
}>;

/** Values and, where they are wanted, their places in the image. */
export interface Largest {
  readonly values: Tensor;
  readonly places: Tensor | null;
}

/** Finds the largest elements of `planes` planes in x: [.., …out]. */
export type PlaneMax = (x: Tensor, planes: number, f: PlaneField, shape: readonly number[], places: boolean) => Largest;

const windowMax: PlaneMax = (x, planes, f, shape, wanted) => {
  const values = empty(x, shape, 'float32', 'maxPool2d');
  const places = wanted ? empty(x, shape, 'int32', 'maxPool2d') : null;
  x.storage.device.launch({
    kernel: pooling.kernel('maxPool2d_f32'),
    work: planes,
    grain: planeGrain(sizeOf(f.image)),
    writes: [values, places],
    reads: [x],
    ints: [planes, ...f.image, ...f.out, ...f.kernel, ...f.stride, ...f.padding, ...f.dilation],
    scratch: 8 * poolSpan(f, f.dilation[1]),
  });
  return { values, places };
};

/** The places of the largest elements of boxes, from those among slices' maxima and those within each slice. */
function boxPlaces(f: PoolField, planes: number, among: Tensor, within: Tensor): Tensor {
  const across = sizeOf(f.out.slice(1));
  const depth = f.image[0] as number;
  const rows = reshape(among, [planes, sizeOf(f.out)]);
  // A box of padding alone has no place: −1.
  const inSlice = gatherOp(reshape(within, [planes, depth * across]), maximum(rows, 0), 1);
  const flat = add(mul(floorDivide(rows, across), sizeOf(f.image.slice(1))), inSlice);
  const hasNone = logicalOr(lt(rows, 0), lt(inSlice, 0));
  return reshape(where(hasNone, -1, flat), among.shape);
}

/** The largest elements of the windows of input [.., …image], by way of planes. Records one step. */
export function largest(name: string, input: Tensor, f: PoolField, planeMax: PlaneMax, indices: boolean): Largest {
  const rank = f.image.length;
  const wanted = indices || (isGradEnabled() && input.requiresGrad);
  const lead = input.shape.slice(0, input.ndim - rank);
  const planes = sizeOf(lead);
  const shape = [...lead, ...f.out];
  const { values, places } = noGrad((): Largest => {
    const x = dense(cast(input, 'float32'));
    if (rank < 3) return planeMax(x, planes, planeOf(f), shape, wanted);
    const depth = f.image[0] as number;
    const slices = planeMax(x, planes * depth, planeOf(f), [...lead, depth, ...f.out.slice(1)], wanted);
    const boxes = planeMax(slices.values, planes, depthOf(f), shape, wanted);
    slices.values.dispose();
    if (boxes.places === null || slices.places === null) return boxes;
    const [among, within] = [boxes.places, slices.places];
    const flat = scope(() => boxPlaces(f, planes, among, within));
    for (const step of [among, within]) step.dispose();
    return { values: boxes.values, places: flat };
  });
  if (places !== null) {
    const from = input.shape;
    const isOfWindows = planeMax === windowMax;
    const halves = isOfWindows && rank < 3 && isHalving(planeOf(f));
    record(name, [input], [values], [places], ([g], [held]) => [
      unpool(g as Tensor, held as Tensor, from, rank, halves, reach(f, isOfWindows)),
    ]);
  }
  if (indices) return { values, places };
  // The graph holds them now.
  places?.dispose();
  return { values, places: null };
}

/** Whether windows are 2 × 2, side by side, without padding, all inside, and four in a line or more. */
function isHalving({ image, out, kernel, stride, padding, dilation }: PlaneField): boolean {
  const fits = ([0, 1] as const).every(
    (d) => kernel[d] === 2 && stride[d] === 2 && padding[d] === 0 && dilation[d] === 1 && 2 * out[d] <= image[d],
  );
  return fits && out[1] >= 4;
}

/**
 * Where outputs can have taken their elements from, for devices that gather gradients: 1 for windows or 2 for the regions of
 * adaptive pooling, then sizes, outputs, kernel, stride, padding and dilation, each in three directions.
 */
function reach(f: PoolField, isOfWindows: boolean): number[] {
  const three = (sizes: readonly number[], one: number): number[] => [one, one, ...sizes].slice(-3);
  const { image, out, kernel, stride, padding, dilation } = f;
  const sizes = [three(image, 1), three(out, 1), three(kernel, 1), three(stride, 1), three(padding, 0)];
  return [isOfWindows ? 1 : 2, ...sizes.flat(), ...three(dilation, 1)];
}

/**
 * dy scattered to the places that won, in images of `shape`, whose last `rank` dimensions `places` counts through. `halves`
 * says that they won in windows of 2 × 2 side by side, `within` what `reach` says.
 */
function unpool(
  dy: Tensor,
  places: Tensor,
  shape: readonly number[],
  rank: number,
  halves = false,
  within: readonly number[] = [0],
): Tensor {
  const dx = empty(dy, shape, 'float32', 'maxUnpool');
  const [inSize, outSize] = [sizeOf(shape.slice(-rank)), sizeOf(dy.shape.slice(-rank))];
  const planes = sizeOf(shape.slice(0, -rank));
  dy.storage.device.launch({
    kernel: pooling.kernel('maxPool2d_grad_f32'),
    work: planes,
    grain: planeGrain(inSize),
    writes: [dx],
    reads: [dense(dy), places],
    ints: [
      planes,
      inSize,
      outSize,
      halves ? (shape.at(-1) as number) : 0,
      halves ? (dy.shape.at(-1) as number) : 0,
      ...within,
    ],
  });
  record('maxUnpool', [dy], [dx], [places], ([g], [held]) => [pick(g as Tensor, held as Tensor, rank)]);
  return dx;
}

/** The elements of x at `places`, −1 being none: the gradient of `unpool`. */
function pick(x: Tensor, places: Tensor, rank: number): Tensor {
  const [inSize, outSize] = [sizeOf(x.shape.slice(-rank)), sizeOf(places.shape.slice(-rank))];
  const planes = sizeOf(x.shape.slice(0, -rank));
  const y = noGrad(() => {
    const index = reshape(places, [planes, outSize]);
    const found = gatherOp(reshape(x, [planes, inSize]), maximum(index, 0), 1);
    return reshape(where(lt(index, 0), 0, found), places.shape);
  });
  const { shape } = x;
  record('maxPoolPick', [x], [y], [places], ([g], [held]) => [unpool(g as Tensor, held as Tensor, shape, rank)]);
  return y;
}

/** Makes the maximum pool of `rank` directions. */
// @__NO_SIDE_EFFECTS__
function maxPool<S extends Extent>(name: string, rank: Rank, entry: RankEntry): MaxPool<S> {
  const compute = (input: Tensor, kernelSize: S, ...rest: MaxPoolArguments<S>): Tensor | ValuesAndIndices => {
    const options = readMaxPool(name, rest);
    checkImage(name, rank, input);
    const f = poolField(name, rank, input.shape.slice(-rank), kernelSize, options as MaxPoolOptions<Extent>);
    const { values, places } = largest(name, input, f, windowMax, options.returnIndices ?? false);
    const largestOf = halfLike(input, values);
    return places === null ? largestOf : valuesAndIndices(largestOf, places as Tensor<'int32'>);
  };
  return op(leading(name, ['kernelSize'], compute) as (...args: never[]) => unknown, {
    name,
    family: 'pool',
    doc: entry.doc,
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [size, ...rest]) => {
      const image = x as Reference;
      const options = readMaxPool('oracle', rest as unknown as MaxPoolArguments<Extent>);
      const f = poolField('oracle', rank, image.shape.slice(-rank), size as Extent, options);
      return referencePool(image, f, (v) => v.reduce((a: number, e) => (e === null ? a : Math.max(a, e)), -Infinity));
    },
    samples: entry.samples,
  }) as unknown as MaxPool<S>;
}

/**
 * The largest element of each window: [N, C, L] → [N, C, OL], with or without N. Options: `stride`, `padding`, `dilation`,
 * `ceilMode`, `returnIndices` (then `{ values, indices }`). A NaN is the largest; the gradient goes to the first of equals.
 */
export const maxPool1d = maxPool<Single>('maxPool1d', 1, {
  doc: 'The largest element of each window: [N, C, L] → [N, C, OL].',
  samples: () => [
    { inputs: [spread([2, 3, 8])], args: [2] },
    { inputs: [spread([2, 7])], args: [3, { stride: 2, padding: 1, ceilMode: true }] },
    { inputs: [spread([1, 2, 9])], args: [2, 1, 1, 3] },
  ],
});

/** The largest element of each window: [N, C, H, W] → [N, C, OH, OW], with or without N. Options as in `maxPool1d`. */
export const maxPool2d = maxPool<Pair>('maxPool2d', 2, {
  doc: 'The largest element of each window: [N, C, H, W] → [N, C, OH, OW].',
  samples: () => [
    { inputs: [spread([2, 3, 4, 4])], args: [2] },
    { inputs: [spread([1, 2, 5, 7])], args: [[3, 2], { stride: 2, padding: 1 }] },
    { inputs: [spread([2, 5, 6])], args: [3, { stride: 2, ceilMode: true }] },
    { inputs: [spread([1, 1, 7, 7])], args: [2, { dilation: 2, stride: 1 }] },
  ],
});

/**
 * The largest element of each window: [N, C, D, H, W] → [N, C, OD, OH, OW], with or without N. Options as in `maxPool1d`.
 */
export const maxPool3d = maxPool<Triple>('maxPool3d', 3, {
  doc: 'The largest element of each window: [N, C, D, H, W] → [N, C, OD, OH, OW].',
  samples: () => [
    { inputs: [spread([2, 1, 4, 4, 2])], args: [2] },
    { inputs: [spread([1, 2, 3, 5, 4])], args: [[2, 3, 2], { stride: [1, 2, 2], padding: [1, 1, 0] }] },
    { inputs: [spread([2, 3, 4, 5])], args: [3, { stride: 2, ceilMode: true, padding: 1 }] },
    { inputs: [spread([1, 1, 5, 4, 3])], args: [2, { dilation: [2, 1, 2], stride: 1 }] },
  ],
});
