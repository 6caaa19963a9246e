import { noGrad } from '../../autograd/index.js';
import { checkOptions } from '../../core/arguments.js';
import { breathe } from '../../core/breathe.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { cloneModule, type Parameter } from '../../nn/index.js';
import { copy_, tensor } from '../../ops/index.js';
import { unitLayers } from '../layers.js';
import type { Batches } from '../pruning/activations.js';
import { smallest } from '../pruning/rank.js';
import { allocate, type Choice } from './allocate.js';
import { inColumns } from './columns.js';
import { type CompressionData, prepareData, type Runnable } from './data.js';
import { percent } from './step.js';

/** What is done to one layer at a time. */
export type SensitivityMethod = 'prune' | 'quantize';

export interface SensitivityOptions {
  /** Default ['prune', 'quantize']. */
  readonly methods?: readonly SensitivityMethod[];
  /** Shares of a layer's weights to remove, in (0, 1]. Default 0.5, 0.7, 0.8, 0.9, 0.95. */
  readonly amounts?: readonly number[];
  /** Bits to round a layer's weights to, in [2, 16]. Default 8, 4, 3, 2. */
  readonly bits?: readonly number[];
  /** Layers to look at, by name. Default: all linear layers and convolutions. */
  readonly layers?: readonly string[];
  readonly signal?: AbortSignal;
  /** Called after each evaluation. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What happened to the metric when one layer was changed. */
export interface LayerSensitivity {
  /** The layer's name. */
  readonly layer: string;
  readonly method: SensitivityMethod;
  /** The share of weights removed, or the bits that are left of each. */
  readonly amount: number;
  readonly metric: number;
  /** How much less that is than the metric of the model; negative where it is more. */
  readonly drop: number;
  /** Bits that the layer's weights take so: the weights that are left, or all of them at fewer bits. */
  readonly weightBits: number;
}

/** What to do with each layer so that the whole becomes as small as a drop allows. */
export interface SensitivityPlan {
  /** By layer: what is done to it; layers that are left alone are missing. */
  readonly layers: Readonly<Record<string, { readonly method: SensitivityMethod; readonly amount: number }>>;
  /** The drops of all layers together, as if none made that of another worse. */
  readonly drop: number;
  /** Bits of all weights, before and after. */
  readonly bitsBefore: number;
  readonly bitsAfter: number;
}

export interface Sensitivity {
  /** The metric of the model as it is. */
  readonly metric: number;
  readonly entries: readonly LayerSensitivity[];
  /**
   * The smallest choice of one change a layer, or none, whose drops add up to at most `maxDrop`; of `method` alone, if given.
   * Drops are taken as they were measured, layer by layer and without retraining: a plan to begin with, not a promise.
   */
  allocate(maxDrop: number, method?: SensitivityMethod): SensitivityPlan;
  /** What the metric lost when each layer alone was pruned by `amount`, by its name: for a Pruner's `sensitivity`. */
  drops(amount: number): Readonly<Record<string, number>>;
  /** The table. */
  toString(): string;
}

const METHODS: readonly SensitivityMethod[] = ['prune', 'quantize'];
const FLOAT_BITS = 32;

/** `values` without the `share` of smallest magnitude. */
function pruned(values: ArrayLike<number>, share: number): Float32Array {
  const kept = Float32Array.from(values);
  for (const i of smallest(kept.map(Math.abs), Math.round(share * kept.length))) kept[i] = 0;
  return kept;
}

/** `values` on a grid of 2^bits − 1 points, symmetric around 0, one for each of `units` equal parts. */
function rounded(values: ArrayLike<number>, bits: number, units: number): Float32Array {
  const kept = Float32Array.from(values);
  const inner = kept.length / units;
  const levels = 2 ** (bits - 1) - 1;
  for (let unit = 0; unit < units; unit++) {
    const part = kept.subarray(unit * inner, (unit + 1) * inner);
    const top = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const step = (top || 1) / levels;
    part.forEach((value, i) => {
      part[i] = Math.round(value / step) * step;
    });
  }
  return kept;
}

function write(parameter: Parameter, values: Float32Array): void {
  scope(() => noGrad(() => copy_(parameter, tensor(values, parameter.shape))));
}

function checkNumbers(
  name: string,
  values: readonly number[],
  isGood: (value: number) => boolean,
  range: string,
): void {
  const odd = values.find((value) => typeof value !== 'number' || !isGood(value));
  if (odd !== undefined) fail('argument', `sensitivity: ${name} must be ${range}, got ${odd}.`);
}

/**
 * How much each layer matters: the drop of the metric when only its weights are pruned, by magnitude, or rounded to few bits,
 * one scale for each output unit. The model is not changed: copies of it are evaluated, in evaluation mode. Layers that share
 * their weights are changed together, under the name of the first.
 *
 * `data` is batches of inputs and labels, or CompressionData, of which `validation` and `evaluate` matter here.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 2));
 * const report = await compress.sensitivity(model, [[randn([32, 8]), randint(0, 2, [32])]]);
 * report.allocate(0.5).layers; // what each layer bears, as { '0': { method: 'prune', amount: 0.9 } }
 */
export async function sensitivity(
  model: Runnable,
  data: Batches | CompressionData,
  options: SensitivityOptions = {},
): Promise<Sensitivity> {
  checkOptions('sensitivity', options, ['methods', 'amounts', 'bits', 'layers', 'signal', 'onProgress']);
  const {
    methods = METHODS,
    amounts = [0.5, 0.7, 0.8, 0.9, 0.95],
    bits = [8, 4, 3, 2],
    layers,
    signal,
    onProgress,
  } = options;
  checkNumbers('amounts', amounts, (a) => a > 0 && a <= 1, 'shares in (0, 1]');
  checkNumbers('bits', bits, (b) => Number.isInteger(b) && b >= 2 && b <= 16, 'whole numbers from 2 to 16');
  const odd = methods.find((method) => !METHODS.includes(method));
  if (odd !== undefined) fail('argument', `sensitivity: methods must be among ${METHODS.join(', ')}, got '${odd}'.`);
  const known = unitLayers(model).map(([name]) => name);
  const stranger = layers?.find((name) => !known.includes(name));
  if (stranger !== undefined) {
    fail('argument', `sensitivity: there is no layer '${stranger}'. There are ${known.join(', ') || 'none'}.`);
  }
  if (known.length === 0) fail('unsupported', 'sensitivity: the model has no linear layer and no convolution.');
  const prepared = await prepareData('sensitivity', 'exampleInputs' in data ? data : withoutInputs(data));
  const copy = cloneModule(model).eval();
  try {
    const seen = new Set<Parameter>();
    const looked = unitLayers(copy).filter(([name, { weight }]) => {
      if ((layers !== undefined && !layers.includes(name)) || seen.has(weight)) return false;
      return seen.add(weight);
    });
    const trials = looked.flatMap(([name, { weight }]) => [
      ...(methods.includes('prune')
        ? amounts.map((amount) => ({ name, weight, method: 'prune' as const, amount }))
        : []),
      ...(methods.includes('quantize')
        ? bits.map((amount) => ({ name, weight, method: 'quantize' as const, amount }))
        : []),
    ]);
    const pause = breathe();
    const metric = await prepared.evaluate(copy);
    const entries: LayerSensitivity[] = [];
    for (const { name, weight, method, amount } of trials) {
      signal?.throwIfAborted();
      const before = Float32Array.from(weight.dataSync());
      const changed = method === 'prune' ? pruned(before, amount) : rounded(before, amount, weight.shape[0] as number);
      write(weight, changed);
      const found = await prepared.evaluate(copy.eval());
      write(weight, before);
      const weightBits =
        method === 'prune' ? changed.filter((v) => v !== 0).length * FLOAT_BITS : before.length * amount;
      entries.push({ layer: name, method, amount, metric: found, drop: metric - found, weightBits });
      onProgress?.(entries.length, trials.length);
      await pause();
    }
    const sizes = new Map(looked.map(([name, { weight }]) => [name, weight.numel() * FLOAT_BITS]));
    const result = { metric, entries, allocate: allocator(entries, sizes), drops: dropsOf(entries) };
    return { ...result, toString: () => table(result) };
  } finally {
    copy.dispose();
    prepared.dispose();
  }
}

/** Example inputs are not needed here, and taking one would run the first batch for nothing. */
function withoutInputs(data: Batches | CompressionData): CompressionData {
  const isBatches =
    typeof data === 'object' && data !== null && (Symbol.iterator in data || Symbol.asyncIterator in data);
  return { ...(isBatches ? { validation: data as Batches } : (data as CompressionData)), exampleInputs: [] };
}

function dropsOf(entries: readonly LayerSensitivity[]): Sensitivity['drops'] {
  return (amount) => {
    const found = entries.filter((entry) => entry.method === 'prune' && entry.amount === amount);
    if (found.length === 0) fail('argument', `sensitivity: no layer was pruned by ${amount}. Pass it among amounts.`);
    return Object.fromEntries(found.map(({ layer, drop }) => [layer, drop]));
  };
}

function allocator(entries: readonly LayerSensitivity[], sizes: ReadonlyMap<string, number>): Sensitivity['allocate'] {
  return (maxDrop, method) => {
    if (!(maxDrop >= 0)) fail('argument', `sensitivity: allocate takes a drop ≥ 0, got ${maxDrop}.`);
    const names = [...sizes.keys()];
    const choices = names.map((name): Choice<LayerSensitivity | null>[] => [
      { item: null, loss: 0, cost: sizes.get(name) as number },
      ...entries
        .filter((entry) => entry.layer === name && (method === undefined || entry.method === method))
        // A change that helps by chance does not pay for another that harms.
        .map((entry) => ({ item: entry, loss: Math.max(0, entry.drop), cost: entry.weightBits })),
    ]);
    const chosen = allocate(choices, maxDrop);
    const layers = chosen.flatMap(({ item }) =>
      item === null ? [] : [[item.layer, { method: item.method, amount: item.amount }] as const],
    );
    return {
      layers: Object.fromEntries(layers),
      drop: chosen.reduce((n, { loss }) => n + loss, 0),
      bitsBefore: names.reduce((n, name) => n + (sizes.get(name) as number), 0),
      bitsAfter: chosen.reduce((n, { cost }) => n + cost, 0),
    };
  };
}

function table({ metric, entries }: Pick<Sensitivity, 'metric' | 'entries'>): string {
  const columns = [
    ...new Map(entries.map(({ method, amount }) => [`${method} ${amount}`, { method, amount }])).values(),
  ];
  const head = [
    'drop of',
    ...columns.map(({ method, amount }) => (method === 'prune' ? `-${percent(amount)}` : `${amount} bit`)),
  ];
  const body = [...new Set(entries.map(({ layer }) => layer))].map((layer) => [
    layer === '' ? '(model)' : layer,
    ...columns.map(({ method, amount }) => {
      const found = entries.find((e) => e.layer === layer && e.method === method && e.amount === amount);
      return found === undefined ? '' : found.drop.toFixed(4);
    }),
  ]);
  return `${inColumns(head, body)}\nmetric of the model as it is: ${metric.toFixed(4)}`;
}
