import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { broadcastShapes, type Shape, sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { additive, causal, seeingWeights } from './attentionweights.js';
import { expand } from './broadcast.js';
import { fusedAttention, isFusable, type Scoring } from './fusedattention.js';
import { matmul } from './matmul.js';
import { reshape, unsqueeze } from './movement.js';
import { checkDevice, checkTensor, op } from './op.js';
import { dropout } from './random.js';
import { at, build, integers, type Reference, spread } from './sheet.js';

/** Attention: averages of values, weighted by how well their keys fit a query (Vaswani et al. 2017). */

export interface AttentionOptions {
  /**
   * What each query sees of the keys, broadcast to [.., L, S]: bool, true where it does, or floats added to the scores.
   * A query that sees nothing gives zeros.
   */
  readonly attnMask?: Tensor | null;
  /** Probability with which a weight is dropped. It is not known here whether the model trains: pass 0 where not. Default 0. */
  readonly dropoutP?: number;
  /** Query i sees the keys 0 … i alone. Default false. */
  readonly isCausal?: boolean;
  /** Factor of the scores. Default 1 / √E. */
  readonly scale?: number | null;
  /** Let several heads of the query, the third dimension from the end, share one of key and value. Default false. */
  readonly enableGqa?: boolean;
}

/** What follows query, key and value, by position or by name. */
export type AttentionArguments =
  | readonly [options?: AttentionOptions]
  | readonly [
      attnMask?: Tensor | null,
      dropoutP?: number | AttentionOptions,
      isCausal?: boolean | AttentionOptions,
      scale?: number | null | AttentionOptions,
      enableGqa?: boolean | AttentionOptions,
    ];

const NAME = 'scaledDotProductAttention';
const NAMES = ['attnMask', 'dropoutP', 'isCausal', 'scale', 'enableGqa'] as const;

/** Heads of key or value, each as often as queries share it. */
function shareHeads(x: Tensor, argument: string, heads: number): Tensor {
  const own = x.shape[x.ndim - 3] as number;
  if (own === heads) return x;
  if (own === 0 || heads % own !== 0) {
    fail('shape', `${NAME}: the heads of ${argument}, ${own}, must divide those of query, ${heads}.`);
  }
  const [lead, last] = [x.shape.slice(0, -3), x.shape.slice(-2)];
  return reshape(expand(unsqueeze(x, -3), [...lead, own, heads / own, ...last]), [...lead, heads, ...last]);
}

function checkOperands(query: Tensor, key: Tensor, value: Tensor): void {
  for (const [argument, x] of Object.entries({ query, key, value })) {
    checkTensor(NAME, x, argument);
    checkDevice(NAME, query, x);
    if (x.ndim < 2) fail('shape', `${NAME}: ${argument} needs at least 2 dimensions, got ${show(x.shape)}.`);
    if (!traits[x.dtype].isFloat || x.dtype !== query.dtype) {
      const dtypes = [query, key, value].map((t) => t.dtype).join(', ');
      fail('dtype', `${NAME}: query, key and value must have one floating-point dtype, got ${dtypes}.`);
    }
  }
  const [q, k, v] = [query, key, value].map((x) => x.shape.slice(-2)) as [number[], number[], number[]];
  if (q[1] !== k[1]) {
    fail('shape', `${NAME}: the last sizes of query ${show(query.shape)} and key ${show(key.shape)} must be equal.`);
  }
  if (k[0] !== v[0]) {
    fail('shape', `${NAME}: key ${show(key.shape)} and value ${show(value.shape)} must be of one length.`);
  }
}

/** The mask as floats to add, or null where there is none. */
function readMask(mask: Tensor | null | undefined, query: Tensor, key: Tensor): Tensor | null {
  if (mask === null || mask === undefined) return null;
  checkTensor(NAME, mask, 'attnMask');
  checkDevice(NAME, query, mask);
  if (mask.dtype !== 'bool' && mask.dtype !== query.dtype) {
    fail('dtype', `${NAME}: attnMask must be bool or ${query.dtype}, got ${mask.dtype}. Use .to('bool').`);
  }
  const lead = broadcastShapes(NAME, query.shape.slice(0, -2), key.shape.slice(0, -2));
  const scores = [...lead, query.shape[query.ndim - 2] as number, key.shape[key.ndim - 2] as number];
  if (!sameShape(broadcastShapes(NAME, scores, mask.shape), scores)) {
    fail('shape', `${NAME}: attnMask ${show(mask.shape)} does not broadcast to the scores ${show(scores)}.`);
  }
  return mask.dtype === 'bool' ? additive(mask) : mask;
}

/**
 * Attention of checked operands: in one kernel where nothing is dropped and the mask wants no gradient, else composed of ops.
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, scoring: Scoring, dropoutP: number): Tensor {
  const { mask, isCausal, scale } = scoring;
  if (dropoutP === 0 && isFusable(query, key, value, mask)) return fusedAttention(query, key, value, scoring);
  const [rows, columns] = [query.shape[query.ndim - 2] as number, key.shape[key.ndim - 2] as number];
  const shift = isCausal ? causal(query, rows, columns) : mask;
  return matmul(dropout(seeingWeights(query, key, shift, scale), dropoutP, true), value);
}

function attend(query: Tensor, key: Tensor, value: Tensor, ...rest: AttentionArguments): Tensor {
  checkOperands(query, key, value);
  const {
    attnMask,
    dropoutP = 0,
    isCausal = false,
    scale,
    enableGqa = false,
  } = readArguments<AttentionOptions>(NAME, rest, NAMES);
  const width = query.shape[query.ndim - 1] as number;
  if (isCausal && attnMask !== null && attnMask !== undefined) {
    fail('argument', `${NAME}: attnMask and isCausal exclude each other. Put the causal part into the mask.`);
  }
  if (enableGqa && Math.min(query.ndim, key.ndim, value.ndim) < 3) {
    fail('shape', `${NAME}: enableGqa needs heads, [.., heads, length, size]; got ${show(query.shape)}.`);
  }
  const heads = enableGqa ? (query.shape[query.ndim - 3] as number) : 0;
  const [k, v] = enableGqa ? [shareHeads(key, 'key', heads), shareHeads(value, 'value', heads)] : [key, value];
  const mask = readMask(attnMask, query, k);
  return attention(query, k, v, { mask, isCausal, scale: scale ?? 1 / Math.sqrt(width) }, dropoutP);
}

/** Attention in float64, one query after the other. */
function oracle([q, k, v, m]: readonly Reference[], args: readonly unknown[]): Reference {
  const [query, key, value] = [q, k, v] as [Reference, Reference, Reference];
  const options = readArguments<AttentionOptions>(NAME, m === undefined ? args : [undefined, ...args], NAMES);
  const [L, E] = query.shape.slice(-2) as [number, number];
  const [S, width] = value.shape.slice(-2) as [number, number];
  const lead = [query, key, value]
    .map((x): Shape => x.shape.slice(0, -2))
    .reduce((a, b) => broadcastShapes(NAME, a, b), []);
  return build([...lead, L, width], (i) => {
    const [outer, row, column] = [i.slice(0, -2), i[i.length - 2] as number, i[i.length - 1] as number];
    const scores = Array.from({ length: S }, (_, s) => {
      let score = m === undefined ? 0 : at(m, [...outer, row, s]);
      if (options.isCausal && s > row) score = Number.NEGATIVE_INFINITY;
      for (let e = 0; e < E; e++) {
        score += (options.scale ?? 1 / Math.sqrt(E)) * at(query, [...outer, row, e]) * at(key, [...outer, s, e]);
      }
      return score;
    });
    const top = Math.max(...scores);
    const powers = scores.map((score) => (top === Number.NEGATIVE_INFINITY ? 0 : Math.exp(score - top)));
    const total = Math.max(
      powers.reduce((a, b) => a + b, 0),
      1e-300,
    );
    return powers.reduce((sum, p, s) => sum + (p / total) * at(value, [...outer, s, column]), 0);
  });
}

/** softmax(query · keyᵀ · scale + mask) · value: query [.., L, E], key [.., S, E], value [.., S, V] → [.., L, V]. */
export const scaledDotProductAttention = op(leading(NAME, ['key', 'value'], attend), {
  name: NAME,
  family: 'attention',
  doc: 'softmax(query · keyᵀ / √E + mask) · value: [.., L, E], [.., S, E], [.., S, V] → [.., L, V].',
  dtypes: ['float32'],
  differentiable: [true, true, true, true],
  oracle,
  samples: () => {
    const operands = (q: number[], k: number[], v: number[]): Reference[] => [
      spread(q),
      spread(k, -2, 2, 0.11),
      spread(v, -2, 2, 0.73),
    ];
    const hidden = integers([3, 5], 0, 2);
    const shift = { shape: hidden.shape, data: hidden.data.map((hides) => (hides ? Number.NEGATIVE_INFINITY : 0)) };
    return [
      { inputs: operands([3, 2], [4, 2], [4, 3]) },
      { inputs: operands([3, 4], [5, 4], [5, 2]) },
      { inputs: [...operands([2, 3, 4], [2, 5, 4], [2, 5, 4]), spread([3, 5], -1, 1, 0.5)] },
      { inputs: operands([2, 2, 4, 3], [2, 2, 4, 3], [2, 2, 4, 3]), args: [{ isCausal: true }] },
      { inputs: operands([1, 3, 4], [2, 5, 4], [2, 5, 1]), args: [{ scale: -0.3 }] },
      { inputs: [...operands([2, 3, 4], [2, 5, 4], [2, 5, 4]), spread([2, 1, 5], -1, 1, 0.5)] },
      { inputs: [...operands([2, 3, 4], [2, 5, 4], [2, 5, 4]), shift] },
      { inputs: operands([5, 4], [3, 4], [3, 2]), args: [{ isCausal: true }] },
      { inputs: operands([1, 1], [1, 1], [1, 1]) },
      { inputs: operands([0, 4], [3, 4], [3, 2]) },
    ];
  },
  tolerance: 6e-6,
});
