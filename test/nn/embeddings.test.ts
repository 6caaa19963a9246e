import * as nn from 'fettle/nn';
import { checkModels } from '../golden/nn.js';

checkModels('embeddings', {
  'max norm': () => new nn.Embedding(6, 3, { maxNorm: 1 }),
  'max norm of another kind': () => new nn.Embedding(6, 3, { paddingIdx: 1, maxNorm: 1.5, normType: 1 }),
  'scaled by frequency': () => new nn.Embedding(6, 3, { scaleGradByFreq: true }),
  bag: () => new nn.EmbeddingBag(6, 3),
  'bag, sum': () => new nn.EmbeddingBag(6, 3, { mode: 'sum', paddingIdx: 2 }),
  'bag, max': () => new nn.EmbeddingBag(6, 3, null, 2, false, 'max'),
  'bag with options': () =>
    new nn.EmbeddingBag(6, 3, { maxNorm: 1.5, normType: 1, mode: 'sum', includeLastOffset: true }),
});
