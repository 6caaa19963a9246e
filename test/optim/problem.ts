import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from 'fettle';
import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  ASGD,
  Lion,
  Muon,
  NAdam,
  type Optimizer,
  RAdam,
  RMSprop,
  Rprop,
  SGD,
} from 'fettle/optim';
import { elements } from '../golden/inputs.js';

/** The problem that test/golden/optim.py describes: two parameters, and gradients that depend on the step alone. */

type Shapes = readonly (readonly number[])[];

const SHAPES: Shapes = [[2, 3], [3]];

export const optimizers = {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  ASGD,
  Lion,
  Muon,
  NAdam,
  RAdam,
  RMSprop,
  Rprop,
  SGD,
};

export type OptimizerName = keyof typeof optimizers;

/** An optimizer whose options are known only when the test runs. */
export function makeOptimizer(name: OptimizerName, params: unknown, options: object): Optimizer {
  const kind = optimizers[name] as unknown as new (params: unknown, options: object) => Optimizer;
  return new kind(params, options);
}

export interface OptimizerCase {
  readonly optimizer: OptimizerName;
  readonly options: object;
  readonly groups?: readonly object[];
  /** Shapes of the parameters, where they are not the usual ones. */
  readonly shapes?: Shapes;
  readonly steps: readonly (readonly number[])[];
  readonly state: Readonly<Record<string, Readonly<Record<string, number | readonly number[]>>>>;
}

export interface SchedulerCase {
  readonly scheduler: string;
  readonly options: object;
  readonly optimizer: 'SGD' | 'Adam';
  /** Epochs that each step is given, for schedules that take them. */
  readonly fraction?: number;
  readonly rates: readonly (readonly number[])[];
  readonly state: Readonly<Record<string, unknown>>;
}

export interface ClosureCase {
  readonly optimizer: 'LBFGS' | 'SAM';
  readonly options: Readonly<Record<string, unknown>>;
  readonly steps: readonly (readonly number[])[];
  readonly losses: readonly number[];
  readonly state?: Readonly<Record<string, number>>;
}

export interface ClipCase {
  readonly maxNorm: number;
  readonly normType: number | 'inf';
  readonly scale: number;
  readonly norm: number;
  readonly grads: readonly number[];
}

interface Golden {
  readonly optimizers: readonly OptimizerCase[];
  readonly closures: readonly ClosureCase[];
  readonly resumed: {
    readonly start: readonly (readonly number[])[];
    readonly end: readonly number[];
    readonly saved: {
      readonly state: Readonly<Record<string, Readonly<Record<string, number | number[]>>>>;
      readonly param_groups: readonly { readonly params: number[]; readonly lr: number }[];
    };
  };
  readonly schedulers: readonly SchedulerCase[];
  readonly clipGradNorm: readonly ClipCase[];
}

export const golden = JSON.parse(readFileSync(new URL('../golden/optim.json', import.meta.url), 'utf8')) as Golden;

export function parameters(shapes: Shapes = SHAPES): Tensor[] {
  return shapes.map((shape, p) =>
    tensor(elements(501 + p, { shape, low: -1, high: 1 }), shape, { dtype: 'float32', requiresGrad: true }),
  );
}

/** The gradient of parameter p at step t, or null where it has none. */
export function gradient(t: number, p: number, shapes: Shapes = SHAPES): Tensor | null {
  if (p === 1 && t % 7 === 3) return null;
  const shape = shapes[p] as readonly number[];
  const values = elements(2 * t + p + 1, { shape, low: -1, high: 1 }).map((value, i) =>
    (i + t) % 11 === 0 ? 0 : value,
  );
  return tensor(values, shape, { dtype: 'float32' });
}

/** Gives every parameter its gradient of step t and takes the step. */
export function takeStep(optimizer: Optimizer, params: readonly Tensor[], t: number): void {
  for (const [p, param] of params.entries()) {
    param.grad?.dispose();
    param.grad = gradient(
      t,
      p,
      params.map(({ shape }) => shape),
    );
  }
  optimizer.step();
}

export function valuesOf(tensors: readonly Tensor[]): number[] {
  return tensors.flatMap((x) => [...x.dataSync()]);
}

/**
 * The largest distance between two lists, in units of what float32 rounding may add up to over 50 steps: a few last places
 * of the largest number for each.
 */
export function distance(got: readonly number[], expected: readonly number[]): number {
  if (got.length !== expected.length) return Infinity;
  const size = Math.max(1e-3, ...expected.map(Math.abs));
  return Math.max(...got.map((value, i) => Math.abs(value - (expected[i] as number)) / (size * 2 ** -23)));
}
