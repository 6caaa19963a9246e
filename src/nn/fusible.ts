import type { Tensor } from '../tensor.js';
import type { Module } from './module.js';

/** Layers that do, where no gradient is wanted, the work of layers behind them in the same pass over their result. */

/** The result of a layer and of the `taken` layers behind it. */
export interface Passed {
  readonly y: Tensor;
  readonly taken: number;
}

/** A layer that may take others along. */
export interface Fusible {
  /**
   * The result of this layer, which stands at `place` of `modules`, and of as many behind it as go along; null where it is
   * this one alone. Nothing is recorded while it is called.
   */
  forwardThrough(x: Tensor, modules: readonly Module[], place: number): Passed | null;
}

export function isFusible(module: Module): module is Module & Fusible {
  return 'forwardThrough' in module;
}

/** Whether `module` is a `type` and nothing more: of no class that extends it, and with no hook that wants to see it work. */
export function isPlain<M extends Module>(module: Module | undefined, type: { readonly prototype: M }): module is M {
  return module !== undefined && module.constructor === type && !Object.hasOwn(module, 'forward');
}
