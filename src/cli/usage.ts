import { relative } from 'node:path';
import { DATA_HELP } from './demo/source.js';
import type { Environment } from './terminal.js';

/** A mistake in the arguments: one line that says what to type instead, and exit code 2. */
export class UsageError extends Error {}

export const HELP = `fettle: train, trim and ship neural networks.

  fettle demo [options]           train a network on handwritten digits, prune, shrink, distil and
                                  quantize it, measure everything, and say which result to take
  fettle train [options]          train a network and save it
  fettle eval FILE [options]      load a saved model and score it on the test part of its data
  fettle profile FILE|MODEL       what each layer holds, computes and takes
  fettle prune FILE [options]     remove weights or units of a saved model, retrain, save the result
  fettle distill FILE [options]   train a smaller network on what a saved model says
  fettle quantize FILE [options]  compute in int8, or store weights in fewer bits
  fettle search FILE [options]    find the chain of methods that makes a model smallest, or fastest,
                                  within a loss of accuracy: which method to choose
  fettle convert FILE [options]   make a program of a saved model that needs no fettle
  fettle bench [MODEL …]          how long networks take here, to answer and to train

In the repository, npm start -- [options] is fettle demo, and npm start -- eval FILE is fettle eval,
as with the other commands.

Options of demo
  --data NAME      ${DATA_HELP} (default digits, which come with fettle)
  --seed N         split, initial weights and order follow from it (default 0)
  --epochs N       epochs of the teacher; the other trainings keep their proportion
  --quick          a quarter of the training, to see everything work (--epochs goes first)
  --out DIR        folder for the models and the report (default runs/<time>)
  --resume [DIR]   go on with a run that was interrupted: in DIR, or the latest in runs/
  --json           progress and results as JSON, one object a line

Options of train
  --data NAME      ${DATA_HELP} | cifar10:DIR | folder:DIR
                   | csv:FILE (default digits)
  --model NAME     mlp | lenet-300-100 | lenet5 | resnet8 | resnet20 | transformer | FILE.js, whose
                   default export makes one: (shape, classes) => Module (default mlp)
  --epochs N       passes over the training data (default 30 for small data, 5 for large)
  --lr X           learning rate of Adam (default 0.002)
  --seed N         split, initial weights and order follow from it (default 0)
  --size N         images of folder:DIR become N × N pixels (default 32)
  --batch N        samples of a step, of all ranks (default 32 for small data, 128 for large)
  --out FILE, -o   where the model goes (default MODEL.safetensors)
  --resume         go on from the last epoch that was finished, if any was
  --device D       wasm (default) | webgpu | auto
  --distributed    one of several ranks: mpirun -n 4 fettle train --distributed
  --timeout S      seconds after which a rank that the others wait for counts as lost (default 600)
  --json           progress and results as JSON, one object a line

Options of eval
  --data NAME      score on other data of the same kind (default: the data the model was trained on)
  --device D       wasm (default) | webgpu | auto
  --json           print one JSON object

Options of profile
  --data NAME      data whose shape the inputs have (default: the model's own, or digits)
  --batch N        samples in a pass (default 1)
  --json           print one JSON object

Options of prune
  --sparsity X     share of weights, or of units, to remove
  --granularity G  weight | block | n:m | neuron | channel | filter | head (default weight); units
                   are cut out, so that the model becomes smaller and faster
  --importance I   what is worth keeping: magnitude (default) | activation | taylor | fpgm | …
  --scope S        global ranks all layers together, layer each alone (default global)
  --rounds N       prune and retrain in turns (default 3)
  --epochs N       passes over the training data after each round (default 2)
  --lr X           learning rate of these (default 0.001)
  --data NAME      the data, if it is elsewhere now (default: what the model was trained on)
  --seed N         the order of training follows from it (default 0)
  --out FILE, -o   where the result goes (default FILE-pruned.safetensors)
  --json           progress and results as JSON, one object a line

Options of distill
  --student NAME   mlp | lenet-300-100 | lenet5 | resnet8 | resnet20 | transformer | FILE.js | FILE
  --loss L         kd | dkd (default kd)
  --temperature X  divides the logits (default 4)
  --alpha X        weight of the teacher against the labels (default 0.9)
  --epochs N       passes over the training data (default 20)
  --lr X           learning rate of these (default 0.002)
  --data NAME      the data, if it is elsewhere now (default: what the model was trained on)
  --seed N         initial weights and order of training follow from it (default 0)
  --out FILE, -o   where the student goes (default FILE-distilled.safetensors)
  --json           progress and results as JSON, one object a line

Options of quantize
  --mode M         static: int8, ranges from training data (default) | dynamic: int8, ranges as they
                   come | qat: trained for int8 | weights: stored small, computed in float32
  --observer O     minmax | movingAverage | histogram | mse | entropy (mode static)
  --dtype D        int8 | int4 | float16 | bfloat16 (mode weights; default int8)
  --epochs N       passes over the training data (mode qat; default 2)
  --lr X           learning rate of these
  --data NAME      the data, if it is elsewhere now (default: what the model was trained on)
  --seed N         the order of training follows from it (default 0)
  --out FILE, -o   where the result goes (default FILE-quantized.safetensors)
  --json           progress and results as JSON, one object a line

Options of search
  --max-drop X     validation accuracy that may be lost (default 0.01)
  --objective O    size | latency | flops (default size)
  --methods LIST   of factorize, shrink, prune, cluster, sparsify, quantize (default: what can help)
  --depth N        methods in a chain at most (default 3)
  --minutes X      stop after that time (default 5)
  --trials N       stop after so many chains
  --epochs N       passes over the training data after each method (default 2)
  --data NAME      the data, if it is elsewhere now (default: what the model was trained on)
  --seed N         trials follow from it (default 0)
  --out DIR, -o    folder for the best model, the picture and all figures (default FILE-search)
  --resume DIR     go on with the search that was interrupted in DIR
  --json           progress and results as JSON, one object a line

Options of convert
  --to FORM        standalone: a module with the kernels and the weights that the model needs, and
                   nothing else, for servers, browsers and edge runtimes
  --batch LIST     samples that are computed at once, such as 1,16 (default 1)
  --shape LIST     sizes of one sample, where the file does not say
  --weights D      float16: weights in half the bytes, rounded so
  --arithmetic A   strict: the same bits everywhere (default) | relaxed: faster in float32
  --inline         one file, which carries the binary as text
  --handler        modules besides that answer HTTP requests, on servers and at the edge
  --out FILE, -o   where the module goes (default FILE.js)
  --json           print one JSON object

Options of bench
  --batch N        samples of a batch, and of a training step (default 64)
  --device D       wasm (default) | webgpu | auto
  --json           print one JSON object

Options of all but convert
  --threads N      threads that share the work, or auto: one for each processor (default 1, or what
                   FETTLE_THREADS says)

  -h, --help       this text
  -v, --version    the version

A folder for mnist or fashion holds the four IDX files, gzipped or not; one for cifar10 the binary
version; folder:DIR has PNG and JPEG images in a folder for each class, or such folders within
train, val and test. The last column of a CSV file is the class. Ctrl-C stops a command and leaves
nothing half-written; a demo, a training and a search go on with --resume. Exit codes: 0 done,
1 failed, 2 wrong arguments, 130 stopped. NO_COLOR turns colours off.
`;

/** A command as the user would type it: after `npm start`, that again. */
export function typed(command: string, rest: string, env: Environment = process.env): string {
  if (env.npm_lifecycle_event !== 'start') return `fettle ${command} ${rest}`;
  return command === 'demo' ? `npm start -- ${rest}` : `npm start -- ${command} ${rest}`;
}

/** A path as a person would write it: relative to where they are, unless that leads upwards. */
export function shortPath(path: string): string {
  const fromHere = relative('.', path) || '.';
  return fromHere.startsWith('..') ? path : fromHere;
}

/** The known word nearest to `word`, if one is near enough to have been meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into another (Damerau, Levenshtein). */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + Number(a[i - 1] !== b[j - 1]);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(replaced, at(i - 1, j) + 1, at(i, j - 1) + 1, isSwap ? at(i - 2, j - 2) + 1 : Infinity));
    }
  }
  return at(a.length, b.length);
}
