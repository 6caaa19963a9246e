import { GRU, LSTM, type Module, RNN } from '../../nn/index.js';
import { Classes } from './classes.js';
import { Movement } from './movement.js';
import { movesOf, slicewise } from './probe.js';
import { type Bonds, products } from './products.js';
import { isNorm } from './sizes.js';
import type { Graph, Step, Value } from './trace.js';
import type { UnitRole } from './units.js';

/** What a weight does, along one of its dimensions, in an op that `path` called. */
export interface Use {
  readonly dim: number;
  readonly role: UnitRole;
  readonly path: string;
  /** When, counted in ops. */
  readonly at: number;
}

/** Which slices of all tensors of a run go together. */
export interface Links {
  readonly classes: Classes;
  /** What weights are used for. */
  readonly uses: ReadonlyMap<Value, readonly Use[]>;
  /** For each step, the slices of inputs and outputs that it joined: one of an input, then one of an output. */
  readonly joined: ReadonlyMap<Step, readonly number[]>;
  /** Slices that are read: behind these, nothing is left of a unit but what its readers make of it. */
  readonly taps: readonly number[];
}

function described({ name, path }: Step): string {
  return path === '' ? `${name}()` : `${name}() in ${path}`;
}

/** Joins what goes together in the whole graph. */
export function link(model: Module, graph: Graph): Links {
  const linker = new Linker(graph);
  for (const source of graph.sources) linker.classes.holdAll(source, 'its units come in as inputs');
  graph.steps.forEach((step, at) => {
    linker.take(step, at);
  });
  linker.tie(model);
  for (const result of graph.results) linker.classes.holdAll(result, 'its units are what the model returns');
  return linker;
}

class Linker implements Links, Bonds {
  readonly classes: Classes;
  readonly uses = new Map<Value, Use[]>();
  readonly joined = new Map<Step, number[]>();
  readonly taps: number[] = [];
  /** Where the dimensions of what is computed from weights alone come from. */
  private readonly origins = new Map<Value, Map<number, [Value, number][]>>();
  private readonly made: ReadonlySet<Value>;
  private step: Step | null = null;
  private at = 0;
  /** Slices that the step at hand has joined with others. */
  private touched = new Set<number>();

  constructor(private readonly graph: Graph) {
    const { steps, weights, sources, norms } = graph;
    this.made = new Set(steps.flatMap(({ outputs }) => outputs));
    this.classes = new Classes([...weights.values(), ...norms.values(), ...sources, ...this.made]);
  }

  /** Joins the slices of one op. */
  take(step: Step, at: number): void {
    this.step = step;
    this.at = at;
    this.touched = new Set();
    this.joined.set(step, []);
    const { inputs, outputs } = step;
    if ([...inputs, ...outputs].some((value) => value?.shape === null)) {
      this.holdStep(step, `${described(step)} is in the way, whose result is written over`);
      return;
    }
    const product = products[step.name];
    if (product !== undefined) product(inputs, outputs, this);
    else if (inputs.every((x) => x === null || x.shape?.every((_, d) => !this.classes.isFree(x, d)))) {
      // Nothing comes in that could go, so nothing comes out either.
      this.holdStep(step, this.reasonOf(step));
      return;
    } else if (!this.move(step)) this.probe(step);
    if (product === undefined) this.markWeights(step);
    if (step.name === 'batchNorm') this.joinNorm(step);
    this.holdRest(step);
  }

  /** A norm's statistics, and the number of features it tells, belong to the channels it takes. */
  private joinNorm({ module, inputs: [x] }: Step): void {
    if (!isNorm(module)) return;
    const norm = this.graph.norms.get(module);
    const channels = x?.shape?.[1] ?? 0;
    // Instance norm takes all samples' channels side by side.
    for (let i = 0; i < channels; i++) this.join(x, 1, i, norm, 0, i % module.numFeatures);
    for (const buffer of [module.runningMean, module.runningVar]) {
      const value = buffer === null ? undefined : this.graph.weights.get(buffer);
      this.same(value, 0, norm, 0);
      this.mark(value, 0, 'scales');
    }
  }

  /** Units of the layers and directions of one recurrent module go together: the module has one size for all. */
  tie(model: Module): void {
    this.step = null;
    for (const module of model.modules()) {
      if (!(module instanceof LSTM || module instanceof GRU || module instanceof RNN)) continue;
      const named = (begin: string): Value[] =>
        module
          .namedParameters()
          .flatMap(([name, p]) => (name.startsWith(begin) ? [this.graph.weights.get(p) as Value] : []));
      const states = named('weight_hh');
      // Behind a projection, states are narrower than cells; the projection reads these.
      const cells = module.projSize > 0 ? named('weight_hr') : states;
      for (const group of new Set([states, cells])) for (const weight of group) this.same(group[0], 1, weight, 1);
    }
  }

  same(a: Value | null | undefined, dimA: number, b: Value | null | undefined, dimB: number): void {
    const [sizeA, sizeB] = [a?.shape?.[dimA] ?? Infinity, b?.shape?.[dimB] ?? Infinity];
    const size = Math.min(sizeA, sizeB);
    if (Number.isFinite(size)) for (let i = 0; i < size; i++) this.join(a, dimA, i, b, dimB, i);
  }

  join(
    a: Value | null | undefined,
    dimA: number,
    i: number,
    b: Value | null | undefined,
    dimB: number,
    j: number,
  ): void {
    // What meets a tensor that no gradient reaches is not left out for that.
    if (!a && b) this.touched.add(this.classes.slice(b, dimB, j));
    if (!b && a) this.touched.add(this.classes.slice(a, dimA, i));
    if (!a || !b) return;
    const [from, to] = [this.classes.slice(a, dimA, i), this.classes.slice(b, dimB, j)];
    this.classes.join(from, to);
    if (this.step === null) return;
    this.touched.add(from).add(to);
    const { inputs, outputs } = this.step;
    const isForward = outputs.includes(b);
    if (isForward !== outputs.includes(a)) {
      this.joined.get(this.step)?.push(...(isForward ? [from, to] : [to, from]));
      const [source, dimS, result, dimR] = isForward ? [a, dimA, b, dimB] : [b, dimB, a, dimA];
      if (result.isWeight && inputs.includes(source)) this.remember(source, dimS, result, dimR);
    }
  }

  /** Notes that dimension `to` of what is computed from weights alone is dimension `from` of `source`. */
  private remember(source: Value, from: number, result: Value, to: number): void {
    const known = this.origins.get(result) ?? new Map<number, [Value, number][]>();
    this.origins.set(result, known);
    const places = known.get(to) ?? [];
    known.set(to, places);
    if (!places.some(([value, dim]) => value === source && dim === from)) places.push([source, from]);
  }

  mark(value: Value | null | undefined, dim: number, role: UnitRole): void {
    if (!value?.isWeight) return;
    if (this.made.has(value)) {
      for (const [source, from] of this.origins.get(value)?.get(dim) ?? []) this.mark(source, from, role);
      return;
    }
    const uses = this.uses.get(value) ?? [];
    this.uses.set(value, uses);
    uses.push({ dim, role, path: this.step?.path ?? '', at: this.at });
  }

  reads(value: Value | null | undefined, dim: number): void {
    if (!value) return;
    // Where no factor is a weight, no mask can keep a unit from being read.
    const hasWeight = this.step?.inputs.some((x) => x?.isWeight) ?? false;
    for (let i = 0; i < (value.shape?.[dim] ?? 0); i++) this.tap(this.classes.slice(value, dim, i), !hasWeight);
  }

  hold(value: Value | null | undefined, dim: number, reason: string): void {
    if (value) this.classes.holdAll(value, reason, [dim]);
  }

  private tap(slice: number, isReduced: boolean): void {
    this.taps.push(slice);
    if (isReduced) this.classes.markReduced(slice);
  }

  /** Weights that meet other tensors outside of products scale or shift them; those that stand beside them are units' values. */
  private markWeights(step: Step): void {
    if (step.outputs.every(({ isWeight }) => isWeight)) return;
    const role = step.name === 'cat' ? 'makes' : 'scales';
    for (const x of step.inputs) {
      if (!x?.isWeight) continue;
      x.shape?.forEach((_, d) => {
        if (this.isTouched(x, d)) this.mark(x, d, role);
      });
    }
  }

  private isTouched(value: Value, dim: number): boolean {
    const size = value.shape?.[dim] ?? 0;
    for (let i = 0; i < size; i++) if (this.touched.has(this.classes.slice(value, dim, i))) return true;
    return false;
  }

  /** Why slices of a step's inputs stay. */
  private reasonOf(step: Step): string {
    for (const x of step.inputs) {
      for (let d = (x?.shape?.length ?? 0) - 1; x !== null && d >= 0; d--) {
        const reason = (x.shape?.[d] ?? 0) > 1 ? this.classes.heldBy(this.classes.slice(x, d, 0)) : null;
        if (reason !== null) return reason;
      }
    }
    return `${described(step)} makes its units of nothing that can be followed`;
  }

  private holdStep(step: Step, reason: string): void {
    for (const value of [...step.inputs, ...step.outputs]) if (value !== null) this.classes.holdAll(value, reason);
  }

  /** Holds what a step did not join with anything. */
  private holdRest(step: Step): void {
    const across = `${described(step)} works across its units`;
    for (const x of step.inputs) {
      x?.shape?.forEach((size, d) => {
        if (this.isTouched(x, d)) return;
        if (step.name !== 'sum') return this.classes.holdAll(x, across, [d]);
        // Zeros add nothing to a sum.
        for (let i = 0; i < size; i++) this.tap(this.classes.slice(x, d, i), true);
      });
    }
    for (const y of step.outputs) {
      y.shape?.forEach((size, d) => {
        const isKnown = this.isTouched(y, d);
        // A dimension that is stretched becomes as long as whoever it meets.
        if (!isKnown && step.name === 'expand') return;
        for (let i = 0; i < size; i++) {
          const slice = this.classes.slice(y, d, i);
          if (!this.touched.has(slice)) {
            this.classes.hold(slice, isKnown ? `${described(step)} puts a fixed number beside its units` : across);
          }
        }
      });
    }
  }

  /** Joins what an op moves from place to place; false for an op that does anything else. */
  private move(step: Step): boolean {
    const moves = movesOf(step);
    if (moves === null) return false;
    const all = moves.map((transfer) => new Movement(transfer));
    if (!all.every((movement) => movement.isWhole)) return false;
    for (const movement of all) {
      for (const [from, to] of movement.pairsOfDims(this.classes)) {
        for (const [i, j] of movement.places(from, to)) this.join(movement.x, from, i, movement.y, to, j);
      }
    }
    return true;
  }

  /** Joins the dimensions along which an op works slice by slice. */
  private probe(step: Step): void {
    const found = slicewise(step, ({ input, from }) => this.classes.isFree(step.inputs[input] as Value, from));
    for (const { input, from, output, to } of found) this.same(step.inputs[input], from, step.outputs[output], to);
  }
}
