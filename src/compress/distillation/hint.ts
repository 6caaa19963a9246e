import { fail, show } from '../../core/errors.js';
import { type Shape, sameShape } from '../../core/shape.js';
import { Conv2d, Linear, type Module } from '../../nn/index.js';
import { adaptiveAvgPool2d, flatten, mean, mseLoss } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

/**
 * The mean of the squared differences between a student's features and a teacher's, of the same shape: the paper's
 * ½‖teacher − regressor(student)‖² but for a constant factor.
 * Romero, Ballas, Kahou, Chassang, Gatta, Bengio 2015, "FitNets: hints for thin deep nets", equation 3.
 */
export function hintLoss(student: Tensor, teacher: Tensor): Tensor {
  if (!sameShape(student.shape, teacher.shape)) {
    fail(
      'shape',
      `hintLoss: features must have the same shape, got ${show(student.shape)} and ${show(teacher.shape)}. ` +
        'Let a layer map the student’s to the teacher’s first, as Distiller does.',
    );
  }
  return mseLoss(student, teacher);
}

/** A student's features and a teacher's, made comparable. */
export interface HintAdapter {
  /** Maps the student's features; trained with the student. Null where both agree already. */
  readonly regressor: (Module & { forward(x: Tensor): Tensor }) | null;
  /** What is compared: both of the same shape. */
  adapt(student: Tensor, teacher: Tensor): readonly [student: Tensor, teacher: Tensor];
}

/** Images become vectors where the other side has vectors: the mean over all places. */
function vectorsOf(x: Tensor): Tensor {
  return x.ndim === 4 ? mean(flatten(x, 2), 2) : x;
}

/**
 * The adapter between features of the given shapes. Images [N, C, H, W] are mapped by a convolution whose field is as large
 * as it has to be for the student's map to come out in the teacher's size, as in the paper; a teacher's map that is larger is
 * averaged down. Vectors [N, F] and sequences [N, T, F] are mapped by a linear layer; images meet vectors as their means.
 */
export function hintAdapter(by: string, student: Shape, teacher: Shape): HintAdapter {
  if (sameShape(student, teacher)) return { regressor: null, adapt: (s, t) => [s, t] };
  const [, channels = 0, height = 0, width = 0] = student;
  const [, theirChannels = 0, theirHeight = 0, theirWidth = 0] = teacher;
  if (student.length === 4 && teacher.length === 4) {
    const size = [Math.min(height, theirHeight), Math.min(width, theirWidth)] as [number, number];
    const field = [height - size[0] + 1, width - size[1] + 1] as [number, number];
    const regressor = new Conv2d(channels, theirChannels, field);
    const isLarger = size[0] !== theirHeight || size[1] !== theirWidth;
    return { regressor, adapt: (s, t) => [regressor.forward(s), isLarger ? adaptiveAvgPool2d(t, size) : t] };
  }
  const areVectors = [student, teacher].every(({ length }) => length === 2 || length === 4);
  const areSequences = student.length === 3 && teacher.length === 3 && channels === theirChannels;
  if (!areVectors && !areSequences) {
    fail(
      'shape',
      `${by}: no layer is known that would map features ${show(student)} to ${show(teacher)}. Choose features that are both ` +
        'images [N, C, H, W], vectors [N, F], or sequences [N, T, F] of the same length.',
    );
  }
  const [inputs, outputs] = areSequences ? [height, theirHeight] : [channels, theirChannels];
  const regressor = new Linear(inputs, outputs);
  return { regressor, adapt: (s, t) => [regressor.forward(vectorsOf(s)), vectorsOf(t)] };
}
