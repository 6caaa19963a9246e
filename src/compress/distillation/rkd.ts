import { noGrad } from '../../autograd/index.js';
import { fail, show } from '../../core/errors.js';
import {
  add,
  bmm,
  cdist,
  div,
  flatten,
  mul,
  normalize,
  smoothL1Loss,
  sub,
  sum,
  transpose,
  unsqueeze,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

/**
 * Relations within a batch instead of values: features [N, …] of any two widths can be compared.
 * Park, Kim, Lu, Cho 2019, "Relational knowledge distillation".
 */

export interface RkdOptions {
  /** Weight of the distances of pairs. Default 25. */
  readonly distance?: number;
  /** Weight of the angles of triples. Default 50. */
  readonly angle?: number;
}

/** Samples as vectors [N, F]. */
function vectors(by: string, student: Tensor, teacher: Tensor): [Tensor, Tensor] {
  if (student.ndim < 2 || teacher.ndim < 2 || student.shape[0] !== teacher.shape[0]) {
    fail(
      'shape',
      `${by}: expected features [N, …] of the same samples, got ${show(student.shape)} and ${show(teacher.shape)}.`,
    );
  }
  if ((student.shape[0] as number) < 2)
    fail('shape', `${by}: a batch of one sample has no relations. Take larger batches.`);
  return [flatten(student, 1), flatten(teacher, 1)];
}

/** Distances of all pairs in units of their mean, [N, N]. */
function distances(x: Tensor): Tensor {
  const n = x.shape[0] as number;
  const apart = cdist(x, x);
  return div(apart, div(sum(apart), n * (n - 1)));
}

/** The cosine of the angle at sample j of each triple i, j, k: [N, N, N] as [j, i, k]. */
function angles(x: Tensor): Tensor {
  const towards = normalize(sub(unsqueeze(x, 0), unsqueeze(x, 1)), { p: 2, dim: 2 });
  return bmm(towards, transpose(towards, 1, 2));
}

/** Huber loss (threshold 1) between the distances of all pairs, each side in units of its mean (equation 6). */
export function rkdDistanceLoss(student: Tensor, teacher: Tensor): Tensor {
  const [s, t] = vectors('rkdDistanceLoss', student, teacher);
  const target = noGrad(() => distances(t));
  return smoothL1Loss(distances(s), target);
}

/** Huber loss (threshold 1) between the angles of all triples (equation 9). Needs memory for N³ numbers, and N² · F. */
export function rkdAngleLoss(student: Tensor, teacher: Tensor): Tensor {
  const [s, t] = vectors('rkdAngleLoss', student, teacher);
  const target = noGrad(() => angles(t));
  return smoothL1Loss(angles(s), target);
}

/** distance · `rkdDistanceLoss` + angle · `rkdAngleLoss`; what has weight 0 is not computed. */
export function rkdLoss(student: Tensor, teacher: Tensor, { distance = 25, angle = 50 }: RkdOptions = {}): Tensor {
  for (const [name, value] of Object.entries({ distance, angle })) {
    if (!(value >= 0)) fail('argument', `rkdLoss: ${name} must not be negative, got ${value}.`);
  }
  if (distance === 0 && angle === 0)
    fail('argument', 'rkdLoss: distance and angle are both 0. Give one of them a weight.');
  if (angle === 0) return mul(rkdDistanceLoss(student, teacher), distance);
  const angular = mul(rkdAngleLoss(student, teacher), angle);
  return distance === 0 ? angular : add(mul(rkdDistanceLoss(student, teacher), distance), angular);
}
