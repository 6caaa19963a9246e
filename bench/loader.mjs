/**
 * What a DataLoader costs and what its threads bring: `node bench/loader.mjs [images] [mnist] [FOLDER]`
 *
 * - images: RandomRotation(15) → RandomResizedCrop(224) → RandomHorizontalFlip() on RGB images of 256 × 256 held in memory,
 *   images a second with 0, 1 and 2 worker threads, and resident memory from epoch to epoch.
 * - mnist: steps of an MLP 784-256-128-10 of batches of 64, from the loader and from tensors that were made before. MNIST is
 *   looked for in FOLDER, which defaults to ../shared/data/mnist.
 *
 * The batches are compared first; sides take turns, and medians are given.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crossEntropy, keep, scope } from 'fettle';
import { DataLoader, ImageDataset, MNIST, transforms } from 'fettle/data';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';

/** @type {(values: number[]) => number} */
const median = (values) => Number([...values].sort((a, b) => a - b)[values.length >> 1]);

// An epoch of 48 batches: in a short one its ends count, where a thread waits for the other.
const COUNT = 384;
const BATCH = 8;

function pictures() {
  const images = new Uint8Array(COUNT * 3 * 256 * 256);
  for (let i = 0, noise = 1; i < images.length; i++) {
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
    images[i] = 128 + 90 * Math.sin((i % 256) / 17) * Math.cos((i >> 8) / 23) + (noise >>> 28);
  }
  const transform = transforms.Compose([
    transforms.RandomRotation(15),
    transforms.RandomResizedCrop(224),
    transforms.RandomHorizontalFlip(),
  ]);
  const labels = Uint8Array.from({ length: COUNT }, (_, i) => i % 10);
  const classes = Array.from({ length: 10 }, (_, i) => `${i}`);
  return new ImageDataset({ images, labels, classes, shape: [3, 256, 256], white: 255 }, { transform });
}

async function images() {
  const dataset = pictures();
  const loaders = [0, 1, 2].map(
    (numWorkers) => new DataLoader(dataset, { batchSize: BATCH, shuffle: true, seed: 1, numWorkers }),
  );
  /** @type {(loader: typeof loaders[number]) => Promise<{ rate: number, sums: number[] }>} */
  const epoch = async (loader) => {
    /** @type {number[]} */
    const sums = [];
    const began = performance.now();
    for await (const [x] of loader) sums.push(Number(x.select(0, 0).sum().item()));
    return { rate: (COUNT / (performance.now() - began)) * 1000, sums };
  };
  const first = [];
  for (const loader of loaders) first.push((await epoch(loader)).sums.join());
  if (new Set(first).size !== 1) throw new Error('the batches differ from one number of threads to the next');
  /** @type {number[][]} */
  const rates = loaders.map(() => []);
  /** @type {number[]} */
  const resident = [];
  for (let round = 0; round < 7; round++) {
    for (const [i, loader] of loaders.entries()) rates[i]?.push((await epoch(loader)).rate);
    resident.push(process.memoryUsage.rss() / 1e6);
  }
  const [none, one, two] = rates.map(median);
  console.log(
    `224² chain, images/s: ${none?.toFixed(0)} here, ${one?.toFixed(0)} with 1 worker, ${two?.toFixed(0)} with 2; ` +
      `2 : 1 = ${(Number(two) / Number(one)).toFixed(2)}`,
  );
  console.log(`resident, MB, by round: ${resident.map((mb) => mb.toFixed(0)).join(' ')}`);
  for (const loader of loaders) loader.dispose();
}

/** @param {string} folder */
async function mnist(folder) {
  const dataset = await MNIST.load(folder);
  const model = new nn.Sequential(
    new nn.Flatten(),
    new nn.Linear(784, 256),
    new nn.ReLU(),
    new nn.Linear(256, 128),
    new nn.ReLU(),
    new nn.Linear(128, 10),
  );
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
  /** @typedef {import('fettle').Tensor} Tensor */
  /** @type {(x: Tensor, y: Tensor) => number} */
  const step = (x, y) =>
    scope(() => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(x), y);
      loss.backward();
      optimizer.step();
      return Number(loss.item());
    });
  const STEPS = 200;
  /** @type {[Tensor, Tensor][]} */
  const held = [];
  const options = { batchSize: 64, shuffle: true, seed: 1 };
  for await (const [x, y] of new DataLoader(dataset, options)) {
    held.push([keep(x), keep(y)]);
    if (held.length === STEPS) break;
  }
  const loaders = [0, 1, 2].map((numWorkers) => new DataLoader(dataset, { ...options, numWorkers }));
  /** @type {(() => AsyncIterable<[Tensor, Tensor]> | Iterable<[Tensor, Tensor]>)[]} */
  const sides = [() => held, ...loaders.map((loader) => () => loader)];
  /** @type {number[][]} */
  const times = sides.map(() => []);
  for (let round = 0; round < 8; round++) {
    // The order changes, so that nobody always follows the same one.
    for (let k = 0; k < sides.length; k++) {
      const i = (k + round) % sides.length;
      let steps = 0;
      let began = performance.now();
      for await (const [x, y] of /** @type {() => AsyncIterable<[Tensor, Tensor]>} */ (sides[i])()) {
        // Threads are to be at work when the clock starts.
        if (steps === 20) began = performance.now();
        step(x, y);
        if (++steps === STEPS) break;
      }
      if (round > 0) times[i]?.push((performance.now() - began) / (STEPS - 20));
    }
  }
  const [memory, ...others] = times.map(median);
  const shown = others.map(
    (ms, i) => `${i} workers ${ms.toFixed(3)} (${((ms / Number(memory)) * 100 - 100).toFixed(1)} %)`,
  );
  console.log(`MNIST MLP step, ms: ${memory?.toFixed(3)} from memory; from the loader: ${shown.join(', ')}`);
  for (const loader of loaders) loader.dispose();
}

const asked = process.argv.slice(2);
const only = ['images', 'mnist'].filter((name) => asked.includes(name));
const folder =
  asked.find((name) => !only.includes(name)) ?? fileURLToPath(new URL('../../shared/data/mnist', import.meta.url));
if (only.length === 0 || only.includes('images')) await images();
if (only.length === 0 || only.includes('mnist')) {
  if (existsSync(folder)) await mnist(folder);
  else console.log(`MNIST is not in ${folder}: its steps were not timed`);
}
