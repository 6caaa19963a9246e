/** What a thread computes of a part of a batch: its loss, and the gradients that come of it. */
import { type Captured, capture, noGrad } from '../autograd/index.js';
import { FettleError, fail } from '../core/errors.js';
import type { Module } from '../nn/index.js';
import * as ops from '../ops/index.js';
import { Tensor } from '../tensor.js';
import { mapTensors, tensorsOf } from './shards.js';

export type Callable = (...args: readonly unknown[]) => unknown;

/** What a part gives, as tensors. */
export interface Computed {
  readonly loss: Tensor;
  /** The largest output of each sample, and its class; null where outputs are no logits [N, C] with classes [N]. */
  readonly chosen: Tensor | null;
  readonly labels: Tensor | null;
}

/** Recordings that are kept. Parts of more kinds than that run as they are. */
const MOST_RECORDED = 8;

/** A step that was recorded: it gives the loss, and what was chosen, and the labels if they are none of its inputs. */
interface Recorded {
  readonly step: Captured<readonly Tensor[], readonly Tensor[]>;
  /** Which of the inputs the labels are. */
  labels: number;
}

/**
 * Computes parts for one model. What is repeated is recorded: parts of the same shapes in the same mode, which share a key, are
 * replayed from the third on, where all that computes them is known to do the same each time.
 */
export class PartStep {
  private readonly recorded = new Map<string, Recorded>();
  /** Parts whose JavaScript reads values, which a replay could not follow. */
  private readonly refused = new Set<string>();

  /** `isStep`: whether `loss` takes (model, batch) rather than (output, target). */
  constructor(
    private readonly model: Module,
    private readonly loss: Callable,
    private readonly isStep: boolean,
    private readonly records: boolean,
  ) {}

  /**
   * The loss of a part, and its gradients times `scale` where the parameters have them. `again` prepares the model once more
   * where a recording could not be finished, which has moved buffers and the random stream.
   */
  train(batch: unknown, scale: number, key: string | null, again: () => void): Computed {
    const factor = ops.tensor([scale]) as Tensor;
    if (!this.records || key === null || this.refused.has(key)) return this.descend(batch, factor);
    const known = this.recorded.get(key);
    if (known === undefined && this.recorded.size === MOST_RECORDED) return this.descend(batch, factor);
    const recorded = known ?? this.recording(batch);
    this.recorded.set(key, recorded);
    const inputs = tensorsOf(batch);
    try {
      const [loss, chosen = null, labels = inputs[recorded.labels] ?? null] = recorded.step(...inputs, factor);
      return { loss: loss as Tensor, chosen, labels };
    } catch (error) {
      recorded.step.dispose();
      this.recorded.delete(key);
      if (!(error instanceof FettleError) || error.code !== 'unsupported') throw error;
      this.refused.add(key);
      again();
      return this.descend(batch, factor);
    }
  }

  /** Loss without gradients. */
  measure(batch: unknown): Computed {
    return noGrad(() => this.compute(batch));
  }

  /** A step that takes the tensors of a batch like this one, and the scale. */
  private recording(batch: unknown): Recorded {
    const recorded: Recorded = {
      step: capture((...inputs: readonly Tensor[]) => {
        let at = 0;
        const fed = mapTensors(batch, () => inputs[at++] as Tensor);
        const { loss, chosen, labels } = this.descend(fed, inputs[at] as Tensor);
        if (chosen === null || labels === null) return [loss];
        recorded.labels = inputs.indexOf(labels);
        return recorded.labels < 0 ? [loss, chosen, labels] : [loss, chosen];
      }),
      labels: -1,
    };
    return recorded;
  }

  private descend(batch: unknown, scale: Tensor): Computed {
    const computed = this.compute(batch);
    const { loss } = computed;
    if (loss.requiresGrad) loss.backward(ops.reshape(scale, loss.shape));
    return computed;
  }

  private compute(batch: unknown): Computed {
    const { loss } = this;
    if (this.isStep) {
      const result = loss(this.model, batch);
      if (result instanceof Tensor) return { loss: checkLoss(result), chosen: null, labels: null };
      const { logits, labels, ...rest } = result as { loss: Tensor; logits?: Tensor; labels?: Tensor };
      return { loss: checkLoss(rest.loss), ...choice(logits, labels) };
    }
    const parts = batch as readonly unknown[];
    const target = parts[parts.length - 1];
    const output = (this.model as Module & { forward: Callable }).forward(...parts.slice(0, -1));
    return { loss: checkLoss(loss(output, target)), ...choice(output, target) };
  }
}

function checkLoss(loss: unknown): Tensor {
  if (loss instanceof Tensor && loss.numel() === 1) return loss;
  const got = loss instanceof Tensor ? `a tensor of ${loss.numel()} elements` : String(loss);
  return fail('argument', `DataParallel: a loss is a tensor with one element, got ${got}. Give it a reduction.`);
}

function choice(output: unknown, labels: unknown): Pick<Computed, 'chosen' | 'labels'> {
  const none = { chosen: null, labels: null };
  if (!(output instanceof Tensor && labels instanceof Tensor) || output.ndim !== 2 || labels.ndim !== 1) return none;
  if (labels.dtype !== 'int32' || labels.shape[0] !== output.shape[0]) return none;
  return { chosen: noGrad(() => ops.argmax(output.detach(), 1)) as Tensor, labels };
}
