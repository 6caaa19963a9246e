import { recurrent } from '#binary';
import { isGradEnabled, record } from '../autograd/index.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { div } from './arithmetic.js';
import { eq, where } from './compare.js';
import { tensor } from './create.js';
import { type Alignment, alignmentOf, type Lengths, readTargets } from './ctcstates.js';
import { CTC_NAMES } from './lossnames.js';
import { select, unsqueeze } from './movement.js';
import { checkTensor, convert, dense, empty, op } from './op.js';
import { mean, sum } from './reduce.js';
import { type Reduction, readLoss } from './reduction.js';
import { integers, type Reference, spread } from './sheet.js';
import { clamp } from './unary.js';

/** Connectionist temporal classification: the loss of a sequence of labels whose places in time are not known. */

export type { Lengths } from './ctcstates.js';

export interface CtcOptions {
  /** The class that stands for no label. Default 0. */
  readonly blank?: number;
  /** 'mean' divides each loss by its number of labels before it averages. Default 'mean'. */
  readonly reduction?: Reduction;
  /** Whether infinite losses, of sequences that are too short for their labels, count as 0. Default false. */
  readonly zeroInfinity?: boolean;
}

/** −log likelihood of each sequence [N], from log-probabilities [T, N, C]. */
function sequenceLosses(input: Tensor, alignment: Alignment, zeroInfinity: boolean): Tensor {
  const x = dense(convert(input, 'float32'));
  const [time, batch, classes] = x.shape as [number, number, number];
  const { labels, inputLengths, targetLengths, pitch } = alignment;
  const y = empty(x, [batch], 'float32', 'ctcLoss');
  const alpha = empty(x, [batch, time, pitch], 'float32', 'ctcLoss');
  const sizes = [time, batch, classes, pitch];
  x.storage.device.launch({
    kernel: recurrent.kernel('ctc_f32'),
    work: batch,
    writes: [y, alpha],
    reads: [x, labels, inputLengths, targetLengths],
    ints: sizes,
  });
  const saved = [x, labels, inputLengths, targetLengths, alpha, y, input];
  record('ctcLoss', [input], [y], saved, ([gradient], held) => {
    const g = gradient as Tensor;
    const dx = empty(g, x.shape, 'float32', 'ctcLoss');
    g.storage.device.launch({
      kernel: recurrent.kernel('ctc_grad_f32'),
      work: batch,
      writes: [dx],
      reads: [...held.slice(0, -1), dense(g)],
      ints: [...sizes, zeroInfinity ? 1 : 0],
      scratch: 2 * pitch * 4,
    });
    if (isGradEnabled()) {
      record('ctcLoss', [g, held[6] as Tensor], [dx], [], () =>
        fail(
          'unsupported',
          'ctcLoss: it has no second derivative, as in PyTorch. Call backward() without createGraph.',
        ),
      );
    }
    return [dx];
  });
  return y;
}

/** The oracle: the sum over alignments itself, by recursion in float64. */
function oracle([x]: readonly Reference[], args: readonly unknown[]): Reference {
  const { shape, data } = x as Reference;
  const [, batch, classes] = shape as [number, number, number];
  const [targets, inputLengths, targetLengths, options] = args as [Tensor, number[], number[], CtcOptions | undefined];
  const { blank = 0, reduction = 'mean', zeroInfinity = false } = options ?? {};
  const losses = readTargets(targets, Int32Array.from(targetLengths)).map((labels, n) => {
    const states = [blank, ...labels.flatMap((label) => [label, blank])];
    const p = (t: number, s: number): number =>
      Math.exp(data[(t * batch + n) * classes + (states[s] as number)] as number);
    let row = states.map((_, s) => (s < 2 ? p(0, s) : 0));
    for (let t = 1; t < (inputLengths[n] as number); t++) {
      const before = row;
      row = states.map((state, s) => {
        const skip = state !== states[s - 2] ? (before[s - 2] ?? 0) : 0;
        return p(t, s) * ((before[s] as number) + (before[s - 1] ?? 0) + skip);
      });
    }
    const loss = -Math.log((row.at(-1) as number) + (row.length > 1 ? (row.at(-2) as number) : 0));
    const value = zeroInfinity && loss === Infinity ? 0 : loss;
    return reduction === 'mean' ? value / Math.max(labels.length, 1) / batch : value;
  });
  if (reduction === 'none') return { shape: [batch], data: Float64Array.from(losses) };
  return { shape: [], data: Float64Array.of(losses.reduce((a, b) => a + b, 0)) };
}

/**
 * −log of the probability that log-probabilities [T, N, C] (or [T, C]) spell the labels `targets`, summed over all ways to
 * place them in time, with blanks between (Graves et al. 2006). Targets are [N, S], or one sequence behind the other in
 * one dimension; lengths are tensors or arrays. The gradient is that of the logits whose log-softmax the input is, as
 * PyTorch has it, and has no derivative itself. Labels and lengths on a GPU stay there; lengths as arrays save memory then,
 * since the longest sequence is known.
 */
export const ctcLoss = op(
  leading(
    'ctcLoss',
    ['targets', 'inputLengths', 'targetLengths'],
    (
      logProbs: Tensor,
      targets: Tensor,
      inputLengths: Lengths,
      targetLengths: Lengths,
      ...rest: NamedArguments<CtcOptions, typeof CTC_NAMES>
    ): Tensor => {
      checkTensor('ctcLoss', logProbs, 'logProbs');
      checkTensor('ctcLoss', targets, 'targets');
      const { blank = 0, reduction, zeroInfinity = false } = readLoss<CtcOptions>('ctcLoss', rest, CTC_NAMES);
      if (logProbs.ndim !== 3 && logProbs.ndim !== 2) {
        fail('shape', `ctcLoss: logProbs must be [T, N, C], or [T, C] for one sequence, got ${show(logProbs.shape)}.`);
      }
      if (targets.ndim !== 1 && targets.ndim !== 2) {
        fail('shape', `ctcLoss: targets must be [N, S], or all labels in one dimension, got ${show(targets.shape)}.`);
      }
      if (traits[targets.dtype].isFloat || targets.dtype === 'bool') {
        fail('dtype', `ctcLoss: targets must be whole numbers, got ${targets.dtype}. Use .to('int32').`);
      }
      const x = logProbs.ndim === 2 ? unsqueeze(logProbs, 1) : logProbs;
      const [, batch = 0, classes = 0] = x.shape;
      if (targets.ndim === 2 && targets.shape[0] !== batch) {
        fail('shape', `ctcLoss: targets ${show(targets.shape)} must have a row for each of ${batch} sequences.`);
      }
      if (!(Number.isInteger(blank) && blank >= 0 && blank < classes)) {
        fail('argument', `ctcLoss: blank must be one of ${classes} classes, got ${blank}.`);
      }
      const alignment = alignmentOf(x, { targets, inputLengths, targetLengths, blank });
      const raw = sequenceLosses(x, alignment, zeroInfinity);
      const losses = zeroInfinity ? where(eq(raw, Infinity), 0, raw) : raw;
      if (reduction === 'mean') return mean(div(losses, convert(clamp(alignment.labelCounts, 1), 'float32')));
      if (reduction === 'sum') return sum(losses);
      return logProbs.ndim === 2 ? select(losses, 0, 0) : losses;
    },
  ),
  {
    name: 'ctcLoss',
    family: 'loss',
    doc: 'Minus the log likelihood of label sequences in log-probabilities [T, N, C], summed over all alignments.',
    dtypes: ['float32'],
    // The gradient is that of the logits behind the input, which a difference quotient on the input cannot show.
    differentiable: [false],
    oracle,
    samples: () => {
      const batch = (shape: readonly number[], low: number, high: number): Tensor => {
        const { data } = integers(shape, low, high);
        return tensor(Int32Array.from(data), shape);
      };
      return [
        { inputs: [spread([5, 1, 3], -3, -0.1)], args: [batch([1, 2], 1, 3), [5], [2]] },
        { inputs: [spread([9, 3, 5], -3, -0.1)], args: [batch([3, 4], 1, 5), [9, 7, 8], [4, 1, 2]] },
        {
          inputs: [spread([9, 3, 5], -3, -0.1)],
          args: [batch([7], 0, 4), [9, 7, 8], [3, 0, 4], { blank: 4, reduction: 'none' }],
        },
        {
          inputs: [spread([3, 2, 4], -3, -0.1)],
          args: [batch([2, 5], 1, 4), [3, 3], [5, 1], { reduction: 'sum', zeroInfinity: true }],
        },
      ];
    },
    tolerance: 1e-5,
  },
);
