import { batchNorm, groupNorm, instanceNorm, layerNorm, type Tensor, tensor } from 'fettle';
import { describe, expect, test } from 'vitest';
import { spread } from '../../src/ops/sheet.js';

/** Normalizing what lies far from 0: a mean rounded to float32 would show in the third digit. */

/** Each run of `size` elements with mean 0 and variance 1, in float64. */
function normalized(data: Float64Array, size: number): Float64Array {
  return data.map((v, i) => {
    const run = data.slice(Math.floor(i / size) * size, (Math.floor(i / size) + 1) * size);
    const mean = run.reduce((a, b) => a + b, 0) / size;
    const variance = run.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
    return (v - mean) / Math.sqrt(variance + 1e-5);
  });
}

function farFromZero(count: number): Float64Array {
  return spread([count], 1e4 - 2, 1e4 + 2).data;
}

function expectClose(y: Tensor, wanted: Float64Array): void {
  const got = y.dataSync();
  for (const [i, v] of wanted.entries()) expect(Math.abs((got[i] as number) - v)).toBeLessThan(2e-6);
}

describe.each([7, 64, 130, 2100])('runs of %i elements around 10⁴', (size) => {
  const data = farFromZero(4 * size);
  const wanted = normalized(data, size);

  test('layerNorm', () => expectClose(layerNorm(tensor(data, [4, size], { dtype: 'float32' }), [size]), wanted));
  test('groupNorm', () => expectClose(groupNorm(tensor(data, [2, 2, size], { dtype: 'float32' }), 2), wanted));
  test('instanceNorm', () => expectClose(instanceNorm(tensor(data, [2, 2, size], { dtype: 'float32' })), wanted));
  test('batchNorm of columns', () => {
    const x = tensor(data, [4, size], { dtype: 'float32' });
    expectClose(batchNorm(x.T, null, null, { training: true }).T.contiguous(), wanted);
  });
});
