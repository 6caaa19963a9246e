import * as nn from 'fettle/nn';
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
});
