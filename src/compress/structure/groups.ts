import {
  Buffer,
  Embedding,
  EmbeddingBag,
  GRU,
  GRUCell,
  Linear,
  LSTM,
  LSTMCell,
  type Module,
  MultiheadAttention,
  Parameter,
  RNN,
  RNNCell,
} from '../../nn/index.js';
import { maskOf } from '../pruning/mask.js';
import type { Links, Use } from './link.js';
import type { Graph, Value } from './trace.js';
import type { Uncoupled, UnitGroup, UnitKind, UnitSlice } from './units.js';

/** A place in a weight. */
interface Place {
  readonly holder: number;
  readonly dim: number;
  readonly place: number;
}

/** Where a weight is held: a module may hold several, and several modules one. */
interface Holder {
  readonly path: string;
  readonly module: Module;
  readonly property: string;
  readonly value: Parameter | Buffer;
  readonly traced: Value;
  readonly uses: readonly Use[];
}

/** Properties of modules that hold parameters and buffers, in the order of their use. */
function holders(model: Module, graph: Graph, links: Links): Holder[] {
  const found = model.namedModules().flatMap(([path, module]) =>
    Object.entries(module).flatMap(([property, value]: [string, unknown]): Holder[] => {
      if (!(value instanceof Parameter || value instanceof Buffer)) return [];
      const traced = graph.weights.get(value) as Value;
      const uses = links.uses.get(traced) ?? [];
      // What is used by several is used here as this module's calls say, where they say anything.
      const own = uses.filter((use) => use.path === path);
      return [{ path, module, property, value, traced, uses: own.length > 0 ? own : uses }];
    }),
  );
  const first = ({ uses }: Holder): number => Math.min(...uses.map(({ at }) => at));
  return found.sort((a, b) => (first(a) < first(b) ? -1 : Number(first(a) > first(b))));
}

/** Holds what cannot be replaced by something smaller. */
function holdUnwieldy(model: Module, graph: Graph, links: Links, all: readonly Holder[]): void {
  const held = new Set(all.map(({ value }) => value));
  for (const [name, parameter] of model.namedParameters()) {
    const value = graph.weights.get(parameter) as Value;
    if (!held.has(parameter)) {
      links.classes.holdAll(value, `its module holds ${name} in a way that lets no smaller one in`);
    } else if (parameter.constraint !== null && maskOf(parameter) === null) {
      links.classes.holdAll(value, `the values of ${name} are bound to something other than a mask`);
    }
  }
}

function kindOf(slices: readonly UnitSlice[]): UnitKind {
  const makers = slices.filter(({ role }) => role === 'makes').map(({ module }) => module);
  const some = (...types: readonly (abstract new (...args: never) => Module)[]): boolean =>
    makers.some((module) => types.some((type) => module instanceof type));
  if (some(LSTM, GRU, RNN, LSTMCell, GRUCell, RNNCell)) return 'hidden';
  if (some(MultiheadAttention)) return 'head';
  if (some(Embedding, EmbeddingBag)) return 'embedding';
  return makers[0] instanceof Linear || !makers.some((module) => 'kernelSize' in module) ? 'neuron' : 'channel';
}

/** The units of a model as its links tell them, and the layers whose units stay. */
export function groupsOf(model: Module, graph: Graph, links: Links): { groups: UnitGroup[]; uncoupled: Uncoupled[] } {
  const all = holders(model, graph, links);
  holdUnwieldy(model, graph, links, all);
  const { classes } = links;
  const units = new Map<number, Place[]>();
  all.forEach(({ traced }, holder) => {
    traced.shape?.forEach((size, dim) => {
      for (let place = 0; place < size; place++) {
        const slice = classes.slice(traced, dim, place);
        if (classes.heldBy(slice) !== null) continue;
        const root = classes.of(slice);
        const places = units.get(root) ?? [];
        units.set(root, places);
        places.push({ holder, dim, place });
      }
    });
  });
  // Units of one group stand in the same dimensions of the same weights, equally often.
  const alike = new Map<string, number[]>();
  for (const [root, places] of units) {
    const counts = new Map<string, number>();
    for (const { holder, dim } of places) counts.set(`${holder}:${dim}`, (counts.get(`${holder}:${dim}`) ?? 0) + 1);
    const key = [...counts].map(([where, count]) => `${where}:${count}`).join();
    alike.set(key, [...(alike.get(key) ?? []), root]);
  }
  const normPlaces = placesInNorms(graph, links);
  const groups = [...alike.values()].flatMap((roots): UnitGroup[] => {
    const slices = slicesOf(
      all,
      roots.map((root) => units.get(root) as Place[]),
    );
    const leader = slices.find(({ role }) => role === 'makes');
    if (leader === undefined || roots.length < 2) return [];
    const norms = [...normPlaces].flatMap(([module, byRoot]) => {
      const places = roots.map((root) => byRoot.get(root) ?? []);
      return places.some((own) => own.length > 0) ? [{ module, places }] : [];
    });
    return [{ name: leader.path, kind: kindOf(slices), units: roots.length, slices, norms }];
  });
  return { groups, uncoupled: uncoupledOf(all, links, groups) };
}

/** The slices of some units, each given by its places. */
function slicesOf(all: readonly Holder[], units: readonly (readonly Place[])[]): UnitSlice[] {
  const slices: UnitSlice[] = [];
  const wheres = new Map((units[0] ?? []).map(({ holder, dim }) => [`${holder}:${dim}`, { holder, dim }]));
  for (const { holder, dim } of wheres.values()) {
    const { path, module, property, value, uses } = all[holder] as Holder;
    const roles = new Set(uses.filter((use) => use.dim === dim).map(({ role }) => role));
    const places = units.map((own) =>
      own.filter((place) => place.holder === holder && place.dim === dim).map(({ place }) => place),
    );
    for (const role of roles) slices.push({ path, module, property, value, role, dim, places });
  }
  return slices;
}

/** Where classes stand among the features that norms tell. */
function placesInNorms({ norms }: Graph, { classes }: Links): Map<Module, Map<number, number[]>> {
  return new Map(
    [...norms].map(([module, value]) => {
      const byRoot = new Map<number, number[]>();
      for (let i = 0; i < module.numFeatures; i++) {
        const root = classes.of(classes.slice(value, 0, i));
        byRoot.set(root, [...(byRoot.get(root) ?? []), i]);
      }
      return [module, byRoot];
    }),
  );
}

/** Layers that make units of which none is in a group, with the reason. */
function uncoupledOf(all: readonly Holder[], { classes }: Links, groups: readonly UnitGroup[]): Uncoupled[] {
  const coupled = new Set(groups.flatMap(({ slices }) => slices.filter(({ role }) => role === 'makes').map(keyOf)));
  const used = new Set(all.flatMap(({ path, uses }) => (uses.length > 0 ? [path] : [])));
  const found = new Map<string, string>();
  for (const { path, property, value, traced, uses } of all) {
    if (!(value instanceof Parameter) || value.ndim < 2) continue;
    const made = uses.filter(({ role }) => role === 'makes').map(({ dim }) => dim);
    if (!used.has(path)) found.set(path, 'it is not called, or what becomes of its output is not recorded');
    for (const dim of new Set(made)) {
      if (coupled.has(keyOf({ path, property, dim })) || found.has(path)) continue;
      const size = traced.shape?.[dim] ?? 0;
      const reasons = Array.from({ length: size }, (_, i) => classes.heldBy(classes.slice(traced, dim, i)));
      const reason = size < 2 ? 'it has one unit' : reasons.find((some) => some !== null);
      found.set(path, reason ?? 'its units all go together');
    }
  }
  return Array.from(found, ([name, reason]) => ({ name, reason }));
}

function keyOf({ path, property, dim }: Pick<UnitSlice, 'path' | 'property' | 'dim'>): string {
  return `${path}:${property}:${dim}`;
}
