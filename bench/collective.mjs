/**
 * What an exchange between ranks costs, what of it hides behind a backward pass, and what that means at 8, 64 and 512 ranks. Run by
 * mpirun, with one rank to a processor, and koffi installed beside (npm install --no-save koffi):
 *
 *   npm run build && mpirun --bind-to none -n 2 node bench/collective.mjs
 *   mpirun --bind-to none --mca btl tcp,self -n 2 node bench/collective.mjs     over TCP, as between machines
 *
 * The model is that of Thakur, Rabenseifner and Gropp, "Optimization of collective communication operations in MPICH" (2005), for
 * p ranks, n bytes, a latency of α a message and a bandwidth of β: recursive doubling, log2(p)·(α + n/β), and reducing in parts
 * with gathering them, 2·log2(p)·α + 2·(p−1)/p·n/β, whichever is less. α and β are measured with two ranks; those of networks that
 * are not here are what their makers and benchmarks say.
 */
import { randn, scope } from 'fettle';
import { initProcessGroup, isLaunched } from 'fettle/mpi';
import * as nn from 'fettle/nn';
import { DistributedDataParallel } from 'fettle/parallel';

if (!isLaunched()) {
  console.error('bench/collective.mjs: start it with mpirun --bind-to none -n 2 node bench/collective.mjs');
  process.exit(2);
}
const group = await initProcessGroup();
const { rank, size } = group;
/** @param {string} text */
const say = (text) => {
  if (rank === 0) console.log(text);
};
/**
 * The lower quartile: what else the machine does only ever adds to a time.
 *
 * @param {number[]} times
 */
const quartile = (times) => Number([...times].sort((a, b) => a - b)[times.length >> 2]);

/**
 * Lower quartile of the milliseconds of `body`, begun on all ranks at once.
 *
 * @param {number} repeats
 * @param {() => Promise<unknown>} body
 */
async function time(repeats, body) {
  const times = [];
  for (let i = -2; i < repeats; i++) {
    await group.barrier();
    const began = performance.now();
    await body();
    if (i >= 0) times.push(performance.now() - began);
  }
  return quartile(times);
}

say(`${size} ranks, ${group.library}`);
say('\n     bytes        ms      MB/s');
/** @type {Map<number, number>} */
const measured = new Map();
for (const bytes of [8, 1 << 10, 1 << 14, 1 << 18, 1 << 20, 1 << 22, 1 << 24]) {
  const data = randn([bytes / 4]).keep();
  const ms = await time(bytes > 1 << 20 ? 10 : 60, () => group.allReduce(data));
  measured.set(bytes, ms);
  say(`${String(bytes).padStart(10)}${ms.toFixed(3).padStart(10)}${(bytes / ms / 1e3).toFixed(0).padStart(10)}`);
  data.dispose();
}

// A network of four layers of 1024 × 1024 and a batch of 64 on each rank: 16.8 MB of gradients.
const model = new nn.Sequential(...Array.from({ length: 4 }, () => [new nn.Linear(1024, 1024), new nn.Tanh()]).flat());
const ranks = new DistributedDataParallel(model, { processGroup: group });
await ranks.synchronize();
const gradientBytes = model.parameters().reduce((n, p) => n + p.numel() * 4, 0);
const pass = () =>
  scope(() =>
    ranks
      .forward(randn([64, 1024]))
      .square()
      .mean()
      .backward(),
  );
/** @type {Record<'alone' | 'after' | 'overlapped', () => Promise<unknown>>} */
const ways = {
  alone: async () => ranks.noSync(pass),
  after: async () => {
    ranks.noSync(pass);
    await Promise.all(model.parameters().map((p) => group.allReduce(/** @type {import('fettle').Tensor} */ (p.grad))));
  },
  overlapped: async () => {
    pass();
    await ranks.synchronize();
  },
};
/** @type {Record<keyof typeof ways, number[]>} */
const times = { alone: [], after: [], overlapped: [] };
for (let round = 0; round < 10; round++) {
  for (const [name, step] of /** @type {[keyof typeof ways, () => Promise<unknown>][]} */ (Object.entries(ways))) {
    model.zeroGrad();
    await group.barrier();
    const began = performance.now();
    await step();
    if (round > 1) times[name].push(performance.now() - began);
  }
}
const [alone, after, overlapped] = [times.alone, times.after, times.overlapped].map(quartile);
const hidden = Math.max(0, (Number(after) - Number(overlapped)) / Math.max(1e-9, Number(after) - Number(alone)));
say(
  `\nforward and backward ${alone?.toFixed(1)} ms; with ${(gradientBytes / 1e6).toFixed(1)} MB exchanged after it ${after?.toFixed(1)} ms, during it`,
);
say(`${overlapped?.toFixed(1)} ms: ${(100 * Math.min(1, hidden)).toFixed(0)} % of the exchange is hidden`);

/** @type {(alpha: number, beta: number, p: number, n: number) => number} milliseconds, bytes a millisecond */
const allReduceTime = (alpha, beta, p, n) => {
  const steps = Math.ceil(Math.log2(p));
  return Math.min(steps * (alpha + n / beta), 2 * steps * alpha + (2 * (p - 1) * n) / p / beta);
};
const alpha = Number(measured.get(8));
const beta = 2 ** 24 / Math.max(1e-6, Number(measured.get(1 << 24)) - 2 * alpha);
const networks = [
  { name: 'as measured here', alpha, beta },
  { name: '1 Gb Ethernet', alpha: 0.06, beta: 1.17e5 },
  { name: '10 Gb Ethernet', alpha: 0.04, beta: 1.15e6 },
  { name: '100 Gb InfiniBand', alpha: 0.012, beta: 1.15e7 },
];
say(`\nα ${(alpha * 1e3).toFixed(0)} µs, β ${(beta / 1e6).toFixed(2)} GB/s`);
// Of a step's work, two thirds are the backward pass, behind which an exchange can hide.
say(
  '\nShare of the time that ranks compute, of a step of 1 s, 100 ms and 10 ms a rank, if two thirds can hide an exchange:\n',
);
say('network              gradients    ranks   exchange      1 s   100 ms    10 ms');
for (const { name, alpha: a, beta: b } of networks) {
  for (const bytes of [1e6, 1e8]) {
    for (const p of [2, 8, 64, 512]) {
      const ms = allReduceTime(a, b, p, bytes);
      const shares = [1000, 100, 10].map((step) => step / (step + Math.max(0, ms - (2 / 3) * step)));
      const cells = shares.map((share) => `${(share * 100).toFixed(0)} %`.padStart(9)).join('');
      say(
        `${name.padEnd(20)}${`${bytes / 1e6} MB`.padStart(10)}${String(p).padStart(9)}${`${ms.toFixed(2)} ms`.padStart(11)}${cells}`,
      );
    }
  }
}
ranks.dispose();
await group.close();
