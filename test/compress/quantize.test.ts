import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FettleError, manualSeed, memory, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import { compressedTypes, prune, type QuantizedConv2d, QuantizedLinear, quantize } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { loadModel, saveModel } from 'fettle/train';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(6);
});
afterEach(release);

type Net = nn.Module & { forward(x: Tensor): Tensor };
type Quantized = QuantizedLinear | QuantizedConv2d;

async function* batches(...xs: (Tensor | readonly Tensor[])[]): AsyncGenerator<Tensor | readonly Tensor[]> {
  yield* xs;
}

async function quantized<M extends Net>(model: M, options: quantize.StaticOptions, ...xs: Tensor[]): Promise<M> {
  return tracked(await quantize.static(model, batches(...xs), options));
}

const run = (model: Net, x: Tensor): Float32Array => noGrad(() => model.forward(x)).dataSync() as Float32Array;

/** Signal to noise in decibels: 20 dB is an error of a tenth, 40 dB of a hundredth. */
function sqnr(exact: Float32Array, approximate: Float32Array): number {
  const power = (f: (i: number) => number): number => exact.reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return (
    10 * Math.log10(power((i) => exact[i] as number) / power((i) => (exact[i] as number) - (approximate[i] as number)))
  );
}

/** What comes into and out of each named module. */
function watch(model: Net, names: readonly string[], x: Tensor): Map<string, { input: Tensor; output: Float32Array }> {
  const seen = new Map<string, { input: Tensor; output: Float32Array }>();
  const handles = names.map((name) =>
    model.getSubmodule(name).registerForwardHook((_, given, output) => {
      seen.set(name, { input: given[0] as Tensor, output: output.dataSync() as Float32Array });
      return undefined;
    }),
  );
  noGrad(() => model.forward(x));
  for (const handle of handles) handle.remove();
  return seen;
}

function cnn(): nn.Sequential {
  return tracked(
    new nn.Sequential({
      conv1: new nn.Conv2d(3, 8, 3, { padding: 1 }),
      relu1: new nn.ReLU(),
      conv2: new nn.Conv2d(8, 16, 3, { stride: 2, padding: [2, 1], dilation: [2, 1], bias: false }),
      relu2: new nn.ReLU(),
      flatten: new nn.Flatten(),
      drop: new nn.Dropout(0.5),
      fc1: new nn.Linear(16 * 25, 32),
      act: new nn.Tanh(),
      fc2: new nn.Linear(32, 5),
    }),
  );
}

const LAYERS = ['conv1', 'conv2', 'fc1', 'fc2'];

describe('the int8 model is near the float model', () => {
  test.each([
    { perChannel: true, layer: 34, whole: 30 },
    { perChannel: false, layer: 32, whole: 28 },
  ])('per channel: $perChannel', async ({ perChannel, layer, whole }) => {
    const model = cnn().eval();
    const x = randn([16, 3, 10, 10]);
    const int8 = await quantized(model, { perChannel }, x, randn([16, 3, 10, 10]));
    const seen = watch(model, LAYERS, x);
    for (const name of LAYERS) {
      const { input, output } = seen.get(name) as { input: Tensor; output: Float32Array };
      expect(sqnr(output, run(int8.getSubmodule(name) as Quantized, input)), name).toBeGreaterThan(layer);
    }
    expect(sqnr(run(model, x), run(int8, x))).toBeGreaterThan(whole);
    expect(LAYERS.map((name) => int8.getSubmodule(name).constructor.name)).toEqual([
      'QuantizedConv2d',
      'QuantizedConv2d',
      'QuantizedLinear',
      'QuantizedLinear',
    ]);
    expect(int8.training).toBe(false);
  });

  test('a scale for each channel saves the small ones', async () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(16, 4) }));
    const weights = [1, 0.1, 0.01, 0.001].flatMap((s) => [...randn([16]).mul(s).dataSync()]);
    model.loadStateDict({ 'fc.weight': tensor(weights, [4, 16]), 'fc.bias': tensor([0, 0, 0, 0]) });
    const x = randn([64, 16]);
    const smallest = (y: Float32Array): Float32Array => y.filter((_, i) => i % 4 === 3);
    const [each, all] = [
      await quantized(model, { perChannel: true }, x),
      await quantized(model, { perChannel: false }, x),
    ];
    expect(sqnr(smallest(run(model, x)), smallest(run(each, x)))).toBeGreaterThan(35);
    expect(sqnr(smallest(run(model, x)), smallest(run(all, x)))).toBeLessThan(10);
  });

  test('the weights of a pruned model stay 0', async () => {
    const model = cnn();
    for (const name of LAYERS) prune.l1Unstructured(model.getSubmodule(name), 'weight', 0.5);
    const int8 = await quantized(model, {}, randn([8, 3, 10, 10]));
    for (const name of LAYERS) {
      const weight = (model.getSubmodule(name) as nn.Linear).weight.dataSync();
      const values = (int8.getSubmodule(name) as Quantized).weight.dataSync();
      expect(weight.every((v, i) => v !== 0 || values[i] === 0)).toBe(true);
    }
  });
});

/** The layer's arithmetic as it is meant, in float64: quantized inputs, exact sums, one scale a channel. */
function reference(layer: Quantized, x: Tensor): number[] {
  const scale = (layer.inputScale as Tensor).item();
  const zero = (layer.inputZeroPoint as Tensor).item();
  const weight = layer.weight.dataSync();
  const scales = layer.scale.dataSync();
  const bias = layer.bias?.dataSync();
  const half = (v: number): number => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
  const q = [...x.dataSync()].map(
    (v) => Math.max(-128, Math.min(127, half(Math.fround(v * Math.fround(1 / scale))) + zero)) - zero,
  );
  const finish = (sum: number, unit: number): number => sum * (scales[unit] as number) * scale + (bias?.[unit] ?? 0);
  if (layer instanceof QuantizedLinear) {
    const { inFeatures: k, outFeatures: n } = layer;
    return Array.from({ length: (q.length / k) * n }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < k; j++) sum += (q[Math.floor(i / n) * k + j] as number) * (weight[(i % n) * k + j] as number);
      return finish(sum, i % n);
    });
  }
  const [batch, c, h, w] = x.shape as [number, number, number, number];
  const {
    outChannels: oc,
    kernelSize: [kh, kw],
  } = layer;
  const { stride, padding, dilation } = layer.options;
  const oh = Math.floor((h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) / stride[0]) + 1;
  const ow = Math.floor((w + 2 * padding[1] - dilation[1] * (kw - 1) - 1) / stride[1]) + 1;
  const out: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let o = 0; o < oc; o++)
      for (let y = 0; y < oh; y++)
        for (let z = 0; z < ow; z++) {
          let sum = 0;
          for (let ch = 0; ch < c; ch++)
            for (let i = 0; i < kh; i++)
              for (let j = 0; j < kw; j++) {
                const [row, column] = [
                  y * stride[0] - padding[0] + i * dilation[0],
                  z * stride[1] - padding[1] + j * dilation[1],
                ];
                // Padding is the real number 0, whatever the zero point.
                const value =
                  row < 0 || row >= h || column < 0 || column >= w
                    ? 0
                    : (q[((b * c + ch) * h + row) * w + column] as number);
                sum += value * (weight[((o * c + ch) * kh + i) * kw + j] as number);
              }
          out.push(finish(sum, o));
        }
  return out;
}

describe('the arithmetic is exact', () => {
  const offsets: [string, number][] = [
    ['centred inputs', 0],
    ['positive inputs, zero point −128', 5],
    ['negative inputs, zero point 127', -5],
    ['lopsided inputs', 1.3],
  ];
  test.each(offsets)('linear, %s', async (_, offset) => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(37, 11) }));
    const x = randn([9, 37])
      .mul(offset === 5 || offset === -5 ? 0.5 : 1)
      .add(offset);
    const layer = (await quantized(model, {}, x)).getSubmodule('fc') as QuantizedLinear;
    if (offset === 5) expect((layer.inputZeroPoint as Tensor).item()).toBe(-128);
    if (offset === -5) expect((layer.inputZeroPoint as Tensor).item()).toBe(127);
    const expected = reference(layer, x);
    run(layer, x).forEach((v, i) =>
      expect(Math.abs(v - (expected[i] as number))).toBeLessThan(2e-6 * Math.max(1, Math.abs(expected[i] as number))),
    );
  });

  test.each(offsets)('convolution with padding, %s', async (_, offset) => {
    const model = tracked(
      new nn.Sequential({ conv: new nn.Conv2d(3, 6, [3, 2], { padding: [2, 1], stride: [1, 2], dilation: [2, 1] }) }),
    );
    const x = randn([2, 3, 7, 6])
      .mul(offset === 5 || offset === -5 ? 0.5 : 1)
      .add(offset);
    const layer = (await quantized(model, {}, x)).getSubmodule('conv') as QuantizedConv2d;
    if (offset !== 0) expect(Math.abs((layer.inputZeroPoint as Tensor).item())).toBeGreaterThan(20);
    const expected = reference(layer, x);
    const got = run(layer, x);
    expect(got.length).toBe(expected.length);
    got.forEach((v, i) =>
      expect(Math.abs(v - (expected[i] as number))).toBeLessThan(4e-6 * Math.max(1, Math.abs(expected[i] as number))),
    );
  });

  test('values outside of what was observed are clamped, and leading dimensions kept', async () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(3, 2) }));
    const layer = (await quantized(model, {}, tensor([[-1, 0, 1]]))).getSubmodule('fc') as QuantizedLinear;
    const [far, edge] = [run(layer, tensor([[100, 100, -100]])), run(layer, tensor([[1, 1, -1]]))];
    far.forEach((v, i) => expect(v).toBeCloseTo(edge[i] as number, 1));
    expect(noGrad(() => layer.forward(randn([2, 4, 3]))).shape).toEqual([2, 4, 2]);
    expect(noGrad(() => layer.forward(randn([3]))).shape).toEqual([2]);
    expect(noGrad(() => layer.forward(randn([0, 3]))).shape).toEqual([0, 2]);
  });
});

describe('files', () => {
  test('saved and loaded again it gives the same bits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fettle-'));
    try {
      const x = randn([4, 3, 10, 10]);
      for (const perChannel of [true, false]) {
        const int8 = await quantized(cnn(), { perChannel }, x);
        const before = run(int8, x);
        await saveModel(join(folder, 'int8.safetensors'), int8);
        const model = tracked((await loadModel(join(folder, 'int8.safetensors'))).model) as Net;
        expect([...run(model, x)]).toEqual([...before]);
        expect(Object.keys(model.stateDict())).toEqual(Object.keys(int8.stateDict()));
        expect(String(model)).toBe(String(int8));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('other weights loaded into it are the ones that count', async () => {
    const x = randn([4, 3, 10, 10]);
    const [one, two] = [await quantized(cnn(), {}, x), await quantized(cnn(), {}, x)];
    run(one, x);
    one.loadStateDict(two.stateDict());
    expect([...run(one, x)]).toEqual([...run(two, x)]);
  });
});

describe('models', () => {
  class Block extends nn.Module {
    readonly fc = new nn.Linear(4, 4);
    forward(x: Tensor): Tensor {
      return this.fc.forward(x).relu();
    }
  }

  test('a model that is one layer', async () => {
    const model = tracked(new nn.Linear(4, 3));
    const x = randn([6, 4]);
    const int8 = (await quantized(model as Net, {}, x)) as Net;
    expect(int8).toBeInstanceOf(QuantizedLinear);
    expect(sqnr(run(model, x), run(int8, x))).toBeGreaterThan(30);
  });

  test('modules of one’s own', async () => {
    const model = tracked(new nn.Sequential({ block: new Block(), grouped: new nn.Linear(4, 2) }));
    const x = randn([6, 4]);
    const int8 = await quantized(model, {}, x);
    expect(int8.getSubmodule('block.fc')).toBeInstanceOf(QuantizedLinear);
    expect(sqnr(run(model, x), run(int8, x))).toBeGreaterThan(28);
  });

  test('grouped convolutions and layers that no data reaches stay as they are', async () => {
    class Unused extends nn.Module {
      readonly a = new nn.Linear(4, 4);
      readonly never = new nn.Linear(4, 4);
      forward(x: Tensor): Tensor {
        return this.a.forward(x);
      }
    }
    const x = randn([2, 4, 3, 4]);
    const model = tracked(new nn.Sequential({ conv: new nn.Conv2d(4, 4, 1, { groups: 2 }), unused: new Unused() }));
    const int8 = await quantized(model, {}, x);
    expect(int8.getSubmodule('conv')).toBeInstanceOf(nn.Conv2d);
    expect(int8.getSubmodule('unused.a')).toBeInstanceOf(QuantizedLinear);
    expect(int8.getSubmodule('unused.never')).toBeInstanceOf(nn.Linear);
    run(int8, x);
  });

  test('the float model is not changed, and batches may carry labels', async () => {
    const model = cnn();
    const before = model.parameters().map((p) => [...p.dataSync()]);
    await tracked(await quantize.static(model, batches([randn([2, 3, 10, 10]), tensor(new Int32Array(2))])));
    expect(model.parameters().map((p) => [...p.dataSync()])).toEqual(before);
    expect(model.training).toBe(true);
  });

  test('disposing it gives all memory back', async () => {
    const x = randn([2, 3, 10, 10]);
    const model = cnn();
    const before = memory().tensors;
    const s = scope();
    const int8 = await quantize.static(model, batches(x));
    run(int8, x);
    int8.dispose();
    s.end();
    expect(memory().tensors).toBe(before);
  });

  test('errors name the mistake and leave nothing behind', async () => {
    const model = cnn();
    const x = randn([2, 3, 10, 10]);
    const before = memory().tensors;
    const s = scope();
    await expect(quantize.static(model, batches())).rejects.toThrow('calibration gave no batch');
    await expect(quantize.static(model, batches(x.mul(NaN)))).rejects.toThrow(
      "the input of 'conv1' holds NaN. Calibrate with finite data.",
    );
    await expect(quantize.static(model, batches(x), { observer: 'max' as 'minmax' })).rejects.toThrow(
      "observer must be one of 'minmax', 'movingAverage', 'histogram', 'mse', 'entropy', got 'max'",
    );
    s.end();
    expect(memory().tensors).toBe(before);
    const int8 = await quantized(model, {}, x);
    expect(() => (int8.getSubmodule('fc2') as QuantizedLinear).forward(randn([2, 16]))).toThrow(
      'QuantizedLinear: expected [.., 32], got [2, 16].',
    );
    expect(() => (int8.getSubmodule('conv1') as QuantizedConv2d).forward(randn([2, 4, 5, 5]))).toThrow(FettleError);
    expect(Object.keys(compressedTypes)).toEqual(expect.arrayContaining(['QuantizedLinear', 'QuantizedConv2d']));
  });
});
