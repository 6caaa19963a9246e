import { fail } from '../core/errors.js';
import type { Module, Parameter } from '../nn/index.js';
import type { Tensor } from '../tensor.js';
import { coupleUnits, isUnitLayer, type UnitGroup, type UnitLayer } from './couple.js';
import { type ActivationStats, carriedSignal, weightMagnitudes } from './importance.js';
import { maskOf, setMask } from './mask.js';
import { globalUnstructured, sliceNorms } from './prune.js';
import { oneShot, type Schedule } from './schedule.js';

export interface PrunerOptions {
  /** An input of the model, with which it is traced. Needed to prune neurons and channels. */
  readonly exampleInputs?: Tensor | readonly Tensor[];
  /** What makes a weight or a unit worth keeping: its size, or the activations it causes. Default 'magnitude'. */
  readonly importance?: 'magnitude' | 'activation';
  /** Statistics from `activationStats`, for importance 'activation'. A function is asked anew at each step. */
  readonly activations?: ReadonlyMap<string, ActivationStats> | (() => ReadonlyMap<string, ActivationStats>);
  /** Share of weights, or of units, to remove in the end, in [0, 1). */
  readonly target: { readonly sparsity: number };
  /** What is removed: single connections, or whole neurons and channels ('neuron', 'channel', 'filter' mean the same). */
  readonly granularity?: 'weight' | 'neuron' | 'channel' | 'filter';
  /** Whether all layers are ranked together, or each gives the same share. Default 'global'. */
  readonly scope?: 'global' | 'layer';
  readonly schedule?: Schedule;
  /** Layers that are left alone, by name. */
  readonly except?: readonly string[];
  /** Share of its units that every layer keeps at least. Default 0.1. */
  readonly keepAtLeast?: number;
}

/** Prunes a model step by step along a schedule; train between the steps. */
export class Pruner {
  private done = 0;
  private readonly schedule: Schedule;

  constructor(
    private readonly model: Module,
    private readonly options: PrunerOptions,
  ) {
    const { sparsity: target } = options.target;
    if (!(target >= 0 && target < 1)) fail('argument', `Pruner: target sparsity must be in [0, 1), got ${target}.`);
    if (options.importance === 'activation' && options.activations === undefined) {
      fail('argument', "Pruner: importance 'activation' needs activations; pass what activationStats(model, batches) gives.");
    }
    if (this.isStructured && options.exampleInputs === undefined) {
      fail('argument', `Pruner: granularity '${options.granularity}' needs exampleInputs to find what depends on a unit.`);
    }
    this.schedule = options.schedule ?? oneShot();
  }

  get finished(): boolean {
    return this.done >= this.schedule.steps;
  }

  /** Goes on after `steps` steps that were taken earlier, by a pruner of the same options. */
  resume(steps: number): void {
    this.done = steps;
  }

  /** Prunes to the next sparsity of the schedule, and returns it. */
  step(): number {
    if (this.finished) fail('state', `Pruner: all ${this.schedule.steps} steps have been taken.`);
    this.done++;
    const wanted = this.options.target.sparsity * this.schedule.share(this.done);
    if (this.isStructured) this.removeUnits(wanted);
    else this.removeWeights(wanted);
    return wanted;
  }

  private get isStructured(): boolean {
    return (this.options.granularity ?? 'weight') !== 'weight';
  }

  private stats(name: string): ActivationStats {
    const { activations } = this.options;
    const all = typeof activations === 'function' ? activations() : activations;
    return all?.get(name) ?? fail('argument', `Pruner: there are no activation statistics for '${name}'.`);
  }

  private removeWeights(wanted: number): void {
    const { importance = 'magnitude', scope = 'global', except = [] } = this.options;
    const layers = this.model
      .namedModules()
      .filter((entry): entry is [string, UnitLayer] => isUnitLayer(entry[1]) && !except.includes(entry[0]));
    const scores = layers.map(([name, layer]) => (importance === 'magnitude' ? weightMagnitudes(layer) : carriedSignal(layer, this.stats(name))));
    // A count is what the rest of the weights has to lose for the share of all weights to come out.
    const missing = (modules: readonly UnitLayer[]): number => {
      const total = modules.reduce((n, layer) => n + layer.weight.numel, 0);
      const pruned = modules.reduce((n, layer) => n + countPruned(layer.weight), 0);
      return Math.max(0, Math.ceil(total * wanted - 1e-9) - pruned);
    };
    if (scope === 'global') {
      const amount = missing(layers.map(([, layer]) => layer));
      if (amount > 0) removeExactly(layers.map(([, layer]) => layer), scores, amount);
      return;
    }
    layers.forEach(([, layer], i) => {
      const amount = missing([layer]);
      if (amount > 0) removeExactly([layer], [scores[i] as Float32Array], amount);
    });
  }

  private removeUnits(wanted: number): void {
    const { scope = 'global', except = [], keepAtLeast = 0.1 } = this.options;
    const { groups } = coupleUnits(this.model, this.options.exampleInputs as Tensor);
    const ranked = groups.filter((group) => !except.includes(group.name)).map((group) => ({ group, scores: this.unitScores(group) }));
    const units = ranked.flatMap(({ scores }, g) => Array.from(scores, (score, unit) => ({ g, unit, score })));
    const quota = ranked.map(({ group }) => group.units - Math.max(1, Math.ceil(group.units * keepAtLeast)));
    const share = ranked.map(({ group }) => (scope === 'layer' ? Math.round(group.units * wanted) : Infinity));
    let left = scope === 'global' ? Math.round(units.length * wanted) : Infinity;
    const gone = ranked.map(() => new Set<number>());
    for (const { g, unit } of units.sort((a, b) => a.score - b.score)) {
      const removed = gone[g] as Set<number>;
      if (left <= 0 || removed.size >= Math.min(quota[g] as number, share[g] as number)) continue;
      removed.add(unit);
      left--;
    }
    ranked.forEach(({ group }, g) => {
      silence(group, gone[g] as Set<number>);
    });
  }

  /** Scores of a group's units, divided by their mean so that layers can be ranked together. */
  private unitScores(group: UnitGroup): Float64Array {
    const raw =
      this.options.importance === 'activation' ? this.stats(group.name).outputs : sliceNorms(group.producer.weight, 0, 2);
    const mean = raw.reduce((a, b) => a + b, 0) / raw.length;
    return Float64Array.from(raw, (score) => (mean === 0 ? 0 : score / mean));
  }
}

function countPruned(parameter: Parameter): number {
  let count = 0;
  for (const keep of maskOf(parameter)?.dataSync() ?? []) if (keep === 0) count++;
  return count;
}

/** Removes exactly `count` more weights of the layers, the least important first. */
function removeExactly(layers: readonly UnitLayer[], scores: readonly Float32Array[], count: number): void {
  // An amount of 1 would mean everything, as a fraction; one weight is removed through the layer that has it.
  const places = layers.map((layer) => [layer, 'weight'] as const);
  const alive = layers.reduce((n, layer) => n + layer.weight.numel - countPruned(layer.weight), 0);
  globalUnstructured(places, { pruningMethod: 'l1', amount: count > 1 ? count : count / alive, importanceScores: scores });
}

/** Masks everything that makes a unit speak: its weights, its bias, and the scale and shift of norms behind it. */
function silence({ producer, norms }: UnitGroup, gone: ReadonlySet<number>): void {
  if (gone.size === 0) return;
  const mask = (parameter: Parameter | null): void => {
    if (parameter === null) return;
    const inner = parameter.numel / (parameter.shape[0] as number);
    setMask(parameter, Float32Array.from({ length: parameter.numel }, (_, i) => (gone.has(Math.floor(i / inner)) ? 0 : 1)));
  };
  mask(producer.weight);
  mask(producer.bias);
  for (const norm of norms) {
    mask(norm.weight);
    mask(norm.bias);
  }
}
