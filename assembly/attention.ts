/**
 * Attention without the matrix of weights (Dao et al. 2022, "FlashAttention"; the running maximum is that of Milakov and
 * Gimelshein 2018, "Online normalizer calculation for softmax").
 *
 * For a block of queries the keys are gone through block by block. With m the largest score so far and l = Σ e^(s − m),
 * a new block that raises m to m′ multiplies l and the sum of values by e^(m − m′). Kept for the gradient is
 * log Σ e^s of each query, from which its weights come back as e^(s − log Σ e^s).
 */
import { log } from './exponential';
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
} from './heads';
import { float, int, pointer, scratch, slot } from './launch';
import { expNegative } from './math';
import { firstLanes } from './row';
import { bytes, horizontalSum, splat } from './simd';
import { rowMax } from './softmax';

// Scratch: a tile, three numbers for each query of the block (its largest score, the sum, what the last block has scaled
// both by), then the packed queries, the scores, the sums of values, and all keys and values of an item.
const LARGEST: usize = 256;
const TOTALS: usize = LARGEST + 256;
const KEPT: usize = TOTALS + 256;
const PANELS: usize = KEPT + 512;

// Lists of strides in the record.
const Y: i32 = 0;
const Q: i32 = 1;
const K: i32 = 2;
const V: i32 = 3;
const MASK: i32 = 4;

/**
 * y = softmax(scale · q · kᵀ + mask) · v for each item of a batch; zeros for a query that sees nothing.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | y | [.., L, W] |
 * | 1 | logSums | [items, L], contiguous: log Σ e^score, +∞ for a query that sees nothing |
 * | 2, 3, 4 | q, k, v | [.., L, E], [.., S, E], [.., S, W], their last strides 1 |
 * | 5 | mask | added to the scores, [.., L, S] of any strides; 0 if there is none |
 * | 6 | scale | float32 |
 * | 7 … 10 | L, S, E, W | all above 0 |
 * | 11 | causal | 1: query i sees the keys 0 … i |
 * | 12 … 17 | row strides of y, q, k, v, mask; the mask's last stride | in elements |
 * | 18 | ndim | of the batch; behind it its sizes, and the strides of y, q, k, v, mask along it |
 *
 * Work: items · ceil(L / 64), blocks of queries.
 * Scratch in bytes: 1280 + 4 · (72 E + 72 · 128 + 72 · pad W + pad S · E + S · pad W), where pad rounds up to 8.
 */
export function attention_f32(r: usize, begin: i32, end: i32): void {
  const mask = pointer(r, 5);
  const scale = splat(float(r, 6));
  const length = int(r, 7);
  const keys = int(r, 8);
  const size = int(r, 9);
  const width = int(r, 10);
  const causal = int(r, 11) != 0;
  const rows = slot(r, 12);
  const maskStep = strideAt(rows, 5);
  const ndim = int(r, 18);
  const blocks = (length + QUERIES - 1) / QUERIES;

  const base = scratch();
  const queries = base + PANELS;
  const scores = queries + bytes((QUERIES + SLACK) * size);
  const sums = scores + <usize>(QUERIES + SLACK) * SCORES;
  const packedKeys = sums + bytes((QUERIES + SLACK) * padded(width));
  const packedValues = packedKeys + bytes(padded(keys) * size);
  const strideSums = bytes(padded(width));

  let packed = -1;
  for (; begin < end; begin++) {
    const item = begin / blocks;
    const first = (begin - item * blocks) * QUERIES;
    const count = min(QUERIES, length - first);
    if (item != packed) {
      packed = item;
      packTurned(itemAt(r, pointer(r, 3), 19, ndim, K, item), strideAt(rows, K), keys, size, packedKeys);
      const values = itemAt(r, pointer(r, 4), 19, ndim, V, item);
      for (let start = 0; start < keys; start += KEYS) {
        const to = packedValues + <usize>start * strideSums;
        packRight(values + <usize>start * strideAt(rows, V), strideAt(rows, V), width, min(KEYS, keys - start), to);
      }
    }
    const from = itemAt(r, pointer(r, 2), 19, ndim, Q, item) + <usize>first * strideAt(rows, Q);
    const whole = packLeft(from, strideAt(rows, Q), count, size, queries);
    storeScaled(queries, queries, whole * size, scale, false);

    // A causal block has nothing to do with the keys behind its last query.
    const visible = causal ? min(keys, first + count) : keys;
    const maskRows = mask ? itemAt(r, mask, 19, ndim, MASK, item) + <usize>first * strideAt(rows, MASK) : 0;
    for (let start = 0; start < visible; start += KEYS) {
      const n = min(KEYS, visible - start);
      panelsTimesPanels(count, size, n, queries, packedKeys + bytes(start * size), scores, SCORES);
      for (let i = 0; i < count; i++) {
        const row = scores + <usize>i * SCORES;
        const open = seen(causal, first + i, start, n);
        if (mask) addMask(row, maskRows + <usize>i * strideAt(rows, MASK) + <usize>start * maskStep, maskStep, open);
        weigh(row, open, n, base + bytes(i), start == 0);
      }
      const values = packedValues + <usize>start * strideSums;
      // A causal block may see a part of a block of values, whose panels are as long as the block is.
      const depth = min(KEYS, keys - start);
      const keep: usize = start == 0 ? 0 : base + KEPT;
      scoresTimesPanels(count, n, width, scores, values, depth, sums, strideSums, keep, base);
    }

    let y = itemAt(r, pointer(r, 0), 19, ndim, Y, item) + <usize>first * strideAt(rows, Y);
    const logSums = pointer(r, 1) + bytes(item * length + first);
    for (let i = 0; i < count; i++) {
      const total = load<f32>(base + bytes(i), TOTALS);
      const isBlind = total == 0;
      store<f32>(logSums + bytes(i), isBlind ? Infinity : load<f32>(base + bytes(i), LARGEST) + log(total));
      storeScaled(y, sums + <usize>i * strideSums, width, splat(isBlind ? 0 : <f32>1 / total), false);
      y += strideAt(rows, Y);
    }
  }
}

/**
 * Turns the first n scores of a row into e^(score − m), m being the largest so far, and those up to `count` into zeros;
 * updates the row's numbers at `stats`.
 */
function weigh(row: usize, n: i32, count: i32, stats: usize, isFirst: bool): void {
  const before: f32 = isFirst ? -Infinity : load<f32>(stats, LARGEST);
  const largest = f32x4.pmax(rowMax(row, n), splat(before));
  // Where nothing is seen yet, 0 stands in, so that −∞ − −∞ does not arise.
  const shift = v128.andnot(largest, f32x4.eq(largest, splat(-Infinity)));
  const kept = f32x4.extract_lane(expNegative(f32x4.sub(splat(before), shift)), 0);
  let a = i32x4.splat(0);
  let b = a;
  let left = n;
  for (; left >= 8; left -= 8) {
    const p = expNegative(f32x4.sub(v128.load(row), shift));
    const q = expNegative(f32x4.sub(v128.load(row, 16), shift));
    v128.store(row, p);
    v128.store(row, q, 16);
    a = f32x4.add(a, p);
    b = f32x4.add(b, q);
    row += 32;
  }
  // Rows of scores are whole vectors; what stands behind the last score becomes zero, as hidden scores do.
  for (; left > 0; left -= 4) {
    let p = expNegative(f32x4.sub(v128.load(row), shift));
    if (left < 4) p = v128.and(p, firstLanes(left));
    v128.store(row, p);
    a = f32x4.add(a, p);
    row += 16;
  }
  for (let hidden = count - ((n + 3) & ~3); hidden > 0; hidden -= 4) {
    v128.store(row, i32x4.splat(0));
    row += 16;
  }
  const sum = horizontalSum(f32x4.add(a, b));
  store<f32>(stats, f32x4.extract_lane(largest, 0), LARGEST);
  store<f32>(stats, isFirst ? sum : kept * load<f32>(stats, TOTALS) + sum, TOTALS);
  store<f32>(stats, kept, KEPT);
}
