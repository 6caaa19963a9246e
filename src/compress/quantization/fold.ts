import { noGrad } from '../../autograd/index.js';
import { scope } from '../../core/scoping.js';
import {
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  cloneModule,
  Identity,
  Linear,
  type Module,
  Parameter,
  Sequential,
} from '../../nn/index.js';
import { add, copy_, mul, reshape, tensor } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { disposeUnused, type Runnable, swap } from './convert.js';

/**
 * Batch norms that go into the layer before them: in evaluation they are a factor and a shift for each output unit. In a
 * Sequential the layer before is known. Elsewhere it is seen by running the model: the norm takes the very tensor that the
 * layer gave. That nothing else takes it is checked by folding a copy, whose statistics are far from 0 and 1, and comparing
 * what comes out.
 */

export type Norm = BatchNorm1d | BatchNorm2d;
/** A layer that a norm can go into. */
export type Foldable = Linear | Conv2d;

/** The names of a layer and of the batch norm behind it. */
export type NormPair = readonly [layer: string, norm: string];

function fits(layer: Module | undefined, norm: Module | undefined): boolean {
  if (norm === undefined || layer === undefined) return false;
  if (norm.constructor === BatchNorm2d)
    return layer instanceof Conv2d && (norm as BatchNorm2d).numFeatures === layer.outChannels;
  return (
    norm.constructor === BatchNorm1d &&
    layer instanceof Linear &&
    (norm as BatchNorm1d).numFeatures === layer.outFeatures
  );
}

function isTracking(norm: Norm): boolean {
  return norm.runningMean !== null;
}

/** How many places each module has in `model`. */
function places(model: Module): Map<Module, number> {
  const counts = new Map<Module, number>();
  for (const [, module] of model.namedModules({ removeDuplicate: false }))
    counts.set(module, (counts.get(module) ?? 0) + 1);
  return counts;
}

/** The pairs that stand side by side in a Sequential. A layer with several places may have several norms, and has none here. */
function besides(model: Module): NormPair[] {
  const counts = places(model);
  return model.namedModules().flatMap(([path, module]): NormPair[] => {
    if (!(module instanceof Sequential)) return [];
    const steps = module.namedChildren({ removeDuplicate: false });
    return steps.flatMap(([name, layer], i): NormPair[] => {
      const [next, norm] = steps[i + 1] ?? [];
      if (next === undefined || !fits(layer, norm) || counts.get(layer) !== 1 || counts.get(norm as Module) !== 1)
        return [];
      const prefix = path === '' ? '' : `${path}.`;
      return isTracking(norm as Norm) ? [[`${prefix}${name}`, `${prefix}${next}`]] : [];
    });
  });
}

/** The pairs in which a norm takes what a layer gave, both called once as `x` runs through `model`. */
function traced(model: Runnable, x: Tensor): NormPair[] {
  const gave = new Map<Tensor, string>();
  const calls = new Map<string, number>();
  const found: NormPair[] = [];
  const once = (name: string): void => void calls.set(name, (calls.get(name) ?? 0) + 1);
  const handles = model.namedModules().flatMap(([name, module]) => {
    const type: unknown = module.constructor;
    if (type === Linear || type === Conv2d) {
      return [
        module.registerForwardHook((_, __, y) => {
          once(name);
          gave.set(y, name);
          return undefined;
        }),
      ];
    }
    if (!(module instanceof BatchNorm1d || module instanceof BatchNorm2d) || !isTracking(module)) return [];
    return [
      module.registerForwardHook((_, given) => {
        once(name);
        const layer = gave.get(given[0] as Tensor);
        if (layer !== undefined && fits(model.getSubmodule(layer), module)) found.push([layer, name]);
        return undefined;
      }),
    ];
  });
  try {
    scope(() => void noGrad(() => model.forward(x)));
  } finally {
    for (const handle of handles) handle.remove();
  }
  const whose = (layer: string): number => found.filter(([other]) => other === layer).length;
  return found.filter(([layer, norm]) => calls.get(layer) === 1 && calls.get(norm) === 1 && whose(layer) === 1);
}

/** Gives all batch norms of `model` statistics that are far from doing nothing, the same each time. */
function unsettle(model: Module): void {
  const wave = (n: number, centre: number, phase: number): Tensor =>
    tensor(Float32Array.from({ length: n }, (_, i) => centre + 0.4 * Math.sin(i + phase)));
  noGrad(() =>
    scope(() => {
      for (const module of model.modules()) {
        if (!(module instanceof BatchNorm1d || module instanceof BatchNorm2d)) continue;
        const { runningMean, runningVar, weight, bias, numFeatures: n } = module;
        if (runningMean !== null) copy_(runningMean, wave(n, 0.2, 1));
        if (runningVar !== null) copy_(runningVar, wave(n, 0.8, 2));
        if (weight !== null) copy_(weight, wave(n, 0.9, 3));
        if (bias !== null) copy_(bias, wave(n, 0.1, 4));
      }
    }),
  );
}

/** What comes out of `model` for `x`, flat; numbers of several outputs one after another, none of what is no tensor. */
function outcome(model: Runnable, x: Tensor): number[] {
  return scope(() => {
    const y: unknown = noGrad(() => model.forward(x));
    const all: readonly unknown[] = Array.isArray(y) ? y : [y];
    return all.flatMap((t) => (t instanceof Tensor ? [...t.dataSync()] : []));
  });
}

/** Whether folding `pairs` leaves what a model computes as it was. */
function holds(unsettled: Runnable, pairs: readonly NormPair[], expected: readonly number[], x: Tensor): boolean {
  const folded = cloneModule(unsettled);
  try {
    foldNorms(folded, pairs);
    const got = outcome(folded, x);
    const top = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    return got.length === expected.length && got.every((v, i) => Math.abs(v - (expected[i] as number)) <= 1e-3 * top);
  } finally {
    folded.dispose();
  }
}

/** The batch norms of `model` that can go into a layer; outside of Sequentials, those that an input `x` shows. */
export function normPairs(model: Runnable, x: Tensor | null): NormPair[] {
  const sure = besides(model);
  if (x === null) return sure;
  const known = new Set(sure.flat());
  const probe = cloneModule(model).eval();
  try {
    unsettle(probe);
    const candidates = traced(probe, x).filter((pair) => !pair.some((name) => known.has(name)));
    if (candidates.length === 0) return sure;
    const expected = outcome(probe, x);
    // Nothing to compare proves nothing.
    if (expected.length === 0) return sure;
    if (holds(probe, candidates, expected, x)) return [...sure, ...candidates];
    return [...sure, ...candidates.filter((pair) => holds(probe, [pair], expected, x))];
  } finally {
    probe.dispose();
  }
}

/** Factor and shift of a norm for each output unit of a layer, folded: the weight and the bias it comes to. */
export function foldedWeights(layer: Foldable, norm: Norm): { readonly weight: Tensor; readonly bias: Tensor } | null {
  const affine = norm.asAffine();
  if (affine === null) return null;
  const { scale, shift } = affine;
  const perUnit = reshape(scale, [-1, ...layer.weight.shape.slice(1).map(() => 1)]);
  return {
    weight: mul(layer.weight, perUnit),
    bias: layer.bias === null ? shift : add(mul(layer.bias, scale), shift),
  };
}

/** Folds the norms of `pairs` into their layers, in place; an Identity stands where a norm stood. */
export function foldNorms(model: Module, pairs: readonly NormPair[]): void {
  const gone: Module[] = [];
  for (const [layerName, normName] of pairs) {
    const layer = model.getSubmodule(layerName) as Foldable;
    const norm = model.getSubmodule(normName) as Norm;
    const [weight, bias] = noGrad(() =>
      scope((): [Tensor, Tensor] => {
        const folded = foldedWeights(layer, norm);
        return folded === null ? [layer.weight, layer.weight] : [folded.weight, folded.bias];
      }),
    );
    if (weight === layer.weight) continue;
    // Of its own: the weight may be another layer's, too.
    const before = { weight: layer.weight, bias: layer.bias };
    layer.weight = new Parameter(weight, layer.weight.requiresGrad);
    layer.bias = new Parameter(bias, layer.weight.requiresGrad);
    const used = new Set<Tensor>(model.parameters());
    for (const old of [before.weight, before.bias]) if (old !== null && !used.has(old)) old.dispose();
    swap('quantize', model, norm, new Identity());
    gone.push(norm);
  }
  disposeUnused(model, gone);
}
