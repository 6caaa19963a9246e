import { readArguments } from '../core/arguments.js';
import type { KernelName } from '../core/device.js';
import type { DType } from '../core/dtype.js';
import { normalizeDims, type Shape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { expand } from './broadcast.js';
import { reshape } from './movement.js';
import { dense, SUM_SCRATCH } from './op.js';
import { at, build, type Reference, type Sample, spread } from './sheet.js';

/** What reductions have in common: their arguments, how they see their input, and how they are checked. */

export interface ReduceOptions {
  /** Dimension or dimensions to reduce. Default: all. */
  readonly dim?: number | readonly number[] | null;
  /** Keep reduced dimensions with size 1. Default false. */
  readonly keepdim?: boolean;
}

export interface TypedReduceOptions extends ReduceOptions {
  /** What the input becomes before anything is computed, and what the result is. Default: see the op. */
  readonly dtype?: DType;
}

/** `sum()`, `sum(1)`, `sum([0, 1], true)`, `sum(1, { keepdim: true })` and `sum({ dim: 1 })` are all understood. */
export type ReduceArguments = readonly [
  dim?: number | readonly number[] | null | ReduceOptions,
  keepdim?: boolean | ReduceOptions,
  options?: ReduceOptions,
];

/** The same with a dtype among the options. */
export type TypedReduceArguments = readonly [
  dim?: number | readonly number[] | null | TypedReduceOptions,
  keepdim?: boolean | TypedReduceOptions,
  options?: TypedReduceOptions,
];

/** `more` names the options that an op has beyond dim and keepdim, and reads itself. */
export function parseReduce<O extends ReduceOptions = ReduceOptions>(
  args: readonly unknown[],
  more: readonly string[] = [],
): O {
  // Callers pass their parameters on as they are, those that were not given too.
  const given = args[args.length - 1] === undefined ? args.filter((value) => value !== undefined) : args;
  return readArguments<O>('reduce', given, ['dim', 'keepdim', ...more] as (keyof O & string)[]);
}

/** How a reduction sees its input: contiguous, with the reduced dimensions in one block. */
export interface Folded {
  readonly x: Tensor;
  readonly outer: number;
  readonly run: number;
  readonly inner: number;
  /** The result's shape, and the same with reduced dimensions kept as 1. */
  readonly shape: number[];
  readonly kept: number[];
  /** The reduced dimensions, ascending. */
  readonly dims: readonly number[];
}

export function fold(name: string, input: Tensor, { dim, keepdim = false }: ReduceOptions): Folded {
  const dims = normalizeDims(name, dim, input.ndim).sort((a, b) => a - b);
  const kept = input.shape.map((size, i) => (dims.includes(i) ? 1 : size));
  const shape = keepdim ? kept : input.shape.filter((_, i) => !dims.includes(i));
  const first = dims[0] ?? 0;
  const adjacent = dims.every((d, i) => d === first + i);
  if (adjacent) {
    const end = first + dims.length;
    return {
      x: dense(input),
      outer: sizeOf(input.shape.slice(0, first)),
      run: sizeOf(input.shape.slice(first, end)),
      inner: sizeOf(input.shape.slice(end)),
      shape,
      kept,
      dims,
    };
  }
  const rest = input.shape.map((_, i) => i).filter((d) => !dims.includes(d));
  const order = [...rest, ...dims];
  const moved = input.strided(
    order.map((d) => input.shape[d] as number),
    order.map((d) => input.strides[d] as number),
    input.offset,
  );
  const outer = sizeOf(rest.map((d) => input.shape[d] as number));
  return {
    x: dense(moved),
    outer,
    run: sizeOf(dims.map((d) => input.shape[d] as number)),
    inner: 1,
    shape,
    kept,
    dims,
  };
}

/** Runs a reduction kernel over a folded input. */
export function reduceInto(
  kernel: KernelName,
  y: Tensor,
  { x, outer, run, inner }: Folded,
  floats?: readonly number[],
): void {
  y.storage.device.launch({
    kernel,
    work: outer * inner,
    grain: Math.max(1, Math.floor(32768 / Math.max(run, 1))),
    writes: [y],
    reads: [x],
    ...(floats === undefined ? {} : { floats }),
    ints: [outer, run, inner],
    scratch: SUM_SCRATCH,
  });
}

/** Shapes and dimensions that every reduction is tried on. */
export function foldSamples(nonEmpty = false): Sample[] {
  const cases: [Shape, unknown[]][] = [
    [[], []],
    [[1], []],
    [[17], []],
    [[3, 5], []],
    [[3, 5], [0]],
    [[3, 5], [1]],
    [
      [3, 5],
      [-1, true],
    ],
    [[2, 3, 4], [1]],
    [[2, 3, 4], [[0, 2]]],
    [
      [2, 3, 4],
      [[1, 2], true],
    ],
    [[130, 9], [0]],
    [[9, 130], [1]],
    ...(nonEmpty
      ? []
      : ([
          [[0, 3], [0]],
          [[2, 0], [1]],
        ] as [Shape, unknown[]][])),
  ];
  const values = [NaN, Infinity, -Infinity, 0, -0, 1];
  return [
    ...cases.map(([shape, args]) => ({ inputs: [spread(shape)], args })),
    { inputs: [{ shape: [values.length, 2], data: Float64Array.from(values.flatMap((v) => [v, 1])) }], args: [1] },
  ];
}

/** The oracle of a reduction, from a function on the values that meet. */
export function foldOracle(name: string, of: (values: number[]) => number) {
  return ([x]: readonly Reference[], args: readonly unknown[]): Reference => {
    const a = x as Reference;
    const { dim, keepdim = false } = parseReduce(args as unknown as ReduceArguments);
    const dims = normalizeDims(name, dim, a.shape.length);
    const kept = a.shape.map((size, i) => (dims.includes(i) ? 1 : size));
    const run = a.shape.map((size, i) => (dims.includes(i) ? size : 1));
    const result = build(kept, (outer) => {
      const values: number[] = [];
      build(run, (inner) => {
        values.push(
          at(
            a,
            outer.map((o, d) => o + (inner[d] as number)),
          ),
        );
        return 0;
      });
      return of(values);
    });
    return { shape: keepdim ? kept : a.shape.filter((_, i) => !dims.includes(i)), data: result.data };
  };
}

/** `value`, of the reduced shape, repeated to the shape before. */
export function spreadBack(value: Tensor, kept: Shape, shape: Shape): Tensor {
  return expand(reshape(value, kept), shape);
}
