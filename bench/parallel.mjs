/**
 * `node bench/parallel.mjs`: training steps of whole batches on one thread and on worker threads with a part each, in turn within
 * one process, so that all meet the same machine. They train the same net on the same batch, and are checked to have come to the
 * same losses before they are timed. The lower quartile of each, and ratios: to an eager step on one thread, to a captured one, and
 * to a DataParallel with one worker.
 *
 * The ceiling is what the machine has to give: as many threads, each with a captured step on its part of the batch, that know
 * nothing of each other. What a ratio lacks of it, exchanging values and gradients has cost.
 *
 *   --workers N       2 unless it is given            --filter TEXT     nets whose name has it (several: a,b)
 *   --rounds N        turns, 7 unless given           --time MS         of each in each turn, 300 unless given
 *   --batch N         samples, in place of the net's  --json            JSON alone, on standard output
 */
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { capture, memory, scope, tensor } from 'fettle';
import { Adam } from 'fettle/optim';
import { DataParallel } from 'fettle/parallel';
import { modelOf, trainingOf } from './engines/fettle.mjs';
import { ADAM, inputsOf, netOf } from './nets.mjs';

const { values: options } = parseArgs({
  options: {
    workers: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '7' },
    time: { type: 'string', default: '300' },
    filter: { type: 'string', default: 'lenet,transformer' },
    batch: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const workers = Number(options.workers);

/** @type {(times: number[]) => number} */
const lowerQuartile = (times) => /** @type {number} */ (times.sort((a, b) => a - b)[Math.floor(times.length / 4)]);

/**
 * Times each of `tasks` in turn, for `rounds` rounds, and lets each of `others` tell times of its own.
 *
 * @param {Record<string, () => unknown>} tasks
 * @param {Record<string, (milliseconds: number) => Promise<number[]>>} others
 * @returns {Promise<Record<string, number>>}  milliseconds of a call
 */
async function timeInTurn(tasks, others) {
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries([...Object.keys(tasks), ...Object.keys(others)].map((name) => [name, []]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const end = performance.now() + Number(options.time);
      while (performance.now() < end) {
        const began = performance.now();
        await task();
        times[name]?.push(performance.now() - began);
      }
    }
    for (const [name, tell] of Object.entries(others)) times[name]?.push(...(await tell(Number(options.time))));
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, lowerQuartile(all)]));
}

/**
 * Steps of the net on `batch` samples, captured, on this thread.
 *
 * @param {import('./nets.mjs').Net} net
 * @param {number} batch
 */
function captured(net, batch) {
  const { x, y, step } = trainingOf({ ...net, trainBatch: batch });
  const replayed = capture(step);
  return () => replayed(x, y).item();
}

/** In a thread that knows nothing of the others: steps of its own for as long as it is told. */
function serve() {
  const { name, batch } = workerData;
  const step = captured(netOf(name), batch);
  for (let i = 0; i < 10; i++) step();
  parentPort?.on('message', (milliseconds) => {
    const times = [];
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      const began = performance.now();
      step();
      times.push(performance.now() - began);
    }
    parentPort?.postMessage(times);
  });
  parentPort?.postMessage('ready');
}

/**
 * Threads that know nothing of each other.
 *
 * @param {string} name
 * @param {number} batch  of each
 */
async function independent(name, batch) {
  const threads = Array.from(
    { length: workers },
    () => new Worker(new URL(import.meta.url), { workerData: { name, batch }, argv: process.argv.slice(2) }),
  );
  /** @type {(thread: Worker) => Promise<unknown>} */
  const word = (thread) => new Promise((resolve) => thread.once('message', resolve));
  await Promise.all(threads.map(word));
  return {
    /** Milliseconds of their steps, when all of them work. @param {number} milliseconds @returns {Promise<number[]>} */
    async times(milliseconds) {
      const all = threads.map(word);
      for (const thread of threads) thread.postMessage(milliseconds);
      return /** @type {number[][]} */ (await Promise.all(all)).flat();
    },
    end: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

/**
 * A DataParallel of the net, and a step of it.
 *
 * @param {import('./nets.mjs').Net} net
 * @param {number} workers
 */
function parallelOf(net, workers) {
  const model = modelOf(net).train();
  const parallel = new DataParallel(model, { workers, loss: net.loss === 'crossEntropy' ? 'crossEntropy' : 'mseLoss' });
  const optimizer = new Adam(parallel.parameters(), { lr: ADAM.lr, betas: [ADAM.beta1, ADAM.beta2], eps: ADAM.eps });
  const inputs = inputsOf(net, net.trainBatch);
  const shape = [net.trainBatch, ...net.input];
  const x = tensor(inputs.x).reshape(shape).keep();
  const y = net.loss === 'crossEntropy' ? tensor(inputs.labels).keep() : tensor(inputs.target).reshape(shape).keep();
  return { parallel, step: async () => (await parallel.step([x, y], optimizer)).loss };
}

if (!isMainThread) serve();
const results = [];
for (const name of isMainThread ? String(options.filter).split(',') : []) {
  const given = netOf(name);
  const net = { ...given, trainBatch: options.batch === undefined ? given.trainBatch : Number(options.batch) };
  const alone = trainingOf(net);
  const eager = () => scope(() => alone.step(alone.x, alone.y).item());
  const [single, several] = [parallelOf(net, 1), parallelOf(net, workers)];
  for (let step = 0; step < 10; step++) {
    const [a, b, c] = [eager(), await single.step(), await several.step()];
    if (Math.max(Math.abs(a - b), Math.abs(a - c)) > 1e-4 * Math.abs(a))
      throw new Error(`${name}, step ${step}: loss ${b} on one worker, ${c} on ${workers}, ${a} on one thread`);
  }
  const threads = await independent(name, Math.ceil(net.trainBatch / workers));
  const times = await timeInTurn(
    { eager, captured: captured(net, net.trainBatch), single: single.step, several: several.step },
    { ceiling: (milliseconds) => threads.times(milliseconds) },
  );
  const { several: time = NaN } = times;
  const ratios = Object.fromEntries(Object.entries(times).map(([task, other]) => [task, other / time]));
  results.push({ net: net.title, batch: net.trainBatch, workers, times, ratios });
  await Promise.all([single.parallel.close(), several.parallel.close(), threads.end()]);
}
if (isMainThread && options.json) console.log(JSON.stringify({ results, memory: memory() }));
else {
  for (const { net, batch, times, ratios } of results) {
    /** @type {(task: string) => string} */
    const row = (task) => `${times[task]?.toFixed(2)} ms (${ratios[task]?.toFixed(2)} ×)`;
    console.log(
      `${net}, batch ${batch}: ${workers} workers ${times.several?.toFixed(2)} ms; one thread ${row('eager')}, captured ` +
        `${row('captured')}, one worker ${row('single')}; independent threads with a part each ${row('ceiling')}`,
    );
  }
}
