// Batches on several threads in a program that has installed the package: the same gradients, and an end by itself.
import assert from 'node:assert/strict';
import { crossEntropy, manualSeed, randint, randn } from 'fettle';
import { fromModule } from 'fettle/data';
import { cloneModule } from 'fettle/nn';
import { DataParallel, parallelMap } from 'fettle/parallel';
import { loss as ownLoss } from './parallel-net.mjs';

const runtime = globalThis.Deno ? 'Deno' : globalThis.Bun ? 'Bun' : `Node ${process.versions.node}`;

manualSeed(1);
const module = new URL('./parallel-net.mjs', import.meta.url);
const deaths = new Int32Array(new SharedArrayBuffer(4));
const net = await fromModule(module, 16, deaths);
const alone = cloneModule(net);
const parallel = new DataParallel(net, { workers: 2, loss: ownLoss });
const [x, y] = [randn([10, 6]), randint(0, 4, [10])];
const { loss } = await parallel.backward([x, y]);
// A thread that dies is replaced, and its part done again.
assert.equal(parallel.lostWorkers, 1);
const expected = crossEntropy(alone.forward(x), y);
expected.backward();
assert.ok(Math.abs(loss - expected.item()) < 1e-5, `loss ${loss}, expected ${expected.item()}`);
alone.parameters().forEach((p, i) => {
  const got = net.parameters()[i].grad.dataSync();
  p.grad.dataSync().forEach((g, k) => assert.ok(Math.abs(g - got[k]) < 1e-5));
});

// What breaks in a thread is told with its stack.
const torn = new DataParallel(net, { workers: 1, loss: 'torn' });
await assert.rejects(torn.backward([x, y]), ({ message, cause }) => {
  return message === 'torn' && cause.name === 'RangeError' && cause.stack.includes('parallel-net.mjs');
});

const sizes = [];
for await (const out of parallelMap([randn([3, 6]), randn([1, 6]), randn([2, 6])], net.eval(), { workers: 2 })) {
  sizes.push(out.shape[0]);
}
assert.deepEqual(sizes, [3, 1, 2]);
// Nothing is closed: threads do not keep the process.
console.log(`worker threads gave the same gradients on ${runtime}`);
