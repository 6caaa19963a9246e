/**
 * Threads over and over: `node .ci/stress.mjs [CYCLES]` starts a pool and ends it, 200 times unless said otherwise, with ops in
 * between, and looks for what is left behind: tensors, heap, threads, and memory of the process. Then several programs at once
 * use ops, captured steps and loaders with worker threads of their own, while the number of threads changes.
 */
import assert from 'node:assert/strict';
import {
  capture,
  crossEntropy,
  deterministic,
  Generator,
  getThreads,
  manualSeed,
  memory,
  noGrad,
  rand,
  randn,
  scope,
  setThreads,
} from 'fettle';
import { DataLoader, Digits, RandomAffine } from 'fettle/data';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';

const cycles = Number(process.argv[2] ?? 200);
const megabytes = () => process.memoryUsage().rss / 2 ** 20;
const threadsOfProcess = () =>
  process.getActiveResourcesInfo().filter((what) => /Worker|MessagePort/.test(what)).length;

await deterministic(true);
manualSeed(0);
const [a, b] = [rand([160, 160]).keep(), rand([160, 160]).keep()];
const product = () => noGrad(() => scope(() => a.matmul(b).sum().item()));
const expected = product();

async function cycle(i) {
  const wanted = 2 + (i % 3);
  assert.equal(await setThreads(wanted), wanted);
  assert.equal(product(), expected, `cycle ${i}: the same bits`);
  assert.equal(await setThreads(1), 1);
}

const warm = Math.min(50, cycles);
for (let i = 0; i < warm; i++) await cycle(i);
const before = { ...memory(), rss: megabytes() };
const began = performance.now();
for (let i = warm; i < cycles; i++) {
  await cycle(i);
  if (i % 1000 === 999) console.log(`${i + 1} cycles, ${megabytes().toFixed(0)} MB resident`);
}
const each = (performance.now() - began) / Math.max(1, cycles - warm);
globalThis.gc?.();
const after = { ...memory(), rss: megabytes() };
assert.equal(after.tensors, before.tensors, 'no tensor is left');
assert.equal(after.bytes, before.bytes, 'no byte is left');
assert.equal(after.heapBytes, before.heapBytes, 'the heap has not grown');
assert.equal(threadsOfProcess(), 0, 'no thread is left');
// What V8 keeps for threads to come does not grow with their number.
assert.ok(after.rss - before.rss < 150, `${before.rss} MB resident at first, ${after.rss} MB at last`);
console.log(
  `${cycles} cycles of a pool, ${each.toFixed(1)} ms each: ${before.rss.toFixed(0)} MB resident after ${warm}, ` +
    `${after.rss.toFixed(0)} MB at the end; nothing is left behind`,
);

/** Trains a captured step on a loader with threads of its own, and gives the sum of its weights. */
async function training(seed) {
  const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(64, 300), new nn.ReLU(), new nn.Linear(300, 10));
  const generator = new Generator(seed);
  noGrad(() =>
    scope(() => {
      for (const p of model.parameters()) p.copy_(rand(p.shape, { generator }).sub(0.5).mul(0.2));
    }),
  );
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
  const step = capture((x, y) => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
  const digits = new Digits({ transform: RandomAffine(15) });
  const loader = new DataLoader(digits, { batchSize: 128, shuffle: true, dropLast: true, seed, numWorkers: 1 });
  let steps = 0;
  for await (const [x, y] of loader) {
    step(x, y);
    // Others go on here.
    await new Promise((resolve) => setTimeout(resolve, steps % 2));
    if (++steps === 10) break;
  }
  const sum = noGrad(() => scope(() => model.parameters().reduce((total, p) => total + p.sum().item(), 0)));
  loader.dispose();
  step.dispose();
  model.zeroGrad();
  optimizer.dispose();
  for (const p of model.parameters()) p.dispose();
  return sum;
}

/** Ops of one task, with pauses in which others come between. */
async function task(seed) {
  const x = randn([40 + seed, 90]).keep();
  const own = () => noGrad(() => scope(() => x.matmul(x.T).softmax(1).sum(0).dataSync().join()));
  const first = own();
  for (let i = 0; i < 60; i++) {
    await new Promise((resolve) => setTimeout(resolve, (i * 7 + seed) % 3));
    assert.equal(own(), first, `task ${seed}`);
  }
  x.dispose();
}

/** Changes the number of threads under them. */
async function changes(done) {
  for (let i = 0; !done.now; i++) {
    await setThreads(1 + (i % 4));
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  await setThreads(1);
}

const quiet = [await training(1), await training(2)];
const done = { now: false };
const changing = changes(done);
const [busy] = await Promise.all([Promise.all([1, 2].map(training)), ...[0, 1, 2, 3].map(task)]);
done.now = true;
await changing;
assert.equal(getThreads(), 1);
assert.deepEqual(busy, quiet, 'the same bits, whatever goes on beside');
assert.equal(memory().tensors, after.tensors, 'no tensor is left');
console.log(
  'ops of four tasks, captured steps and loaders with threads of their own, while the number of threads changed',
);
