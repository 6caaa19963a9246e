/**
 * Dense float32 products in the turbo binary: what the other binaries do with register tiles over blocks (see ../gemm.ts),
 * with wider tiles and everything packed. Products too small or narrow for them, and rare epilogues, go to the same kernel
 * as in the other binaries. The sums have the same order there and here, and so the same bits.
 */
import { gemm_f32 as narrow } from '../gemm';
import { float, int, pointer, scratch } from '../launch';
import { packColumns, packRows } from '../pack';
import { bytes } from '../simd';
import { TURBO_COLUMNS, TURBO_ROWS, TURBO_STRIDE, turboTile } from './microkernel';

/** As in ../gemm.ts, which promises the scratch and decides the order of the sums. */
const BLOCK_K: i32 = 256;
const BLOCK_COLUMNS: i32 = 1024;
const ITEM_COLUMNS: i32 = 16;
/** Rows of A packed at a time: a multiple of 4 and of 6. */
const BLOCK_ROWS: i32 = 120;
/** Fewer rows or columns than these leave most of a tile empty, or go through inner products. */
const LEAST_ROWS: i32 = 9;
const LEAST_COLUMNS: i32 = 13;
/** Scratch holds a temporary tile, and behind it the panels. */
const PANELS: usize = 384;

const BIAS_PER_ROW: i32 = 2;
const RELU: i32 = 1;

/** The kernel `gemm_f32`, with the slots and the work of ../gemm.ts. Scratch: 512 bytes more than there. */
export function gemm_f32(r: usize, begin: i32, end: i32): void {
  const rows = int(r, 5),
    columns = int(r, 6),
    beta = float(r, 4);
  const plain = beta == 0 || (beta == 1 && int(r, 17) == 0);
  if (rows < LEAST_ROWS || columns < LEAST_COLUMNS || !plain || int(r, 17) == BIAS_PER_ROW || int(r, 7) == 0) {
    narrow(r, begin, end);
    return;
  }
  const byRows = rows >= columns;
  const units = byRows ? rows : (columns + ITEM_COLUMNS - 1) / ITEM_COLUMNS;
  while (begin < end) {
    const item = begin / units,
      first = begin - item * units;
    const last = min(units, first + end - begin);
    if (byRows) product(r, item, first, last, 0, columns);
    else product(r, item, 0, rows, first * ITEM_COLUMNS, min(columns, last * ITEM_COLUMNS));
    begin += last - first;
  }
}

/** Computes rows [i0, i1) and columns [j0, j1) of one item of the batch. */
function product(r: usize, item: i32, i0: i32, i1: i32, j0: i32, j1: i32): void {
  const K = int(r, 7);
  const blocks = (K + BLOCK_K - 1) / BLOCK_K,
    step = (K + blocks - 1) / blocks;
  for (let jc = j0; jc < j1; jc += BLOCK_COLUMNS) {
    const columns = min(BLOCK_COLUMNS, j1 - jc);
    for (let start = 0; start < K; start += step) {
      for (let ic = i0; ic < i1; ic += BLOCK_ROWS) {
        block(r, item, ic, min(BLOCK_ROWS, i1 - ic), jc, columns, start, min(step, K - start), ic == i0);
      }
    }
  }
}

/** Packs columns [j, j + count) of k rows of B from `start` on into a panel [k][TURBO_COLUMNS]. */
function packB(r: usize, b: usize, j: i32, count: i32, start: i32, k: i32, panel: usize): void {
  const ldb = bytes(int(r, 9));
  if (int(r, 12) != 0) {
    packRows(b + <usize>j * ldb + bytes(start), ldb, count, TURBO_COLUMNS, k, panel);
    return;
  }
  let from = b + <usize>start * ldb + bytes(j);
  if (count < TURBO_COLUMNS) {
    packColumns(from, ldb, count, TURBO_COLUMNS, k, panel);
    return;
  }
  for (let left = k; left > 0; left--) {
    v128.store(panel, v128.load(from));
    v128.store(panel, v128.load(from, 16), 16);
    v128.store(panel, v128.load(from, 32), 32);
    v128.store(panel, v128.load(from, 48), 48);
    from += ldb;
    panel += TURBO_STRIDE;
  }
}

/** Packs rows [i0, i0 + rows) of k columns of A from `start` on into panels [k][TURBO_ROWS]. */
function packA(r: usize, a: usize, i0: i32, rows: i32, start: i32, k: i32, panels: usize): void {
  const lda = bytes(int(r, 8));
  for (let i = 0; i < rows; i += TURBO_ROWS) {
    const count = min(TURBO_ROWS, rows - i),
      panel = panels + bytes(i * k);
    if (int(r, 11) != 0) packColumns(a + <usize>start * lda + bytes(i0 + i), lda, count, TURBO_ROWS, k, panel);
    else packRows(a + <usize>(i0 + i) * lda + bytes(start), lda, count, TURBO_ROWS, k, panel);
  }
}

/** Adds the products of one block of k to rows [i0, i0 + rows) and columns [j0, j0 + columns) of C. */
function block(
  r: usize,
  item: i32,
  i0: i32,
  rows: i32,
  j0: i32,
  columns: i32,
  start: i32,
  k: i32,
  fresh: bool,
): void {
  const tile = scratch(),
    panelsB = tile + PANELS;
  const panelsA = panelsB + bytes(((columns + TURBO_COLUMNS - 1) & -TURBO_COLUMNS) * k);
  const a = pointer(r, 1) + bytes(item * int(r, 14)),
    b = pointer(r, 2) + bytes(item * int(r, 15)),
    c = pointer(r, 0) + bytes(item * int(r, 16)),
    ldc = bytes(int(r, 10));
  const bias = int(r, 17) != 0 ? pointer(r, 3) : 0;
  const adds = start > 0 || float(r, 4) != 0;
  const relu = int(r, 18) == RELU && start + k == int(r, 7);
  packA(r, a, i0, rows, start, k, panelsA);
  for (let j = 0; j < columns; j += TURBO_COLUMNS) {
    const width = min(TURBO_COLUMNS, columns - j),
      pb = panelsB + bytes(j * k);
    if (fresh) packB(r, b, j0 + j, width, start, k, pb);
    const ends = pb + <usize>k * TURBO_STRIDE;
    for (let i = 0; i < rows; i += TURBO_ROWS) {
      const height = min(TURBO_ROWS, rows - i),
        pa = panelsA + bytes((i + TURBO_ROWS) * k);
      const to = c + <usize>(i0 + i) * ldc + bytes(j0 + j);
      let d: usize = 0,
        strideD: usize = 0;
      if (adds) {
        d = to;
        strideD = ldc;
      } else if (bias) d = bias + bytes(j0 + j);
      if (height == TURBO_ROWS && width == TURBO_COLUMNS && !relu) {
        turboTile(k, pa, ends, to, ldc, d, strideD);
      } else {
        turboTile(k, pa, ends, tile, TURBO_STRIDE, 0, 0);
        place(tile, height, width, to, ldc, d, strideD, relu);
      }
    }
  }
}

/** Moves the kept part of a temporary tile to its place: C = tile + D, or max(tile + D, 0), where a NaN stays a NaN. */
function place(
  tile: usize,
  rows: i32,
  columns: i32,
  c: usize,
  strideC: usize,
  d: usize,
  strideD: usize,
  relu: bool,
): void {
  const end = bytes(columns),
    whole = bytes(columns & ~3);
  const zero = f32x4.splat(0);
  for (let i = 0; i < rows; i++) {
    let j: usize = 0;
    for (; j < whole; j += 16) {
      let y = v128.load(tile + j);
      if (d) y = f32x4.add(y, v128.load(d + j));
      v128.store(c + j, relu ? f32x4.pmax(y, zero) : y);
    }
    for (; j < end; j += 4) {
      let y = load<f32>(tile + j);
      if (d) y += load<f32>(d + j);
      store<f32>(c + j, relu && y < 0 ? 0 : y);
    }
    tile += TURBO_STRIDE;
    c += strideC;
    d += strideD;
  }
}
