import { readdirSync, readFileSync } from 'node:fs';
import * as fettle from 'fettle';
import { FettleError, Tensor } from 'fettle';
import * as ops from 'fettle/ops';
import { describe, expect, test } from 'vitest';
import { mayFlush, ulpsHere } from '../support/deviations.js';
import { compare, type Expected, outputsOf } from './compare.js';
import { argument, type InputSpec, type JsonNumber, type Layout, makeInput, weights } from './inputs.js';

/**
 * Every op against PyTorch: the values and gradients that ops.py found and the files in ops/ hold, through the public API, as
 * function and as method, on inputs that lie in memory as they come and on strided ones.
 */

interface Case {
  readonly op: string;
  readonly label?: string;
  readonly in: readonly InputSpec[];
  /** Absent where the call takes the inputs alone. */
  readonly args?: readonly unknown[];
  readonly out?: readonly Expected[];
  /** Gradients of the inputs, of their shapes; null where PyTorch gives none. */
  readonly grad?: readonly (readonly JsonNumber[] | null)[];
  /** What inputs that the call changes hold after it. */
  readonly after?: Readonly<Record<string, readonly JsonNumber[]>>;
  readonly sums?: true;
  readonly ulps?: number;
  readonly layouts?: false;
  /** PyTorch refuses this call. */
  readonly throws?: true;
}

const folder = new URL('ops/', import.meta.url);
const cases = readdirSync(folder).flatMap((file) => {
  const family = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { readonly cases: readonly Case[] };
  return family.cases;
});

const argumentsOf = (one: Case): readonly unknown[] => one.args ?? one.in.map((_, k) => ({ $: k }));

type Call = (...args: unknown[]) => unknown;

/** What stands in the place of a function: the transpose is a property alone, and one unfold is a method alone. */
const OTHERS: Readonly<Record<string, Call>> = {
  T: (x) => (x as Tensor).T,
  'Tensor.unfold': (x, ...rest) => (x as Tensor).unfold(...(rest as [number, number, number])),
};

/** Ops whose method has another name. */
const METHODS: Readonly<Record<string, string>> = { variance: 'var', cast: 'to' };

/** Exports of src/ops that have no case, and why. */
const WITHOUT: Readonly<Record<string, string>> = {
  tensor: 'makes every input',
  empty: 'has no values',
  emptyLike: 'has no values',
  rand: 'random',
  randn: 'random',
  randLike: 'random',
  randnLike: 'random',
  randint: 'random',
  randperm: 'random',
  gumbelSoftmax: 'random; test/nn has it',
  uniform_: 'random',
  var: 'another name of variance',
  normal_: 'random',
  bernoulli: 'random',
  bernoulli_: 'random',
  cauchy_: 'random',
  exponential_: 'random',
  geometric_: 'random',
  logNormal_: 'random',
  multinomial: 'random',
  normal: 'random',
  poisson: 'random',
  random_: 'random',
  randintLike: 'random',
  detach: 'cuts the graph; test/autograd has it',
  allclose: 'gives a boolean; test/ops/closeness.test.ts has it',
  equal: 'gives a boolean; test/ops/closeness.test.ts has it',
  broadcastShapes: 'gives no tensor; test/ops has it',
};

/** The function of the case, or the method of its first tensor; undefined where there is no such method. */
function resolve(one: Case, form: 'function' | 'method'): Call | undefined {
  if (form === 'function') return OTHERS[one.op] ?? (fettle as unknown as Record<string, Call>)[one.op];
  if (OTHERS[one.op] !== undefined) return undefined;
  const name = METHODS[one.op] ?? one.op;
  const method = (Tensor.prototype as unknown as Record<string, Call | undefined>)[name];
  if (typeof method !== 'function' || JSON.stringify(argumentsOf(one)[0]) !== '{"$":0}') return undefined;
  // The condition comes first in the function, and the values first in the method.
  if (one.op === 'where') {
    if (JSON.stringify(argumentsOf(one)[1]) !== '{"$":1}') return undefined;
    return (condition, input, other) => method.call(input, condition, other);
  }
  return (self, ...rest) => method.call(self, ...rest);
}

function run(one: Case, number: number, form: 'function' | 'method', layout: Layout): void {
  const call = resolve(one, form);
  if (call === undefined) return;
  const made = one.in.map((spec, k) => makeInput(spec, k, layout));
  const inputs = made.map(({ x }) => x);
  const args = argumentsOf(one).map((value) => argument(value, inputs));
  if (one.throws) {
    expect(() => call(...args), `${form} should refuse this`).toThrow(FettleError);
    return;
  }
  const outputs = outputsOf(call(...args));
  const what = `${form}, ${layout}`;
  const from = one.in.some(({ data }) => data?.some((v) => mayFlush(Number(v)))) ? made.map(({ leaf }) => leaf) : [];
  expect(outputs.length, `${what}: number of outputs`).toBe(one.out?.length);
  for (const [k, expected] of (one.out ?? []).entries()) {
    compare(`${what}: value ${k}`, outputs[k] as Tensor, expected, one.sums, one.ulps, from);
  }
  for (const [k, data] of Object.entries(one.after ?? {})) {
    const { leaf } = made[Number(k)] as { leaf: Tensor };
    const after = { shape: leaf.shape, dtype: leaf.dtype, data };
    compare(`${what}: input ${k} afterwards`, leaf, after, one.sums, one.ulps, from);
  }
  const recorded = outputs.filter((y) => y.requiresGrad);
  expect(recorded.length > 0, `${what}: whether there is a gradient`).toBe(one.grad !== undefined);
  if (one.grad === undefined) return;
  recorded
    .map((y, k) => fettle.sum(fettle.mul(y, weights(k, y.shape))))
    .reduce((a, b) => fettle.add(a, b))
    .backward();
  const ulps = ulpsHere(`${one.op} ${number}`) ?? one.ulps;
  for (const [k, data] of one.grad.entries()) {
    const { leaf } = made[k] as { leaf: Tensor };
    if (data === null) expect(leaf.grad, `${what}: gradient of input ${k}`).toBeNull();
    else if (leaf.grad === null) throw new Error(`${what}: input ${k} has no gradient`);
    else compare(`${what}: gradient of input ${k}`, leaf.grad, { shape: leaf.shape, data }, one.sums, ulps, from);
  }
}

/** `3. where [int32] of [5] [5] [5]`: the op's third case. */
function title(one: Case, index: number): string {
  const shapes = one.in.map(({ shape }) => `[${shape}]`).join(' ');
  const rest = argumentsOf(one).filter((value) => !JSON.stringify(value).startsWith('{"$"'));
  return `${index + 1}. ${one.label === undefined ? '' : `(${one.label}) `}${shapes} ${JSON.stringify(rest).slice(1, -1)}`;
}

const byOp = new Map<string, Case[]>();
for (const one of cases) {
  const list = byOp.get(one.op);
  if (list === undefined) byOp.set(one.op, [one]);
  else list.push(one);
}

describe.each([...byOp])('%s', (_op, list) => {
  test.each(list.map((one, i) => [title(one, i), one, i + 1] as const))('%s', (_title, one, number) => {
    run(one, number, 'function', 'contiguous');
    if (one.layouts !== false) run(one, number, 'function', 'strided');
    run(one, number, 'method', 'contiguous');
  });
});

test('every op has golden values', () => {
  const names = Object.entries(ops).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
  expect(names.filter((name) => !byOp.has(name) && WITHOUT[name] === undefined)).toEqual([]);
  expect([...byOp.keys()].filter((name) => !(name in fettle) && OTHERS[name] === undefined)).toEqual([]);
});
