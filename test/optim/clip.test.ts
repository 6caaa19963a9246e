import { memory, scope, type Tensor, tensor } from 'fettle';
import { clipGradNorm, clipGradsWithNorm, clipGradValue, getTotalNorm } from 'fettle/optim';
import { describe, expect, it } from 'vitest';
import { distance, golden, gradient, parameters, valuesOf } from './problem.js';

function withGradient(...values: number[]): Tensor {
  const param = tensor(new Float32Array(values.length), [values.length], { requiresGrad: true });
  param.grad = tensor(values);
  return param;
}

const gradients = (params: readonly Tensor[]): number[] => valuesOf(params.flatMap(({ grad }) => grad ?? []));

describe('clipGradNorm', () => {
  it.each(golden.clipGradNorm)('gives what PyTorch gives: norm $normType, at most $maxNorm', (one) => {
    const params = parameters();
    for (const [p, param] of params.entries()) param.grad = (gradient(1, p) as Tensor).mul(one.scale);
    const norm = clipGradNorm(params, one.maxNorm, { normType: one.normType });
    expect(norm.shape).toEqual([]);
    expect(distance([norm.item()], [one.norm])).toBeLessThan(4);
    expect(distance(gradients(params), one.grads)).toBeLessThan(4);
  });

  it('reaches over many elements without drift', () => {
    const n = 100_003;
    const param = tensor(new Float32Array(n), [n], { requiresGrad: true });
    param.grad = tensor(new Float32Array(n).fill(0.1), [n]);
    expect(clipGradNorm([param], 1).item()).toBeCloseTo(Math.fround(0.1) * Math.sqrt(n), 4);
    const clipped = valuesOf([param.grad]);
    expect(Math.hypot(...clipped.slice(0, 1000)) / Math.hypot(...clipped.slice(n - 1000))).toBeCloseTo(1, 7);
    expect(clipped[n - 1]).toBeCloseTo(1 / Math.sqrt(n), 8);
  });

  it('passes over parameters without a gradient, and gives 0 for none at all', () => {
    const idle = tensor([1], { requiresGrad: true });
    const param = withGradient(3, 4);
    expect(clipGradNorm([idle, param], 1).item()).toBe(5);
    expect(clipGradNorm([idle], 1).item()).toBe(0);
    expect(clipGradNorm(idle, 1).shape).toEqual([]);
    expect(idle.grad).toBeNull();
  });

  it('follows gradients that are not finite, or refuses them', () => {
    const infinite = withGradient(1, Number.POSITIVE_INFINITY);
    expect(clipGradNorm(infinite, 1).item()).toBe(Number.POSITIVE_INFINITY);
    expect(gradients([infinite])).toEqual([0, Number.NaN]);
    const broken = withGradient(1, 2, Number.NaN, 3, 4);
    expect(() => clipGradNorm(broken, 1, { errorIfNonfinite: true })).toThrow('the norm of the gradients is NaN');
    expect(gradients([broken])).toEqual([1, 2, Number.NaN, 3, 4]);
    expect(clipGradNorm(broken, 1, { normType: Number.POSITIVE_INFINITY }).item()).toBeNaN();
    expect(gradients([broken])).toEqual(new Array(5).fill(Number.NaN));
  });

  it('writes through gradients with gaps', () => {
    const param = tensor(new Float32Array(4), [2, 2], { requiresGrad: true });
    param.grad = tensor([
      [3, 0],
      [0, 4],
    ]).T;
    clipGradNorm(param, 2.5);
    expect(distance(gradients([param]), [1.5, 0, 0, 2])).toBeLessThan(4);
  });

  it('leaves nothing behind but the norm', () => {
    const param = withGradient(3, 4);
    const before = memory().tensors;
    scope(() => {
      for (const normType of [1, 2, 3, 'inf'] as const) clipGradNorm(param, 1, { normType });
      expect(memory().tensors).toBe(before + 4);
    });
    expect(memory().tensors).toBe(before);
  });

  it('counts as a write', () => {
    const param = withGradient(3, 4);
    const version = param.grad?.storage.version as number;
    clipGradNorm(param, 1);
    expect(param.grad?.storage.version).toBeGreaterThan(version);
    expect(param.grad?.storage.writer).toBe('clipGradNorm');
  });

  it('refuses what is no norm', () => {
    expect(() => clipGradNorm([], 1, { normType: 0 })).toThrow("normType must be a number > 0 or 'inf', got 0");
    expect(() => clipGradNorm([], '1' as unknown as number)).toThrow('maxNorm must be a number');
  });
});

describe('clipGradValue', () => {
  it('clamps every element and leaves NaN', () => {
    const params = [withGradient(-3, 0.5, Number.NaN, 9, -0.25), withGradient(Number.NEGATIVE_INFINITY)];
    clipGradValue(params, 1);
    expect(gradients(params)).toEqual([-1, 0.5, Number.NaN, 1, -0.25, -1]);
    expect(params[0]?.grad?.storage.writer).toBe('clipGradValue');
  });

  it('refuses a negative bound', () => {
    expect(() => clipGradValue([], -1)).toThrow('clipValue must be a number ≥ 0');
  });
});

describe('getTotalNorm and clipGradsWithNorm', () => {
  it('are clipGradNorm in two steps', () => {
    for (const normType of [1, 2, 2.5, 'inf'] as const) {
      const [a, b] = [parameters(), parameters()];
      for (const params of [a, b]) for (const [p, param] of params.entries()) param.grad = gradient(1, p);
      const norm = getTotalNorm(
        a.map(({ grad }) => grad as Tensor),
        normType,
      );
      expect(clipGradNorm(b, 0.25, normType).item()).toBe(norm.item());
      clipGradsWithNorm(a, 0.25, norm);
      expect(a.map(({ grad }) => grad?.toArray())).toEqual(b.map(({ grad }) => grad?.toArray()));
    }
  });

  it('refuse a norm that is not finite where that is asked for, before anything is changed', () => {
    const bad = tensor([1, NaN]);
    expect(() => getTotalNorm(bad, 2, true)).toThrow('the norm of the gradients is NaN');
    expect(getTotalNorm([bad]).item()).toBeNaN();
    expect(getTotalNorm([]).item()).toBe(0);
    expect(() => getTotalNorm([bad], { norm: 2 } as object)).toThrow("no option 'norm'");
  });
});
