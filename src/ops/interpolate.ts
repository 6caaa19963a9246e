import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { cast } from './movement.js';
import { checkTensor, type Op, op } from './op.js';
import { resample, type Table, type Terms, tableOf } from './resample.js';
import { at, build, type Reference, type Sample, spread } from './sheet.js';

/** Resizing of signals [N, C, L], images [N, C, H, W] and volumes [N, C, D, H, W]. */

export type InterpolateMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear' | 'area';

export interface InterpolateOptions {
  /** The result's size: one number for all directions, or one for each. */
  readonly size?: number | readonly number[] | null;
  /** How many times the input's size the result has, rounded down. */
  readonly scaleFactor?: number | readonly number[] | null;
  /** Default 'nearest'. */
  readonly mode?: InterpolateMode;
  /** Whether the centres of corner pixels, and not their corners, coincide; for linear and cubic modes. Default false. */
  readonly alignCorners?: boolean | null;
  /** Whether places are computed from the rounded size instead of from `scaleFactor`. Default false. */
  readonly recomputeScaleFactor?: boolean | null;
  /** Whether each result of a smaller image blends all pixels it covers; for bilinear and bicubic. Default false. */
  readonly antialias?: boolean;
}

/** What follows the input, by position or by name. */
export type InterpolateArguments =
  | readonly [options?: InterpolateOptions]
  | readonly [
      size?: number | readonly number[] | null,
      scaleFactor?: number | readonly number[] | null | InterpolateOptions,
      mode?: InterpolateMode | InterpolateOptions,
      alignCorners?: boolean | null | InterpolateOptions,
      recomputeScaleFactor?: boolean | null | InterpolateOptions,
      antialias?: boolean | InterpolateOptions,
    ];

export const INTERPOLATE_NAMES = [
  'size',
  'scaleFactor',
  'mode',
  'alignCorners',
  'recomputeScaleFactor',
  'antialias',
] as const;

/** What a mode does along one direction, and the number of directions it is made for. */
const MODES = {
  nearest: { filter: 'nearest', directions: null },
  'nearest-exact': { filter: 'nearest-exact', directions: null },
  area: { filter: 'area', directions: null },
  linear: { filter: 'linear', directions: 1 },
  bilinear: { filter: 'linear', directions: 2 },
  trilinear: { filter: 'linear', directions: 3 },
  bicubic: { filter: 'cubic', directions: 2 },
} as const;

type Filter = (typeof MODES)[InterpolateMode]['filter'];

/** One direction of a resizing. */
interface Direction {
  readonly from: number;
  readonly to: number;
  /** The scale that the caller gave, if places follow it. */
  readonly factor: number | null;
  readonly filter: Filter;
  readonly alignCorners: boolean;
  readonly antialias: boolean;
}

// Places are computed in float32, as PyTorch does: at a boundary a place in float64 would fall into another cell.
const f32 = Math.fround;

/** Steps of the input for one of the result. */
function stepOf({ from, to, factor, alignCorners }: Direction): number {
  if (alignCorners) return to > 1 ? f32((from - 1) / (to - 1)) : 0;
  return f32(factor !== null && factor > 0 ? 1 / factor : from / to);
}

/** Keys' cubic convolution kernel: 1 at 0, 0 at other whole numbers; a is its slope at 1 (Keys 1981). */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** The terms of result p by a filter that is stretched over all that p covers, so that nothing falls between. */
function antialiased(direction: Direction, step: number, p: number): Terms {
  const { from, filter } = direction;
  const stretch = Math.max(step, 1);
  const support = (filter === 'cubic' ? 2 : 1) * stretch;
  const centre = f32(step * (p + 0.5));
  const first = Math.max(Math.trunc(f32(f32(centre - support) + 0.5)), 0);
  const last = Math.min(Math.trunc(f32(f32(centre + support) + 0.5)), from);
  const weigh = (x: number): number => (filter === 'cubic' ? cubic(x, -0.5) : Math.max(1 - Math.abs(x), 0));
  const weights = Array.from({ length: last - first }, (_, i) => weigh((first + i - centre + 0.5) / stretch));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w, i) => [first + i, total === 0 ? w : w / total]);
}

/** The input's places and weights for each place of the result. */
function terms(direction: Direction): (p: number) => Terms {
  const { from, to, filter, alignCorners } = direction;
  const step = stepOf(direction);
  const inside = (i: number): number => Math.min(Math.max(i, 0), from - 1);
  if (filter === 'nearest') return (p) => [[inside(Math.floor(f32(p * step))), 1]];
  if (filter === 'nearest-exact') return (p) => [[inside(Math.floor(f32((p + 0.5) * step))), 1]];
  if (filter === 'area') {
    return (p) => {
      const first = Math.floor((p * from) / to);
      const count = Math.ceil(((p + 1) * from) / to) - first;
      return Array.from({ length: count }, (_, i) => [first + i, 1 / count] as const);
    };
  }
  if (direction.antialias) return (p) => antialiased(direction, step, p);
  const source = (p: number): number => (alignCorners ? f32(step * p) : f32(f32(step * f32(p + 0.5)) - 0.5));
  if (filter === 'cubic') {
    return (p) => {
      const x = source(p);
      const i = Math.floor(x);
      return [-1, 0, 1, 2].map((k) => [inside(i + k), cubic(x - i - k, -0.75)] as const);
    };
  }
  return (p) => {
    const x = Math.max(source(p), 0);
    const i = Math.min(Math.floor(x), from - 1);
    const t = Math.min(Math.max(x - i, 0), 1);
    return [
      [i, 1 - t],
      [inside(i + 1), t],
    ];
  };
}

/** A number for each direction. */
function each(argument: string, value: number | readonly number[], count: number): readonly number[] {
  const all = typeof value === 'number' ? new Array<number>(count).fill(value) : value;
  if (all.length !== count) {
    fail('argument', `interpolate: ${argument} must have one number, or ${count}, got ${show(all)}.`);
  }
  return all;
}

/** The directions of a resizing of `shape`, or an error. */
function directionsOf(shape: readonly number[], options: InterpolateOptions): Direction[] {
  const { size = null, scaleFactor = null, mode = 'nearest', alignCorners = null, antialias = false } = options;
  const spatial = shape.slice(2);
  const count = spatial.length;
  if (!Object.hasOwn(MODES, mode)) {
    fail('argument', `interpolate: mode must be one of ${Object.keys(MODES).join(', ')}, got ${String(mode)}.`);
  }
  const { filter, directions } = MODES[mode];
  if (count < 1 || count > 3 || (directions !== null && directions !== count)) {
    const wanted = directions === null ? '[N, C, L], [N, C, H, W] or [N, C, D, H, W]' : `${directions + 2} dimensions`;
    fail('shape', `interpolate: mode ${mode} needs ${wanted}, got ${show(shape)}.`);
  }
  if ((filter === 'nearest' || filter === 'nearest-exact' || filter === 'area') && alignCorners !== null) {
    fail('argument', `interpolate: alignCorners is for linear and cubic modes, not for ${mode}.`);
  }
  if (antialias && mode !== 'bilinear' && mode !== 'bicubic') {
    fail('argument', `interpolate: antialias is for bilinear and bicubic, not for ${mode}.`);
  }
  if ((size === null) === (scaleFactor === null)) {
    fail('argument', 'interpolate: expected size or scaleFactor, and not both.');
  }
  const recompute = (options.recomputeScaleFactor ?? false) || filter === 'area';
  if (options.recomputeScaleFactor && size !== null) {
    fail('argument', 'interpolate: recomputeScaleFactor needs scaleFactor, got size.');
  }
  const factors = scaleFactor === null ? null : each('scaleFactor', scaleFactor, count);
  const sizes = factors?.map((f, i) => Math.floor((spatial[i] as number) * f)) ?? each('size', size ?? 0, count);
  if (spatial.some((s) => s < 1) || !sizes.every((s) => Number.isInteger(s) && s >= 1)) {
    fail('shape', `interpolate: sizes must be at least 1, got ${show(spatial)} to ${show(sizes)}.`);
  }
  return spatial.map((from, i) => ({
    from,
    to: sizes[i] as number,
    factor: recompute ? null : (factors?.[i] ?? null),
    filter,
    alignCorners: alignCorners ?? false,
    antialias,
  }));
}

function tables(shape: readonly number[], options: InterpolateOptions): Table[] {
  return directionsOf(shape, options).map((d) => tableOf(d.to, d.from, terms(d)));
}

/** `input` resized to `size`, or by `scaleFactor`: [N, C, …] → [N, C, …]. */
export const interpolate: Op<(input: Tensor, ...rest: InterpolateArguments) => Tensor> = op(
  (input: Tensor, ...rest: InterpolateArguments): Tensor => {
    checkTensor('interpolate', input);
    const options = readArguments<InterpolateOptions>('interpolate', rest, INTERPOLATE_NAMES);
    const moves = options.mode === undefined || options.mode.startsWith('nearest');
    if (!traits[input.dtype].isFloat && !(moves && input.dtype === 'uint8')) {
      fail('dtype', `interpolate: expected floating point, got ${input.dtype}. Use .to('float32').`);
    }
    const y = tables(input.shape, options).reduce<Tensor>(
      (x, table, i) => resample(x, i + 2, table),
      cast(input, 'float32'),
    );
    return cast(y, input.dtype);
  },
  {
    name: 'interpolate',
    family: 'image',
    doc: '`input` [N, C, …] resized to `size`, or by `scaleFactor`, by `mode`.',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [options]) =>
      tables((x as Reference).shape, options as InterpolateOptions).reduce((a, table, i) => {
        const d = i + 2;
        const rows = table.begins.length - 1;
        return build(
          a.shape.map((s, k) => (k === d ? rows : s)),
          (index) => {
            let sum = 0;
            const p = index[d] as number;
            for (let k = table.begins[p] as number; k < (table.begins[p + 1] as number); k++) {
              const from = index.map((v, e) => (e === d ? (table.places[k] as number) : v));
              sum += (table.weights[k] as number) * at(a, from);
            }
            return sum;
          },
        );
      }, x as Reference),
    samples: (): Sample[] => [
      { inputs: [spread([2, 2, 5])], args: [{ size: 8 }] },
      { inputs: [spread([1, 2, 4, 3])], args: [{ scaleFactor: 1.5, mode: 'nearest-exact' }] },
      { inputs: [spread([2, 1, 5])], args: [{ size: 3, mode: 'linear' }] },
      { inputs: [spread([1, 2, 3, 4])], args: [{ size: [5, 7], mode: 'bilinear' }] },
      { inputs: [spread([1, 2, 5, 4])], args: [{ size: [3, 9], mode: 'bilinear', alignCorners: true }] },
      { inputs: [spread([1, 1, 4, 5])], args: [{ scaleFactor: [2, 0.7], mode: 'bicubic' }] },
      { inputs: [spread([1, 1, 7, 6])], args: [{ size: 3, mode: 'bicubic', antialias: true }] },
      { inputs: [spread([1, 2, 3, 2, 4])], args: [{ size: [2, 5, 3], mode: 'trilinear' }] },
      { inputs: [spread([1, 2, 7, 5])], args: [{ size: [3, 4], mode: 'area' }] },
    ],
    tolerance: 2e-6,
  },
);
