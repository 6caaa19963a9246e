import { noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { sizeOf } from '../../core/shape.js';
import { isPlain } from '../../nn/fusible.js';
import { Conv2d, Linear, type Module } from '../../nn/index.js';
import { indexSelect, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { isUnitLayer, replaceModule, type UnitLayer, unitLayers } from '../layers.js';
import { liveWeights, type SparseUnitLayer, toDense, toSparse } from './convert.js';
import { convolutionGain, linearGain } from './crossover.js';
import { measureSides } from './measure.js';
import { SparseConv2d } from './sparseconv2d.js';
import { SparseLinear } from './sparselinear.js';
import { BLOCK_SIZES, type BlockSize } from './structure.js';

export interface SparsifyOptions {
  /**
   * How kept weights are stored: one by one, in blocks of 4 × 1 or 4 × 4, or by what is fastest for each layer. Default 'auto'.
   */
  readonly format?: 'auto' | 'csr' | 'block';
  /** What the model's forward takes; layers are measured with the shapes that come into them. Without it, convolutions stay. */
  readonly exampleInputs?: Tensor | readonly Tensor[];
  /** Rows that the example inputs are repeated to, or cut to. Default: as many as they have; without them, 64. */
  readonly batchSize?: number;
  /**
   * How many times faster than dense a layer must be to become sparse. Default 1.1; 0 makes sparse whatever can be, for its
   * memory or to train it.
   */
  readonly minimumGain?: number;
  /** Whether to time each layer on this machine; otherwise a table decides, the same everywhere. Default true. */
  readonly measure?: boolean;
}

/** What became of a layer. */
export interface SparsifiedLayer {
  readonly name: string;
  /** Share of its weights that are removed. */
  readonly sparsity: number;
  readonly format: 'dense' | 'csr' | 'block 4×1' | 'block 4×4';
  /** Milliseconds of its forward passes in one of the model, dense and in the fastest sparse form; null where not measured. */
  readonly denseMilliseconds: number | null;
  readonly sparseMilliseconds: number | null;
  /** How many times faster the sparse form is, measured or expected; null where there is none. */
  readonly gain: number | null;
  /** Why it stayed dense; null where it did not. */
  readonly reason: string | null;
}

export interface SparsifyReport {
  readonly layers: readonly SparsifiedLayer[];
}

/** A sparse form of a layer, and what it costs. */
interface Choice {
  readonly made: SparseUnitLayer;
  readonly gain: number;
  readonly denseMilliseconds: number | null;
  readonly sparseMilliseconds: number | null;
}

type Settings = Required<Omit<SparsifyOptions, 'exampleInputs' | 'batchSize'>>;

/** Weights of which a larger share is stored are not tried: no sparse kernel is ahead there. */
const MOST_STORED = 0.7;
const DEFAULT_BATCH = 64;

/**
 * Puts sparse layers in the place of the linear layers and convolutions of `model` that are faster so on this machine: each is
 * timed alone, dense and sparse in turn, with the shapes that it meets in the model. Those that are not faster stay dense, and
 * the report says why. What counts as removed is what a pruning mask removes, or, without one, weights of 0. Biases remain the
 * same parameters; weights become new ones (`values`), so that an optimizer is to be made afterwards.
 */
export function sparsify(model: Module, options: SparsifyOptions = {}): SparsifyReport {
  const { format = 'auto', minimumGain = 1.1, measure = true } = options;
  if (!['auto', 'csr', 'block'].includes(format)) {
    fail('argument', `sparsify: format must be 'auto', 'csr' or 'block', got '${String(format)}'.`);
  }
  if (!(minimumGain >= 0)) fail('argument', `sparsify: minimumGain must be at least 0, got ${String(minimumGain)}.`);
  const layers = unitLayers(model);
  const shapes = shapesInto(model, layers, options);
  const chosen = new Map<UnitLayer, SparseUnitLayer>();
  const report: SparsifiedLayer[] = [];
  try {
    for (const [name, layer] of layers) {
      const live = liveWeights(layer);
      const sparsity = live.length === 0 ? 0 : 1 - live.reduce((sum, one) => sum + one, 0) / live.length;
      const base = { name, sparsity };
      const met = shapes.get(layer) ?? [];
      const obstacle = whyNot(model, name, layer, met);
      const outcome = obstacle ?? choose(layer, live, met, { format, minimumGain, measure });
      if (typeof outcome === 'string') {
        const none = { denseMilliseconds: null, sparseMilliseconds: null, gain: null };
        report.push({ ...base, format: 'dense', ...none, reason: outcome });
        continue;
      }
      const { made, ...figures } = outcome;
      if (figures.gain >= minimumGain) {
        chosen.set(layer, made);
        report.push({ ...base, format: nameOf(made.blockSize), ...figures, reason: null });
      } else {
        letGo(made);
        report.push({
          ...base,
          format: 'dense',
          ...figures,
          reason: tooSlow(made.blockSize, figures.gain, minimumGain),
        });
      }
    }
  } catch (error) {
    for (const made of chosen.values()) letGo(made);
    throw error;
  }
  for (const [path, layer] of model.namedModules({ removeDuplicate: false })) {
    const made = isUnitLayer(layer) ? chosen.get(layer) : undefined;
    if (made !== undefined) replaceModule('sparsify', model, path, made);
  }
  for (const { weight } of chosen.keys()) {
    weight.grad?.dispose();
    weight.dispose();
  }
  return { layers: report };
}

/**
 * Puts ordinary layers back in the place of the sparse ones that `sparsify` has put into `model`. Removed weights are 0 and
 * masked; `prune.remove` frees them. Returns the names of the layers.
 */
export function densify(model: Module): string[] {
  const made = new Map<Module, UnitLayer>();
  const names: string[] = [];
  for (const [path, layer] of model.namedModules({ removeDuplicate: false })) {
    if (!(layer instanceof SparseLinear || layer instanceof SparseConv2d)) continue;
    if (!made.has(layer)) names.push(path);
    const dense = made.get(layer) ?? toDense(layer);
    made.set(layer, dense);
    replaceModule('densify', model, path, dense);
  }
  for (const layer of made.keys()) letGo(layer as SparseUnitLayer);
  return names;
}

/** Whether a layer is of the class itself, and nothing watches it. */
function isOrdinary(layer: UnitLayer): boolean {
  return layer instanceof Linear ? isPlain(layer, Linear) : isPlain(layer, Conv2d);
}

/** Frees a sparse layer, but not the bias that it shares with the dense one. */
function letGo(layer: SparseUnitLayer): void {
  layer.bias = null;
  layer.dispose();
}

function nameOf([height, width]: BlockSize): 'csr' | 'block 4×1' | 'block 4×4' {
  if (height === 1) return 'csr';
  return width === 1 ? 'block 4×1' : 'block 4×4';
}

function tooSlow(block: BlockSize, gain: number, minimumGain: number): string {
  return `${nameOf(block)} would be ${gain.toFixed(2)} × as fast, and ${minimumGain} × is wanted`;
}

/** What keeps a layer from being replaced at all, or null. */
function whyNot(model: Module, name: string, layer: UnitLayer, met: readonly (readonly number[])[]): string | null {
  if (name === '') return 'the model is this layer itself; put it into a Sequential';
  if (!isOrdinary(layer)) {
    return `it is of a class of its own (${layer.constructor.name}) or has forward hooks, which a sparse layer would lose`;
  }
  const owners = model
    .namedModules()
    .filter(([, module]) => Object.values(module).some((value) => value === layer.weight));
  if (owners.length > 1) return `its weight is also that of '${owners.find(([path]) => path !== name)?.[0]}'`;
  if (layer instanceof Conv2d && layer.paddingMode !== 'zeros')
    return `its padding is ${layer.paddingMode}, not of zeros`;
  if (met.length === 0) {
    return layer instanceof Conv2d
      ? 'no image came into it; pass exampleInputs that reach it'
      : 'the example inputs do not reach it';
  }
  try {
    // Replacing it by itself changes nothing and throws where its place takes no other module.
    replaceModule('sparsify', model, name, layer);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The fastest sparse form of a layer, or why there is none to be tried. */
function choose(
  layer: UnitLayer,
  live: Float32Array,
  met: readonly (readonly number[])[],
  { format, measure, minimumGain }: Settings,
): Choice | string {
  if (layer instanceof Conv2d && format === 'block') return 'convolutions have no kernels for blocks';
  const rows = layer.weight.shape[0] as number;
  const columns = rows === 0 ? 0 : layer.weight.numel() / rows;
  const blocks = BLOCK_SIZES.filter(([height, width]) => {
    if (format === 'csr' || layer instanceof Conv2d) return height === 1;
    return (format === 'auto' || height > 1) && rows % height === 0 && columns % width === 0;
  });
  if (blocks.length === 0) return `its weights, ${rows} × ${columns}, cannot be cut into blocks of 4 rows`;
  const tried = blocks.map((block) => toSparse(layer, live, block));
  const stored = (made: SparseUnitLayer): number => made.nnz / Math.max(1, live.length);
  const few = tried.filter((made) => stored(made) <= MOST_STORED || minimumGain === 0);
  let best: Choice | null = null;
  try {
    const times = measure && few.length > 0 ? measureSides([layer, ...few], met) : null;
    few.forEach((made, i) => {
      const dense = times?.[0] ?? null;
      const sparse = times?.[i + 1] ?? null;
      const expected =
        layer instanceof Conv2d
          ? convolutionGain(columns, stored(made))
          : linearGain(largestBatch(met), made.blockSize, stored(made));
      const gain = dense !== null && sparse !== null ? dense / sparse : expected;
      if (best === null || gain > best.gain) {
        best = { made, gain, denseMilliseconds: dense, sparseMilliseconds: sparse };
      }
    });
    if (best === null) {
      const least = Math.min(...tried.map(stored));
      return `${(100 * least).toFixed(0)} % of its weights would be stored, and sparse kernels lead from about half downwards`;
    }
    return best;
  } finally {
    for (const made of tried) if (made !== (best as Choice | null)?.made) letGo(made);
  }
}

/** Rows of the largest input. */
function largestBatch(met: readonly (readonly number[])[]): number {
  return Math.max(...met.map((shape) => sizeOf(shape.slice(0, -1))));
}

/** The shapes of what comes into each layer in one forward pass of the model, a shape for each call. */
function shapesInto(
  model: Module,
  layers: readonly [string, UnitLayer][],
  { exampleInputs, batchSize }: SparsifyOptions,
): Map<UnitLayer, (readonly number[])[]> {
  const shapes = new Map<UnitLayer, (readonly number[])[]>();
  if (batchSize !== undefined && !(Number.isInteger(batchSize) && batchSize > 0)) {
    fail('argument', `sparsify: batchSize must be a whole number above 0, got ${String(batchSize)}.`);
  }
  if (exampleInputs === undefined) {
    for (const [, layer] of layers) {
      if (layer instanceof Linear) shapes.set(layer, [[batchSize ?? DEFAULT_BATCH, layer.inFeatures]]);
    }
    return shapes;
  }
  // A hook wraps the forward of its layer; those of classes of their own, or with hooks, are not looked at anyway.
  const handles = layers
    .filter(([, layer]) => isOrdinary(layer))
    .map(([, layer]) =>
      layer.registerForwardPreHook((_, [x]) => {
        shapes.set(layer, [...(shapes.get(layer) ?? []), x.shape]);
      }),
    );
  const modes = model.modules().map((module) => [module, module.training] as const);
  const given = 'shape' in exampleInputs ? [exampleInputs as Tensor] : exampleInputs;
  try {
    model.eval();
    noGrad(() =>
      scope(() => {
        const inputs = given.map((x) => (batchSize === undefined ? x : resized(x, batchSize)));
        (model.forward as (...inputs: readonly Tensor[]) => unknown).call(model, ...inputs);
      }),
    );
  } finally {
    for (const handle of handles) handle.remove();
    for (const [module, training] of modes) module.training = training;
  }
  return shapes;
}

/** The rows of `x` again and again until there are `rows`. */
function resized(x: Tensor, rows: number): Tensor {
  const there = x.shape[0] ?? 0;
  if (x.ndim === 0 || there === rows) return x;
  if (there === 0) fail('shape', 'sparsify: exampleInputs are empty, and cannot be repeated to batchSize.');
  const places = Int32Array.from({ length: rows }, (_, i) => i % there);
  return indexSelect(x, 0, tensor(places));
}
