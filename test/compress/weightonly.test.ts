import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualSeed, memory, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import {
  QuantizedConv2d,
  QuantizedLinear,
  quantize,
  WeightOnlyConv2d,
  WeightOnlyEmbedding,
  WeightOnlyLinear,
} from 'fettle/compress';
import * as nn from 'fettle/nn';
import { loadModel, saveModel } from 'fettle/train';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesOf } from '../../src/compress/quantization/report.js';
import { release, tracked } from './modules.js';
import { type Net, resnet, run, settle, sqnr } from './quantizedmodels.js';

beforeEach(() => {
  manualSeed(12);
});
afterEach(release);

const mlp = (): nn.Sequential =>
  tracked(new nn.Sequential({ fc1: new nn.Linear(70, 48), relu: new nn.ReLU(), fc2: new nn.Linear(48, 5) }));

const cnn = (): nn.Sequential =>
  tracked(
    new nn.Sequential({
      conv: new nn.Conv2d(3, 6, 3, { padding: 1 }),
      relu: new nn.ReLU(),
      deep: new nn.Conv2d(6, 6, 3, { padding: 'same', groups: 6, bias: false }),
      wrap: new nn.Conv2d(6, 4, [2, 3], { padding: 'same', paddingMode: 'circular', dilation: [1, 2] }),
      flatten: new nn.Flatten(),
      fc: new nn.Linear(4 * 36, 3),
    }),
  );

describe('weights alone', () => {
  test.each([
    { dtype: 'int8', atLeast: 35, bits: 9.4 },
    { dtype: 'int4', atLeast: 11, bits: 5.6 },
    { dtype: 'float16', atLeast: 60, bits: 16.5 },
    { dtype: 'bfloat16', atLeast: 42, bits: 16.5 },
  ] as const)('$dtype is near the float model in $bits bits a weight', async ({ dtype, atLeast, bits }) => {
    for (const [model, shape] of [
      [mlp(), [70]],
      [cnn(), [3, 6, 6]],
    ] as const) {
      const small = tracked(quantize.weightOnly(model, { dtype }));
      for (const count of [1, 3, 30]) {
        const x = randn([count, ...shape]);
        expect(sqnr(run(model, x), run(small, x))).toBeGreaterThan(atLeast);
      }
      const { layers } = await quantize.report(model, small, [randn([2, ...shape])]);
      expect(layers.every((layer) => layer.dtype === dtype)).toBe(true);
      if (shape.length === 1) {
        // What may be read behind the last row is 32 bytes a layer.
        for (const layer of layers) expect(layer.bits - 1024 / layer.bytesBefore).toBeLessThan(bits);
      }
    }
  });

  test('smaller groups and zeros of their own lose less', () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(512, 16) }));
    const { weight } = model.getSubmodule('fc') as nn.Linear;
    noGrad(() => weight.add_(0.02));
    const x = randn([4, 512]);
    const quality = (options: quantize.WeightOnlyOptions): number =>
      sqnr(run(model, x), run(tracked(quantize.weightOnly(model, { dtype: 'int4', ...options })), x));
    expect(quality({ groupSize: 32 })).toBeGreaterThan(quality({ groupSize: 256 }));
    expect(quality({ symmetric: false })).toBeGreaterThan(quality({ symmetric: true }));
  });

  test('halving a model halves it', () => {
    const model = tracked(new nn.Sequential(new nn.Linear(200, 300), new nn.Embedding(100, 64) as Net));
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const half = tracked(quantize.halve(model, { dtype }));
      expect(bytesOf(half) / bytesOf(model)).toBeLessThan(0.51);
    }
    expect(() => quantize.halve(model, { dtype: 'int8' as 'float16' })).toThrow(
      "dtype must be 'float16' or 'bfloat16'",
    );
  });

  test('an embedding reads its rows', () => {
    const model = tracked(new nn.Embedding(9, 50, { paddingIdx: 2 }) as nn.Module as Net);
    const small = tracked(quantize.weightOnly(model, { dtype: 'int4', groupSize: 32 }));
    const words = tensor(
      [
        [1, 2],
        [8, 0],
      ] as number[][],
      { dtype: 'int32' },
    );
    expect(small.forward(words).shape).toEqual([2, 2, 50]);
    expect(sqnr(run(model, words), run(small, words))).toBeGreaterThan(18);
    expect([...run(small, words).subarray(50, 100)]).toEqual(Array(50).fill(0));
    expect(() => small.forward(tensor([9], { dtype: 'int32' }))).toThrow('index 9 is out of range');
  });

  test('ReLU goes along, and gives the same as alone', () => {
    for (const [model, shape] of [
      [mlp(), [70]],
      [cnn(), [3, 6, 6]],
    ] as const) {
      const small = tracked(quantize.weightOnly(model, { dtype: 'int8' }));
      for (const count of [1, 20]) {
        const x = randn([count, ...shape]);
        const fused = run(small, x);
        const handle = small.getSubmodule('relu').registerForwardHook(() => undefined);
        const single = run(small, x);
        handle.remove();
        expect(sqnr(single, fused)).toBeGreaterThan(100);
      }
    }
  });
});

describe('dynamic', () => {
  test('it needs no data, maps each input by itself, and leaves convolutions', () => {
    const model = cnn();
    const int8 = tracked(quantize.dynamic(model));
    expect(int8.getSubmodule('fc')).toBeInstanceOf(QuantizedLinear);
    expect(int8.getSubmodule('conv')).toBeInstanceOf(nn.Conv2d);
    for (const scale of [1e-3, 1, 1e4]) {
      const x = randn([5, 3, 6, 6]).mul(scale);
      expect(sqnr(run(model, x), run(int8, x))).toBeGreaterThan(35);
    }
    expect(String(int8.getSubmodule('fc'))).toBe(
      'QuantizedLinear(in_features=144, out_features=3, dtype=int8, input=dynamic)',
    );
  });

  test('the map is that of an observer of the same input', async () => {
    const model = tracked(new nn.Linear(33, 7));
    const x = randn([6, 33]).add(0.7);
    const [dynamic, observed] = [
      tracked(quantize.dynamic(model as Net)),
      tracked(await quantize.static(model as Net, [x])),
    ];
    expect([...run(dynamic, x)]).toEqual([...run(observed, x)]);
    const zeros = randn([2, 33]).mul(0);
    const bias = [...(model.bias as Tensor).dataSync()];
    expect([...run(dynamic, zeros)]).toEqual([...bias, ...bias]);
    expect(run(dynamic, randn([0, 33])).length).toBe(0);
  });

  test('the layers of a transformer, its attention excepted', () => {
    const layer = tracked(new nn.TransformerEncoderLayer(16, 2, { dimFeedforward: 32, batchFirst: true }).eval());
    const int8 = tracked(quantize.dynamic(layer));
    expect(int8.linear1).toBeInstanceOf(QuantizedLinear);
    expect(int8.selfAttn.outProj).toBeInstanceOf(nn.NonDynamicallyQuantizableLinear);
    const x = randn([2, 5, 16]);
    expect(sqnr(run(layer as Net, x), run(int8 as Net, x))).toBeGreaterThan(30);
  });

  test('a table that a linear layer shares', () => {
    class Tied extends nn.Module {
      readonly table = new nn.Embedding(12, 8);
      readonly out = new nn.Linear(8, 12, { bias: false });
      constructor() {
        super();
        this.out.weight.dispose();
        this.out.weight = this.table.weight;
      }
      forward(x: Tensor): Tensor {
        return this.out.forward(this.table.forward(x));
      }
    }
    const model = tracked(new Tied());
    const words = tensor([1, 5, 11], { dtype: 'int32' });
    const skipped = tracked(quantize.dynamic(model, { skip: ['out'] }));
    const both = tracked(quantize.dynamic(model));
    expect(sqnr(run(model, words), run(skipped, words))).toBeGreaterThan(35);
    expect(sqnr(run(model, words), run(both, words))).toBeGreaterThan(33);
  });
});

describe('static', () => {
  test.each(['minmax', 'movingAverage', 'histogram', 'mse', 'entropy'] as const)(
    'observer %s, batch norms folded',
    async (observer) => {
      const model = tracked(resnet());
      const batches = [0, 1, 2].map(() => randn([8, 3, 6, 6]));
      settle(model, batches);
      model.eval();
      const int8 = tracked(await quantize.static(model, batches, { observer }));
      for (const name of ['bn', 'block.bn1', 'block.bn2', 'norm']) {
        expect(int8.getSubmodule(name), name).toBeInstanceOf(nn.Identity);
      }
      const x = batches[1] as Tensor;
      expect(sqnr(run(model, x), run(int8, x))).toBeGreaterThan(observer === 'entropy' ? 12 : 24);
    },
  );

  test('uneven padding and its modes multiply in int8', async () => {
    const model = cnn();
    const x = randn([4, 3, 6, 6]);
    const int8 = tracked(await quantize.static(model, [x]));
    expect(int8.getSubmodule('wrap')).toBeInstanceOf(QuantizedConv2d);
    expect(sqnr(run(model, x), run(int8, x))).toBeGreaterThan(30);
    const one = x.select(0, 1);
    const conv = int8.getSubmodule('conv') as QuantizedConv2d;
    expect([...run(conv, one)]).toEqual([...run(conv, x.narrow(0, 1, 1))]);
  });

  test('ReLU goes along, and gives the same bits as alone', async () => {
    for (const [model, x] of [
      [mlp(), randn([6, 70])],
      [cnn(), randn([6, 3, 6, 6])],
    ] as const) {
      const int8 = tracked(await quantize.static(model, [x]));
      const fused = run(int8, x);
      const handle = int8.getSubmodule('relu').registerForwardHook(() => undefined);
      expect([...run(int8, x)]).toEqual([...fused]);
      handle.remove();
    }
  });

  test('batches may come at once, and what is none is refused', async () => {
    const model = mlp();
    tracked(await quantize.static(model, [[randn([2, 70]), tensor([1])]]));
    await expect(quantize.static(model, randn([2, 70]) as unknown as Tensor[])).rejects.toThrow('Wrap a single one');
    await expect(quantize.static(model, [5 as unknown as Tensor])).rejects.toThrow('a batch must be a Tensor');
  });
});

describe('all of them', () => {
  test('saved, loaded, copied and printed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fettle-'));
    try {
      const path = join(folder, 'small.safetensors');
      const x = randn([3, 3, 6, 6]);
      const model = cnn();
      const made: Net[] = [quantize.dynamic(model), await quantize.static(model, [x])];
      for (const dtype of ['int8', 'int4', 'float16', 'bfloat16'] as const)
        made.push(quantize.weightOnly(model, { dtype }));
      for (const small of made.map(tracked)) {
        const before = [...run(small, x)];
        await saveModel(path, small);
        const loaded = tracked((await loadModel(path)).model) as Net;
        expect([...run(loaded, x)]).toEqual(before);
        expect([...run(tracked(nn.cloneModule(small)), x)]).toEqual(before);
        expect(String(loaded)).toBe(String(small));
      }
      const qat = tracked(quantize.qat(model));
      run(qat, x);
      await saveModel(path, qat);
      expect([...run(tracked((await loadModel(path)).model) as Net, x)]).toEqual([...run(qat.eval(), x)]);
      const linked = tracked(quantize.qat(tracked(resnet())));
      await expect(saveModel(path, linked)).rejects.toThrow('trains with the batch norm behind it');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a gradient is refused with a word on what to do', async () => {
    const x = randn([2, 70], { requiresGrad: true });
    const model = mlp();
    for (const small of [
      tracked(quantize.dynamic(model)),
      tracked(quantize.weightOnly(model)),
      tracked(await quantize.static(model, [x.detach()])),
    ]) {
      expect(() => small.forward(x)).toThrow('it is for inference and has no gradient');
      expect(small.forward(x.detach()).shape).toEqual([2, 5]);
    }
  });

  test('nothing is left behind, and the float model is as it was', async () => {
    const model = cnn();
    const before = memory().tensors;
    const s = scope();
    const x = randn([2, 3, 6, 6]);
    const made: Net[] = [
      quantize.dynamic(model),
      quantize.weightOnly(model),
      quantize.halve(model),
      await quantize.static(model, [x]),
    ];
    for (const small of made) {
      run(small, x);
      small.dispose();
    }
    s.end();
    expect(memory().tensors).toBe(before);
    expect(model.training).toBe(true);
  });

  test('mistakes', () => {
    const model = mlp();
    const before = memory().tensors;
    expect(() => quantize.weightOnly(model, { groupSize: 48 })).toThrow('groupSize must be 32, 64, 128 or 256, got 48');
    expect(() => quantize.weightOnly(model, { dtype: 'int3' as 'int8' })).toThrow('dtype must be one of');
    noGrad(() => (model.getSubmodule('fc2') as nn.Linear).weight.fill_(NaN));
    expect(() => quantize.weightOnly(model)).toThrow("the weight of 'fc2' holds NaN");
    expect(() => quantize.dynamic(model)).toThrow("the weight of 'fc2' holds NaN");
    expect(memory().tensors).toBe(before);
    expect(() => tracked(new WeightOnlyLinear(4, 4, { groupSize: 512 }))).toThrow('must not exceed 256');
    expect(() => tracked(new WeightOnlyEmbedding(4, 4)).forward(tensor([1.5]))).toThrow();
    const conv = tracked(
      new WeightOnlyConv2d(2, 2, [1, 1], { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }),
    );
    expect(() => conv.forward(randn([1, 3, 2, 2]))).toThrow();
  });
});
