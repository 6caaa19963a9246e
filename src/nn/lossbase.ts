import { type Read, readLoss } from '../ops/reduction.js';
import type { Tensor } from '../tensor.js';
import { Buffer, Module } from './module.js';

/** A loss as a module: its options are read once, as its function reads them. */
export abstract class Loss<O extends object> extends Module {
  readonly options: Read<O>;

  constructor(
    name: string,
    rest: readonly unknown[],
    names: readonly (keyof O & string)[],
    reductions?: readonly string[],
  ) {
    super();
    this.options = readLoss<O>(name, rest, names, reductions);
  }
}

/** Weights that a loss was given as part of its state, in their memory. */
export function bufferOf(weight: Tensor | undefined): Buffer | null {
  return weight === undefined ? null : new Buffer(weight.detach());
}
