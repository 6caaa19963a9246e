import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import { type Module, Parameter } from '../../nn/index.js';
import { Tensor } from '../../tensor.js';
import { coupleUnits } from '../structure/couple.js';
import type { UnitGroup, UnitSlice } from '../structure/units.js';
import { type ActivationStats, ActivationWatch, type Batch, type Batches, carriedSignal } from './activations.js';
import { activationCriteria, type Criterion, criteria, gradientCriteria, unitCriteria } from './criteria.js';
import { type GradientCriterion, type GradientSums, GradientWatch, type Loss, synapticFlow } from './gradients.js';
import { type Aggregate, aggregateScores, makersOf, unitRows } from './units.js';

/**
 * What each weight of a parameter, or each unit of a group, is worth; the lowest go first. A Pruner takes any such function.
 */
export type Importance = (target: Parameter | UnitGroup) => ArrayLike<number> | Tensor;

export interface ImportanceOptions<M extends Module = Module, B extends Batch = Batch> {
  /** Data for criteria that look at activations or gradients. */
  readonly batches?: Batches<B>;
  /** The loss of a batch, for criteria made from its gradients. */
  readonly loss?: Loss<M, B>;
  /** An input of the model, with which its units are found; for units by 'taylor', and for 'synflow'. */
  readonly exampleInputs?: Tensor | readonly Tensor[];
  /** How scores that several layers give to the same units become one. Default 'mean'. */
  readonly aggregate?: Aggregate;
  /** Whether gradients are taken in training mode. Running statistics stay as they are. Default false. */
  readonly training?: boolean;
  /** Where 'random' takes its numbers from. */
  readonly generator?: Generator;
}

/** Everything a criterion may need, in the form in which `gather` found it. */
export interface Context {
  readonly model: Module;
  readonly groups: readonly UnitGroup[];
  readonly aggregate: Aggregate;
  readonly generator: Generator;
  readonly stats?: ReadonlyMap<string, ActivationStats> | undefined;
  readonly sums?: GradientSums | undefined;
}

/** What looks at batches before scores are known. */
export interface Gathering {
  see(batch: Batch): void;
  /** The scores, once all batches have been seen. */
  end(): Importance;
  /** Leaves the model as it was. */
  close(): void;
}

export function checkCriterion(by: string, criterion: unknown): Criterion {
  if (criteria.includes(criterion as Criterion)) return criterion as Criterion;
  const names = criteria.map((name) => `'${name}'`).join(', ');
  return fail('argument', `${by}: importance must be one of ${names}, or a function; got '${String(criterion)}'.`);
}

/** Whether scores of this criterion need batches. */
export function needsBatches(criterion: Criterion): boolean {
  return activationCriteria.has(criterion) || gradientCriteria.has(criterion);
}

/** Begins to gather scores. Those of groups that are not in `groups` may be missing. */
export function gather(
  by: string,
  model: Module,
  criterion: Criterion,
  groups: readonly UnitGroup[],
  options: ImportanceOptions<never, never>,
): Gathering {
  const { aggregate = 'mean', generator = defaultGenerator, loss, training = false } = options;
  const common = { model, groups, aggregate, generator };
  let seen = 0;
  const some = <T>(value: T): T =>
    seen > 0 ? value : fail('data', `${by}: importance '${criterion}' needs batches, and none came.`);
  if (activationCriteria.has(criterion)) {
    const watch = new ActivationWatch(model);
    return {
      see: (batch) => {
        watch.see(batch);
        seen++;
      },
      end: () => scorer(criterion, some({ ...common, stats: watch.stats() })),
      close: () => watch.close(),
    };
  }
  if (gradientCriteria.has(criterion)) {
    if (loss === undefined) {
      return fail('argument', `${by}: importance '${criterion}' needs loss, a function (model, batch) => Tensor.`);
    }
    const kind = criterion as Exclude<GradientCriterion, 'synflow'>;
    const watch = new GradientWatch(model, kind, loss, groups, training);
    return {
      see: (batch) => {
        watch.see(batch);
        seen++;
      },
      end: () => scorer(criterion, some({ ...common, sums: watch.sums })),
      close: () => watch.close(),
    };
  }
  const sums = criterion === 'synflow' ? flow(by, model, groups, options) : undefined;
  return { see: () => {}, end: () => scorer(criterion, { ...common, sums }), close: () => {} };
}

function flow(
  by: string,
  model: Module,
  groups: readonly UnitGroup[],
  { exampleInputs }: ImportanceOptions<never, never>,
): GradientSums {
  if (exampleInputs === undefined) {
    return fail('argument', `${by}: importance 'synflow' needs exampleInputs, whose shapes the input of ones takes.`);
  }
  return synapticFlow(model, exampleInputs instanceof Tensor ? [exampleInputs] : exampleInputs, groups);
}

/** The scores of `criterion`, once what it needs is there. */
export function scorer(criterion: Criterion, context: Context): Importance {
  return (target) => {
    if (!(target instanceof Parameter)) return unitScores(criterion, target, context);
    if (unitCriteria.has(criterion)) {
      return fail('argument', `importance: '${criterion}' ranks units, not weights. Choose a granularity of units.`);
    }
    return weightScores(criterion, target, context);
  };
}

function weightScores(criterion: Criterion, weight: Parameter, context: Context): Float64Array {
  const { model, stats, sums, generator } = context;
  if (criterion === 'random') return Float64Array.from({ length: weight.numel() }, () => generator.uniform());
  if (criterion === 'activation') return carriedSignal(model, weight, stats as ReadonlyMap<string, ActivationStats>);
  if (sums !== undefined) return sums.weights(weight);
  return Float64Array.from(weight.dataSync(), Math.abs);
}

function unitScores(criterion: Criterion, group: UnitGroup, context: Context): Float64Array {
  const { aggregate, generator, sums } = context;
  if (criterion === 'random') return Float64Array.from({ length: group.units }, () => generator.uniform());
  const combine = (scores: readonly ArrayLike<number>[]): Float64Array => aggregateScores(scores, aggregate);
  if (sums !== undefined) return combine(sums.units(group));
  if (criterion === 'bnScale') return combine(scalesOf(group));
  if (criterion === 'activation') return combine(outputsOf(group, context));
  if (criterion === 'apoz') return combine(activeShares(group, context));
  const rows = makersOf(group).map((slices) => unitRows(slices, group.units));
  return combine(rows.map((units) => (criterion === 'fpgm' ? distances(units) : units.map((unit) => norm(unit)))));
}

const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((n, value) => n + value * value, 0));

/** The sum of distances of each row from all rows. */
function distances(rows: readonly (readonly number[])[]): Float64Array {
  const sums = new Float64Array(rows.length);
  rows.forEach((a, i) => {
    for (let j = i + 1; j < rows.length; j++) {
      const b = rows[j] as readonly number[];
      const distance = Math.sqrt(a.reduce((n, value, k) => n + elementary.square(value - (b[k] as number)), 0));
      sums[i] = (sums[i] as number) + distance;
      sums[j] = (sums[j] as number) + distance;
    }
  });
  return sums;
}

/** Means over each unit's places, of values that stand along the slice's dimension. */
function overPlaces({ places }: UnitSlice, values: ArrayLike<number>): Float64Array {
  return Float64Array.from(places, (at) => at.reduce((n, place) => n + (values[place] as number), 0) / at.length);
}

/** |γ| of the norms behind the units. */
function scalesOf(group: UnitGroup): Float64Array[] {
  const scales = group.slices.filter(({ role, property }) => role === 'scales' && property === 'weight');
  if (scales.length === 0) {
    fail('unsupported', `importance: no norm scales the units of '${group.name}'. Leave it out with except.`);
  }
  return scales.map((slice) => overPlaces(slice, slice.value.dataSync().map(Math.abs)));
}

/** Mean |output| of the units of each layer that makes them and whose output is known. */
function outputsOf(group: UnitGroup, { stats }: Context): Float64Array[] {
  const found = makersOf(group).flatMap(([slice]) => {
    const { path, value, dim } = slice as UnitSlice;
    const outputs = stats?.get(path)?.outputs;
    const size = value.shape[dim] as number;
    if (outputs === undefined || size % outputs.length !== 0) return [];
    // Gates of a recurrent layer stand one behind another, each with a row for every unit.
    const rows = Float64Array.from({ length: size }, (_, row) => outputs[row % outputs.length] as number);
    return [overPlaces(slice as UnitSlice, rows)];
  });
  if (found.length > 0) return found;
  return fail('argument', `Pruner: there are no activation statistics for '${group.name}'.`);
}

/** The share of activations that are not 0, of the units of each layer that reads them. */
function activeShares(group: UnitGroup, { stats }: Context): Float64Array[] {
  const found = group.slices.flatMap((slice) => {
    const active = slice.role === 'reads' ? stats?.get(slice.path)?.active : undefined;
    return active === undefined || active.length !== slice.value.shape[slice.dim] ? [] : [overPlaces(slice, active)];
  });
  if (found.length > 0) return found;
  return fail('argument', `importance: nothing that reads the units of '${group.name}' tells its activations.`);
}

/**
 * Scores of every weight and unit of `model` by one criterion: a function of a parameter, which gives the scores of its weights
 * one after another, or of a group of units. They are as of now; only 'magnitude', 'random', 'bnScale' and 'fpgm' look at the
 * weights when they are asked.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU(), new nn.Linear(3, 2));
 * const batches = [[randn([8, 4]), randn([8, 2])]];
 * const loss = (net: nn.Sequential, [x, y]: Tensor[]) => mseLoss(net.forward(x as Tensor), y as Tensor);
 * const taylor = await compress.importance(model, 'taylor', { batches, loss });
 * new compress.Pruner(model, { importance: taylor, target: { sparsity: 0.5 } }).step(); // → 0.5
 */
export async function importance<M extends Module, const B extends Batch>(
  model: M,
  criterion: Criterion,
  options: ImportanceOptions<M, B> = {},
): Promise<Importance> {
  checkCriterion('importance', criterion);
  const { exampleInputs, batches = [] } = options;
  const groups = exampleInputs === undefined ? [] : coupleUnits(model, exampleInputs).groups;
  const gathering = gather(
    'importance',
    model,
    criterion,
    groups,
    options as unknown as ImportanceOptions<never, never>,
  );
  try {
    for await (const batch of batches) gathering.see(batch);
    return byName(gathering.end(), groups);
  } finally {
    gathering.close();
  }
}

/** Scores that also know groups which were found anew, by their names. */
function byName(scores: Importance, groups: readonly UnitGroup[]): Importance {
  const known = new Map(groups.map((group) => [group.name, group]));
  return (target) => {
    if (target instanceof Parameter) return scores(target);
    const group = known.get(target.name);
    return scores(group !== undefined && group.units === target.units ? group : target);
  };
}

/** The scores as numbers, as many as there must be. */
export function scoreValues(by: string, importance: Importance, target: Parameter | UnitGroup): ArrayLike<number> {
  const given = importance(target);
  const values = given instanceof Tensor ? given.dataSync() : given;
  const [what, count] =
    target instanceof Parameter
      ? [`a parameter ${show(target.shape)}`, target.numel()]
      : [`'${target.name}'`, target.units];
  if (values?.length !== count) {
    fail('shape', `${by}: importance must give ${count} scores for ${what}, got ${values?.length}.`);
  }
  return values;
}
