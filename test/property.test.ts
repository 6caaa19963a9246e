import fc from 'fast-check';
import type { Tensor } from 'fettle';
import { expect, test } from 'vitest';
import { type Reference, spread } from '../src/ops/sheet.js';
import { type AnyOp, LAYOUTS, type Layout, lay, sheets } from './support/sheets.js';

/**
 * Random graphs of ops, on random shapes and layouts, against the same graph in float64: values against what the oracles of the
 * ops give one after another, gradients against central differences of that. What the tests of single ops cannot see is here:
 * values used twice, gradients that meet, views of views, broadcasting of results.
 *
 * A graph that fails is shrunk to a small one, which the message shows. The seed is fixed, so that the test is the same every
 * time; FETTLE_PROPERTY_RUNS=2000 tries more graphs, and FETTLE_PROPERTY_SEED=n others.
 */
const RUNS = Number(process.env.FETTLE_PROPERTY_RUNS ?? 100);
const SEED = Number(process.env.FETTLE_PROPERTY_SEED ?? 20261);

/** How far a result may be off, against the largest number on the way to it: rounding of a few float32 ops in a row. */
const VALUE = 2e-5;
const GRADIENT = 2e-3;
/** Numbers above this lose the digits that a comparison needs. */
const LARGEST = 1e3;
const MOST_ELEMENTS = 64;

const ops = new Map<string, AnyOp>(sheets);

/** What one step of a graph is chosen from. The numbers are folded into whatever range the step needs. */
interface Step {
  readonly kind: 'unary' | 'binary' | 'reduction' | 'movement' | 'matmul';
  readonly which: number;
  readonly first: number;
  readonly second: number;
  readonly dim: number;
}

interface Program {
  readonly shapes: readonly (readonly number[])[];
  readonly layouts: readonly Layout[];
  readonly steps: readonly Step[];
}

/** A step that has been found to fit: an op on values of the graph. */
interface Call {
  readonly name: string;
  readonly inputs: readonly number[];
  readonly args: readonly unknown[];
}

// Smooth functions, whose difference quotients mean something everywhere.
const UNARY = [
  'tanh',
  'sin',
  'cos',
  'sigmoid',
  'erf',
  'atan',
  'neg',
  'square',
  'silu',
  'softplus',
  'gelu',
  'asinh',
  'sinc',
];
const BINARY = ['add', 'sub', 'mul', 'logaddexp'];
const REDUCTIONS = ['sum', 'mean', 'cumsum', 'softmax', 'logSoftmax'];
const MOVEMENTS = ['transpose', 'reshape', 'flip', 'narrow', 'roll', 'expand', 'tile', 'tril', 'permute'];

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;

/** The op of a movement step for a value of this shape, or null where it has none. */
function movement(step: Step, shape: readonly number[]): Omit<Call, 'inputs'> | null {
  const name = pick(MOVEMENTS, step.which);
  const rank = shape.length;
  const size = shape.reduce((n, s) => n * s, 1);
  if (name === 'reshape') {
    const divisors = Array.from({ length: size }, (_, i) => i + 1).filter((d) => size % d === 0);
    const rows = pick(divisors, step.second);
    return { name, args: [[rows, size / rows]] };
  }
  if (name === 'expand') return { name, args: [[2, ...shape]] };
  if (rank === 0) return null;
  const dim = step.dim % rank;
  const length = shape[dim] as number;
  if (name === 'transpose') return { name, args: [dim, (dim + step.second) % rank] };
  if (name === 'permute') return { name, args: [shape.map((_, i) => (i + 1 + dim) % rank)] };
  if (name === 'flip') return { name, args: [[dim]] };
  if (name === 'roll') return { name, args: [step.second % 5, dim] };
  if (name === 'tile') return { name, args: [shape.map((_, i) => (i === dim ? 2 : 1))] };
  if (name === 'tril') return rank < 2 ? null : { name, args: [(step.second % 3) - 1] };
  const start = step.second % length;
  return { name, args: [dim, start, 1 + (step.first % (length - start))] };
}

/** The call that a step makes of values with these shapes, or null where it fits none. */
function callOf(step: Step, shapes: readonly (readonly number[])[]): Call | null {
  const [i, j] = [step.first % shapes.length, step.second % shapes.length];
  const shape = shapes[i] as readonly number[];
  switch (step.kind) {
    case 'unary':
      return { name: pick(UNARY, step.which), inputs: [i], args: [] };
    case 'binary':
      return { name: pick(BINARY, step.which), inputs: [i, j], args: [] };
    case 'matmul': {
      const other = shapes[j] as readonly number[];
      const fits = shape.length > 0 && shape.at(-1) === other.at(other.length > 1 ? -2 : -1);
      return fits ? { name: 'matmul', inputs: [i, j], args: [] } : null;
    }
    case 'movement': {
      const found = movement(step, shape);
      return found && { ...found, inputs: [i] };
    }
    default: {
      if (shape.length === 0) return null;
      const name = pick(REDUCTIONS, step.which);
      const dim = step.dim % shape.length;
      return { name, inputs: [i], args: name === 'sum' || name === 'mean' ? [dim, step.second % 2 === 0] : [dim] };
    }
  }
}

const referenceOf = (call: Call, inputs: readonly Reference[]): Reference =>
  (ops.get(call.name) as AnyOp).op.oracle(inputs, call.args) as Reference;

/** All values of the graph in float64: leaves first, then one for each call. */
function evaluate(leaves: readonly Reference[], calls: readonly Call[]): Reference[] {
  const values = [...leaves];
  for (const call of calls)
    values.push(
      referenceOf(
        call,
        call.inputs.map((i) => values[i] as Reference),
      ),
    );
  return values;
}

const largest = (values: readonly Reference[]): number =>
  values.reduce((m, { data }) => data.reduce((n, v) => Math.max(n, Math.abs(v)), m), 0);

/** The calls of a program; steps that do not fit, or whose numbers grow out of hand, are left out. */
function compile(program: Program, leaves: readonly Reference[]): Call[] {
  const calls: Call[] = [];
  const values = [...leaves];
  for (const step of program.steps) {
    const call = callOf(
      step,
      values.map(({ shape }) => shape),
    );
    if (call === null) continue;
    try {
      const value = referenceOf(
        call,
        call.inputs.map((i) => values[i] as Reference),
      );
      if (value.data.length > MOST_ELEMENTS || value.data.length === 0) continue;
      if (!(largest([value]) < LARGEST)) continue;
      values.push(value);
      calls.push(call);
    } catch {
      // Shapes that do not fit: the oracle says so as the op does.
    }
  }
  return calls;
}

const weight = (i: number): number => Math.sin(1.7 * i + 0.9) + 0.3;

/** The number that gradients are taken of: a weighted sum of every value that the graph made. */
function objective(leaves: readonly Reference[], calls: readonly Call[]): number {
  let total = 0;
  for (const [k, { data }] of evaluate(leaves, calls).slice(leaves.length).entries()) {
    data.forEach((v, i) => {
      total += weight(i + 7 * k) * v;
    });
  }
  return total;
}

/** The gradient of the objective by the five-point rule. */
function differences(leaves: readonly Reference[], calls: readonly Call[], k: number): Float64Array {
  const h = 1e-3;
  const leaf = leaves[k] as Reference;
  const at = (i: number, step: number): number => {
    const data = Float64Array.from(leaf.data);
    data[i] = (data[i] as number) + step;
    return objective(
      leaves.map((other, j) => (j === k ? { shape: leaf.shape, data } : other)),
      calls,
    );
  };
  return leaf.data.map((_, i) => (8 * (at(i, h) - at(i, -h)) - (at(i, 2 * h) - at(i, -2 * h))) / (12 * h));
}

/** Fails where `got` is further from `expected` than `allowed`. */
function near(what: string, got: Tensor, expected: Reference, allowed: number): void {
  expect(got.shape, `${what}: shape`).toEqual(expected.shape);
  const data = got.dataSync();
  expected.data.forEach((value, i) => {
    if (Math.abs((data[i] as number) - value) <= allowed) return;
    throw new Error(
      `${what}, element ${i} of [${expected.shape}]: expected ${value}, got ${data[i]} (${allowed} off is allowed)`,
    );
  });
}

const show = (calls: readonly Call[], leaves: number): string =>
  calls
    .map(
      ({ name, inputs, args }, i) =>
        `v${i + leaves} = ${name}(${[...inputs.map((k) => `v${k}`), ...args.map((a) => JSON.stringify(a))].join(', ')})`,
    )
    .join('; ');

function check(program: Program): void {
  const leaves = program.shapes.map((shape, k) => spread(shape, -1.5, 1.5, 0.13 + 0.29 * k));
  const calls = compile(program, leaves);
  if (calls.length === 0) return;
  const expected = evaluate(leaves, calls);
  const scale = Math.max(1, largest(expected));
  const story = show(calls, leaves.length);

  const tensors: Tensor[] = leaves.map((leaf, k) =>
    lay(leaf, 'float32', program.layouts[k] as Layout)
      .detach()
      .requiresGrad_(),
  );
  const values = [...tensors];
  for (const call of calls) {
    values.push((ops.get(call.name) as AnyOp)(...call.inputs.map((i) => values[i]), ...call.args));
  }
  for (const [k, value] of values.entries()) near(`v${k} of ${story}`, value, expected[k] as Reference, VALUE * scale);

  const parts = values.slice(leaves.length).map((value, k) => {
    const factors = spread(value.shape);
    const weights = lay(
      { shape: value.shape, data: factors.data.map((_, i) => weight(i + 7 * k)) },
      'float32',
      'contiguous',
    );
    return value.mul(weights).sum();
  });
  parts.reduce((a, b) => a.add(b)).backward();
  for (const [k, leaf] of leaves.entries()) {
    const gradient = differences(leaves, calls, k);
    const size = Math.max(
      scale,
      gradient.reduce((m, v) => Math.max(m, Math.abs(v)), 0),
    );
    const { grad } = tensors[k] as Tensor;
    if (grad === null) expect(Math.max(...gradient.map(Math.abs)), `v${k} has no gradient: ${story}`).toBe(0);
    else near(`gradient of v${k} of ${story}`, grad, { shape: leaf.shape, data: gradient }, GRADIENT * size);
  }
}

const natural = fc.nat({ max: 60 });
const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('unary', 'binary', 'reduction', 'movement', 'matmul'),
    which: natural,
    first: natural,
    second: natural,
    dim: natural,
  }),
  { minLength: 1, maxLength: 10 },
);
const programs = fc.integer({ min: 1, max: 3 }).chain((leaves) =>
  fc.record<Program>({
    shapes: fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }), {
      minLength: leaves,
      maxLength: leaves,
    }),
    layouts: fc.array(fc.constantFrom(...LAYOUTS), { minLength: leaves, maxLength: leaves }),
    steps,
  }),
);

test('random graphs have the values and gradients of float64', { timeout: 120_000 }, () => {
  fc.assert(fc.property(programs, check), { numRuns: RUNS, seed: SEED });
});
