import { fail } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';

/** Values that a node needs for its gradient. */
export interface Saved {
  /** The values; throws where one was overwritten since it was saved. `op` is who asks. */
  values(op: string): readonly Tensor[];
  /** Looks at `by` where `value` was saved: an op in place moves its result into other memory. */
  replace(value: Tensor, by: Tensor): void;
  dispose(): void;
}

/** A handle on `tensor` for a graph: it holds the memory, whatever becomes of the user's handle. */
function hold(tensor: Tensor): Tensor {
  const held = tensor.alias();
  // The graph owns it; a scope that freed it on its own would cut a graph that has left the scope.
  held.scope = null;
  return held;
}

/** Values kept in memory, as they are now. */
export class Held implements Saved {
  readonly tensors: Tensor[];
  private readonly versions: number[];

  constructor(tensors: readonly Tensor[]) {
    this.tensors = tensors.map(hold);
    this.versions = tensors.map((tensor) => tensor.storage.version);
  }

  values(op: string): readonly Tensor[] {
    this.tensors.forEach(({ storage }, i) => {
      if (storage.version !== this.versions[i]) refuseOverwritten(op, storage.writer);
    });
    return this.tensors;
  }

  replace(value: Tensor, by: Tensor): void {
    this.tensors.forEach((tensor, i) => {
      if (tensor.storage !== value.storage || tensor.dtype !== by.dtype) return;
      if (String(tensor.shape) !== String(by.shape) || !tensor.isContiguous()) return;
      const held = hold(by);
      // Another memory, and still the result of the op that saved it.
      held.place = tensor;
      tensor.dispose();
      this.tensors[i] = held;
      this.versions[i] = by.storage.version;
    });
  }

  dispose(): void {
    for (const tensor of this.tensors) tensor.dispose();
  }
}

export function refuseOverwritten(op: string, writer: string): never {
  return fail(
    'autograd',
    `${op}: a value it saved for its gradient was overwritten by ${writer}. ` +
      `Use the out-of-place form of ${writer}, or clone() the tensor before ${op}.`,
  );
}

/** How values are saved: held in memory, or, within a checkpoint, computed again. */
export type Keeper = (tensors: readonly Tensor[]) => Saved;

let keeper: Keeper = (tensors) => new Held(tensors);

/** Saves values as the innermost `keepingWith` says. */
export function keepValues(tensors: readonly Tensor[]): Saved {
  return keeper(tensors);
}

/** Runs `body` with another way of saving values. */
export function keepingWith<T>(other: Keeper, body: () => T): T {
  const before = keeper;
  keeper = other;
  try {
    return body();
  } finally {
    keeper = before;
  }
}
