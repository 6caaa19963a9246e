/**
 * `npm run bench:peers`: the same nets in other engines, side by side. Each engine runs in a process of its own on one thread,
 * from the same values; it has to give fettle's answer before it is timed; rounds are interleaved, and what is compared is the
 * median of the ratios of each round. Writes build/peers.json and prints tables; `--save` also writes bench/results/peers.json
 * and draws it into bench/charts.
 *
 *   --net mlp,lenet      some of the nets (none: only --save)         --task train,infer64   some of the tasks
 *   --only jax-js        some of the engines; fettle always runs, since it is what the others are compared with
 *   --rounds 7           --limit 20                seconds after which an engine is given up
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawAll } from './chart.mjs';
import { ADAM, batchOf, inputsOf, netOf, nets, tasksOf, valuesOf } from './nets.mjs';

/** @typedef {import('./nets.mjs').Net} Net */

/** @type {(path: string) => string} */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** In the order of the tables; the last two are native code, for a view from above. */
export const ENGINES = [
  ...['fettle', 'fettle-eager', 'fettle-strict', 'jax-js', 'tfjs-wasm', 'tfjs-cpu', 'onnxruntime-web', 'numpy-ts'],
  ...['onnxruntime-node', 'pytorch'],
];

const { values: options } = parseArgs({
  options: {
    net: { type: 'string', default: Object.keys(nets).join(',') },
    task: { type: 'string' },
    only: { type: 'string', default: ENGINES.join(',') },
    rounds: { type: 'string', default: '7' },
    limit: { type: 'string', default: '20' },
    milliseconds: { type: 'string', default: '150' },
    save: { type: 'boolean', default: false },
    'no-install': { type: 'boolean', default: false },
  },
});

/** Seconds of one engine in one task, beyond which it runs no further round. */
const BUDGET = 4;
/** Largest deviation from fettle's answer, relative to the largest number of it. */
const TOLERANCE = 2e-3;

/**
 * @typedef {{ ms: number, ratio: number, low: number, high: number, cores: number, version: string }} Measured
 * @typedef {Measured | { absent: string } | { failed: string }} Outcome
 */

class Child {
  /** @type {((line: any) => void) | null} */
  waiting = null;
  gone = '';

  /** @param {string} engine @param {string} net */
  constructor(engine, net) {
    const one = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
    const [command, args] =
      engine === 'pytorch'
        ? ['/usr/bin/python3', [here('engines/pytorch.py'), here(`../build/peers/${net}.json`)]]
        : [process.execPath, [here('engines/child.mjs'), engine, net]];
    this.engine = engine;
    this.process = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...one, TF_CPP_MIN_LOG_LEVEL: '3' },
    });
    this.complaint = '';
    this.process.stderr?.on('data', (data) => {
      this.complaint = `${this.complaint}${data}`.slice(-2000);
    });
    createInterface({ input: /** @type {import('node:stream').Readable} */ (this.process.stdout) }).on(
      'line',
      (line) => {
        if (line.startsWith('@')) this.settle(JSON.parse(line.slice(1)));
      },
    );
    this.process.on('error', (error) => this.end({ absent: error.message }));
    this.process.on('close', (code) =>
      this.end({ failed: `ended with ${code}: ${this.complaint.trim().split('\n').at(-1)}` }),
    );
    this.process.stdin?.on('error', () => undefined);
  }

  /** @type {{ absent?: string, failed?: string } | null} */
  ended = null;

  /** @param {any} answer */
  settle(answer) {
    // An engine that is not there says so without being asked.
    if (this.waiting === null && answer.absent) this.ended ??= answer;
    const { waiting } = this;
    this.waiting = null;
    waiting?.(answer);
  }

  /** @param {{ absent?: string, failed?: string }} why */
  end(why) {
    this.ended ??= why;
    this.settle(this.ended);
  }

  /**
   * @param {unknown} command
   * @param {number} seconds
   * @returns {Promise<any>}
   */
  ask(command, seconds) {
    if (this.ended) return Promise.resolve(this.ended);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.ended = { failed: `no answer within ${seconds} s` };
        this.process.kill('SIGKILL');
        this.settle(this.ended);
      }, seconds * 1000);
      this.waiting = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      this.process.stdin?.write(`${JSON.stringify(command)}\n`);
    });
  }

  stop() {
    this.process.stdin?.end();
    this.process.kill();
  }
}

/** Values and inputs of a net for engines that are not JavaScript.
 *
 * @param {string} name
 */
function writeValues(name) {
  const net = netOf(name);
  const values = valuesOf(net);
  /** @type {Float32Array[]} */
  const parts = values.map((value) => value.data);
  let at = parts.reduce((n, part) => n + part.length, 0);
  /** @type {(data: Float32Array | Int32Array) => [number, number]} */
  const add = (data) => {
    parts.push(Float32Array.from(data));
    at += data.length;
    return [at - data.length, at];
  };
  const inputs = Object.fromEntries(
    tasksOf(net).map((task) => {
      const batch = batchOf(net, task);
      const { x, labels, target } = inputsOf(net, batch);
      const goal = net.loss === 'crossEntropy' ? labels : target;
      return [task, { x: add(x), target: add(goal), shape: [batch, ...net.input] }];
    }),
  );
  mkdirSync(here('../build/peers'), { recursive: true });
  const file = here(`../build/peers/${name}.bin`);
  writeFileSync(
    file,
    Buffer.concat(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength))),
  );
  const shapes = values.map((value) => value.shape);
  const description = { file, layers: net.layers, shapes, inputs, loss: net.loss, adam: ADAM };
  writeFileSync(here(`../build/peers/${name}.json`), JSON.stringify(description));
}

/** Why two answers are not the same, or nothing.
 *
 * @param {number[]} got
 * @param {number[]} expected
 */
function difference(got, expected) {
  const size = Math.max(...expected.slice(0, 61).map(Math.abs));
  const n = Math.min(got.length, expected.length);
  for (let i = 0; i < n; i++) {
    const [a, b] = [Number(got[i]), Number(expected[i])];
    if (!(Math.abs(a - b) <= TOLERANCE * Math.max(size, 1e-3))) return `gives ${a} where fettle gives ${b}`;
  }
  return n === 0 ? 'gives nothing' : undefined;
}

/** @param {string} line */
function progress(line) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

/** @type {(values: number[]) => number} */
const median = (values) => Number([...values].sort((a, b) => a - b)[values.length >> 1]);

/**
 * @param {Child[]} children
 * @param {Net} net
 * @param {string} task
 * @returns {Promise<Record<string, Outcome>>}
 */
async function compare(children, net, task) {
  /** @type {Record<string, Outcome>} */
  const outcomes = {};
  /** @type {{ child: Child, version: string, calls: number, spent: number, rounds: { ms: number, cores: number }[] }[]} */
  const field = [];
  /** @type {number[]} */
  let expected = [];
  for (const child of children) {
    const { engine } = child;
    if (task === 'train' && /^(onnxruntime|numpy)/.test(engine)) {
      outcomes[engine] = { absent: 'it does not train' };
      continue;
    }
    progress(`${net.title} · ${task} · ${engine}`);
    const ready = await child.ask({ prepare: task }, Number(options.limit));
    const wrong = ready.answer && engine !== 'fettle' ? difference(ready.answer, expected) : undefined;
    if (engine === 'fettle') expected = ready.answer ?? [];
    if (ready.absent) outcomes[engine] = { absent: ready.absent };
    else if (ready.failed || wrong) outcomes[engine] = { failed: ready.failed ?? wrong };
    else {
      const calls = Math.max(1, Math.min(1000, Math.round(2 / ready.ms)));
      field.push({ child, version: ready.version, calls, spent: 0, rounds: [] });
    }
  }
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const entry of field) {
      if (entry.spent > BUDGET) continue;
      progress(`${net.title} · ${task} · round ${round + 1} · ${entry.child.engine}`);
      const began = performance.now();
      const timed = await entry.child.ask(
        { run: Number(options.milliseconds), calls: entry.calls },
        Number(options.limit),
      );
      entry.spent += (performance.now() - began) / 1000;
      if (timed.ms) entry.rounds.push(timed);
      else if (entry.rounds.length === 0) outcomes[entry.child.engine] = { failed: timed.failed };
    }
  }
  progress('');
  const base = field.find(({ child }) => child.engine === 'fettle')?.rounds ?? [];
  for (const { child, version, rounds } of field) {
    if (rounds.length === 0) continue;
    const times = rounds.map(({ ms }) => ms);
    const ratios = rounds.map(({ ms }, i) => ms / (base[i]?.ms ?? Number.NaN));
    outcomes[child.engine] = {
      ms: median(times),
      ratio: median(ratios),
      low: Math.min(...times),
      high: Math.max(...times),
      cores: median(rounds.map(({ cores }) => cores)),
      version,
    };
  }
  return outcomes;
}

/** @type {(outcome: Outcome | undefined) => string} */
function cell(outcome) {
  if (outcome === undefined) return '';
  if ('absent' in outcome) return `absent: ${outcome.absent}`;
  if ('failed' in outcome) return `failed: ${outcome.failed}`;
  const { ms, ratio, cores } = outcome;
  const busy = cores > 1.25 ? `  (${cores.toFixed(1)} cores!)` : '';
  return `${ms.toPrecision(3).padStart(8)} ms  ${ratio.toFixed(2).padStart(7)} ×${busy}`;
}

function install() {
  if (options['no-install'] || existsSync(here('peers/node_modules'))) return;
  console.log('installing the peers into bench/peers (about 750 MB)');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  const { status } = spawnSync(npm, args, { cwd: here('peers'), stdio: 'inherit' });
  if (status !== 0) console.log('npm install failed: the peers that are not there are reported as absent');
}

async function main() {
  install();
  const wanted = String(options.only).split(',');
  for (const name of wanted)
    if (!ENGINES.includes(name)) throw new Error(`no engine ${name}; there are ${ENGINES.join(', ')}`);
  const engines = ENGINES.filter((name) => name === 'fettle' || wanted.includes(name));
  const file = here('../build/peers.json');
  /** @type {{ cpu: string, node: string, date: string, results: Record<string, Record<string, Outcome>> }} */
  const record = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { results: {} };
  for (const name of String(options.net)
    .split(',')
    .filter((name) => name !== 'none')) {
    const net = netOf(name);
    writeValues(name);
    const tasks = tasksOf(net).filter((task) => options.task === undefined || options.task.split(',').includes(task));
    for (const task of tasks) {
      const children = engines.map((engine) => new Child(engine, name));
      const outcomes = await compare(children, net, task);
      for (const child of children) child.stop();
      const key = `${name} ${task}`;
      record.results[key] = { ...record.results[key], ...outcomes };
      console.log(
        `\n${net.title}, ${task === 'train' ? `training step, batch ${net.trainBatch}` : `inference, batch ${batchOf(net, task)}`}`,
      );
      for (const engine of engines) console.log(`  ${engine.padEnd(18)} ${cell(outcomes[engine])}`);
      record.cpu = String(cpus()[0]?.model).trim();
      record.node = process.version;
      record.date = new Date().toISOString().slice(0, 10);
      writeFileSync(file, `${JSON.stringify(record, null, 1)}\n`);
    }
  }
  if (options.save) {
    mkdirSync(here('results'), { recursive: true });
    /** @type {(value: number) => number} */
    const short = (value) => Number(value.toPrecision(4));
    const results = JSON.stringify(record, (_, value) => (typeof value === 'number' ? short(value) : value), 2);
    writeFileSync(here('results/peers.json'), `${results}\n`);
    drawAll();
  }
}

await main();
