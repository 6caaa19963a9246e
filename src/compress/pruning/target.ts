import { fail } from '../../core/errors.js';
import { cloneModule, type Module, MultiheadAttention, type Parameter } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';
import { countModel } from '../counting.js';
import { coupleUnits } from '../structure/couple.js';
import { shrink } from '../structure/shrink.js';
import { silence, type UnitGroup } from '../structure/units.js';
import type { Field } from './fields.js';
import { copyMasks, maskOf } from './mask.js';
import { places } from './rank.js';

/** What a Pruner is to reach: one of these. */
export interface PrunerTarget {
  /** Share of weights, blocks or units to remove in the end, in [0, 1). */
  readonly sparsity?: number;
  /** How many parameters may be left, biases and norms included; below 1 a share of those there are. */
  readonly parameters?: number;
  /** How many multiply-adds may be left in one pass over `exampleInputs`; below 1 a share of those there are. */
  readonly flops?: number;
  /** Median milliseconds that one pass over `exampleInputs` may take, once units are removed by `shrink`. */
  readonly latency?: number;
}

const KINDS = ['sparsity', 'parameters', 'flops', 'latency'] as const;
export type TargetKind = (typeof KINDS)[number];

export function readTarget(target: PrunerTarget | undefined): { kind: TargetKind; limit: number } {
  const given = KINDS.filter((kind) => target?.[kind] !== undefined);
  const [kind] = given;
  const limit = kind === undefined ? NaN : (target?.[kind] as number);
  const isRight = kind === 'sparsity' ? limit >= 0 && limit < 1 : limit > 0 && Number.isFinite(limit);
  if (given.length === 1 && isRight) return { kind: kind as TargetKind, limit };
  return fail(
    'argument',
    'Pruner: target must be { sparsity } with a share in [0, 1), or { parameters }, { flops } or { latency } with a number ' +
      `above 0, got ${JSON.stringify(target)}.`,
  );
}

/** What a model would cost once pieces are chosen. */
export type Cost = (fields: readonly Field[], chosen: readonly Uint8Array[]) => number;

export interface CostOptions {
  readonly model: Module;
  readonly exampleInputs: Tensor | readonly Tensor[] | undefined;
  /** Milliseconds that a model takes. */
  readonly measure: (model: Module) => number;
}

/** The cost that a kind of target limits, and what it is now. */
export function costOf(kind: Exclude<TargetKind, 'sparsity'>, isStructured: boolean, options: CostOptions): Cost {
  const { model } = options;
  const inputs = options.exampleInputs as Tensor | readonly Tensor[];
  if (kind === 'latency') return (fields, chosen) => latencyAfter(fields, chosen, options, inputs);
  const count = kind === 'flops' ? countModel(model, inputs) : null;
  const usesOf = (p: Parameter): number => (count === null ? 1 : (count.uses.get(p) ?? 0));
  const parameters = model.parameters();
  if (!isStructured) {
    return (fields, chosen) => {
      const fielded = new Map(fields.map((field, f) => [field.of, field.weightsIn(chosen[f] as Uint8Array)]));
      const between = count?.layers.reduce((n, layer) => n + layer.between, 0) ?? 0;
      return parameters.reduce((n, p) => n + usesOf(p) * (p.numel() - (fielded.get(p) ?? maskedIn(p))), between);
    };
  }
  const modules = new Map(model.namedModules().map(([name, module]) => [name, module]));
  return (fields, chosen) => {
    const groups = fields.map((field) => field.of as UnitGroup);
    const shares = keptShares(groups, chosen);
    const heads = new Map<Module, number>();
    groups.forEach((group, g) => {
      const leader = group.kind === 'head' ? modules.get(group.name) : undefined;
      if (leader instanceof MultiheadAttention) heads.set(leader, 1 - share(chosen[g] as Uint8Array));
    });
    const between =
      count?.layers.reduce((n, { name, between: all }) => n + all * (heads.get(modules.get(name) as Module) ?? 1), 0) ??
      0;
    return parameters.reduce((n, p) => n + usesOf(p) * Math.round(p.numel() * (shares.get(p) ?? 1)), between);
  };
}

function maskedIn(parameter: Parameter): number {
  let count = 0;
  for (const keep of maskOf(parameter)?.dataSync() ?? []) if (keep === 0) count++;
  return count;
}

const share = (chosen: Uint8Array): number => chosen.reduce((n, flag) => n + flag, 0) / Math.max(1, chosen.length);

/** The share of each tensor that stays: the product, over its dimensions, of the share of places that no unit leaves. */
function keptShares(groups: readonly UnitGroup[], chosen: readonly Uint8Array[]): Map<unknown, number> {
  const removed = new Map<unknown, Map<number, number>>();
  groups.forEach((group, g) => {
    for (const { value, dim, places: where } of group.slices) {
      const dims = removed.get(value) ?? new Map<number, number>();
      removed.set(value, dims);
      const count = where.reduce((n, at, unit) => n + (chosen[g]?.[unit] === 1 ? at.length : 0), 0);
      dims.set(dim, (dims.get(dim) ?? 0) + count);
    }
  });
  return new Map(
    [...removed].map(([value, dims]) => {
      const { shape } = value as Tensor;
      const kept = [...dims].reduce((n, [dim, count]) => n * (1 - count / Math.max(1, shape[dim] as number)), 1);
      return [value, kept];
    }),
  );
}

/** The time of a copy that has lost the chosen units. */
function latencyAfter(
  fields: readonly Field[],
  chosen: readonly Uint8Array[],
  { model, measure }: CostOptions,
  inputs: Tensor | readonly Tensor[],
): number {
  const copy = cloneModule(model);
  try {
    copyMasks(model, copy);
    const own = new Map(coupleUnits(copy, inputs).groups.map((group) => [group.name, group]));
    fields.forEach(({ name }, f) => {
      const flags = chosen[f] as Uint8Array;
      silence(own.get(name) as UnitGroup, new Set(places(flags.length, (unit) => flags[unit] === 1)));
    });
    shrink(copy, inputs);
    return measure(copy.eval());
  } finally {
    copy.dispose();
  }
}

/**
 * The smallest whole number in [0, most] at which `cost`, which falls, is at most `limit`; null if it is above even at `most`.
 * Costs that fall evenly are found by the first guesses, others by halving.
 */
export function firstBelow(most: number, cost: (n: number) => number, limit: number): number | null {
  let [low, high] = [0, most];
  let [costLow, costHigh] = [cost(low), cost(high)];
  if (costHigh > limit) return null;
  if (costLow <= limit) return 0;
  for (let tries = 0; high - low > 1; tries++) {
    const even = Math.ceil(low + ((costLow - limit) / (costLow - costHigh)) * (high - low));
    // Every other guess is one short of it, so that the answer is held from both sides.
    const guess = tries < 4 ? even - (tries % 2) : Math.floor((low + high) / 2);
    const at = Math.min(high - 1, Math.max(low + 1, guess));
    const found = cost(at);
    if (found <= limit) [high, costHigh] = [at, found];
    else [low, costLow] = [at, found];
  }
  return high;
}
