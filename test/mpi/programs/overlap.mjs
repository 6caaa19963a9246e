// Trains on every rank's own part of each batch, and prints a hash of the weights: with DistributedDataParallel under mpirun, and
// on whole batches in a process alone. Large layers, so that gradients are on their way while others are computed.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { manualSeed, randn, scope, tensor } from 'fettle';
import { initProcessGroup } from 'fettle/mpi';
import * as nn from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { DistributedDataParallel } from 'fettle/parallel';

const group = await initProcessGroup({ timeout: Number(process.env.FETTLE_TEST_TIMEOUT ?? 30_000) });
const { rank, size } = group;
manualSeed(rank);
const module = new nn.Sequential(
  new nn.Linear(256, 512),
  new nn.BatchNorm1d(512),
  new nn.Tanh(),
  new nn.Linear(512, 512),
  new nn.Tanh(),
  new nn.Linear(512, 4),
);
// Each rank has other values, until those of rank 0 arrive. Statistics of parts of a batch are not those of the whole.
module.apply((m) => m instanceof nn.BatchNorm1d && m.eval());
const model = new DistributedDataParallel(module, { processGroup: group });
await model.synchronize();
const optimizer = new SGD(module.parameters(), { lr: 0.05, momentum: 0.9 });
const rows = tensor(Int32Array.from({ length: 24 / size }, (_, i) => rank + i * size));
for (let step = 0; step < 8; step++) {
  manualSeed(step);
  const x = randn([24, 256]);
  const wanted = randn([24, 4]);
  scope(() => {
    const loss = model.forward(x.indexSelect(0, rows)).sub(wanted.indexSelect(0, rows)).square().mean();
    loss.backward();
  });
  await model.synchronize();
  scope(() => optimizer.step());
  optimizer.zeroGrad();
  x.dispose();
  wanted.dispose();
}
const weights = Buffer.concat(module.parameters().map((p) => Buffer.from(p.dataSync().buffer)));
const hash = createHash('sha256').update(weights).digest();
const hashes = await group.allGather(new Uint8Array(hash));
if (hashes.some((other) => Buffer.compare(other, hash) !== 0)) throw new Error(`rank ${rank} has other weights`);
const file = process.argv[2];
if (rank === 0 && file !== undefined) writeFileSync(file, weights);
if (rank === 0) console.log(`${size} ranks have the same weights`);
await group.close();
