/**
 * One engine in a process of its own: `node child.mjs ENGINE NET`. Reads commands as lines of JSON, answers in lines that
 * begin with '@', since some engines print what they like.
 *
 * {"prepare":"train"} → {"version", "answer", "seconds"} or {"absent"} or {"failed"}; {"run":200} → {"ms", "cores"}
 */
import { createInterface } from 'node:readline';
import { netOf } from '../nets.mjs';

const [engineName = '', netName = ''] = process.argv.slice(2);

/** Which file an engine's name leads to. */
const FILES = { fettle: 'fettle', tfjs: 'tfjs', jax: 'jax-js', onnxruntime: 'onnxruntime', numpy: 'numpy-ts' };

/** @type {(answer: unknown) => void} */
const say = (answer) => void process.stdout.write(`@${JSON.stringify(answer)}\n`);

/** A sample of a long output, and its mean size; losses as they are.
 *
 * @param {Float32Array} output
 */
function digest(output) {
  const step = Math.max(1, Math.floor(output.length / 61));
  const sample = Array.from({ length: Math.min(61, output.length) }, (_, i) => Number(output[i * step]));
  return [...sample, output.reduce((sum, value) => sum + Math.abs(value), 0) / output.length, output.length];
}

/** @type {any} */
let engine;
/** @type {() => unknown} */
let work = () => undefined;

/** @param {string} task */
async function prepare(task) {
  if (engine === undefined) {
    const file = Object.entries(FILES).find(([name]) => engineName.startsWith(name))?.[1];
    const { default: start } = await import(`./${file}.mjs`);
    engine = await start(engineName);
  }
  work = await engine.prepare(netOf(netName), task);
  const began = performance.now();
  /** @type {number[]} */
  let answer = [];
  // Three steps where they are quick; two already show a gradient.
  if (task === 'train') {
    while (answer.length < 2 || (answer.length < 3 && performance.now() - began < 5000))
      answer.push(Number(await work()));
  } else {
    const output = /** @type {Float32Array} */ (await work());
    answer = digest(engine.reorder?.(netOf(netName), output) ?? output);
  }
  // Warms up for as long as it takes compilers to finish.
  const warm = performance.now();
  while (performance.now() - warm < 400 && performance.now() - began < 3000) await work();
  const last = performance.now();
  await work();
  return { version: engine.version, answer, ms: performance.now() - last };
}

/** Median milliseconds of one call, over `milliseconds`, and the cores it kept busy.
 *
 * @param {number} milliseconds
 * @param {number} calls calls that are timed together, so that the clock's grain does not show
 */
async function run(milliseconds, calls) {
  /** @type {number[]} */
  const times = [];
  const before = process.cpuUsage();
  const began = performance.now();
  do {
    const from = performance.now();
    for (let i = 0; i < calls; i++) {
      const done = work();
      if (done instanceof Promise) await done;
    }
    times.push((performance.now() - from) / calls);
  } while (performance.now() - began < milliseconds);
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  return { ms: times[times.length >> 1], best: times[0], cores: (user + system) / 1000 / wall };
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    say(command.prepare ? await prepare(command.prepare) : await run(command.run, command.calls));
  } catch (error) {
    const { message, code } = /** @type {NodeJS.ErrnoException} */ (error);
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    say({ [absent ? 'absent' : 'failed']: String(message).split('\n')[0] });
  }
}
