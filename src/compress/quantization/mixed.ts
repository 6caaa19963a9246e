import { fail } from '../../core/errors.js';
import { cloneModule, Embedding, type Module } from '../../nn/index.js';
import type { Batches } from './batches.js';
import {
  converted,
  type FloatLayer,
  integerLayer,
  type Runnable,
  reasonNotToMultiply,
  storedLayer,
  swap,
} from './convert.js';
import { foldNorms, normPairs } from './fold.js';
import { type ObserverName, observerOf } from './observer.js';
import type { Observer } from './observing.js';
import { integerWeights, layersOf, observe, peek, TABLE } from './quantize.js';
import { bytesOf } from './report.js';

/** A layer's form, from the widest to the narrowest. */
const FORMATS = ['float32', 'float16', 'int8', 'int4'] as const;
export type LayerFormat = (typeof FORMATS)[number];

export interface MixedOptions<M extends Module> {
  /** Batches of inputs, or of inputs and labels, that show the ranges of activations. */
  readonly calibration: Batches;
  /** How good a model is, on data of its own: the higher the better. */
  readonly evaluate: (model: M) => number | Promise<number>;
  /** What `evaluate` may fall by; the model becomes as small as that allows. Default 0.01, where `bytes` is not given. */
  readonly maxDrop?: number;
  /** What the model may weigh; it becomes as good as that allows. */
  readonly bytes?: number;
  /** How the range of activations is found. Default 'histogram'. */
  readonly observer?: ObserverName;
  /** Names of layers, or of modules that hold them, to leave as they are. */
  readonly skip?: readonly string[];
}

/** What was measured of a layer in one form, all others being float32. */
export interface FormatTrial {
  readonly format: LayerFormat;
  readonly bytes: number;
  /** By how much `evaluate` fell. */
  readonly drop: number;
}

export interface MixedReport<M extends Module> {
  /** The quantized copy. */
  readonly model: M;
  readonly layers: readonly {
    readonly name: string;
    readonly format: LayerFormat;
    readonly trials: readonly FormatTrial[];
  }[];
  /** What `evaluate` gave before and gives now. */
  readonly scoreBefore: number;
  readonly score: number;
  readonly bytesBefore: number;
  readonly bytes: number;
}

type Choice = ReadonlyMap<string, LayerFormat>;

/** A copy of `base` in which each layer has the form that was chosen. */
function build<M extends Runnable>(base: M, choice: Choice, ranges: ReadonlyMap<string, Observer>): M {
  return converted(base, (copy, gone) => {
    let root = copy;
    for (const [name, layer] of layersOf('quantize.mixed', copy)) {
      const format = choice.get(name) ?? 'float32';
      if (format === 'float32') continue;
      root = swap('quantize.mixed', root, layer, layerAs(name, layer, format, ranges.get(name)));
      gone.push(layer);
    }
    return root;
  });
}

function layerAs(name: string, layer: FloatLayer, format: LayerFormat, range: Observer | undefined): Module {
  if (format === 'int8') {
    if (layer instanceof Embedding) return storedLayer(name, layer, TABLE);
    if (range !== undefined && reasonNotToMultiply(layer) === null)
      return integerLayer(layer, integerWeights(name, layer, true), range.affine());
  }
  return storedLayer(name, layer, { dtype: format as 'int8', groupSize: 32, symmetric: false });
}

/** A step from one form of a layer to a narrower one. */
interface Move {
  readonly name: string;
  readonly to: FormatTrial;
  readonly saved: number;
  readonly cost: number;
}

/** The steps in the order in which they pay: most bytes for what they cost. Each layer's go from wide to narrow. */
function order(trials: ReadonlyMap<string, readonly FormatTrial[]>, cheapest: number): Move[] {
  const now = new Map([...trials].map(([name, list]) => [name, list[0] as FormatTrial]));
  const moves: Move[] = [];
  for (;;) {
    const next = [...trials].flatMap(([name, list]) =>
      list.flatMap((to): Move[] => {
        const from = now.get(name) as FormatTrial;
        const saved = from.bytes - to.bytes;
        return saved > 0 ? [{ name, to, saved, cost: Math.max(0, to.drop) - Math.max(0, from.drop) }] : [];
      }),
    );
    if (next.length === 0) return moves;
    const worth = ({ saved, cost }: Move): number => saved / Math.max(cost, cheapest);
    const best = next.reduce((a, b) => (worth(b) > worth(a) ? b : a));
    moves.push(best);
    now.set(best.name, best.to);
  }
}

/**
 * Chooses for each layer among float32, float16, int8 and int4 by what was measured: each layer is tried in each form alone, and
 * the forms that save most bytes for what they cost are taken, as long as the whole model, measured too, stays within
 * `maxDrop`, or until it is as small as `bytes`. `evaluate` is called three times a layer and some times more.
 */
export async function mixed<M extends Runnable>(model: M, options: MixedOptions<M>): Promise<MixedReport<M>> {
  const by = 'quantize.mixed';
  const { calibration, evaluate, bytes: limit = null, observer = 'histogram', skip = [] } = options;
  const { maxDrop = limit === null ? 0.01 : Infinity } = options;
  if (typeof evaluate !== 'function')
    fail('argument', `${by}: evaluate must be a function of the model that gives a number.`);
  if (!(maxDrop >= 0)) fail('argument', `${by}: maxDrop must be a number ≥ 0, got ${String(maxDrop)}.`);
  const make = observerOf(by, observer, {});
  const { first, all } = await peek(by, calibration);
  const base = cloneModule(model).eval();
  const score = async (m: M): Promise<number> => {
    const value = await evaluate(m);
    return Number.isFinite(value) ? value : fail('data', `${by}: evaluate gave ${value}.`);
  };
  let chosen: M | null = null;
  try {
    if (first !== null) foldNorms(base, normPairs(base, first));
    const layers = layersOf(by, base, skip);
    const ranges = await observe(by, base, layers, all, make);
    const scoreBefore = await score(base);
    const tryOut = async (choice: Choice): Promise<{ bytes: number; score: number }> => {
      const made = build(base, choice, ranges);
      try {
        return { bytes: bytesOf(made), score: await score(made) };
      } finally {
        made.dispose();
      }
    };
    const bytesBase = bytesOf(base);
    const trials = new Map<string, FormatTrial[]>();
    for (const [name] of layers) {
      const list: FormatTrial[] = [{ format: 'float32', bytes: 0, drop: 0 }];
      for (const format of FORMATS.slice(1)) {
        const { bytes, score: got } = await tryOut(new Map([[name, format]]));
        list.push({ format, bytes: bytes - bytesBase, drop: scoreBefore - got });
      }
      trials.set(name, list);
    }
    const choice = new Map<string, LayerFormat>();
    const taken: { move: Move; before: LayerFormat }[] = [];
    let [size, drop] = [bytesBase, 0];
    for (const move of order(trials, Math.max(1e-6, Math.abs(scoreBefore) * 1e-6))) {
      if (limit !== null && size <= limit) break;
      if (drop + move.cost > maxDrop) continue;
      taken.push({ move, before: choice.get(move.name) ?? 'float32' });
      choice.set(move.name, move.to.format);
      size -= move.saved;
      drop += move.cost;
    }
    if (limit !== null && size > limit) {
      fail(
        'argument',
        `${by}: the model cannot be smaller than ${size} bytes within a drop of ${maxDrop}, and ${limit} were wanted.`,
      );
    }
    // What layers cost one by one need not add up: steps are taken back, the last first, until what is measured holds.
    let now = await tryOut(choice);
    while (scoreBefore - now.score > maxDrop && taken.length > 0) {
      const { move, before } = taken.pop() as (typeof taken)[number];
      choice.set(move.name, before);
      now = await tryOut(choice);
    }
    chosen = build(base, choice, ranges);
    return {
      model: chosen,
      layers: layers.map(([name]) => ({
        name,
        format: choice.get(name) ?? 'float32',
        trials: (trials.get(name) as FormatTrial[]).map((t) => ({ ...t, bytes: t.bytes })),
      })),
      scoreBefore,
      score: now.score,
      bytesBefore: bytesOf(model),
      bytes: now.bytes,
    };
  } finally {
    base.dispose();
  }
}
