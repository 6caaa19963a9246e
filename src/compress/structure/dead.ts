import { Parameter } from '../../nn/index.js';
import type { Links } from './link.js';
import { silentSlices } from './silent.js';
import type { Graph, Value } from './trace.js';
import { erase, placesOf, type UnitGroup } from './units.js';

/** Units that reach nothing. */

/** For each group, the units that are zero wherever somebody reads them, whatever comes in. */
export function silentUnits(graph: Graph, links: Links, groups: readonly UnitGroup[]): Set<number>[] {
  const { classes } = links;
  const silent = silentSlices(graph, links);
  const tapped = new Map<number, boolean>();
  for (const slice of links.taps) {
    const root = classes.of(slice);
    tapped.set(root, (tapped.get(root) ?? true) && silent[slice] === 1);
  }
  return groups.map(
    (group) => new Set(unitsWhere(group, (unit) => tapped.get(rootOf(graph, links, group, unit)) ?? false)),
  );
}

/** For each group, whether its units are read by weights alone, so that those say whether they are read at all. */
export function readByWeights(graph: Graph, links: Links, groups: readonly UnitGroup[]): boolean[] {
  return groups.map((group) => !links.classes.isReduced(rootOf(graph, links, group, 0)));
}

function unitsWhere({ units }: UnitGroup, test: (unit: number) => boolean): number[] {
  return Array.from({ length: units }, (_, unit) => unit).filter(test);
}

function rootOf(graph: Graph, { classes }: Links, { slices: [slice] }: UnitGroup, unit: number): number {
  if (slice === undefined) return -1;
  const value = graph.weights.get(slice.value) as Value;
  return classes.of(classes.slice(value, slice.dim, slice.places[unit]?.[0] as number));
}

/**
 * Adds, to the units that are silent, those that nobody reads: every weight that would is zero, or belongs to a unit that goes
 * itself. One unit of every group stays, even where all are dead, since a layer of no units computes nothing that can be trained.
 */
export function deadUnits(
  groups: readonly UnitGroup[],
  silent: readonly ReadonlySet<number>[],
  isReadByWeights: readonly boolean[],
): Map<UnitGroup, Set<number>> {
  const values = new Map<Parameter, Float32Array>();
  for (const { slices } of groups) {
    for (const { value } of slices) {
      if (value instanceof Parameter && !values.has(value)) values.set(value, value.dataSync() as Float32Array);
    }
  }
  /** Whether all that the unit has in slices of its group's readers is zero. */
  const isUnread = (group: UnitGroup, unit: number): boolean => {
    const readers = group.slices.filter(({ role }) => role === 'reads');
    return (
      readers.length > 0 &&
      readers.every((slice) => {
        const held = values.get(slice.value as Parameter) as Float32Array;
        return areZero(held, slice.value.shape, slice.dim, placesOf(slice, [unit]));
      })
    );
  };
  const silence = (group: UnitGroup, unit: number): void => {
    for (const slice of group.slices) {
      const held = values.get(slice.value as Parameter);
      if (held !== undefined) erase(held, slice.value.shape, slice.dim, placesOf(slice, [unit]));
    }
  };
  const dead = groups.map(() => new Set<number>());
  groups.forEach((group, g) => {
    for (const unit of silent[g] ?? []) {
      dead[g]?.add(unit);
      silence(group, unit);
    }
  });
  for (let found = true; found; ) {
    found = false;
    groups.forEach((group, g) => {
      const own = dead[g] as Set<number>;
      if (!isReadByWeights[g]) return;
      for (let unit = 0; unit < group.units; unit++) {
        if (own.has(unit) || !isUnread(group, unit)) continue;
        own.add(unit);
        silence(group, unit);
        found = true;
      }
    });
  }
  return new Map(
    groups.map((group, g) => {
      const own = dead[g] as Set<number>;
      if (own.size === group.units) own.delete(0);
      return [group, own];
    }),
  );
}

/** How many units of a group are made by nothing but zeros and are not among the `dead`: something behind them speaks. */
export function countSpeaking({ units, slices }: UnitGroup, dead: ReadonlySet<number>): number {
  const makers = slices
    .filter(({ role, value }) => role === 'makes' && value instanceof Parameter)
    .map((slice) => ({ slice, held: slice.value.dataSync() as Float32Array }));
  return Array.from({ length: units }, (_, unit) => unit).filter(
    (unit) =>
      !dead.has(unit) &&
      makers.every(({ slice, held }) => areZero(held, slice.value.shape, slice.dim, placesOf(slice, [unit]))),
  ).length;
}

function areZero(values: Float32Array, shape: readonly number[], dim: number, places: ReadonlySet<number>): boolean {
  const size = shape[dim] as number;
  const inner = shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  for (let begin = 0; begin < values.length; begin += size * inner) {
    for (const place of places) {
      for (let k = 0; k < inner; k++) if (values[begin + place * inner + k] !== 0) return false;
    }
  }
  return true;
}
