import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualSeed, noGrad, randint, randn, scope, Tensor } from 'fettle';
import { coupleUnits, type ShrinkReport, shrink, silence } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { loadModel, saveModel } from 'fettle/train';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';
import { Cells, Classifier, Flexible, Generator, Gpt, lenet, Mixed, Mobile, type Net, ResNet, Tagger } from './nets.js';

beforeEach(() => {
  manualSeed(3);
});
afterEach(release);

/** All numbers that the model returns. */
function outputs(model: nn.Module, inputs: readonly Tensor[]): number[] {
  const numbersIn = (value: unknown): number[] => {
    if (value instanceof Tensor) return Array.from(value.dataSync(), Number);
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
  };
  return noGrad(() => scope(() => numbersIn((model as Net).forward(...inputs))));
}

function worst(a: readonly number[], b: readonly number[]): number {
  expect(b.length).toBe(a.length);
  const scale = a.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-6);
  return a.reduce((m, v, i) => Math.max(m, Math.abs(v - (b[i] as number))), 0) / scale;
}

const shapes = (model: nn.Module): [string, readonly number[]][] =>
  Object.entries(model.stateDict()).map(([name, { shape }]) => [name, shape]);

/** Statistics, scales and shifts that no two channels share, as after training. */
function unlike(model: nn.Module): void {
  for (const module of model.modules()) {
    for (const [name, parameter] of module.namedParameters({ recurse: false })) {
      if (parameter.ndim === 1) nn.init.uniform_(parameter, name === 'weight' ? 0.5 : -0.5, 1.5);
    }
    for (const [name, buffer] of module.namedBuffers({ recurse: false })) {
      if (name.startsWith('running')) nn.init.uniform_(buffer, 0.5, 1.5);
    }
  }
}

interface Case {
  readonly make: () => Net;
  /** The same network with half of the units. */
  readonly half: () => Net;
  readonly input: (batch: number) => Tensor;
  /** Names of layers that are left, beside the last. */
  readonly left?: readonly string[];
}

const image = (channels: number, size: number) => (n: number) => randn([n, channels, size, size]);
const words = (count: number, length: number) => (n: number) => randint(0, count, [n, length]);

const cases: Record<string, Case> = {
  'LeNet-5': { make: () => lenet(), half: () => lenet(3, 8, 10, 6), input: image(1, 28) },
  'ResNet-20 with 1×1 convolutions': {
    make: () => new ResNet('B', [4, 8, 12], [4, 8, 12]),
    half: () => new ResNet('B', [2, 4, 6], [2, 4, 6]),
    input: image(3, 8),
  },
  'ResNet-20 with channels of zeros': {
    make: () => new ResNet('A', [4, 8, 12], [4, 8, 12]),
    // What zeros were put beside stays as wide as that; two channels go through all stages.
    half: () => new ResNet('A', [2, 4, 6], [2, 6, 10]),
    input: image(3, 8),
  },
  MobileNet: { make: () => new Mobile(), half: () => new Mobile(4, 6, 2, 4), input: image(3, 12) },
  LSTM: {
    make: () => new Tagger(nn.LSTM, 6, 8),
    half: () => new Tagger(nn.LSTM, 3, 4),
    input: words(11, 5),
  },
  'LSTM, stacked, both ways': {
    make: () => new Tagger(nn.LSTM, 6, 8, { numLayers: 2, bidirectional: true }),
    half: () => new Tagger(nn.LSTM, 3, 4, { numLayers: 2, bidirectional: true }),
    input: words(11, 5),
  },
  'GRU, stacked': {
    make: () => new Tagger(nn.GRU, 6, 8, { numLayers: 3 }),
    half: () => new Tagger(nn.GRU, 3, 4, { numLayers: 3 }),
    input: words(11, 5),
  },
  'RNN, both ways': {
    make: () => new Tagger(nn.RNN, 6, 8, { bidirectional: true }),
    half: () => new Tagger(nn.RNN, 3, 4, { bidirectional: true }),
    input: words(11, 5),
  },
  cells: { make: () => new Cells(6, 4), half: () => new Cells(3, 2), input: (n) => randn([4, n, 3]) },
  'nn.TransformerEncoder': {
    make: () => new Classifier(12, 4),
    half: () => new Classifier(6, 2),
    input: words(13, 5),
    left: ['words', ...[0, 1].flatMap((i) => ['self_attn.out_proj', 'linear2'].map((s) => `encoder.layers.${i}.${s}`))],
  },
  'nn.TransformerEncoder, norms first': {
    make: () => new Classifier(12, 4, true),
    half: () => new Classifier(6, 2, true),
    input: words(13, 5),
    left: ['words', ...[0, 1].flatMap((i) => ['self_attn.out_proj', 'linear2'].map((s) => `encoder.layers.${i}.${s}`))],
  },
  GPT: {
    make: () => new Gpt(24),
    half: () => new Gpt(12),
    input: words(13, 6),
    left: ['wte', 'wpe', ...[0, 1].flatMap((i) => ['attn.proj', 'mlp.2', 'attn.attn'].map((name) => `h.${i}.${name}`))],
  },
  'attention that counts its heads, and tied words': {
    make: () => new Flexible(8, 4),
    half: () => new Flexible(4, 2),
    input: words(9, 5),
  },
  generator: { make: () => new Generator(), half: () => new Generator(4, 3), input: (n) => randn([n, 5]) },
  'cat, norms, gates and turned dimensions': {
    make: () => new Mixed(8, 4, 6, 8),
    half: () => new Mixed(4, 2, 3, 4),
    input: (n) => randn([n, 2, 9]),
  },
};

/** Silences every second unit of each group, or as many chosen at random. */
function silenceHalf(model: nn.Module, example: Tensor, choose: (units: number) => number[]): void {
  for (const group of coupleUnits(model, example).groups) silence(group, new Set(choose(group.units)));
}

const everySecond = (units: number): number[] => Array.from({ length: units >> 1 }, (_, i) => 2 * i + 1);

function atRandom(units: number): number[] {
  const order = Array.from({ length: units }, (_, i) => ({ i, key: Math.random() })).sort((a, b) => a.key - b.key);
  return order.slice(0, units >> 1).map(({ i }) => i);
}

describe.each(Object.entries(cases))('%s', (_, { make, half, input, left = [] }) => {
  test.each([
    ['every second unit', everySecond],
    ['units at random', atRandom],
  ])('without %s it is the smaller network, and gives what the masked one gave', (_, choose) => {
    const model = tracked(make());
    unlike(model);
    model.eval();
    const inputs = [3, 1, 6].map((n) => input(n));
    const dense = inputs.map((x) => outputs(model, [x]));
    silenceHalf(model, inputs[0] as Tensor, choose);
    const masked = inputs.map((x) => outputs(model, [x]));
    const before = model.parameters().reduce((n, p) => n + p.numel(), 0);
    const report: ShrinkReport = shrink(model, inputs[0] as Tensor);
    inputs.forEach((x, i) => {
      expect(worst(dense[i] as number[], masked[i] as number[])).toBeGreaterThan(1e-4);
      expect(worst(masked[i] as number[], outputs(model, [x]))).toBeLessThan(1e-5);
    });
    expect(shapes(model)).toEqual(shapes(tracked(half())));
    const after = model.parameters().reduce((n, p) => n + p.numel(), 0);
    expect(report.parameters).toEqual({ before, after });
    expect(
      report.left
        .map(({ name }) => name)
        .slice()
        .sort(),
    ).toEqual([...left, lastOf(model)].sort());
    expect(report.layers.every((layer) => layer.after < layer.before)).toBe(true);
  });

  test('the smaller network learns, and is small enough to be shrunk again', () => {
    const model = tracked(make());
    const x = input(4);
    silenceHalf(model, x, everySecond);
    shrink(model, x);
    model.train();
    const optimizer = new SGD(model.parameters(), { lr: 1e-3 });
    const loss = (): Tensor => scope(() => ((model as Net).forward(x) as Tensor).pow(2).mean());
    const first = loss();
    first.backward();
    expect(model.parameters().every(({ grad, shape }) => String(grad?.shape) === String(shape))).toBe(true);
    optimizer.step();
    optimizer.zeroGrad();
    expect(loss().item()).not.toBe(first.item());
    optimizer.dispose();
    const again = model.parameters();
    expect(shrink(model, x).layers.every(({ before, after }) => before === after)).toBe(true);
    expect(model.parameters().every((parameter, i) => parameter === again[i])).toBe(true);
  });
});

/** The layer that makes the output. */
function lastOf(model: nn.Module): string {
  const layers = model.namedModules().filter(([, module]) => module instanceof nn.Linear || 'kernelSize' in module);
  const named = ['head', 'linear', 'out', 'last', 'fc3'].find((name) => layers.some(([own]) => own === name));
  return named ?? '';
}

describe('shrunk layers are saved, loaded and copied', () => {
  const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'shrink-'));
  const half = (model: nn.Module, inputs: readonly Tensor[]): void => {
    for (const group of coupleUnits(model, inputs).groups) silence(group, new Set(everySecond(group.units)));
    shrink(model, inputs);
  };
  const x = (): Tensor => randn([2, 5, 8]);
  const layers: [string, () => Net, () => Tensor[]][] = [
    ['LeNet-5', () => lenet(), () => [image(1, 28)(2)]],
    [
      'MultiheadAttention',
      () => new Looking(new nn.MultiheadAttention(8, 4, { batchFirst: true })),
      () => [x(), randn([2, 7, 8]), randn([2, 7, 8])],
    ],
    [
      'MultiheadAttention with keys and values of its own',
      () => new Looking(new nn.MultiheadAttention(8, 4, { batchFirst: true, kdim: 6, vdim: 4, addBiasKv: true })),
      () => [x(), randn([2, 7, 6]), randn([2, 7, 4])],
    ],
    ['TransformerEncoderLayer', () => new nn.TransformerEncoderLayer(8, 4, { dimFeedforward: 6 }) as Net, () => [x()]],
    [
      'TransformerDecoderLayer',
      () => new nn.TransformerDecoderLayer(8, 4, { dimFeedforward: 6, batchFirst: true }) as Net,
      () => [x(), randn([2, 3, 8])],
    ],
  ];
  test.each(layers)('%s', async (_, make, given) => {
    const path = await folder();
    try {
      const model = tracked(make());
      unlike(model);
      const inputs = given();
      const before = model.parameters().reduce((n, p) => n + p.numel(), 0);
      half(model, inputs);
      model.eval();
      expect(model.parameters().reduce((n, p) => n + p.numel(), 0)).toBeLessThan(before * 0.8);
      const wanted = outputs(model, inputs);
      await saveModel(join(path, 'model'), model, {}, { types });
      const loaded = tracked((await loadModel(join(path, 'model'), { types })).model);
      expect(outputs(loaded, inputs)).toEqual(wanted);
      expect(String(loaded)).toBe(String(model));
      expect(outputs(tracked(nn.cloneModule(model)), inputs)).toEqual(wanted);
    } finally {
      await rm(path, { recursive: true });
    }
  });

  test('a decoder layer whose two attentions have lost different numbers of heads', async () => {
    const path = await folder();
    try {
      const model = tracked(new nn.TransformerDecoderLayer(8, 4, { dimFeedforward: 6, batchFirst: true }));
      const inputs = [x(), randn([2, 3, 8])];
      for (const { kind, name, units, ...group } of coupleUnits(model, inputs).groups) {
        if (kind === 'head') silence({ kind, name, units, ...group }, new Set(name === 'self_attn' ? [1] : [0, 2, 3]));
      }
      shrink(model, inputs);
      expect([model.selfAttn.numHeads, model.multiheadAttn.numHeads]).toEqual([3, 1]);
      const wanted = outputs(model.eval(), inputs);
      await saveModel(join(path, 'model'), model, {}, { types });
      expect(outputs(tracked((await loadModel(join(path, 'model'), { types })).model), inputs)).toEqual(wanted);
    } finally {
      await rm(path, { recursive: true });
    }
  });

  test('LSTM with projections: cells and what they are projected to', () => {
    const make = (hidden: number, projSize: number): Projected => tracked(new Projected(hidden, projSize));
    const model = make(8, 4);
    const inputs = [randn([5, 2, 3])];
    const { groups } = coupleUnits(model, inputs);
    expect(groups.map(({ name, kind, units }) => [name, kind, units])).toEqual([
      ['rnn', 'hidden', 8],
      ['rnn', 'hidden', 4],
    ]);
    for (const group of groups) silence(group, new Set(everySecond(group.units)));
    const masked = outputs(model, inputs);
    shrink(model, inputs);
    expect(worst(masked, outputs(model, inputs))).toBeLessThan(1e-5);
    expect(shapes(model)).toEqual(shapes(make(4, 2)));
    expect(String(model)).toBe(String(make(4, 2)));
  });
});

/** Attention without what it looked at. */
class Looking extends nn.Module {
  constructor(readonly attention: nn.MultiheadAttention) {
    super();
  }

  override forward(query: Tensor, key: Tensor, value: Tensor): Tensor {
    return this.attention.forward(query, key, value)[0];
  }
}

const types: nn.LayerTypes = {
  Looking: {
    isContainer: true,
    describe: () => [],
    build: (_, children) => new Looking(children[0]?.[1] as nn.MultiheadAttention),
  },
};

class Projected extends nn.Module {
  readonly rnn: nn.LSTM;
  readonly out: nn.Linear;

  constructor(hidden: number, projSize: number) {
    super();
    this.rnn = new nn.LSTM(3, hidden, { projSize, numLayers: 2 });
    this.out = new nn.Linear(projSize, 2);
  }

  override forward(x: Tensor): Tensor {
    return this.out.forward(this.rnn.forward(x)[0]);
  }
}
