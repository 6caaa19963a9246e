import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { keywords, leading } from '../core/keywords.js';
import { normalizeDim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, sub } from './arithmetic.js';
import { triuIndices } from './combine.js';
import { gt, where } from './compare.js';
import { indexSelect } from './indexing.js';
import { unsqueeze } from './movement.js';
import { checkTensor } from './op.js';
import { unbind } from './stacking.js';
import { norm } from './vectornorm.js';

/** Distances by p-norms. */

export interface POption {
  /** The order of the norm. Default 2. */
  readonly p?: number;
}

/** ‖input − other‖ₚ over everything, broadcasting. */
export const dist = /* @__PURE__ */ leading(
  'dist',
  ['other'],
  (input: Tensor, other: Tensor, ...rest: (number | POption | undefined)[]): Tensor => {
    checkTensor('dist', input);
    checkTensor('dist', other, 'other');
    const { p = 2 } = readArguments<POption>('dist', rest, ['p']);
    return norm(sub(input, other), p);
  },
);

export interface CdistOptions extends POption {
  /** Accepted for PyTorch's sake: every distance is computed from the difference. */
  readonly computeMode?: string;
}

/** ‖x1[.., i, :] − x2[.., j, :]‖ₚ: [.., P, M] and [.., R, M] give [.., P, R]; leading dimensions broadcast. */
export const cdist = /* @__PURE__ */ leading(
  'cdist',
  ['x2'],
  (x1: Tensor, x2: Tensor, ...rest: (number | string | CdistOptions | undefined)[]): Tensor => {
    checkTensor('cdist', x1, 'x1');
    checkTensor('cdist', x2, 'x2');
    const { p = 2 } = readArguments<CdistOptions>('cdist', rest, ['p', 'computeMode']);
    if (x1.ndim < 2 || x2.ndim < 2 || x1.shape[x1.ndim - 1] !== x2.shape[x2.ndim - 1]) {
      fail('shape', `cdist: expected [.., P, M] and [.., R, M], got ${show(x1.shape)} and ${show(x2.shape)}.`);
    }
    if (!(p >= 0)) fail('argument', `cdist: p must be ≥ 0, got ${p}.`);
    return norm(sub(unsqueeze(x1, -2), unsqueeze(x2, -3)), p, -1);
  },
);

/** ‖input[i] − input[j]‖ₚ for all rows i < j of [N, M]: [N (N − 1) / 2], in the order (0, 1), (0, 2), …, (1, 2), …. */
export function pdist(input: Tensor, ...rest: (number | POption | undefined)[]): Tensor {
  checkTensor('pdist', input);
  const { p = 2 } = readArguments<POption>('pdist', rest, ['p']);
  if (input.ndim !== 2) fail('shape', `pdist: expected [N, M], got ${show(input.shape)}.`);
  if (!(p >= 0)) fail('argument', `pdist: p must be ≥ 0, got ${p}.`);
  const rows = input.shape[0] as number;
  const [first, second] = unbind(triuIndices(rows, rows, 1)) as [Tensor, Tensor];
  return norm(sub(indexSelect(input, 0, first), indexSelect(input, 0, second)), p, -1);
}

/** `input` with every slice along `dim` whose p-norm exceeds `maxnorm` scaled down to it. */
export const renorm = /* @__PURE__ */ keywords(
  'renorm',
  ['p', 'dim', 'maxnorm'],
  (input: Tensor, p: number, dim: number, maxnorm: number): Tensor => {
    checkTensor('renorm', input);
    if (input.ndim < 2) fail('shape', `renorm: expected at least 2 dimensions, got ${show(input.shape)}.`);
    if (!(p > 0)) fail('argument', `renorm: p must be above 0, got ${p}.`);
    if (!(maxnorm >= 0)) fail('argument', `renorm: maxnorm must be ≥ 0, got ${maxnorm}.`);
    const d = normalizeDim('renorm', dim, input.ndim);
    const others = input.shape.map((_, i) => i).filter((i) => i !== d);
    const length = norm(input, p, others, true);
    const isLong = gt(length, maxnorm);
    const scale = div(maxnorm, add(where(isLong, length, 1), 1e-7));
    return mul(input, where(isLong, scale, 1));
  },
);
