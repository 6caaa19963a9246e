import { tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { expect, test } from 'vitest';
import { checkLosses } from '../golden/nn.js';

checkLosses('losses', {
  CrossEntropyLoss: nn.CrossEntropyLoss,
  MSELoss: nn.MSELoss,
  L1Loss: nn.L1Loss,
  KLDivLoss: nn.KLDivLoss,
  BCEWithLogitsLoss: nn.BCEWithLogitsLoss,
  NLLLoss: nn.NLLLoss,
  BCELoss: nn.BCELoss,
  SmoothL1Loss: nn.SmoothL1Loss,
  HuberLoss: nn.HuberLoss,
  CosineEmbeddingLoss: nn.CosineEmbeddingLoss,
  MarginRankingLoss: nn.MarginRankingLoss,
  TripletMarginLoss: nn.TripletMarginLoss,
  HingeEmbeddingLoss: nn.HingeEmbeddingLoss,
  SoftMarginLoss: nn.SoftMarginLoss,
  PoissonNLLLoss: nn.PoissonNLLLoss,
  GaussianNLLLoss: nn.GaussianNLLLoss,
  MultiMarginLoss: nn.MultiMarginLoss,
  MultiLabelMarginLoss: nn.MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss: nn.MultiLabelSoftMarginLoss,
  CTCLoss: nn.CTCLoss,
  TripletMarginWithDistanceLoss: nn.TripletMarginWithDistanceLoss,
  CosineSimilarity: nn.CosineSimilarity,
  PairwiseDistance: nn.PairwiseDistance,
});

const shapes = (loss: nn.Module): unknown[] =>
  Object.entries(loss.stateDict()).map(([name, { shape }]) => [name, shape]);

test('weights of losses are part of their state, under PyTorch’s names', () => {
  const weight = tensor([1, 2, 3]);
  const losses = [
    new nn.CrossEntropyLoss({ weight }),
    new nn.NLLLoss(weight),
    new nn.BCELoss({ weight }),
    new nn.BCEWithLogitsLoss({ posWeight: weight, weight }),
    new nn.BCEWithLogitsLoss({ posWeight: weight }),
    new nn.MultiMarginLoss({ weight }),
    new nn.MultiLabelSoftMarginLoss(weight),
    new nn.CrossEntropyLoss(),
  ];
  const names = losses.map(shapes);
  const one = [['weight', [3]]];
  expect(names).toEqual([one, one, one, [...one, ['pos_weight', [3]]], [['pos_weight', [3]]], one, one, []]);
  for (const loss of losses) loss.dispose();
});

test('losses refuse options that they do not have when they are made', () => {
  expect(() => new nn.MSELoss({ reducton: 'sum' } as never)).toThrow(/no option 'reducton'/);
  expect(() => new nn.KLDivLoss({ reduction: 'median' as never })).toThrow(/KLDivLoss: reduction must be/);
  expect(new nn.KLDivLoss(null, null, 'batchmean').options.reduction).toBe('batchmean');
  expect(new nn.MSELoss(false).options.reduction).toBe('sum');
});

test('a triplet’s distance may be a layer, which is a part of the loss', () => {
  const loss = new nn.TripletMarginWithDistanceLoss({ distanceFunction: new nn.PairwiseDistance(1), margin: 0 });
  expect(loss.namedModules().map(([name]) => name)).toEqual(['', 'distance_function']);
  expect(loss.forward(tensor([[1, 2]]), tensor([[1, 1]]), tensor([[1, 2]])).item()).toBeCloseTo(1, 5);
  const own = new nn.TripletMarginWithDistanceLoss({ distanceFunction: (a, b) => a.sub(b).abs().amax(-1) });
  expect(own.forward(tensor([[1, 2]]), tensor([[1, 1]]), tensor([[1, 5]])).item()).toBe(0);
});
