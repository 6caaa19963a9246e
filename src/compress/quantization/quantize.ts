import { fail } from '../../core/errors.js';
import { Conv2d, cloneModule, Embedding, type HookHandle, Linear, type Module } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';
import { type Batch, type Batches, checkBatches, inputOf, runThrough } from './batches.js';
import {
  converted,
  type FloatLayer,
  finished,
  integerLayer,
  type Runnable,
  reasonNotToMultiply,
  reasonToKeep,
  storedLayer,
  swap,
} from './convert.js';
import { foldNorms, normPairs } from './fold.js';
import { type ObserverName, observerOf } from './observer.js';
import type { Observer } from './observing.js';
import { quantizeWeights, unitScales, weightsOf } from './weights.js';

/** Models in fewer bits, without training. */

export interface DynamicOptions {
  /** One scale for each output unit instead of one for all of a layer's weights. Default true. */
  readonly perChannel?: boolean;
  /** Names of layers, or of modules that hold them, to leave as they are. */
  readonly skip?: readonly string[];
}

export interface StaticOptions extends DynamicOptions {
  /** How the range of activations is found. Default 'minmax'. */
  readonly observer?: ObserverName;
  /** Whether activations are mapped symmetrically around 0. Default false. */
  readonly symmetric?: boolean;
}

/** The layers of `model` that may become others, by name. */
export function layersOf(by: string, model: Module, skip: readonly string[] = []): [string, FloatLayer][] {
  const modules = model.namedModules();
  for (const name of skip) {
    if (!modules.some(([path]) => path === name)) {
      fail(
        'argument',
        `${by}: skip names '${name}', which is not there. There are: ${modules.map(([path]) => path || "''").join(', ')}.`,
      );
    }
  }
  const isSkipped = (path: string): boolean => skip.some((name) => path === name || path.startsWith(`${name}.`));
  return modules.filter(
    (entry): entry is [string, FloatLayer] => reasonToKeep(entry[1]) === null && !isSkipped(entry[0]),
  );
}

/** One scale a row and whole numbers around 0, as tables are stored. */
export const TABLE = { dtype: 'int8', groupSize: null, symmetric: true } as const;

/** A layer's weights in int8. */
export function integerWeights(name: string, layer: Linear | Conv2d, perChannel: boolean) {
  const source = weightsOf(`the weight of '${name}'`, layer.weight);
  return quantizeWeights(source, unitScales(source, layer.weight.shape[0] as number, perChannel));
}

/**
 * A copy of `model`, in evaluation mode, whose linear layers multiply in int8, each mapping the range of every input to int8 as
 * it comes; embeddings store their rows in int8. It needs no data. Convolutions, LSTMs and GRUs, and what attention
 * multiplies within itself, stay as they are.
 */
export function dynamic<M extends Module>(model: M, { perChannel = true, skip = [] }: DynamicOptions = {}): M {
  const by = 'quantize.dynamic';
  return converted(model, (copy, gone) => {
    let root = copy;
    for (const [name, layer] of layersOf(by, copy, skip)) {
      if (layer instanceof Conv2d || (layer instanceof Linear && reasonNotToMultiply(layer) !== null)) continue;
      const made =
        layer instanceof Embedding
          ? storedLayer(name, layer, TABLE)
          : integerLayer(layer, integerWeights(name, layer, perChannel), null);
      root = swap(by, root, layer, made);
      gone.push(layer);
    }
    return root;
  });
}

/** Runs the calibration through `model` and watches what comes into `layers`. Layers that nothing came into are left out. */
export async function observe(
  by: string,
  model: Runnable,
  layers: readonly [string, FloatLayer][],
  data: Batches,
  make: () => Observer,
): Promise<Map<string, Observer>> {
  const observers = new Map<string, Observer>();
  const handles: HookHandle[] = layers.map(([name, layer]) =>
    layer.registerForwardHook((_, given) => {
      const observer = observers.get(name) ?? make();
      if (!(layer instanceof Embedding)) observer.observe(given[0] as Tensor, `the input of '${name}'`);
      observers.set(name, observer);
      return undefined;
    }),
  );
  try {
    await runThrough(by, model, data);
  } finally {
    for (const handle of handles) handle.remove();
  }
  return observers;
}

/** The first batch of `data`, and all of them with it once more. */
export async function peek(by: string, data: Batches): Promise<{ first: Tensor | null; all: Batches }> {
  checkBatches(by, data);
  const iterator = Symbol.asyncIterator in data ? data[Symbol.asyncIterator]() : data[Symbol.iterator]();
  const begin = await iterator.next();
  async function* all(): AsyncGenerator<Batch> {
    if (begin.done) return;
    yield begin.value;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  }
  return { first: begin.done ? null : inputOf(by, begin.value), all: all() };
}

/**
 * A copy of `model`, in evaluation mode, whose linear layers and convolutions multiply in int8; embeddings store their rows in
 * int8. Batch norms are folded into the layers before them. The range of each layer's input is observed while `calibration`
 * runs through the model: batches of inputs, or of inputs and labels. Grouped convolutions, and layers that the calibration
 * does not reach, stay as they are; `quantize.report` names them.
 */
async function quantizeStatic<M extends Runnable>(
  model: M,
  calibration: Batches,
  { perChannel = true, observer = 'minmax', symmetric = false, skip = [] }: StaticOptions = {},
): Promise<M> {
  const by = 'quantize.static';
  const make = observerOf(by, observer, { symmetric });
  const { first, all } = await peek(by, calibration);
  const copy = cloneModule(model).eval();
  const gone: Module[] = [];
  try {
    if (first !== null) foldNorms(copy, normPairs(copy, first));
    const layers = layersOf(by, copy, skip);
    const observers = await observe(by, copy, layers, all, make);
    let root = copy;
    for (const [name, layer] of layers) {
      const seen = observers.get(name);
      if (seen === undefined || (!(layer instanceof Embedding) && reasonNotToMultiply(layer) !== null)) continue;
      const made =
        layer instanceof Embedding
          ? storedLayer(name, layer, TABLE)
          : integerLayer(layer, integerWeights(name, layer, perChannel), seen.affine());
      root = swap(by, root, layer, made);
      gone.push(layer);
    }
    return finished(root, gone);
  } catch (error) {
    for (const module of [copy, ...gone]) module.dispose();
    throw error;
  }
}

export { quantizeStatic as static };
