import { noGrad } from '../../autograd/index.js';
import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { Buffer, Linear, Module } from '../../nn/index.js';
import {
  add,
  arange,
  cast,
  copy_,
  div,
  eq,
  exp,
  flatten,
  floor,
  indexCopy_,
  indexSelect,
  log,
  logSigmoid,
  maskedFill,
  matmul,
  mean,
  mul,
  neg,
  normalize,
  rand,
  randn,
  sub,
  sum,
  transpose,
  unsqueeze,
  zeros,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { checkTemperature } from './soft.js';

/**
 * Contrastive distillation: a sample's features in student and teacher should be told from pairs that do not belong together.
 * Tian, Krishnan, Isola 2020, "Contrastive representation distillation".
 */

export interface ContrastOptions {
  /** Divides the similarities. Default 0.07. */
  readonly temperature?: number;
  /** The logarithm of the mean of exp(similarity / temperature) over random pairs, a scalar. Default 0: it is taken to be 1. */
  readonly logMean?: Tensor | number;
  /** What of `negatives` is none, [N, K] of bool: a sample's own, for instance. Default: all are. */
  readonly excluded?: Tensor;
}

/**
 * −log h(positive) − Σ log(1 − h(negative)), the mean over samples, with h the probability that a pair belongs together where
 * one in K + 1 does (equations 10 and 19): the sigmoid of similarity / temperature − log K − `logMean`. `anchors` and
 * `positives` [N, F] and `negatives` [K, F], the same for all anchors, have length 1.
 */
export function contrastiveLoss(
  anchors: Tensor,
  positives: Tensor,
  negatives: Tensor,
  options: ContrastOptions = {},
): Tensor {
  const { temperature = 0.07, logMean = 0, excluded } = options;
  checkTemperature('contrastiveLoss', temperature);
  const width = anchors.shape[1];
  const fits = anchors.ndim === 2 && negatives.ndim === 2 && negatives.shape[1] === width;
  if (!fits || positives.ndim !== 2 || positives.shape[0] !== anchors.shape[0] || positives.shape[1] !== width) {
    const shapes = [anchors, positives, negatives].map(({ shape }) => show(shape)).join(', ');
    fail('shape', `contrastiveLoss: expected [N, F], [N, F] and [K, F], got ${shapes}.`);
  }
  const logK = elementary.log(negatives.shape[0] as number);
  const scored = (similarity: Tensor): Tensor => sub(sub(mul(similarity, 1 / temperature), logMean), logK);
  const together = logSigmoid(scored(sum(mul(anchors, positives), 1)));
  const apart = logSigmoid(neg(scored(matmul(anchors, transpose(negatives, 0, 1)))));
  const counted = excluded === undefined ? apart : maskedFill(apart, excluded, 0);
  return neg(div(add(sum(together), sum(counted)), anchors.shape[0] as number));
}

export interface CrdOptions {
  /** Width of the space in which student and teacher meet. Default 128. */
  readonly width?: number;
  /**
   * Samples of the data set. The head then remembers where each lay, and draws negatives among all of them: much better than
   * a batch's own, but each step has to say which samples it has (`indices`). Default: the negatives are the rest of the batch.
   */
  readonly samples?: number;
  /** Negatives drawn for each batch, the same for all its samples, so that they cost one product. Default 4096. */
  readonly negatives?: number;
  /** Default 0.07. */
  readonly temperature?: number;
  /** What is kept of a sample's remembered place when it is seen again. Default 0.5. */
  readonly momentum?: number;
}

/** One side's view: where the other side's samples lay, and what random pairs have in common on average. */
class Side extends Module {
  readonly embed: Linear;
  /** Where this side's samples lay when they were last seen, [samples, width]; null where batches have to do. */
  readonly bank: Buffer | null;
  /** log of the mean of exp(similarity / temperature) over random pairs of an anchor of this side; known from the first batch on. */
  readonly logMean = new Buffer(zeros([]));

  constructor(features: number, width: number, samples: number | undefined) {
    super();
    this.embed = new Linear(features, width);
    this.bank = samples === undefined ? null : noGrad(() => scope(() => new Buffer(unit(randn([samples, width])))));
  }

  /** Samples [N, …] as places of length 1, [N, width]. */
  forward(features: Tensor): Tensor {
    return unit(this.embed.forward(flatten(features, 1)));
  }
}

/** Rows of length 1. */
function unit(rows: Tensor): Tensor {
  return normalize(rows, { p: 2, dim: 1 });
}

/**
 * The part of contrastive distillation that learns: a linear map into a common space for each side, and the places of samples
 * in it. `forward` gives the loss of a batch: the student's samples among the teacher's, and the other way round.
 */
export class CrdLoss extends Module {
  readonly student: Side;
  readonly teacher: Side;
  private readonly samples: number | undefined;
  private readonly negatives: number;
  private readonly temperature: number;
  private readonly momentum: number;
  private isCalibrated = false;

  /** Features are [N, …] with `studentWidth` and `teacherWidth` numbers for each sample. */
  constructor(studentWidth: number, teacherWidth: number, options: CrdOptions = {}) {
    super();
    const { width = 128, samples, negatives = 4096, temperature = 0.07, momentum = 0.5 } = options;
    for (const [name, value] of Object.entries({ width, negatives, samples: samples ?? 1 })) {
      if (!Number.isInteger(value) || value < 1)
        fail('argument', `CrdLoss: ${name} must be a whole number ≥ 1, got ${value}.`);
    }
    checkTemperature('CrdLoss', temperature);
    if (!(momentum >= 0 && momentum < 1)) fail('argument', `CrdLoss: momentum must be in [0, 1), got ${momentum}.`);
    this.samples = samples;
    this.negatives = negatives;
    this.temperature = temperature;
    this.momentum = momentum;
    this.student = new Side(studentWidth, width, samples);
    this.teacher = new Side(teacherWidth, width, samples);
  }

  /** The loss of features of the same samples; `indices` [N] are the samples' numbers in the data set, where there is a bank. */
  forward(student: Tensor, teacher: Tensor, indices: Tensor | null = null): Tensor {
    const [s, t] = [this.student.forward(student), this.teacher.forward(teacher)];
    const { own, numbers } = this.numbersOf(s.shape[0] as number, indices);
    const excluded = eq(unsqueeze(own, 1), unsqueeze(numbers, 0));
    const [amongTeachers, amongStudents] = [
      this.negativesOf(this.teacher, t, numbers),
      this.negativesOf(this.student, s, numbers),
    ];
    if (!this.isCalibrated) {
      this.calibrate(this.student, s, amongTeachers);
      this.calibrate(this.teacher, t, amongStudents);
      this.isCalibrated = true;
    }
    const { temperature } = this;
    const loss = add(
      contrastiveLoss(s, t, amongTeachers, { temperature, logMean: this.student.logMean, excluded }),
      contrastiveLoss(t, s, amongStudents, { temperature, logMean: this.teacher.logMean, excluded }),
    );
    if (this.samples !== undefined) {
      this.remember(this.student, own, s);
      this.remember(this.teacher, own, t);
    }
    return loss;
  }

  /** The numbers of the batch's samples, and of those that serve as negatives. */
  private numbersOf(n: number, indices: Tensor | null): { own: Tensor; numbers: Tensor } {
    const { samples } = this;
    if (samples === undefined) {
      if (n < 2)
        fail('shape', 'CrdLoss: a batch of one sample has no negatives. Take larger batches, or give `samples`.');
      const own = arange(n, { dtype: 'int32' });
      return { own, numbers: own };
    }
    if (indices === null) {
      return fail(
        'argument',
        'CrdLoss: the memory of all samples needs their numbers in the data set: step(x, labels, { indices }). Without ' +
          '`samples`, negatives come from the batch.',
      );
    }
    if (indices.ndim !== 1 || indices.shape[0] !== n || indices.dtype === 'float32') {
      fail('shape', `CrdLoss: indices must be whole numbers [${n}], got ${indices.dtype} ${show(indices.shape)}.`);
    }
    // Drawn by a kernel, so that a captured step draws anew.
    return { own: indices, numbers: noGrad(() => cast(floor(mul(rand([this.negatives]), samples)), 'int32')) };
  }

  private negativesOf({ bank }: Side, batch: Tensor, numbers: Tensor): Tensor {
    return bank === null ? batch : noGrad(() => indexSelect(bank, 0, numbers));
  }

  /** Sets a mean from the first batch, as the authors' program does: later ones would pull the goal along. */
  private calibrate({ logMean }: Side, anchors: Tensor, negatives: Tensor): void {
    noGrad(() => {
      const similarity = mul(matmul(anchors, transpose(negatives, 0, 1)), 1 / this.temperature);
      copy_(logMean, log(mean(exp(similarity))));
    });
  }

  private remember({ bank }: Side, own: Tensor, seen: Tensor): void {
    noGrad(() => {
      const before = indexSelect(bank as Tensor, 0, own);
      const place = add(mul(before, this.momentum), mul(seen, 1 - this.momentum));
      indexCopy_(bank as Tensor, 0, own, unit(place));
    });
  }
}
