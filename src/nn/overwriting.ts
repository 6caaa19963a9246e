import { readArguments } from '../core/arguments.js';
import { fail, warnOnce } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import { overwrite } from '../ops/overwrite.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

export interface InplaceOptions {
  /** Whether the result takes the place of the input, under the rules of `copy_`. Default false. */
  readonly inplace?: boolean;
}

export type InplaceArguments = NamedArguments<InplaceOptions, readonly ['inplace']>;

/** A layer whose result may take the place of its input. */
export abstract class Overwriting extends Module {
  readonly inplace: boolean;

  constructor(name: string, rest: readonly unknown[]) {
    super();
    const { inplace = false } = readArguments<InplaceOptions>(name, rest, ['inplace']);
    if (typeof inplace !== 'boolean')
      fail('argument', `${name}: inplace must be true or false, got ${String(inplace)}.`);
    this.inplace = inplace;
  }

  protected abstract compute(x: Tensor): Tensor;

  forward(x: Tensor): Tensor {
    return overwrite(x, this.inplace, (v) => this.compute(v));
  }

  /** What the layer says of itself, and that it works in place if it does. */
  protected withInplace(text: string): string {
    return [...(text === '' ? [] : [text]), ...(this.inplace ? ['inplace=True'] : [])].join(', ');
  }

  protected override extraRepr(): string {
    return this.withInplace('');
  }
}

/** The dimension that PyTorch takes where none is given: 0 for 0, 1 and 3 dimensions, 1 for others. It warns, too. */
export function usualDim(name: string, x: Tensor): number {
  warnOnce(`${name}: no dim was given, and the choice for it depends on the number of dimensions. Pass dim.`);
  return x.ndim === 0 || x.ndim === 1 || x.ndim === 3 ? 0 : 1;
}
