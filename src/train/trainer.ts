import { dropMask, maskOf, setMask } from '../compress/mask.js';
import { fail } from '../core/errors.js';
import { defaultGenerator, type GeneratorState } from '../core/random.js';
import { openScope } from '../core/scope.js';
import { scope } from '../core/scoping.js';
import { cloneState, disposeState, type Module, type StateDict } from '../nn/index.js';
import { lrScheduler } from '../optim/index.js';
import type { Tensor } from '../tensor.js';
import { breathe } from './breathe.js';

/** Batches that can begin any epoch anew, as a DataLoader. */
export interface EpochBatches<B> extends AsyncIterable<B> {
  readonly length: number;
  setEpoch(epoch: number): void;
}

/** What one batch gave. `logits` and `labels`, where there are any, tell the running accuracy. */
export interface StepResult {
  readonly loss: Tensor;
  readonly logits?: Tensor;
  readonly labels?: Tensor;
}

/** Figures of one epoch. */
export interface EpochResult {
  /** Counted from 1. */
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number | null;
  readonly validationLoss: number | null;
  readonly validationAccuracy: number | null;
  readonly learningRate: number;
  readonly seconds: number;
}

/** Where training is, within an epoch. */
export interface BatchProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Batches done in this epoch, and in all. */
  readonly batch: number;
  readonly batches: number;
  readonly done: number;
  readonly total: number;
  readonly loss: number;
  readonly accuracy: number | null;
  readonly samplesPerSecond: number;
}

/** An optimizer, as far as training has to know it. */
export interface TrainingOptimizer {
  readonly paramGroups: readonly { lr: number }[];
  step(): unknown;
  zeroGrad(): void;
  stateDict(): unknown;
  loadStateDict(state: never): void;
}

/** A learning-rate schedule, stepped once an epoch, with the epoch's loss if it follows no formula of its own. */
export interface TrainingScheduler {
  step(loss?: number): void;
  stateDict(): unknown;
  loadStateDict(state: never): void;
}

export interface TrainerOptions<M extends Module, B> {
  readonly model: M;
  readonly optimizer: TrainingOptimizer;
  readonly scheduler?: TrainingScheduler;
  /** Computes the loss of a batch. */
  readonly step: (batch: B) => StepResult;
  /** Changes gradients between backward and the optimizer's step, e.g. clips them. */
  readonly beforeStep?: (model: M) => void;
  /** Figures on validation data, after each epoch. */
  readonly validate?: () => Promise<{ loss: number; accuracy: number }>;
  /** Stop after this many epochs without a better validation figure. Default: never. */
  readonly patience?: number;
  /** What the best epoch is chosen by. Default 'loss'. */
  readonly monitor?: 'loss' | 'accuracy';
  readonly onBatch?: (progress: BatchProgress) => void;
  /** Called after each epoch, once its state can be saved with `state()`. Tensors it makes are freed when it is done. */
  readonly onEpoch?: (result: EpochResult, trainer: Trainer<M, B>) => void | Promise<void>;
  /** Stops training between two batches, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
}

/** Everything needed to go on from the end of an epoch as if nothing had happened. */
export interface TrainerState {
  readonly epoch: number;
  readonly history: readonly EpochResult[];
  readonly best: { readonly epoch: number; readonly value: number } | null;
  readonly random: GeneratorState;
  readonly optimizer: unknown;
  readonly scheduler: unknown;
  readonly model: StateDict;
  readonly bestModel: StateDict | null;
  readonly masks: StateDict;
}

/**
 * The training loop: epochs of batches, validation, early stopping, and a state after each epoch from which another process
 * goes on to the same figures. The model ends with the weights of its best validation epoch.
 */
export class Trainer<M extends Module, B> {
  private epoch = 0;
  private history: EpochResult[] = [];
  private best: { epoch: number; value: number } | null = null;
  private bestModel: StateDict | null = null;
  /** One for all epochs: a short one alone would never be long enough for a pause. */
  private readonly pause = breathe();

  constructor(private readonly options: TrainerOptions<M, B>) {}

  /** Trains until `epochs` epochs are done in all, or patience is lost, and gives the figures of every epoch. */
  async fit(batches: EpochBatches<B>, epochs: number): Promise<readonly EpochResult[]> {
    if (!Number.isInteger(epochs) || epochs < 0)
      fail('argument', `fit: epochs must be a whole number ≥ 0, got ${epochs}.`);
    while (this.epoch < epochs && !this.isOutOfPatience()) {
      const result = await this.runEpoch(batches, epochs);
      this.history.push(result);
      this.epoch = result.epoch;
      this.remember(result);
      this.stepScheduler(result);
      await this.tell(result);
    }
    if (this.bestModel !== null) this.options.model.loadStateDict(this.bestModel);
    this.dispose();
    return this.history;
  }

  /**
   * The state at the end of an epoch, for `onEpoch`. Tensors of the model and of its best epoch are the trainer's own and change
   * with it; those of the optimizer are copies.
   */
  state(): TrainerState {
    const { model, optimizer, scheduler } = this.options;
    const masks = model.namedParameters().flatMap(([name, p]): [string, Tensor][] => {
      const mask = maskOf(p);
      return mask === null ? [] : [[name, mask]];
    });
    return {
      epoch: this.epoch,
      history: [...this.history],
      best: this.best,
      random: defaultGenerator.getState(),
      optimizer: optimizer.stateDict(),
      scheduler: scheduler?.stateDict() ?? null,
      model: model.stateDict(),
      bestModel: this.bestModel,
      masks: Object.fromEntries(masks),
    };
  }

  /** Goes on from a state. The model and the optimizer must be built as they were. */
  load(state: TrainerState): void {
    const { model, optimizer, scheduler } = this.options;
    const parameters = new Map(model.namedParameters());
    for (const [name, mask] of Object.entries(state.masks)) {
      if (parameters.get(name)?.numel() !== mask.numel())
        fail('state', `Trainer.load: there is no parameter '${name}' for a mask.`);
    }
    // First what checks itself, so that a state of another training changes nothing.
    optimizer.loadStateDict(state.optimizer as never);
    model.loadStateDict(state.model);
    for (const [name, parameter] of parameters) {
      const mask = state.masks[name];
      dropMask(parameter);
      if (mask !== undefined) setMask(parameter, mask.dataSync());
    }
    scheduler?.loadStateDict(state.scheduler as never);
    defaultGenerator.setState(state.random);
    this.dispose();
    this.epoch = state.epoch;
    this.history = [...state.history];
    this.best = state.best;
    this.bestModel = state.bestModel === null ? null : cloneState(state.bestModel);
  }

  /** Frees the snapshot of the best epoch. */
  dispose(): void {
    if (this.bestModel !== null) disposeState(this.bestModel);
    this.bestModel = null;
  }

  private isOutOfPatience(): boolean {
    const { patience } = this.options;
    return patience !== undefined && this.best !== null && this.epoch - this.best.epoch >= patience;
  }

  private async runEpoch(batches: EpochBatches<B>, epochs: number): Promise<EpochResult> {
    const { model, optimizer, onBatch, signal } = this.options;
    const started = performance.now();
    const counts = { loss: 0, correct: 0, samples: 0, labelled: 0, batch: 0 };
    const learningRate = optimizer.paramGroups[0]?.lr ?? NaN;
    // A state says at which block of random words an epoch began, but not how much of the block had been used.
    defaultGenerator.setState(defaultGenerator.getState());
    model.train();
    batches.setEpoch(this.epoch);
    for await (const batch of batches) {
      signal?.throwIfAborted();
      scope(() => this.runBatch(batch, counts));
      counts.batch++;
      const seconds = (performance.now() - started) / 1000;
      onBatch?.({
        epoch: this.epoch + 1,
        epochs,
        batch: counts.batch,
        batches: batches.length,
        done: this.epoch * batches.length + counts.batch,
        total: epochs * batches.length,
        loss: counts.loss / counts.batch,
        accuracy: counts.labelled > 0 ? counts.correct / counts.labelled : null,
        samplesPerSecond: counts.samples / seconds,
      });
      await this.pause();
    }
    const validation = await this.options.validate?.();
    return {
      epoch: this.epoch + 1,
      trainLoss: counts.loss / Math.max(counts.batch, 1),
      trainAccuracy: counts.labelled > 0 ? counts.correct / counts.labelled : null,
      validationLoss: validation?.loss ?? null,
      validationAccuracy: validation?.accuracy ?? null,
      learningRate,
      seconds: (performance.now() - started) / 1000,
    };
  }

  private runBatch(batch: B, counts: { loss: number; correct: number; samples: number; labelled: number }): void {
    const { model, optimizer, beforeStep } = this.options;
    const { loss, logits, labels } = this.options.step(batch);
    const value = loss.item();
    if (!Number.isFinite(value)) {
      fail(
        'state',
        `Trainer: the loss became ${value} in epoch ${this.epoch + 1}. Lower the learning rate, or clip gradients.`,
      );
    }
    optimizer.zeroGrad();
    loss.backward();
    beforeStep?.(model);
    optimizer.step();
    counts.loss += value;
    counts.samples += logits?.shape[0] ?? 0;
    if (logits === undefined || labels === undefined) return;
    const predicted = logits.detach().argmax(1).dataSync();
    labels.dataSync().forEach((label, i) => {
      if (predicted[i] === label) counts.correct++;
    });
    counts.labelled += predicted.length;
  }

  private stepScheduler({ validationLoss, trainLoss }: EpochResult): void {
    const { scheduler } = this.options;
    // Schedules by formula take no loss, and some would take the number for an epoch.
    if (scheduler instanceof lrScheduler.LRScheduler) scheduler.step();
    else scheduler?.step(validationLoss ?? trainLoss);
  }

  private async tell(result: EpochResult): Promise<void> {
    const made = openScope();
    try {
      await this.options.onEpoch?.(result, this);
    } finally {
      made.end();
    }
  }

  /** Keeps a snapshot of the model if this epoch is the best so far. */
  private remember(result: EpochResult): void {
    const { monitor = 'loss', model } = this.options;
    const value = monitor === 'loss' ? result.validationLoss : result.validationAccuracy;
    if (value === null || Number.isNaN(value)) return;
    const isBetter = this.best === null || (monitor === 'loss' ? value < this.best.value : value > this.best.value);
    if (!isBetter) return;
    this.best = { epoch: result.epoch, value };
    this.dispose();
    this.bestModel = cloneState(model.stateDict());
  }
}
