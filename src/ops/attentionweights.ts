import { noGrad } from '../autograd/index.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul } from './arithmetic.js';
import { expand } from './broadcast.js';
import { eq, where } from './compare.js';
import { matmul } from './matmul.js';
import { transpose } from './movement.js';
import { scalarLike } from './op.js';
import { amax } from './reduce.js';
import { softmax } from './softmax.js';
import { triu } from './triangle.js';

/** The weights of attention from plain ops: what is computed where they are wanted, and what its kernels are held against. */

/** A bool mask as what is added to scores: 0 where it holds, −∞ where it does not. */
export function additive(visible: Tensor): Tensor {
  return where(visible, 0, Number.NEGATIVE_INFINITY);
}

/** What is added to scores so that row i sees the columns 0 … i: [rows, columns]. */
export function causal(like: Tensor, rows: number, columns: number): Tensor {
  const hidden = scalarLike(like, Number.NEGATIVE_INFINITY, 'float32');
  return triu(expand(hidden, [rows, columns]), 1);
}

/** softmax(query · keyᵀ · scale + shift): [.., L, S]. */
export function attentionWeights(query: Tensor, key: Tensor, shift: Tensor | null, scale: number): Tensor {
  // The query has fewer elements than the scores, mostly.
  const scores = matmul(mul(query, scale), transpose(key, -2, -1));
  return softmax(shift === null ? scores : add(scores, shift), -1);
}

/**
 * Rows of what is added to the scores that hide every key, [.., L, 1], or null where there can be none. Softmax has nothing to
 * choose from there; PyTorch gives zeros, with gradients of zero, since its version 2.5.
 */
export function blindRows(shift: Tensor | null): Tensor | null {
  if (shift === null || shift.ndim === 0 || shift.shape[shift.ndim - 1] === 0) return null;
  return noGrad(() => eq(amax(shift, -1, true), Number.NEGATIVE_INFINITY));
}

/** attentionWeights with weights of zero for queries that see nothing. */
export function seeingWeights(query: Tensor, key: Tensor, shift: Tensor | null, scale: number): Tensor {
  const blind = blindRows(shift);
  if (shift === null || blind === null) return attentionWeights(query, key, shift, scale);
  return where(blind, 0, attentionWeights(query, key, where(blind, 0, shift), scale));
}
