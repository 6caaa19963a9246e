import { readFileSync } from 'node:fs';
import { FettleError, Generator, manualSeed, tensor } from 'fettle';
import { applyMasks, maskOf, prune, setMask } from 'fettle/compress';
import { Conv2d, Linear, Sequential } from 'fettle/nn';
import { afterEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

/** Masks of torch.nn.utils.prune, from test/golden/prune.py. */
interface Golden {
  readonly weights: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>>;
  readonly cases: readonly {
    readonly weight: string;
    readonly steps: readonly Step[];
    readonly masks: readonly string[];
  }[];
  readonly global: readonly {
    readonly amount: number;
    readonly before: number | null;
    readonly masks: Readonly<Record<string, string>>;
  }[];
}

interface Step {
  readonly method: 'l1' | 'ln';
  readonly amount: number;
  readonly scores?: readonly number[];
  readonly n?: number | 'inf';
  readonly dim?: number;
}

const golden = JSON.parse(readFileSync(new URL('../golden/prune.json', import.meta.url), 'utf8')) as Golden;

/** A layer whose weight is the golden one called `name`. */
function layerOf(name: string): Linear | Conv2d {
  const { shape, values } = golden.weights[name] as Golden['weights'][string];
  const [units, inputs, ...kernel] = shape as [number, number, number, number];
  const layer = shape.length === 2 ? new Linear(inputs, units) : new Conv2d(inputs, units, kernel as [number, number]);
  layer.loadStateDict({ weight: tensor(Float32Array.from(values), shape) }, { strict: false });
  return tracked(layer);
}

/** The mask of a layer's weight as the golden file writes it; without one, nothing is pruned. */
function bitsOf(layer: Linear | Conv2d): string {
  const mask = maskOf(layer.weight)?.dataSync() ?? new Float32Array(layer.weight.numel()).fill(1);
  return Array.from(mask, String).join('');
}

function apply(layer: Linear | Conv2d, { method, amount, scores, n = 2, dim = 0 }: Step): void {
  if (method === 'l1')
    prune.l1Unstructured(layer, 'weight', amount, scores === undefined ? {} : { importanceScores: scores });
  else prune.lnStructured(layer, 'weight', amount, { n: n === 'inf' ? Infinity : n, dim });
}

const describeStep = ({ method, amount, n, dim }: Step): string =>
  `${method}(${amount}${n === undefined ? '' : `, n=${n}, dim=${dim}`})`;

afterEach(release);

describe('masks equal those of PyTorch', () => {
  test.each(golden.cases.map((c) => [`${c.weight}: ${c.steps.map(describeStep).join(', ')}`, c] as const))(
    '%s',
    (_, { weight, steps, masks }) => {
      const layer = layerOf(weight);
      const before = layer.weight.dataSync();
      for (const [i, step] of steps.entries()) {
        apply(layer, step);
        expect(bitsOf(layer)).toBe(masks[i]);
      }
      const last = masks[masks.length - 1] as string;
      expect([...layer.weight.dataSync()]).toEqual([...before].map((v, i) => (last[i] === '1' ? v : 0)));
    },
  );

  test.each(golden.global)('globalUnstructured, amount $amount after $before', ({ amount, before, masks }) => {
    const layers = Object.keys(golden.weights).map((name) => [name, layerOf(name)] as const);
    if (before !== null)
      prune.l1Unstructured(layers.find(([name]) => name === 'wide')?.[1] as Linear, 'weight', before);
    prune.globalUnstructured(
      layers.map(([, layer]) => [layer, 'weight'] as const),
      { pruningMethod: 'l1', amount },
    );
    expect(Object.fromEntries(layers.map(([name, layer]) => [name, bitsOf(layer)]))).toEqual(masks);
  });
});

describe('what PyTorch leaves open', () => {
  test('an amount of 1 is everything, whole numbers above it are counts', () => {
    const layer = layerOf('linear');
    prune.l1Unstructured(layer, 'weight', 1 / 30);
    expect(bitsOf(layer).split('0')).toHaveLength(2);
    prune.l1Unstructured(layer, 'weight', 2);
    expect(bitsOf(layer).split('0')).toHaveLength(4);
    prune.l1Unstructured(layer, 'weight', 1);
    expect(bitsOf(layer)).toBe('0'.repeat(30));
  });

  test('of equal weights the first are removed', () => {
    const layer = tracked(new Linear(4, 2));
    layer.loadStateDict(
      {
        weight: tensor([
          [1, -1, 1, 1],
          [2, 1, -1, 1],
        ]),
      },
      { strict: false },
    );
    prune.l1Unstructured(layer, 'weight', 3);
    expect(bitsOf(layer)).toBe('00011111');
  });

  test('NaN is the last to be removed, infinity the one before', () => {
    const layer = tracked(new Linear(4, 1));
    layer.loadStateDict({ weight: tensor([[NaN, 1, 3, 2]]) }, { strict: false });
    prune.l1Unstructured(layer, 'weight', 3);
    expect(bitsOf(layer)).toBe('1000');
    prune.l1Unstructured(layer, 'weight', 1);
    // Not a product with the mask, which would stay NaN.
    expect([...layer.weight.dataSync()]).toEqual([0, 0, 0, 0]);
  });

  test('no removed weight becomes −0', () => {
    const layer = tracked(new Linear(2, 2));
    layer.loadStateDict(
      {
        weight: tensor([
          [-1, -2],
          [-Infinity, 4],
        ]),
      },
      { strict: false },
    );
    setMask(layer.weight, [0, 1, 0, 1]);
    expect([...layer.weight.dataSync()].map((v) => Object.is(v, -0))).toEqual([false, false, false, false]);
    expect([...layer.weight.dataSync()]).toEqual([0, -2, 0, 4]);
  });

  test('random pruning removes the right number, the same for the same seed, and only what is left', () => {
    const masks = [3, 3, 4].map((seed) => {
      const layer = layerOf('conv');
      prune.randomUnstructured(layer, 'weight', 0.5, { generator: new Generator(seed) });
      return bitsOf(layer);
    });
    expect(masks[0]).toBe(masks[1]);
    expect(masks[0]).not.toBe(masks[2]);
    expect(masks[0]?.replaceAll('1', '')).toHaveLength(108);
    manualSeed(1);
    const [a, b] = [layerOf('linear'), layerOf('wide')];
    prune.l1Unstructured(a, 'weight', 0.5);
    prune.globalUnstructured(
      [
        [a, 'weight'],
        [b, 'weight'],
      ],
      { pruningMethod: 'random', amount: 5 },
    );
    expect((bitsOf(a) + bitsOf(b)).replaceAll('1', '')).toHaveLength(20);
  });

  test('n of 0 counts weights that are not 0, −∞ takes the smallest', () => {
    const layer = tracked(new Linear(3, 3));
    layer.loadStateDict(
      {
        weight: tensor([
          [9, 0, 9],
          [1, 1, 1],
          [5, 0, 0],
        ]),
      },
      { strict: false },
    );
    prune.lnStructured(layer, 'weight', 1 / 3, { n: 0 });
    expect(bitsOf(layer)).toBe('111111000');
    prune.lnStructured(layer, 'weight', 0.5, { n: -Infinity });
    expect(bitsOf(layer)).toBe('000111000');
  });
});

describe('state', () => {
  test('pruning does not show in the state dict', () => {
    const layer = layerOf('linear');
    prune.l1Unstructured(layer, 'weight', 0.5);
    expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
    expect(prune.isPruned(layer)).toBe(true);
  });

  test('remove() keeps the zeros and forgets the mask', () => {
    const layer = layerOf('linear');
    prune.l1Unstructured(layer, 'weight', 0.5);
    prune.remove(layer, 'weight');
    expect(prune.isPruned(layer)).toBe(false);
    expect(layer.weight.dataSync().filter((v) => v === 0)).toHaveLength(15);
    expect(() => prune.remove(layer, 'weight')).toThrow("'weight' of Linear is not pruned");
  });

  test('sparsity counts zeros by layer, without biases', () => {
    const [a, b] = [layerOf('linear'), layerOf('wide')];
    prune.l1Unstructured(a, 'weight', 0.5);
    prune.l1Unstructured(a, 'bias', 0.5);
    expect(prune.sparsity(new Sequential({ a, b }))).toEqual({
      sparsity: 15 / 60,
      weights: 60,
      zeros: 15,
      layers: [
        { name: 'a.weight', weights: 30, zeros: 15 },
        { name: 'b.weight', weights: 30, zeros: 0 },
      ],
    });
  });

  test('a second mask joins the first, and applyMasks restores both', () => {
    const layer = tracked(new Linear(4, 1, { bias: false }));
    layer.loadStateDict({ weight: tensor([[1, 2, 3, 4]]) });
    setMask(layer.weight, [1, 0, 1, 1]);
    setMask(layer.weight, [1, 1, 0, 1]);
    layer.loadStateDict({ weight: tensor([[5, 6, 7, 8]]) });
    applyMasks(layer.parameters());
    expect([...layer.weight.dataSync()]).toEqual([5, 0, 0, 8]);
  });
});

describe('errors name the mistake', () => {
  const wrong: [string, (layer: Linear) => void, string][] = [
    [
      'negative',
      (l) => prune.l1Unstructured(l, 'weight', -0.1),
      'amount must be a fraction in [0, 1] or a whole number, got -0.1',
    ],
    ['not whole', (l) => prune.l1Unstructured(l, 'weight', 1.5), 'got 1.5'],
    ['NaN', (l) => prune.l1Unstructured(l, 'weight', NaN), 'got NaN'],
    ['too many', (l) => prune.l1Unstructured(l, 'weight', 31), 'amount 31 is more than the 30 there are'],
    ['too many slices', (l) => prune.lnStructured(l, 'weight', 11), 'amount 11 is more than the 10 there are'],
    [
      'no such parameter',
      (l) => prune.l1Unstructured(l, 'wieght', 0.5),
      "Linear has no parameter 'wieght'. It has weight, bias.",
    ],
    [
      'scores',
      (l) => prune.l1Unstructured(l, 'weight', 0.5, { importanceScores: [1] }),
      'must have 30 elements, got 1',
    ],
    ['dim', (l) => prune.lnStructured(l, 'weight', 0.5, { dim: 2 }), 'dim'],
    ['n', (l) => prune.lnStructured(l, 'weight', 0.5, { n: -1 }), 'n must be 0 or more, or ±Infinity, got -1'],
    [
      'method',
      (l) => prune.globalUnstructured([[l, 'weight']], { pruningMethod: 'L1' as 'l1', amount: 0.5 }),
      "'l1' or 'random', got 'L1'",
    ],
    ['mask', (l) => setMask(l.weight, [1, 0]), 'the mask of [10, 3] needs 30 elements, got 2'],
  ];
  test.each(wrong)('%s', (_, call, message) => {
    const layer = layerOf('linear') as Linear;
    const before = layer.weight.dataSync();
    expect(() => call(layer)).toThrow(FettleError);
    expect(() => call(layer)).toThrow(message);
    expect(prune.isPruned(layer)).toBe(false);
    expect([...layer.weight.dataSync()]).toEqual([...before]);
  });
});
