import { fail } from '../../core/errors.js';
import { add, crossEntropy, detach, mul } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { checkTemperature, kdLoss } from './soft.js';
import type { Classifier } from './teachers.js';

export interface MutualOptions {
  /** Divides the logits where students are compared. Default 1. */
  readonly temperature?: number;
  /** Weight of the other students' predictions against the labels' 1. Default 1. */
  readonly weight?: number;
}

/**
 * The loss of each of several students that learn from the labels [N] and from one another: cross entropy + weight · the mean
 * of T² KL(another's prediction ‖ its own) over the others, whose predictions it takes as given.
 * Zhang, Xiang, Hospedales, Lu 2018, "Deep mutual learning", equations 6 and 9.
 */
export function mutualLosses(logits: readonly Tensor[], labels: Tensor, options: MutualOptions = {}): Tensor[] {
  const { temperature = 1, weight = 1 } = options;
  checkTemperature('mutualLosses', temperature);
  if (!(weight >= 0)) fail('argument', `mutualLosses: weight must not be negative, got ${weight}.`);
  if (logits.length < 2)
    fail('argument', `mutualLosses: expected the logits of two students or more, got ${logits.length}.`);
  return logits.map((own, i) => {
    const others = logits.filter((_, j) => j !== i).map((other) => kdLoss(own, detach(other), { temperature }));
    const agreement = mul(
      others.reduce((a, b) => add(a, b)),
      weight / others.length,
    );
    return add(crossEntropy(own, labels), agreement);
  });
}

/** Students that are trained together without a teacher, each learning from what the others have found. */
export class MutualLearning {
  readonly students: readonly Classifier[];
  private readonly options: MutualOptions;

  constructor({ students, ...options }: MutualOptions & { readonly students: readonly Classifier[] }) {
    if (new Set(students).size !== students.length || students.length < 2) {
      fail('argument', 'MutualLearning: expected two students or more, all different.');
    }
    checkTemperature('MutualLearning', options.temperature ?? 1);
    this.students = students;
    this.options = options;
  }

  /** The parameters of all students, for one optimizer. */
  parameters(): ReturnType<Classifier['parameters']> {
    return this.students.flatMap((student) => student.parameters());
  }

  /** The sum of the students' losses of one batch, each loss, and the logits of the first: x as the models take it, labels [N]. */
  step(x: Tensor, labels: Tensor): { loss: Tensor; losses: Tensor[]; logits: Tensor; labels: Tensor } {
    const logits = this.students.map((student) => student.forward(x));
    const losses = mutualLosses(logits, labels, this.options);
    return { loss: losses.reduce((a, b) => add(a, b)), losses, logits: logits[0] as Tensor, labels };
  }
}
