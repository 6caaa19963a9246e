import { fail } from '../../core/errors.js';
import {
  Conv2d,
  Linear,
  layerTypes,
  type Module,
  type Parameter,
  type Sequential,
  typeNameOf,
} from '../../nn/index.js';
import { codebookOf } from '../codebook/codebook.js';
import { replaceModule, unitLayers } from '../layers.js';
import { maskOf } from '../pruning/mask.js';
import { symmetricEigen } from './eigen.js';
import { costOf, fullRanks, type Method, matrixOf, type Ranks, split } from './split.js';
import { gram, transpose } from './svd.js';
import { spectra } from './tucker.js';

/** A rank; for Tucker's two also one for outputs and one for inputs. */
export type Rank = number | readonly [out: number, into: number];

export interface FactorizeOptions {
  /** The rank: one for all layers (cut to what a layer has), by layer, or by a function of its name. */
  readonly rank?: Rank | Readonly<Record<string, Rank>> | ((name: string, layer: Linear | Conv2d) => Rank);
  /** Instead: the smallest rank that keeps this share of the squared singular values, in (0, 1]. For Tucker on either side. */
  readonly energy?: number;
  /** Instead: the largest rank that takes at most this share of a layer's multiplications, in (0, 1). */
  readonly ratio?: number;
  /** Layers to take apart, by name. Default: all linear layers and convolutions. */
  readonly layers?: readonly string[];
  /**
   * How convolutions are taken apart: 'tucker', a kernel between fewer channels; 'svd', a column and then a row; 'cp', channels,
   * column, row and outputs each on their own. Linear layers take 'svd' always. Default 'tucker'.
   */
  readonly method?: Method;
}

export interface FactorizedLayer {
  readonly name: string;
  readonly method: Method;
  /** One, or for Tucker two: outputs, inputs. */
  readonly rank: readonly number[];
  /** Parameters before and after, the bias included. */
  readonly before: number;
  readonly after: number;
  /** Share of the multiplications that is left. */
  readonly cost: number;
  /** √(Σ change² / Σ weight²) of the layer's weights. */
  readonly error: number;
}

export interface FactorizeReport {
  readonly layers: readonly FactorizedLayer[];
  /** Layers that stay as they are, and why. */
  readonly kept: readonly { readonly name: string; readonly reason: string }[];
  /** Parameters of the whole model. */
  readonly before: number;
  readonly after: number;
}

const METHODS: readonly Method[] = ['svd', 'tucker', 'cp'];
const CHOICES = ['rank', 'energy', 'ratio'] as const;

/**
 * Puts thinner layers in a row in the place of linear layers and convolutions, where that takes fewer multiplications: two
 * linear layers by truncated SVD; three convolutions by Tucker's decomposition (Kim et al. 2016, "Compression of deep
 * convolutional neural networks for fast and low power mobile applications"); two by SVD along the kernel's sides (Jaderberg,
 * Vedaldi and Zisserman 2014, "Speeding up convolutional neural networks with low rank expansions"); four by CP decomposition
 * (Lebedev et al. 2015, "Speeding-up convolutional neural networks using fine-tuned CP-decomposition"). Everything is computed
 * before the first layer is replaced. Parameters are new: make optimizers afterwards.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(100, 80), new nn.ReLU(), new nn.Linear(80, 10));
 * const { layers } = compress.factorize(model, { rank: 8 });
 * layers[0]?.after; // → 1520
 */
export function factorize(model: Module, options: FactorizeOptions): FactorizeReport {
  const { method = 'tucker', layers: names } = options;
  checkOptions(options);
  const all = unitLayers(model);
  checkNames(all, names ?? []);
  checkNames(all, typeof options.rank === 'object' && !Array.isArray(options.rank) ? Object.keys(options.rank) : []);
  const chosen = all.filter(([name]) => names === undefined || names.includes(name));
  const before = countOf(model);
  const kept: { name: string; reason: string }[] = [];
  const made: { layer: Linear | Conv2d; parts: Sequential; report: FactorizedLayer }[] = [];
  try {
    for (const [name, layer] of chosen) {
      const by = layer instanceof Linear || isPointwise(layer) ? 'svd' : method;
      const found = reasonToStay(model, name, layer) ?? ranksOf(name, layer, by, options);
      if (typeof found === 'string') {
        kept.push({ name, reason: found });
        continue;
      }
      const { parts, error } = split(layer, by, found);
      const report = {
        ...{ name, method: by, rank: found, before: countOf(layer), after: countOf(parts) },
        ...{ cost: costOf(layer, by, found) / costOf(layer, by), error },
      };
      made.push({ layer, parts, report });
    }
  } catch (error) {
    for (const { parts } of made) parts.dispose();
    throw error;
  }
  for (const { layer, parts } of made) {
    for (const [path] of model.namedModules({ removeDuplicate: false }).filter(([, module]) => module === layer)) {
      replaceModule('factorize', model, path, parts);
    }
    layer.dispose();
  }
  return { layers: made.map(({ report }) => report), kept, before, after: countOf(model) };
}

function checkOptions({ rank, energy, ratio, method = 'tucker' }: FactorizeOptions): void {
  const given = [rank, energy, ratio].filter((choice) => choice !== undefined).length;
  if (given !== 1) fail('argument', `factorize: expected one of ${CHOICES.join(', ')}, got ${given} of them.`);
  if (energy !== undefined && !(energy > 0 && energy <= 1)) {
    fail('argument', `factorize: energy must be in (0, 1], got ${energy}.`);
  }
  if (ratio !== undefined && !(ratio > 0 && ratio < 1)) {
    fail('argument', `factorize: ratio must be in (0, 1), got ${ratio}.`);
  }
  if (!METHODS.includes(method)) {
    fail('argument', `factorize: method must be one of ${METHODS.join(', ')}, got '${String(method)}'.`);
  }
  if (method === 'cp' && energy !== undefined) {
    fail('argument', "factorize: CP has no singular values to keep a share of. Pass rank or ratio with method 'cp'.");
  }
}

function checkNames(all: readonly [string, Module][], names: readonly string[]): void {
  for (const name of names) {
    if (!all.some(([known]) => known === name)) {
      const known = all.map(([other]) => other || "''").join(', ') || 'none';
      fail('argument', `factorize: there is no linear layer or convolution '${name}'. There are: ${known}.`);
    }
  }
}

function countOf(module: Module): number {
  return module.parameters().reduce((n, parameter) => n + parameter.numel(), 0);
}

/** A kernel of one tap is a matrix. */
function isPointwise({ kernelSize }: Conv2d): boolean {
  return kernelSize.every((size) => size === 1);
}

/** Why a layer cannot be taken apart, whatever its rank; null if it can. */
function reasonToStay(model: Module, name: string, layer: Linear | Conv2d): string | null {
  const { weight, bias } = layer;
  if (name === '') return 'the model is this layer, and has no place for others';
  const parent = model.getSubmodule(name.slice(0, Math.max(0, name.lastIndexOf('.'))));
  const type = layerTypes[typeNameOf(parent, layerTypes) ?? ''];
  if (type !== undefined && !type.isContainer) return `${parent.constructor.name} reads its weights itself`;
  if (layer.constructor !== Linear && layer.constructor !== Conv2d)
    return `${layer.constructor.name} computes on its own`;
  if (layer instanceof Conv2d && layer.groups > 1) return `its ${layer.groups} groups do not see one another`;
  if (maskOf(weight) !== null || codebookOf(weight) !== null)
    return 'it is pruned or clustered, which dense factors undo';
  if (Object.hasOwn(layer, 'forward')) return 'hooks watch it';
  const owners = (parameter: Parameter): number =>
    model.modules().filter((module) => module.parameters(false).includes(parameter)).length;
  if (owners(weight) > 1 || (bias !== null && owners(bias) > 1)) return 'another layer shares its weights';
  const wrong = weight.dataSync().find((value) => !Number.isFinite(value));
  return wrong === undefined ? null : fail('data', `factorize: the weights of '${name}' hold ${wrong}.`);
}

/** The ranks that the options mean for a layer, or why it stays as it is. */
function ranksOf(name: string, layer: Linear | Conv2d, method: Method, options: FactorizeOptions): Ranks | string {
  const full = fullRanks(layer, method);
  const dense = costOf(layer, method);
  let ranks: Ranks;
  if (options.rank !== undefined) {
    const given = rankOf(name, layer, options.rank);
    if (given === undefined) return 'no rank is given for it';
    ranks = cut(given, full);
  } else if (options.energy !== undefined) {
    ranks = keeping(layer, method, options.energy);
  } else {
    ranks = within((options.ratio as number) * dense, layer, method, full);
    if (costOf(layer, method, ranks) > (options.ratio as number) * dense) return 'even rank 1 takes more';
  }
  const cost = costOf(layer, method, ranks);
  return cost < dense
    ? ranks
    : `rank ${ranks.join(' and ')} would take ${(cost / dense).toFixed(2)} of its multiplications`;
}

function rankOf(name: string, layer: Linear | Conv2d, rank: NonNullable<FactorizeOptions['rank']>): Rank | undefined {
  const isOne = typeof rank === 'number' || Array.isArray(rank);
  const found =
    typeof rank === 'function' ? rank(name, layer) : isOne ? (rank as Rank) : (rank as Record<string, Rank>)[name];
  const numbers = found === undefined ? [] : typeof found === 'number' ? [found] : found;
  if (
    found !== undefined &&
    (numbers.length > 2 || numbers.length === 0 || !numbers.every((r) => Number.isInteger(r) && r >= 1))
  ) {
    fail(
      'argument',
      `factorize: the rank of '${name}' must be a whole number ≥ 1, or two, got ${JSON.stringify(found)}.`,
    );
  }
  return found;
}

function cut(rank: Rank, full: Ranks): Ranks {
  const [out, into] = typeof rank === 'number' ? [rank, rank] : rank;
  return full.length === 1 ? [Math.min(out, full[0])] : [Math.min(out, full[0]), Math.min(into, full[1])];
}

/** The smallest ranks that keep `energy` of the squared singular values. */
function keeping(layer: Linear | Conv2d, method: Method, energy: number): Ranks {
  const smallest = (values: Float64Array): number => {
    const total = values.reduce((sum, value) => sum + Math.max(value, 0), 0);
    let [rank, sum] = [0, 0];
    // What rounding leaves over must not ask for all of them.
    while (rank < values.length && sum < energy * total * (1 - 1e-12)) sum += Math.max(values[rank++] as number, 0);
    return Math.max(1, rank);
  };
  if (layer instanceof Conv2d && method === 'tucker') {
    const { outChannels, inChannels, kernelSize } = layer;
    const sizes = [outChannels, inChannels, kernelSize[0] * kernelSize[1]] as const;
    const [out, into] = spectra(Float64Array.from(layer.weight.dataSync()), sizes);
    return [smallest(out), smallest(into)];
  }
  const { a, m, n } = matrixOf(layer);
  const shorter = m <= n ? gram(a, m, n) : gram(transpose(a, m, n), n, m);
  return [smallest(symmetricEigen(shorter, Math.min(m, n)).values)];
}

/** The largest ranks, in the proportion of the full ones, that take at most `most` multiplications. */
function within(most: number, layer: Linear | Conv2d, method: Method, full: Ranks): Ranks {
  const at = (share: number): Ranks => {
    const part = (rank: number): number => Math.max(1, Math.floor((rank * share) / full[0]));
    return full.length === 1 ? [part(full[0])] : [part(full[0]), part(full[1])];
  };
  let [low, high] = [1, full[0]];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (costOf(layer, method, at(middle)) <= most) low = middle;
    else high = middle - 1;
  }
  return at(low);
}
