// Every operation of a Collective over MPI, on tensors and arrays, checked on every rank; prints one line for each rank.
import { ok } from 'node:assert';
import { equal } from 'node:assert/strict';
import { setThreads, tensor, zeros } from 'fettle';
import { initProcessGroup } from 'fettle/mpi';

const group = await initProcessGroup({ timeout: 30_000 });
const { rank, size } = group;
equal(await initProcessGroup(), group);
const all = Array.from({ length: size }, (_, i) => i);
const sum = all.reduce((a, b) => a + b, 0);
/** @type {(actual: unknown, expected: unknown) => void} */
const same = (actual, expected) => equal(JSON.stringify(actual), JSON.stringify(expected));

const x = tensor([rank, 1]);
equal(await group.allReduce(x), x);
same(x.toArray(), [sum, size]);
for (const kind of [Float64Array, Int8Array, Int16Array, Int32Array, Uint8Array, Uint16Array, Uint32Array]) {
  same([...(await group.allReduce(new kind([rank + 1, 2]), 'max'))], [size, 2]);
}
same(
  [...(await group.allReduce(new Float64Array([rank + 1]), { op: 'product' }))],
  [all.reduce((p, i) => p * (i + 1), 1)],
);
same([...(await group.allReduce(new Float32Array([rank]), 'avg'))], [Math.fround(sum / size)]);
const half = tensor([rank + 0.5], { dtype: 'float16' });
await group.allReduce(half);
same(half.toArray(), [sum + size / 2]);
const truth = tensor([rank === 0, true], { dtype: 'bool' });
await group.allReduce(truth, 'min');
same(truth.toArray(), [size === 1, true]);

const last = size - 1;
const from = tensor([[rank, 7]], { dtype: 'int32' });
await group.broadcast(from, last);
same(from.toArray(), [[last, 7]]);
same(
  (await group.allGather(tensor([[rank], [-rank]]))).map((t) => t.toArray()),
  all.map((i) => [[i], [-i]]),
);
same(
  (await group.allGather(new Int16Array([rank]))).map((a) => [...a]),
  all.map((i) => [i]),
);
await group.allReduce(new Float32Array(0));

// Several at a time, while the heap grows, and while it becomes one that threads share.
const many = all.map((i) => tensor(new Float32Array(300_000).fill(rank * 10 + i)));
const under = many.map((t) => group.allReduce(t));
const grown = zeros([64, 1024, 1024]);
await setThreads(2);
await Promise.all(under);
many.forEach((t, i) => {
  const values = t.dataSync();
  ok(values.every((value) => value === sum * 10 + i * size));
});
grown.dispose();
const shared = tensor([rank]);
await group.allReduce(shared);
equal(shared.item(), sum);
await setThreads(1);

await group.barrier();
await group.close();
console.log(`rank ${rank} of ${size} is right`);
