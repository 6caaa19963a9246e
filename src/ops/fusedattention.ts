import { attention } from '#binary';
import { isGradEnabled, record } from '../autograd/index.js';
import { broadcastShapes, broadcastStrides, sameShape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { mul, sub } from './arithmetic.js';
import { causal, seeingWeights } from './attentionweights.js';
import { expand } from './broadcast.js';
import { matmul } from './matmul.js';
import { transpose } from './movement.js';
import { dense, empty } from './op.js';
import { sum } from './reduce.js';

/** Attention in one kernel that never holds all weights (assembly/attention.ts), and its gradient in another. */

/** What is added to the scores, whether a query sees only the keys up to its own place, and the factor of the scores. */
export interface Scoring {
  readonly mask: Tensor | null;
  readonly isCausal: boolean;
  readonly scale: number;
}

const NAME = 'scaledDotProductAttention';

/** Queries in a block of assembly/heads.ts, keys in one, and the rows by which tiles may exceed them. */
const [QUERIES, KEYS, SLACK] = [64, 128, 8];
/** Multiply-adds that make a share worth a thread. */
const GRAIN = 1 << 19;
/** Fewer queries are cheaper by plain products: packing all keys would cost more than it saves. */
const FEWEST_QUERIES = 4;

/** Whether the kernel can take these: it computes in float32, and knows no gradient of a mask. */
export function isFusable(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | null): boolean {
  const isFloat32 = [query, key, value, ...(mask === null ? [] : [mask])].every((x) => x.dtype === 'float32');
  const isEmpty = [query, key, value].some((x) => x.numel() === 0);
  const wantsMask = isGradEnabled() && mask?.requiresGrad === true;
  return isFloat32 && !isEmpty && !wantsMask && (query.shape[query.ndim - 2] as number) >= FEWEST_QUERIES;
}

/** `x` itself where the elements of its rows are neighbours, else a copy. */
function withRows(x: Tensor): Tensor {
  return x.strides[x.ndim - 1] === 1 || x.shape[x.ndim - 1] === 1 ? x : dense(x);
}

/** An uninitialized tensor with the dimensions of `like` in the order in which `like` has them in memory. */
function arranged(like: Tensor, shape: readonly number[]): Tensor {
  const last = shape.length - 1;
  const step = (d: number): number => (like.strides[d] as number) || Number.POSITIVE_INFINITY;
  const order = shape.map((_, d) => d).slice(0, last);
  order.sort((a, b) => (step(a) === step(b) ? a - b : step(b) - step(a)));
  const strides = new Array<number>(shape.length).fill(1);
  let size = shape[last] as number;
  for (const d of order.reverse()) {
    strides[d] = size;
    size *= shape[d] as number;
  }
  const memory = empty(like, [size], 'float32', NAME);
  const y = memory.strided(shape, strides, 0);
  memory.dispose();
  return y;
}

/** Strides of rows, and of the batch, of each tensor, as the kernels read them. */
function layoutOf(lead: readonly number[], tensors: readonly Tensor[], mask: readonly number[]): number[] {
  const all = [...tensors.map((x) => x.strides), mask];
  const rows = all.map((strides) => strides[lead.length] as number);
  const columns = mask[lead.length + 1] as number;
  return [...rows, columns, lead.length, ...lead, ...all.flatMap((strides) => strides.slice(0, lead.length))];
}

const padded = (n: number): number => (n + 7) & -8;

/** softmax(query · keyᵀ · scale + mask) · value, for what isFusable allows. */
export function fusedAttention(query: Tensor, key: Tensor, value: Tensor, scoring: Scoring): Tensor {
  const leads = [query, key, value].map((x) => x.shape.slice(0, -2));
  const lead = leads.reduce((a, b) => [...broadcastShapes(NAME, a, b)]);
  const [q, k, v] = [query, key, value].map((x, i) =>
    sameShape(leads[i] as number[], lead) ? x : expand(x, [...lead, ...x.shape.slice(-2)]),
  ) as [Tensor, Tensor, Tensor];
  const { mask, isCausal, scale } = scoring;
  const [length, size] = q.shape.slice(-2) as [number, number];
  const [keys, width] = v.shape.slice(-2) as [number, number];
  const items = sizeOf(lead);
  const scores = [...lead, length, keys];
  const maskStrides = mask === null ? scores.map(() => 0) : broadcastStrides(mask.shape, mask.strides, scores);
  const ints = [length, keys, size, width, isCausal ? 1 : 0];

  const [rowsQ, rowsK, rowsV] = [q, k, v].map(withRows) as [Tensor, Tensor, Tensor];
  const y = arranged(rowsQ, [...lead, length, width]);
  const logSums = empty(q, [items, length], 'float32', NAME);
  q.storage.device.launch({
    kernel: attention.kernel('attention_f32'),
    work: items * Math.ceil(length / QUERIES),
    grain: Math.max(1, Math.ceil(GRAIN / (QUERIES * keys * (size + width)))),
    writes: [y, logSums],
    reads: [rowsQ, rowsK, rowsV, mask],
    floats: [scale],
    ints: [...ints, ...layoutOf(lead, [y, rowsQ, rowsK, rowsV], maskStrides)],
    scratch:
      1280 + 4 * ((QUERIES + SLACK) * (size + KEYS + padded(width)) + padded(keys) * size + keys * padded(width)),
  });
  const saved = [q, k, v, y, logSums, ...(mask === null ? [] : [mask])];
  record(NAME, [q, k, v], [y], saved, ([gradient], held) => {
    const [heldQ, heldK, heldV, result, sums, shift = null] = held as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor?];
    const g = gradient as Tensor;
    if (isGradEnabled()) return composedGrad(g, heldQ, heldK, heldV, { mask: shift, isCausal, scale });
    const operands = [g, heldQ, heldK, heldV].map(withRows) as [Tensor, Tensor, Tensor, Tensor];
    const [dq, dk, dv] = [heldQ, heldK, heldV].map((x) => arranged(x, x.shape)) as [Tensor, Tensor, Tensor];
    const wide = padded(size) + padded(width);
    g.storage.device.launch({
      kernel: attention.kernel('attention_grad_f32'),
      work: items,
      grain: Math.max(1, Math.ceil(GRAIN / (length * keys * (3 * size + 2 * width)))),
      writes: [dq, dk, dv],
      reads: [...operands, result, sums, shift],
      floats: [scale],
      ints: [...ints, ...layoutOf(lead, [dq, dk, dv, ...operands, result], maskStrides)],
      scratch:
        512 +
        4 *
          (length +
            (length + SLACK * Math.ceil(length / QUERIES)) * (size + width) +
            length * wide +
            KEYS * (size + width + padded(size)) +
            (KEYS + SLACK) * wide +
            (QUERIES + SLACK) * (padded(size) + 2 * KEYS)),
    });
    return [dq, dk, dv];
  });
  logSums.dispose();
  return y;
}

/** The gradients from ops that can be differentiated: with weights p, ds = p (dy · vᵀ − Σ p (dy · vᵀ)). */
function composedGrad(g: Tensor, q: Tensor, k: Tensor, v: Tensor, { mask, isCausal, scale }: Scoring): Tensor[] {
  const shift = isCausal ? causal(q, q.shape[q.ndim - 2] as number, k.shape[k.ndim - 2] as number) : mask;
  const p = seeingWeights(q, k, shift, scale);
  const dp = matmul(g, transpose(v, -2, -1));
  const ds = mul(mul(p, sub(dp, sum(mul(p, dp), -1, true))), scale);
  return [matmul(ds, k), matmul(transpose(ds, -2, -1), q), matmul(transpose(p, -2, -1), g)];
}
