import { fail } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import type { Module } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';
import { type AttentionTransferOptions, attentionTransferLoss, checkMaps } from './attention.js';
import { CrdLoss, type CrdOptions } from './crd.js';
import { type DkdOptions, dkdLoss } from './dkd.js';
import { hintAdapter, hintLoss } from './hint.js';
import { type RkdOptions, rkdLoss } from './rkd.js';
import { checkLogits, kdLoss } from './soft.js';

/** The losses that a Distiller adds up, by name, each ready to be computed on what a batch gave. */

/** Names of modules whose features belong together: the student's, the teacher's; '' is a model's output. */
export type FeaturePair = readonly [student: string, teacher: string];

interface Weighted {
  /** Default: 1 for 'kd', 'dkd', 'rkd' and functions, 100 for 'hint', 1000 for 'attention', 0.8 for 'crd', as their authors chose. */
  readonly weight?: number;
}

interface OnFeatures extends Weighted {
  /** Default: the Distiller's `features`. */
  readonly features?: readonly FeaturePair[];
}

/** A loss of one's own: of the features of each pair, or of the logits where it names none. */
export interface CustomLoss extends OnFeatures {
  readonly loss: (student: Tensor, teacher: Tensor) => Tensor;
}

/** A loss by its name, with its options. The temperature is the Distiller's, but for 'crd', which has its own. */
export type LossOptions =
  | ({ readonly loss: 'kd' } & Weighted)
  | ({ readonly loss: 'dkd' } & Weighted & Omit<DkdOptions, 'temperature'>)
  | ({ readonly loss: 'hint' } & OnFeatures)
  | ({ readonly loss: 'attention' } & OnFeatures & AttentionTransferOptions)
  | ({ readonly loss: 'rkd' } & OnFeatures & RkdOptions)
  | ({ readonly loss: 'crd' } & OnFeatures & CrdOptions)
  | CustomLoss;

export type LossName = Exclude<LossOptions, CustomLoss>['loss'];

/** What a loss may look at. */
export interface Seen {
  readonly student: Tensor;
  readonly teacher: Tensor;
  readonly labels: Tensor | null;
  readonly indices: Tensor | null;
}

/** One loss with its weight: on the predictions, or on the features of one pair of modules. */
export interface Term {
  /** Null for predictions. */
  readonly pair: FeaturePair | null;
  readonly weight: number;
  /** What has to learn for the loss beside the student, such as a regressor. */
  readonly adapter: Module | null;
  compute(seen: Seen): Tensor;
}

const WEIGHTS: Readonly<Record<LossName, number>> = { kd: 1, dkd: 1, hint: 100, attention: 1000, rkd: 1, crd: 0.8 };

/** A loss as it is given, as options; throws for unknown names and weights below 0. */
export function readLoss(given: LossName | LossOptions): LossOptions & { readonly weight: number } {
  const options = (typeof given === 'string' ? { loss: given } : given) as LossOptions;
  const isCustom = typeof options.loss === 'function';
  if (!isCustom && !Object.hasOwn(WEIGHTS, options.loss)) {
    fail(
      'argument',
      `Distiller: there is no loss '${String(options.loss)}'. There are: ${Object.keys(WEIGHTS).join(', ')}, and functions: ` +
        '{ loss: (student, teacher) => … }.',
    );
  }
  const weight = options.weight ?? (isCustom ? 1 : WEIGHTS[options.loss as LossName]);
  if (!(weight >= 0)) fail('argument', `Distiller: the weight of a loss must not be negative, got ${weight}.`);
  return { ...options, weight };
}

/** Whether a loss looks at predictions rather than at features. */
export function isOnPredictions(options: LossOptions): boolean {
  return options.loss === 'kd' || options.loss === 'dkd' || (typeof options.loss === 'function' && !options.features);
}

/** A loss on predictions. */
export function predictionTerm(options: LossOptions & { readonly weight: number }, temperature: number): Term {
  const compute = ({ student, teacher, labels }: Seen): Tensor => {
    if (typeof options.loss === 'function') return options.loss(student, teacher);
    checkLogits('Distiller', student, teacher);
    if (options.loss !== 'dkd') return kdLoss(student, teacher, { temperature });
    if (labels === null)
      return fail('argument', "Distiller: 'dkd' tells the true class from the others and needs labels.");
    return dkdLoss(student, teacher, labels, { ...options, temperature });
  };
  return { pair: null, weight: options.weight, adapter: null, compute };
}

/** A loss on the features of a pair of modules, of which one batch is given; what it has to learn is made to fit them. */
export function featureTerm(
  options: LossOptions & { readonly weight: number },
  pair: FeaturePair,
  student: Tensor,
  teacher: Tensor,
): Term {
  const by = `Distiller: ${String(options.loss)} of '${pair[0]}' and '${pair[1]}'`;
  const { weight } = options;
  const plain = (loss: (s: Tensor, t: Tensor) => Tensor): Term => {
    return { pair, weight, adapter: null, compute: (seen) => loss(seen.student, seen.teacher) };
  };
  if (typeof options.loss === 'function') return plain(options.loss);
  if (options.loss === 'attention') {
    checkMaps(by, student, teacher);
    return plain((s, t) => attentionTransferLoss(s, t, options));
  }
  if (options.loss === 'rkd') return plain((s, t) => rkdLoss(s, t, options));
  if (options.loss === 'crd') {
    const head = new CrdLoss(sizeOf(student.shape.slice(1)), sizeOf(teacher.shape.slice(1)), options);
    return { pair, weight, adapter: head, compute: (seen) => head.forward(seen.student, seen.teacher, seen.indices) };
  }
  const { regressor, adapt } = hintAdapter(by, student.shape, teacher.shape);
  return { pair, weight, adapter: regressor, compute: (seen) => hintLoss(...adapt(seen.student, seen.teacher)) };
}
