import type { Module } from '../../nn/index.js';
import { agree, calmly, type ExampleInputs, outputsOf } from './calm.js';
import { type Change, cut, type Goners, zeroed } from './cut.js';
import { readByWeights, silentUnits } from './dead.js';
import { groupsOf } from './groups.js';
import { link } from './link.js';
import { traced } from './trace.js';
import type { Uncoupled, UnitGroup } from './units.js';

/** The groups of units of `model` that can be removed together, and the layers whose units cannot, with the reason. */
export function coupleUnits(
  model: Module,
  exampleInputs: ExampleInputs,
): { groups: UnitGroup[]; uncoupled: Uncoupled[] } {
  const { groups, uncoupled } = calmly(model, () => couple(model, exampleInputs));
  return { groups, uncoupled };
}

interface Coupled {
  readonly groups: UnitGroup[];
  readonly uncoupled: Uncoupled[];
  /** For each group, units that are zero whatever comes in. */
  readonly silent: readonly ReadonlySet<number>[];
  /** For each group, whether a unit that no weight reads is not read at all. */
  readonly isReadByWeights: readonly boolean[];
}

/** The same, with what a run tells about the units; the model is in evaluation mode. */
export function couple(model: Module, exampleInputs: ExampleInputs): Coupled {
  const { found, silent, isReadByWeights } = traced(model, exampleInputs, (graph) => {
    const links = link(model, graph);
    const found = groupsOf(model, graph, links);
    return {
      found,
      silent: silentUnits(graph, links, found.groups),
      isReadByWeights: readByWeights(graph, links, found.groups),
    };
  });
  const reasons = found.groups.map((group) => whyNot(model, exampleInputs, group));
  const isSound = (_: unknown, g: number): boolean => reasons[g] === null;
  const refused = found.groups.flatMap(({ name }, g) => {
    const reason = reasons[g] ?? null;
    return reason === null ? [] : [{ name, reason }];
  });
  const order = model.namedModules().map(([name]) => name);
  return {
    groups: found.groups.filter(isSound),
    uncoupled: [...found.uncoupled, ...refused].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
    silent: silent.filter(isSound),
    isReadByWeights: isReadByWeights.filter(isSound),
  };
}

/**
 * Why the units of a group cannot go, found by trying it with one of them: without it the model must give what it gives when
 * everything that belongs to the unit is zero. So a forward that counts on a size shows itself before anybody prunes.
 */
function whyNot(model: Module, exampleInputs: ExampleInputs, group: UnitGroup): string | null {
  const goners: Goners = new Map([[group, new Set([group.units >> 1])]]);
  const after = (change: Change): Float64Array[] => {
    try {
      return outputsOf(model, exampleInputs);
    } finally {
      change.undo();
    }
  };
  try {
    const silent = after(zeroed(model, goners));
    const smaller = after(cut(model, goners));
    return agree(silent, smaller) ? null : 'without one of its units the model gives something else';
  } catch (error) {
    return `without one of its units the model fails: ${(error as Error).message}`;
  }
}
