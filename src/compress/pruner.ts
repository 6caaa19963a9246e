import { fail } from '../core/errors.js';
import type { Module, Parameter } from '../nn/index.js';
import type { Tensor } from '../tensor.js';
import { coupleUnits, isUnitLayer, type UnitGroup, type UnitLayer } from './couple.js';
import { type ActivationStats, carriedSignal, weightMagnitudes } from './importance.js';
import { maskOf, setMask } from './mask.js';
import { removeSmallest, sliceNorms } from './rank.js';
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
  /** Share of its units that every layer keeps at least, in [0, 1]; one stays in any case. Default 0.1. */
  readonly keepAtLeast?: number;
}

const GRANULARITIES = ['weight', 'neuron', 'channel', 'filter'];

/** Prunes a model step by step along a schedule; train between the steps. */
export class Pruner {
  private done = 0;
  private readonly schedule: Schedule;

  constructor(
    private readonly model: Module,
    private readonly options: PrunerOptions,
  ) {
    const { importance = 'magnitude', granularity = 'weight', except = [], keepAtLeast = 0.1 } = options;
    const target = options.target?.sparsity;
    if (!(target >= 0 && target < 1))
      fail(
        'argument',
        `Pruner: target must be { sparsity } with a share in [0, 1), got ${JSON.stringify(options.target)}.`,
      );
    if (!(keepAtLeast >= 0 && keepAtLeast <= 1))
      fail('argument', `Pruner: keepAtLeast must be in [0, 1], got ${keepAtLeast}.`);
    if (importance !== 'magnitude' && importance !== 'activation') {
      fail('argument', `Pruner: importance must be 'magnitude' or 'activation', got '${String(importance)}'.`);
    }
    if (!GRANULARITIES.includes(granularity)) {
      fail('argument', `Pruner: granularity must be one of ${GRANULARITIES.join(', ')}, got '${String(granularity)}'.`);
    }
    if (importance === 'activation' && options.activations === undefined) {
      fail(
        'argument',
        "Pruner: importance 'activation' needs activations; pass what activationStats(model, batches) gives.",
      );
    }
    if (this.isStructured && options.exampleInputs === undefined) {
      fail('argument', `Pruner: granularity '${granularity}' needs exampleInputs to find what depends on a unit.`);
    }
    const layers = unitLayers(model).map(([name]) => name);
    for (const name of except) {
      if (!layers.includes(name))
        fail('argument', `Pruner: except: there is no layer '${name}'. There are ${layers.join(', ')}.`);
    }
    this.schedule = options.schedule ?? oneShot();
  }

  get finished(): boolean {
    return this.done >= this.schedule.steps;
  }

  /** Goes on after `steps` steps that were taken earlier, by a pruner of the same options. */
  resume(steps: number): void {
    if (!Number.isInteger(steps) || steps < 0 || steps > this.schedule.steps) {
      fail('argument', `Pruner.resume: expected a whole number of steps in [0, ${this.schedule.steps}], got ${steps}.`);
    }
    this.done = steps;
  }

  /**
   * Prunes to the next sparsity of the schedule, and returns the share of weights, or of units, that is pruned now. For units
   * it is smaller than the schedule's where layers have come down to `keepAtLeast`.
   */
  step(): number {
    if (this.finished) fail('state', `Pruner: all ${this.schedule.steps} steps have been taken.`);
    const wanted = this.schedule.reach(this.done + 1, this.options.target.sparsity);
    const reached = this.isStructured ? this.removeUnits(wanted) : this.removeWeights(wanted);
    this.done++;
    return reached;
  }

  private get isStructured(): boolean {
    return (this.options.granularity ?? 'weight') !== 'weight';
  }

  private stats(name: string): ActivationStats {
    const { activations } = this.options;
    const all = typeof activations === 'function' ? activations() : activations;
    return all?.get(name) ?? fail('argument', `Pruner: there are no activation statistics for '${name}'.`);
  }

  private removeWeights(wanted: number): number {
    const { importance = 'magnitude', scope = 'global', except = [] } = this.options;
    const seen = new Set<Parameter>();
    const layers = unitLayers(this.model).filter(([name, { weight }]) => {
      // Layers that share their weights lose them together.
      if (except.includes(name) || seen.has(weight)) return false;
      seen.add(weight);
      return true;
    });
    if (layers.length === 0) fail('argument', 'Pruner: there is no linear layer or convolution to prune.');
    const all = layers.map(([name, layer]) => ({
      weight: layer.weight,
      scores: importance === 'magnitude' ? weightMagnitudes(layer) : carriedSignal(layer, this.stats(name)),
    }));
    for (const together of scope === 'global' ? [all] : all.map((one) => [one])) {
      const weights = together.map(({ weight }) => weight);
      const total = weights.reduce((n, weight) => n + weight.numel(), 0);
      // What the rest of the weights has to lose for the share of all weights to come out.
      const missing = Math.ceil(total * wanted - 1e-9) - countPruned(weights);
      if (missing > 0) {
        removeSmallest(
          weights,
          together.map(({ scores }) => scores),
          missing,
        );
      }
    }
    const weights = all.map(({ weight }) => weight);
    return countPruned(weights) / weights.reduce((n, weight) => n + weight.numel(), 0);
  }

  private removeUnits(wanted: number): number {
    const { scope = 'global', except = [], keepAtLeast = 0.1 } = this.options;
    const { groups, uncoupled } = coupleUnits(this.model, this.options.exampleInputs as Tensor | readonly Tensor[]);
    const ranked = groups
      .filter((group) => !except.includes(group.name))
      .map((group) => ({ group, scores: this.unitScores(group) }));
    if (ranked.length === 0) {
      const reasons = uncoupled.map(({ name, reason }) => `${name}: ${reason}`);
      fail(
        'unsupported',
        `Pruner: there is no layer whose units can be removed. ${reasons.join('; ')}${reasons.length > 0 ? '.' : ''}`,
      );
    }
    const units = ranked.flatMap(({ scores }, g) => Array.from(scores, (score, unit) => ({ g, unit, score })));
    const quota = ranked.map(({ group }) => group.units - Math.max(1, Math.ceil(group.units * keepAtLeast - 1e-9)));
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
    return gone.reduce((n, { size }) => n + size, 0) / units.length;
  }

  /** Scores of a group's units, divided by their mean so that layers can be ranked together. */
  private unitScores(group: UnitGroup): Float64Array {
    const raw =
      this.options.importance === 'activation'
        ? this.stats(group.name).outputs
        : sliceNorms(group.producer.weight, 0, 2);
    const mean = raw.reduce((a, b) => a + b, 0) / raw.length;
    return Float64Array.from(raw, (score) => (mean === 0 ? 0 : score / mean));
  }
}

function unitLayers(model: Module): [string, UnitLayer][] {
  return model.namedModules().filter((entry): entry is [string, UnitLayer] => isUnitLayer(entry[1]));
}

function countPruned(parameters: readonly Parameter[]): number {
  let count = 0;
  for (const parameter of parameters) for (const keep of maskOf(parameter)?.dataSync() ?? []) if (keep === 0) count++;
  return count;
}

/**
 * Masks everything that makes a unit speak: its weights, its bias, the scale and shift of norms behind it; and the weights
 * that listen to it, since a norm without a scale of its own gives even a silent unit a voice.
 */
function silence({ producer, norms, consumer, spread }: UnitGroup, gone: ReadonlySet<number>): void {
  if (gone.size === 0) return;
  const mask = (parameter: Parameter | null, dim = 0, width = 1): void => {
    if (parameter === null) return;
    const size = parameter.shape[dim] as number;
    const inner = parameter.shape.slice(dim + 1).reduce((a, b) => a * b, 1);
    const unitOf = (i: number): number => Math.floor((Math.floor(i / inner) % size) / width);
    setMask(
      parameter,
      Uint8Array.from({ length: parameter.numel() }, (_, i) => Number(!gone.has(unitOf(i)))),
    );
  };
  mask(producer.weight);
  mask(producer.bias);
  for (const norm of norms) {
    mask(norm.weight);
    mask(norm.bias);
  }
  mask(consumer.weight, 1, spread);
}
