import { noGrad, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul, sub } from './arithmetic.js';
import { expand } from './broadcast.js';
import { ge, le, logicalAnd, where } from './compare.js';
import { zerosLike } from './create.js';
import { type GridPadding, placeOf, unnormalized } from './gridplace.js';
import { gatherOp } from './indexing.js';
import { cast, reshape, select } from './movement.js';
import { checkDevice, checkTensor, op } from './op.js';
import { at, build, type Reference, type Sample, spread } from './sheet.js';
import { clamp, floor, round } from './unary.js';

/**
 * Sampling of images [N, C, H, W] and volumes [N, C, D, H, W] at the places of a grid: the second half of a spatial
 * transformer (Jaderberg et al. 2015). What is sampled is a sum of neighbours with weights that are polynomials of the
 * place, so that the gradients of both are those of gathers and products.
 */

export type GridMode = 'bilinear' | 'nearest' | 'bicubic';

export interface GridSampleOptions {
  /** Default 'bilinear', which on volumes is trilinear; 'bicubic' is for images alone. */
  readonly mode?: GridMode;
  /** What lies outside. Default 'zeros'. */
  readonly paddingMode?: GridPadding;
  /** Whether −1 and 1 are the centres of the corner pixels, or their corners. Default false. */
  readonly alignCorners?: boolean | null;
}

/** What follows the grid, by position or by name. */
export type GridSampleArguments = readonly [
  mode?: GridMode | GridSampleOptions,
  paddingMode?: GridPadding | GridSampleOptions,
  alignCorners?: boolean | null | GridSampleOptions,
];

/** The pixels of input [N, C, P], flattened from `sizes`, at whole places [N, Q] of each direction: [N, C, Q]. */
function pixels(flat: Tensor, sizes: readonly number[], places: readonly Tensor[], padding: GridPadding): Tensor {
  const [n, c] = flat.shape as [number, number];
  const q = places[0]?.shape[1] as number;
  const { index, isInside } = noGrad(() => {
    let index: Tensor | null = null;
    let isInside: Tensor | null = null;
    for (const [a, place] of places.entries()) {
      const last = (sizes[a] as number) - 1;
      const whole = cast(clamp(place, 0, last), 'int32');
      index = index === null ? whole : add(mul(index, last + 1), whole);
      if (padding !== 'zeros') continue;
      const inside = logicalAnd(ge(place, 0), le(place, last));
      isInside = isInside === null ? inside : logicalAnd(isInside, inside);
    }
    return { index: index as Tensor, isInside };
  });
  const values = gatherOp(flat, expand(reshape(index, [n, 1, q]), [n, c, q]), 2);
  return isInside === null ? values : where(reshape(isInside, [n, 1, q]), values, 0);
}

/** Σ of the 2ᴰ corners around each place, weighted by how near they are. */
function linearly(flat: Tensor, sizes: readonly number[], places: readonly Tensor[], padding: GridPadding): Tensor {
  const lower = places.map((x) => noGrad(() => floor(x)));
  const upper = lower.map((x) => noGrad(() => add(x, 1)));
  const weights = places.map((x, a) => {
    const t = sub(x, lower[a] as Tensor);
    return [sub(1, t), t] as const;
  });
  let sum: Tensor | null = null;
  for (let corner = 0; corner < 2 ** places.length; corner++) {
    const sides = places.map((_, a) => (corner >> a) & 1);
    const ends = sides.map((side, a) => (side === 0 ? lower : upper)[a] as Tensor);
    const weight = sides.map((side, a) => weights[a]?.[side] as Tensor).reduce((p, w) => mul(p, w));
    const term = mul(pixels(flat, sizes, ends, padding), beside(weight));
    sum = sum === null ? term : add(sum, term);
  }
  return sum as Tensor;
}

/** [N, Q] as [N, 1, Q], to stand beside every channel. */
function beside(x: Tensor): Tensor {
  return reshape(x, [x.shape[0] as number, 1, x.shape[1] as number]);
}

const A = -0.75;

/** The weights of the four pixels around a place t after the second of them (Keys 1981). */
function cubicWeights(t: Tensor): readonly Tensor[] {
  const s = sub(1, t);
  const near = (x: Tensor): Tensor => add(mul(mul(x, x), sub(mul(x, A + 2), A + 3)), 1);
  const far = (x: Tensor): Tensor => mul(x, add(mul(x, sub(mul(x, A), 2 * A)), A));
  return [far(t), near(t), near(s), far(s)];
}

/** Σ of the 16 pixels around each place, rows first. Outside, every pixel is found anew. */
function cubically(
  flat: Tensor,
  sizes: readonly number[],
  places: readonly Tensor[],
  padding: GridPadding,
  alignCorners: boolean,
): Tensor {
  const base = places.map((x) => noGrad(() => floor(x)));
  const weights = places.map((x, a) => cubicWeights(sub(x, base[a] as Tensor)));
  const around = base.map((x, a) =>
    [-1, 0, 1, 2].map((k) => noGrad(() => placeOf(add(x, k), sizes[a] as number, padding, alignCorners))),
  );
  const blend = (direction: number, of: (k: number) => Tensor): Tensor =>
    [0, 1, 2, 3]
      .map((k) => mul(of(k), beside(weights[direction]?.[k] as Tensor)))
      .reduce((sum, term) => add(sum, term));
  return blend(0, (j) =>
    blend(1, (i) => pixels(flat, sizes, [around[0]?.[j] as Tensor, around[1]?.[i] as Tensor], padding)),
  );
}

/** The nearest pixels. Their gradient to the grid is 0, but there is one. */
function nearest(
  flat: Tensor,
  sizes: readonly number[],
  places: readonly Tensor[],
  padding: GridPadding,
  grid: Tensor,
): Tensor {
  const values = pixels(
    flat,
    sizes,
    places.map((x) => noGrad(() => round(x))),
    padding,
  );
  const y = values.strided(values.shape, values.strides, values.offset);
  record('gridSample', [values, grid], [y], [grid], ([g], [held]) => [g as Tensor, zerosLike(held as Tensor)]);
  return y;
}

const MODES: readonly unknown[] = ['bilinear', 'nearest', 'bicubic'];
const PADDINGS: readonly unknown[] = ['zeros', 'border', 'reflection'];

function check(input: Tensor, grid: Tensor, mode: GridMode, padding: GridPadding): void {
  checkTensor('gridSample', grid, 'grid');
  checkDevice('gridSample', input, grid);
  if (!MODES.includes(mode)) {
    fail('argument', `gridSample: mode must be 'bilinear', 'nearest' or 'bicubic', got ${String(mode)}.`);
  }
  if (!PADDINGS.includes(padding)) {
    fail('argument', `gridSample: paddingMode must be 'zeros', 'border' or 'reflection', got ${String(padding)}.`);
  }
  const directions = input.ndim - 2;
  if (directions !== 2 && directions !== 3) {
    fail('shape', `gridSample: expected input [N, C, H, W] or [N, C, D, H, W], got ${show(input.shape)}.`);
  }
  if (grid.ndim !== input.ndim || grid.shape[0] !== input.shape[0] || grid.shape[input.ndim - 1] !== directions) {
    const wanted = `[${[input.shape[0], ...['D', 'H', 'W'].slice(3 - directions), directions].join(', ')}]`;
    fail('shape', `gridSample: expected grid ${wanted} for input ${show(input.shape)}, got ${show(grid.shape)}.`);
  }
  if (sizeOf(input.shape.slice(2)) === 0) fail('shape', `gridSample: input ${show(input.shape)} has no pixels.`);
  if (mode === 'bicubic' && directions !== 2) fail('argument', 'gridSample: bicubic is for images [N, C, H, W].');
  for (const t of [input, grid]) {
    if (!traits[t.dtype].isFloat)
      fail('dtype', `gridSample: expected floating point, got ${t.dtype}. Use .to('float32').`);
  }
}

/**
 * `input` [N, C, H, W] at the places of `grid` [N, OH, OW, 2], which are (x, y) from −1 to 1: [N, C, OH, OW]. Volumes
 * [N, C, D, H, W] take (x, y, z) of [N, OD, OH, OW, 3].
 */
export const gridSample = op(
  leading('gridSample', ['grid'], (input: Tensor, grid: Tensor, ...rest: GridSampleArguments): Tensor => {
    checkTensor('gridSample', input);
    const options = readArguments<GridSampleOptions>('gridSample', rest, ['mode', 'paddingMode', 'alignCorners']);
    const { mode = 'bilinear', paddingMode = 'zeros' } = options;
    const alignCorners = options.alignCorners ?? false;
    check(input, grid, mode, paddingMode);
    const [n, c] = input.shape as [number, number];
    const sizes = input.shape.slice(2);
    const out = grid.shape.slice(1, -1);
    const flat = reshape(cast(input, 'float32'), [n, c, sizeOf(sizes)]);
    const places = sizes.map((size, a) => {
      // The grid names the last direction first.
      const given = reshape(select(cast(grid, 'float32'), -1, sizes.length - 1 - a), [n, sizeOf(out)]);
      const x = unnormalized(given, size, alignCorners);
      return mode === 'bicubic' ? x : placeOf(x, size, paddingMode, alignCorners);
    });
    const y =
      mode === 'bilinear'
        ? linearly(flat, sizes, places, paddingMode)
        : mode === 'bicubic'
          ? cubically(flat, sizes, places, paddingMode, alignCorners)
          : nearest(flat, sizes, places, paddingMode, grid);
    return cast(reshape(y, [n, c, ...out]), input.dtype);
  }),
  {
    name: 'gridSample',
    family: 'image',
    doc: '`input` [N, C, H, W] at the places of `grid` [N, OH, OW, 2]; [N, C, OH, OW].',
    dtypes: ['float32'],
    differentiable: [true, true],
    oracle: ([input, grid], args) => reference(input as Reference, grid as Reference, args),
    samples: (): Sample[] => [
      { inputs: [spread([2, 2, 4, 5]), amid([4, 5], [2, 3, 3])] },
      { inputs: [spread([1, 2, 3, 3]), amid([3, 3], [1, 2, 4], true)], args: [{ alignCorners: true }] },
      { inputs: [spread([1, 2, 3, 4]), amid([3, 4], [1, 2, 3])] },
      { inputs: [spread([1, 2, 3, 2, 4]), amid([3, 2, 4], [1, 1, 2, 2], true)], args: [{ alignCorners: true }] },
    ],
    tolerance: 4e-6,
  },
);

/** A grid whose places lie well between the pixels of an image of `sizes`, on it and up to two pixels beside it. */
function amid(sizes: readonly number[], out: readonly number[], aligned = false): Reference {
  let k = 0;
  return build([...out, sizes.length], (index) => {
    const size = sizes[sizes.length - 1 - (index[out.length] as number)] as number;
    const pixel = (++k % (size + 3)) - 2 + 0.3 + 0.4 * ((k * 0.6180339887498949) % 1);
    return aligned ? (2 * pixel) / (size - 1) - 1 : (2 * pixel + 1) / size - 1;
  });
}

/** Linear sampling with zeros outside, in float64. */
function reference(input: Reference, grid: Reference, args: readonly unknown[]): Reference {
  const aligned = ((args[0] ?? {}) as GridSampleOptions).alignCorners ?? false;
  const sizes = input.shape.slice(2);
  const out = grid.shape.slice(1, -1);
  return build([...input.shape.slice(0, 2), ...out], (index) => {
    const [n, c, ...spot] = index as [number, number, ...number[]];
    const places = sizes.map((size, a) => {
      const g = at(grid, [n, ...spot, sizes.length - 1 - a]);
      return aligned ? ((g + 1) / 2) * (size - 1) : ((g + 1) * size - 1) / 2;
    });
    let sum = 0;
    for (let corner = 0; corner < 2 ** sizes.length; corner++) {
      const ends = places.map((x, a) => Math.floor(x) + ((corner >> a) & 1));
      if (ends.some((e, a) => e < 0 || e >= (sizes[a] as number))) continue;
      sum += at(input, [n, c, ...ends]) * places.reduce((w, x, a) => w * (1 - Math.abs(x - (ends[a] as number))), 1);
    }
    return sum;
  });
}
