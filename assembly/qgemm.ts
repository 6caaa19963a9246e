/**
 * Products of int8 matrices, exact in int32, and the way between float32 and int8.
 *
 * Neighbours in k are packed together, because i32x4.dot_i16x8_s multiplies pairs and adds them up:
 *
 *       panel of B, int8, [k pair][8 columns][2]          panel of A, int16, [k pair][4 rows][2]
 *       ┌ b00 b10 │ b01 b11 │ … │ b07 b17 ┐               ┌ a00 a01 │ a10 a11 │ a20 a21 │ a30 a31 ┐
 *       └ b20 b30 │ b21 b31 │ … │ b27 b37 ┘ …             └ a02 a03 │ …                           ┘ …
 *
 * B stays int8 in its panel and is widened as it is loaded: packed weights take the memory of the weights, and a product
 * with a single row, bound by bandwidth, reads no more than that. The layout is a private matter between
 * `packPanel` and the tiles, so a kernel for another dot instruction brings its own pair of both.
 */
import { float, int, pointer, scratch } from './launch';
import { PANEL_STEP, packPanel, packTileRows, TILE_COLUMNS, TILE_ROWS } from './qpanel';
import { rounded } from './quantize';
import { bytes } from './simd';

/** Bytes of a row of a finished tile. */
const TILE_STRIDE: usize = 32;
/** Columns in one item of work. */
const ITEM_COLUMNS: i32 = 16;
/** Most rows of A and columns of B packed at a time, and the bytes their panels may fill if k is long. */
const BLOCK_ROWS: i32 = 120;
const BLOCK_COLUMNS: i32 = 1024;
const BLOCK_ROWS_BYTES: i32 = 131072;
const BLOCK_COLUMNS_BYTES: i32 = 262144;

const NO_CHANNELS: i32 = 0;
const CHANNEL_PER_ROW: i32 = 2;
const RELU: i32 = 1;

/** Factor, bias and correction of a channel, each eight times or for eight columns. */
const CHANNEL_BYTES: usize = 96;
/** Scratch: a tile, the bounds of the results, the channels of a panel, those of a block of rows, the panels. */
const BOUNDS: usize = 128;
const CHANNELS: usize = 192;
const ROW_CHANNELS: usize = 320;
const PANELS: usize = 12288;

/** What becomes of a finished tile. */
const TO_I32: i32 = 0;
const TO_F32: i32 = 1;
const TO_I8: i32 = 2;

// The product under way. A module variable is private to an instance, and an instance runs one kernel at a time.
let record: usize = 0;
let pairs: i32 = 0;
let a: usize = 0;
let b: usize = 0;
let c: usize = 0;
let perRow: bool = false;

/**
 * C = A · Bᵀ − zeroPoint · sums, exact in int32 (modulo 2³²), for each item of a batch.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | C | M × N: int32, float32 or int8, as the kernel's name says |
 * | 1 | A | int8, M × K |
 * | 2 | B | int8, N × K, the layout of a linear layer's weights; or what `qpack_i8` made of it |
 * | 3 | scale | float32 per channel; 0: all ones. Read by `qgemm_f32` and `qgemm_i8` |
 * | 4 | bias | float32 per channel; 0: none. Read by `qgemm_f32` and `qgemm_i8` |
 * | 5 | sums | int32 per channel, the sum of its weights (`qpack_i8` writes them); 0: no correction |
 * | 6 | factor | float32, multiplies every scale |
 * | 7, 8, 9 | M, N, K | |
 * | 10, 11, 12 | lda, ldb, ldc | row strides in elements |
 * | 13 | batch | |
 * | 14, 15, 16 | strideA, strideB, strideC | elements (of a packed B: bytes) from one item to the next; 0 repeats it |
 * | 17 | packed | 1: B comes from `qpack_i8`, ldb is not read |
 * | 18 | channelMode | 0: none, slots 3 to 5 are not read; 1: per column, B holds the weights; 2: per row, A does |
 * | 19 | zeroPoint | of the operand that is not the weights: its real values are scale · (q − zeroPoint) |
 * | 20 | activation | 0 none, 1 relu. Read by `qgemm_f32` and `qgemm_i8` |
 * | 21, 22, 23 | outputZeroPoint, outputMin, outputMax | read by `qgemm_i8` |
 *
 * Work: batch · (M ≥ N ? M : ceil(N / 16)), shares of rows or of strips of 16 columns of each item.
 * Scratch in bytes: 12288 + 4 · P · min(M + 3, R) + (packed ? 0 : 2 · P · min(N + 7, S)), where P = max(1, ceil(K / 2)),
 * R = max(4, min(120, 32768 / P rounded down to a multiple of 4)) and
 * S = max(8, min(1024, 131072 / P rounded down to a multiple of 8)).
 */
export function qgemm_i32(r: usize, begin: i32, end: i32): void {
  run(TO_I32, r, begin, end);
}

/**
 * y = act(f32(A · Bᵀ − zeroPoint · sums) · (scale · factor) + bias) in float32, each operation rounded by itself, so
 * that every binary gives the same bits. With scale the weights' and factor the activations' scale, y is the real
 * product. Slots, work and scratch as for `qgemm_i32`.
 */
export function qgemm_f32(r: usize, begin: i32, end: i32): void {
  run(TO_F32, r, begin, end);
}

/**
 * The y of `qgemm_f32`, quantized: clamp(roundHalfEven(y) + outputZeroPoint, outputMin, outputMax) in int8, where a NaN
 * becomes outputZeroPoint, which must lie between the bounds. Factor and bias must already be divided by the output's
 * scale. Slots, work and scratch as for `qgemm_i32`.
 */
export function qgemm_i8(r: usize, begin: i32, end: i32): void {
  run(TO_I8, r, begin, end);
}

function run(result: i32, r: usize, begin: i32, end: i32): void {
  const M = int(r, 7),
    N = int(r, 8);
  const byRows = M >= N;
  const units = byRows ? M : (N + ITEM_COLUMNS - 1) / ITEM_COLUMNS;
  record = r;
  pairs = (int(r, 9) + 1) / 2;
  perRow = int(r, 18) == CHANNEL_PER_ROW;
  writeBounds(r);
  while (begin < end) {
    const item = begin / units,
      first = begin - item * units;
    const last = min(units, first + end - begin);
    const offset = item * int(r, 16);
    a = pointer(r, 1) + <usize>(item * int(r, 14));
    b = pointer(r, 2) + <usize>(item * int(r, 15));
    c = pointer(r, 0) + (result == TO_I8 ? <usize>offset : bytes(offset));
    if (byRows) product(result, first, last, 0, N);
    else product(result, 0, M, first * ITEM_COLUMNS, min(N, last * ITEM_COLUMNS));
    begin += last - first;
  }
}

/** Rows [i0, i1) and columns [j0, j1). k is not cut: the sums of a tile are complete when it meets its channels. */
function product(result: i32, i0: i32, i1: i32, j0: i32, j1: i32): void {
  const r = record,
    packed = int(r, 17) != 0;
  const fit = max(1, pairs);
  const blockRows = max(TILE_ROWS, min(BLOCK_ROWS, (BLOCK_ROWS_BYTES / 4 / fit) & -TILE_ROWS));
  const most = max(TILE_COLUMNS, min(BLOCK_COLUMNS, (BLOCK_COLUMNS_BYTES / 2 / fit) & -TILE_COLUMNS));
  const blockColumns = packed ? j1 - j0 : most;
  const panelsA = scratch() + PANELS,
    panelsB = panelsA + bytes(min((i1 - i0 + 3) & -TILE_ROWS, blockRows) * pairs);
  const panel = <usize>pairs * PANEL_STEP;
  for (let jc = j0; jc < j1; jc += blockColumns) {
    const columns = min(blockColumns, j1 - jc);
    let fromB = b + <usize>(jc / TILE_COLUMNS) * panel;
    if (!packed) {
      fromB = panelsB;
      for (let j = 0; j < columns; j += TILE_COLUMNS) {
        const rows = b + <usize>(jc + j) * <usize>int(r, 11);
        const to = fromB + <usize>(j / TILE_COLUMNS) * panel;
        packPanel(rows, int(r, 11), min(TILE_COLUMNS, columns - j), int(r, 9), to);
      }
    }
    for (let ic = i0; ic < i1; ic += blockRows) {
      block(result, ic, min(blockRows, i1 - ic), jc, columns, panelsA, fromB);
    }
  }
}

/** Packs a block of rows of A and computes its tiles. */
function block(result: i32, i0: i32, rows: i32, j0: i32, columns: i32, panelsA: usize, panelsB: usize): void {
  const tile = scratch(),
    lda = int(record, 10),
    K = int(record, 9);
  const channels = tile + (perRow ? ROW_CHANNELS : CHANNELS),
    channelStep: usize = perRow ? CHANNEL_BYTES : 0;
  for (let i = 0; i < rows; i += TILE_ROWS) {
    packTileRows(a + <usize>(i0 + i) * <usize>lda, lda, min(TILE_ROWS, rows - i), K, panelsA + bytes(i * pairs));
  }
  if (perRow) {
    for (let i = 0; i < rows; i++) readChannels(i0 + i, 1, channels + <usize>i * CHANNEL_BYTES);
  }
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const width = min(TILE_COLUMNS, columns - j),
      pb = panelsB + <usize>((j / TILE_COLUMNS) * pairs) * PANEL_STEP;
    if (!perRow) readChannels(j0 + j, width, channels);
    for (let i = 0; i < rows; i += TILE_ROWS) {
      const count = min(TILE_ROWS, rows - i),
        pa = panelsA + bytes(i * pairs);
      if (count == 1) rowTile(pairs, pa, pb, tile);
      else fullTile(pairs, pa, pb, tile);
      place(result, tile, i0 + i, j0 + j, count, width, channels + <usize>i * channelStep, channelStep);
    }
  }
}

/** Sums of four rows and eight columns, into rows of TILE_STRIDE bytes. */
function fullTile(pairs: i32, a: usize, b: usize, tile: usize): void {
  let c00 = i32x4.splat(0),
    c01 = i32x4.splat(0),
    c10 = i32x4.splat(0),
    c11 = i32x4.splat(0);
  let c20 = i32x4.splat(0),
    c21 = i32x4.splat(0),
    c30 = i32x4.splat(0),
    c31 = i32x4.splat(0);
  const end = b + <usize>pairs * PANEL_STEP;
  while (b < end) {
    const b0 = v128.load_ext<i8>(b),
      b1 = v128.load_ext<i8>(b, 8);
    const a0 = v128.load32_splat(a);
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(a0, b0));
    c01 = i32x4.add(c01, i32x4.dot_i16x8_s(a0, b1));
    const a1 = v128.load32_splat(a, 4);
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(a1, b0));
    c11 = i32x4.add(c11, i32x4.dot_i16x8_s(a1, b1));
    const a2 = v128.load32_splat(a, 8);
    c20 = i32x4.add(c20, i32x4.dot_i16x8_s(a2, b0));
    c21 = i32x4.add(c21, i32x4.dot_i16x8_s(a2, b1));
    const a3 = v128.load32_splat(a, 12);
    c30 = i32x4.add(c30, i32x4.dot_i16x8_s(a3, b0));
    c31 = i32x4.add(c31, i32x4.dot_i16x8_s(a3, b1));
    a += 16;
    b += PANEL_STEP;
  }
  v128.store(tile, c00);
  v128.store(tile, c01, 16);
  v128.store(tile, c10, 32);
  v128.store(tile, c11, 48);
  v128.store(tile, c20, 64);
  v128.store(tile, c21, 80);
  v128.store(tile, c30, 96);
  v128.store(tile, c31, 112);
}

/** Sums of a single row, whose pairs stand one behind another. */
function rowTile(pairs: i32, a: usize, b: usize, tile: usize): void {
  let c0 = i32x4.splat(0),
    c1 = i32x4.splat(0);
  const end = b + <usize>pairs * PANEL_STEP;
  while (b < end) {
    const pair = v128.load32_splat(a);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(pair, v128.load_ext<i8>(b)));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(pair, v128.load_ext<i8>(b, 8)));
    a += 4;
    b += PANEL_STEP;
  }
  v128.store(tile, c0);
  v128.store(tile, c1, 16);
}

/**
 * Lays out the channels [first, first + count), count ≤ 8, as [factor × 8][bias × 8][correction × 8]. What is missing to
 * eight is the last channel repeated.
 */
function readChannels(first: i32, count: i32, to: usize): void {
  const r = record,
    none = int(r, 18) == NO_CHANNELS;
  const scales: usize = none ? 0 : pointer(r, 3);
  const biases: usize = none ? 0 : pointer(r, 4);
  const sums: usize = none ? 0 : pointer(r, 5);
  const factor = float(r, 6),
    zeroPoint = int(r, 19);
  for (let lane = 0; lane < TILE_COLUMNS; lane++) {
    const channel = bytes(first + min(lane, count - 1)),
      at = to + bytes(lane);
    store<f32>(at, scales ? load<f32>(scales + channel) * factor : factor);
    store<f32>(at, biases ? load<f32>(biases + channel) : 0, 32);
    store<i32>(at, sums ? zeroPoint * load<i32>(sums + channel) : 0, 64);
  }
}

/** The floor of an activation, and low bound, high bound and zero point of an int8 result: each four times. */
function writeBounds(r: usize): void {
  const bounds = scratch() + BOUNDS,
    zeroPoint = int(r, 21);
  v128.store(bounds, f32x4.splat(int(r, 20) == RELU ? 0 : -Infinity));
  v128.store(bounds, f32x4.splat(<f32>(int(r, 22) - zeroPoint)), 16);
  v128.store(bounds, f32x4.splat(<f32>(int(r, 23) - zeroPoint)), 32);
  v128.store(bounds, i32x4.splat(zeroPoint), 48);
}

/** Takes a finished tile through its channels to C. */
function place(
  result: i32,
  tile: usize,
  i: i32,
  j: i32,
  rows: i32,
  columns: i32,
  channels: usize,
  channelStep: usize,
): void {
  const size: usize = result == TO_I8 ? 1 : 4,
    stride = <usize>int(record, 12) * size,
    bounds = scratch() + BOUNDS;
  let to = c + <usize>i * stride + <usize>j * size;
  for (let row = 0; row < rows; row++) {
    // A partial row is finished where it stands in the tile, whole, and what exists of it is copied.
    const at = columns == TILE_COLUMNS ? to : tile;
    const left = i32x4.sub(v128.load(tile), v128.load(channels, 64));
    const right = i32x4.sub(v128.load(tile, 16), v128.load(channels, 80));
    if (result == TO_I32) {
      v128.store(at, left);
      v128.store(at, right, 16);
    } else {
      const floor = v128.load(bounds);
      const y0 = f32x4.pmax(scaled(left, channels), floor),
        y1 = f32x4.pmax(scaled(right, channels + 16), floor);
      if (result == TO_F32) {
        v128.store(at, y0);
        v128.store(at, y1, 16);
      } else {
        const low = v128.load(bounds, 16),
          high = v128.load(bounds, 32),
          shift = v128.load(bounds, 48);
        const q = i16x8.narrow_i32x4_s(rounded(y0, low, high, shift), rounded(y1, low, high, shift));
        v128.store64_lane(at, i8x16.narrow_i16x8_s(q, q), 0);
      }
    }
    if (at != to) copy(at, to, <usize>columns * size);
    tile += TILE_STRIDE;
    channels += channelStep;
    to += stride;
  }
}

/** A few bytes, for which a loop is faster than a call of memory.copy. */
// @ts-ignore: decorator
@inline function copy(from: usize, to: usize, count: usize): void {
  for (let at: usize = 0; at < count; at++) store<u8>(to + at, load<u8>(from + at));
}

/** f32(sums) · factor + bias. Two roundings in every binary. */
// @ts-ignore: decorator
@inline function scaled(sums: v128, channels: usize): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sums), v128.load(channels)), v128.load(channels, 32));
}
