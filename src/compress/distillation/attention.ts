import { fail, show } from '../../core/errors.js';
import { abs, adaptiveAvgPool2d, flatten, mean, mseLoss, normalize, pow } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

export interface AttentionTransferOptions {
  /** The power of the magnitudes that are averaged over the channels; higher looks at the strongest alone. Default 2. */
  readonly p?: number;
}

/** Where a layer looks: the mean of |activation|^p over the channels, [N, places] of length 1. */
function attentionOf(x: Tensor, p: number): Tensor {
  return normalize(flatten(mean(pow(abs(x), p), 1), 1), { p: 2, dim: 1 });
}

/**
 * The mean of the squared differences between where a student and a teacher look. Features are [N, C, …] with any numbers of
 * channels and the same number of further dimensions; of images of different sizes, the larger is averaged down.
 * Zagoruyko and Komodakis 2017, "Paying more attention to attention: improving the performance of convolutional neural
 * networks via attention transfer", section 3.1; the squares and their mean are those of the authors' program.
 */
export function attentionTransferLoss(
  student: Tensor,
  teacher: Tensor,
  { p = 2 }: AttentionTransferOptions = {},
): Tensor {
  if (!(p >= 1)) fail('argument', `attentionTransferLoss: p must be 1 or more, got ${p}.`);
  checkMaps('attentionTransferLoss', student, teacher);
  const [s, t] = student.ndim === 4 ? sameSize(student, teacher) : [student, teacher];
  return mseLoss(attentionOf(s, p), attentionOf(t, p));
}

/** Throws unless features can be compared by their places. */
export function checkMaps(by: string, student: Tensor, teacher: Tensor): void {
  const places = [student, teacher].map(({ shape }) => shape.slice(2).join());
  const areImages = student.ndim === 4 && teacher.ndim === 4;
  if (student.ndim >= 3 && teacher.shape[0] === student.shape[0] && (areImages || places[0] === places[1])) return;
  fail(
    'shape',
    `${by}: expected features [N, C, …] with places to look at, as of convolutions, as many for both unless they are ` +
      `images; got ${show(student.shape)} and ${show(teacher.shape)}. For vectors there are 'hint', 'rkd' and 'crd'.`,
  );
}

function sameSize(student: Tensor, teacher: Tensor): [Tensor, Tensor] {
  const [, , h = 1, w = 1] = student.shape;
  const [, , theirH = 1, theirW = 1] = teacher.shape;
  const size: [number, number] = [Math.min(h, theirH), Math.min(w, theirW)];
  const fit = (x: Tensor): Tensor =>
    x.shape[2] === size[0] && x.shape[3] === size[1] ? x : adaptiveAvgPool2d(x, size);
  return [fit(student), fit(teacher)];
}
