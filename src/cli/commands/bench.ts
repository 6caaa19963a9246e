import { capture } from '../../autograd/index.js';
import { currentDevice, setDevice } from '../../backend/current.js';
import { getThreads } from '../../backend/threads.js';
import { openedGpu } from '../../backend/webgpu/open.js';
import { median, pass } from '../../compress/choosing/timing.js';
import { manualSeed } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { crossEntropy, randint, randn, zeros } from '../../ops/index.js';
import { Adam } from '../../optim/index.js';
import { hasRelaxedSimd } from '../../runtime/variant.js';
import type { Tensor } from '../../tensor.js';
import { loadModel } from '../../train/index.js';
import type { Net } from '../demo/nets.js';
import { buildModel, isMade, MODEL_NAMES, titleOf } from '../models.js';
import { DEVICE, type Entry, SHARED, type Shell, THREADS, wholeNumber } from '../options.js';
import { formatCount, formatMilliseconds, formatTable } from '../table.js';
import { isAbout } from '../task.js';
import { terminalStyle } from '../terminal.js';
import { nearest, UsageError } from '../usage.js';
import { version } from '../version.js';

/** How long networks take on this machine, to answer and to train. */

export interface BenchAsked {
  /** Names of networks, programs that make one, and model files. */
  readonly models: readonly string[];
  readonly batch: number;
}

/** Of one network; times in milliseconds, medians. */
export interface Timing {
  readonly model: string;
  readonly shape: readonly number[];
  readonly parameters: number;
  /** To answer one sample, and a batch. */
  readonly one: number;
  readonly many: number;
  /** Forward, backward and Adam on a batch, as written and captured; null for a model that has nothing to learn, such as one in int8. */
  readonly step: number | null;
  readonly captured: number | null;
}

/** How long each figure is taken, and how often at least. */
const BUDGET_MS = 400;
const FEWEST = 5;
/** Runs that a GPU is given at once, since waiting for one takes as long as many. */
const AHEAD = 8;

export const benchCommand: Entry<BenchAsked> = {
  options: { ...SHARED, ...THREADS, ...DEVICE, batch: { example: '64' } },
  read({ positionals, values }) {
    for (const model of positionals) {
      if (isMade(model) || /[./\\]/.test(model)) continue;
      const meant = nearest(model, MODEL_NAMES);
      throw new UsageError(
        `bench takes ${MODEL_NAMES.join(' | ')} | FILE.js | FILE, got '${model}'. ` +
          (meant === undefined ? 'For example fettle bench lenet5.' : `Did you mean ${meant}?`),
      );
    }
    return {
      models: positionals.length === 0 ? MODEL_NAMES : positionals,
      batch: wholeNumber('--batch', values.batch, 1) ?? 64,
    };
  },
  async run({ models, batch }, shell) {
    const { stream, json, device, progress, signal } = shell;
    await setDevice(device);
    const about = aboutMachine();
    const stage = progress.stage('bench', { total: models.length });
    const timings: Timing[] = [];
    for (const named of models) {
      signal.throwIfAborted();
      timings.push(await timingOf(named, batch, signal));
      stage.update({ done: timings.length });
    }
    stage.finish();
    progress.close();
    if (json) stream.write(`${JSON.stringify({ event: 'bench', ...about, batch, models: timings })}\n`);
    else tell(shell, about, batch, timings);
  },
};

interface AboutMachine {
  readonly fettle: string;
  readonly runtime: string;
  readonly device: string;
  readonly threads: number;
}

function aboutMachine(): AboutMachine {
  const { name } = currentDevice();
  const { versions, platform, arch } = process;
  const runtime = versions.bun
    ? `Bun ${versions.bun}`
    : versions.deno
      ? `Deno ${versions.deno}`
      : `Node ${versions.node}`;
  return {
    fettle: version,
    runtime: `${runtime} on ${platform} ${arch}`,
    device:
      name === 'wasm' ? `wasm, ${hasRelaxedSimd() ? 'relaxed' : 'strict'} SIMD` : `webgpu, ${openedGpu()?.chip.name}`,
    threads: name === 'wasm' ? getThreads() : 1,
  };
}

/** A network, and the shape and the number of classes of what it takes. */
async function open(named: string): Promise<{ model: Net; shape: readonly number[]; classes: number }> {
  if (isMade(named)) {
    const shape = named.startsWith('resnet') ? [3, 32, 32] : [1, 28, 28];
    return { model: await buildModel(named, shape, 10), shape, classes: 10 };
  }
  const { model, about } = await loadModel(named);
  if (isAbout(about)) return { model: model as Net, shape: about.shape, classes: about.classes.length };
  model.dispose();
  throw new UsageError(`${named}: the model does not say what it takes. Use a model that fettle train or demo saved.`);
}

async function timingOf(named: string, batch: number, signal: AbortSignal): Promise<Timing> {
  manualSeed(0);
  const { model, shape, classes } = await open(named);
  const one = randn([1, ...shape]).keep();
  const many = randn([batch, ...shape]).keep();
  const labels = randint(0, classes, [batch]).keep();
  try {
    model.eval();
    const [first, second] = [
      await milliseconds(() => pass(model, [one]), signal),
      await milliseconds(() => pass(model, [many]), signal),
    ];
    const parameters = model.parameters();
    const trained = parameters.length === 0 ? null : await trainingOf(model, [many, labels], signal);
    return {
      model: titleOf(named),
      shape,
      parameters: parameters.reduce((n, p) => n + p.numel(), 0),
      one: first,
      many: second,
      step: trained?.step ?? null,
      captured: trained?.captured ?? null,
    };
  } finally {
    for (const tensor of [one, many, labels]) tensor.dispose();
    model.dispose();
  }
}

async function trainingOf(
  model: Net,
  [x, y]: readonly [Tensor, Tensor],
  signal: AbortSignal,
): Promise<{ step: number; captured: number }> {
  const optimizer = new Adam(model.parameters());
  const learn = (): void => {
    optimizer.zeroGrad();
    crossEntropy(model.forward(x), y).backward();
    optimizer.step();
  };
  const replay = capture(learn);
  model.train();
  try {
    const step = await milliseconds(() => scope(learn), signal);
    return { step, captured: await milliseconds(() => replay(), signal) };
  } finally {
    replay.dispose();
    optimizer.dispose();
  }
}

/** Median milliseconds of a run, after warming up. A GPU is given several at once and waited for. */
async function milliseconds(run: () => void, signal: AbortSignal): Promise<number> {
  const runs = currentDevice().answersAtOnce ? 1 : AHEAD;
  const round = async (): Promise<number> => {
    const from = performance.now();
    for (let i = 0; i < runs; i++) run();
    if (runs > 1) await settled();
    return (performance.now() - from) / runs;
  };
  // Enough for the engine to have compiled kernels, and the code around them.
  for (let i = 0; i < FEWEST; i++) await round();
  const times: number[] = [];
  const end = performance.now() + BUDGET_MS;
  while (times.length < FEWEST || performance.now() < end) {
    signal.throwIfAborted();
    times.push(await round());
  }
  return median(times);
}

/** Waits for all that the GPU has been asked for: what is read comes behind it. */
async function settled(): Promise<void> {
  const last = zeros([1]);
  await last.data();
  last.dispose();
}

function tell({ stream }: Shell, about: AboutMachine, batch: number, timings: readonly Timing[]): void {
  const style = terminalStyle(stream);
  const threads = about.threads === 1 ? '' : `, ${about.threads} threads`;
  const time = { format: formatMilliseconds };
  const table = formatTable<Timing>(
    [
      { title: 'network', value: ({ model }) => model },
      { title: 'takes', value: ({ shape }) => shape.join('×') },
      { title: 'parameters', value: ({ parameters }) => parameters, format: formatCount },
      { title: 'answer to 1', value: ({ one }) => one, ...time },
      { title: `to ${batch}`, value: ({ many }) => many, ...time },
      { title: 'training step', value: ({ step }) => step, ...time },
      { title: 'captured', value: ({ captured }) => captured, ...time },
    ],
    timings,
    style,
  );
  const head = `fettle ${about.fettle}, ${about.runtime}, ${about.device}${threads}`;
  stream.write(
    `${head}\nMedians. A step is forward, backward and Adam on ${batch} samples; captured, it is replayed without JavaScript.\n\n${table}\n`,
  );
}
