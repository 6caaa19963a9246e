import { fail } from '../core/errors.js';
import { add, cat, mul } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { ModuleDict } from './container.js';
import { Module } from './module.js';
import { Identity } from './simple.js';

/** Modules side by side, each given the same input: what residual networks and their like are made of without a class. */

/** A module that takes one tensor and gives one. */
type Branch = Module & { forward(x: Tensor): Tensor };

/**
 * shortcut(x) + body(x), the building block of residual networks (He, Zhang, Ren and Sun 2016, "Deep residual learning for image
 * recognition"). Where the body changes the shape, the shortcut has to as well. PyTorch has no such layer; there it takes a
 * class, which no file can hold.
 *
 * @example
 * const block = new nn.Residual(new nn.Sequential(new nn.Linear(8, 8), new nn.ReLU(), new nn.Linear(8, 8)));
 * block.forward(ones([2, 8])).shape; // → [2, 8]
 */
export class Residual extends Module {
  constructor(
    readonly body: Branch,
    readonly shortcut: Branch = new Identity(),
  ) {
    super();
    for (const [name, branch] of Object.entries({ body, shortcut })) {
      if (!(branch instanceof Module)) fail('argument', `Residual: ${name} must be a Module, got ${typeof branch}.`);
    }
  }

  forward(x: Tensor): Tensor {
    return add(this.shortcut.forward(x), this.body.forward(x));
  }
}

export interface ParallelOptions {
  /** What becomes of the branches' results: one behind another, their sum, or their product. Default 'cat'. */
  readonly join?: 'cat' | 'add' | 'mul';
  /** Along which dimension they stand behind one another. Default 1, that of channels. */
  readonly dim?: number;
}

/** Branches that are given the same input, and whose results are joined: Inception, DenseNet, squeeze and excitation. */
export class Parallel extends Module {
  readonly branches: ModuleDict<Branch>;
  readonly join: 'cat' | 'add' | 'mul';
  readonly dim: number;

  /** Given an array, branches are named '0', '1', …; given an object, by its keys. */
  constructor(branches: readonly Branch[] | Readonly<Record<string, Branch>>, options: ParallelOptions = {}) {
    super();
    const { join = 'cat', dim = 1 } = options;
    if (!['cat', 'add', 'mul'].includes(join)) {
      fail('argument', `Parallel: join must be 'cat', 'add' or 'mul', got '${String(join)}'.`);
    }
    this.branches = new ModuleDict(Object.fromEntries(Object.entries(branches)));
    if (this.branches.length === 0) fail('argument', 'Parallel: expected one branch or more, got none.');
    this.join = join;
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    const results = [...this.branches.values()].map((branch) => branch.forward(x));
    if (this.join === 'cat') return cat(results, this.dim);
    return results.reduce((joined, result) => (this.join === 'add' ? add(joined, result) : mul(joined, result)));
  }

  protected override extraRepr(): string {
    return this.join === 'cat' ? `join=cat, dim=${this.dim}` : `join=${this.join}`;
  }
}
