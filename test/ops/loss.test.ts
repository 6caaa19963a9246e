import {
  cosineEmbeddingLoss,
  cosineSimilarity,
  ctcLoss,
  gaussianNllLoss,
  gradcheck,
  gradgradcheck,
  hingeEmbeddingLoss,
  lerp,
  logSoftmax,
  marginRankingLoss,
  mul,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multiMarginLoss,
  pairwiseDistance,
  poissonNllLoss,
  pow,
  softMarginLoss,
  softmin,
  type Tensor,
  tensor,
  tripletMarginLoss,
  zeros,
} from 'fettle';
import { expect, test } from 'vitest';
import { spread } from '../../src/ops/sheet.js';

/** First and second derivatives of losses and similarities against difference quotients, away from their kinks. */

function input(shape: readonly number[], low: number, high: number, phase: number): Tensor {
  return tensor(spread(shape, low, high, phase).data, shape).requiresGrad_();
}

const SIGNS = [1, -1, -1, 1];
const table = (phase: number): Tensor => input([4, 3], -1, 1, phase);
const column = (phase: number): Tensor => input([4], -1, 1, phase);

const CASES: readonly [string, () => Tensor[], (...xs: Tensor[]) => Tensor][] = [
  ['cosineSimilarity', () => [table(0.1), table(0.6)], (a, b) => cosineSimilarity(a as Tensor, b as Tensor)],
  ['pairwiseDistance', () => [table(0.1), table(0.6)], (a, b) => pairwiseDistance(a as Tensor, b as Tensor)],
  [
    'pairwiseDistance, p 3',
    () => [table(0.1), table(0.6)],
    (a, b) => pairwiseDistance(a as Tensor, b as Tensor, { p: 3 }),
  ],
  [
    'cosineEmbeddingLoss',
    () => [table(0.1), table(0.6)],
    (a, b) => cosineEmbeddingLoss(a as Tensor, b as Tensor, tensor(SIGNS), { margin: -2 }),
  ],
  [
    'marginRankingLoss',
    () => [column(0.1), column(0.6)],
    (a, b) => marginRankingLoss(a as Tensor, b as Tensor, tensor(SIGNS), { margin: 4 }),
  ],
  [
    'tripletMarginLoss',
    () => [table(0.1), table(0.6), table(0.3)],
    (a, b, c) => tripletMarginLoss(a as Tensor, b as Tensor, c as Tensor, { margin: 6 }),
  ],
  ['hingeEmbeddingLoss', () => [column(0.1)], (a) => hingeEmbeddingLoss(a as Tensor, tensor(SIGNS), { margin: 4 })],
  [
    'multiMarginLoss, p 2',
    () => [table(0.1)],
    (a) => multiMarginLoss(a as Tensor, tensor([0, 2, 1, 1], { dtype: 'int32' }), { margin: 3, p: 2 }),
  ],
  [
    'multilabelMarginLoss',
    () => [table(0.1)],
    (a) => {
      const labels = [
        [0, -1, 1],
        [2, 1, -1],
        [0, 1, 2],
        [1, -1, -1],
      ];
      return multilabelMarginLoss(mul(a as Tensor, 0.2), tensor(labels, { dtype: 'int32' }));
    },
  ],
  [
    'multilabelSoftMarginLoss',
    () => [table(0.1), table(0.6)],
    (a, b) => multilabelSoftMarginLoss(a as Tensor, b as Tensor),
  ],
  ['softmin', () => [table(0.1)], (a) => softmin(a as Tensor, 1)],
  ['softMarginLoss', () => [column(0.1)], (a) => softMarginLoss(a as Tensor, tensor(SIGNS))],
  [
    'poissonNllLoss',
    () => [input([4], 0.5, 2, 0.1), input([4], 1.5, 4, 0.6)],
    (a, b) => poissonNllLoss(a as Tensor, b as Tensor, { full: true }),
  ],
  [
    'gaussianNllLoss',
    () => [table(0.1), table(0.6), input([4, 1], 0.5, 2, 0.3)],
    (a, b, c) => gaussianNllLoss(a as Tensor, b as Tensor, c as Tensor),
  ],
  ['pow with a number', () => [input([4], 0.5, 2, 0.1)], (a) => pow(a as Tensor, 2.5)],
  [
    'pow with a number for which there is another function',
    () => [input([4], 0.5, 2, 0.1)],
    (a) => pow(a as Tensor, 3),
  ],
  ['lerp with a number', () => [column(0.1), column(0.6)], (a, b) => lerp(a as Tensor, b as Tensor, 0.3)],
];

test.each(CASES)('%s', (_name, inputs, fn) => {
  expect(gradcheck(fn, inputs(), { atol: 1e-2, rtol: 1e-2 })).toBe(true);
  expect(gradgradcheck(fn, inputs(), { atol: 2e-2, rtol: 2e-2 })).toBe(true);
});

test('ctcLoss: its gradient is that of the logits before the log-softmax, and has none itself', () => {
  const targets = tensor(
    [
      [1, 2],
      [3, 1],
    ],
    { dtype: 'int32' },
  );
  const loss = (x: Tensor): Tensor => ctcLoss(logSoftmax(x, 2), targets, [5, 4], [2, 1]);
  expect(gradcheck((x) => loss(x as Tensor), [input([5, 2, 4], -1, 1, 0.1)], { atol: 1e-2, rtol: 1e-2 })).toBe(true);
  const x = input([5, 2, 4], -1, 1, 0.1);
  loss(x).backward(null, { createGraph: true });
  expect(() => (x.grad as Tensor).sum().backward()).toThrow(/ctcLoss: it has no second derivative/);
});

test('ctcLoss says what is wrong with its targets and lengths', () => {
  const x = zeros([4, 2, 3]);
  const targets = zeros([2, 2], { dtype: 'int32' }).add(1);
  expect(() => ctcLoss(x, targets, [4], [2, 2])).toThrow(/inputLengths must hold 2 numbers/);
  expect(() => ctcLoss(x, targets, [4, 5], [2, 2])).toThrow(/inputLengths must lie between 0 and 4, got 5/);
  expect(() => ctcLoss(x, targets.add(5), [4, 4], [2, 2])).toThrow(/label 6 is none of 3 classes/);
  expect(() => ctcLoss(x, targets.float(), [4, 4], [2, 2])).toThrow(/targets must be whole numbers/);
  expect(() => ctcLoss(x, targets, [4, 4], [2, 2], { zeroInf: true } as never)).toThrow(/no option 'zeroInf'/);
  // No time at all spells the empty sequence alone.
  expect(ctcLoss(x, targets, [0, 0], [0, 2], 0, 'none').toArray()).toEqual([0, Infinity]);
});
