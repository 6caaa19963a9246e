// Worker threads of a DataLoader in a program that has installed the package: the same batches, and an end by itself.
import assert from 'node:assert/strict';
import { DataLoader, Digits, fromModule, RandomAffine, Subset } from 'fettle/data';

const runtime = globalThis.Deno ? 'Deno' : globalThis.Bun ? 'Bun' : `Node ${process.versions.node}`;

/** Every number of one pass. */
async function read(dataset, numWorkers) {
  const loader = new DataLoader(dataset, { batchSize: 32, shuffle: true, seed: 1, numWorkers });
  const seen = [];
  for await (const [x, y] of loader) seen.push(...x.dataSync(), ...y.dataSync());
  return seen;
}

const images = new Digits({ transform: RandomAffine(20, { interpolation: 'bilinear' }) });
const part = new Subset(
  images,
  Int32Array.from({ length: 200 }, (_, i) => i),
);
const here = await read(part, 0);
for (const numWorkers of [1, 2]) assert.deepEqual(await read(part, numWorkers), here, `${numWorkers} threads`);

// A dataset of a module: a sample that throws is named, a thread that dies is replaced.
const odd = await fromModule(
  new URL('./loader-dataset.mjs', import.meta.url),
  20,
  new Int32Array(new SharedArrayBuffer(4)),
);
const loader = new DataLoader(odd, { batchSize: 2, numWorkers: 2, timeout: 20_000 });
const seen = [];
await assert.rejects(
  (async () => {
    for await (const [x] of loader) seen.push(...x.dataSync());
  })(),
  ({ message, cause }) =>
    message === 'DataLoader: sample 17 could not be read: torn' && cause.stack.includes('loader-dataset.mjs'),
);
assert.deepEqual(
  seen,
  Array.from({ length: 16 }, (_, i) => i),
);
// Nothing is disposed: threads do not keep the process.
console.log(`worker threads read the same batches on ${runtime}`);
