/**
 * What stands around the kernels: an op on one element, an op of a replay, what a replay leaves behind, what its plan saves.
 * Each in a process of its own, since the peak of memory and the shape of the heap are those of a whole process:
 * `node bench/overhead.mjs calls`, `node bench/overhead.mjs mlp`.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { add, capture, memory, noGrad, ones, scope } from 'fettle';
import { trainingOf } from './engines/fettle.mjs';
import { netOf } from './nets.mjs';

setFlagsFromString('--expose-gc');
/** @type {() => void} */
const collect = runInNewContext('gc');

/** @typedef {{ name: string, value: number, unit: string, target?: number }} Overhead */

/** @type {(values: number[]) => number} */
const median = (values) => Number([...values].sort((a, b) => a - b)[values.length >> 1]);

/** Nanoseconds of one call, the median of many short runs.
 *
 * @param {() => unknown} run
 * @param {number} calls
 */
function nanoseconds(run, calls) {
  for (let i = 0; i < 3 * calls; i++) run();
  const times = Array.from({ length: 31 }, () => {
    const from = performance.now();
    for (let i = 0; i < calls; i++) run();
    return ((performance.now() - from) / calls) * 1e6;
  });
  return median(times);
}

/** @param {number} ops */
function chain(ops) {
  return capture((/** @type {import('fettle').Tensor} */ x) => {
    let y = x;
    for (let i = 0; i < ops; i++) y = add(y, x);
    return y;
  });
}

/** @returns {Overhead[]} */
function calls() {
  const x = ones([1]).keep();
  const wide = ones([16, 16]).keep();
  const grad = ones([1]).keep();
  grad.requiresGrad = true;
  const [few, many] = [chain(1), chain(1001)];
  const replay = (/** @type {ReturnType<typeof chain>} */ step) => {
    noGrad(() => {
      for (let i = 0; i < 3; i++) step(x);
    });
    if (step(x).item() < 2) throw new Error('a chain of sums is wrong');
    return nanoseconds(() => step(x), 200);
  };
  const [one, thousand] = [replay(few), replay(many)];
  return [
    {
      name: 'eager add of 1 element',
      value: nanoseconds(() => scope(() => noGrad(() => add(x, x))), 2000),
      unit: 'ns',
    },
    {
      name: 'the same with its graph and backward',
      value: nanoseconds(() => scope(() => add(grad, grad).backward()), 500),
      unit: 'ns',
    },
    {
      name: 'eager add of 16 × 16',
      value: nanoseconds(() => scope(() => noGrad(() => add(wide, wide))), 2000),
      unit: 'ns',
    },
    { name: 'replay of one op', value: one, unit: 'ns' },
    { name: 'each further op of a replay, kernel included', value: (thousand - one) / 1000, unit: 'ns', target: 300 },
  ];
}

/** @param {string} name @returns {Overhead[]} */
function replayed(name) {
  const { step, x, y } = trainingOf(netOf(name));
  for (let i = 0; i < 2; i++) scope(() => void step(x, y));
  const { bytes, peakBytes } = memory();
  // What an eager step adds to what lives between steps, at its highest.
  const peak = peakBytes - bytes;
  const program = capture(step);
  const rounds = name === 'mlp' ? 200 : 8;
  /** Bytes of the JavaScript heap that some replays leave behind. @type {(replays: number) => number} */
  const left = (replays) => {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < replays; i++) program(x, y);
    return process.memoryUsage().heapUsed - before;
  };
  for (let i = 0; i < 3; i++) left(rounds);
  const wasm = memory();
  // Asking for the use of memory takes some itself.
  const heap = median([0, 1, 2, 3, 4].map(() => left(rounds) - left(0))) / rounds;
  const now = memory();
  const grown = (now.heapBytes - wasm.heapBytes + now.bytes - wasm.bytes) / rounds;
  return [
    {
      name: `${name}: JavaScript heap a replay adds before collection`,
      value: heap,
      unit: 'bytes',
      target: 0,
    },
    {
      name: `${name}: wasm memory a replay adds`,
      value: grown,
      unit: 'bytes',
      target: 0,
    },
    {
      name: `${name}: memory plan, of the peak of an eager step`,
      value: (100 * program.arenaBytes) / peak,
      unit: '%',
      target: 60,
    },
  ];
}

const PARTS = ['calls', 'mlp', 'lenet', 'transformer', 'resnet20'];

/** @returns {Overhead[]} */
export const overheads = () =>
  PARTS.flatMap((part) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), part], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`overheads of ${part}: ${stderr}`);
    return JSON.parse(stdout);
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const part = process.argv[2] ?? 'calls';
  console.log(JSON.stringify(part === 'calls' ? calls() : replayed(part), null, 1));
}
