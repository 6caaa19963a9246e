import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { FettleError, Generator, manualSeed, type Tensor, tensor } from 'fettle';
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
  readonly random: readonly {
    readonly weight: string;
    readonly amount: number;
    readonly dim: number | null;
    readonly zeros: number;
    readonly after?: number;
  }[];
}

interface Step {
  readonly method: 'l1' | 'ln' | 'identity' | 'custom';
  readonly amount: number;
  readonly mask?: string;
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

function apply(layer: Linear | Conv2d, { method, amount, scores, mask, n = 2, dim = 0 }: Step): void {
  const given = scores === undefined ? {} : { importanceScores: scores };
  if (method === 'identity') prune.identity(layer, 'weight');
  else if (method === 'custom') prune.customFromMask(layer, 'weight', Array.from(mask as string, Number));
  else if (method === 'l1') prune.l1Unstructured(layer, 'weight', amount, given);
  else prune.lnStructured(layer, 'weight', amount, { n: n === 'inf' ? Infinity : n, dim, ...given });
}

/** The same step as a method object. */
function methodOf({ method, amount, mask, n = 2, dim = 0 }: Step): prune.BasePruningMethod {
  if (method === 'identity') return new prune.Identity();
  if (method === 'custom') return new prune.CustomFromMask(Array.from(mask as string, Number));
  if (method === 'l1') return new prune.L1Unstructured(amount);
  return new prune.LnStructured(amount, n === 'inf' ? Infinity : n, dim);
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

  test.each(golden.cases.filter(({ steps }) => steps.every(({ scores }) => scores === undefined)))(
    'a container of methods does what they do one after another: $weight $masks.length',
    ({ weight, steps, masks }) => {
      const layer = layerOf(weight);
      const container = new prune.PruningContainer(...steps.map(methodOf));
      expect(container).toHaveLength(steps.length);
      container.apply(layer, 'weight');
      expect(bitsOf(layer)).toBe(masks[masks.length - 1]);
    },
  );

  test.each(golden.random)(
    'counts of random pruning: $weight, $amount along $dim',
    ({ weight, amount, dim, ...counts }) => {
      const layer = layerOf(weight);
      const removed = (): number => bitsOf(layer).replaceAll('1', '').length;
      if (dim === null) prune.randomUnstructured(layer, 'weight', amount);
      else prune.randomStructured(layer, 'weight', amount, dim);
      expect(removed()).toBe(counts.zeros);
      if (dim === null || counts.after === undefined) return;
      prune.customFromMask(layer, 'weight', new Uint8Array(layer.weight.numel()).fill(1));
      const other = layerOf(weight);
      prune.lnStructured(other, 'weight', 2, 2, dim);
      prune.randomStructured(other, 'weight', amount, { dim, generator: new Generator(1) });
      expect(bitsOf(other).replaceAll('1', '')).toHaveLength(counts.after);
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

describe('random structures', () => {
  test('go as a whole, the same for the same seed', () => {
    const masks = [3, 3, ...Array.from({ length: 12 }, (_, i) => 4 + i)].map((seed) => {
      const layer = layerOf('conv');
      prune.randomStructured(layer, 'weight', 0.5, { dim: 1, generator: new Generator(seed) });
      return bitsOf(layer);
    });
    expect(masks[0]).toBe(masks[1]);
    expect(new Set(masks).size).toBeGreaterThan(3);
    const [first] = masks as [string];
    // Each input channel has 9 numbers in each of 6 filters: all 54 of them go, or none.
    const channels = [0, 1, 2, 3].map((c) =>
      [0, 1, 2, 3, 4, 5].map((f) => first.slice((f * 4 + c) * 9, (f * 4 + c) * 9 + 9)).join(''),
    );
    expect(channels.map((c) => new Set(c).size)).toEqual([1, 1, 1, 1]);
    expect(channels.filter((c) => c.startsWith('0'))).toHaveLength(2);
  });
});

describe('n:m', () => {
  test('keeps the n largest of every m along the inputs', () => {
    const layer = tracked(new Linear(8, 2, { bias: false }));
    layer.loadStateDict({
      weight: tensor([
        [1, -4, 3, 2, 8, 7, -6, 5],
        [0, 0, 0, 1, -2, 2, 2, 2],
      ]),
    });
    prune.nm(layer, 'weight', 2, 4);
    // Of equals the first go.
    expect(bitsOf(layer)).toBe('01101100' + '00110011');
    prune.nm(layer, 'weight', 1, 8);
    expect(bitsOf(layer)).toBe('00001000' + '00000001');
  });

  test('equals a plain count for any shape, dim, n and m', () => {
    fc.assert(
      fc.property(
        fc.record({
          lanes: fc.integer({ min: 1, max: 3 }),
          m: fc.integer({ min: 1, max: 6 }),
          keep: fc.double({ min: 0, max: 1, noNaN: true }),
          rows: fc.integer({ min: 1, max: 4 }),
          seed: fc.nat(1000),
          first: fc.boolean(),
        }),
        ({ lanes, m, keep, rows, seed, first }) => {
          const n = Math.round(keep * m);
          const size = lanes * m;
          const layer = first ? new Linear(rows, size, { bias: false }) : new Linear(size, rows, { bias: false });
          const random = new Generator(seed);
          const values = Float32Array.from({ length: rows * size }, () => random.normal());
          layer.loadStateDict({ weight: tensor(values, layer.weight.shape) });
          prune.nm(layer, 'weight', n, m, { dim: first ? 0 : 1 });
          const bits = bitsOf(layer);
          const at = (row: number, i: number): number => (first ? i * rows + row : row * size + i);
          for (let row = 0; row < rows; row++) {
            for (let lane = 0; lane < lanes; lane++) {
              const places = Array.from({ length: m }, (_, k) => at(row, lane * m + k));
              const kept = places.filter((i) => bits[i] === '1');
              expect(kept).toHaveLength(n);
              const weakest = Math.min(...kept.map((i) => Math.abs(values[i] as number)));
              for (const i of places) {
                if (bits[i] === '0') expect(Math.abs(values[i] as number)).toBeLessThanOrEqual(weakest);
              }
            }
          }
          layer.dispose();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('what went before is among what goes', () => {
    const layer = tracked(new Linear(4, 1, { bias: false }));
    layer.loadStateDict({ weight: tensor([[4, 3, 2, 1]]) });
    setMask(layer.weight, [0, 1, 1, 1]);
    prune.nm(layer, 'weight', 2, 4);
    expect(bitsOf(layer)).toBe('0110');
  });

  test('a size that is no multiple is refused, with what fits', () => {
    const conv = tracked(new Conv2d(3, 8, 2));
    expect(() => prune.nm(conv, 'weight', 2, 4)).toThrow(
      'prune.nm: size 3 of [8, 3, 2, 2] along dim 1 is no multiple of 4. Try dim 0.',
    );
    expect(() => prune.nm(conv, 'weight', 5, 4)).toThrow('expected whole numbers 0 ≤ n ≤ m and m ≥ 1, got 5 and 4');
    expect(prune.isPruned(conv)).toBe(false);
    prune.nm(conv, 'weight', 2, 4, { dim: 0 });
    expect(bitsOf(conv).replaceAll('1', '')).toHaveLength(48);
  });
});

describe('blocks', () => {
  test('of smallest norm go, those at the edge by their mean', () => {
    const layer = tracked(new Linear(5, 3, { bias: false }));
    layer.loadStateDict({
      weight: tensor([
        [1, 1, 5, 5, 2],
        [1, 1, 5, 5, 2],
        [4, 4, 3, 3, 9],
      ]),
    });
    prune.block(layer, 'weight', 2, [2, 2]);
    expect(bitsOf(layer)).toBe('00110' + '00110' + '11111');
    // A third of the four that are left, to the nearest: one.
    prune.block(layer, 'weight', 0.3, { size: [2, 2], n: 1 });
    expect(bitsOf(layer)).toBe('00110' + '00110' + '11001');
    expect(() => prune.block(layer, 'weight', 4, [2, 2])).toThrow('amount 4 is more than the 3 there are');
    expect(() => prune.block(layer, 'weight', 0.5, [0, 2])).toThrow('size must be [rows, columns]');
  });

  test('of a convolution lie in its weight as a matrix', () => {
    const conv = layerOf('conv');
    prune.block(conv, 'weight', 0.5, [3, 12]);
    const bits = bitsOf(conv);
    const rows = [0, 1, 2, 3, 4, 5].map((f) => bits.slice(f * 36, f * 36 + 36));
    expect(rows.slice(0, 3)).toEqual([rows[0], rows[0], rows[0]]);
    expect(rows.slice(3)).toEqual([rows[3], rows[3], rows[3]]);
    expect(bits.replaceAll('1', '')).toHaveLength(108);
  });
});

describe('methods of one’s own', () => {
  class EveryOther extends prune.BasePruningMethod {
    constructor(readonly pruningType: 'unstructured' | 'structured' | 'global') {
      super();
    }
    computeMask(t: Tensor, defaultMask: Tensor): Tensor {
      seen.push(t.shape);
      const mask = Float32Array.from(defaultMask.dataSync(), (keep, i) => (i % 2 === 0 ? 0 : keep));
      return tensor(mask, t.shape);
    }
  }
  let seen: (readonly number[])[] = [];

  test('see what is left: weights, slices, or all', () => {
    const wide = (): Linear => {
      const layer = layerOf('wide') as Linear;
      setMask(layer.weight, Array.from(`${'1'.repeat(25)}00000`, Number));
      return layer;
    };
    seen = [];
    for (const type of ['unstructured', 'structured', 'global'] as const) new EveryOther(type).apply(wide(), 'weight');
    expect(seen).toEqual([[25], [6, 5], [6, 5]]);
    const columns = wide();
    prune.lnStructured(columns, 'weight', 2, { dim: -1 });
    new EveryOther('structured').apply(columns, 'weight');
    expect(seen[3]).toEqual([6, 3]);
    seen = [];
    const [a, b] = [layerOf('linear'), layerOf('wide')];
    prune.globalUnstructured(
      [
        [a, 'weight'],
        [b, 'weight'],
      ],
      { pruningMethod: new EveryOther('unstructured') },
    );
    expect(seen).toEqual([[60]]);
    expect(bitsOf(a) + bitsOf(b)).toBe('01'.repeat(30));
  });

  test('a method prunes tensors that are no parameters, and a mask of the wrong shape is refused', () => {
    expect(new prune.L1Unstructured(2).prune(tensor([3, -1, 2])).toArray()).toEqual([3, 0, 0]);
    expect(new prune.L1Unstructured(1 / 3).prune(tensor([3, -1, 2]), tensor([0, 1, 1])).toArray()).toEqual([0, 0, 2]);
    class Wrong extends EveryOther {
      override computeMask(): Tensor {
        return tensor([1, 1]);
      }
    }
    expect(() => new Wrong('global').apply(layerOf('wide'), 'weight')).toThrow('computeMask must give [6, 5], got [2]');
    expect(() => new prune.PruningContainer('l1' as never)).toThrow('expected a pruning method');
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
