import { noGrad } from '../../autograd/index.js';
import { traits } from '../../core/dtype.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import {
  BatchNorm1d,
  BatchNorm2d,
  type Conv2d,
  Embedding,
  Identity,
  type Linear,
  type Module,
} from '../../nn/index.js';
import { Tensor } from '../../tensor.js';
import { typeOf } from '../layertypes.js';
import { type Batches, checkBatches, inputOf } from './batches.js';
import { type Runnable, reasonNotToMultiply, reasonToKeep } from './convert.js';
import { type Foldable, foldedWeights, type Norm, normPairs } from './fold.js';
import { Quantized } from './quantized.js';
import { WeightOnly } from './stored.js';

/** What became of one layer. */
export interface LayerReport {
  readonly name: string;
  /** Its type now. */
  readonly type: string;
  /** How its weights are stored, and bits that each takes, scales and zeros included. */
  readonly dtype: string;
  readonly bits: number;
  /** Signal to quantization noise of the weights, in decibels: 20 is an error of a tenth, 40 of a hundredth. */
  readonly weightSqnr: number;
  /** The same of its output within the model, with what the layers before it added; null where no batch reached it. */
  readonly outputSqnr: number | null;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** A layer that is as it was, and why. */
export interface KeptLayer {
  readonly name: string;
  readonly type: string;
  readonly reason: string;
}

export interface QuantizationReport {
  readonly layers: readonly LayerReport[];
  /** Layers with parameters that stayed in float32. */
  readonly kept: readonly KeptLayer[];
  /** Signal to quantization noise of the model's output, in decibels. */
  readonly sqnr: number;
  /** Bytes of both models' parameters and buffers. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Powers of a signal and of what was added to it. */
class Noise {
  private signal = 0;
  private noise = 0;
  isEmpty = true;

  add(exact: ArrayLike<number>, other: ArrayLike<number>): void {
    this.isEmpty = false;
    for (let i = 0; i < exact.length; i++) {
      const value = exact[i] as number;
      this.signal += value * value;
      this.noise += (value - (other[i] as number)) ** 2;
    }
  }

  decibels(): number {
    return this.noise === 0 ? Infinity : 10 * Math.log10(this.signal / this.noise);
  }
}

/** Bytes of what a module holds; what is shared within it counts once. */
export function bytesOf(module: Module): number {
  const held = [...module.parameters(), ...module.buffers().filter((buffer) => buffer.persistent)];
  return held.reduce((sum, x) => sum + x.numel() * traits[x.dtype].bytes, 0);
}

/** Watches what the modules of `names` give, flat. */
function watch(model: Module, names: Iterable<string>, seen: Map<string, ArrayLike<number>>): () => void {
  const handles = [...names].map((name) =>
    model.getSubmodule(name).registerForwardHook<unknown>((_, __, y) => {
      if (y instanceof Tensor) seen.set(name, y.dataSync());
      return undefined;
    }),
  );
  return () => {
    for (const handle of handles) handle.remove();
  };
}

/** The weights of a layer in float32, with the norm that was folded into it. */
function exactWeights(layer: Module, norm: Norm | null): ArrayLike<number> {
  const { weight } = layer as Foldable | Embedding;
  if (norm === null) return weight.dataSync();
  return scope(() => noGrad(() => (foldedWeights(layer as Foldable, norm)?.weight ?? weight).dataSync()));
}

function reasonOf(module: Module): string {
  const kept = reasonToKeep(module);
  if (module instanceof BatchNorm1d || module instanceof BatchNorm2d) {
    return 'it was not seen to take the output of one layer alone, into which it could be folded';
  }
  if (kept !== null) return kept === 'no such layer' ? 'there is no such layer in fewer bits' : kept;
  const cannot = module instanceof Embedding ? null : reasonNotToMultiply(module as Linear | Conv2d);
  return cannot ?? 'no calibration reached it, it was skipped, or this method leaves layers of its type';
}

/**
 * Compares a quantized model with the one it was made of on `batches`, layer by layer: bits, bytes and signal to quantization noise
 * of weights and outputs. Both keep their modes and parameters.
 */
export async function report(
  floatModel: Runnable,
  quantizedModel: Runnable,
  batches: Batches,
): Promise<QuantizationReport> {
  const by = 'quantize.report';
  checkBatches(by, batches);
  const made = quantizedModel
    .namedModules()
    .filter(([, module]) => module instanceof Quantized || module instanceof WeightOnly);
  const floats = new Map(floatModel.namedModules());
  const stranger = made.find(([name]) => !floats.has(name));
  if (stranger !== undefined) {
    fail('argument', `${by}: '${stranger[0]}' is not in the float model. Pass the model that was quantized first.`);
  }
  const modes = floatModel.modules().map((module) => [module, module.training] as const);
  floatModel.eval();
  const total = new Noise();
  const outputs = new Map(made.map(([name]) => [name, new Noise()]));
  let norms: ReadonlyMap<string, string> | null = null;
  try {
    for await (const batch of batches) {
      const x = inputOf(by, batch);
      norms ??= foldedInto(floatModel, quantizedModel, x);
      const places = new Map(made.map(([name]) => [name, norms?.get(name) ?? name]));
      compare(floatModel, quantizedModel, x, places, outputs, total);
    }
    if (norms === null) return fail('data', `${by}: there was no batch to compare the models on.`);
    const folded = norms;
    const layers = made.map(([name, module]): LayerReport => {
      const before = floats.get(name) as Module;
      const normName = folded.get(name);
      const norm = normName === undefined ? null : (floats.get(normName) as Norm);
      return layerReport(name, before, module as Quantized | WeightOnly, norm, outputs.get(name) as Noise);
    });
    return {
      layers,
      kept: keptIn(quantizedModel),
      sqnr: total.decibels(),
      bytesBefore: bytesOf(floatModel),
      bytesAfter: bytesOf(quantizedModel),
    };
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
}

/** The norms that were folded, by the layers that they went into. */
function foldedInto(floatModel: Runnable, quantizedModel: Module, x: Tensor): ReadonlyMap<string, string> {
  const now = new Map(quantizedModel.namedModules());
  return new Map(normPairs(floatModel, x).filter(([, norm]) => now.get(norm) instanceof Identity));
}

/** Adds what comes out of both models and their layers for `x`. A layer that gave its norm's output is compared with that. */
function compare(
  floatModel: Runnable,
  quantizedModel: Runnable,
  x: Tensor,
  places: ReadonlyMap<string, string>,
  outputs: ReadonlyMap<string, Noise>,
  total: Noise,
): void {
  const [exact, other] = [new Map<string, ArrayLike<number>>(), new Map<string, ArrayLike<number>>()];
  const stops = [watch(floatModel, places.values(), exact), watch(quantizedModel, places.keys(), other)];
  try {
    scope(() =>
      noGrad(() => {
        const [y, z] = [floatModel.forward(x), quantizedModel.forward(x)];
        if (y instanceof Tensor && z instanceof Tensor) total.add(y.dataSync(), z.dataSync());
      }),
    );
  } finally {
    for (const stop of stops) stop();
  }
  for (const [name, place] of places) {
    const [a, b] = [exact.get(place), other.get(name)];
    if (a !== undefined && b !== undefined) outputs.get(name)?.add(a, b);
  }
}

function layerReport(
  name: string,
  before: Module,
  after: Quantized | WeightOnly,
  norm: Norm | null,
  output: Noise,
): LayerReport {
  const weights = exactWeights(before, norm);
  const noise = new Noise();
  noise.add(weights, after.dequantized());
  const { bias } = after as { bias?: Tensor | null };
  const own = bytesOf(after) - (bias ? bias.numel() * 4 : 0);
  return {
    name,
    type: typeOf(after),
    dtype: after instanceof WeightOnly ? after.dtype : 'int8',
    bits: (8 * own) / Math.max(1, weights.length),
    weightSqnr: noise.decibels(),
    outputSqnr: output.isEmpty ? null : output.decibels(),
    bytesBefore: bytesOf(before) + (norm === null ? 0 : bytesOf(norm)),
    bytesAfter: bytesOf(after),
  };
}

function keptIn(model: Module): KeptLayer[] {
  return model.namedModules().flatMap(([name, module]): KeptLayer[] => {
    if (module.parameters(false).length === 0) return [];
    return [{ name, type: typeOf(module), reason: reasonOf(module) }];
  });
}
