import { cast, type Tensor, tensor } from 'fettle';
import { describe, expect, it } from 'vitest';
import { sheets } from '../support/sheets.js';

/** float16 is storage: an op on it is the op on float32, rounded to float16 where PyTorch's result is. */

const BINARY = sheets.filter(([, { op }]) => op.family === 'binary' && op.dtypes.includes('float32'));
const UNARY = sheets.filter(([, { op }]) => op.family === 'unary' && op.dtypes.includes('float32'));

const first = [0.5, 1, 1.5, 0.25, 2, 0.1];
const second = [1, 2, 0.5, 3, 1.25, 0.7];
const half = (data: number[]): Tensor => tensor(data, { dtype: 'float16' });

function expectRounded(got: Tensor, wide: Tensor): void {
  expect(got.dtype).toBe(wide.dtype === 'float32' ? 'float16' : wide.dtype);
  const wanted = wide.dtype === 'float32' ? cast(wide, 'float16') : wide;
  expect([...got.dataSync()]).toEqual([...wanted.dataSync()]);
}

describe('float16', () => {
  it.each(UNARY)('%s', (_, op) => {
    const x = half(first);
    const args = op.op.samples()[0]?.args ?? [];
    expectRounded(op(x, ...args), op(x.float(), ...args));
  });

  it.each(BINARY)('%s', (name, op) => {
    const [a, b] = [half(first), half(second)];
    expectRounded(op(a, b), op(a.float(), b.float()));
    // PyTorch refuses two dtypes here.
    if (name === 'heaviside') return;
    expect(op(a, b.float()).dtype).toBe(op(a.float(), b.float()).dtype);
  });

  it('has gradients in its own dtype', () => {
    const [a, b] = [half(first).requiresGrad_(), half(second).requiresGrad_()];
    a.mul(b).exp().sum().backward();
    const [p, q] = [a.detach().float().requiresGrad_(), b.detach().float().requiresGrad_()];
    p.mul(q).exp().sum().backward();
    for (const [x, wide] of [
      [a, p],
      [b, q],
    ] as const) {
      expect(x.grad?.dtype).toBe('float16');
      x.grad?.dataSync().forEach((v, i) => {
        const want = wide.grad?.dataSync()[i] as number;
        expect(Math.abs(v - want)).toBeLessThan(4e-3 * Math.abs(want));
      });
    }
  });

  it('gathers gradients that meet', () => {
    const x = half(first).requiresGrad_();
    for (const _ of [1, 2]) x.mul(x).sum().backward();
    expect([...(x.grad as Tensor).dataSync()].slice(0, 5)).toEqual(first.slice(0, 5).map((v) => 4 * v));
    const y = half(first).requiresGrad_();
    y.mul(tensor(second)).add(y).sum().backward();
    expect(y.grad?.dtype).toBe('float16');
    expect([...(y.grad as Tensor).dataSync()].slice(0, 5)).toEqual(second.slice(0, 5).map((v) => v + 1));
  });

  it('is filled and selected', () => {
    expect([...half(first).fill_(1.5).dataSync()]).toEqual(new Array(6).fill(1.5));
    const picked = half(first).where(half(first).gt(0.6), half(second));
    expect(picked.dtype).toBe('float16');
    expect([...picked.dataSync()].slice(0, 3)).toEqual([1, 1, 1.5]);
  });
});
