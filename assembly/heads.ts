/**
 * What attention forward and backward share: blocks of queries and keys, and the products between them, on the register
 * tiles of microkernel.ts.
 *
 * A product of `rows` rows is cut into tiles of TILE_ROWS below row tallOf(rows), and of LOW_ROWS above. Everything here
 * lies in scratch memory that is padded to whole tiles, so tiles are always whole; what they hold beyond the rows and
 * columns that are there is never read.
 */
import { slot } from './launch';
import {
  LOW_ROWS,
  lowTileOfColumns,
  lowTileOfRows,
  TILE_COLUMNS,
  TILE_ROWS,
  TILE_STRIDE,
  tileOfColumns,
  tileOfRows,
} from './microkernel';
import { packColumns, packRows } from './pack';
import { loadUpTo4, storeUpTo4 } from './row';
import { bytes } from './simd';
import { listed, offsetOf } from './walk';

/** Queries in a block: 12 · 5 + 4 and 10 · 6 + 4, so that no row of a tile is computed in vain. */
export const QUERIES: i32 = 64;
/** Keys in a block: a block of scores takes 32 KiB. */
export const KEYS: i32 = 128;
/** Bytes from one row of scores to the next. */
export const SCORES: usize = (<usize>KEYS) << 2;
/** Rows by which the last tile may exceed what is there, and bytes that a tile may read behind the last row. */
export const SLACK: i32 = 8;

/**
 * 0, as the optimizer cannot know: tiles that are always called with the same steps and without an addend would be rewritten
 * for just that and inlined, and V8 makes slower loops of it (0.78 × the rate).
 */
const NOTHING = memory.data<u32>([0]);

/** n rounded up to whole columns of tiles. */
// @ts-ignore: decorator
@inline export function padded(n: i32): i32 {
  return (n + TILE_COLUMNS - 1) & -TILE_COLUMNS;
}

/** Rows to cut into tiles of TILE_ROWS, the rest being cut into LOW_ROWS, so that few rows are computed in vain. */
function tallOf(rows: i32): i32 {
  let best = 0;
  let least = i32.MAX_VALUE;
  for (let low = 0; low < TILE_ROWS; low++) {
    const tall = ((max(0, rows - low * LOW_ROWS) + TILE_ROWS - 1) / TILE_ROWS) * TILE_ROWS;
    if (tall + low * LOW_ROWS < least) {
      best = tall;
      least = tall + low * LOW_ROWS;
    }
  }
  return best;
}

/** Address of item `index` of a batch: list i of strides behind the list of ndim sizes at slot `sizes`. */
export function itemAt(r: usize, base: usize, sizes: usize, ndim: i32, i: i32, index: i32): usize {
  const shape = slot(r, sizes);
  const strides = shape + bytes((i + 1) * ndim);
  return base + bytes(offsetOf(shape, strides, ndim, index));
}

/** Packs rows of k numbers into panels [k][height], one for each tile of rows, and gives the rows with their padding. */
export function packLeft(from: usize, stride: usize, rows: i32, k: i32, panels: usize): i32 {
  const tall = tallOf(rows);
  let i = 0;
  for (let height = 0; i < rows; i += height) {
    height = i < tall ? TILE_ROWS : LOW_ROWS;
    packRows(from + <usize>i * stride, stride, min(height, rows - i), height, k, panels + bytes(i * k));
  }
  return i;
}

/** Packs rows of k numbers, to be the columns of a product, into panels [k][TILE_COLUMNS]. */
export function packTurned(from: usize, stride: usize, rows: i32, k: i32, panels: usize): void {
  for (let i = 0; i < rows; i += TILE_COLUMNS) {
    packRows(from + <usize>i * stride, stride, min(TILE_COLUMNS, rows - i), TILE_COLUMNS, k, panels + bytes(i * k));
  }
}

/** Packs k rows of `columns` numbers into panels [k][TILE_COLUMNS]. */
export function packRight(from: usize, stride: usize, columns: i32, k: i32, panels: usize): void {
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    packColumns(from + bytes(j), stride, min(TILE_COLUMNS, columns - j), TILE_COLUMNS, k, panels + bytes(j * k));
  }
}

/** C = A · B from panels that packLeft made and panels of B: all tiles, whole, at row stride `strideC`. */
export function panelsTimesPanels(
  rows: i32,
  k: i32,
  columns: i32,
  left: usize,
  right: usize,
  c: usize,
  strideC: usize,
): void {
  const none = load<usize>(NOTHING);
  const stepB = TILE_STRIDE + none;
  const tall = tallOf(rows);
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const b = right + bytes((j + TILE_COLUMNS) * k);
    let to = c + bytes(j);
    let a = left;
    let i = 0;
    for (; i < tall; i += TILE_ROWS) {
      a += bytes(TILE_ROWS * k);
      tileOfColumns(k, a, bytes(TILE_ROWS) + none, b, stepB, to, strideC, none, none, none);
      to += <usize>TILE_ROWS * strideC;
    }
    for (; i < rows; i += LOW_ROWS) {
      a += bytes(LOW_ROWS * k);
      lowTileOfColumns(k, a, bytes(LOW_ROWS) + none, b, stepB, to, strideC, none, none, none);
      to += <usize>LOW_ROWS * strideC;
    }
  }
}

/**
 * C = keep · C + A · B, where A are rows of scores and keep[i] a number for each row, or null for C = A · B. Panels of B
 * are `depth` long, of which the first k are used; `tile` is room for one tile.
 */
export function scoresTimesPanels(
  rows: i32,
  k: i32,
  columns: i32,
  scores: usize,
  right: usize,
  depth: i32,
  c: usize,
  strideC: usize,
  keep: usize,
  tile: usize,
): void {
  const none = load<usize>(NOTHING);
  const stepB = TILE_STRIDE + none;
  const tall = tallOf(rows);
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const b = right + bytes(j * depth + TILE_COLUMNS * k);
    for (let i = 0, height = 0; i < rows; i += height) {
      height = i < tall ? TILE_ROWS : LOW_ROWS;
      const a = scores + <usize>i * SCORES + bytes(k);
      const to = c + <usize>i * strideC + bytes(j);
      const result = keep ? tile : to;
      const stride = keep ? TILE_STRIDE : strideC;
      if (height == TILE_ROWS) tileOfRows(k, a, SCORES, TILE_ROWS, b, stepB, result, stride, none, none, none);
      else lowTileOfRows(k, a, SCORES, LOW_ROWS, b, stepB, result, stride, none, none, none);
      if (keep) blend(tile, height, to, strideC, keep + bytes(i));
    }
  }
}

/** C += Aᵀ · B, where A are k rows of scores. */
export function turnedScoresTimesPanels(
  rows: i32,
  k: i32,
  columns: i32,
  scores: usize,
  right: usize,
  c: usize,
  strideC: usize,
  tile: usize,
): void {
  const none = load<usize>(NOTHING);
  const stepB = TILE_STRIDE + none;
  const tall = tallOf(rows);
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const b = right + bytes((j + TILE_COLUMNS) * k);
    for (let i = 0, height = 0; i < rows; i += height) {
      height = i < tall ? TILE_ROWS : LOW_ROWS;
      const a = scores + <usize>k * SCORES + bytes(i);
      if (height == TILE_ROWS) tileOfColumns(k, a, SCORES, b, stepB, tile, TILE_STRIDE, none, none, none);
      else lowTileOfColumns(k, a, SCORES, b, stepB, tile, TILE_STRIDE, none, none, none);
      blend(tile, height, c + <usize>i * strideC + bytes(j), strideC, 0);
    }
  }
}

/** C = keep · C + tile, row by row, or C += tile where keep is null. */
// @ts-ignore: decorator
@inline function blend(tile: usize, rows: i32, c: usize, strideC: usize, keep: usize): void {
  for (let i = 0; i < rows; i++) {
    let left = v128.load(c);
    let right = v128.load(c, 16);
    if (keep) {
      const factor = v128.load32_splat(keep + bytes(i));
      left = f32x4.mul(left, factor);
      right = f32x4.mul(right, factor);
    }
    v128.store(c, f32x4.add(left, v128.load(tile)));
    v128.store(c, f32x4.add(right, v128.load(tile, 16)), 16);
    tile += TILE_STRIDE;
    c += strideC;
  }
}

/** to = factor · from, or to += factor · from, for n numbers. */
export function storeScaled(to: usize, from: usize, n: i32, factor: v128, adds: bool): void {
  for (; n > 0; n -= 4) {
    let x = f32x4.mul(v128.load(from), factor);
    if (adds) x = f32x4.add(x, loadUpTo4(to, n));
    storeUpTo4(to, x, n);
    from += 16;
    to += 16;
  }
}

/** scores += mask for n keys of a row; the mask's numbers lie `step` bytes apart, 0 where one is meant for all. */
export function addMask(scores: usize, mask: usize, step: usize, n: i32): void {
  if (step == 4) {
    for (; n > 0; n -= 4) {
      storeUpTo4(scores, f32x4.add(loadUpTo4(scores, n), loadUpTo4(mask, n)), n);
      scores += 16;
      mask += 16;
    }
    return;
  }
  for (; n > 0; n--) {
    store<f32>(scores, load<f32>(scores) + load<f32>(mask));
    scores += 4;
    mask += step;
  }
}

/** How many of `count` keys from key `start` on the query `row` sees. */
// @ts-ignore: decorator
@inline export function seen(causal: bool, row: i32, start: i32, count: i32): i32 {
  return causal ? max(0, min(count, row + 1 - start)) : count;
}

/** Entry i of the list of row strides at `list`, in bytes. */
// @ts-ignore: decorator
@inline export function strideAt(list: usize, i: i32): usize {
  return bytes(listed(list, i));
}
