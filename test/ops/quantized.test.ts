import { tensor } from 'fettle';
import { expect, test } from 'vitest';
import { Generator } from '../../src/core/random.js';
import {
  int8Matmul,
  packConv2d,
  packLinear,
  quantizedConv2d,
  quantizedLinear,
  quantizePerTensor,
} from '../../src/ops/quantized.js';

const random = new Generator(17);
const whole = (low: number, high: number): number => low + Math.floor(random.uniform() * (high - low));
const bytes = (size: number): Int8Array<ArrayBuffer> => Int8Array.from({ length: size }, () => whole(-128, 128));
const reals = (size: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: size }, () => random.normal());

/** What `quantizePerTensor` promises for one number, less the zero point: each operation rounded to float32. */
function difference(x: number, inverse: number, zeroPoint: number): number {
  if (Number.isNaN(x)) return 0;
  const scaled = Math.fround(x * Math.fround(inverse));
  const bounded = Math.max(-128 - zeroPoint, Math.min(127 - zeroPoint, scaled));
  const floor = Math.floor(bounded);
  const up = bounded - floor > 0.5 || (bounded - floor === 0.5 && floor % 2 !== 0);
  return up ? floor + 1 : floor;
}

/** A finished sum in float32, as the epilogue rounds it. */
function finish(sum: number, scale: number, factor: number, bias: number, relu: boolean): number {
  const y = Math.fround(Math.fround(Math.fround(sum) * Math.fround(scale * Math.fround(factor))) + bias);
  return relu && y < 0 ? 0 : y;
}

test('products of int8 are exact, whatever their sizes', () => {
  for (let run = 0; run < 60; run++) {
    const [m, n, k] =
      run < 40 ? [whole(1, 24), whole(1, 40), whole(0, 40)] : [whole(1, 140), whole(1, 90), whole(1, 300)];
    const [a, b] = [bytes(m * k), bytes(n * k)];
    const packed = packLinear(tensor(b, [n, k]));
    const y = int8Matmul(tensor(a, [m, k]), packed);
    const expected = Int32Array.from({ length: m * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let l = 0; l < k; l++) sum += (a[i * k + l] as number) * (b[j * k + l] as number);
      return sum;
    });
    expect(y.dataSync(), `${m} × ${k} · ${k} × ${n}`).toEqual(expected);
    packed.panels.dispose();
  }
});

test('extreme values and long sums are exact', () => {
  const k = 4096;
  for (const [x, w] of [
    [-128, -128],
    [-128, 127],
    [127, -127],
  ] as const) {
    const packed = packLinear(tensor(new Int8Array(9 * k).fill(w), [9, k]));
    for (const m of [1, 3, 8]) {
      const y = int8Matmul(tensor(new Int8Array(m * k).fill(x), [m, k]), packed);
      expect([...y.dataSync()]).toEqual(new Array(9 * m).fill(x * w * k));
    }
    packed.panels.dispose();
  }
});

test('quantizing rounds halves to even, clamps, and takes a NaN for the zero point', () => {
  const x = tensor([0.25, 0.75, -0.25, 1e9, -1e9, Infinity, -Infinity, NaN, -0, 1.25, 63.4]);
  expect([...quantizePerTensor(x, { scale: 0.5, zeroPoint: 3 }).dataSync()]).toEqual([
    3, 5, 3, 127, -128, 127, -128, 3, 3, 5, 127,
  ]);
});

test('a linear layer quantizes, multiplies and scales to the bits of its definition', () => {
  for (let run = 0; run < 40; run++) {
    const [m, n, k] = [whole(1, run < 20 ? 4 : 140), whole(1, 50), whole(1, 80)];
    const input = { scale: 0.02 + random.uniform() / 20, zeroPoint: whole(-128, 128) };
    const [x, w, scale, bias] = [reals(m * k), bytes(n * k), reals(n), reals(n)];
    if (run % 3 === 0) x[whole(0, m * k)] = NaN;
    const relu = run % 2 === 1;
    const packed = packLinear(tensor(w, [n, k]));
    const y = quantizedLinear(tensor(x, [m, k]), packed, {
      ...{ scale: tensor(scale), bias: run % 4 === 0 ? null : tensor(bias), input },
      activation: relu ? 'relu' : undefined,
    });
    const q = x.map((value) => difference(value, 1 / input.scale, input.zeroPoint));
    const expected = Float32Array.from({ length: m * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let l = 0; l < k; l++) sum += (q[i * k + l] as number) * (w[j * k + l] as number);
      return finish(sum, scale[j] as number, input.scale, run % 4 === 0 ? 0 : (bias[j] as number), relu);
    });
    expect(y.dataSync(), `${m} × ${k} · ${k} × ${n}`).toEqual(expected);
    packed.panels.dispose();
  }
});

test('a convolution is exact for every stride, padding, dilation, number of channels and width', () => {
  for (let run = 0; run < 120; run++) {
    const [n, c, oc] = [whole(1, 3), whole(1, 7), whole(1, 14)];
    const kernel = [whole(1, 5), whole(1, 6)] as const;
    const stride = [whole(1, 4), whole(1, 4)] as const;
    const padding = [whole(0, 3), whole(0, 3)] as const;
    const dilation = [whole(1, 3), whole(1, 3)] as const;
    const [h, w] = [0, 1].map((i) => {
      const reach = (dilation[i] as number) * ((kernel[i] as number) - 1) + 1;
      return Math.max(1, reach - 2 * (padding[i] as number)) + whole(0, run % 3 === 0 ? 40 : 9);
    }) as [number, number];
    const [oh, ow] = [h, w].map((size, i) => {
      const reach = (dilation[i] as number) * ((kernel[i] as number) - 1) + 1;
      return Math.floor((size + 2 * (padding[i] as number) - reach) / (stride[i] as number)) + 1;
    }) as [number, number];
    const input = { scale: 0.03, zeroPoint: whole(-128, 128) };
    const [x, weight, scale, bias] = [
      reals(n * c * h * w),
      bytes(oc * c * kernel[0] * kernel[1]),
      reals(oc),
      reals(oc),
    ];
    const packed = packConv2d(tensor(weight, [oc, c, ...kernel]));
    const y = quantizedConv2d(
      tensor(x, [n, c, h, w]),
      packed,
      { kernel, stride, padding, dilation },
      { scale: tensor(scale), bias: tensor(bias), input, activation: run % 2 === 1 ? 'relu' : undefined },
    );
    const q = x.map((value) => difference(value, 1 / input.scale, input.zeroPoint));
    const expected = new Float32Array(n * oc * oh * ow);
    for (let at = 0; at < expected.length; at++) {
      const [ox, oy] = [at % ow, Math.floor(at / ow) % oh];
      const [o, item] = [Math.floor(at / (ow * oh)) % oc, Math.floor(at / (ow * oh * oc))];
      let sum = 0;
      for (let channel = 0; channel < c; channel++) {
        for (let i = 0; i < kernel[0]; i++) {
          for (let j = 0; j < kernel[1]; j++) {
            const row = oy * stride[0] - padding[0] + i * dilation[0];
            const column = ox * stride[1] - padding[1] + j * dilation[1];
            if (row < 0 || row >= h || column < 0 || column >= w) continue;
            const value = q[((item * c + channel) * h + row) * w + column] as number;
            sum += value * (weight[((o * c + channel) * kernel[0] + i) * kernel[1] + j] as number);
          }
        }
      }
      expected[at] = finish(sum, scale[o] as number, input.scale, bias[o] as number, run % 2 === 1);
    }
    expect(
      y.dataSync(),
      `x [${[n, c, h, w]}] by [${[oc, c, ...kernel]}] s ${stride} p ${padding} d ${dilation}`,
    ).toEqual(expected);
    packed.panels.dispose();
  }
});

test('an image taller than a band is the image in one', () => {
  const [c, h, w, oc] = [8, 300, 67, 3];
  const [x, weight] = [reals(c * h * w), bytes(oc * c * 9)];
  const input = { scale: 0.03, zeroPoint: 7 };
  const packed = packConv2d(tensor(weight, [oc, c, 3, 3]));
  const product = { scale: tensor(new Float32Array(oc).fill(1)), bias: null, input };
  const window = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1] } as const;
  const y = quantizedConv2d(tensor(x, [1, c, h, w]), packed, window, product).dataSync();
  const q = x.map((value) => difference(value, 1 / input.scale, input.zeroPoint));
  for (let probe = 0; probe < 500; probe++) {
    const [o, oy, ox] = [whole(0, oc), whole(0, h), whole(0, w)];
    let sum = 0;
    for (let channel = 0; channel < c; channel++) {
      for (let tap = 0; tap < 9; tap++) {
        const [row, column] = [oy - 1 + Math.floor(tap / 3), ox - 1 + (tap % 3)];
        if (row < 0 || row >= h || column < 0 || column >= w) continue;
        sum += (q[(channel * h + row) * w + column] as number) * (weight[(o * c + channel) * 9 + tap] as number);
      }
    }
    expect(y[(o * h + oy) * w + ox]).toBe(finish(sum, 1, input.scale, 0, false));
  }
  packed.panels.dispose();
});
