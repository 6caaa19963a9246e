import { readFileSync } from 'node:fs';
import { noGrad, Tensor, tensor } from 'fettle';
import type * as nn from 'fettle/nn';
import { expect, onTestFinished, test } from 'vitest';
import { elements } from '../golden/inputs.js';

/**
 * Programs as PyTorch's users write them, line by line in TypeScript. ../golden/ports.py has the same programs on the same data
 * and first weights, ../golden/ports/NAME.json what PyTorch gets.
 */

/** Data that ports.py makes too. */
export function given(seed: number, shape: readonly number[], low = -1, high = 1): Tensor {
  return tensor(elements(seed, { shape, low, high }), shape, { dtype: 'float32' });
}

/** Classes below `count`. */
export function labels(seed: number, shape: readonly number[], count: number): Tensor<'int32'> {
  return tensor(elements(seed, { shape, low: 0, high: count, step: 1 }), shape, { dtype: 'int32' });
}

const open: { dispose(): void }[] = [];

/** Models and optimizers belong to no scope: this frees one when its port is done. */
export function owned<T extends { dispose(): void }>(made: T): T {
  open.push(made);
  return made;
}

/** Sets parameter k by the formula with seed k + 1: matrices as wide as PyTorch begins, scales near 1, biases near 0. */
export function fill<M extends nn.Module>(made: M): M {
  noGrad(() => {
    for (const [k, [name, p]] of made.namedParameters().entries()) {
      const middle = p.dim() > 1 || name.includes('bias') ? 0 : 1;
      const bound = p.dim() > 1 ? 1 / Math.sqrt(p.nelement() / p.size(0)) : 0.1;
      p.copy_(given(k + 1, p.shape, middle - bound, middle + bound));
    }
  });
  return owned(made);
}

type Numbers = number | Tensor | readonly Numbers[];

function flat(value: Numbers): number[] {
  if (value instanceof Tensor) return [...value.detach().dataSync()].map(Number);
  return typeof value === 'number' ? [value] : value.flatMap(flat);
}

/**
 * A port, and how far its results may be from PyTorch's, relative to the largest element of each: errors of rounding grow from
 * step to step.
 */
export function port(name: string, run: () => Record<string, Numbers>, tolerance = 1e-5): void {
  test(`${name} goes as in PyTorch`, () => {
    onTestFinished(() => {
      for (const one of open.splice(0)) one.dispose();
    });
    const expected: Record<string, Numbers> = JSON.parse(
      readFileSync(new URL(`../golden/ports/${name}.json`, import.meta.url), 'utf8'),
    );
    const got = run();
    expect(Object.keys(got)).toEqual(Object.keys(expected));
    for (const [key, want] of Object.entries(expected)) {
      const [values, wanted] = [flat(got[key] as Numbers), flat(want)];
      expect(values, key).toHaveLength(wanted.length);
      const largest = Math.max(...wanted.map(Math.abs));
      const off = wanted.map((w, i) => Math.abs((values[i] as number) - w) / largest);
      if (process.env.PORTS) console.log(name, key, Math.max(...off), values.slice(0, 3), wanted.slice(0, 3));
      expect(Math.max(...off), key).toBeLessThanOrEqual(tolerance);
    }
  });
}
