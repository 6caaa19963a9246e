import { fft, hannWindow, ifft, irfft, istft, mul, rfft, stft, type Tensor, tensor } from 'fettle';
import { describe, expect, test } from 'vitest';
import { spread } from '../../src/ops/sheet.js';

/** Long transforms against the definition in float64, and transforms undone. */

const signal = (n: number): Tensor => tensor(spread([n]).data, [n], { dtype: 'float32' });

/** Bin k of the transform of real x. */
function bin(x: ArrayLike<number>, k: number): [number, number] {
  let [re, im] = [0, 0];
  for (let j = 0; j < x.length; j++) {
    const angle = (-2 * Math.PI * ((j * k) % x.length)) / x.length;
    re += (x[j] as number) * Math.cos(angle);
    im += (x[j] as number) * Math.sin(angle);
  }
  return [re, im];
}

function distance(a: Tensor, b: Tensor): number {
  const [p, q] = [Array.from(a.dataSync()), Array.from(b.dataSync())];
  expect(a.shape).toEqual(b.shape);
  return p.reduce((most, v, i) => Math.max(most, Math.abs(v - (q[i] as number))), 0);
}

describe.each([1000, 1024, 1009, 2187, 4099, 6000])('length %i', (n) => {
  test('a few bins are those of the definition', () => {
    const x = signal(n);
    const y = fft(x).dataSync();
    const values = x.dataSync();
    let largest = 0;
    for (const v of y) largest = Math.max(largest, Math.abs(v));
    for (const k of [0, 1, 7, Math.floor(n / 3), Math.floor(n / 2), n - 1]) {
      const [re, im] = bin(values, k);
      expect(Math.abs((y[2 * k] as number) - re)).toBeLessThan(1e-7 * largest);
      expect(Math.abs((y[2 * k + 1] as number) - im)).toBeLessThan(1e-7 * largest);
    }
  });

  test('the inverse gives the signal back', () => {
    const x = signal(n);
    expect(distance(irfft(rfft(x), n), x)).toBeLessThan(3e-7);
    expect(distance(ifft(fft(x)).select(-1, 0).contiguous(), x)).toBeLessThan(3e-7);
  });
});

test('more lengths than plans are kept for', () => {
  for (const round of [0, 1]) {
    for (let n = 3; n < 40; n++) {
      const x = signal(n + round);
      expect(distance(irfft(rfft(x), n + round), x)).toBeLessThan(3e-7);
    }
  }
});

test('a signal from its short-time spectra', () => {
  const x = signal(300).reshape(2, 150);
  const window = hannWindow(32);
  const spectra = stft(x, 32, { hopLength: 8, window });
  expect(spectra.shape).toEqual([2, 17, 19, 2]);
  expect(distance(istft(spectra, 32, { hopLength: 8, window, length: 150 }), x)).toBeLessThan(1e-6);
});

test('a filter in the frequency domain has a gradient of second order', () => {
  const x = signal(12).requiresGrad_();
  const y = mul(irfft(rfft(x), 12), x).sum();
  y.backward();
  expect(distance(x.grad as Tensor, mul(x.detach(), 2))).toBeLessThan(1e-6);
});

test('what is not complex is refused with what to do', () => {
  expect(() => ifft(signal(5))).toThrow('complex: false');
  expect(() => irfft(signal(5))).toThrow('[.., n, 2]');
  expect(() => fft(signal(4), { m: 3 } as never)).toThrow("no option 'm'");
  expect(() => istft(stft(signal(40), 8, { center: false }), 8, { center: false, window: hannWindow(8) })).toThrow(
    'weight',
  );
});
