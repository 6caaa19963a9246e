import { FettleError, manualSeed, noGrad, ones, randn, type Tensor, tensor, zeros } from 'fettle';
import * as nn from 'fettle/nn';
import { describe, expect, it } from 'vitest';
import { checkModels } from '../golden/nn.js';

/** Small layers and containers against PyTorch's, and what chance decides. */

class Pool extends nn.Module {
  list = new nn.ParameterList([
    new nn.Parameter(
      tensor([
        [0.5, -1],
        [2, 0.25],
      ]),
    ),
    new nn.Parameter(tensor([1, -0.5])),
  ]);
  dict = new nn.ParameterDict({ scale: new nn.Parameter(tensor([2, 3])) });
  layers = new nn.ModuleDict({ first: new nn.Linear(4, 2), act: new nn.Tanh() });
  declare readonly shift: nn.Buffer;
  declare readonly quiet: nn.Buffer;
  declare readonly bias: nn.Parameter;
  declare readonly last: nn.Softmin;

  constructor() {
    super();
    this.registerBuffer('shift', tensor([0.25, -0.25]));
    this.registerBuffer('quiet', tensor([1, 2]), { persistent: false });
    this.registerParameter('bias', new nn.Parameter(tensor([0.1, 0.2])));
    this.registerParameter('nothing', null);
    this.addModule('last', new nn.Softmin({ dim: 1 }));
  }

  forward(x: Tensor): Tensor {
    const first = this.layers.get('first') as nn.Linear;
    const act = this.layers.get('act') as nn.Tanh;
    const y = act.forward(first.forward(x)).matmul(this.list.at(0)).add(this.list.at(1));
    const scaled = y.mul(this.dict.get('scale')).add(this.shift.mul(this.quiet)).add(this.bias);
    return this.last.forward(scaled);
  }
}

function grown(): nn.Sequential {
  const s = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU());
  s.append(new nn.Linear(3, 2));
  s.extend(new nn.Sequential(new nn.Tanh(), new nn.Linear(2, 2)));
  s.insert(1, new nn.ELU(0.5));
  s.pop(-2);
  return s;
}

/** The middle of `grown`; what is left of it is freed. */
function sliced(): nn.Sequential {
  const whole = grown();
  whole.at(0).dispose();
  whole.at(-1).dispose();
  whole.at(-2).dispose();
  return whole.slice(1, 3);
}

checkModels('small', {
  bilinear: () => new nn.Bilinear(3, 2, 4),
  'bilinear without bias': () => new nn.Bilinear(3, 2, 1, false),
  embedding: () => new nn.Embedding(6, 3),
  'embedding with padding': () => new nn.Embedding(6, 3, { paddingIdx: -2 }),
  unflatten: () => new nn.Unflatten(1, [2, 2]),
  'unflatten, inferred': () => new nn.Unflatten(-1, [2, -1]),
  hardshrink: () => new nn.Hardshrink(),
  'hardshrink with lambd': () => new nn.Hardshrink({ lambd: 0.75 }),
  softshrink: () => new nn.Softshrink(),
  'softshrink with lambd': () => new nn.Softshrink(0.75),
  tanhshrink: () => new nn.Tanhshrink(),
  softmin: () => new nn.Softmin(1),
  'softmin without dim': () => new nn.Softmin(),
  'softmax without dim': () => new nn.Softmax(),
  'log softmax without dim': () => new nn.LogSoftmax(),
  softmax2d: () => new nn.Softmax2d(),
  rrelu: () => new nn.RReLU(),
  'rrelu with bounds': () => new nn.RReLU({ lower: 0.25, upper: 0.25 }),
  'dropout in place': () => new nn.Dropout(0.3, { inplace: true }),
  dropout1d: () => new nn.Dropout1d(),
  'dropout1d of all': () => new nn.Dropout1d(1),
  dropout2d: () => new nn.Dropout2d({ p: 0.2 }),
  'dropout2d of nothing': () => new nn.Dropout2d(0),
  dropout3d: () => new nn.Dropout3d(1),
  'alpha dropout': () => new nn.AlphaDropout(),
  'alpha dropout of all': () => new nn.AlphaDropout(1),
  'feature alpha dropout': () => new nn.FeatureAlphaDropout(0.25),
  'identity of anything': () => new nn.Identity(54, { unusedArgument1: 0.1 }),
  pool: () => new Pool(),
  grown,
  slice: sliced,
});

describe('in place', () => {
  // What PyTorch prints; some of its layers keep it to themselves.
  const layers: readonly [string, new (...args: never[]) => nn.Module, readonly unknown[]][] = [
    ['ReLU(inplace=True)', nn.ReLU, [true]],
    ['ReLU6(inplace=True)', nn.ReLU6, [{ inplace: true }]],
    ['ELU(alpha=0.5, inplace=True)', nn.ELU, [0.5, true]],
    ['SELU(inplace=True)', nn.SELU, [true]],
    ['CELU(alpha=2.5, inplace=True)', nn.CELU, [{ alpha: 2.5, inplace: true }]],
    ['LeakyReLU(negative_slope=0.2, inplace=True)', nn.LeakyReLU, [0.2, true]],
    ['Hardtanh(min_val=-0.5, max_val=0.5, inplace=True)', nn.Hardtanh, [-0.5, 0.5, { inplace: true }]],
    ['Hardswish()', nn.Hardswish, [true]],
    ['Hardsigmoid()', nn.Hardsigmoid, [true]],
    ['SiLU(inplace=True)', nn.SiLU, [true]],
    ['Mish(inplace=True)', nn.Mish, [true]],
    ['Threshold(threshold=0.5, value=0.25, inplace=True)', nn.Threshold, [0.5, 0.25, true]],
  ];

  it.each(layers)('%s', (print, Layer, args) => {
    const layer = new Layer(...(args as never[])) as nn.Module & { forward(x: Tensor): Tensor };
    const plain = new Layer(...([...args.filter((a) => typeof a === 'number')] as never[])) as typeof layer;
    if (args.some((a) => typeof a === 'object')) Object.assign(plain, { ...layer, inplace: false });
    expect(String(layer)).toBe(print);
    const x = tensor([-3, -0.25, 0, 0.25, 4]);
    const want = plain.forward(x).toArray();
    expect(layer.forward(x)).toBe(x);
    expect(x.toArray()).toEqual(want);
  });

  it('is there for functions, too', () => {
    const F = nn.functional;
    const x = tensor([-1, 2]);
    expect(F.relu(x, { inplace: true })).toBe(x);
    expect(F.leakyRelu(tensor([-1, 2]), 0.5, true).toArray()).toEqual([-0.5, 2]);
    expect(F.threshold(tensor([-1, 2]), 0, 7, { inplace: true }).toArray()).toEqual([7, 2]);
    expect(F.dropout(x, 0.5, false, true)).toBe(x);
    expect(x.toArray()).toEqual([0, 2]);
    expect(() => F.relu(x, { inPlace: true } as never)).toThrow(/Did you mean inplace/);
    for (const name of ['crossEntropy', 'conv2d', 'pad', 'oneHot', 'logsigmoid', 'binaryCrossEntropy', 'ctcLoss']) {
      expect(F).toHaveProperty(name);
    }
  });

  it('drops in the input itself', () => {
    const x = ones([2, 3]);
    expect(new nn.Dropout(1, true).forward(x)).toBe(x);
    expect(x.sum().item()).toBe(0);
    const channels = ones([3, 4]);
    expect(new nn.Dropout1d(1, true).forward(channels)).toBe(channels);
    expect(channels.sum().item()).toBe(0);
  });
});

describe('chance', () => {
  it('drops whole channels, and keeps the mean', () => {
    manualSeed(3);
    const y = new nn.Dropout2d(0.25).forward(ones([50, 40, 2, 3]));
    const rows = y.reshape([2000, 6]).toArray() as number[][];
    expect(rows.every((row) => row.every((v) => v === row[0]))).toBe(true);
    const dropped = rows.filter((row) => row[0] === 0).length / 2000;
    expect(dropped).toBeGreaterThan(0.2);
    expect(dropped).toBeLessThan(0.3);
    expect(Math.max(...rows.map((row) => row[0] as number))).toBeCloseTo(4 / 3, 6);
    const flat = new nn.FeatureAlphaDropout(0.5).forward(randn([8, 4, 10])).toArray() as number[][][];
    expect(flat.flat().some((row) => row.every((v) => v === row[0]))).toBe(true);
  });

  it('keeps mean and variance through alpha dropout', () => {
    manualSeed(4);
    const y = new nn.AlphaDropout(0.3).forward(randn([40000]));
    expect(Math.abs(y.mean().item())).toBeLessThan(0.03);
    expect(Math.abs(y.std().item() - 1)).toBeLessThan(0.03);
  });

  it('draws slopes between their bounds', () => {
    manualSeed(5);
    const layer = new nn.RReLU(0.1, 0.3);
    const y = [...layer.forward(ones([1000]).neg()).dataSync()].map((v) => -v);
    expect(Math.min(...y)).toBeGreaterThanOrEqual(0.1);
    expect(Math.max(...y)).toBeLessThanOrEqual(0.3);
    expect(new Set(y).size).toBeGreaterThan(900);
    layer.eval();
    expect(layer.forward(tensor([-1])).item()).toBeCloseTo(-0.2, 6);
  });

  it('chooses as often as probabilities say, with the gradient of the soft choice', () => {
    manualSeed(6);
    const F = nn.functional;
    const logits = tensor([0.1, 0.2, 0.7]).log();
    const rows = logits.expand([4000, 3]);
    const hard = F.gumbelSoftmax(rows, 1, true);
    expect(hard.sum(1).toArray()).toEqual(new Array(4000).fill(1));
    const share = hard.mean(0).toArray() as number[];
    [0.1, 0.2, 0.7].forEach((p, i) => {
      expect(Math.abs((share[i] as number) - p)).toBeLessThan(0.03);
    });
    const soft = F.gumbelSoftmax(rows, { tau: 0.5 });
    expect(Math.abs(soft.sum(1).sub(1).abs().amax().item())).toBeLessThan(1e-5);
    const x = zeros([3]).requiresGrad_();
    F.gumbelSoftmax(x, { hard: true })
      .mul(tensor([1, 2, 3]))
      .sum()
      .backward();
    expect((x.grad as Tensor).abs().sum().item()).toBeGreaterThan(0);
  });
});

describe('embedding', () => {
  it('begins normal, with zeros where there is padding', () => {
    manualSeed(7);
    const layer = new nn.Embedding(500, 20, 3);
    expect((layer.weight.toArray() as number[][])[3]).toEqual(new Array(20).fill(0));
    expect(Math.abs(layer.weight.std().item() - 1)).toBeLessThan(0.05);
    expect(String(layer)).toBe('Embedding(500, 20, padding_idx=3)');
    layer.dispose();
  });

  it('takes vectors that are there, and freezes them', () => {
    const vectors = tensor([
      [1, 2],
      [3, 4],
    ]);
    const layer = nn.Embedding.fromPretrained(vectors);
    expect(layer.weight.requiresGrad).toBe(false);
    expect(layer.forward(tensor([1, 0], { dtype: 'int32' })).toArray()).toEqual([
      [3, 4],
      [1, 2],
    ]);
    const free = nn.Embedding.fromPretrained(vectors, false, 0);
    expect(free.weight.requiresGrad).toBe(true);
    expect(free.weight.toArray()).toEqual(vectors.toArray());
    layer.dispose();
    free.dispose();
    expect(() => new nn.Embedding(3, 2, { paddingIdx: 3 })).toThrow(FettleError);
  });

  it('prints its options as PyTorch does', () => {
    const layer = new nn.Embedding(3, 4, -1, 1.5, 1, true);
    expect(String(layer)).toBe('Embedding(3, 4, padding_idx=2, max_norm=1.5, norm_type=1, scale_grad_by_freq=True)');
    layer.dispose();
  });
});

it('computes in place only where the graph allows it', () => {
  const x = tensor([-1, 2]).requiresGrad_();
  expect(() => new nn.ReLU(true).forward(x)).toThrow(FettleError);
  expect(noGrad(() => new nn.ReLU(true).forward(x)).toArray()).toEqual([0, 2]);
});
