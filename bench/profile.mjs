/**
 * `node bench/profile.mjs NET`: where the time of a training step goes. `NET` is a net of bench/nets.mjs; `--task infer1` takes
 * an answer instead of a step, `--strict` the strict binary, `--json` prints the figures alone.
 *
 * Times every launch by itself in an eager run, and takes the sum out of the time of that step, and out of that of a replay
 * right before it. What is left is outside kernels: JavaScript, graph, memory. The watch costs two readings of the clock a
 * launch, which are measured and subtracted.
 */
import { parseArgs } from 'node:util';
import { capture, deterministic, noGrad, ones, scope, tensor } from 'fettle';
import { modelOf, trainingOf } from './engines/fettle.mjs';
import { batchOf, inputsOf, netOf } from './nets.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    task: { type: 'string', default: 'train' },
    seconds: { type: 'string', default: '2' },
    top: { type: 'string', default: '25' },
    strict: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const net = netOf(positionals[0] ?? 'mlp');
deterministic(options.strict);

/** @type {(values: number[]) => number} */
const median = (values) => Number([...values].sort((a, b) => a - b)[values.length >> 1]);

/** @type {() => { eager: () => void, captured: () => void, launches: () => number }} */
function programs() {
  if (options.task === 'train') {
    const { x, y, step } = trainingOf(net);
    const replay = capture(step);
    return {
      eager: () => scope(() => void step(x, y)),
      captured: () => void replay(x, y),
      launches: () => replay.launches,
    };
  }
  const model = modelOf(net).eval();
  const batch = batchOf(net, options.task);
  const x = tensor(inputsOf(net, batch).x)
    .reshape([batch, ...net.input])
    .keep();
  const replay = capture((/** @type {import('fettle').Tensor} */ input) => model.forward(input));
  return {
    eager: () => noGrad(() => scope(() => void model.forward(x))),
    captured: () => void noGrad(() => replay(x)),
    launches: () => replay.launches,
  };
}

const { eager, captured, launches } = programs();
for (let i = 0; i < 3; i++) {
  eager();
  captured();
}

// Kernels are entries of a map; each is exchanged for one that reads the clock before and after.
const engine = /** @type {{ engine: { kernel(kernel: Named): { run: Kernel } } }} */ (
  /** @type {unknown} */ (scope(() => ones(1).storage.device))
).engine;
/** @typedef {string | { name: string }} Named */
/** @typedef {(record: number, begin: number, end: number) => void} Kernel */
/** @typedef {{ name: string, calls: number, ms: number, steps: number[] }} Row */
/** @type {Map<string, Row>} */
const rows = new Map();
const find = engine.kernel.bind(engine);
/** @type {Map<Named, { run: Kernel }>} */
const wrapped = new Map();

/** @type {(named: Named) => { run: Kernel }} */
function watchOf(named) {
  const known = wrapped.get(named);
  if (known !== undefined) return known;
  const kernel = find(named);
  const name = typeof named === 'string' ? named : named.name;
  /** @type {Row} */
  const row = { name, calls: 0, ms: 0, steps: [] };
  rows.set(name, row);
  const watch = {
    ...kernel,
    /** @type {Kernel} */
    run(record, begin, end) {
      const from = performance.now();
      kernel.run(record, begin, end);
      row.ms += performance.now() - from;
      row.calls++;
    },
  };
  wrapped.set(named, watch);
  return watch;
}

/** What one reading of the clock costs, in milliseconds. */
const clock = median(
  Array.from({ length: 1001 }, () => {
    const from = performance.now();
    return performance.now() - from;
  }),
);

/** Milliseconds of one step, and how many of them the kernels took.
 *
 * @returns {{ all: number, kernels: number }}
 */
function watched() {
  for (const row of rows.values()) Object.assign(row, { calls: 0, ms: 0 });
  engine.kernel = watchOf;
  const from = performance.now();
  eager();
  const all = performance.now() - from;
  engine.kernel = find;
  let [kernels, calls] = [0, 0];
  for (const row of rows.values()) {
    const ms = Math.max(0, row.ms - row.calls * clock);
    row.steps.push(ms);
    kernels += ms;
    calls += row.calls;
  }
  return { all: all - 2 * calls * clock, kernels };
}

/** @type {(run: () => void) => number} */
function timed(run) {
  const from = performance.now();
  run();
  return performance.now() - from;
}

watched();
for (const row of rows.values()) row.steps = [];
// Shares are taken within a step, or between neighbours: what else the machine does shows in both parts.
/** @type {{ all: number, kernels: number, eager: number, captured: number }[]} */
const steps = [];
const began = performance.now();
do steps.push({ captured: timed(captured), ...watched(), eager: timed(eager) });
while (performance.now() - began < Number(options.seconds) * 1000 || steps.length < 3);

const kernels = [...rows.values()]
  .filter((row) => row.calls > 0)
  .map(({ name, calls, steps }) => ({ name, calls, ms: median(steps) }))
  .sort((a, b) => b.ms - a.ms);
const inside = median(steps.map((step) => step.kernels));
const eagerMs = median(steps.map((step) => step.eager));
const capturedMs = median(steps.map((step) => step.captured));
const summary = {
  net: positionals[0] ?? 'mlp',
  task: options.task,
  arithmetic: options.strict ? 'strict' : 'relaxed',
  launchesEager: kernels.reduce((n, row) => n + row.calls, 0),
  launchesCaptured: launches(),
  eagerMs,
  capturedMs,
  kernelMs: inside,
  outsideEager: median(steps.map((step) => 1 - step.kernels / step.all)),
  outsideCaptured: median(steps.map((step) => 1 - step.kernels / step.captured)),
};

if (options.json) console.log(JSON.stringify({ ...summary, kernels }, null, 1));
else {
  const shown = kernels.slice(0, Number(options.top));
  console.log(`${net.title}, ${options.task}, ${summary.arithmetic}: ${steps.length} steps`);
  console.log(`${'kernel'.padEnd(38)} ${'calls'.padStart(6)} ${'ms'.padStart(9)} ${'share'.padStart(7)}`);
  for (const { name, calls, ms } of shown) {
    const share = `${((100 * ms) / inside).toFixed(1)} %`;
    console.log(`${name.padEnd(38)} ${calls.toFixed(0).padStart(6)} ${ms.toFixed(4).padStart(9)} ${share.padStart(7)}`);
  }
  if (kernels.length > shown.length) console.log(`and ${kernels.length - shown.length} more`);
  /** @type {(share: number) => string} */
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  console.log(`kernels ${inside.toFixed(3)} ms, in ${summary.launchesEager.toFixed(0)} launches`);
  console.log(`eager step ${eagerMs.toFixed(3)} ms: ${percent(summary.outsideEager)} outside kernels`);
  console.log(
    `captured step ${capturedMs.toFixed(3)} ms: ${percent(summary.outsideCaptured)} outside kernels, ${summary.launchesCaptured} launches`,
  );
}
