/**
 * The gradient of attention.ts, again without the matrix of weights: they come back, block by block, from the scores and
 * each query's log Σ e^s (Dao et al. 2022, "FlashAttention", appendix B.2).
 *
 * With weights p = e^(s − log Σ e^s), the gradient dy of the result and δ = Σ dy · y for each query:
 *   dv = pᵀ dy,  ds = scale · p (dy · vᵀ − δ),  dq = ds k,  dk = dsᵀ q.
 */
import {
  addMask,
  itemAt,
  KEYS,
  packLeft,
  packRight,
  packTurned,
  padded,
  panelsTimesPanels,
  QUERIES,
  SCORES,
  scoresTimesPanels,
  seen,
  SLACK,
  storeScaled,
  strideAt,
  turnedScoresTimesPanels,
} from './heads';
import { float, int, pointer, scratch, slot } from './launch';
import { expNegative } from './math';
import { dot, firstLanes } from './row';
import { bytes, splat } from './simd';

/** Scratch begins with a tile. */
const TILE: usize = 256;

// Lists of strides in the record.
const DQ: i32 = 0;
const DK: i32 = 1;
const DV: i32 = 2;
const DY: i32 = 3;
const Q: i32 = 4;
const K: i32 = 5;
const V: i32 = 6;
const Y: i32 = 7;
const MASK: i32 = 8;

/**
 * | slot | argument | |
 * |---|---|---|
 * | 0, 1, 2 | dq, dk, dv | written; their last strides 1 |
 * | 3 | dy | last stride 1 |
 * | 4, 5, 6 | q, k, v | as in attention_f32 |
 * | 7, 8 | y, logSums | its results |
 * | 9 | mask | as in attention_f32 |
 * | 10 | scale | float32 |
 * | 11 … 14 | L, S, E, W | all above 0 |
 * | 15 | causal | |
 * | 16 … 25 | row strides of dq, dk, dv, dy, q, k, v, y, mask; the mask's last stride | in elements |
 * | 26 | ndim | of the batch; behind it its sizes, and the strides of dq … mask along it |
 *
 * Work: items of the batch.
 * Scratch in bytes: 512 + 4 · (L + (L + 8 ceil(L / 64)) (E + W) + L (pad E + pad W) + 128 (E + W + pad E) + 136 (pad E +
 * pad W) + 72 pad E + 2 · 72 · 128), where pad rounds up to 8.
 */
export function attention_grad_f32(r: usize, begin: i32, end: i32): void {
  for (; begin < end; begin++) oneItem(r, begin);
}

function oneItem(r: usize, item: i32): void {
  const one = splat(1);
  const scale = splat(float(r, 10));
  const length = int(r, 11);
  const keys = int(r, 12);
  const size = int(r, 13);
  const width = int(r, 14);
  const causal = int(r, 15) != 0;
  const rows = slot(r, 16);
  const maskStep = strideAt(rows, 9);
  const ndim = int(r, 26);
  const blocks = (length + QUERIES - 1) / QUERIES;
  const wideSize = bytes(padded(size));
  const wideWidth = bytes(padded(width));

  const dq = itemAt(r, pointer(r, 0), 27, ndim, DQ, item);
  const dk = itemAt(r, pointer(r, 1), 27, ndim, DK, item);
  const dv = itemAt(r, pointer(r, 2), 27, ndim, DV, item);
  const dy = itemAt(r, pointer(r, 3), 27, ndim, DY, item);
  const q = itemAt(r, pointer(r, 4), 27, ndim, Q, item);
  const k = itemAt(r, pointer(r, 5), 27, ndim, K, item);
  const v = itemAt(r, pointer(r, 6), 27, ndim, V, item);
  const y = itemAt(r, pointer(r, 7), 27, ndim, Y, item);
  const logSums = pointer(r, 8) + bytes(item * length);
  const mask = pointer(r, 9) ? itemAt(r, pointer(r, 9), 27, ndim, MASK, item) : 0;

  // Queries and gradients are packed twice, as rows and as columns of products; keys and values for a block at a time.
  const tile = scratch();
  const deltas = tile + TILE;
  const leftQ = deltas + bytes(length);
  const leftDy = leftQ + bytes((length + SLACK * blocks) * size);
  const rightQ = leftDy + bytes((length + SLACK * blocks) * width);
  const rightDy = rightQ + <usize>length * wideSize;
  const turnedK = rightDy + <usize>length * wideWidth;
  const turnedV = turnedK + bytes(KEYS * size);
  const rightK = turnedV + bytes(KEYS * width);
  const sumsK = rightK + <usize>KEYS * wideSize;
  const sumsV = sumsK + <usize>(KEYS + SLACK) * wideSize;
  const sumsQ = sumsV + <usize>(KEYS + SLACK) * wideWidth;
  const weights = sumsQ + <usize>(QUERIES + SLACK) * wideSize;
  const slopes = weights + <usize>(QUERIES + SLACK) * SCORES;

  for (let block = 0; block < blocks; block++) {
    const first = block * QUERIES;
    const count = min(QUERIES, length - first);
    const padding = first + block * SLACK;
    const fromQ = q + <usize>first * strideAt(rows, Q);
    const fromDy = dy + <usize>first * strideAt(rows, DY);
    const whole = packLeft(fromQ, strideAt(rows, Q), count, size, leftQ + bytes(padding * size));
    storeScaled(leftQ + bytes(padding * size), leftQ + bytes(padding * size), whole * size, scale, false);
    packLeft(fromDy, strideAt(rows, DY), count, width, leftDy + bytes(padding * width));
    packRight(fromQ, strideAt(rows, Q), size, count, rightQ + <usize>first * wideSize);
    packRight(fromDy, strideAt(rows, DY), width, count, rightDy + <usize>first * wideWidth);
    for (let i = first; i < first + count; i++) {
      const delta = dot(dy + <usize>i * strideAt(rows, DY), y + <usize>i * strideAt(rows, Y), width);
      store<f32>(deltas + bytes(i), <f32>delta);
    }
  }

  for (let start = 0; start < keys; start += KEYS) {
    const n = min(KEYS, keys - start);
    const fromK = k + <usize>start * strideAt(rows, K);
    packTurned(fromK, strideAt(rows, K), n, size, turnedK);
    packTurned(v + <usize>start * strideAt(rows, V), strideAt(rows, V), n, width, turnedV);
    packRight(fromK, strideAt(rows, K), size, n, rightK);
    memory.fill(sumsK, 0, <usize>(KEYS + SLACK) * (wideSize + wideWidth));

    for (let block = 0; block < blocks; block++) {
      const first = block * QUERIES;
      const count = min(QUERIES, length - first);
      const padding = first + block * SLACK;
      // A causal block has nothing to do with the keys behind its last query; the first block of keys writes dq.
      const visible = seen(causal, first + count - 1, start, n);
      if (visible == 0) continue;
      panelsTimesPanels(count, size, visible, leftQ + bytes(padding * size), turnedK, weights, SCORES);
      panelsTimesPanels(count, width, visible, leftDy + bytes(padding * width), turnedV, slopes, SCORES);
      for (let i = first; i < first + count; i++) {
        const offset = <usize>(i - first) * SCORES;
        const open = seen(causal, i, start, visible);
        if (mask) {
          const maskRow = mask + <usize>i * strideAt(rows, MASK) + <usize>start * maskStep;
          addMask(weights + offset, maskRow, maskStep, open);
        }
        const logSum = v128.load32_splat(logSums + bytes(i));
        const delta = v128.load32_splat(deltas + bytes(i));
        differentiate(weights + offset, slopes + offset, open, visible, logSum, delta, scale);
      }
      const fromDy = rightDy + <usize>first * wideWidth;
      const fromQ = rightQ + <usize>first * wideSize;
      turnedScoresTimesPanels(visible, count, width, weights, fromDy, sumsV, wideWidth, tile);
      turnedScoresTimesPanels(visible, count, size, slopes, fromQ, sumsK, wideSize, tile);
      scoresTimesPanels(count, visible, size, slopes, rightK, n, sumsQ, wideSize, 0, tile);
      for (let i = 0; i < count; i++) {
        const to = dq + <usize>(first + i) * strideAt(rows, DQ);
        storeScaled(to, sumsQ + <usize>i * wideSize, size, one, start > 0);
      }
    }
    for (let i = 0; i < n; i++) {
      storeScaled(dk + <usize>(start + i) * strideAt(rows, DK), sumsK + <usize>i * wideSize, size, one, false);
      storeScaled(dv + <usize>(start + i) * strideAt(rows, DV), sumsV + <usize>i * wideWidth, width, one, false);
    }
  }
}

/**
 * Turns the first n scores of a row into weights, and the first n products dy · v into slopes scale · p (dy · v − δ);
 * those up to `count` into zeros.
 */
function differentiate(
  weights: usize,
  slopes: usize,
  n: i32,
  count: i32,
  logSum: v128,
  delta: v128,
  scale: v128,
): void {
  let left = n;
  for (; left >= 8; left -= 8) {
    const p = expNegative(f32x4.sub(v128.load(weights), logSum));
    const q = expNegative(f32x4.sub(v128.load(weights, 16), logSum));
    v128.store(weights, p);
    v128.store(weights, q, 16);
    v128.store(slopes, f32x4.mul(f32x4.mul(p, scale), f32x4.sub(v128.load(slopes), delta)));
    v128.store(slopes, f32x4.mul(f32x4.mul(q, scale), f32x4.sub(v128.load(slopes, 16), delta)), 16);
    weights += 32;
    slopes += 32;
  }
  for (; left > 0; left -= 4) {
    let p = expNegative(f32x4.sub(v128.load(weights), logSum));
    if (left < 4) p = v128.and(p, firstLanes(left));
    v128.store(weights, p);
    v128.store(slopes, f32x4.mul(f32x4.mul(p, scale), f32x4.sub(v128.load(slopes), delta)));
    weights += 16;
    slopes += 16;
  }
  const zero = i32x4.splat(0);
  for (let hidden = count - ((n + 3) & ~3); hidden > 0; hidden -= 4) {
    v128.store(weights, zero);
    v128.store(slopes, zero);
    weights += 16;
    slopes += 16;
  }
}
