import { noGrad } from '../autograd/index.js';
import { breathe } from '../core/breathe.js';
import type { ArrayOf, DType } from '../core/dtype.js';
import { scope } from '../core/scoping.js';
import type { Module } from '../nn/index.js';
import { crossEntropy, softmax } from '../ops/index.js';
import type { Tensor } from '../tensor.js';

/** A model that takes one tensor [N, …] and gives logits [N, C]. */
export type Classifier = Module & { forward(x: Tensor): Tensor };

/** Batches of inputs and class indices. */
export type LabelledBatches = AsyncIterable<readonly [Tensor, Tensor]>;

/** What a classifier said about a set of samples. */
export interface Evaluation {
  /** Mean cross entropy. */
  readonly loss: number;
  /** Share of samples whose largest logit is the true class, in [0, 1]. */
  readonly accuracy: number;
  readonly samples: number;
  /** confusion[true class][predicted class] counts samples. */
  readonly confusion: readonly (readonly number[])[];
  /** For each sample, in order: its true class, the predicted one, and the probability given to that. */
  readonly predictions: readonly { readonly label: number; readonly predicted: number; readonly confidence: number }[];
}

type Numbers = ArrayOf[DType];

/** Runs `model` in evaluation mode, without recording, over all batches; the model's mode is restored afterwards. */
export async function evaluate(model: Classifier, batches: LabelledBatches): Promise<Evaluation> {
  const wasTraining = model.training;
  model.eval();
  const predictions: { label: number; predicted: number; confidence: number }[] = [];
  const pause = breathe();
  let total = 0;
  let classes = 0;
  try {
    for await (const [x, y] of batches) {
      const { told } = scope(() =>
        noGrad(() => {
          const logits = model.forward(x);
          classes = logits.shape[1] as number;
          // Classes are told apart by their logits: probabilities near 1 round to the same number.
          const answers = [
            crossEntropy(logits, y, { reduction: 'sum' }),
            logits.argmax(1),
            softmax(logits, 1),
            y,
          ] as const;
          // Asked for together, and before the tensors are freed: a device gives what is there when it is asked.
          return { told: Promise.all(answers.map((answer) => answer.data())) };
        }),
      );
      const [loss, chosen, probabilities, labels] = (await told) as [Numbers, Numbers, Numbers, Numbers];
      total += loss[0] as number;
      labels.forEach((label, row) => {
        const predicted = chosen[row] as number;
        predictions.push({ label, predicted, confidence: probabilities[row * classes + predicted] as number });
      });
      await pause();
    }
  } finally {
    model.train(wasTraining);
  }
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { label, predicted } of predictions) {
    const row = confusion[label];
    if (row !== undefined) row[predicted] = (row[predicted] as number) + 1;
  }
  const samples = predictions.length;
  const correct = predictions.filter(({ label, predicted }) => label === predicted).length;
  return {
    loss: samples === 0 ? NaN : total / samples,
    accuracy: samples === 0 ? NaN : correct / samples,
    samples,
    confusion,
    predictions,
  };
}
