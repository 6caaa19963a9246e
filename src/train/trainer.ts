import { applyMasks, dropMask, maskOf, replaceMask } from '../compress/pruning/mask.js';
import { breathe } from '../core/breathe.js';
import { fail } from '../core/errors.js';
import { defaultGenerator, type GeneratorState } from '../core/random.js';
import { openScope } from '../core/scope.js';
import { scope } from '../core/scoping.js';
import { cloneState, disposeState, type Module, type StateDict } from '../nn/index.js';
import { eq, reshape } from '../ops/index.js';
import { lrScheduler } from '../optim/index.js';
import type { Tensor } from '../tensor.js';

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

/** What one batch gave, as soon as the device tells it. */
interface Figures {
  /** Whether the device takes its time: a GPU does. */
  readonly late: boolean;
  readonly loss: Numbers | Promise<Numbers>;
  /** How many samples were told right; null where there are no labels. */
  readonly hits: Numbers | Promise<Numbers> | null;
  readonly samples: number;
}

type Numbers = ArrayLike<number> & Iterable<number>;

/** A promise that is waited for later: what it rejects with is told then, and is no rejection that nobody handles. */
function awaited<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Sums over the batches of an epoch, of which `read` have told their figures. */
interface Counts {
  loss: number;
  correct: number;
  samples: number;
  labelled: number;
  batch: number;
  read: number;
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

/** Ranks that train together, each on batches of its own: what DistributedDataParallel gives. */
export interface TrainingRanks {
  /** Waits until the gradients are the averages of all ranks. */
  synchronize(): Promise<void>;
  readonly processGroup: {
    /** Adds figures up over all ranks, in place. */
    allReduce(figures: Float64Array): Promise<unknown>;
  };
}

/** What computes the loss of a batch and gives the parameters its gradients, as a DataParallel of the model does. */
export interface GradientSource<B> {
  backward(batch: B): Promise<{
    readonly loss: number;
    readonly samples: number;
    /** Samples whose largest logit is their class; null where there are none. */
    readonly correct: number | null;
  }>;
}

type Step<B> = (batch: B) => StepResult;

export interface TrainerOptions<M extends Module, B> {
  readonly model: M;
  /**
   * The ranks, where this trainer is one of several: `model` is the model that they have wrapped, and `step` computes a loss whose
   * mean over the ranks is that of the whole batch. The figures of an epoch are then those of all ranks; `validate` has to see to
   * its own. Every rank must go on or stop with the others.
   */
  readonly ranks?: TrainingRanks;
  readonly optimizer: TrainingOptimizer;
  readonly scheduler?: TrainingScheduler;
  /** Computes the loss of a batch; or `parallel` does. */
  readonly step?: Step<B>;
  /** Computes losses and gradients on several threads: `new DataParallel(model, { loss })` of fettle/parallel. */
  readonly parallel?: GradientSource<B>;
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

/** Sums over the batches of an epoch. */
interface Counts {
  loss: number;
  correct: number;
  samples: number;
  labelled: number;
  batch: number;
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

  constructor(private readonly options: TrainerOptions<M, B>) {
    if ((options.step === undefined) === (options.parallel === undefined)) {
      fail('argument', 'Trainer: expected one of step, which computes the loss of a batch, and parallel.');
    }
  }

  /** Epochs that are done. */
  get epochs(): number {
    return this.epoch;
  }

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
    if (this.bestModel !== null) {
      this.options.model.loadStateDict(this.bestModel);
      // The best epoch may have been before the last pruning.
      applyMasks(this.options.model.parameters());
    }
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
      if (mask !== undefined) replaceMask(parameter, reshape(mask, parameter.shape));
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
    const counts: Counts = { loss: 0, correct: 0, samples: 0, labelled: 0, batch: 0, read: 0 };
    const pending: Figures[] = [];
    const learningRate = optimizer.paramGroups[0]?.lr ?? NaN;
    // A state says at which block of random words an epoch began, but not how much of the block had been used.
    defaultGenerator.setState(defaultGenerator.getState());
    model.train();
    batches.setEpoch(this.epoch);
    for await (const batch of batches) {
      signal?.throwIfAborted();
      const { parallel, step } = this.options;
      pending.push(
        parallel === undefined
          ? scope(() => this.runBatch(step as Step<B>, batch))
          : await this.runParallel(parallel, batch),
      );
      await this.options.ranks?.synchronize();
      scope(() => this.update());
      counts.batch++;
      // A GPU works on this batch while the figures of the one before arrive.
      while (pending.length > (pending[0]?.late ? 1 : 0)) await this.count(pending.shift() as Figures, counts);
      const seconds = (performance.now() - started) / 1000;
      onBatch?.({
        epoch: this.epoch + 1,
        epochs,
        batch: counts.batch,
        batches: batches.length,
        done: this.epoch * batches.length + counts.batch,
        total: epochs * batches.length,
        loss: counts.loss / Math.max(counts.read, 1),
        accuracy: counts.labelled > 0 ? counts.correct / counts.labelled : null,
        samplesPerSecond: counts.samples / seconds,
      });
      await this.pause();
    }
    for (const figures of pending) await this.count(figures, counts);
    await this.addRanks(counts);
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

  /** Gradients of a batch. What answers at once has its loss looked at before the step, which a loss that is no number would spoil. */
  private runBatch(step: Step<B>, batch: B): Figures {
    const { optimizer } = this.options;
    const { loss, logits, labels } = step(batch);
    const late = !loss.storage.device.answersAtOnce;
    const told = late ? awaited(loss.data()) : [this.checked(loss.item())];
    optimizer.zeroGrad();
    loss.backward();
    if (logits === undefined || labels === undefined) {
      return { late, loss: told, hits: null, samples: logits?.shape[0] ?? 0 };
    }
    const found = eq(logits.detach().argmax(1), labels).sum();
    const hits = late ? awaited(found.data()) : [found.item()];
    return { late, loss: told, hits, samples: logits.shape[0] as number };
  }

  /** Adds the figures of a batch to those of its epoch. */
  private async count({ late, loss, hits, samples }: Figures, counts: Counts): Promise<void> {
    const [value = NaN] = await loss;
    counts.loss += late ? this.checked(value) : value;
    counts.read++;
    counts.samples += samples;
    if (hits === null) return;
    const [correct = 0] = await hits;
    counts.correct += correct;
    counts.labelled += samples;
  }

  /** The loss; throws where it is no number any more. */
  private checked(loss: number): number {
    if (Number.isFinite(loss)) return loss;
    return fail(
      'state',
      `Trainer: the loss became ${loss} in epoch ${this.epoch + 1}. Lower the learning rate, or clip gradients.`,
    );
  }

  private update(): void {
    const { model, optimizer, beforeStep } = this.options;
    beforeStep?.(model);
    optimizer.step();
  }

  /** Makes the counts of this rank those of all: sums, and of the loss the mean. */
  private async addRanks(counts: Counts): Promise<void> {
    const { ranks } = this.options;
    if (ranks === undefined) return;
    const figures = Float64Array.of(counts.loss, counts.correct, counts.samples, counts.labelled, 1);
    await ranks.processGroup.allReduce(figures);
    const [loss, correct, samples, labelled, size] = figures as unknown as [number, number, number, number, number];
    Object.assign(counts, { loss: loss / size, correct, samples, labelled });
  }

  /** The same on several threads. */
  private async runParallel(parallel: GradientSource<B>, batch: B): Promise<Figures> {
    this.options.optimizer.zeroGrad();
    const { loss, samples, correct } = await parallel.backward(batch);
    return { late: false, loss: [this.checked(loss)], hits: correct === null ? null : [correct], samples };
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
