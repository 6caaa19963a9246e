import { pooling } from '#binary';
import { record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import type { KernelName } from '../core/device.js';
import { fail } from '../core/errors.js';
import { keywords, leading, type Named } from '../core/keywords.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { halfLike } from './halflike.js';
import { largest, type PlaneMax, type Pooled } from './maxpool.js';
import { cast } from './movement.js';
import { dense, empty, type Op, op } from './op.js';
import { checkImage, depthOf, type PlaneField, type PoolField, planeGrain, planeOf, reimage } from './poolfield.js';
import { type ValuesAndIndices, valuesAndIndices } from './reduce.js';
import { at, build, type Reference, type Sample, spread } from './sheet.js';
import type { Rank, RankEntry } from './window.js';

/**
 * Pooling to a size: output o of O covers the inputs ⌊o · I / O⌋ up to, not including, ⌈(o + 1) · I / O⌉ of each direction.
 */

/** One size for all directions or one for each; null keeps that of the image. */
export type OutputSize = number | null | readonly (number | null)[];

export interface AdaptiveMaxPoolOptions<I extends boolean = boolean> {
  /** Also give the places of the largest elements, counted through the image in row-major order. Default false. */
  readonly returnIndices?: I;
}

export type AdaptiveMaxPoolArguments = readonly [returnIndices?: boolean | AdaptiveMaxPoolOptions];

export type AsksAdaptive<A> = A extends readonly [true | { readonly returnIndices: true }] ? true : false;

type AdaptiveAvgPool = Op<(input: Tensor, ...rest: Named<[outputSize: OutputSize], readonly ['outputSize']>) => Tensor>;

/** All by name. */
export type NamedAdaptiveMaxPool = AdaptiveMaxPoolOptions & { readonly outputSize: OutputSize };

type AdaptiveMaxPool = Op<{
  <const A extends AdaptiveMaxPoolArguments>(
    input: Tensor,
    outputSize: OutputSize,
    ...rest: A
  ): Pooled<AsksAdaptive<A>>;
  <const O extends NamedAdaptiveMaxPool>(input: Tensor, options: O): Pooled<AsksAdaptive<[O]>>;
}>;

/** A field whose windows the kernels work out themselves. */
function fieldOf(name: string, rank: Rank, image: readonly number[], outputSize: OutputSize): PoolField {
  const sizes = typeof outputSize === 'number' || outputSize === null ? [outputSize] : outputSize;
  const all =
    Array.isArray(sizes) && sizes.length === 1 ? new Array<number | null>(rank).fill(sizes[0] ?? null) : sizes;
  const out = Array.isArray(all) ? all.map((s: number | null, i) => s ?? (image[i] as number)) : [];
  if (out.length !== rank || !out.every((s) => Number.isInteger(s) && s >= 0)) {
    fail(
      'argument',
      `${name}: outputSize must be one whole number ≥ 0 or ${rank}, null keeping a size; got ${String(outputSize)}.`,
    );
  }
  const [ones, zeros] = [new Array<number>(rank).fill(1), new Array<number>(rank).fill(0)];
  return { image, kernel: ones, stride: ones, padding: zeros, dilation: ones, out };
}

function launch(kernel: KernelName, to: Tensor, from: Tensor, planes: number, f: PlaneField): void {
  to.storage.device.launch({
    kernel,
    work: planes,
    grain: planeGrain(sizeOf(f.image)),
    writes: [to],
    reads: [dense(from)],
    ints: [planes, ...f.image, ...f.out],
  });
}

/** Means in planes: x [.., H, W] → [.., OH, OW]. */
function average(x: Tensor, f: PlaneField): Tensor {
  const lead = x.shape.slice(0, -2);
  const y = empty(x, [...lead, ...f.out], 'float32', 'adaptiveAvgPool2d');
  launch(pooling.kernel('adaptiveAvgPool2d_f32'), y, x, sizeOf(lead), f);
  record('adaptiveAvgPool2d', [x], [y], [], ([g]) => [averageBack(g as Tensor, f)]);
  return y;
}

function averageBack(dy: Tensor, f: PlaneField): Tensor {
  const lead = dy.shape.slice(0, -2);
  const dx = empty(dy, [...lead, ...f.image], 'float32', 'adaptiveAvgPool2d');
  launch(pooling.kernel('adaptiveAvgPool2d_grad_f32'), dx, dy, sizeOf(lead), f);
  record('adaptiveAvgPool2dGrad', [dy], [dx], [], ([g]) => [average(g as Tensor, f)]);
  return dx;
}

const regionMax: PlaneMax = (x, planes, f, shape, wanted) => {
  const values = empty(x, shape, 'float32', 'adaptiveMaxPool2d');
  const places = wanted ? empty(x, shape, 'int32', 'adaptiveMaxPool2d') : null;
  x.storage.device.launch({
    kernel: pooling.kernel('adaptiveMaxPool2d_f32'),
    work: planes,
    grain: planeGrain(sizeOf(f.image)),
    writes: [values, places],
    reads: [x],
    ints: [planes, ...f.image, ...f.out],
  });
  return { values, places };
};

/** `of` the values that each output covers. */
function reference(rank: Rank, a: Reference, size: OutputSize, of: (values: readonly number[]) => number): Reference {
  const image = a.shape.slice(-rank);
  const { out } = fieldOf('oracle', rank, image, size);
  return build([...a.shape.slice(0, -rank), ...out], (index) => {
    const region = index.slice(-rank).map((o, i) => {
      const [n, count] = [image[i] as number, out[i] as number];
      const begin = Math.floor((o * n) / count);
      return { begin, size: Math.ceil(((o + 1) * n) / count) - begin };
    });
    const sizes = region.map((r) => r.size);
    const values = build(sizes, (k) =>
      at(a, [...index.slice(0, -rank), ...region.map((r, i) => r.begin + (k[i] as number))]),
    );
    return of([...values.data]);
  });
}

/** Makes the adaptive average pool of `rank` directions. */
// @__NO_SIDE_EFFECTS__
function adaptiveAvgPool(name: string, rank: Rank, entry: RankEntry): AdaptiveAvgPool {
  const compute = (input: Tensor, outputSize: OutputSize): Tensor => {
    // PyTorch pools no channel of lines and images, but not of volumes.
    checkImage(name, rank, input, rank < 3 ? input.ndim - rank : 1);
    const f = fieldOf(name, rank, input.shape.slice(-rank), outputSize);
    const plane = planeOf(f);
    const slices = average(reimage(cast(input, 'float32'), Math.min(rank, 2), plane.image), plane);
    if (rank < 3) return halfLike(input, reimage(slices, 2, f.out));
    const depth = depthOf(f);
    return halfLike(input, reimage(average(reimage(slices, 3, depth.image), depth), 2, f.out));
  };
  return op(keywords(name, ['outputSize'], compute), {
    name,
    family: 'pool',
    doc: entry.doc,
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [size]) =>
      reference(rank, x as Reference, size as OutputSize, (v) => v.reduce((a, b) => a + b, 0) / v.length),
    samples: entry.samples,
    tolerance: 2e-6,
  });
}

/** Makes the adaptive maximum pool of `rank` directions. */
// @__NO_SIDE_EFFECTS__
function adaptiveMaxPool(name: string, rank: Rank, entry: RankEntry): AdaptiveMaxPool {
  const compute = (
    input: Tensor,
    outputSize: OutputSize,
    ...rest: AdaptiveMaxPoolArguments
  ): Tensor | ValuesAndIndices => {
    const { returnIndices = false } = readArguments<AdaptiveMaxPoolOptions>(name, rest, ['returnIndices']);
    checkImage(name, rank, input, 1);
    const f = fieldOf(name, rank, input.shape.slice(-rank), outputSize);
    const { values, places } = largest(name, input, f, regionMax, returnIndices);
    const largestOf = halfLike(input, values);
    return places === null ? largestOf : valuesAndIndices(largestOf, places as Tensor<'int32'>);
  };
  return op(leading(name, ['outputSize'], compute) as (...args: never[]) => unknown, {
    name,
    family: 'pool',
    doc: entry.doc,
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [size]) => reference(rank, x as Reference, size as OutputSize, (v) => Math.max(...v)),
    samples: entry.samples,
  }) as unknown as AdaptiveMaxPool;
}

const lines = (): Sample[] => [
  { inputs: [spread([2, 3, 8])], args: [1] },
  { inputs: [spread([2, 7])], args: [3] },
  { inputs: [spread([1, 2, 3])], args: [[5]] },
];

const images = (): Sample[] => [
  { inputs: [spread([2, 3, 4, 4])], args: [1] },
  { inputs: [spread([1, 2, 5, 7])], args: [[2, 3]] },
  { inputs: [spread([2, 3, 3])], args: [[4, null]] },
];

const volumes = (): Sample[] => [
  { inputs: [spread([2, 2, 3, 4, 2])], args: [1] },
  { inputs: [spread([1, 2, 5, 3, 4])], args: [[2, null, 3]] },
  { inputs: [spread([2, 2, 3, 3])], args: [[3, 4, 2]] },
];

/** The means of `outputSize` regions of a line: [N, C, L] → [N, C, outputSize], with or without N. */
export const adaptiveAvgPool1d = adaptiveAvgPool('adaptiveAvgPool1d', 1, {
  doc: 'The mean of windows chosen so that [N, C, L] becomes [N, C, outputSize].',
  samples: lines,
});

/** The means of as many regions as give [N, C, H, W] → [N, C, …outputSize], with or without N; null keeps a size. */
export const adaptiveAvgPool2d = adaptiveAvgPool('adaptiveAvgPool2d', 2, {
  doc: 'The mean of windows chosen so that [N, C, H, W] becomes [N, C, …outputSize].',
  samples: images,
});

/** The means of as many regions as give [N, C, D, H, W] → [N, C, …outputSize], with or without N; null keeps a size. */
export const adaptiveAvgPool3d = adaptiveAvgPool('adaptiveAvgPool3d', 3, {
  doc: 'The mean of windows chosen so that [N, C, D, H, W] becomes [N, C, …outputSize].',
  samples: volumes,
});

/** The largest elements of `outputSize` regions of a line: [N, C, L] → [N, C, outputSize]. Option: `returnIndices`. */
export const adaptiveMaxPool1d = adaptiveMaxPool('adaptiveMaxPool1d', 1, {
  doc: 'The largest element of windows chosen so that [N, C, L] becomes [N, C, outputSize].',
  samples: lines,
});

/** The largest elements of as many regions as give [N, C, H, W] → [N, C, …outputSize]. Option: `returnIndices`. */
export const adaptiveMaxPool2d = adaptiveMaxPool('adaptiveMaxPool2d', 2, {
  doc: 'The largest element of windows chosen so that [N, C, H, W] becomes [N, C, …outputSize].',
  samples: images,
});

/** The largest elements of as many regions as give [N, C, D, H, W] → [N, C, …outputSize]. Option: `returnIndices`. */
export const adaptiveMaxPool3d = adaptiveMaxPool('adaptiveMaxPool3d', 3, {
  doc: 'The largest element of windows chosen so that [N, C, D, H, W] becomes [N, C, …outputSize].',
  samples: volumes,
});
