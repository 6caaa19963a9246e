/**
 * Dense float32 products.
 *
 * A large product is cut as in Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008):
 *
 *       for jc: BLOCK_COLUMNS columns of C
 *         for pc: a block of k           pack B, [column panel][k][TILE_COLUMNS]     (second-level cache and beyond)
 *           for ic: BLOCK_ROWS rows      pack A, [row panel][k][TILE_ROWS]           (second-level cache)
 *             for each panel of B        8 KiB                                       (first-level cache)
 *               for each panel of A      one register tile
 *
 * What is small enough is read where it lies instead of being packed. Single rows and columns, and products with few
 * rows, have loops of their own, which read the matrix once and in order: such products are bound by bandwidth.
 *
 * Every number of C is summed in an order that only M, N, K and the transpositions decide. Blocks of k are as equal as
 * can be, start from zero and are added one after another, so neither the share of the work nor the choice to pack an
 * operand changes a bit. A long sum cut into blocks also rounds less: the error grows with the length of a block plus
 * the number of blocks, not with their product.
 */
import { addRows, dotsOfOne, dotsOfTwo } from './dots';
import { float, int, pointer, scratch } from './launch';
import {
  LOW_ROWS,
  lowTileOfColumns,
  lowTileOfRows,
  placeTile,
  TILE_COLUMNS,
  TILE_ROWS,
  TILE_STRIDE,
  tileOfColumns,
  tileOfRows,
} from './microkernel';
import { packColumnPair, packColumns, packRows } from './pack';
import { bytes } from './simd';

/** Longest block of k. A panel of B of this length and one of A share the first-level cache. */
const BLOCK_K: i32 = 256;
/** Longest block of k for inner products, whose partial sums have four lanes. */
const BLOCK_DOT: i32 = 1024;
/** The same where the columns of B are gathered in scratch. */
const BLOCK_GATHERED: i32 = 512;
/** Rows of A packed at a time: a multiple of 5 and of 6. */
const BLOCK_ROWS: i32 = 120;
/** Columns of B packed at a time. */
const BLOCK_COLUMNS: i32 = 1024;
/** Columns in one item of work: a cache line of C. */
const ITEM_COLUMNS: i32 = 16;
/** Up to so many rows times a transposed matrix go through inner products instead of packing the matrix. */
const DOT_ROWS: i32 = 8;

/** So few columns, or one or two beyond a register tile, go through inner products if these have such a length. */
const DOT_COLUMNS: i32 = 4;
const DOT_LENGTH: i32 = 32;

/** A block of B is read where it lies if it is so small, or used by few rows: more of them if its stride is short. */
const DIRECT_BYTES: usize = 16384;
const DIRECT_ROWS: i32 = 12;
const SHORT_STRIDE: usize = 1024;
const SHORT_DIRECT_ROWS: i32 = 36;
/** A is read where it lies if it is used by so few columns: the strict loop over separate rows has more instructions. */
const DIRECT_COLUMNS: i32 = ASC_FEATURE_RELAXED_SIMD ? 128 : 24;
const TURNED_DIRECT_COLUMNS: i32 = 48;

const NO_BIAS: i32 = 0;
const BIAS_PER_COLUMN: i32 = 1;
const BIAS_PER_ROW: i32 = 2;
const RELU: i32 = 1;

/** Up to so many rows times a matrix as it lies go through sums of its rows. */
const STRIP_ROWS: i32 = 2;
/** Columns whose sums are under way, shared out among the rows. */
const STRIP_COLUMNS: i32 = 1024;
/** Rows of B that all rows of A meet before the next. */
const CHUNK_ROWS: i32 = 32;

// Scratch holds a temporary tile, the biases of a block of rows, a vector, and behind them the panels. A tile that was
// computed turned lies where the vector would.
const BIAS_ROWS: usize = 256;
const VECTOR: usize = BIAS_ROWS + <usize>BLOCK_ROWS * TILE_STRIDE;
const TURNED: usize = VECTOR;
const PANELS: usize = 8192;

/** Eight zeros, four times −∞, four times zero: the addend and the floors of results that have none of their own. */
const constants: usize = memory.data<f32>(
  [0, 0, 0, 0, 0, 0, 0, 0, -Infinity, -Infinity, -Infinity, -Infinity, 0, 0, 0, 0],
  16,
);
const NO_FLOOR: usize = constants + 32;
const RELU_FLOOR: usize = constants + 48;

// The product under way. A module variable is private to an instance, and an instance runs one kernel at a time.
let M: i32 = 0;
let N: i32 = 0;
let K: i32 = 0;
let a: usize = 0;
let b: usize = 0;
let c: usize = 0;
/** Row strides in bytes. */
let lda: usize = 0;
let ldb: usize = 0;
let ldc: usize = 0;
let transA: bool = false;
let transB: bool = false;
/** Bias (i, j) stands at bias + i · biasRow + j · biasColumn; without a bias this is a row of zeros. */
let bias: usize = 0;
let biasRow: usize = 0;
let biasColumn: usize = 0;
let beta: f32 = 0;
/** What the first block of k is added to, C or the bias: (i, j) stands at addend + i · addendRow + j · addendColumn. */
let addend: usize = 0;
let addendRow: usize = 0;
let addendColumn: usize = 0;
/** The lower bound of the final values, as an address (−∞ or 0). */
let lastFloor: usize = 0;

/**
 * C = act(beta · C + op(A) · op(B) + bias) for each item of a batch.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | C | M × N |
 * | 1, 2 | A, B | op(A) is M × K, op(B) is K × N |
 * | 3 | bias | N or M numbers, see biasMode; 0 if there is none |
 * | 4 | beta | float32; at 0, C is written without being read |
 * | 5, 6, 7 | M, N, K | |
 * | 8, 9, 10 | lda, ldb, ldc | row strides in elements; those of A and B may be 0 or negative |
 * | 11, 12 | transA, transB | 1: the memory holds A as K × M, B as N × K |
 * | 13 | batch | |
 * | 14, 15, 16 | strideA, strideB, strideC | elements from one item of the batch to the next; 0 repeats the operand |
 * | 17 | biasMode | 0 none, 1 a number per column (N), 2 a number per row (M) |
 * | 18 | activation | 0 none, 1 relu |
 *
 * Work: batch · (M ≥ N ? M : ceil(N / 16)), shares of rows or of strips of 16 columns of each item.
 * Scratch in bytes: 8704 + 4 · min(K, 256) · (min(N + 7, 1024) + min(M + 5, 120)), of which turbo/gemm.ts needs the last 512.
 */
export function gemm_f32(r: usize, begin: i32, end: i32): void {
  const rows = int(r, 5),
    columns = int(r, 6);
  const byRows = rows >= columns;
  const units = byRows ? rows : (columns + ITEM_COLUMNS - 1) / ITEM_COLUMNS;
  while (begin < end) {
    const item = begin / units,
      first = begin - item * units;
    const last = min(units, first + end - begin);
    const turned = prepare(r, item);
    if (turned) product(0, 1, first, last);
    else if (byRows) product(first, last, 0, columns);
    else product(0, rows, first * ITEM_COLUMNS, min(columns, last * ITEM_COLUMNS));
    begin += last - first;
  }
}

/**
 * Reads the record. A product with a single, contiguous column is turned into one with a single row,
 * Cᵀ = op(B)ᵀ · op(A)ᵀ: the same memory under other names. Returns whether it did.
 */
function prepare(r: usize, item: i32): bool {
  M = int(r, 5);
  N = int(r, 6);
  K = int(r, 7);
  c = pointer(r, 0) + bytes(item * int(r, 16));
  a = pointer(r, 1) + bytes(item * int(r, 14));
  b = pointer(r, 2) + bytes(item * int(r, 15));
  lda = bytes(int(r, 8));
  ldb = bytes(int(r, 9));
  ldc = bytes(int(r, 10));
  transA = int(r, 11) != 0;
  transB = int(r, 12) != 0;
  beta = float(r, 4);
  lastFloor = int(r, 18) == RELU ? RELU_FLOOR : NO_FLOOR;
  const biasMode = int(r, 17);
  bias = biasMode == NO_BIAS ? constants : pointer(r, 3);
  biasColumn = biasMode == BIAS_PER_COLUMN ? 4 : 0;
  biasRow = biasMode == BIAS_PER_ROW ? 4 : 0;

  const turned = M > 1 && N == 1 && int(r, 10) == 1;
  if (!turned) return false;
  const matrix = a,
    stride = lda,
    transposed = transA,
    perRow = biasRow;
  a = b;
  lda = ldb;
  transA = !transB;
  b = matrix;
  ldb = stride;
  transB = !transposed;
  biasRow = biasColumn;
  biasColumn = perRow;
  N = M;
  M = 1;
  return true;
}

/** Computes rows [i0, i1) and columns [j0, j1). The path depends on the whole product, never on this share of it. */
function product(i0: i32, i1: i32, j0: i32, j1: i32): void {
  if (beta != 0) {
    if (beta != 1 || bias != constants) rescale(i0, i1, j0, j1);
    addend = c;
    addendRow = ldc;
    addendColumn = 4;
  } else if (biasRow == 0) {
    addend = bias;
    addendRow = 0;
    addendColumn = biasColumn;
  } else {
    addendRow = TILE_STRIDE;
    addendColumn = 0;
  }
  if (transB && M <= DOT_ROWS && (M == 1 || !transA)) innerProducts(i0, i1, j0, j1);
  else if (byColumns()) columnProducts(i0, i1);
  else if (!transB && M <= STRIP_ROWS) rowsTimesMatrix(i0, i1, j0, j1);
  else blocked(i0, i1, j0, j1);
}

/** C = beta · C + bias, ahead of products that are then added to it. */
function rescale(i0: i32, i1: i32, j0: i32, j1: i32): void {
  for (let i = i0; i < i1; i++) {
    const row = c + <usize>i * ldc,
      biases = bias + <usize>i * biasRow;
    for (let j = j0; j < j1; j++) {
      const y = row + bytes(j);
      store<f32>(y, beta * load<f32>(y) + load<f32>(biases + <usize>j * biasColumn));
    }
  }
}

/** Lays out a bias per row for tiles: that of each row in [i0, i1) fills a row of TILE_STRIDE bytes. */
function splatRowBias(i0: i32, i1: i32): void {
  if (beta != 0 || biasRow == 0) return;
  const rows = scratch() + BIAS_ROWS;
  for (let i = i0; i < i1; i++) {
    const y = rows + <usize>(i - i0) * TILE_STRIDE,
      x = v128.load32_splat(bias + bytes(i));
    v128.store(y, x);
    v128.store(y, x, 16);
  }
  addend = rows - <usize>i0 * TILE_STRIDE;
}

/** Adds `rows` × `columns` sums, as a temporary tile, to what they belong to: the addend, or the blocks of k before. */
// @ts-ignore: decorator
@inline function place(tile: usize, i: i32, j: i32, rows: i32, columns: i32, first: bool, last: bool): void {
  const to = c + <usize>i * ldc + bytes(j);
  const floor = last ? lastFloor : NO_FLOOR;
  if (first) {
    placeTile(tile, rows, columns, to, ldc, addend + <usize>i * addendRow + <usize>j * addendColumn, addendRow, floor);
  } else {
    placeTile(tile, rows, columns, to, ldc, to, ldc, floor);
  }
}

/** The length of blocks of k: as many as needed and as equal as can be, in multiples of `unit`. */
// @ts-ignore: decorator
@inline function blockOf(longest: i32, unit: i32): i32 {
  const blocks = max(1, (K + longest - 1) / longest);
  return (((K + blocks - 1) / blocks + unit - 1) / unit) * unit;
}

/** A few rows times a transposed matrix. */
function innerProducts(i0: i32, i1: i32, j0: i32, j1: i32): void {
  const tile = scratch(),
    step = blockOf(BLOCK_DOT, 8);
  splatRowBias(i0, i1);
  let start = 0;
  do {
    const k = min(step, K - start),
      first = start == 0,
      last = start + k == K;
    let x = a + bytes(start),
      stride = lda;
    if (transA) {
      x = scratch() + VECTOR;
      gather(a + <usize>start * lda, lda, k, x);
    }
    for (let j = j0; j < j1; j += TILE_COLUMNS) {
      const count = min(TILE_COLUMNS, j1 - j),
        rows = b + <usize>j * ldb + bytes(start);
      let i = i0;
      for (; i + 2 <= i1; i += 2) {
        const pair = x + <usize>i * stride;
        dotsOfTwo(k, pair, pair + stride, rows, ldb, count, tile);
        place(tile, i, j, 2, count, first, last);
      }
      if (i < i1) {
        dotsOfOne(k, x + <usize>i * stride, rows, ldb, count, tile);
        place(tile, i, j, 1, count, first, last);
      }
    }
    start += k;
  } while (start < K);
}

/** Whether so few columns of B meet long rows of A that register tiles would stay half empty. */
// @ts-ignore: decorator
@inline function byColumns(): bool {
  const few = N <= DOT_COLUMNS ? N > 1 : N > TILE_COLUMNS && N <= TILE_COLUMNS + 2;
  return few && !transA && K >= DOT_LENGTH && M > TILE_COLUMNS + 2;
}

/** Many rows times a few columns, as inner products too: the rows of A where they lie, the columns in scratch. */
function columnProducts(i0: i32, i1: i32): void {
  const tile = scratch(),
    step = blockOf(BLOCK_GATHERED, 8);
  let start = 0;
  do {
    const k = min(step, K - start),
      first = start == 0,
      last = start + k == K;
    let x = b + bytes(start),
      stride = ldb;
    if (!transB) {
      x = tile + PANELS;
      stride = bytes(k);
      for (let j = 0; j < N; j++) gather(b + <usize>start * ldb + bytes(j), ldb, k, x + <usize>j * stride);
    }
    for (let i = i0; i < i1; i += TILE_COLUMNS) {
      const count = min(TILE_COLUMNS, i1 - i),
        rows = a + <usize>i * lda + bytes(start);
      for (let jc = 0; jc < N; jc += TILE_COLUMNS) {
        const columns = min(TILE_COLUMNS, N - jc);
        for (let j = 0; j < columns; j += 2) {
          const column = x + <usize>(jc + j) * stride;
          if (j + 1 < columns) dotsOfTwo(k, column, column + stride, rows, lda, count, tile);
          else dotsOfOne(k, column, rows, lda, count, tile);
          for (let p = 0; p < count; p++) {
            const to = tile + TURNED + <usize>p * TILE_STRIDE + bytes(j),
              sum = tile + bytes(p);
            store<f32>(to, load<f32>(sum));
            store<f32>(to, load<f32>(sum, TILE_STRIDE), 4);
          }
        }
        if (biasRow != 0 && beta == 0) splatRowBias(i, i + count);
        place(tile + TURNED, i, jc, count, columns, first, last);
      }
    }
    start += k;
  } while (start < K);
}

/** Copies k numbers, `stride` bytes apart, to a contiguous vector. */
function gather(from: usize, stride: usize, k: i32, to: usize): void {
  for (const end = to + bytes(k); to < end; to += 4) {
    store<f32>(to, load<f32>(from));
    from += stride;
  }
}

/**
 * A few rows times a matrix, in strips of columns whose sums stay in the first-level cache. The rows of B are taken a
 * few at a time, so that all rows of A meet them there.
 */
function rowsTimesMatrix(i0: i32, i1: i32, j0: i32, j1: i32): void {
  const sums = scratch() + VECTOR,
    step = blockOf(BLOCK_K, 4);
  const strideA = transA ? <usize>4 : lda,
    stepA = transA ? lda : <usize>4;
  const width = M == 1 ? STRIP_COLUMNS : STRIP_COLUMNS / STRIP_ROWS;
  splatRowBias(i0, i1);
  for (let jc = j0; jc < j1; jc += width) {
    const columns = min(width, j1 - jc);
    let start = 0;
    do {
      const k = min(step, K - start),
        first = start == 0,
        last = start + k == K;
      const used = sums + bytes((i1 - i0 - 1) * width + columns);
      for (let y = sums; y < used; y += 16) v128.store(y, f32x4.splat(0));
      for (let p = start; p < start + k; p += CHUNK_ROWS) {
        const count = min(CHUNK_ROWS, start + k - p),
          endB = b + <usize>(p + count) * ldb + bytes(jc);
        for (let i = i0; i < i1; i++) {
          const x = a + <usize>i * strideA + <usize>p * stepA;
          addRows(count, x, stepA, endB, ldb, columns, sums + bytes((i - i0) * width + columns));
        }
      }
      for (let i = i0; i < i1; i++) {
        for (let j = 0; j < columns; j += TILE_COLUMNS) {
          place(sums + bytes((i - i0) * width + j), i, jc + j, 1, min(TILE_COLUMNS, columns - j), first, last);
        }
      }
      start += k;
    } while (start < K);
  }
}

/** The general case: register tiles over blocks. */
function blocked(i0: i32, i1: i32, j0: i32, j1: i32): void {
  const step = blockOf(BLOCK_K, 1);
  for (let jc = j0; jc < j1; jc += BLOCK_COLUMNS) {
    const columns = min(BLOCK_COLUMNS, j1 - jc);
    let start = 0;
    do {
      const k = min(step, K - start);
      const packed = packsB(i1 - i0, k);
      for (let ic = i0; ic < i1; ic += BLOCK_ROWS) {
        const rows = min(BLOCK_ROWS, i1 - ic);
        if (start == 0) splatRowBias(ic, ic + rows);
        block(ic, rows, jc, columns, start, k, packed, ic == i0);
      }
      start += k;
    } while (start < K);
  }
}

/**
 * Whether B is worth packing: always if transposed, else if it is used often. Read in place with a long row stride, its
 * rows fall on few sets of the cache and push each other out.
 */
// @ts-ignore: decorator
@inline function packsB(rows: i32, k: i32): bool {
  const often = ldb <= SHORT_STRIDE ? SHORT_DIRECT_ROWS : DIRECT_ROWS;
  return transB || (rows > often && <usize>k * ldb > DIRECT_BYTES);
}

/** Packs columns j, of `columns` from j0 on, of k rows of B into a panel of TILE_COLUMNS, or 16 of them into two. */
function packB(j0: i32, j: i32, columns: i32, start: i32, k: i32, panel: usize): void {
  const count = min(TILE_COLUMNS, columns - j);
  if (transB) {
    packRows(b + <usize>(j0 + j) * ldb + bytes(start), ldb, count, TILE_COLUMNS, k, panel);
    return;
  }
  const from = b + <usize>start * ldb + bytes(j0 + j);
  if ((j & 8) == 0 && j + 16 <= columns) packColumnPair(from, ldb, k, panel);
  else if ((j & 8) == 0 || count < TILE_COLUMNS) packColumns(from, ldb, count, TILE_COLUMNS, k, panel);
}

/** Packs rows [i0, i0 + rows) of k columns of A into panels: TILE_ROWS high below row `tall`, LOW_ROWS above. */
function packA(i0: i32, rows: i32, tall: i32, start: i32, k: i32, panels: usize): void {
  for (let i = 0, height = 0; i < rows; i += height) {
    height = i < tall ? TILE_ROWS : LOW_ROWS;
    const count = min(height, rows - i),
      panel = panels + bytes(i * k);
    if (transA) packColumns(a + <usize>start * lda + bytes(i0 + i), lda, count, height, k, panel);
    else packRows(a + <usize>(i0 + i) * lda + bytes(start), lda, count, height, k, panel);
  }
}

/** Rows to cut into tiles of TILE_ROWS, the rest being cut into LOW_ROWS, so that few rows are computed in vain. */
function tallRows(rows: i32): i32 {
  let best = 0,
    least = i32.MAX_VALUE;
  for (let low = 0; low < TILE_ROWS; low++) {
    const tall = ((max(0, rows - low * LOW_ROWS) + TILE_ROWS - 1) / TILE_ROWS) * TILE_ROWS;
    const computed = tall + low * LOW_ROWS;
    if (computed < least) {
      best = tall;
      least = computed;
    }
  }
  return best;
}

/**
 * Adds the products of one block of k to rows [i0, i0 + rows) and columns [j0, j0 + columns) of C. A panel of B is packed,
 * where B is and is not yet, right before its first use: the tiles find it in the first-level cache.
 */
function block(i0: i32, rows: i32, j0: i32, columns: i32, start: i32, k: i32, packedB: bool, fresh: bool): void {
  const first = start == 0,
    last = start + k == K;
  const tile = scratch(),
    panelsB = tile + PANELS;
  const panelsA = panelsB + <usize>k * (packedB ? bytes((columns + TILE_COLUMNS - 1) & -TILE_COLUMNS) : TILE_STRIDE);
  const fromB = b + <usize>start * ldb + bytes(j0);
  const tall = tallRows(rows),
    strideA = lda,
    strideC = ldc;

  // Unpacked, a partial tile reads backwards from its end instead of beyond it, over what another tile computes too.
  const separate = !transA && readsA(columns);
  const inPlace = separate || (transA && readsA(columns) && <isize>lda > 0 && i0 + rows >= TILE_ROWS);
  const fromA = a + (transA ? <usize>start * lda + bytes(i0) : <usize>i0 * lda + bytes(start));
  if (!inPlace) packA(i0, rows, tall, start, k, panelsA);

  const floor = last ? lastFloor : NO_FLOOR;
  const raw = first && addend == constants && floor == NO_FLOOR;
  const strideD: usize = raw ? 0 : first ? addendRow : ldc;
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const width = min(TILE_COLUMNS, columns - j);
    let left = 0,
      stepB = TILE_STRIDE,
      pb = panelsB;
    if (packedB) {
      pb += bytes(j * k);
      if (fresh) packB(j0, j, columns, start, k, pb);
    } else if (j0 + j + width < TILE_COLUMNS) {
      packColumns(fromB, ldb, width, TILE_COLUMNS, k, pb);
    } else {
      left = TILE_COLUMNS - width;
      stepB = ldb;
      pb = fromB + bytes(j - left);
    }
    pb += <usize>k * stepB;
    for (let i = 0, height = 0; i < rows; i += height) {
      height = i < tall ? TILE_ROWS : LOW_ROWS;
      const count = min(height, rows - i);
      const above = inPlace && !separate ? height - count : 0;
      const stepA = inPlace ? strideA : bytes(height);
      const pa = separate
        ? fromA + <usize>i * strideA + bytes(k)
        : (inPlace ? fromA + bytes(i - above) : panelsA + bytes(i * k)) + <usize>k * stepA;
      const to = c + <usize>(i0 + i) * strideC + bytes(j0 + j);
      const d: usize = raw ? 0 : first ? addend + <usize>(i0 + i) * addendRow + <usize>(j0 + j) * addendColumn : to;
      if (count == height && width == TILE_COLUMNS) {
        multiply(separate, height, k, pa, stepA, count, pb, stepB, to, strideC, d, strideD, floor);
      } else {
        multiply(separate, height, k, pa, stepA, count, pb, stepB, tile, TILE_STRIDE, 0, 0, 0);
        const sums = tile + <usize>above * TILE_STRIDE + bytes(left);
        if (raw) placeTile(sums, count, width, to, strideC, constants, 0, floor);
        else placeTile(sums, count, width, to, strideC, d, strideD, floor);
      }
    }
  }
}

/** Whether A is read where it lies: with few columns, packing it costs more than it saves. */
// @ts-ignore: decorator
@inline function readsA(columns: i32): bool {
  return columns <= (transA ? TURNED_DIRECT_COLUMNS : DIRECT_COLUMNS);
}

/** One tile. Inlined in two places, so that each micro-kernel has two callers and stays a function of its own. */
// @ts-ignore: decorator
@inline function multiply(
  separate: bool,
  height: i32,
  k: i32,
  endA: usize,
  stepA: usize,
  rows: i32,
  endB: usize,
  stepB: usize,
  to: usize,
  stride: usize,
  d: usize,
  strideD: usize,
  floor: usize,
): void {
  if (separate) {
    if (height == TILE_ROWS) tileOfRows(k, endA, stepA, rows, endB, stepB, to, stride, d, strideD, floor);
    else lowTileOfRows(k, endA, stepA, rows, endB, stepB, to, stride, d, strideD, floor);
  } else {
    if (height == TILE_ROWS) tileOfColumns(k, endA, stepA, endB, stepB, to, stride, d, strideD, floor);
    else lowTileOfColumns(k, endA, stepA, endB, stepB, to, stride, d, strideD, floor);
  }
}
