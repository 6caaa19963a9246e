import {
  cosineEmbeddingLoss,
  cosineSimilarity,
  gaussianNllLoss,
  gradcheck,
  gradgradcheck,
  hingeEmbeddingLoss,
  lerp,
  marginRankingLoss,
  pairwiseDistance,
  poissonNllLoss,
  pow,
  softMarginLoss,
  type Tensor,
  tensor,
  tripletMarginLoss,
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
