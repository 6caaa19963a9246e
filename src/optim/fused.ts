import { isCapturing } from '../autograd/index.js';
import type { KernelName, LaunchNumbers } from '../core/device.js';
import type { RowGradient, Tensor } from '../core/tensor.js';
import { tensor } from '../ops/create.js';
import { readRows, writeRows } from '../ops/rowgradient.js';
import type { ParamGroup, Settings } from './groups.js';
import { Optimizer } from './optimizer.js';
import type { ParamState } from './statedict.js';

/** Elements from which a thread is worth waking. */
const GRAIN = 16384;

/**
 * The base of optimizers that update a parameter with one fused kernel. A subclass names the kernel, the tensors that it
 * writes and the numbers that it takes. Those are set the same way by a step and by each replay of a captured one, which
 * launches nothing: it only writes them into the record.
 */
export abstract class FusedOptimizer<
  H extends Settings = Settings,
  S extends ParamState = ParamState,
> extends Optimizer<H, S> {
  protected abstract readonly kernel: KernelName;
  /** The numbers of the update at hand: written over by each, so that none makes lists of its own. */
  private readonly floats: number[] = [];
  private readonly ints: number[] = [];

  /**
   * Takes `state` on to its next step and sets the numbers that the kernel takes. `ints[0]` is the number of elements and
   * set already.
   */
  protected abstract nextStep(state: S, group: ParamGroup<H>, floats: number[], ints: number[]): void;

  /** What the kernel writes, in its order: `param`, then tensors of `state`, null in place of those that are not in use. */
  protected abstract written(param: Tensor, state: S, group: ParamGroup<H>): readonly (Tensor | null)[];

  protected override get replayable(): boolean {
    return true;
  }

  protected override update(param: Tensor, grad: Tensor, state: S, group: ParamGroup<H>): void {
    this.ints[0] = param.numel();
    this.nextStep(state, group, this.floats, this.ints);
    this.launch(this.written(param, state, group), grad, state, group);
  }

  /** The rows are gathered from the parameter and its state, updated as a parameter of their own, and put back. */
  protected override updateRows(param: Tensor, grad: RowGradient, state: S, group: ParamGroup<H>): void {
    const { rows, values } = grad;
    this.ints[0] = values.numel();
    this.nextStep(state, group, this.floats, this.ints);
    const whole = this.written(param, state, group);
    const places = tensor(rows, [rows.length]);
    const parts = whole.map((x) => x && readRows(x, places));
    this.launch(parts, values, state, group);
    whole.forEach((x, i) => {
      if (x !== null) writeRows(x, places, parts[i] as Tensor);
    });
  }

  private launch(writes: readonly (Tensor | null)[], grad: Tensor, state: S, group: ParamGroup<H>): void {
    const { floats, ints } = this;
    grad.storage.device.launch({
      kernel: this.kernel,
      work: ints[0] as number,
      grain: GRAIN,
      writes,
      reads: [grad],
      floats,
      ints,
      refresh: isCapturing() ? (numbers) => this.refresh(numbers, state, group) : undefined,
    });
  }

  /** Sets the numbers of a recorded launch to those of the next step. */
  private refresh(numbers: LaunchNumbers, state: S, group: ParamGroup<H>): void {
    const { floats, ints } = this;
    this.nextStep(state, group, floats, ints);
    for (let i = 0; i < floats.length; i++) numbers.float(i, floats[i] as number);
    for (let i = 1; i < ints.length; i++) numbers.int(i, ints[i] as number);
  }
}
