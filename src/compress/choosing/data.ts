import { noGrad } from '../../autograd/index.js';
import { checkOptions } from '../../core/arguments.js';
import { breathe } from '../../core/breathe.js';
import { fail, show } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import type { Module } from '../../nn/index.js';
import { clone } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { type Batches, inputOf } from '../pruning/activations.js';

/** What data compression is given, and what stands in where something is missing. */

/** A model that takes one tensor. */
export type Runnable = Module & { forward(x: Tensor): Tensor };

/** What a retraining is told. */
export interface RetrainContext {
  /** What it is for, as 'prune 2/5'. */
  readonly name: string;
  readonly epochs: number;
  readonly lr: number;
  /** The loss of a batch where it is another than the usual one, as in distillation. */
  readonly loss?: (x: Tensor, y: Tensor) => Tensor;
  /** Stops the training between two batches, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
  /** To be called after each batch: how many of all are done. */
  readonly onBatch?: (done: number, total: number | null) => void;
}

export type Retrain = (model: Runnable, context: RetrainContext) => void | Promise<void>;

/** How good a model is; larger is better. It is given copies of the model, in evaluation mode. */
export type Evaluate = (model: Runnable) => number | Promise<number>;

export interface CompressionData {
  /** Batches of inputs and targets to train on, and inputs to calibrate with. Default: the validation batches. */
  readonly train?: Batches;
  /** Batches of inputs and class indices to evaluate on. Default: the training batches. */
  readonly validation?: Batches;
  /** Inputs of the model, one tensor for each argument. Default: the first input of the first batch. */
  readonly exampleInputs?: Tensor | readonly Tensor[];
  /** Trains a model. Default: Adam on the cross entropy with the labels. */
  readonly retrain?: Retrain;
  /** Default: the share of validation samples whose largest logit is the label, in [0, 1]. */
  readonly evaluate?: Evaluate;
}

/** Data as the methods take it. */
export interface Prepared {
  readonly train: Batches | null;
  readonly inputs: readonly Tensor[];
  readonly retrain: Retrain | null;
  readonly evaluate: Evaluate;
  /** Frees what was made here. */
  dispose(): void;
}

const FIELDS = ['train', 'validation', 'exampleInputs', 'retrain', 'evaluate'] as const;

function isBatches(value: unknown): value is Batches {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}

function checkBatches(by: string, name: string, batches: unknown): Batches | null {
  if (batches === undefined) return null;
  if (!isBatches(batches) || batches instanceof Tensor) {
    return fail('argument', `${by}: ${name} must give batches, as a DataLoader or an array of them does.`);
  }
  // Generators are their own iterators: a second pass over them gives nothing.
  if ('next' in batches && typeof batches.next === 'function') {
    fail('argument', `${by}: ${name} can be gone through once only. Pass a DataLoader, or an array of batches.`);
  }
  return batches;
}

/** The first input of the first batch, as a batch of one. */
async function firstInput(by: string, batches: Batches): Promise<Tensor> {
  for await (const batch of batches) {
    const x = inputOf(batch);
    if (!(x instanceof Tensor) || x.ndim === 0 || x.shape[0] === 0) break;
    return noGrad(() => clone(x.narrow(0, 0, 1))).keep();
  }
  return fail('data', `${by}: the data gives no batch with an input. Pass batches of inputs and targets.`);
}

/**
 * The data that `by` was given, checked: batches alone serve for training and validation; the rest as CompressionData says.
 * Nothing is run but the first batch, where there are no example inputs.
 */
export async function prepareData(by: string, data: Batches | CompressionData): Promise<Prepared> {
  if (typeof data !== 'object' || data === null) {
    fail('argument', `${by}: data must be batches, or { train, validation, exampleInputs, retrain, evaluate }.`);
  }
  const given: CompressionData = isBatches(data) ? { train: data } : data;
  checkOptions(by, given, FIELDS);
  const { exampleInputs, retrain = null, evaluate } = given;
  const train = checkBatches(by, 'data.train', given.train) ?? checkBatches(by, 'data.validation', given.validation);
  const validation = checkBatches(by, 'data.validation', given.validation) ?? train;
  if (evaluate === undefined && validation === null) {
    fail(
      'argument',
      `${by}: data needs validation batches of inputs and labels, or evaluate, a function of the model.`,
    );
  }
  if (exampleInputs === undefined && train === null) {
    fail('argument', `${by}: data needs exampleInputs, or batches to take them from.`);
  }
  const made = exampleInputs === undefined ? await firstInput(by, (validation ?? train) as Batches) : null;
  const inputs = made !== null ? [made] : exampleInputs instanceof Tensor ? [exampleInputs] : exampleInputs;
  return {
    train,
    inputs: inputs as readonly Tensor[],
    retrain,
    evaluate: evaluate ?? ((model) => accuracy(by, model, validation as Batches)),
    dispose: () => made?.dispose(),
  };
}

/** The share of samples whose largest logit [N, C] is the label [N]. */
async function accuracy(by: string, model: Runnable, batches: Batches): Promise<number> {
  const pause = breathe();
  let [samples, correct] = [0, 0];
  for await (const batch of batches) {
    const [x, y] = batch instanceof Tensor ? [batch, undefined] : (batch as readonly [Tensor, Tensor?]);
    if (y === undefined || y.dtype === 'float32' || y.ndim !== 1) {
      fail(
        'data',
        `${by}: accuracy needs labels [N] of class indices, got ${y === undefined ? 'none' : `${y.dtype} ${show(y.shape)}`}. ` +
          'Pass evaluate, a function of the model that gives a number, larger for better.',
      );
    }
    scope(() =>
      noGrad(() => {
        const chosen = model.forward(x).argmax(1).dataSync();
        y.dataSync().forEach((label, i) => {
          if (chosen[i] === label) correct++;
        });
        samples += chosen.length;
      }),
    );
    await pause();
  }
  if (samples === 0) fail('data', `${by}: there is no sample to evaluate on.`);
  return correct / samples;
}
