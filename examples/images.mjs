/**
 * Images: a small convolutional network reads handwritten digits, trained on slightly turned and shifted copies, then runs in int8.
 * The data is real: 1,797 digits of 43 people, which fettle carries.
 */
import { crossEntropy, manualSeed } from 'fettle';
import { pack, quantize } from 'fettle/compress';
import { DataLoader, Digits, digits, Subset, stratifiedSplit, transforms } from 'fettle/data';
import { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { evaluate, Trainer } from 'fettle/train';

const epochs = process.env.QUICK ? 5 : 15;
manualSeed(0);

const [train, test] = stratifiedSplit(digits().labels, [0.8, 0.2], 0);
const transform = transforms.RandomAffine(10, { translate: [0.08, 0.08], interpolation: 'bilinear' });
const batches = new DataLoader(new Subset(new Digits({ transform }), train), { batchSize: 32, shuffle: true, seed: 0 });
const unseen = new DataLoader(new Subset(new Digits(), test), { batchSize: 360 });

const model = new Sequential(
  new Conv2d(1, 16, 3, { padding: 1 }),
  new ReLU(),
  new Conv2d(16, 32, 3, { padding: 1 }),
  new ReLU(),
  new MaxPool2d(2),
  new Flatten(),
  new Linear(32 * 4 * 4, 64),
  new ReLU(),
  new Linear(64, 10),
);
const trainer = new Trainer({
  model,
  optimizer: new Adam(model.parameters(), { lr: 2e-3 }),
  step: ([x, y]) => ({ loss: crossEntropy(model.forward(x), y) }),
});
await trainer.fit(batches, epochs);

const { accuracy } = await evaluate(model, unseen);
const int8 = await quantize.static(model, new DataLoader(new Subset(new Digits(), train), { batchSize: 256 }));
const { accuracy: int8Accuracy } = await evaluate(int8, unseen);

/** @type {(share: number) => string} */
const percent = (share) => `${(100 * share).toFixed(1)} %`;
console.log(
  `images: ${percent(accuracy)} of ${test.length} unseen digits in ${pack(model).length} bytes, ` +
    `${percent(int8Accuracy)} in int8 and ${pack(int8).length} bytes`,
);

export { accuracy, int8Accuracy };
