import { noGrad } from '../autograd/index.js';
import { scope } from '../core/scoping.js';
import {
  type BatchNorm1d,
  type BatchNorm2d,
  Buffer,
  type Conv2d,
  Linear,
  type Module,
  Parameter,
} from '../nn/index.js';
import { indexSelect, tensor } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { coupleUnits, type Uncoupled, type UnitGroup, type UnitLayer } from './couple.js';
import { dropMask, maskOf, setMask } from './mask.js';

/** Which units a layer kept. */
export interface ShrunkLayer {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

export interface ShrinkReport {
  readonly layers: readonly ShrunkLayer[];
  /** Layers whose units were left, and why. */
  readonly left: readonly Uncoupled[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Whether slice `unit` along `dim` of a parameter is all zero. */
function isSilent(
  values: ArrayLike<number>,
  shape: readonly number[],
  dim: number,
  from: number,
  count: number,
): boolean {
  const size = shape[dim] as number;
  const inner = shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  for (let i = 0; i < values.length; i++) {
    const slice = Math.floor(i / inner) % size;
    if (slice >= from && slice < from + count && values[i] !== 0) return false;
  }
  return true;
}

/** The units of a group that reach nothing: their output is always 0, or nobody reads it. */
function deadUnits({ producer, units, norms, consumer, spread }: UnitGroup): boolean[] {
  const weight = producer.weight.dataSync();
  const bias = producer.bias?.dataSync();
  const read = consumer.weight.dataSync();
  const affine = norms.map((norm) => ({ weight: norm.weight?.dataSync(), bias: norm.bias?.dataSync() }));
  return Array.from({ length: units }, (_, unit) => {
    if (isSilent(read, consumer.weight.shape, 1, unit * spread, spread)) return true;
    // Behind a norm, a unit is silent when the last norm scales and shifts it to 0; without one, when its weights are 0.
    const last = affine[affine.length - 1];
    if (last !== undefined) return last.weight?.[unit] === 0 && last.bias?.[unit] === 0;
    return (bias === undefined || bias[unit] === 0) && isSilent(weight, producer.weight.shape, 0, unit, 1);
  });
}

/** A parameter of fewer slices along `dim`, with what is left of its mask. */
function keepSlices(parameter: Parameter, dim: number, kept: Tensor<'int32'>): Parameter {
  const smaller = new Parameter(
    noGrad(() => indexSelect(parameter, dim, kept)),
    parameter.requiresGrad,
  );
  const mask = maskOf(parameter);
  if (mask !== null) {
    const rest = scope(() => indexSelect(mask, dim, kept).dataSync());
    if (rest.includes(0)) setMask(smaller, rest);
  }
  dropMask(parameter);
  parameter.grad?.dispose();
  parameter.dispose();
  return smaller;
}

function keepBuffer(buffer: Buffer, kept: Tensor<'int32'>): Buffer {
  const smaller = new Buffer(
    noGrad(() => indexSelect(buffer, 0, kept)),
    buffer.persistent,
  );
  buffer.dispose();
  return smaller;
}

function setUnits(layer: UnitLayer, kept: Tensor<'int32'>): void {
  const writable = layer as Writable<UnitLayer>;
  writable.weight = keepSlices(layer.weight, 0, kept);
  if (layer.bias !== null) writable.bias = keepSlices(layer.bias, 0, kept);
  if (layer instanceof Linear) (layer as Writable<Linear>).outFeatures = kept.numel();
  else (layer as Writable<Conv2d>).outChannels = kept.numel();
}

function setInputs(layer: UnitLayer, kept: Tensor<'int32'>): void {
  (layer as Writable<UnitLayer>).weight = keepSlices(layer.weight, 1, kept);
  if (layer instanceof Linear) (layer as Writable<Linear>).inFeatures = kept.numel();
  else (layer as Writable<Conv2d>).inChannels = kept.numel();
}

function setFeatures(norm: BatchNorm1d | BatchNorm2d, kept: Tensor<'int32'>): void {
  const writable = norm as Writable<BatchNorm1d>;
  if (norm.weight !== null) writable.weight = keepSlices(norm.weight, 0, kept);
  if (norm.bias !== null) writable.bias = keepSlices(norm.bias, 0, kept);
  if (norm.runningMean !== null) writable.runningMean = keepBuffer(norm.runningMean, kept);
  if (norm.runningVar !== null) writable.runningVar = keepBuffer(norm.runningVar, kept);
  writable.numFeatures = kept.numel();
}

/** Removes every unit that is not in `keep` from all layers of the group. */
function cut({ producer, norms, consumer, spread }: UnitGroup, keep: readonly number[]): void {
  const kept = tensor(Int32Array.from(keep)) as Tensor<'int32'>;
  const read = tensor(
    Int32Array.from(keep.flatMap((unit) => Array.from({ length: spread }, (_, i) => unit * spread + i))),
  ) as Tensor<'int32'>;
  setUnits(producer, kept);
  for (const norm of norms) setFeatures(norm, kept);
  setInputs(consumer, read);
  kept.dispose();
  read.dispose();
}

/**
 * Removes neurons and channels that pruning has silenced, together with everything that only they fed: tensors become
 * smaller, the output stays the same to rounding. The modules are changed in place and have new parameters, so make
 * optimizers afterwards. Connections that were pruned one by one stay pruned.
 *
 * One unit of every layer stays, even if all are silent, since a layer of no units computes nothing that can be trained.
 */
export function shrink(model: Module, exampleInputs: Tensor | readonly Tensor[]): ShrinkReport {
  const before = new Map<string, number>();
  const after = new Map<string, number>();
  for (;;) {
    const { groups, uncoupled } = coupleUnits(model, exampleInputs);
    let removed = 0;
    for (const group of groups) {
      const dead = deadUnits(group);
      const keep = dead.flatMap((isDead, unit) => (isDead ? [] : [unit]));
      if (keep.length === 0) keep.push(0);
      if (!before.has(group.name)) before.set(group.name, group.units);
      after.set(group.name, keep.length);
      if (keep.length === group.units) continue;
      cut(group, keep);
      removed += group.units - keep.length;
      // Sizes of the next group have changed; it is looked at anew.
      break;
    }
    // A removed unit may have been the last reader of another, so this goes on until nothing is left to remove.
    if (removed === 0) {
      const layers = [...before].map(([name, units]) => ({ name, before: units, after: after.get(name) ?? units }));
      return { layers, left: uncoupled };
    }
  }
}
