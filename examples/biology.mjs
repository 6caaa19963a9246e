/**
 * Biology: does a stretch of DNA carry a binding site? The sequences are simulated: random bases, half of them with a noisy copy of
 * the TATA box planted anywhere. A one-dimensional convolution finds the motif; pruning keeps the fifth of the weights that matters.
 */
import { crossEntropy, manualSeed, oneHot, rand, randint, scope, tensor } from 'fettle';
import { Pruner, pack, sparsity } from 'fettle/compress';
import { DataLoader, randomSplit, TensorDataset } from 'fettle/data';
import { AdaptiveMaxPool1d, Conv1d, Flatten, Linear, ReLU, Sequential } from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { evaluate, Trainer } from 'fettle/train';

const quick = Boolean(process.env.QUICK);
const BASES = 'ACGT';
const MOTIF = [...'TATAAAAGGC'].map((base) => BASES.indexOf(base));
const LENGTH = 100;
const COUNT = quick ? 1200 : 2800;
manualSeed(0);

const [x, y] = scope(() => {
  const sequences = randint(0, 4, [COUNT, LENGTH]).dataSync();
  const labels = randint(0, 2, [COUNT]);
  const [where, noise] = [rand([COUNT]).dataSync(), rand([COUNT, MOTIF.length]).dataSync()];
  for (const [n, label] of labels.dataSync().entries()) {
    const at = n * LENGTH + Math.floor(Number(where[n]) * (LENGTH - MOTIF.length));
    if (label !== 1) continue;
    // One base in ten of the motif stays whatever it was.
    for (const [k, base] of MOTIF.entries()) if (Number(noise[n * MOTIF.length + k]) > 0.1) sequences[at + k] = base;
  }
  return [
    oneHot(tensor(Int32Array.from(sequences), [COUNT, LENGTH]), 4)
      .permute(0, 2, 1)
      .float()
      .contiguous(),
    labels,
  ];
});

const [train, test] = randomSplit(new TensorDataset(x, y), [COUNT - 300, 300]);
const batches = new DataLoader(train, { batchSize: 32, shuffle: true, seed: 0 });
const unseen = new DataLoader(test, { batchSize: 300 });
const model = new Sequential(
  new Conv1d(4, 24, 12),
  new ReLU(),
  new AdaptiveMaxPool1d(1),
  new Flatten(),
  new Linear(24, 16),
  new ReLU(),
  new Linear(16, 2),
);
/** @param {number} epochs */
const fit = (epochs) =>
  new Trainer({
    model,
    optimizer: new Adam(model.parameters(), { lr: 5e-3 }),
    step: ([x, y]) => ({ loss: crossEntropy(model.forward(x), y) }),
  }).fit(batches, epochs);

await fit(quick ? 12 : 15);
const { accuracy } = await evaluate(model, unseen);
const bytes = pack(model).length;
for (const share of [0.5, 0.7, 0.8]) {
  new Pruner(model, { target: { sparsity: share } }).step();
  await fit(4);
}
const { accuracy: prunedAccuracy } = await evaluate(model, unseen);
const removed = sparsity(model).sparsity;

console.log(
  `biology: ${(100 * accuracy).toFixed(1)} % of 300 unseen simulated sequences in ${bytes} bytes; with ${(100 * removed).toFixed(0)} % ` +
    `of the weights removed ${(100 * prunedAccuracy).toFixed(1)} % in ${pack(model).length}`,
);

export { accuracy, prunedAccuracy, removed };
