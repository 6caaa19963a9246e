import { allclose, equal, isclose, ones, tensor } from 'fettle';
import { describe, expect, it } from 'vitest';

/** What PyTorch's functions of these names give. */
describe('closeness', () => {
  const x = [1, 2, 3];

  it('allclose: within a share and a difference', () => {
    expect(allclose(tensor(x), tensor([1.000001, 2, 3]))).toBe(true);
    expect(allclose(tensor(x), tensor([1.001, 2, 3]))).toBe(false);
    expect(allclose(tensor(x), tensor([1.001, 2, 3]), 1e-2)).toBe(true);
    expect(allclose(tensor(x), tensor([1.001, 2, 3]), { atol: 1e-2 })).toBe(true);
    expect(allclose(tensor([NaN]), tensor([NaN]))).toBe(false);
    expect(tensor([NaN, Infinity]).allclose(tensor([NaN, Infinity]), { equalNan: true })).toBe(true);
    expect(allclose(ones([2, 3]), ones([]))).toBe(true);
    expect(allclose(ones([0]), ones([0]))).toBe(true);
  });

  it('equal: one shape and the same elements', () => {
    expect(equal(tensor(x), tensor(x))).toBe(true);
    expect(equal(tensor(x), tensor([1, 2, 4]))).toBe(false);
    expect(tensor(x).equal(ones([2, 3]))).toBe(false);
    expect(equal(ones([1]), ones([3]))).toBe(false);
    expect(equal(tensor([NaN]), tensor([NaN]))).toBe(false);
    expect(equal(tensor([0]), tensor([-0]))).toBe(true);
  });

  it.each([
    ['two dtypes', () => isclose(tensor(x), tensor(x, { dtype: 'int32' })), 'one dtype'],
    ['a negative tolerance', () => allclose(tensor(x), tensor(x), -1), 'numbers ≥ 0'],
    ['an unknown option', () => allclose(tensor(x), tensor(x), { tol: 1 } as object), "no option 'tol'"],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});
