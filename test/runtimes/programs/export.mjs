// Makes a program of a network, in this folder, for every runtime to run: an int8 LeNet-5, and what it says of an image.
import { writeFileSync } from 'node:fs';
import { deterministic, manualSeed, noGrad, randn } from 'fettle';
import { quantize } from 'fettle/compress';
import { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } from 'fettle/nn';
import { standalone } from 'fettle/standalone';

await deterministic(true);
manualSeed(5);
const lenet = new Sequential(
  ...[new Conv2d(1, 20, 5), new MaxPool2d(2), new Conv2d(20, 50, 5), new MaxPool2d(2), new Flatten()],
  ...[new Linear(800, 500), new ReLU(), new Linear(500, 10)],
);
const model = await quantize.static(lenet, [randn([64, 1, 28, 28])]);
const image = randn([1, 1, 28, 28]);
const classes = [...'0123456789'];
for (const options of [
  { name: 'lenet5', handler: true },
  { name: 'lenet5-inline', inline: true },
]) {
  const { files } = standalone(model, image, { classes, ...options });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(name, bytes);
}
const scores = noGrad(() => /** @type {Sequential} */ (model).forward(image).dataSync());
const numbers = (/** @type {ArrayLike<number>} */ values) => JSON.stringify(Array.from(values));
writeFileSync(
  'expected.mjs',
  `export const image = ${numbers(image.dataSync())};\nexport const scores = ${numbers(scores)};\n`,
);
