import { fail, show } from '../../core/errors.js';
import {
  add,
  cast,
  exp,
  gather,
  logSoftmax,
  logsumexp,
  maskedFill,
  mul,
  oneHot,
  sub,
  sum,
  unsqueeze,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { checkLogits, checkTemperature } from './soft.js';

export interface DkdOptions {
  /** Weight of the part on the target class against all others together. Default 1. */
  readonly alpha?: number;
  /** Weight of the part among the other classes. Default 8. */
  readonly beta?: number;
  /** Divides the logits. Default 4. */
  readonly temperature?: number;
}

/** What is said of a sample: log-probabilities of its class [N, 1], of the others together [N, 1], and among the others [N, C]. */
interface Split {
  readonly own: Tensor;
  readonly rest: Tensor;
  readonly among: Tensor;
}

function splitOf(logits: Tensor, label: Tensor, isOwn: Tensor): Split {
  const logP = logSoftmax(logits, 1);
  // Summed without the class itself rather than taken from 1: a confident teacher leaves the others less than 1 can show.
  const rest = logsumexp(maskedFill(logP, isOwn, -Infinity), 1, true);
  return { own: gather(logP, 1, label), rest, among: sub(logP, rest) };
}

/**
 * Decoupled distillation of logits [N, C] for classes `target` [N]: T² (alpha · KL between what teacher and student give the
 * class itself and all others together + beta · KL between what they say among the others), the mean over the samples. In
 * plain distillation the second part shrinks with the teacher's confidence.
 * Zhao, Cui, Song, Qiu, Liang 2022, "Decoupled knowledge distillation", equation 7.
 */
export function dkdLoss(student: Tensor, teacher: Tensor, target: Tensor, options: DkdOptions = {}): Tensor {
  const { alpha = 1, beta = 8, temperature = 4 } = options;
  checkTemperature('dkdLoss', temperature);
  for (const [name, value] of Object.entries({ alpha, beta })) {
    if (!(value >= 0)) fail('argument', `dkdLoss: ${name} must not be negative, got ${value}.`);
  }
  checkLogits('dkdLoss', student, teacher);
  const [samples, classes] = student.shape as readonly [number, number];
  if (target.ndim !== 1 || target.shape[0] !== samples || target.dtype === 'float32') {
    fail(
      'shape',
      `dkdLoss: expected the class of each sample, whole numbers [${samples}], got ${target.dtype} ${show(target.shape)}.`,
    );
  }
  const label = unsqueeze(target, 1);
  const isOwn = cast(oneHot(target, classes), 'bool');
  const s = splitOf(mul(student, 1 / temperature), label, isOwn);
  const t = splitOf(mul(teacher, 1 / temperature), label, isOwn);
  const binary = add(mul(exp(t.own), sub(t.own, s.own)), mul(exp(t.rest), sub(t.rest, s.rest)));
  const among = mul(maskedFill(exp(t.among), isOwn, 0), sub(t.among, s.among));
  const scale = (temperature * temperature) / samples;
  return add(mul(sum(binary), alpha * scale), mul(sum(among), beta * scale));
}
