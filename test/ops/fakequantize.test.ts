import { readFileSync } from 'node:fs';
import { full, randn, type Tensor, tensor } from 'fettle';
import { quantize } from 'fettle/compress';
import { expect, test } from 'vitest';
import { affineOf } from '../../src/compress/quantization/affine.js';
import { observeRange } from '../../src/ops/fakequantize.js';
import { elements } from '../golden/inputs.js';

const { fakeQuantizePerChannelAffine, fakeQuantizePerTensorAffine } = quantize;

interface Golden {
  readonly fakes: readonly {
    readonly scale: number;
    readonly zeroPoint: number;
    readonly bounds: readonly [number, number];
    readonly y: readonly number[];
    readonly grad: readonly number[];
  }[];
  readonly slices: readonly {
    readonly axis: number;
    readonly scales: readonly number[];
    readonly zeroPoints: readonly number[];
    readonly y: readonly number[];
    readonly grad: readonly number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../golden/quantize.json', import.meta.url), 'utf8')) as Golden;

function batch(seed: number, shape: readonly number[], scale: number, shift: number): Tensor {
  const values = elements(seed, { shape, low: -1, high: 1 }).map((u) => u * u * u * scale + shift);
  return tensor(Float32Array.from(values), shape, { requiresGrad: true });
}

const weights = (shape: readonly number[]): Tensor =>
  tensor(Float32Array.from(elements(101, { shape, low: -1, high: 1 })), shape);

test.each(golden.fakes)('per tensor: scale $scale, zero point $zeroPoint', ({ scale, zeroPoint, bounds, y, grad }) => {
  const x = batch(21, [5, 7], 6, 0.2);
  const got = fakeQuantizePerTensorAffine(x, scale, zeroPoint, ...bounds);
  expect([...got.dataSync()]).toEqual(y);
  got
    .mul(weights([5, 7]))
    .sum()
    .backward();
  // Whether a gradient of nothing is 0 or −0 is nobody's concern.
  expect([...(x.grad as Tensor).dataSync()].map((g) => g + 0)).toEqual(grad.map((g) => g + 0));
});

test.each(golden.slices)('per channel along $axis', ({ axis, scales, zeroPoints, y, grad }) => {
  for (const [dim, layout] of [
    [axis, (t: Tensor) => t],
    [axis - 3, (t: Tensor) => t.permute([2, 1, 0]).contiguous().permute([2, 1, 0])],
  ] as const) {
    const x = batch(31, [3, 4, 2], 9, -0.3);
    const got = fakeQuantizePerChannelAffine(layout(x), tensor([...scales]), tensor([...zeroPoints]), dim, -128, 127);
    expect([...got.dataSync()]).toEqual(y);
    got
      .mul(weights([3, 4, 2]))
      .sum()
      .backward();
    // Whether a gradient of nothing is 0 or −0 is nobody's concern.
    expect([...(x.grad as Tensor).dataSync()].map((g) => g + 0)).toEqual(grad.map((g) => g + 0));
  }
});

test('NaN stays, infinities are clamped, an empty tensor is fine, and its gradient can be differentiated', () => {
  const odd = fakeQuantizePerTensorAffine(tensor([NaN, Infinity, -Infinity, -0]), 0.5, 1, -128, 127).dataSync();
  expect([...odd]).toEqual([NaN, 63, -64.5, 0]);
  expect(fakeQuantizePerTensorAffine(randn([0, 3]), 0.5, 0, -8, 7).shape).toEqual([0, 3]);
  const x = tensor([0.3, 100], { requiresGrad: true });
  const y = fakeQuantizePerTensorAffine(x.mul(x), 0.5, 0, -128, 127);
  y.sum().backward({ createGraph: true });
  expect([...(x.grad as Tensor).dataSync()]).toEqual([Math.fround(0.6), 0]);
  const g = x.grad as Tensor;
  x.grad = null;
  g.sum().backward();
  expect([...(x.grad as unknown as Tensor).dataSync()]).toEqual([2, 0]);
});

test('long tensors, whatever their length', () => {
  for (const count of [1, 3, 4095, 4096, 4097, 10001]) {
    const x = randn([count]);
    const y = fakeQuantizePerTensorAffine(x, 0.25, 3, -128, 127).dataSync();
    x.dataSync().forEach((v, i) => {
      const level = Math.round(v * 4);
      if (Math.abs(v * 4) % 1 !== 0.5) expect(y[i]).toBe(Math.max(-131, Math.min(124, level)) * 0.25 + 0);
    });
  }
});

test('mistakes', () => {
  const x = randn([2, 3]);
  expect(() => fakeQuantizePerTensorAffine(x, 1, 0, 5, 5)).toThrow('must be whole numbers that rise');
  expect(() => fakeQuantizePerChannelAffine(x, tensor([1, 1]), tensor([0, 0]), 1, -8, 7)).toThrow(
    'scale must have 3 numbers, got [2]',
  );
  expect(() => fakeQuantizePerChannelAffine(x, tensor([1]), tensor([0]), 2, -8, 7)).toThrow('axis 2 is none of 2');
});

test('ranges are observed as an observer does it', () => {
  for (const symmetric of [false, true]) {
    for (const axis of [null, 0, 1]) {
      const channels = axis === null ? 1 : axis === 0 ? 5 : 7;
      const [least, most] = [full([channels], Infinity), full([channels], -Infinity)];
      const watches = Array.from(
        { length: channels },
        () => new quantize.MovingAverageMinMaxObserver({ averagingConstant: 0.25, symmetric }),
      );
      const range = { share: 0.25, axis, quantMin: -128, quantMax: 127, symmetric };
      for (let step = 0; step < 3; step++) {
        const x = randn([5, 7]).add(step - 1);
        const { scale, zeroPoint } = observeRange(x, least, most, range);
        const again = observeRange(null, least, most, range);
        watches.forEach((watch, c) => {
          watch.observe(axis === null ? x : x.select(axis, c).contiguous());
          const expected = watch.affine();
          expect(Math.abs((scale.dataSync()[c] as number) / expected.scale - 1)).toBeLessThan(3e-7);
          expect(zeroPoint.dataSync()[c]).toBe(expected.zeroPoint);
        });
        expect([...again.scale.dataSync()]).toEqual([...scale.dataSync()]);
      }
    }
  }
  const none = observeRange(null, full([1], Infinity), full([1], -Infinity), {
    share: 1,
    axis: null,
    quantMin: -128,
    quantMax: 127,
    symmetric: false,
  });
  expect(none.scale.item()).toBe(1);
  expect(affineOf(Infinity, -Infinity)).toEqual({ scale: 1, zeroPoint: 0 });
});
