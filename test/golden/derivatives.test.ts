import { readdirSync, readFileSync } from 'node:fs';
import * as fettle from 'fettle';
import { gradcheck, gradgradcheck, type Tensor } from 'fettle';
import * as ops from 'fettle/ops';
import { expect, test } from 'vitest';
import { outputsOf } from './compare.js';
import { argument, elements, type InputSpec, type Layout, makeInput, strided } from './inputs.js';

/**
 * The derivatives of every op that has golden gradients, against difference quotients, on inputs that lie in memory as they
 * come and on strided ones. Ops with a sheet have test/gradients.test.ts too; this is for all, on PyTorch's calls.
 */

interface Case {
  readonly op: string;
  readonly in: readonly InputSpec[];
  readonly args?: readonly unknown[];
  readonly grad?: readonly (readonly unknown[] | null)[];
  readonly throws?: true;
  readonly layouts?: false;
}

const folder = new URL('ops/', import.meta.url);
const cases = readdirSync(folder).flatMap(
  (file) => (JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { readonly cases: readonly Case[] }).cases,
);

type Call = (...args: unknown[]) => unknown;

const EPS = 2 ** -8;

/** Ops whose cases difference quotients say nothing about, and why. Those with a sheet are checked on their samples all the same. */
const WITHOUT: Readonly<Record<string, string>> = {
  ...each('log2 asin acos atanh arctanh erfinv', 'the cases reach the ends of the domain'),
  ...each('sort msort cummax cummin amax amin', 'the cases have ties'),
  ...each('maxPool1d maxPool2d adaptiveMaxPool1d adaptiveMaxPool2d adaptiveMaxPool3d', 'the cases have ties'),
  ...each('put maxUnpool1d maxUnpool2d', 'a place that is named twice keeps one of two values'),
  ...each('multiply trueDivide arctan2', 'another name; the cases are too large'),
  ...each('addbmm deg2rad', 'the cases are too large; made of ops that are here'),
  embedding: 'scaleGradByFreq divides the gradient by definition',
  klDiv: 'targets lie at the end of the domain',
  ctcLoss: 'the gradient is PyTorch’s, which takes the input for normalized',
  maskedFill: 'it fills with infinity',
};

function each(names: string, why: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map((name) => [name, why]));
}

/** Whether difference quotients mean something here: few numbers, all finite, none near a kink at 0, and not too large. */
function isSmooth(one: Case): boolean {
  const size = one.in.reduce((n, spec) => n + spec.shape.reduce((p, q) => p * q, 1), 0);
  return (
    one.grad !== undefined &&
    one.throws === undefined &&
    size > 0 &&
    size <= 60 &&
    one.in.every((spec, k) => spec.step === undefined && [...elements(k + 1, spec)].every((v) => Math.abs(v) < 20))
  );
}

/** The op as a function of those inputs that have gradients. */
function bind(one: Case, layout: Layout) {
  // The numbers that are moved lie in a row; the op sees them as the layout has them.
  const made = one.in.map((spec, k) => makeInput(spec, k, 'contiguous'));
  const chosen = made.flatMap(({ leaf }, k) => (leaf.requiresGrad && one.grad?.[k] !== null ? [k] : []));
  const call = (fettle as unknown as Record<string, Call>)[one.op] as Call;
  const fn = (...leaves: Tensor[]): Tensor[] => {
    const inputs = one.in.map((spec, k) => {
      const at = chosen.indexOf(k);
      if (at < 0) return (made[k] as { x: Tensor }).x;
      const leaf = leaves[at] as Tensor;
      return (spec.view ?? []).reduce<Tensor>(
        (seen, [name, ...args]) => (seen[name as 'view'] as unknown as Call).apply(seen, args) as Tensor,
        layout === 'strided' ? strided(leaf) : leaf,
      );
    });
    const args = one.args?.map((value) => argument(value, inputs)) ?? inputs;
    return outputsOf(call(...args)).filter((y) => y.dtype === 'float32');
  };
  return { fn, leaves: chosen.map((k) => (made[k] as { leaf: Tensor }).leaf) };
}

const byOp = new Map<string, Case[]>();
for (const one of cases) {
  if (!isSmooth(one) || !(one.op in fettle) || one.op.endsWith('_') || one.op in WITHOUT) continue;
  byOp.set(one.op, [...(byOp.get(one.op) ?? []), one]);
}

const options = { eps: EPS, atol: 2e-2, rtol: 2e-2 };

test.each([...byOp].map(([op, list]) => [op, list.slice(0, 3)] as const))('%s', (_op, list) => {
  for (const one of list) {
    for (const layout of one.layouts === false ? (['contiguous'] as const) : (['contiguous', 'strided'] as const)) {
      const { fn, leaves } = bind(one, layout);
      gradcheck(fn, leaves, options);
    }
    const { fn, leaves } = bind(one, 'contiguous');
    gradgradcheck(fn, leaves, options);
  }
});

test('every op with a golden gradient is here', () => {
  const withGradient = new Set(cases.filter(({ grad, op }) => grad !== undefined && op in ops).map(({ op }) => op));
  expect([...withGradient].filter((op) => !byOp.has(op) && !op.endsWith('_') && WITHOUT[op] === undefined)).toEqual([]);
});
