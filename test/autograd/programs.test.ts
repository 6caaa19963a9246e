import { readFileSync } from 'node:fs';
import { enableGrad, FettleError, noGrad, type Tensor, tensor } from 'fettle';
import { describe, expect, test } from 'vitest';

/**
 * Programs of views, writes in place, hooks and backward passes, against what PyTorch made of them: values, gradients, who
 * requires one, and what is refused. test/golden/autograd.py says what a program is.
 */

type Argument = number | boolean | string | null | { $: string } | Record<string, unknown>;

interface Step {
  readonly do: string;
  readonly on: string;
  readonly args?: readonly Argument[];
  readonly kw?: Readonly<Record<string, unknown>>;
  readonly as?: string;
  readonly noGrad?: boolean;
}

interface Expected {
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
  readonly requiresGrad: boolean;
  readonly isLeaf: boolean;
  readonly grad?: readonly (number | string)[];
}

interface Program {
  readonly title: string;
  readonly leaves: Readonly<
    Record<string, { shape: number[]; grad: boolean; start: number; dtype: 'float32' | 'float16' | 'int32' }>
  >;
  readonly program: readonly Step[];
  readonly throws?: number;
  readonly why?: string;
  readonly tensors?: Readonly<Record<string, Expected>>;
}

const programs = JSON.parse(readFileSync(new URL('../golden/autograd.json', import.meta.url), 'utf8')) as Program[];

/** Where fettle knows what PyTorch refuses to say. */
const ALLOWED: Readonly<Record<string, string>> = {};

type Names = Map<string, unknown>;

function perform(names: Names, { do: method, on, args = [], kw = {}, as }: Step): void {
  const self = names.get(on) as Record<string, (...rest: unknown[]) => unknown>;
  const given = args.map((a) => (typeof a === 'object' && a !== null && '$' in a ? names.get(a.$ as string) : a));
  const options = Object.fromEntries(
    Object.entries(kw).map(([k, v]) => [k, k === 'inputs' ? (v as string[]).map((name) => names.get(name)) : v]),
  );
  if (Object.keys(options).length > 0) given.push(options);
  const scale = given[0] as number;
  const result =
    method === 'registerHook'
      ? (self as unknown as Tensor).registerHook((g) => g.mul(scale))
      : self[method]?.(...given);
  if (self[method] === undefined) throw new Error(`there is no ${method}`);
  if (as !== undefined) names.set(as, result);
}

function compare(what: string, got: Tensor, expected: readonly (number | string)[]): void {
  const data = Array.from(got.dataSync(), Number);
  expect(data.length, what).toBe(expected.length);
  expected.map(Number).forEach((value, i) => {
    const found = data[i] as number;
    if (Object.is(found, value) || found === value) return;
    if (Number.isNaN(value)) expect(found, `${what} ${i}`).toBeNaN();
    else
      expect(Math.abs(found - value), `${what} ${i}: ${found}, expected ${value}`).toBeLessThan(
        2e-5 * (1 + Math.abs(value)),
      );
  });
}

describe('programs', () => {
  test.each(programs.map((one) => [one.title, one] as const))('%s', (title, one) => {
    const names: Names = new Map();
    for (const [name, { shape, grad, start, dtype }] of Object.entries(one.leaves)) {
      const n = shape.reduce((a, b) => a * b, 1);
      const values = Float32Array.from({ length: n }, (_, i) => (start + i) * (dtype === 'int32' ? 1 : 0.25));
      names.set(name, tensor(values, shape, { dtype, requiresGrad: grad }));
    }
    for (const [i, step] of one.program.entries()) {
      const run = (): void => (step.noGrad === true ? noGrad : enableGrad)(() => perform(names, step));
      if (one.throws === i && ALLOWED[title] === undefined) {
        expect(run, one.why).toThrow(FettleError);
        return;
      }
      run();
    }
    for (const [name, expected] of Object.entries(one.tensors ?? {})) {
      const x = names.get(name) as Tensor;
      expect(x.shape, `shape of ${name}`).toEqual(expected.shape);
      compare(`value of ${name}`, x, expected.data);
      expect([x.requiresGrad, x.isLeaf], `${name} requires a gradient, is a leaf`).toEqual([
        expected.requiresGrad,
        expected.isLeaf,
      ]);
      if (expected.grad === undefined) expect(x.grad, `gradient of ${name}`).toBeNull();
      else if (x.grad === null) throw new Error(`${name} has no gradient`);
      else {
        expect([x.grad.shape, x.grad.dtype]).toEqual([x.shape, x.dtype]);
        compare(`gradient of ${name}`, x.grad, expected.grad);
      }
    }
  });
});
