import { normalization } from '#binary';
import { isGradEnabled, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { sameShape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul, sub } from './arithmetic.js';
import { reshape } from './movement.js';
import { checkTensor, convert, copyInto, dense, empty, op } from './op.js';
import { mean, sum } from './reduce.js';
import { at, build, type Reference, spread } from './sheet.js';
import { rsqrt } from './unary.js';

/** Normalization layers as functions. */

export interface LayerNormOptions {
  /** Scale, of the normalized shape. */
  readonly weight?: Tensor | null;
  /** Shift, of the normalized shape. */
  readonly bias?: Tensor | null;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/** What follows the normalized shape, by position or by name. */
export type LayerNormArguments =
  | readonly [options?: LayerNormOptions]
  | readonly [
      weight?: Tensor | null,
      bias?: Tensor | null | LayerNormOptions,
      eps?: number | LayerNormOptions,
      options?: LayerNormOptions,
    ];

/** Throws unless a scale, a shift or a statistic has the given shape. */
export function checkAffine(name: string, x: Tensor | null, shape: readonly number[], argument: string): void {
  if (x !== null && !sameShape(x.shape, shape)) {
    fail('shape', `${name}: ${argument} must be ${show(shape)}, got ${show(x.shape)}.`);
  }
}

/**
 * The gradient of normalizing x over `dims`, from ops that can be differentiated:
 * rstd · (g' − mean(g') − x̂ · mean(g' · x̂)), g' = g · weight.
 */
function normGrad(g: Tensor, x: Tensor, weight: Tensor | null, dims: readonly number[], eps: number) {
  const centred = sub(x, mean(x, { dim: dims, keepdim: true }));
  const rstd = rsqrt(add(mean(mul(centred, centred), { dim: dims, keepdim: true }), eps));
  const xhat = mul(centred, rstd);
  const scaled = weight === null ? g : mul(g, weight);
  const inner = sub(
    sub(scaled, mean(scaled, { dim: dims, keepdim: true })),
    mul(xhat, mean(mul(scaled, xhat), { dim: dims, keepdim: true })),
  );
  return { dx: mul(rstd, inner), xhat };
}

/**
 * Normalizes over the last dimensions, of sizes `normalizedShape`, to mean 0 and variance 1, then scales and shifts
 * (Ba, Kiros, Hinton 2016).
 */
export const layerNorm = op(
  leading(
    'layerNorm',
    ['normalizedShape'],
    (input: Tensor, normalizedShape: readonly number[], ...rest: LayerNormArguments): Tensor => {
      checkTensor('layerNorm', input);
      const given = readArguments<LayerNormOptions>('layerNorm', rest, ['weight', 'bias', 'eps']);
      const { weight = null, bias = null, eps = 1e-5 } = given;
      const tail = input.shape.slice(input.ndim - normalizedShape.length);
      if (normalizedShape.length === 0 || !sameShape(tail, normalizedShape)) {
        fail('shape', `layerNorm: the last sizes of input must be ${show(normalizedShape)}, got ${show(input.shape)}.`);
      }
      checkAffine('layerNorm', weight, normalizedShape, 'weight');
      checkAffine('layerNorm', bias, normalizedShape, 'bias');
      const cols = sizeOf(normalizedShape);
      const rows = cols === 0 ? 0 : input.numel() / cols;
      const x = dense(convert(input, 'float32'));
      const [w, b] = [weight, bias].map((v) => (v === null ? null : dense(v))) as [Tensor | null, Tensor | null];
      const y = empty(x, x.shape, 'float32', 'layerNorm');
      const average = empty(x, [rows], 'float32', 'layerNorm');
      const rstd = empty(x, [rows], 'float32', 'layerNorm');
      const grain = Math.max(1, Math.floor(16384 / Math.max(cols, 1)));
      x.storage.device.launch({
        kernel: normalization.kernel('layerNorm_f32'),
        work: rows,
        grain,
        writes: [y, average, rstd],
        reads: [x, w, b],
        floats: [eps],
        ints: [rows, cols],
      });
      const inputs = [input, ...(weight === null ? [] : [weight]), ...(bias === null ? [] : [bias])];
      const saved = [input, average, rstd, ...(weight === null ? [] : [weight])];
      record('layerNorm', inputs, [y], saved, ([gradient], [x, average, rstd, scale = null], needs) => {
        const g = gradient as Tensor;
        const lead = Array.from({ length: input.ndim - normalizedShape.length }, (_, i) => i);
        if (isGradEnabled()) {
          const dims = normalizedShape.map((_, i) => lead.length + i);
          const { dx, xhat } = normGrad(g, x as Tensor, scale, dims, eps);
          const dw = lead.length === 0 ? mul(g, xhat) : sum(mul(g, xhat), lead);
          const db = lead.length === 0 ? g : sum(g, lead);
          return [dx, ...(weight === null ? [] : [dw]), ...(bias === null ? [] : [db])];
        }
        const [dy, held] = [dense(g), dense(x as Tensor)];
        const dx = empty(dy, dy.shape, 'float32', 'layerNorm');
        dy.storage.device.launch({
          kernel: normalization.kernel('layerNorm_grad_f32'),
          work: rows,
          grain,
          writes: [dx],
          reads: [dy, held, average as Tensor, rstd as Tensor, scale === null ? null : dense(scale)],
          ints: [rows, cols],
          scratch: 4 * cols,
        });
        const needsAffine = needs.slice(1).some(Boolean);
        if (!needsAffine) return [dx];
        const dw = weight === null ? null : empty(dy, normalizedShape, 'float32', 'layerNorm');
        const db = bias === null ? null : empty(dy, normalizedShape, 'float32', 'layerNorm');
        dy.storage.device.launch({
          kernel: normalization.kernel('layerNorm_grad_weight_f32'),
          work: cols,
          grain: Math.max(4, Math.floor(16384 / Math.max(rows, 1))),
          writes: [dw, db],
          reads: [dy, held, average as Tensor, rstd as Tensor],
          ints: [rows, cols],
          scratch: 256,
        });
        return [dx, ...(weight === null ? [] : [dw]), ...(bias === null ? [] : [db])];
      });
      return y;
    },
  ),
  {
    name: 'layerNorm',
    family: 'norm',
    doc: 'Normalizes the last dimensions to mean 0 and variance 1; same shape.',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [shape]) => {
      const a = x as Reference;
      const cols = (shape as number[]).reduce((n, s) => n * s, 1);
      return {
        shape: a.shape,
        data: a.data.map((v, i) => {
          const row = a.data.slice(Math.floor(i / cols) * cols, (Math.floor(i / cols) + 1) * cols);
          const m = row.reduce((p, q) => p + q, 0) / cols;
          const variance = row.reduce((p, q) => p + (q - m) ** 2, 0) / cols;
          return (v - m) / Math.sqrt(variance + 1e-5);
        }),
      };
    },
    samples: () => [
      { inputs: [spread([3, 5])], args: [[5]] },
      { inputs: [spread([2, 3, 17])], args: [[17]] },
      { inputs: [spread([4, 3, 5])], args: [[3, 5]] },
    ],
    tolerance: 1e-5,
  },
);

export interface BatchNormOptions {
  readonly weight?: Tensor | null;
  readonly bias?: Tensor | null;
  /** Normalize with the batch's own statistics and move the running ones. Default false. */
  readonly training?: boolean;
  /** Share of the batch in the running statistics. Default 0.1. */
  readonly momentum?: number;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/** What follows the running statistics, by position or by name. */
export type BatchNormArguments =
  | readonly [options?: BatchNormOptions]
  | readonly [
      weight?: Tensor | null,
      bias?: Tensor | null | BatchNormOptions,
      training?: boolean | BatchNormOptions,
      momentum?: number | BatchNormOptions,
      eps?: number | BatchNormOptions,
      options?: BatchNormOptions,
    ];

/**
 * Normalizes each channel of [N, C, …] over all else (Ioffe and Szegedy 2015): in training with the batch's mean and biased
 * variance, moving the running statistics in place; in evaluation with the running ones.
 */
export const batchNorm = op(
  leading(
    'batchNorm',
    ['runningMean', 'runningVar'],
    (input: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, ...rest: BatchNormArguments): Tensor => {
      checkTensor('batchNorm', input);
      const options = readArguments<BatchNormOptions>('batchNorm', rest, [
        ...(['weight', 'bias', 'training', 'momentum', 'eps'] as const),
      ]);
      const { weight = null, bias = null, training = false, momentum = 0.1, eps = 1e-5 } = options;
      if (input.ndim < 2) fail('shape', `batchNorm: expected [N, C, …], got ${show(input.shape)}.`);
      const [n, c] = input.shape as [number, number];
      const l = sizeOf(input.shape.slice(2));
      const given: readonly [Tensor | null, string][] = [
        [weight, 'weight'],
        [bias, 'bias'],
        [runningMean, 'runningMean'],
        [runningVar, 'runningVar'],
      ];
      for (const [t, name] of given) checkAffine('batchNorm', t, [c], name);
      if (!training && (runningMean === null || runningVar === null)) {
        fail('argument', 'batchNorm: evaluation needs runningMean and runningVar. Pass them, or { training: true }.');
      }
      if (training && n * l === 1) {
        fail('shape', `batchNorm: expected more than one value a channel in training, got ${show(input.shape)}.`);
      }
      const x = dense(convert(input, 'float32'));
      const y = empty(x, x.shape, 'float32', 'batchNorm');
      const average = training ? empty(x, [c], 'float32', 'batchNorm') : dense(runningMean as Tensor);
      const variance = training ? empty(x, [c], 'float32', 'batchNorm') : dense(runningVar as Tensor);
      const remainder = training ? empty(x, [c], 'float32', 'batchNorm') : null;
      const grain = Math.max(1, Math.floor(16384 / Math.max(n * l, 1)));
      if (training) {
        const running = [runningMean, runningVar].map((given) => ({
          given,
          compact: given === null ? null : dense(given),
        }));
        x.storage.device.launch({
          kernel: normalization.kernel('batchNormStats_f32'),
          work: c,
          grain,
          writes: [average, variance, remainder, ...running.map(({ compact }) => compact)],
          reads: [x],
          floats: [momentum],
          ints: [n, c, l],
        });
        for (const { given, compact } of running) {
          if (given === null || compact === null) continue;
          if (compact !== given) copyInto(given, compact);
          given.storage.touch('batchNorm');
        }
      }
      x.storage.device.launch({
        kernel: normalization.kernel('batchNormApply_f32'),
        work: n * c,
        grain: Math.max(1, Math.floor(16384 / Math.max(l, 1))),
        writes: [y],
        reads: [
          x,
          average,
          variance,
          weight === null ? null : dense(weight),
          bias === null ? null : dense(bias),
          remainder,
        ],
        floats: [eps],
        ints: [n, c, l, 0],
      });
      remainder?.dispose();
      const inputs = [input, ...(weight === null ? [] : [weight]), ...(bias === null ? [] : [bias])];
      const saved = [input, average, variance, ...(weight === null ? [] : [weight])];
      record('batchNorm', inputs, [y], saved, ([gradient], [held, average, variance, scale = null]) => {
        const g = gradient as Tensor;
        if (isGradEnabled())
          return batchNormGrad(
            g,
            held as Tensor,
            average as Tensor,
            variance as Tensor,
            scale,
            bias !== null,
            training,
            eps,
          );
        const dx = empty(g, g.shape, 'float32', 'batchNorm');
        const dw = weight === null ? null : empty(g, [c], 'float32', 'batchNorm');
        const db = bias === null ? null : empty(g, [c], 'float32', 'batchNorm');
        g.storage.device.launch({
          kernel: normalization.kernel('batchNorm_grad_f32'),
          work: c,
          grain,
          writes: [dx, dw, db],
          reads: [
            dense(g),
            dense(held as Tensor),
            average as Tensor,
            variance as Tensor,
            scale === null ? null : dense(scale),
          ],
          floats: [eps],
          ints: [n, c, l, training ? 1 : 0],
        });
        return [dx, ...(weight === null ? [] : [dw]), ...(bias === null ? [] : [db])];
      });
      return y;
    },
  ),
  {
    name: 'batchNorm',
    family: 'norm',
    doc: "Normalizes each channel of [N, C, …] with the batch's or the running statistics; same shape.",
    dtypes: ['float32'],
    differentiable: [true, false, false],
    oracle: ([x, m, v], [options]) => {
      const a = x as Reference;
      const c = a.shape[1] as number;
      const training = ((options ?? {}) as BatchNormOptions).training ?? false;
      return build(a.shape, (i) => {
        const channel = i[1] as number;
        const l = a.shape.slice(2).reduce((p, q) => p * q, 1);
        const values = Array.from(a.data).filter((_, k) => Math.floor(k / l) % c === channel);
        const average = training ? values.reduce((p, q) => p + q, 0) / values.length : at(m as Reference, [channel]);
        const variance = training
          ? values.reduce((p, q) => p + (q - average) ** 2, 0) / values.length
          : at(v as Reference, [channel]);
        return (at(a, i) - average) / Math.sqrt(variance + 1e-5);
      });
    },
    samples: () => [
      { inputs: [spread([6, 3]), spread([3]), spread([3], 0.5, 2)] },
      { inputs: [spread([2, 3, 4, 5]), spread([3]), spread([3], 0.5, 2)], args: [{ training: true }] },
      { inputs: [spread([2, 5, 7]), spread([5]), spread([5], 0.5, 2)] },
    ],
    tolerance: 1e-5,
  },
);

/** The gradients of `batchNorm` from ops that can be differentiated. */
function batchNormGrad(
  g: Tensor,
  x: Tensor,
  average: Tensor,
  variance: Tensor,
  weight: Tensor | null,
  hasBias: boolean,
  training: boolean,
  eps: number,
): Tensor[] {
  const channel = x.shape.map((size, i) => (i === 1 ? size : 1));
  const dims = x.shape.map((_, i) => i).filter((i) => i !== 1);
  const scale = weight === null ? null : reshape(weight, channel);
  const affine = (xhat: Tensor): Tensor[] => [
    ...(weight === null ? [] : [sum(mul(g, xhat), dims)]),
    ...(hasBias ? [sum(g, dims)] : []),
  ];
  if (training) {
    const { dx, xhat } = normGrad(g, x, scale, dims, eps);
    return [dx, ...affine(xhat)];
  }
  const rstd = rsqrt(add(reshape(variance, channel), eps));
  const xhat = mul(sub(x, reshape(average, channel)), rstd);
  return [mul(scale === null ? g : mul(g, scale), rstd), ...affine(xhat)];
}
