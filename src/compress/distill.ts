import { noGrad } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import type { Module } from '../nn/index.js';
import { add, crossEntropy, klDiv, logSoftmax, mul, softmax } from '../ops/index.js';
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

/**
 * alpha · T² · KL(softmax(teacher / T) ‖ softmax(student / T)) + (1 − alpha) · cross entropy with the labels.
 * T² keeps the gradients of both parts in proportion when T changes (Hinton, Vinyals, Dean 2015, section 2).
 */
export function distillationLoss(student: Tensor, teacher: Tensor, labels: Tensor, options: DistillationOptions = {}): Tensor {
  const { temperature, alpha } = check(options);
  const soft = klDiv(logSoftmax(mul(student, 1 / temperature), 1), softmax(mul(teacher, 1 / temperature), 1), {
    reduction: 'batchmean',
  });
  const hard = crossEntropy(student, labels);
  return add(mul(soft, alpha * temperature * temperature), mul(hard, 1 - alpha));
}

export interface DistillerOptions extends DistillationOptions {
  readonly teacher: Classifier;
  readonly student: Classifier;
}

/** Trains a student on a teacher's predictions. The teacher is put into evaluation mode and is not changed. */
export class Distiller {
  readonly teacher: Classifier;
  readonly student: Classifier;
  private readonly options: { temperature: number; alpha: number };

  constructor({ teacher, student, ...options }: DistillerOptions) {
    this.options = check(options);
    this.teacher = teacher;
    this.student = student;
    teacher.eval();
  }

  /** The loss of one batch, and the student's logits: x as the models take it, labels [N] class indices. */
  step(x: Tensor, labels: Tensor): { loss: Tensor; logits: Tensor; labels: Tensor } {
    const soft = noGrad(() => this.teacher.forward(x));
    const logits = this.student.forward(x);
    return { loss: distillationLoss(logits, soft, labels, this.options), logits, labels };
  }

  /** The loss alone. */
  loss(x: Tensor, labels: Tensor): Tensor {
    return this.step(x, labels).loss;
  }
}
