import { convolution } from '#binary';
import { noGrad, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { cast, clone, permute, reshape, squeeze, unsqueeze } from './movement.js';
import { checkTensor, dense, empty, op } from './op.js';
import { pad } from './pad.js';
import { at, build, type Reference, spread } from './sheet.js';
import { type Slide, slide } from './slide.js';
import { type Pair, pair } from './window.js';

/** Images as columns of their windows, and columns added up to images: each is the other's gradient. */

export interface UnfoldOptions {
  /** Distance of neighbouring elements of a window. Default 1. */
  readonly dilation?: Pair;
  /** Zeros around the image. Default 0. */
  readonly padding?: Pair;
  /** Step of the window. Default 1. */
  readonly stride?: Pair;
}

/** What follows the window's size, by position or by name. */
export type UnfoldArguments =
  | readonly [options?: UnfoldOptions]
  | readonly [dilation?: Pair, padding?: Pair | UnfoldOptions, stride?: Pair | UnfoldOptions, options?: UnfoldOptions];

export function readUnfold(name: string, given: UnfoldArguments): UnfoldOptions {
  return readArguments(name, given, ['dilation', 'padding', 'stride']);
}

type Two = readonly [number, number];

interface Windows {
  readonly image: Two;
  readonly kernel: Two;
  readonly stride: Two;
  readonly padding: Two;
  readonly dilation: Two;
  readonly out: Two;
}

function windowsOf(name: string, image: readonly number[], kernelSize: Pair, options: UnfoldOptions): Windows {
  const kernel = pair(name, 'kernelSize', kernelSize, 1);
  const stride = pair(name, 'stride', options.stride ?? 1, 1);
  const padding = pair(name, 'padding', options.padding ?? 0, 0);
  const dilation = pair(name, 'dilation', options.dilation ?? 1, 1);
  const out = [0, 1].map((i) => {
    const d = i as 0 | 1;
    return Math.floor(((image[d] as number) + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1;
  }) as [number, number];
  if (out.some((s) => s < 1)) {
    fail(
      'shape',
      `${name}: a window of ${show(kernel)} with dilation ${show(dilation)} does not fit into ${show(image)} with padding ` +
        `${show(padding)}.`,
    );
  }
  return { image: image as Two, kernel, stride, padding, dilation, out };
}

/** x [N, C, H, W] → [N, C · KH · KW, OH · OW]. */
function columnsOf(x: Tensor, w: Windows): Tensor {
  const [n, c] = x.shape as [number, number];
  const y = noGrad(() => {
    const [v, h] = w.padding;
    const padded = v + h > 0 ? pad(x, [h, h, v, v]) : x;
    const wide = slide(padded, 3, along(w, 1));
    const tall = slide(wide, 2, along(w, 0));
    const ordered = permute(tall, [0, 1, 5, 4, 2, 3]);
    const copy = clone(ordered);
    for (const step of [wide, tall, ordered]) step.dispose();
    if (padded !== x) padded.dispose();
    const columns = reshape(copy, [n, c * sizeOf(w.kernel), sizeOf(w.out)]);
    copy.dispose();
    return columns;
  });
  record('unfold', [x], [y], [], ([g]) => [imageOf(g as Tensor, w)]);
  return y;
}

function along(w: Windows, d: 0 | 1): Slide {
  return { size: w.kernel[d], step: w.stride[d], dilation: w.dilation[d], count: w.out[d] };
}

/** columns [N, C · KH · KW, OH · OW] → [N, C, H, W]. */
function imageOf(columns: Tensor, w: Windows): Tensor {
  const [n, rows] = columns.shape as [number, number];
  const c = rows / sizeOf(w.kernel);
  const y = empty(columns, [n, c, ...w.image], 'float32', 'fold');
  y.storage.device.launch({
    kernel: convolution.kernel('fold_f32'),
    work: n * c,
    grain: Math.max(1, Math.floor(32768 / Math.max(1, sizeOf(w.image)))),
    writes: [y],
    reads: [dense(columns)],
    ints: [n * c, ...w.image, ...w.out, ...w.kernel, ...w.stride, ...w.padding, ...w.dilation],
  });
  record('fold', [columns], [y], [], ([g]) => [columnsOf(g as Tensor, w)]);
  return y;
}

/** Windows as the oracles see them. */
function described(image: readonly number[], size: unknown, rest: readonly unknown[]): Windows {
  return windowsOf('oracle', image, size as Pair, readUnfold('oracle', rest as UnfoldArguments));
}

/** Where place k of window l lies: [row, column], perhaps outside the image. */
function place(w: Windows, k: number, l: number): readonly [number, number] {
  const [i, j] = [Math.floor(k / w.kernel[1]), k % w.kernel[1]];
  const [y, x] = [Math.floor(l / w.out[1]), l % w.out[1]];
  return [y * w.stride[0] - w.padding[0] + i * w.dilation[0], x * w.stride[1] - w.padding[1] + j * w.dilation[1]];
}

/**
 * The windows of images as columns: [N, C, H, W] → [N, C · KH · KW, L] or [C, H, W] → [C · KH · KW, L], for L windows in
 * row-major order. Options: `dilation`, `padding`, `stride`. The method `x.unfold(dim, size, step)` with three numbers is
 * another thing, PyTorch's view of the windows along one dimension.
 */
export const unfold = op(
  leading('unfold', ['kernelSize'], (input: Tensor, kernelSize: Pair, ...rest: UnfoldArguments): Tensor => {
    const options = readUnfold('unfold', rest);
    checkTensor('unfold', input);
    const isOne = input.ndim === 3;
    if ((!isOne && input.ndim !== 4) || input.shape.slice(isOne ? 0 : 1).includes(0)) {
      fail(
        'shape',
        `unfold: expected [N, C, H, W] or [C, H, W] with no size of 0 but N, got ${show(input.shape)}. For a view of ` +
          'the windows along a dimension use x.unfold(dim, size, step).',
      );
    }
    const w = windowsOf('unfold', input.shape.slice(-2), kernelSize, options);
    const x = cast(isOne ? unsqueeze(input, 0) : input, 'float32');
    const y = columnsOf(x, w);
    return isOne ? squeeze(y, 0) : y;
  }),
  {
    name: 'unfold',
    family: 'window',
    doc: 'The windows of images as columns: [N, C, H, W] → [N, C · KH · KW, L].',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [size, ...rest]) => {
      const a = x as Reference;
      const w = described(a.shape.slice(-2), size, rest);
      const [lead, c] = [a.shape.slice(0, -3), a.shape[a.shape.length - 3] as number];
      const field = sizeOf(w.kernel);
      return build([...lead, c * field, sizeOf(w.out)], (index) => {
        const [row, l] = index.slice(-2) as [number, number];
        const [y, v] = place(w, row % field, l);
        const isInside = y >= 0 && y < w.image[0] && v >= 0 && v < w.image[1];
        return isInside ? at(a, [...index.slice(0, -2), Math.floor(row / field), y, v]) : 0;
      });
    },
    samples: () => [
      { inputs: [spread([2, 2, 3, 4])], args: [2] },
      { inputs: [spread([1, 3, 5, 4])], args: [[2, 3], { padding: [1, 0], stride: 2 }] },
      { inputs: [spread([2, 6, 5])], args: [[3, 2], [2, 3], 1, [2, 1]] },
      { inputs: [spread([0, 2, 3, 4])], args: [2] },
      { inputs: [spread([1, 2, 3, 3])], args: [1] },
    ],
  },
);

/**
 * Columns of windows added up to images, where windows overlap: [N, C · KH · KW, L] → [N, C, …outputSize] or
 * [C · KH · KW, L] → [C, …outputSize]. Options as in `unfold`, of which it is the adjoint.
 */
export const fold = op(
  leading(
    'fold',
    ['outputSize', 'kernelSize'],
    (input: Tensor, outputSize: Pair, kernelSize: Pair, ...rest: UnfoldArguments): Tensor => {
      const options = readUnfold('fold', rest);
      checkTensor('fold', input);
      const isOne = input.ndim === 2;
      const w = windowsOf('fold', pair('fold', 'outputSize', outputSize, 1), kernelSize, options);
      const [rows, count] = input.shape.slice(-2) as [number, number];
      if ((!isOne && input.ndim !== 3) || rows === 0 || rows % sizeOf(w.kernel) !== 0 || count !== sizeOf(w.out)) {
        fail(
          'shape',
          `fold: expected [N, C · ${sizeOf(w.kernel)}, ${sizeOf(w.out)}] for windows of ${show(w.kernel)} in ` +
            `${show(w.image)}, with or without N; got ${show(input.shape)}.`,
        );
      }
      const columns = cast(isOne ? unsqueeze(input, 0) : input, 'float32');
      const y = imageOf(columns, w);
      return isOne ? squeeze(y, 0) : y;
    },
  ),
  {
    name: 'fold',
    family: 'window',
    doc: 'Columns of windows added up to images: [N, C · KH · KW, L] → [N, C, …outputSize].',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [image, size, ...rest]) => {
      const a = x as Reference;
      const w = described(pair('oracle', 'outputSize', image as Pair, 1), size, rest);
      const field = sizeOf(w.kernel);
      const [rows, count] = a.shape.slice(-2) as [number, number];
      return build([...a.shape.slice(0, -2), rows / field, ...w.image], (index) => {
        const [c, y, v] = index.slice(-3) as [number, number, number];
        let total = 0;
        for (let k = 0; k < field; k++) {
          for (let l = 0; l < count; l++) {
            const [p, q] = place(w, k, l);
            if (p === y && q === v) total += at(a, [...index.slice(0, -3), c * field + k, l]);
          }
        }
        return total;
      });
    },
    samples: () => [
      { inputs: [spread([2, 8, 6])], args: [[3, 4], 2] },
      { inputs: [spread([1, 12, 3])], args: [[5, 4], [2, 3], { padding: [1, 0], stride: 2 }] },
      { inputs: [spread([6, 8])], args: [[6, 5], [3, 2], [2, 3], 1, [2, 1]] },
      { inputs: [spread([0, 4, 6])], args: [[3, 4], 2] },
      { inputs: [spread([1, 2, 12])], args: [[3, 4], 1] },
    ],
    tolerance: 2e-6,
  },
);

/**
 * A view of the windows of `size` elements along `dim`, `step` apart: [.., n, ..] → [.., ⌊(n − size) / step⌋ + 1, .., size].
 * It is the method `x.unfold(dim, size, step)`.
 */
export function unfoldAlong(input: Tensor, dim: number, size: number, step: number): Tensor {
  checkTensor('unfold', input);
  const d = normalizeDim('unfold', dim, input.ndim);
  const n = input.shape[d] ?? 1;
  if (!Number.isInteger(size) || size < 0 || size > n) {
    fail(
      'argument',
      `unfold: size must be a whole number from 0 to ${n} for dim ${dim} of ${show(input.shape)}, got ${size}.`,
    );
  }
  if (!Number.isInteger(step) || step < 1) fail('argument', `unfold: step must be a whole number ≥ 1, got ${step}.`);
  return slide(input, d, { size, step, dilation: 1, count: Math.floor((n - size) / step) + 1 });
}
