import { fail, show } from '../../core/errors.js';
import { add, crossEntropy, klDiv, logSoftmax, mul, softmax } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

/** Losses on the softened predictions of a teacher. */

export interface DistillationOptions {
  /** Divides the logits before the softmax; higher shows more of what the teacher thinks of the wrong classes. Default 4. */
  readonly temperature?: number;
  /** Weight of the teacher's predictions against the true labels, in [0, 1]. Default 0.9. */
  readonly alpha?: number;
}

/** Throws unless a temperature is above 0. */
export function checkTemperature(name: string, temperature: number): number {
  if (!(temperature > 0)) fail('argument', `${name}: temperature must be above 0, got ${temperature}.`);
  return temperature;
}

/** Throws unless a share is in [0, 1]. */
export function checkAlpha(name: string, alpha: number): number {
  if (!(alpha >= 0 && alpha <= 1)) fail('argument', `${name}: alpha must be in [0, 1], got ${alpha}.`);
  return alpha;
}

/** Throws unless both are logits [N, C] of the same samples and classes. */
export function checkLogits(name: string, student: Tensor, teacher: Tensor): void {
  for (const [who, { shape }] of [['student', student] as const, ['teacher', teacher] as const]) {
    if (shape.length !== 2 || (shape[1] as number) < 2) {
      fail(
        'shape',
        `${name}: the ${who}'s logits must be [N, C] of two classes or more, got ${show(shape)}. ` +
          'Flatten what stands before the classes; let one logit x become two, 0 and x.',
      );
    }
  }
  if (student.shape[0] !== teacher.shape[0] || student.shape[1] !== teacher.shape[1]) {
    fail(
      'shape',
      `${name}: student and teacher must have logits for the same samples and classes, got ${show(student.shape)} and ` +
        `${show(teacher.shape)}. Losses on features ('hint', 'rkd', 'crd', …) do without common classes.`,
    );
  }
}

/**
 * T² · KL(softmax(teacher / T) ‖ softmax(student / T)) of logits [N, C], the mean over the samples. T² keeps the gradients in
 * proportion when T changes. Hinton, Vinyals, Dean 2015, "Distilling the knowledge in a neural network", section 2.
 */
export function kdLoss(
  student: Tensor,
  teacher: Tensor,
  options: Pick<DistillationOptions, 'temperature'> = {},
): Tensor {
  const temperature = checkTemperature('kdLoss', options.temperature ?? 4);
  checkLogits('kdLoss', student, teacher);
  const target = softmax(mul(teacher, 1 / temperature), 1);
  const soft = klDiv(logSoftmax(mul(student, 1 / temperature), 1), target, { reduction: 'batchmean' });
  return mul(soft, temperature * temperature);
}

/**
 * alpha · `kdLoss` + (1 − alpha) · cross entropy of the student's logits [N, C] with the labels [N].
 * Hinton, Vinyals, Dean 2015, "Distilling the knowledge in a neural network", section 2.
 */
export function distillationLoss(
  student: Tensor,
  teacher: Tensor,
  labels: Tensor,
  options: DistillationOptions = {},
): Tensor {
  const alpha = checkAlpha('distillationLoss', options.alpha ?? 0.9);
  const soft = kdLoss(student, teacher, options);
  return add(mul(soft, alpha), mul(crossEntropy(student, labels), 1 - alpha));
}
