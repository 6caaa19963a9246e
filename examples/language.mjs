/**
 * Language: a byte-pair tokenizer and a small GPT (causal transformer) learn a text by heart, and go on from its first words. The
 * text is the preamble of the Universal Declaration of Human Rights; so short a text teaches no language, only this one.
 */
import { arange, crossEntropy, manualSeed, noGrad, scope, tensor } from 'fettle';
import { BytePairTokenizer, DataLoader, TextDataset } from 'fettle/data';
import {
  Embedding,
  LayerNorm,
  Linear,
  Module,
  Transformer,
  TransformerEncoder,
  TransformerEncoderLayer,
} from 'fettle/nn';
import { AdamW, clipGradNorm, lrScheduler } from 'fettle/optim';

const TEXT =
  `Whereas recognition of the inherent dignity and of the equal and inalienable rights of all members of the human family
is the foundation of freedom, justice and peace in the world, Whereas disregard and contempt for human rights have resulted in
barbarous acts which have outraged the conscience of mankind, and the advent of a world in which human beings shall enjoy freedom
of speech and belief and freedom from fear and want has been proclaimed as the highest aspiration of the common people, Whereas it
is essential, if man is not to be compelled to have recourse, as a last resort, to rebellion against tyranny and oppression, that
human rights should be protected by the rule of law.`.replaceAll('\n', ' ');

const epochs = process.env.QUICK ? 4 : 12;
const CONTEXT = 32;
const WIDTH = 64;
manualSeed(0);

const tokenizer = BytePairTokenizer.train(TEXT, 320);
const tokens = tokenizer.encode(TEXT);

class GPT extends Module {
  token = new Embedding(tokenizer.vocabSize, WIDTH);
  place = new Embedding(CONTEXT, WIDTH);
  layer = new TransformerEncoderLayer(WIDTH, 4, { dimFeedforward: 128, dropout: 0, batchFirst: true, normFirst: true });
  blocks = new TransformerEncoder(this.layer, 2, { norm: new LayerNorm(WIDTH) });
  head = new Linear(WIDTH, tokenizer.vocabSize);

  /** @param {import('fettle').Tensor} x  [N, T] → [N, T, vocabulary] @override */
  forward(x) {
    const length = Number(x.shape[1]);
    const mask = Transformer.generateSquareSubsequentMask(length);
    const seen = this.token.forward(x).add(this.place.forward(arange(length)));
    return this.head.forward(this.blocks.forward(seen, { mask, isCausal: true }));
  }
}

const model = new GPT();
const optimizer = new AdamW(model.parameters(), { lr: 4e-3 });
const schedule = new lrScheduler.CosineAnnealingLR(optimizer, epochs);
const loader = new DataLoader(new TextDataset(tokens, { blockSize: CONTEXT, stride: 1 }), {
  batchSize: 16,
  shuffle: true,
});
let loss = 0;
for (let epoch = 0; epoch < epochs; epoch++) {
  for await (const [x, y] of loader) {
    optimizer.zeroGrad();
    const wrong = crossEntropy(model.forward(x).flatten(0, 1), y.flatten());
    wrong.backward();
    clipGradNorm(model.parameters(), 1);
    optimizer.step();
    loss = wrong.item();
  }
  schedule.step();
}
model.eval();
const told = [...tokens.subarray(0, 8)];
while (told.length < 60) {
  const seen = tensor([told.slice(-CONTEXT)]).int();
  told.push(scope(() => noGrad(() => model.forward(seen).select(1, -1).argmax(1).item())));
}
const right = told.filter((token, i) => token === tokens[i]).length / told.length;
console.log(
  `language: loss ${loss.toFixed(3)}; it goes on: “${tokenizer.decode(told)}…” (${(100 * right).toFixed(0)} % right)`,
);

export { loss, right };
