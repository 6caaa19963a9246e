/**
 * Products with int8 weights, exact in int32.
 *
 *       left operand, packed as it is read:               weights, packed once for as long as they last:
 *       int16, [pair of k][rows of a tile][2]             int8, [panel of 8 columns][pair of k][8][2]
 *       ┌ a00 a01 │ a10 a11 │ … │ a40 a41 ┐               ┌ w00 w10 │ w01 w11 │ … │ w07 w17 ┐
 *       └ a02 a03 │ …                     ┘ …             └ w20 w30 │ …                     ┘ …
 *
 * What is packed is q − zeroPoint, which int16 holds, so the zero point needs no correction afterwards. The weights stay
 * int8 and are widened as they are loaded: they take a quarter of the memory of float32, and a product with a single row,
 * bound by bandwidth, reads no more than that.
 */
import { largest } from './fakequantize';
import { float, int, pointer, scratch } from './launch';
import { FROM_F32, FROM_I8, packTile } from './qpanel';
import { LOW_ROWS, lowTile, PANEL_STEP, rowTile, TALL_ROWS, TILE_COLUMNS, TILE_STRIDE, tallTile } from './qtile';
import { writeMap } from './quantize';
import { bytes } from './simd';

/** Columns in one item of work: two panels. */
const ITEM_COLUMNS: i32 = 16;
/** Most rows packed at a time, a multiple of 5 and of 4, and the bytes their panels may fill if k is long. */
const BLOCK_ROWS: i32 = 120;
const BLOCK_BYTES: i32 = 131072;
const RELU: i32 = 1;

/** Scratch: a tile, factors and biases of a panel, the map of the input, the panels. */
const FACTORS: usize = 192;
const BIASES: usize = 224;
const MAP: usize = 256;
const PANELS: usize = 320;

/** What multiplies the scale of every channel: the scale of A as it is quantized. */
let inputScale: f32 = 1;

/**
 * C = A · Bᵀ in int32, exact modulo 2³².
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | C | int32, M × N |
 * | 1 | A | int8, M × K; `qgemm_f32`: float32 |
 * | 2 | B | int8, N × K in panels as drawn above, an even number of them, with zeros where N or K ends |
 * | 3 | scale | float32, N. Read by `qgemm_f32`, as are the next |
 * | 4 | bias | float32, N; 0 if there is none |
 * | 5, 6 | inverseScale, factor | float32: 1 / scale of A as it is quantized; the number that multiplies every scale |
 * | 7, 8, 9 | M, N, K | |
 * | 10, 11 | zeroPoint, activation | of A; 0 none, 1 relu |
 *
 * Work: M ≥ N ? M : ceil(N / 16), shares of rows or of strips of 16 columns.
 * Scratch in bytes: 320 + 4 · P · min(M + 4, R), where P = max(1, ceil(K / 2)) and R = max(5, min(120, floor(32768 / P))).
 */
export function qgemm_i32(r: usize, begin: i32, end: i32): void {
  run(FROM_I8, r, begin, end);
}

/**
 * y = act(f32((quantize(A) − zeroPoint) · Bᵀ) · (scale · factor) + bias) in float32, each operation rounded by itself, so that
 * every binary gives the same bits. Slots, work and scratch as for `qgemm_i32`.
 */
export function qgemm_f32(r: usize, begin: i32, end: i32): void {
  inputScale = float(r, 6);
  writeMap(scratch() + MAP, float(r, 5), int(r, 10));
  run(FROM_F32, r, begin, end);
}

/**
 * The same, mapping the range of all of A, widened to hold 0, onto −128 … 127. Slots 5, 6 and 10 are not read. A range of zeros
 * alone has the scale 1, as has one that is not finite, whose numbers are clamped.
 */
export function qgemm_dynamic_f32(r: usize, begin: i32, end: i32): void {
  let low = f32x4.splat(0),
    high = f32x4.splat(0);
  const from = pointer(r, 1),
    count = int(r, 7) * int(r, 9);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const x = v128.load(from + bytes(i));
    low = f32x4.pmin(low, x);
    high = f32x4.pmax(high, x);
  }
  for (; i < count; i++) {
    const x = v128.load32_splat(from + bytes(i));
    low = f32x4.pmin(low, x);
    high = f32x4.pmax(high, x);
  }
  const least = -largest(f32x4.neg(low)),
    most = largest(high),
    span = most - least;
  let zeroPoint = 0;
  inputScale = 1;
  if (span > 0 && span < Infinity) {
    inputScale = max<f32>(span / 255, 1.1754943508222875e-38);
    zeroPoint = max(-128, min(127, -128 - <i32>nearest<f32>(least / inputScale)));
  }
  writeMap(scratch() + MAP, 1 / inputScale, zeroPoint);
  run(FROM_F32, r, begin, end);
}

function run(source: i32, r: usize, begin: i32, end: i32): void {
  const M = int(r, 7),
    N = int(r, 8);
  if (M >= N) product(source, r, begin, end, 0, N);
  else product(source, r, 0, M, begin * ITEM_COLUMNS, min(N, end * ITEM_COLUMNS));
}

/** Rows [i0, i1) and columns [j0, j1). k is not cut: the sums of a tile are complete when it meets its channels. */
function product(source: i32, r: usize, i0: i32, i1: i32, j0: i32, j1: i32): void {
  const K = int(r, 9),
    pairs = (K + 1) / 2,
    stride = source == FROM_F32 ? bytes(K) : <usize>K;
  const panels = scratch() + PANELS,
    most = max(TALL_ROWS, min(BLOCK_ROWS, BLOCK_BYTES / 4 / max(1, pairs)));
  for (let ic = i0; ic < i1; ) {
    const rows = min(i1 - ic, most),
      tall = tallRows(rows),
      from = pointer(r, 1) + <usize>ic * stride;
    if (rows == 1) packTile(source, from, stride, 1, 1, K, scratch() + MAP, panels);
    else {
      for (let i = 0, height = 0; i < rows; i += height) {
        height = i < tall ? TALL_ROWS : LOW_ROWS;
        const x = from + <usize>i * stride,
          count = min(height, rows - i);
        packTile(source, x, stride, count, height, K, scratch() + MAP, panels + bytes(i * pairs));
      }
    }
    block(source, r, ic, rows, tall, j0, j1, pairs, panels);
    ic += rows;
  }
}

/** Rows to cut into tall tiles, the rest being cut into low ones, so that few rows are computed in vain. */
function tallRows(rows: i32): i32 {
  let best = 0,
    least = i32.MAX_VALUE;
  for (let low = 0; low < TALL_ROWS; low++) {
    const tall = ((max(0, rows - low * LOW_ROWS) + TALL_ROWS - 1) / TALL_ROWS) * TALL_ROWS;
    if (tall + low * LOW_ROWS < least) {
      best = tall;
      least = tall + low * LOW_ROWS;
    }
  }
  return best;
}

/** The tiles of packed rows. */
function block(
  source: i32,
  r: usize,
  i0: i32,
  rows: i32,
  tall: i32,
  j0: i32,
  j1: i32,
  pairs: i32,
  panels: usize,
): void {
  const to = pointer(r, 0) + bytes(i0 * int(r, 8)),
    whole = j0 + ((j1 - j0) & -TILE_COLUMNS);
  if (rows == 1) {
    row(source, r, to, j0, j1, pairs, panels);
    return;
  }
  for (let j = j0; j < whole; j += TILE_COLUMNS) {
    column(source, r, to + bytes(j), rows, tall, j, TILE_COLUMNS, pairs, panels);
  }
  if (whole < j1) column(source, r, to + bytes(whole), rows, tall, whole, j1 - whole, pairs, panels);
}

/**
 * The tiles of one panel of weights. Inlined in two places, so that each loop of qtile.ts has two callers and stays a
 * function of its own: inlined into the loops here, it would spill.
 */
// @ts-ignore: decorator
@inline function column(
  source: i32,
  r: usize,
  to: usize,
  rows: i32,
  tall: i32,
  j: i32,
  width: i32,
  pairs: i32,
  panels: usize,
): void {
  const tile = scratch(),
    stride = bytes(int(r, 8)),
    b = pointer(r, 2) + <usize>((j / TILE_COLUMNS) * pairs) * PANEL_STEP;
  if (source == FROM_F32) readChannels(r, j, width);
  for (let i = 0, height = 0; i < rows; i += height) {
    height = i < tall ? TALL_ROWS : LOW_ROWS;
    const a = panels + bytes(i * pairs);
    if (height == TALL_ROWS) tallTile(pairs, a, b, tile);
    else lowTile(pairs, a, b, tile);
    place(source, r, tile, to + <usize>i * stride, min(height, rows - i), width);
  }
}

/** A single row by two panels at a time. A share of columns begins at an even panel, and panels come in twos. */
function row(source: i32, r: usize, to: usize, j0: i32, j1: i32, pairs: i32, panels: usize): void {
  const tile = scratch();
  for (let j = j0; j < j1; j += TILE_COLUMNS) {
    const width = min(TILE_COLUMNS, j1 - j),
      odd = (j / TILE_COLUMNS) & 1;
    if (!odd) rowTile(pairs, panels, pointer(r, 2) + <usize>((j / TILE_COLUMNS) * pairs) * PANEL_STEP, tile);
    if (source == FROM_F32) readChannels(r, j, width);
    place(source, r, odd ? tile + TILE_STRIDE : tile, to + bytes(j), 1, width);
  }
}

/** Lays out the factors and biases of up to eight columns. What is missing to eight is the last one repeated. */
function readChannels(r: usize, first: i32, count: i32): void {
  const factors = scratch() + FACTORS,
    biases = scratch() + BIASES;
  for (let lane = 0; lane < TILE_COLUMNS; lane++) {
    const channel = bytes(first + min(lane, count - 1)),
      at = bytes(lane);
    store<f32>(factors + at, load<f32>(pointer(r, 3) + channel) * inputScale);
    store<f32>(biases + at, pointer(r, 4) ? load<f32>(pointer(r, 4) + channel) : 0);
  }
}

/** Takes the sums of a tile to C. What exists of a row that is not whole is stored number by number. */
function place(source: i32, r: usize, tile: usize, to: usize, rows: i32, columns: i32): void {
  const stride = bytes(int(r, 8)),
    whole = columns == TILE_COLUMNS;
  if (source == FROM_F32) {
    const factors = scratch() + FACTORS,
      biases = scratch() + BIASES;
    const f0 = v128.load(factors),
      f1 = v128.load(factors, 16),
      b0 = v128.load(biases),
      b1 = v128.load(biases, 16);
    const floor = f32x4.splat(int(r, 11) == RELU ? 0 : -Infinity);
    for (let row = 0; row < rows; row++) {
      const y = tile + <usize>row * TILE_STRIDE,
        at = whole ? to + <usize>row * stride : y;
      const y0 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(v128.load(y)), f0), b0);
      const y1 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(v128.load(y, 16)), f1), b1);
      v128.store(at, f32x4.pmax(y0, floor));
      v128.store(at, f32x4.pmax(y1, floor), 16);
    }
    if (whole) return;
  }
  for (let row = 0; row < rows; row++) {
    const from = tile + <usize>row * TILE_STRIDE,
      at = to + <usize>row * stride;
    if (whole) {
      v128.store(at, v128.load(from));
      v128.store(at, v128.load(from, 16), 16);
    } else {
      for (let column = 0; column < columns; column++) {
        store<i32>(at + bytes(column), load<i32>(from + bytes(column)));
      }
    }
  }
}
