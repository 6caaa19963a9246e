import { noGrad } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import type { Module } from '../nn/index.js';
import { add, crossEntropy, indexSelect, klDiv, logSoftmax, mul, softmax, tensor } from '../ops/index.js';
import type { Tensor } from '../tensor.js';

/** A model that takes one tensor and gives logits. */
export type Classifier = Module & { forward(x: Tensor): Tensor };

export interface DistillationOptions {
  /** Divides the logits before the softmax; higher shows more of what the teacher thinks of the wrong classes. Default 4. */
  readonly temperature?: number;
  /** Weight of the teacher's predictions against the true labels, in [0, 1]. Default 0.9. */
  readonly alpha?: number;
}

function check({ temperature = 4, alpha = 0.9 }: DistillationOptions): { temperature: number; alpha: number } {
  if (!(temperature > 0)) fail('argument', `distill: temperature must be above 0, got ${temperature}.`);
  if (!(alpha >= 0 && alpha <= 1)) fail('argument', `distill: alpha must be in [0, 1], got ${alpha}.`);
  return { temperature, alpha };
}

/** T² · KL(softmax(teacher / T) ‖ softmax(student / T)), the mean over the batch. */
function softLoss(student: Tensor, teacher: Tensor, temperature: number): Tensor {
  const target = softmax(mul(teacher, 1 / temperature), 1);
  const soft = klDiv(logSoftmax(mul(student, 1 / temperature), 1), target, { reduction: 'batchmean' });
  return mul(soft, temperature * temperature);
}

/**
 * alpha · T² · KL(softmax(teacher / T) ‖ softmax(student / T)) + (1 − alpha) · cross entropy with the labels.
 * T² keeps the gradients of both parts in proportion when T changes (Hinton, Vinyals, Dean 2015, section 2).
 */
export function distillationLoss(
  student: Tensor,
  teacher: Tensor,
  labels: Tensor,
  options: DistillationOptions = {},
): Tensor {
  const { temperature, alpha } = check(options);
  const hard = crossEntropy(student, labels);
  return add(mul(softLoss(student, teacher, temperature), alpha), mul(hard, 1 - alpha));
}

export interface DistillerOptions extends DistillationOptions {
  readonly teacher: Classifier;
  readonly student: Classifier;
  /**
   * On how many random mixtures of a batch's inputs the student also follows the teacher. A mixture has no label, but a
   * teacher has an opinion on it, and the student sees more of the teacher's function than the data shows (Beyer et al. 2022,
   * "Knowledge distillation: a good teacher is patient and consistent"). Each costs one more pass. Default 0.
   */
  readonly mixtures?: number;
  /** The stream that mixtures are drawn from. Default: the one that `manualSeed` sets. */
  readonly generator?: Generator;
}

/** Trains a student on a teacher's predictions. The teacher is put into evaluation mode and is not changed. */
export class Distiller {
  readonly teacher: Classifier;
  readonly student: Classifier;
  private readonly options: { temperature: number; alpha: number };
  private readonly mixtures: number;
  private readonly generator: Generator;

  constructor({ teacher, student, mixtures = 0, generator = defaultGenerator, ...options }: DistillerOptions) {
    if (!Number.isInteger(mixtures) || mixtures < 0) {
      fail('argument', `Distiller: mixtures must be a whole number ≥ 0, got ${mixtures}.`);
    }
    this.options = check(options);
    this.teacher = teacher;
    this.student = student;
    this.mixtures = mixtures;
    this.generator = generator;
    teacher.eval();
  }

  /** The loss of one batch, and the student's logits: x as the models take it, labels [N] class indices. */
  step(x: Tensor, labels: Tensor): { loss: Tensor; logits: Tensor; labels: Tensor } {
    const logits = this.student.forward(x);
    let loss = distillationLoss(logits, this.teach(x), labels, this.options);
    for (let i = 0; i < this.mixtures; i++) {
      const mixed = noGrad(() => this.mix(x));
      loss = add(loss, softLoss(this.student.forward(mixed), this.teach(mixed), this.options.temperature));
    }
    return { loss: mul(loss, 1 / (1 + this.mixtures)), logits, labels };
  }

  /** The loss alone. */
  loss(x: Tensor, labels: Tensor): Tensor {
    return this.step(x, labels).loss;
  }

  private teach(x: Tensor): Tensor {
    return noGrad(() => this.teacher.forward(x));
  }

  /** Each input blended with another of the batch, between a fifth and four fifths of either. */
  private mix(x: Tensor): Tensor {
    const share = 0.2 + 0.6 * this.generator.uniform();
    const other = indexSelect(x, 0, tensor(this.generator.permutation(x.shape[0] as number)));
    return add(mul(x, share), mul(other, 1 - share));
  }
}
