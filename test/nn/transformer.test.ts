import {
  crossEntropy,
  FettleError,
  gelu,
  manualSeed,
  randint,
  randn,
  scope,
  type Tensor,
  tanh,
  tensor,
  zeros,
} from 'fettle';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { afterEach, describe, expect, test } from 'vitest';
import { checkModels } from '../golden/nn.js';

/** A mask from the class itself. */
class Causal extends nn.Module {
  readonly net = new nn.Transformer(4, 2, 1, 1, 5, 0);

  forward(src: Tensor, tgt: Tensor): Tensor {
    return this.net.forward(src, tgt, { tgtMask: nn.Transformer.generateSquareSubsequentMask(3) });
  }
}

const encoderLayer = (options: nn.TransformerLayerOptions = {}) =>
  new nn.TransformerEncoderLayer(4, 2, 5, { dropout: 0, ...options });
const decoderLayer = (options: nn.TransformerLayerOptions = {}) =>
  new nn.TransformerDecoderLayer(4, 2, 5, { dropout: 0, ...options });

/** A stack of copies of a layer, which is freed: the stack does not hold it. */
function stacked<L extends nn.Module, M>(layer: L, make: (layer: L) => M): M {
  const made = make(layer);
  layer.dispose();
  return made;
}

checkModels('transformer', {
  'encoder layer': () => encoderLayer(),
  'encoder layer, norm first': () => encoderLayer({ normFirst: true, activation: 'gelu', layerNormEps: 1e-3 }),
  'encoder layer, batch first': () => encoderLayer({ batchFirst: true }),
  'encoder layer with a function': () => encoderLayer({ activation: tanh }),
  'encoder layer with a module': () => encoderLayer({ activation: new nn.SiLU() }),
  'encoder layer with dropout': () => new nn.TransformerEncoderLayer(4, 4, 5),
  'decoder layer': () => decoderLayer(),
  'decoder layer, norm first': () => decoderLayer({ normFirst: true, activation: 'gelu' }),
  'decoder layer, batch first': () => decoderLayer({ batchFirst: true, activation: (x) => gelu(x) }),
  encoder: () => stacked(encoderLayer(), (layer) => new nn.TransformerEncoder(layer, 2, { enableNestedTensor: false })),
  'encoder with a norm': () =>
    stacked(encoderLayer({ normFirst: true }), (layer) => new nn.TransformerEncoder(layer, 2, new nn.LayerNorm(4))),
  decoder: () => stacked(decoderLayer(), (layer) => new nn.TransformerDecoder(layer, 2)),
  'decoder with a norm': () =>
    stacked(decoderLayer(), (layer) => new nn.TransformerDecoder(layer, 1, { norm: new nn.LayerNorm(4) })),
  transformer: () => new nn.Transformer(4, 2, 1, 2, 5, 0),
  'transformer, batch first': () =>
    new nn.Transformer(4, 1, 1, 1, 9, 0.1, 'gelu', { layerNormEps: 1e-4, batchFirst: true }),
  'transformer of one’s own': () =>
    new nn.Transformer(4, 2, {
      customEncoder: stacked(encoderLayer(), (layer) => new nn.TransformerEncoder(layer, 1)),
      customDecoder: stacked(decoderLayer(), (layer) => new nn.TransformerDecoder(layer, { numLayers: 1 })),
    }),
  causal: () => new Causal(),
});

const made: nn.Module[] = [];

/** A module that is freed after its test. */
function own<M extends nn.Module>(module: M): M {
  made.push(module);
  return module;
}

afterEach(() => {
  for (const module of made.splice(0)) module.dispose();
});

describe('stacks', () => {
  test('hold copies of their layer, which begin alike and go their own ways', () => {
    const layer = own(encoderLayer());
    const encoder = own(new nn.TransformerEncoder(layer, 2));
    const [a, b] = [...encoder.layers] as [nn.TransformerEncoderLayer, nn.TransformerEncoderLayer];
    expect(encoder.numLayers).toBe(2);
    expect(a.linear1.weight.toArray()).toEqual(layer.linear1.weight.toArray());
    expect(b.linear1.weight.toArray()).toEqual(layer.linear1.weight.toArray());
    expect(new Set([a, b, layer].map((one) => one.linear1.weight.storage)).size).toBe(3);
  });

  test('drop in training alone', () => {
    manualSeed(4);
    const layer = own(new nn.TransformerEncoderLayer(8, 2, 16, 0.5));
    const x = randn([5, 2, 8]);
    const run = (): unknown => layer.forward(x).toArray();
    expect(run()).not.toEqual(run());
    layer.eval();
    expect(run()).toEqual(run());
  });

  test('without shifts hold weights alone', () => {
    const layer = own(new nn.TransformerEncoderLayer(4, 2, 5, { bias: false }));
    expect(Object.keys(layer.stateDict())).toEqual([
      'self_attn.in_proj_weight',
      'self_attn.out_proj.weight',
      'linear1.weight',
      'linear2.weight',
      'norm1.weight',
      'norm2.weight',
    ]);
    expect(layer.forward(randn([3, 2, 4])).shape).toEqual([3, 2, 4]);
  });

  test.each<[string, () => unknown]>([
    ['an unknown activation', () => new nn.TransformerEncoderLayer(4, 2, { activation: 'tanh' as 'relu' })],
    ['an unknown option', () => new nn.TransformerDecoderLayer(4, 2, { dim: 3 } as nn.TransformerLayerOptions)],
    ['a hint without its mask', () => own(encoderLayer()).forward(zeros([3, 2, 4]), { isCausal: true })],
    ['two batch sizes', () => own(new nn.Transformer(4, 2, 1, 1, 4)).forward(zeros([3, 2, 4]), zeros([3, 1, 4]))],
    ['another size', () => own(new nn.Transformer(4, 2, 1, 1, 4)).forward(zeros([3, 2, 5]), zeros([3, 2, 5]))],
    ['a batch and none', () => own(new nn.Transformer(4, 2, 1, 1, 4)).forward(zeros([3, 2, 4]), zeros([3, 4]))],
  ])('refuse %s', (_what, call) => {
    expect(call).toThrow(FettleError);
  });
});

/** Writes a sequence again, from what it wrote so far and from the sequence. */
class Copyist extends nn.Module {
  readonly symbols = new nn.Linear(6, 16);
  readonly places = new nn.Parameter(randn([5, 1, 16]).mul(0.5));
  readonly net = new nn.Transformer(16, 2, 1, 1, 32, 0);
  readonly head = new nn.Linear(16, 6);

  forward(src: Tensor, tgt: Tensor): Tensor {
    const [from, to] = [src, tgt].map((x) => this.symbols.forward(x).add(this.places)) as [Tensor, Tensor];
    const tgtMask = nn.Transformer.generateSquareSubsequentMask(5);
    return this.head.forward(this.net.forward(from, to, { tgtMask }));
  }
}

test('a transformer learns to copy', () => {
  manualSeed(7);
  const model = own(new Copyist());
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const words = Array.from({ length: 8 }, () => [...randint(1, 6, [5]).dataSync()]);
  /** [5, words, 6], one-hot. */
  const coded = (sequences: number[][]): Tensor =>
    tensor(
      Array.from({ length: 5 }, (_, t) => sequences.map((w) => [0, 1, 2, 3, 4, 5].map((s) => Number(s === w[t])))),
    );
  let loss = Number.POSITIVE_INFINITY;
  for (let step = 0; step < 80; step++) {
    loss = scope(() => {
      const logits = model.forward(coded(words), coded(words.map((word) => [0, ...word.slice(0, -1)])));
      const targets = tensor(Array.from({ length: 5 }, (_, t) => words.map((word) => word[t] as number)).flat(), {
        dtype: 'int32',
      });
      const error = crossEntropy(logits.reshape([40, 6]), targets);
      optimizer.zeroGrad();
      error.backward();
      optimizer.step();
      return error.item();
    });
  }
  optimizer.dispose();
  expect(loss).toBeLessThan(0.1);
});
