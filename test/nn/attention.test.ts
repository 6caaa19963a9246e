import { FettleError, manualSeed, ones, randn, scaledDotProductAttention, type Tensor, tensor, zeros } from 'fettle';
import * as nn from 'fettle/nn';
import { afterEach, describe, expect, test } from 'vitest';
import { checkModels } from '../golden/nn.js';

checkModels('attention', {
  attention: () => new nn.MultiheadAttention(4, 2),
  'one head without bias': () => new nn.MultiheadAttention(4, 1, { bias: false }),
  'batch first': () => new nn.MultiheadAttention(6, 3, { batchFirst: true }),
  'sizes of keys and values': () => new nn.MultiheadAttention(4, 2, { kdim: 3, vdim: 5 }),
  'a size of values, without bias': () => new nn.MultiheadAttention(4, 2, { vdim: 5, bias: false }),
  'a learned key': () => new nn.MultiheadAttention(4, 2, { addBiasKv: true }),
  'a key of zeros': () => new nn.MultiheadAttention(4, 2, { addZeroAttn: true }),
  'a learned key and one of zeros': () => new nn.MultiheadAttention(4, 2, 0, true, true, true, null, null, true),
  'with dropout': () => new nn.MultiheadAttention(4, 2, { dropout: 0.4 }),
  'all dropped': () => new nn.MultiheadAttention(4, 2, 1),
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

const rows = (x: Tensor | null): number[][] => (x as Tensor).toArray() as number[][];

describe('scaledDotProductAttention', () => {
  test('drops weights, and scales the others up', () => {
    manualSeed(11);
    // All scores are alike, and each value is an axis of its own: the output is the weights.
    const count = 64;
    const axes = tensor(
      Array.from({ length: count }, (_, i) => Array.from({ length: count }, (_, k) => Number(i === k))),
    );
    const y = scaledDotProductAttention(zeros([200, 4]), zeros([count, 4]), axes, { dropoutP: 0.25 }).dataSync();
    const kept = [...y].filter((w) => w !== 0);
    expect(kept.length / y.length).toBeCloseTo(0.75, 1);
    for (const w of kept) expect(w).toBeCloseTo(1 / count / 0.75, 6);
  });

  test('has gradients of zero where a query sees nothing', () => {
    const [q, k, v] = [randn([2, 3]), randn([4, 3]), randn([4, 3])].map((x) => x.requiresGrad_()) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const mask = tensor(
      [
        [false, false, false, false],
        [true, false, false, false],
      ],
      { dtype: 'bool' },
    );
    const y = scaledDotProductAttention(q, k, v, mask);
    y.sum().backward();
    expect(rows(y)[0]).toEqual([0, 0, 0]);
    expect(rows(q.grad)[0]).toEqual([0, 0, 0]);
    expect(rows(v.grad)).toEqual([
      [1, 1, 1],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
});

describe('MultiheadAttention', () => {
  test('gives weights that add up to 1, and sees nothing that is hidden', () => {
    const layer = own(new nn.MultiheadAttention(4, 2, { batchFirst: true }));
    const x = randn([1, 3, 4]);
    const mask = nn.Transformer.generateSquareSubsequentMask(3);
    const [, weights] = layer.forward(x, x, x, { attnMask: mask, isCausal: true });
    const [first, second, third] = rows((weights as Tensor).reshape([3, 3])) as [number[], number[], number[]];
    expect(first).toEqual([1, 0, 0]);
    expect(second[2]).toBe(0);
    for (const row of [first, second, third]) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  });

  test('drops weights in training alone', () => {
    manualSeed(2);
    const layer = own(new nn.MultiheadAttention(8, 2, { dropout: 0.5, batchFirst: true }));
    const x = randn([4, 32, 8]);
    const dropped = (): number => {
      const [, weights] = layer.forward(x, x, x, { averageAttnWeights: false });
      const all = (weights as Tensor).dataSync();
      return [...all].filter((w) => w === 0).length / all.length;
    };
    expect(dropped()).toBeCloseTo(0.5, 1);
    layer.eval();
    expect(dropped()).toBe(0);
  });

  test('begins as PyTorch does', () => {
    const layer = own(new nn.MultiheadAttention(32, 4));
    const weights = (layer.inProjWeight as Tensor).dataSync();
    const bound = Math.sqrt(6 / (32 + 96));
    expect(Math.max(...weights)).toBeLessThanOrEqual(bound);
    expect(Math.max(...weights)).toBeGreaterThan(0.95 * bound);
    expect([...(layer.inProjBias as Tensor).dataSync()].every((v) => v === 0)).toBe(true);
    expect([...(layer.outProj.bias as Tensor).dataSync()].every((v) => v === 0)).toBe(true);
  });

  const x = (): Tensor => ones([3, 2, 4]);
  const attend = (...rest: nn.MultiheadAttentionForwardOptions[]) =>
    own(new nn.MultiheadAttention(4, 2)).forward(x(), x(), x(), ...(rest as [nn.MultiheadAttentionForwardOptions]));
  test.each<[string, () => unknown]>([
    ['heads that do not divide', () => new nn.MultiheadAttention(5, 2)],
    ['no heads', () => new nn.MultiheadAttention(4, 0)],
    ['a probability above 1', () => new nn.MultiheadAttention(4, 2, 1.5)],
    ['a query of another size', () => own(new nn.MultiheadAttention(5, 1)).forward(x(), x(), x())],
    ['keys and values of two lengths', () => own(new nn.MultiheadAttention(4, 1)).forward(x(), x(), ones([2, 2, 4]))],
    ['two batch sizes', () => own(new nn.MultiheadAttention(4, 1)).forward(ones([3, 1, 4]), x(), x())],
    ['one dimension', () => own(new nn.MultiheadAttention(4, 1)).forward(ones([4]), ones([4]), ones([4]))],
    ['a mask of another shape', () => attend({ attnMask: zeros([2, 3]) })],
    ['a mask for each sequence, without heads', () => attend({ attnMask: zeros([2, 3, 3]) })],
    ['padding of another shape', () => attend({ keyPaddingMask: zeros([3, 2]) })],
    ['a mask of whole numbers', () => attend({ attnMask: zeros([3, 3], { dtype: 'int32' }) })],
    ['a hint without its mask', () => attend({ isCausal: true })],
    ['an unknown option', () => attend({ need_weights: false } as nn.MultiheadAttentionForwardOptions)],
  ])('refuses %s', (_what, call) => {
    expect(call).toThrow(FettleError);
  });
});
