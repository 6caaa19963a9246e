import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FettleError, manualSeed, memory, noGrad, ones, randn, scope, type Tensor, tensor } from 'fettle';
import { prune } from 'fettle/compress';
import { saveFile } from 'fettle/io';
import * as nn from 'fettle/nn';
import { loadModel, saveModel } from 'fettle/train';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from '../compress/modules.js';
import { join as joined, split } from '../compress/sealing.js';
import { SPATIAL } from './spatiallayers.js';

type Net = nn.Module & { forward(x: Tensor): Tensor };

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fettle-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  manualSeed(0);
});
afterEach(release);

const bits = (x: Tensor): number[] => [...new Uint8Array(x.dataSync().buffer)];
const run = (model: Net, x: Tensor): number[] => bits(noGrad(() => model.forward(x)));

/** Every layer, not as its constructor makes it by default. */
const LAYERS: Readonly<Record<string, [make: () => Net, shape: number[]]>> = {
  Residual: [() => new nn.Residual(new nn.Linear(4, 6), new nn.Sequential(new nn.Linear(4, 6))), [2, 4]],
  'Residual around a body alone': [() => new nn.Residual(new nn.Linear(4, 4)), [2, 4]],
  Parallel: [() => new nn.Parallel([new nn.Linear(4, 4), new nn.ReLU()], { dim: 0 }), [2, 4]],
  'Parallel by names': [
    () => new nn.Parallel({ x: new nn.Identity(), gate: new nn.Sigmoid() }, { join: 'mul' }),
    [2, 4],
  ],
  Linear: [() => new nn.Linear(5, 3, { bias: false }), [2, 5]],
  Conv2d: [
    () => new nn.Conv2d(4, 6, [3, 2], { stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2, bias: false }),
    [2, 4, 7, 7],
  ],
  BatchNorm1d: [() => new nn.BatchNorm1d(3, { eps: 1e-3, momentum: null }), [4, 3]],
  BatchNorm2d: [() => new nn.BatchNorm2d(3, { affine: false, momentum: 0.3 }), [2, 3, 4, 4]],
  'BatchNorm2d without statistics': [() => new nn.BatchNorm2d(3, { trackRunningStats: false }), [2, 3, 4, 4]],
  LayerNorm: [() => new nn.LayerNorm([3, 4], { eps: 1e-2 }), [2, 3, 4]],
  'LayerNorm without weights': [() => new nn.LayerNorm(4, { elementwiseAffine: false }), [2, 4]],
  'LayerNorm without bias': [() => new nn.LayerNorm(4, { bias: false }), [2, 4]],
  BatchNorm3d: [() => new nn.BatchNorm3d(3, { eps: 1e-3 }), [2, 3, 2, 2, 2]],
  InstanceNorm1d: [() => new nn.InstanceNorm1d(3, { affine: true }), [2, 3, 4]],
  InstanceNorm2d: [() => new nn.InstanceNorm2d(3, { trackRunningStats: true, momentum: 0.3 }), [2, 3, 2, 2]],
  InstanceNorm3d: [() => new nn.InstanceNorm3d(3, { eps: 1e-2 }), [2, 3, 2, 2, 2]],
  RMSNorm: [() => new nn.RMSNorm([3, 4], { eps: 1e-2 }), [2, 3, 4]],
  GroupNorm: [() => new nn.GroupNorm(2, 4, { eps: 1e-2 }), [2, 4, 3]],
  LocalResponseNorm: [() => new nn.LocalResponseNorm(3, 0.5, 0.6, 2), [2, 4, 3]],
  Upsample: [() => new nn.Upsample([5, 3], { mode: 'bilinear', alignCorners: true }), [1, 2, 3, 4]],
  UpsamplingNearest2d: [() => new nn.UpsamplingNearest2d({ scaleFactor: 2 }), [1, 2, 3, 4]],
  UpsamplingBilinear2d: [() => new nn.UpsamplingBilinear2d([2, 5]), [1, 2, 3, 4]],
  PixelShuffle: [() => new nn.PixelShuffle(2), [1, 4, 2, 3]],
  PixelUnshuffle: [() => new nn.PixelUnshuffle(2), [1, 1, 4, 2]],
  ChannelShuffle: [() => new nn.ChannelShuffle(2), [1, 4, 2, 3]],
  Identity: [() => new nn.Identity(), [2, 4]],
  ReLU: [() => new nn.ReLU(), [2, 4]],
  Sigmoid: [() => new nn.Sigmoid(), [2, 4]],
  Tanh: [() => new nn.Tanh(), [2, 4]],
  SiLU: [() => new nn.SiLU(), [2, 4]],
  GELU: [() => new nn.GELU({ approximate: 'tanh' }), [2, 4]],
  ReLU6: [() => new nn.ReLU6(), [2, 4]],
  LeakyReLU: [() => new nn.LeakyReLU(0.2), [2, 4]],
  ELU: [() => new nn.ELU(0.5), [2, 4]],
  SELU: [() => new nn.SELU(), [2, 4]],
  CELU: [() => new nn.CELU(0.5), [2, 4]],
  Mish: [() => new nn.Mish(), [2, 4]],
  Softplus: [() => new nn.Softplus(2, 3), [2, 4]],
  Softsign: [() => new nn.Softsign(), [2, 4]],
  LogSigmoid: [() => new nn.LogSigmoid(), [2, 4]],
  Hardsigmoid: [() => new nn.Hardsigmoid(), [2, 4]],
  Hardswish: [() => new nn.Hardswish(), [2, 4]],
  Hardtanh: [() => new nn.Hardtanh(-0.5, 0.25), [2, 4]],
  Threshold: [() => new nn.Threshold(0.1, 20), [2, 4]],
  GLU: [() => new nn.GLU(0), [2, 4]],
  PReLU: [() => new nn.PReLU(4, 0.1), [2, 4]],
  Softmax: [() => new nn.Softmax(-1), [2, 4]],
  LogSoftmax: [() => new nn.LogSoftmax(0), [2, 4]],
  Flatten: [() => new nn.Flatten(0, 1), [2, 3, 4]],
  Unflatten: [() => new nn.Unflatten(1, [2, 2]), [2, 4]],
  Dropout: [() => new nn.Dropout(0.25), [2, 4]],
  Dropout1d: [() => new nn.Dropout1d(0.25), [2, 3, 4]],
  Dropout2d: [() => new nn.Dropout2d(0.25), [2, 3, 4, 4]],
  Dropout3d: [() => new nn.Dropout3d(0.25), [2, 3, 1, 4, 4]],
  AlphaDropout: [() => new nn.AlphaDropout(0.25), [2, 4]],
  FeatureAlphaDropout: [() => new nn.FeatureAlphaDropout(0.25), [2, 4]],
  Tanhshrink: [() => new nn.Tanhshrink(), [2, 4]],
  Hardshrink: [() => new nn.Hardshrink(0.25), [2, 4]],
  Softshrink: [() => new nn.Softshrink(0.25), [2, 4]],
  RReLU: [() => new nn.RReLU(0.25, 0.5), [2, 4]],
  Softmin: [() => new nn.Softmin(0), [2, 4]],
  Softmax2d: [() => new nn.Softmax2d(), [2, 3, 4, 4]],
  MaxPool2d: [() => new nn.MaxPool2d([2, 3], { stride: 1, padding: 1, ceilMode: true }), [1, 2, 6, 6]],
  AvgPool2d: [() => new nn.AvgPool2d(2, { stride: [1, 2], padding: 1, countIncludePad: false }), [1, 2, 6, 6]],
  AdaptiveAvgPool2d: [() => new nn.AdaptiveAvgPool2d([2, null]), [1, 2, 5, 6]],
  ...SPATIAL,
};

/** Types that are no layers of one tensor of fractions. */
const OTHERS = [
  // Containers have tests below.
  ...['Sequential', 'ModuleList'],
  // What takes other inputs is in test/nn/topology.test.ts.
  ...[
    'ModuleDict',
    'Embedding',
    'EmbeddingBag',
    'SparseInputLinear',
    'Bilinear',
    'MaxUnpool1d',
    'MaxUnpool2d',
    'MaxUnpool3d',
  ],
  // What takes or gives several tensors is in test/nn/clone.test.ts.
  ...['RNN', 'LSTM', 'GRU', 'RNNCell', 'LSTMCell', 'GRUCell', 'MultiheadAttention', 'Transformer'],
  ...['TransformerEncoderLayer', 'TransformerDecoderLayer', 'TransformerEncoder', 'TransformerDecoder'],
];

describe('a round trip', () => {
  test('knows every layer that can be described', () => {
    const covered = new Set(Object.keys(LAYERS).map((name) => name.split(/\W/)[0]));
    expect(
      Object.keys(nn.layerTypes)
        .filter((name) => !covered.has(name))
        .sort(),
    ).toEqual([...OTHERS].sort());
  });

  test.each(Object.entries(LAYERS))('%s', async (name, [make, shape]) => {
    const model = tracked(new nn.Sequential({ layer: make() }));
    const x = randn(shape);
    noGrad(() => model.forward(x)); // moves running statistics
    for (const [key, value] of Object.entries(model.stateDict())) if (key.endsWith('weight')) value.detach().mul_(1.5);
    const path = join(folder, name);
    await saveModel(path, model, { name });
    const loaded = await loadModel(path);
    const copy = tracked(loaded.model) as Net;
    expect(loaded.about).toEqual({ name });
    expect(copy.training).toBe(false);
    expect(String(copy)).toBe(String(model));
    expect(Object.entries(copy.stateDict()).map(([key, v]) => [key, v.dtype, v.shape, bits(v)])).toEqual(
      Object.entries(model.stateDict()).map(([key, v]) => [key, v.dtype, v.shape, bits(v)]),
    );
    expect(run(copy, x)).toEqual(run(model.eval(), x));
  });

  test('of nested containers, with the names they had', async () => {
    const model = tracked(
      new nn.Sequential({
        front: new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU()),
        empty: new nn.Sequential(),
        'a-b': new nn.Linear(4, 2),
      }),
    );
    await saveModel(join(folder, 'nested'), model);
    const { model: copy, about } = await loadModel(join(folder, 'nested'));
    tracked(copy);
    expect(Object.keys(copy.stateDict())).toEqual(['front.0.weight', 'front.0.bias', 'a-b.weight', 'a-b.bias']);
    expect(about).toEqual({});
    expect(run(copy as Net, ones([1, 3]))).toEqual(run(model, ones([1, 3])));
  });

  test('of a pruned model, in less room and to the bit', async () => {
    const model = tracked(new nn.Sequential(new nn.Linear(100, 50), new nn.ReLU(), new nn.Linear(50, 10)));
    await saveModel(join(folder, 'dense'), model);
    for (const name of ['0', '2']) prune.l1Unstructured(model.getSubmodule(name), 'weight', 0.9);
    await saveModel(join(folder, 'sparse'), model);
    const size = (name: string): number => statSync(join(folder, name)).size;
    expect(size('sparse')).toBeLessThan(size('dense') * 0.2);
    const copy = tracked((await loadModel(join(folder, 'sparse'))).model);
    expect(Object.values(copy.stateDict()).map(bits)).toEqual(Object.values(model.stateDict()).map(bits));
  });

  class Double extends nn.Module {
    constructor(readonly factor = 2) {
      super();
    }
    forward(x: Tensor): Tensor {
      return x.mul(this.factor);
    }
  }

  test('of a layer of one’s own, with its type', async () => {
    const types = { Double: nn.layerType(Double, (m) => [m.factor]) };
    const model = tracked(new nn.Sequential(new nn.Linear(2, 2), new Double(3)));
    await expect(saveModel(join(folder, 'own'), model)).rejects.toThrow("'Double' is not a known layer type");
    await saveModel(join(folder, 'own'), model, {}, { types });
    await expect(loadModel(join(folder, 'own'))).rejects.toThrow("unknown layer type 'Double'");
    const copy = tracked((await loadModel(join(folder, 'own'), { types })).model) as Net;
    expect(run(copy, ones([1, 2]))).toEqual(run(model, ones([1, 2])));
  });
});

test('an older file is there until the new one is, and no other is left', async () => {
  const place = mkdtempSync(join(folder, 'place-'));
  const model = tracked(new nn.Linear(2, 2));
  await saveModel(join(place, 'm'), model);
  await saveModel(join(place, 'm'), model, { version: 2 });
  expect(readdirSync(place)).toEqual(['m']);
  await expect(saveModel(join(place, 'no', 'm'), model)).rejects.toThrow('there is no such file or folder');
});

test('tensors made while a file is read or written are not freed', async () => {
  const model = tracked(new nn.Linear(2, 2));
  const path = join(folder, 'meanwhile');
  const writing = saveModel(path, model);
  const mine = tensor([1, 2]);
  await writing;
  const reading = loadModel(path);
  const yours = tensor([3, 4]);
  tracked((await reading).model);
  expect([...mine.dataSync(), ...yours.dataSync()]).toEqual([1, 2, 3, 4]);
});

describe('a broken file', () => {
  async function whole(
    rest: Record<string, Net> = { bn: new nn.BatchNorm1d(10), out: new nn.Linear(10, 2) },
  ): Promise<Uint8Array> {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(20, 10), ...rest }));
    prune.l1Unstructured(model.getSubmodule('fc'), 'weight', 0.9);
    await saveModel(join(folder, 'whole'), model, { a: 1 });
    return new Uint8Array(readFileSync(join(folder, 'whole')));
  }

  /** What loading `bytes` does: 'loaded', or the code of its error. Anything but a FettleError fails. */
  async function outcome(bytes: Uint8Array): Promise<string> {
    const path = join(folder, 'broken');
    writeFileSync(path, bytes);
    const before = memory().tensors;
    const s = scope();
    try {
      (await loadModel(path)).model.dispose();
      return 'loaded';
    } catch (error) {
      if (!(error instanceof FettleError)) throw error;
      expect(error.message).toContain(path);
      return error.code;
    } finally {
      s.end();
      expect(memory().tensors).toBe(before);
    }
  }

  interface Description {
    topology: unknown;
    tensors: unknown;
    about: unknown;
  }

  /** The file with another description of the model, and the checksum that belongs to it. */
  async function described(change: (d: Description) => unknown): Promise<Uint8Array> {
    const { header, data } = split(await whole());
    const metadata = header.__metadata__;
    metadata.model = JSON.stringify(change(JSON.parse(metadata.model as string) as Description));
    return joined({ header, data });
  }

  const linear = (...args: unknown[]) => ({ type: 'Linear', args });
  const descriptions: [string, (d: Description) => unknown][] = [
    ['no structure', ({ tensors }) => ({ tensors })],
    ['nothing', () => null],
    ['a list', () => []],
    ['a structure that is a text', (d) => ({ ...d, topology: 'Linear' })],
    ['children that are no pairs', (d) => ({ ...d, topology: { type: 'Sequential', children: ['Linear'] } })],
    ['arguments that are no list', (d) => ({ ...d, topology: { type: 'Linear', args: 3 } })],
    ['an unknown layer', (d) => ({ ...d, topology: { type: 'Lineal' } })],
    ['a name from Object.prototype', (d) => ({ ...d, topology: { type: 'constructor' } })],
    ['another model', (d) => ({ ...d, topology: linear(3, 4) })],
    ['a layer without arguments', (d) => ({ ...d, topology: linear() })],
    ['sizes that are texts', (d) => ({ ...d, topology: linear('a', 'b') })],
    ['negative sizes', (d) => ({ ...d, topology: linear(-3, 4) })],
    ['null for options', (d) => ({ ...d, topology: linear(3, 4, null) })],
    ['sizes beyond all memory', (d) => ({ ...d, topology: linear(1e9, 1e9) })],
    ['no forms of tensors', (d) => ({ ...d, tensors: null })],
  ];
  test.each(descriptions)('with %s', async (_, change) => {
    expect(await outcome(await described(change))).toMatch(/^(format|memory)$/);
  });

  test('an unchanged description loads', async () => {
    expect(await outcome(await described((d) => d))).toBe('loaded');
  });

  test('cut short anywhere', async () => {
    const bytes = await whole();
    for (let length = 0; length < bytes.length; length += 61)
      expect(await outcome(bytes.subarray(0, length))).toBe('format');
  });

  test('with any byte of its header changed', async () => {
    const bytes = await whole({ relu: new nn.ReLU() });
    const length = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    for (let at = 0; at < length; at += 7) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      expect(await outcome(changed)).toBe('format');
    }
  });

  test('that is no model', async () => {
    await saveFile(join(folder, 'tensors'), { a: tensor([1]) });
    await expect(loadModel(join(folder, 'tensors'))).rejects.toThrow('holds tensors but no fettle model');
    await saveFile(join(folder, 'future'), { a: tensor([1]) }, { format: 'fettle-model', version: '9', model: '{}' });
    await expect(loadModel(join(folder, 'future'))).rejects.toThrow('model format 9 is not known here, expected 1');
    await saveFile(join(folder, 'text'), { a: tensor([1]) }, { format: 'fettle-model', version: '1', model: '{' });
    await expect(loadModel(join(folder, 'text'))).rejects.toThrow('the description of the model is not JSON');
    await expect(loadModel(join(folder, 'nowhere'))).rejects.toThrow('there is no such file');
    await expect(loadModel(folder)).rejects.toThrow('it is a folder');
  });
});
