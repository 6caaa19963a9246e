/**
 * Translation: a transformer reads numbers in digits and says them in English, "307" → "three hundred seven". It sees 800 of the
 * numbers below 1,000 with their names, and is tested on the others.
 */
import { arange, crossEntropy, manualSeed, noGrad, scope, tensor } from 'fettle';
import { DataLoader, Subset, stratifiedSplit, TensorDataset } from 'fettle/data';
import { Embedding, Linear, Module, Transformer } from 'fettle/nn';
import { AdamW, clipGradNorm } from 'fettle/optim';

const epochs = process.env.QUICK ? 10 : 25;
const TEENS = 'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(' ');
const ONES = ['zero', ...'one two three four five six seven eight nine'.split(' '), ...TEENS];
const TENS = ['zero', 'ten', ...'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')];
const WORDS = ['<pad>', '<begin>', '<end>', 'hundred', ...new Set([...ONES, ...TENS])];
const LONGEST = 6; // "nine hundred ninety nine" and its beginning or its end
manualSeed(0);

/** @type {(n: number) => string} */
function say(n) {
  if (n < 20) return String(ONES[n]);
  if (n < 100) return `${TENS[Math.floor(n / 10)]}${n % 10 ? ` ${ONES[n % 10]}` : ''}`;
  return `${ONES[Math.floor(n / 100)]} hundred${n % 100 ? ` ${say(n % 100)}` : ''}`;
}
/** @type {(n: number) => number[]} */
const digits = (n) => [...String(n).padStart(3, '0')].map(Number);
/** @type {(n: number) => number[]} */
const words = (n) => {
  const said = `<begin> ${say(n)} <end>`.split(' ').map((word) => WORDS.indexOf(word));
  return [...said, ...new Array(LONGEST + 1 - said.length).fill(0)];
};
class Translator extends Module {
  digit = new Embedding(10, 48);
  word = new Embedding(WORDS.length, 48);
  place = new Embedding(LONGEST, 48);
  body = new Transformer(48, 4, 2, 2, { dimFeedforward: 96, dropout: 0, batchFirst: true });
  head = new Linear(48, WORDS.length);

  /** Digits [N, 3], words [N, T] → logits of each next word. @override @param {import('fettle').Tensor} from @param {import('fettle').Tensor} to */
  forward(from, to) {
    const length = Number(to.shape[1]);
    const heard = this.digit.forward(from).add(this.place.forward(arange(3)));
    const said = this.word.forward(to).add(this.place.forward(arange(length)));
    const tgtMask = Transformer.generateSquareSubsequentMask(length);
    return this.head.forward(this.body.forward(heard, said, { tgtMask }));
  }
}

const all = Array.from({ length: 1000 }, (_, n) => n);
const data = new TensorDataset(tensor(all.map(digits)).int(), tensor(all.map(words)).int());
const hundreds = all.map((n) => Math.floor(n / 100));
const [train, test] = stratifiedSplit(hundreds, [0.8, 0.2], 0);
const loader = new DataLoader(new Subset(data, train), { batchSize: 32, shuffle: true, seed: 0 });
const model = new Translator();
const optimizer = new AdamW(model.parameters(), { lr: 2e-3 });
for (let epoch = 0; epoch < epochs; epoch++) {
  for await (const [from, to] of loader) {
    optimizer.zeroGrad();
    const logits = model.forward(from, to.narrow(1, 0, LONGEST));
    crossEntropy(logits.flatten(0, 1), to.narrow(1, 1, LONGEST).flatten(), { ignoreIndex: 0 }).backward();
    clipGradNorm(model.parameters(), 1);
    optimizer.step();
  }
}
// Word by word, the likeliest.
model.eval();
const from = tensor([...test].map(digits)).int();
let told = [...test].map(() => [1]);
for (let i = 1; i < LONGEST; i++) {
  const next = scope(() => noGrad(() => model.forward(from, tensor(told).int()).select(1, -1).argmax(1).dataSync()));
  told = told.map((line, n) => [...line, Number(next[n])]);
}
/** @type {(line: number[]) => string} */
const text = (line) => Array.from(line.slice(1, line.indexOf(2, 1)), (word) => WORDS[word]).join(' ');
const accuracy = told.filter((line, i) => text(line) === say(Number(test[i]))).length / test.length;
const percent = (100 * accuracy).toFixed(1);
console.log(
  `translation: ${percent} % of ${test.length} unseen numbers, such as ${test[20]} → “${text(told[20] ?? [])}”`,
);

export { accuracy };
