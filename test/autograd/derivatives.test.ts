import { readFileSync } from 'node:fs';
import { grad, hessian, hvp, jacobian, jvp, Tensor, tensor, vhp, vjp } from 'fettle';
import { describe, expect, test } from 'vitest';
import { elements } from '../golden/inputs.js';

/** Jacobians, Hessians and their products against PyTorch's; test/golden/derivatives.py has the same functions. */

type Told = { shape: number[]; data: number[] } | Told[];

interface Case {
  readonly tool: 'jacobian' | 'hessian' | 'vjp' | 'jvp' | 'hvp' | 'vhp';
  readonly fn: string;
  readonly shapes: number[][];
  readonly out: Told;
}

const cases = JSON.parse(readFileSync(new URL('../golden/derivatives.json', import.meta.url), 'utf8')) as Case[];

type Fn = (x: Tensor, y: Tensor) => Tensor | Tensor[];

const functions: Readonly<Record<string, Fn>> = {
  exp: (x) => x.exp(),
  rowSums: (x) => x.sin().sum(1),
  product: (x, y) => x.matmul(y),
  two: (x, y) => [x.mul(y), x.sum().add(y.sum())],
  first: (x) => x.mul(2).add(x.sum().mul(0)),
  pair: (x) => [x.square(), x.tanh().sum()],
  cubes: (x) => x.pow(3).sum(),
  mixed: (x, y) => x.mul(x).mul(y).sum().add(y.exp().sum()),
  linear: (x) => x.mul(3).sum(),
  norm: (x) => x.mul(x).sum().sqrt(),
  sigmoids: (x) => x.sigmoid().mul(x.reshape(-1).flip(0).reshape(x.shape)).sum().reshape(1),
};

const make = (seed: number, shape: readonly number[]): Tensor =>
  tensor(elements(seed, { shape, low: 0.2, high: 1.4 }), shape, { dtype: 'float32' });

function agree(got: unknown, told: Told): void {
  if (Array.isArray(told)) {
    expect(Array.isArray(got) && got.length).toBe(told.length);
    told.forEach((one, i) => {
      agree((got as unknown[])[i], one);
    });
    return;
  }
  expect(got).toBeInstanceOf(Tensor);
  const y = got as Tensor;
  expect(y.shape).toEqual(told.shape);
  expect(y.requiresGrad).toBe(false);
  Array.from(y.dataSync(), Number).forEach((value, i) => {
    expect(value).toBeCloseTo(told.data[i] as number, 4);
  });
}

describe('as in PyTorch', () => {
  test.each(cases.map((one) => [`${one.tool} of ${one.fn} at ${JSON.stringify(one.shapes)}`, one] as const))(
    '%s',
    (_, one) => {
      const fn = functions[one.fn] as Fn;
      const inputs = one.shapes.map((shape, k) => make(1 + k, shape));
      const given = (inputs.length === 1 ? inputs[0] : inputs) as Tensor;
      if (one.tool === 'jacobian') return agree(jacobian(fn as (x: Tensor) => Tensor, given), one.out);
      if (one.tool === 'hessian') return agree(hessian(fn as (x: Tensor) => Tensor, given), one.out);
      const likes = one.tool === 'vjp' ? [fn(...(inputs as [Tensor, Tensor]))].flat() : inputs;
      const vs = likes.map((like, k) => make(11 + k, like.shape));
      const v = vs.length === 1 ? (vs[0] as Tensor) : vs;
      if (one.tool === 'vjp') return agree(vjp(fn as never, given, v), one.out);
      if (one.tool === 'jvp') return agree(jvp(fn as never, given, v), one.out);
      return agree((one.tool === 'hvp' ? hvp : vhp)(fn as never, given, v), one.out);
    },
  );
});

test('with createGraph, results can be differentiated, down to the inputs', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const [g] = grad(jacobian((v) => v.pow(3), x, { createGraph: true }).sum(), [x]);
  expect(g.toArray()).toEqual([6, 12]);
  const [h] = grad(hessian((v) => v.pow(4).sum(), x, { createGraph: true }).sum(), [x]);
  expect(h.toArray()).toEqual([24, 48]);
  const [, product] = vjp((v: Tensor) => v.pow(3).sum(), x, null, { createGraph: true });
  expect(grad(product.sum(), [x])[0].toArray()).toEqual([6, 12]);
});

test('inputs and their gradients stay as they were', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const free = tensor([1, 2]);
  expect(jacobian((v) => v.mul(2), x).requiresGrad).toBe(false);
  jacobian((v) => v.mul(2), free);
  expect([x.grad, free.requiresGrad]).toEqual([null, false]);
});

test('what does not matter is zero, or refused where strict', () => {
  const [x, y] = [tensor([1, 2]), tensor([3])];
  const fn = (a: Tensor): Tensor => a.mul(2);
  expect(jacobian(fn, [x, y])[1]?.toArray()).toEqual([[0], [0]]);
  expect(() => jacobian(fn, [x, y], { strict: true })).toThrow(/does not depend on input 1/);
});

test('mistakes are named', () => {
  const x = tensor([1, 2]);
  expect(() => hessian((v) => v.mul(2), x)).toThrow(/one element, it gave \[2\]/);
  expect(() => vjp((v: Tensor) => v.mul(2), x)).toThrow(/v can be left out for a single element only/);
  expect(() => jvp((v: Tensor) => v.mul(2), x, tensor([1]))).toThrow(/v must have the shapes \[2\], got \[1\]/);
  expect(() => jacobian((v) => v, x, { createGrph: true } as never)).toThrow(/createGrph/);
});
