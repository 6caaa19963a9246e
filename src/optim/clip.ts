import { numerics, optimizers, reduction } from '#binary';
import { noGrad } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { Tensor } from '../core/tensor.js';
import { full } from '../ops/create.js';
import { copyInto, dense, elementwise, empty, scalarLike } from '../ops/op.js';
import { amax, sum } from '../ops/reduce.js';
import { abs, sqrt } from '../ops/unary.js';

export interface ClipGradNormOptions {
  /** Which norm: p > 0, or `Infinity` or 'inf' for the largest size. Default 2. */
  readonly normType?: number | 'inf';
  /** Throw where the norm is infinite or NaN. Reads the norm, and so waits for the device. Default false. */
  readonly errorIfNonfinite?: boolean;
}

/** The gradients of `parameters` that are there. */
function gradientsOf(name: string, parameters: Tensor | Iterable<Tensor>): Tensor[] {
  const list = parameters instanceof Tensor ? [parameters] : [...parameters];
  const found: Tensor[] = [];
  for (const { grad } of list) {
    if (grad === null || grad === undefined || grad.disposed) continue;
    if (grad.dtype !== 'float32')
      fail('dtype', `${name}: gradients must be float32, one ${show(grad.shape)} is ${grad.dtype}.`);
    found.push(grad);
  }
  return found;
}

/** Lets `compute` write to a contiguous `x`. */
function change(name: string, x: Tensor, compute: (x: Tensor) => void): void {
  const target = dense(x);
  compute(target);
  if (target !== x) {
    copyInto(x, target);
    target.dispose();
  }
  x.storage.touch(name);
}

/** x^p for x ≥ 0. */
function power(x: Tensor, p: number): Tensor {
  const y = empty(x, x.shape, 'float32', 'clipGradNorm');
  const exponent = scalarLike(x, p, 'float32').strided(x.shape, new Array<number>(x.ndim).fill(0), 0);
  elementwise(numerics.kernel('pow_f32'), y, [x, exponent]);
  return y;
}

/** The p-norm of all elements of `gradients`, zero-dimensional. */
function totalNorm(gradients: readonly Tensor[], p: number): Tensor {
  const filled = gradients.filter((gradient) => gradient.numel() > 0).map(dense);
  const first = filled[0];
  if (first === undefined) return full([], 0);
  const parts = empty(first, [filled.length], 'float32', 'clipGradNorm');
  const kernel =
    p === Infinity
      ? reduction.kernel('max_f32')
      : p === 2
        ? reduction.kernel('sumSquares_f32')
        : p === 1
          ? reduction.kernel('sumAbs_f32')
          : 'sum_f32';
  filled.forEach((gradient, i) => {
    const x = p === 1 || p === 2 ? gradient : p === Infinity ? abs(gradient) : power(abs(gradient), p);
    first.storage.device.launch({
      kernel,
      work: 1,
      writes: [parts.strided([], [], i)],
      reads: [x],
      floats: p === Infinity ? [] : [1],
      ints: [1, x.numel(), 1],
    });
    if (x !== gradient) x.dispose();
  });
  if (p === Infinity) return amax(parts);
  const total = sum(parts);
  return p === 1 ? total : p === 2 ? sqrt(total) : power(total, 1 / p);
}

type ClipArguments = [
  normType?: number | 'inf' | ClipGradNormOptions,
  errorIfNonfinite?: boolean | ClipGradNormOptions,
  options?: ClipGradNormOptions,
];

/** The norm of `tensors` as one vector; throws where it is not finite and that was asked for. */
function measure(name: string, tensors: readonly Tensor[], given: readonly unknown[]): Tensor {
  const { normType = 2, errorIfNonfinite = false } = readArguments<ClipGradNormOptions>(name, given, [
    'normType',
    'errorIfNonfinite',
  ]);
  const p = normType === 'inf' ? Infinity : normType;
  if (!(p > 0)) fail('argument', `${name}: normType must be a number > 0 or 'inf', got ${String(normType)}.`);
  const norm = noGrad(() => scope(() => totalNorm(tensors, p)));
  if (!errorIfNonfinite) return norm;
  const value = norm.item();
  if (Number.isFinite(value)) return norm;
  norm.dispose();
  return fail(
    'argument',
    `${name}: the norm of the gradients is ${value}, so they cannot be clipped. ` +
      'Lower the learning rate, or pass { errorIfNonfinite: false } to scale them by it all the same.',
  );
}

/** The norm of all `tensors` as one vector, zero-dimensional: p-norm by `normType`, `Infinity` for the largest size. */
export function getTotalNorm(tensors: Tensor | Iterable<Tensor>, ...given: ClipArguments): Tensor {
  const list = tensors instanceof Tensor ? [tensors] : [...tensors];
  for (const x of list) {
    if (!(x instanceof Tensor))
      fail('argument', 'getTotalNorm: expected tensors, as in parameters.map((p) => p.grad).');
    x.check('getTotalNorm');
    if (x.dtype !== 'float32') fail('dtype', `getTotalNorm: tensors must be float32, got ${x.dtype} ${show(x.shape)}.`);
  }
  return measure('getTotalNorm', list, given);
}

/** Scales the gradients of `parameters` in place by maxNorm / (totalNorm + 1e-6) where that is below 1. */
export function clipGradsWithNorm(parameters: Tensor | Iterable<Tensor>, maxNorm: number, totalNorm: Tensor): void {
  if (typeof maxNorm !== 'number') {
    fail('argument', `clipGradsWithNorm: maxNorm must be a number, got ${String(maxNorm)}.`);
  }
  totalNorm.check('clipGradsWithNorm');
  scaleDown('clipGradsWithNorm', gradientsOf('clipGradsWithNorm', parameters), maxNorm, totalNorm);
}

function scaleDown(name: string, gradients: readonly Tensor[], maxNorm: number, norm: Tensor): void {
  for (const gradient of gradients) {
    change(name, gradient, (x) =>
      x.storage.device.launch({
        kernel: optimizers.kernel('clipNorm_f32'),
        work: x.numel(),
        grain: 32768,
        writes: [x],
        reads: [norm],
        floats: [maxNorm],
        ints: [x.numel()],
      }),
    );
  }
}

/**
 * Scales the gradients of `parameters` in place so that their norm, taken over all of them as one vector, is at most
 * `maxNorm`, and returns the norm that they had, a zero-dimensional tensor. Parameters without a gradient are passed over.
 *
 * As in PyTorch the factor is maxNorm / (norm + 1e-6), at most 1, and a norm that is NaN makes all gradients NaN unless
 * `errorIfNonfinite` is set.
 */
export function clipGradNorm(parameters: Tensor | Iterable<Tensor>, maxNorm: number, ...given: ClipArguments): Tensor {
  if (typeof maxNorm !== 'number') fail('argument', `clipGradNorm: maxNorm must be a number, got ${String(maxNorm)}.`);
  const gradients = gradientsOf('clipGradNorm', parameters);
  const norm = measure('clipGradNorm', gradients, given);
  scaleDown('clipGradNorm', gradients, maxNorm, norm);
  return norm;
}

/** Clamps every element of the gradients of `parameters` to [−clipValue, clipValue], in place. NaN stays NaN. */
export function clipGradValue(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  if (!(clipValue >= 0)) fail('argument', `clipGradValue: clipValue must be a number ≥ 0, got ${String(clipValue)}.`);
  for (const gradient of gradientsOf('clipGradValue', parameters)) {
    change('clipGradValue', gradient, (x) =>
      elementwise(numerics.kernel('clamp_f32'), x, [x], [-clipValue, clipValue]),
    );
  }
}
