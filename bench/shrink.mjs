/**
 * Networks with half of their channels and neurons removed against the same networks whole: first that the small one gives what
 * the masked one gave, then inference and a step of training at batch 64. Figures are ratios taken in one run, the two in turn:
 * medians of rounds. The last line is the same as JSON.
 *
 *   node bench/shrink.mjs [lenet | resnet20]
 */

import { crossEntropy, deterministic, manualSeed, noGrad, randint, randn, scope } from 'fettle';
import { coupleUnits, shrink, silence } from 'fettle/compress';
import { SGD } from 'fettle/optim';
import { modelOf } from './engines/fettle.mjs';
import { netOf } from './nets.mjs';
import { race } from './race.mjs';

const BATCH = 64;

/** @typedef {import('fettle/nn').Module & { forward(x: import('fettle').Tensor): import('fettle').Tensor }} Model */

/**
 * Removes every second unit of each group, and checks that this changes nothing but the size.
 *
 * @param {Model} model
 * @param {import('fettle').Tensor} x
 */
function halve(model, x) {
  const example = x.narrow(0, 0, 4);
  const before = performance.now();
  for (const group of coupleUnits(model, example).groups) {
    silence(group, new Set(Array.from({ length: group.units >> 1 }, (_, i) => 2 * i + 1)));
  }
  model.eval();
  const output = () => Float32Array.from(noGrad(() => scope(() => model.forward(x).dataSync())));
  const masked = output();
  const report = shrink(model, example);
  const ms = performance.now() - before;
  const after = output();
  const scale = masked.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const worst = masked.reduce((m, v, i) => Math.max(m, Math.abs(v - Number(after[i]))), 0) / scale;
  if (!(worst < 1e-5)) throw new Error(`the shrunk network is off by ${worst}`);
  return { parameters: report.parameters, worst, ms };
}

/**
 * @param {Model} model
 * @param {import('fettle').Tensor} x
 * @param {import('fettle').Tensor} y
 */
function steps(model, x, y) {
  const optimizer = new SGD(model.parameters(), { lr: 1e-3, momentum: 0.9 });
  return {
    inference: () => {
      model.eval();
      noGrad(() => scope(() => void model.forward(x)));
    },
    training: () => {
      model.train();
      scope(() => {
        crossEntropy(model.forward(x), y).backward();
        optimizer.step();
        optimizer.zeroGrad();
      });
    },
  };
}

const only = process.argv[2];
const figures = [];
for (const name of ['lenet', 'resnet20']) {
  if (only !== undefined && only !== name) continue;
  for (const strict of [true, false]) {
    manualSeed(0);
    deterministic(strict);
    const net = netOf(name);
    const x = randn([BATCH, ...net.input]);
    const y = randint(0, net.classes, [BATCH]);
    const [whole, half] = /** @type {[Model, Model]} */ ([modelOf(net), modelOf(net)]);
    const { parameters, worst, ms } = halve(half, x);
    const [a, b] = [steps(whole, x, y), steps(half, x, y)];
    const rounds = { rounds: 7, budget: 60 };
    const [wholeForward = 0, halfForward = 0] = race([a.inference, b.inference], rounds);
    const [wholeStep = 0, halfStep = 0] = race([a.training, b.training], rounds);
    const row = {
      name,
      arithmetic: strict ? 'strict' : 'fastest',
      parameters,
      worst,
      analysis: Math.round(ms),
      inference: { whole: wholeForward, half: halfForward, ratio: wholeForward / halfForward },
      training: { whole: wholeStep, half: halfStep, ratio: wholeStep / halfStep },
    };
    figures.push(row);
    console.log(
      `${net.title}, ${row.arithmetic}: ${parameters.before} → ${parameters.after} parameters; inference ` +
        `${wholeForward.toFixed(2)} → ${halfForward.toFixed(2)} ms, ${row.inference.ratio.toFixed(2)} ×; training step ` +
        `${wholeStep.toFixed(2)} → ${halfStep.toFixed(2)} ms, ${row.training.ratio.toFixed(2)} ×; ` +
        `analysis and removal ${row.analysis} ms`,
    );
  }
}
console.log(JSON.stringify(figures));
