import { checkOptions } from '../../core/arguments.js';
import { fail, show } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import type { Module } from '../../nn/index.js';
import { tensor } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { latency } from '../latency.js';
import { coupleUnits } from '../structure/couple.js';
import type { Uncoupled, UnitGroup } from '../structure/units.js';
import type { ActivationStats, Batch, Batches } from './activations.js';
import { type Allocation, allocate, checkAllocation } from './allocation.js';
import { activationCriteria, type Criterion, relativeCriteria, unitCriteria } from './criteria.js';
import { blockField, type Field, Ranking, unitField, weightField, weightsOf } from './fields.js';
import type { Loss } from './gradients.js';
import {
  checkCriterion,
  type Gathering,
  gather,
  type Importance,
  type ImportanceOptions,
  needsBatches,
  scorer,
  scoreValues,
} from './importance.js';
import { maskOf, setMask } from './mask.js';
import { NM } from './method.js';
import { oneShot, type Schedule } from './schedule.js';
import { costOf, firstBelow, type PrunerTarget, readTarget, type TargetKind } from './target.js';
import type { Aggregate } from './units.js';

/** What is removed: single weights, blocks of them, N of every M, or units with everything that belongs to them. */
export type Granularity = 'weight' | 'block' | 'n:m' | 'filter' | 'channel' | 'neuron' | 'head';

const GRANULARITIES: readonly Granularity[] = ['weight', 'block', 'n:m', 'filter', 'channel', 'neuron', 'head'];
const UNITS: ReadonlySet<Granularity> = new Set<Granularity>(['filter', 'channel', 'neuron', 'head']);

export interface PrunerOptions<M extends Module = Module, B extends Batch = Batch> {
  /** An input of the model, with which it is traced and counted. Needed for units, 'synflow', flops and latency. */
  readonly exampleInputs?: Tensor | readonly Tensor[];
  /**
   * What makes a weight or a unit worth keeping: a criterion, or a function that gives scores for a parameter or a group of
   * units, such as `importance()` makes. Default 'magnitude'.
   */
  readonly importance?: Criterion | Importance;
  /** Data for criteria that look at activations or gradients; with an asynchronous source use `stepAsync`. */
  readonly batches?: Batches<B>;
  /** The loss of a batch, for criteria made from its gradients. */
  readonly loss?: Loss<M, B>;
  /** Statistics from `activationStats`, in place of batches. A function is asked anew at each step. */
  readonly activations?: ReadonlyMap<string, ActivationStats> | (() => ReadonlyMap<string, ActivationStats>);
  /** What to reach: a share to remove, or how much may be left. Not needed where `allocation` gives shares by layer. */
  readonly target?: PrunerTarget;
  /** Default 'weight'. 'neuron', 'channel' and 'filter' mean the same: whatever units layers have, but attention heads. */
  readonly granularity?: Granularity;
  /** Whether all layers are ranked together, or each gives the same share. Default 'global'. */
  readonly scope?: 'global' | 'layer';
  readonly schedule?: Schedule;
  /** How much each layer gives, in place of ranking all together. */
  readonly allocation?: Allocation;
  /** What the model lost when each layer was pruned alone, by its name; for allocation 'sensitivity'. */
  readonly sensitivity?: Readonly<Record<string, number>>;
  /** Layers, or parameters, that are left alone, by name. */
  readonly except?: readonly string[];
  /** Share of its units that every layer keeps at least, in [0, 1]; one stays in any case. Default 0.1. */
  readonly keepAtLeast?: number;
  /** Rows and columns of a block. Default [4, 4]. */
  readonly block?: readonly [rows: number, columns: number];
  /** How many weights stay of how many in a row, for 'n:m'. Default: of 4, what the target's sparsity leaves. */
  readonly pattern?: readonly [n: number, m: number];
  /** How scores that several layers give to the same units become one. Default 'mean'. */
  readonly aggregate?: Aggregate;
  /** Whether gradients are taken in training mode. Default false. */
  readonly training?: boolean;
  /** Where importance 'random' takes its numbers from. */
  readonly generator?: Generator;
  /** Milliseconds that a model takes, for target latency. Default: the median of one pass over `exampleInputs`. */
  readonly measure?: (model: Module) => number;
}

const NAMES: readonly (keyof PrunerOptions)[] = [
  'exampleInputs',
  'importance',
  'batches',
  'loss',
  'activations',
  'target',
  'granularity',
  'scope',
  'schedule',
  'allocation',
  'sensitivity',
  'except',
  'keepAtLeast',
  'block',
  'pattern',
  'aggregate',
  'training',
  'generator',
  'measure',
];

/**
 * Prunes a model step by step along a schedule; train between the steps. Masks live beside the parameters, and optimizers keep
 * what is pruned at 0; `shrink` then cuts units out, `sparsify` puts sparse layers in.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 2));
 * const pruner = new compress.Pruner(model, { target: { sparsity: 0.9 }, schedule: compress.iterative(3) });
 * while (!pruner.finished) pruner.step(); // train here, too
 * compress.sparsity(model).zeros; // → 144
 */
export class Pruner<M extends Module = Module, const B extends Batch = Batch> {
  private done = 0;
  private readonly schedule: Schedule;
  private readonly target: { kind: TargetKind; limit: number };
  private readonly granularity: Granularity;

  private readonly model: Module;
  private readonly options: PrunerOptions;

  constructor(model: M, options: PrunerOptions<M, B>) {
    this.model = model;
    // The loss is called with this model and these batches, and no others.
    this.options = options as unknown as PrunerOptions;
    checkOptions('Pruner', options, NAMES);
    const { allocation, granularity = 'weight', pattern } = options;
    if (!GRANULARITIES.includes(granularity)) {
      fail('argument', `Pruner: granularity must be one of ${GRANULARITIES.join(', ')}, got '${String(granularity)}'.`);
    }
    this.granularity = granularity;
    if (allocation !== undefined) checkAllocation(allocation, options.sensitivity);
    // Shares by layer, and a pattern, say by themselves how much goes.
    const implied = typeof allocation === 'object' || (granularity === 'n:m' && pattern !== undefined);
    this.target = implied && options.target === undefined ? { kind: 'sparsity', limit: 0 } : readTarget(options.target);
    this.schedule = options.schedule ?? oneShot();
    this.check();
  }

  private check(): void {
    const { importance = 'magnitude', except = [], keepAtLeast = 0.1, allocation, scope: together } = this.options;
    const { granularity, target } = this;
    if (!(keepAtLeast >= 0 && keepAtLeast <= 1))
      fail('argument', `Pruner: keepAtLeast must be in [0, 1], got ${keepAtLeast}.`);
    if (together !== undefined && together !== 'global' && together !== 'layer') {
      fail('argument', `Pruner: scope must be 'global' or 'layer', got '${String(together)}'.`);
    }
    if (typeof importance !== 'function') this.checkNeeds(checkCriterion('Pruner', importance));
    if (this.isStructured && this.options.exampleInputs === undefined) {
      fail('argument', `Pruner: granularity '${granularity}' needs exampleInputs to find what depends on a unit.`);
    }
    if (target.kind === 'flops' && this.options.exampleInputs === undefined) {
      fail('argument', 'Pruner: target flops needs exampleInputs, over which multiply-adds are counted.');
    }
    if (target.kind === 'latency' && !this.isStructured) {
      fail('argument', `Pruner: target latency needs units to remove, since masks save no time; got '${granularity}'.`);
    }
    if (typeof allocation === 'object' && target.kind !== 'sparsity') {
      fail(
        'argument',
        `Pruner: allocation by layer says how much goes, and target ${target.kind} does too. Choose one.`,
      );
    }
    if (granularity === 'n:m') this.pattern();
    const names = this.model.namedModules().filter(([, module]) => module.parameters(false).length > 0);
    const known = new Set([...names.map(([name]) => name), ...this.model.namedParameters().map(([name]) => name)]);
    for (const name of [...except, ...(typeof allocation === 'object' ? Object.keys(allocation) : [])]) {
      if (known.has(name)) continue;
      const role = except.includes(name) ? 'except' : 'allocation';
      fail(
        'argument',
        `Pruner: ${role}: there is no layer '${name}'. There are ${names.map(([path]) => path).join(', ')}.`,
      );
    }
  }

  private checkNeeds(criterion: Criterion): void {
    const { activations, batches, loss } = this.options;
    if (unitCriteria.has(criterion) && !this.isStructured) {
      fail(
        'argument',
        `Pruner: importance '${criterion}' ranks units. Choose granularity 'channel', 'neuron' or 'head'.`,
      );
    }
    if (activationCriteria.has(criterion) && activations === undefined && batches === undefined) {
      fail(
        'argument',
        `Pruner: importance '${criterion}' needs activations; pass what activationStats(model, batches) gives, or batches.`,
      );
    }
    if (
      needsBatches(criterion) &&
      !activationCriteria.has(criterion) &&
      (batches === undefined || loss === undefined)
    ) {
      fail(
        'argument',
        `Pruner: importance '${criterion}' needs batches and loss, a function (model, batch) => Tensor.`,
      );
    }
    if (criterion === 'synflow' && this.options.exampleInputs === undefined) {
      fail('argument', "Pruner: importance 'synflow' needs exampleInputs, whose shapes the input of ones takes.");
    }
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
   * Prunes to the next sparsity of the schedule, and returns the share of weights, blocks or units that is pruned now. For units
   * it is smaller than the schedule's where layers have come down to `keepAtLeast`. A step is taken whole or not at all.
   */
  step(): number {
    const { groups, gathering } = this.begin();
    const { batches = [] } = this.options;
    try {
      if (gathering.wanted && Symbol.asyncIterator in batches && !(Symbol.iterator in batches)) {
        fail('argument', 'Pruner: batches come asynchronously. Use await pruner.stepAsync().');
      }
      if (gathering.wanted) for (const batch of batches as Iterable<Tensor>) gathering.see(batch);
      return this.advance(groups, gathering.end());
    } finally {
      gathering.close();
    }
  }

  /** `step` with batches from an asynchronous source, such as a DataLoader. */
  async stepAsync(): Promise<number> {
    const { groups, gathering } = this.begin();
    try {
      if (gathering.wanted) for await (const batch of this.options.batches ?? []) gathering.see(batch);
      return this.advance(groups, gathering.end());
    } finally {
      gathering.close();
    }
  }

  private get isStructured(): boolean {
    return UNITS.has(this.granularity);
  }

  /** Finds what there is to prune, and begins to gather what importance needs to know. */
  private begin(): { groups: UnitGroup[]; gathering: Gathering & { wanted: boolean } } {
    if (this.finished) fail('state', `Pruner: all ${this.schedule.steps} steps have been taken.`);
    const {
      importance = 'magnitude',
      activations,
      batches,
      generator = defaultGenerator,
      aggregate = 'mean',
    } = this.options;
    const groups = this.isStructured ? this.groups() : [];
    const given = (scores: Importance) => ({ wanted: false, see: () => {}, end: () => scores, close: () => {} });
    if (typeof importance === 'function') return { groups, gathering: given(importance) };
    if (activationCriteria.has(importance) && batches === undefined) {
      const stats = typeof activations === 'function' ? activations() : activations;
      const context = { model: this.model, groups, aggregate, generator, stats };
      return { groups, gathering: given(scorer(importance, context)) };
    }
    const gathering = gather('Pruner', this.model, importance, groups, this.options as ImportanceOptions<never, never>);
    return { groups, gathering: { ...gathering, wanted: needsBatches(importance) } };
  }

  private groups(): UnitGroup[] {
    const { except = [], exampleInputs } = this.options;
    const { groups, uncoupled } = coupleUnits(this.model, exampleInputs as Tensor | readonly Tensor[]);
    const found = groups.filter(({ kind, slices }) => {
      const isExcepted = slices.some(({ role, path }) => role === 'makes' && except.includes(path));
      return (kind === 'head') === (this.granularity === 'head') && !isExcepted;
    });
    if (found.length === 0) this.failWithout(uncoupled);
    return found;
  }

  private failWithout(uncoupled: readonly Uncoupled[]): never {
    const reasons = uncoupled.map(({ name, reason }) => `${name}: ${reason}`);
    const what = this.granularity === 'head' ? 'attention whose heads' : 'layer whose units';
    return fail(
      'unsupported',
      `Pruner: there is no ${what} can be removed. ${reasons.join('; ')}${reasons.length > 0 ? '.' : ''}`,
    );
  }

  private advance(groups: readonly UnitGroup[], importance: Importance): number {
    // Scores are made of tensors, which are freed with the step; masks are not.
    const reached = scope(() =>
      this.granularity === 'n:m' ? this.pruneLanes(importance) : this.prunePieces(this.fields(groups, importance)),
    );
    this.done++;
    return reached;
  }

  private fields(groups: readonly UnitGroup[], importance: Importance): Field[] {
    const { keepAtLeast = 0.1, block = [4, 4], importance: named = 'magnitude' } = this.options;
    if (this.isStructured) {
      const relative = typeof named === 'string' && relativeCriteria.has(named) && !this.isByLayer;
      return groups.map((group) => unitField(group, importance, keepAtLeast, relative));
    }
    const weights = this.weights();
    if (this.granularity === 'weight') return weights.map((weight) => weightField(weight, importance));
    return weights.map((weight) => blockField(weight, importance, block, named === 'magnitude'));
  }

  private weights() {
    const { except = [] } = this.options;
    const weights = weightsOf(this.model).filter(({ name, aliases }) =>
      [name, ...aliases].every((alias) => !except.includes(alias)),
    );
    if (weights.length === 0) {
      fail('argument', 'Pruner: there is no weight to prune, a parameter of two or more dimensions.');
    }
    return weights;
  }

  private get isByLayer(): boolean {
    return this.options.scope === 'layer' || this.options.allocation !== undefined;
  }

  private prunePieces(fields: readonly Field[]): number {
    const pieces = fields.reduce((n, { gone }) => n + gone.length, 0);
    const step = this.done + 1;
    const choose = this.chooser(fields, pieces);
    const target = this.target.kind === 'sparsity' ? this.target.limit : this.sparsityFor(fields, pieces, choose);
    const chosen = choose(target, (share) => this.schedule.reach(step, share));
    fields.forEach((field, f) => {
      field.remove(chosen[f] as Uint8Array);
    });
    const gone = chosen.reduce((n, flags) => n + flags.reduce((m, flag) => m + flag, 0), 0);
    return pieces === 0 ? 0 : gone / pieces;
  }

  /** Tells what is gone of every field once all together have lost what `reach` makes of a sparsity. */
  private chooser(fields: readonly Field[], pieces: number): Chooser {
    const { allocation, sensitivity } = this.options;
    // A share of weights is reached or passed; of the few units of a layer, the nearest number counts.
    const whole = this.granularity === 'weight' ? (n: number) => Math.ceil(n - 1e-9) : Math.round;
    const sizes = fields.map(({ gone }) => gone.length);
    if (!this.isByLayer) {
      const ranking = new Ranking(fields);
      return (sparsity, reach) => ranking.choose(whole(reach(sparsity) * pieces));
    }
    const rankings = fields.map((field) => new Ranking([field]));
    const chooseEach = (counts: readonly number[]): Uint8Array[] =>
      rankings.flatMap((ranking, f) => ranking.choose(counts[f] as number));
    const byShares = (shares: readonly number[]): Uint8Array[] =>
      chooseEach(shares.map((share, f) => whole(share * (sizes[f] as number))));
    if (typeof allocation === 'object') {
      const own = fields.map(({ name, aliases }) => {
        const known = [name, ...aliases].find((alias) => Object.hasOwn(allocation, alias));
        return known === undefined ? 0 : (allocation[known] as number);
      });
      return (_, reach) => byShares(own.map(reach));
    }
    if (allocation === undefined || allocation === 'uniform') {
      return (sparsity, reach) => byShares(sizes.map(() => reach(sparsity)));
    }
    const layers = fields.map((field, f) => ({ ...field, pieces: sizes[f] as number }));
    return (sparsity, reach) => {
      const share = reach(sparsity);
      return chooseEach(apportion(allocate(allocation, layers, share, sensitivity), sizes, whole(share * pieces)));
    };
  }

  /** The sparsity at which what is left comes within the limit, by the scores as they are now. */
  private sparsityFor(fields: readonly Field[], pieces: number, choose: Chooser): number {
    const { kind, limit } = this.target as { kind: Exclude<TargetKind, 'sparsity'>; limit: number };
    const { exampleInputs, measure } = this.options;
    const inputs = exampleInputs instanceof Tensor ? [exampleInputs] : (exampleInputs ?? []);
    const timed = (model: Module): number => latency(model, inputs);
    const cost = costOf(kind, this.isStructured, { model: this.model, exampleInputs, measure: measure ?? timed });
    const at = (n: number): number =>
      cost(
        fields,
        choose(n / Math.max(1, pieces), (share) => share),
      );
    // A share is of the model without any pruning: what is gone already was part of it.
    const all = fields.map((field) => ({ ...field, gone: new Uint8Array(field.gone.length) }));
    const allowed =
      limit < 1 && kind !== 'latency'
        ? limit *
          cost(
            all,
            all.map(({ gone }) => gone),
          )
        : limit;
    const most = this.isByLayer ? Math.max(0, pieces - 1) : pieces;
    const found = firstBelow(most, at, allowed);
    if (found !== null) return found / Math.max(1, pieces);
    return fail(
      'argument',
      `Pruner: target ${JSON.stringify(this.options.target)} is out of reach: with all that may go gone, it is ` +
        `${Number(at(most).toPrecision(4))}. Lower keepAtLeast, or leave fewer layers out.`,
    );
  }

  /** n and m: as given, or what the sparsity leaves of every 4. */
  private pattern(): readonly [number, number] {
    const { pattern, target } = this.options;
    const { kind, limit } = this.target;
    if (kind !== 'sparsity') {
      fail('argument', `Pruner: granularity 'n:m' takes target sparsity, or pattern, and not ${kind}.`);
    }
    const m = pattern?.[1] ?? 4;
    const n = pattern?.[0] ?? Math.round((1 - limit) * m);
    new NM(n, m);
    if (target !== undefined && Math.abs(1 - n / m - limit) > 1e-9) {
      fail(
        'argument',
        `Pruner: a sparsity of ${limit} is no whole number of every ${m} weights. Try ${show([n, m])} as pattern, or ` +
          `${1 - n / m} as sparsity.`,
      );
    }
    return [n, m];
  }

  private pruneLanes(importance: Importance): number {
    const [n, m] = this.pattern();
    const keep = m - Math.round(this.schedule.reach(this.done + 1, 1 - n / m) * m);
    const method = new NM(keep, m);
    // All masks first, so that a layer that cannot be cut into lanes leaves the others as they were.
    const masks = this.weights().map(({ weight }) => {
      const scores = scoreValues('Pruner', importance, weight);
      let lowest = Infinity;
      for (let i = 0; i < scores.length; i++) lowest = Math.min(lowest, scores[i] as number);
      const raised = tensor(
        Float32Array.from({ length: scores.length }, (_, i) => (scores[i] as number) - Math.min(0, lowest)),
        weight.shape,
      );
      const before = tensor(maskOf(weight)?.dataSync() ?? new Float32Array(weight.numel()).fill(1), weight.shape);
      return { weight, mask: method.maskAfter(raised, before).dataSync() };
    });
    let [gone, all] = [0, 0];
    for (const { weight, mask } of masks) {
      setMask(weight, mask);
      all += mask.length;
      for (const kept of mask) if (kept === 0) gone++;
    }
    return all === 0 ? 0 : gone / all;
  }
}

/** What is gone of every field, as flags of its pieces, at what `reach` makes of a sparsity. */
type Chooser = (sparsity: number, reach: (share: number) => number) => Uint8Array[];

/** Whole numbers near shares of `pieces` that come to `total` together: what rounding leaves goes to the largest remainders. */
function apportion(shares: readonly number[], pieces: readonly number[], total: number): number[] {
  const exact = shares.map((share, l) => share * (pieces[l] as number));
  const counts = exact.map((value) => Math.floor(value + 1e-9));
  const order = exact
    .map((_, l) => l)
    .sort((a, b) => (exact[b] as number) - (counts[b] as number) - ((exact[a] as number) - (counts[a] as number)));
  let left = total - counts.reduce((a, b) => a + b, 0);
  for (const l of order) {
    if (left <= 0) break;
    if ((counts[l] as number) >= (pieces[l] as number)) continue;
    counts[l] = (counts[l] as number) + 1;
    left--;
  }
  return counts;
}
