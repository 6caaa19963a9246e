import { add, conv2d, manualSeed, mul, noGrad, randn, relu, type Tensor } from 'fettle';
import { beforeEach, describe, expect, test } from 'vitest';
import { convFused, type Epilogue } from '../../src/ops/convfused.js';

/** Convolutions with what follows them in one kernel, held against the single ops. */

beforeEach(() => {
  manualSeed(3);
});

function single(x: Tensor, w: Tensor, options: object, { scale, shift, relu: clamps }: Epilogue): Tensor {
  let y = conv2d(x, w, options);
  if (scale) y = mul(y, scale.reshape([-1, 1, 1]));
  if (shift) y = add(y, shift.reshape([-1, 1, 1]));
  return clamps ? relu(y) : y;
}

function close(got: Tensor, expected: Tensor): void {
  const [a, b] = [got.dataSync(), expected.dataSync()];
  expect(a.length).toBe(b.length);
  b.forEach((value, i) => {
    expect(Math.abs((a[i] as number) - Number(value))).toBeLessThan(1e-5 * Math.max(1, Math.abs(Number(value))));
  });
}

const GEOMETRIES: readonly [name: string, x: number[], w: number[], options: object][] = [
  ['3 × 3', [2, 3, 6, 8], [7, 3, 3, 3], { padding: 1 }],
  ['strided groups', [3, 4, 9, 7], [6, 2, 3, 3], { stride: 2, padding: 1, groups: 2 }],
  ['depthwise', [2, 4, 8, 8], [4, 1, 3, 3], { padding: 1, groups: 4 }],
  ['one by one', [2, 5, 3, 5], [6, 5, 1, 1], {}],
  ['small planes', [9, 3, 4, 4], [5, 3, 3, 3], { padding: 1, stride: 2 }],
];

describe('convFused', () => {
  for (const [name, shape, kernel, options] of GEOMETRIES) {
    test.each([0, 1, 2, 3, 4, 7, 15])(`${name}, parts %i`, (parts) => {
      const [x, w] = [randn(shape), randn(kernel)];
      const out = kernel[0] as number;
      const withBias = parts & 8 ? { ...options, bias: randn([out]) } : options;
      const after: Epilogue = {
        scale: parts & 1 ? randn([out]) : null,
        shift: parts & 2 ? randn([out]) : null,
        relu: (parts & 4) !== 0,
      };
      close(convFused(x, w, withBias, after), single(x, w, withBias, after));
    });
  }

  test('keeps a NaN through relu', () => {
    const x = randn([1, 1, 4, 4]).mul(Number.NaN);
    const y = convFused(x, randn([1, 1, 1, 1]), {}, { relu: true });
    expect(y.dataSync().every(Number.isNaN)).toBe(true);
  });

  test('is made of ops where a gradient is wanted', () => {
    const w = randn([2, 1, 3, 3], { requiresGrad: true });
    const [x, scale] = [randn([1, 1, 5, 5]), randn([2])];
    const y = convFused(x, w, {}, { scale, relu: true });
    expect(y.requiresGrad).toBe(true);
    y.sum().backward();
    const fused = (w.grad as Tensor).clone();
    w.grad = null;
    single(x, w, {}, { scale, relu: true }).sum().backward();
    close(fused, w.grad as unknown as Tensor);
    close(
      y,
      noGrad(() => convFused(x, w, {}, { scale, relu: true })),
    );
    w.grad = null;
  });

  test('refuses sizes that do not fit', () => {
    const [x, w] = [randn([1, 1, 5, 5]), randn([2, 1, 3, 3])];
    expect(() => convFused(x, w, {}, { scale: randn([3]) })).toThrow(/scale and shift must be \[2\]/);
  });
});
