import { disposal } from '../../core/disposal.js';
import { cloneState, disposeState, type Module, type StateDict } from '../../nn/index.js';
import { applyMasks } from './mask.js';

/** A model's parameters and buffers at one moment of training, to go back to. */
export class Snapshot {
  private state: StateDict;

  constructor(model: Module) {
    this.state = cloneState(model.stateDict());
  }

  /**
   * Gives `model` the values of that moment. Its masks stay: what has been pruned since is 0. State of an optimizer is not
   * part of it; make a new one, or `dispose()` the one there is. Throws, with nothing changed, for a model of other shapes.
   */
  restore(model: Module): void {
    model.loadStateDict(this.state);
    applyMasks(model.parameters());
  }

  /** Frees the values. */
  dispose(): void {
    disposeState(this.state);
    this.state = {};
  }

  [disposal](): void {
    this.dispose();
  }
}

/**
 * Remembers the values of a model, for lottery tickets: take it before training, train, prune, `restore` the model with its
 * masks, and train what is left (J. Frankle and M. Carbin 2019, "The lottery ticket hypothesis: finding sparse, trainable neural
 * networks"); or take it a little later in training (J. Frankle et al. 2020, "Linear mode connectivity and the lottery ticket
 * hypothesis").
 *
 * @example
 * const model = new nn.Linear(4, 2);
 * const rewind = compress.snapshot(model);
 * // … train …
 * compress.prune.l1Unstructured(model, 'weight', 0.5);
 * rewind.restore(model); // the first values, of which half are 0
 * compress.sparsity(model).zeros; // → 4
 */
export function snapshot(model: Module): Snapshot {
  return new Snapshot(model);
}
