import { readFileSync } from 'node:fs';
import { randn, type Tensor, tensor } from 'fettle';
import { quantize } from 'fettle/compress';
import { describe, expect, test } from 'vitest';
import { affineOf } from '../../src/compress/quantization/affine.js';
import { elements } from '../golden/inputs.js';

interface Golden {
  readonly observers: readonly {
    readonly stream: string;
    readonly kind: 'minmax' | 'movingAverage' | 'histogram';
    readonly symmetric: boolean;
    readonly batches: readonly (readonly [number[], number, number])[];
    readonly scale: number;
    readonly zeroPoint: number;
  }[];
  readonly channels: readonly {
    readonly axis: number;
    readonly symmetric: boolean;
    readonly scales: readonly number[];
    readonly zeroPoints: readonly number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../golden/quantize.json', import.meta.url), 'utf8')) as Golden;

/** Heavy-tailed values: cubes of even ones, as quantize.py makes them. */
function batch(seed: number, shape: readonly number[], scale: number, shift: number): Tensor {
  const values = elements(seed, { shape, low: -1, high: 1 }).map((u) => u * u * u * scale + shift);
  return tensor(Float32Array.from(values), shape);
}

const KINDS = {
  minmax: quantize.MinMaxObserver,
  movingAverage: quantize.MovingAverageMinMaxObserver,
  histogram: quantize.HistogramObserver,
};

describe('observers choose what PyTorch’s choose', () => {
  test.each(golden.observers)(
    '$kind of $stream values, symmetric: $symmetric',
    ({ kind, symmetric, batches, scale, zeroPoint }) => {
      const observer = new KINDS[kind]({ symmetric });
      batches.forEach(([shape, spread, shift], i) => {
        observer.observe(batch(i + 1, shape, spread, shift));
      });
      const affine = observer.affine();
      expect(Math.abs(affine.scale / scale - 1)).toBeLessThan(kind === 'minmax' ? 1e-9 : 5e-7);
      expect(affine.zeroPoint).toBe(zeroPoint);
    },
  );

  test.each(golden.channels)(
    'per channel along $axis, symmetric: $symmetric',
    ({ axis, symmetric, scales, zeroPoints }) => {
      const observer = new quantize.PerChannelMinMaxObserver({ axis, symmetric });
      [0, 0.4].forEach((shift, i) => {
        observer.observe(batch(i + 11, [4, 3, 5], 2, shift));
      });
      expect(observer.affines().map(({ scale }) => scale)).toEqual(scales);
      expect(observer.affines().map(({ zeroPoint }) => zeroPoint)).toEqual(zeroPoints);
      const behind = new quantize.PerChannelMinMaxObserver({ axis: axis - 3, symmetric });
      [0, 0.4].forEach((shift, i) => {
        behind.observe(batch(i + 11, [4, 3, 5], 2, shift));
      });
      expect(behind.affines()).toEqual(observer.affines());
    },
  );
});

describe('what all observers keep', () => {
  const all = [
    quantize.MinMaxObserver,
    quantize.MovingAverageMinMaxObserver,
    quantize.HistogramObserver,
    quantize.MSEObserver,
    quantize.EntropyObserver,
  ];

  test.each(all)('%s: zero is exact, and what it never saw is no mistake', (Kind) => {
    expect(new Kind().affine()).toEqual({ scale: 1, zeroPoint: 0 });
    for (const shift of [-9, -1, 0, 2, 30]) {
      const observer = new Kind();
      observer.observe([]);
      observer.observe(randn([500]).add(shift));
      const { scale, zeroPoint } = observer.affine();
      expect(Number.isInteger(zeroPoint) && zeroPoint >= -128 && zeroPoint <= 127).toBe(true);
      expect(scale).toBeGreaterThan(0);
    }
    const constant = new Kind();
    constant.observe([0, 0, 0]);
    expect(constant.affine()).toEqual({ scale: 1, zeroPoint: 0 });
    const symmetric = new Kind({ symmetric: true });
    symmetric.observe(randn([500]).add(2));
    expect(symmetric.affine().zeroPoint).toBe(0);
  });

  test.each(all)('%s: names what is not finite', (Kind) => {
    expect(() => new Kind().observe([1, NaN], 'the input of fc1')).toThrow('the input of fc1 holds NaN');
    expect(() => new Kind().observe([-Infinity])).toThrow('holds -Infinity');
  });

  test('one value at a time, and the same value again', () => {
    for (const Kind of all) {
      const observer = new Kind();
      for (const value of [2, 2, 2, 5]) observer.observe([value]);
      const { scale, zeroPoint } = observer.affine();
      expect(zeroPoint).toBe(-128);
      if (Kind === quantize.MinMaxObserver) expect(scale * 255).toBeCloseTo(5, 5);
    }
  });

  test('mistakes', () => {
    expect(() => new quantize.MovingAverageMinMaxObserver({ averagingConstant: 0 })).toThrow('must lie in (0, 1]');
    expect(() => new quantize.PerChannelMinMaxObserver({ axis: 3 }).observe(randn([2, 2]))).toThrow('axis 3 is none');
    const observer = new quantize.PerChannelMinMaxObserver();
    observer.observe(randn([2, 2]));
    expect(() => observer.observe(randn([3, 2]))).toThrow('expected 2 channels as before, got 3');
  });
});

/** Mean squared error of quantizing `values`. */
function mse(values: Float32Array, { scale, zeroPoint }: { scale: number; zeroPoint: number }): number {
  const back = (v: number): number =>
    (Math.max(-128, Math.min(127, Math.round(v / scale) + zeroPoint)) - zeroPoint) * scale;
  return values.reduce((sum, v) => sum + (v - back(v)) ** 2, 0) / values.length;
}

describe('clipping', () => {
  /** Normal values and a few far ones. */
  const outliers = (shift: number): Float32Array => {
    const values = randn([20000]).add(shift).dataSync();
    values[0] = 40;
    values[1] = -35;
    return values;
  };

  test.each([0, 1.5])('MSE is within a per cent of the best range a fine search finds, shift %f', (shift) => {
    const values = outliers(shift);
    const observer = new quantize.MSEObserver();
    observer.observe(values.subarray(0, 7000));
    observer.observe(values.subarray(7000));
    const got = mse(values, observer.affine());
    let best = Infinity;
    for (let low = 1; low <= 40; low++) {
      for (let high = 1; high <= 40; high++) {
        best = Math.min(best, mse(values, affineOf((-35 * low) / 40, high)));
      }
    }
    expect(got).toBeLessThan(1.01 * best);
    const all = new quantize.MinMaxObserver();
    all.observe(values);
    expect(got).toBeLessThanOrEqual(mse(values, all.affine()));
  });

  test('entropy gives up outliers and keeps what is even', () => {
    const far = new quantize.EntropyObserver();
    far.observe(outliers(0));
    const all = new quantize.MinMaxObserver();
    all.observe(outliers(0));
    expect(far.affine().scale).toBeLessThan(0.4 * all.affine().scale);
    const even = new quantize.EntropyObserver();
    const values = Float32Array.from({ length: 20000 }, (_, i) => (i % 2001) / 1000 - 1);
    even.observe(values);
    expect(even.affine().scale * 255).toBeGreaterThan(1.9);
  });

  test('after relu the range begins at 0', () => {
    for (const Kind of [quantize.MSEObserver, quantize.EntropyObserver, quantize.HistogramObserver]) {
      const observer = new Kind();
      observer.observe(randn([5000]).relu());
      expect(observer.affine().zeroPoint).toBe(-128);
    }
  });
});
