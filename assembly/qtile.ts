/**
 * The innermost loops of int8 products: a register tile of exact int32 sums.
 *
 * i32x4.dot_i16x8_s multiplies pairs of int16 and adds each pair up, so neighbours in k stand together: a word of 4 bytes
 * holds two of them. Ten accumulators, two vectors of the right operand, a splat and a product under way fill the
 * registers that V8 hands out. As in microkernel.ts, one step of k per turn and nothing but stores behind the loop keep its
 * scheduler from spilling.
 */

/** Rows of a tile, and of the lower one that completes a block: 5 and 4 add up to nearly any number. */
export const TALL_ROWS: i32 = 5;
export const LOW_ROWS: i32 = 4;
export const TILE_COLUMNS: i32 = 8;
/** Bytes of a row of a stored tile. */
export const TILE_STRIDE: usize = 32;
/** Bytes of a panel of weights for each pair of k: eight columns of two int8. */
export const PANEL_STEP: usize = 16;

/** c + a · b, pair by pair. */
// @ts-ignore: decorator
@inline function dot(c: v128, a: v128, b: v128): v128 {
  return i32x4.add(c, i32x4.dot_i16x8_s(a, b));
}

// @ts-ignore: decorator
@inline function keep(to: usize, left: v128, right: v128): void {
  v128.store(to, left);
  v128.store(to, right, 16);
}

/** Five rows, [pair][5 rows][2] in int16, by a panel of weights, [pair][8 columns][2] in int8. */
export function tallTile(pairs: i32, a: usize, b: usize, tile: usize): void {
  let c00 = i32x4.splat(0),
    c01 = i32x4.splat(0),
    c10 = i32x4.splat(0),
    c11 = i32x4.splat(0),
    c20 = i32x4.splat(0);
  let c21 = i32x4.splat(0),
    c30 = i32x4.splat(0),
    c31 = i32x4.splat(0),
    c40 = i32x4.splat(0),
    c41 = i32x4.splat(0);
  const end = b + <usize>pairs * PANEL_STEP;
  while (b < end) {
    const b0 = v128.load_ext<i8>(b),
      b1 = v128.load_ext<i8>(b, 8);
    const a0 = v128.load32_splat(a);
    c00 = dot(c00, a0, b0);
    c01 = dot(c01, a0, b1);
    const a1 = v128.load32_splat(a, 4);
    c10 = dot(c10, a1, b0);
    c11 = dot(c11, a1, b1);
    const a2 = v128.load32_splat(a, 8);
    c20 = dot(c20, a2, b0);
    c21 = dot(c21, a2, b1);
    const a3 = v128.load32_splat(a, 12);
    c30 = dot(c30, a3, b0);
    c31 = dot(c31, a3, b1);
    const a4 = v128.load32_splat(a, 16);
    c40 = dot(c40, a4, b0);
    c41 = dot(c41, a4, b1);
    a += 20;
    b += PANEL_STEP;
  }
  keep(tile, c00, c01);
  keep(tile + 32, c10, c11);
  keep(tile + 64, c20, c21);
  keep(tile + 96, c30, c31);
  keep(tile + 128, c40, c41);
}

/** The same for four rows. */
export function lowTile(pairs: i32, a: usize, b: usize, tile: usize): void {
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
    c00 = dot(c00, a0, b0);
    c01 = dot(c01, a0, b1);
    const a1 = v128.load32_splat(a, 4);
    c10 = dot(c10, a1, b0);
    c11 = dot(c11, a1, b1);
    const a2 = v128.load32_splat(a, 8);
    c20 = dot(c20, a2, b0);
    c21 = dot(c21, a2, b1);
    const a3 = v128.load32_splat(a, 12);
    c30 = dot(c30, a3, b0);
    c31 = dot(c31, a3, b1);
    a += 16;
    b += PANEL_STEP;
  }
  keep(tile, c00, c01);
  keep(tile + 32, c10, c11);
  keep(tile + 64, c20, c21);
  keep(tile + 96, c30, c31);
}

/** One row, [pair][2] in int16, by two panels that stand one behind another: sixteen sums. Bound by reading the weights. */
export function rowTile(pairs: i32, a: usize, b: usize, tile: usize): void {
  let c0 = i32x4.splat(0),
    c1 = i32x4.splat(0),
    c2 = i32x4.splat(0),
    c3 = i32x4.splat(0);
  const panel = <usize>pairs * PANEL_STEP,
    end = b + panel;
  let next = end;
  while (b < end) {
    const a0 = v128.load32_splat(a);
    c0 = dot(c0, a0, v128.load_ext<i8>(b));
    c1 = dot(c1, a0, v128.load_ext<i8>(b, 8));
    c2 = dot(c2, a0, v128.load_ext<i8>(next));
    c3 = dot(c3, a0, v128.load_ext<i8>(next, 8));
    a += 4;
    b += PANEL_STEP;
    next += PANEL_STEP;
  }
  keep(tile, c0, c1);
  keep(tile + 32, c2, c3);
}

/**
 * Five channels of weights, [pair][5 channels][2] in int16, by two fours of neighbouring places in an image of words. The
 * word that pair k of the weights meets is `offsets[k]` bytes behind the place: an index load takes the part of a column
 * matrix.
 */
export function tallPlaces(pairs: i32, w: usize, offsets: usize, left: usize, right: usize, tile: usize): void {
  let c00 = i32x4.splat(0),
    c01 = i32x4.splat(0),
    c10 = i32x4.splat(0),
    c11 = i32x4.splat(0),
    c20 = i32x4.splat(0);
  let c21 = i32x4.splat(0),
    c30 = i32x4.splat(0),
    c31 = i32x4.splat(0),
    c40 = i32x4.splat(0),
    c41 = i32x4.splat(0);
  const end = offsets + ((<usize>pairs) << 2);
  while (offsets < end) {
    const at = load<usize>(offsets);
    const b0 = v128.load(left + at),
      b1 = v128.load(right + at);
    const a0 = v128.load32_splat(w);
    c00 = dot(c00, a0, b0);
    c01 = dot(c01, a0, b1);
    const a1 = v128.load32_splat(w, 4);
    c10 = dot(c10, a1, b0);
    c11 = dot(c11, a1, b1);
    const a2 = v128.load32_splat(w, 8);
    c20 = dot(c20, a2, b0);
    c21 = dot(c21, a2, b1);
    const a3 = v128.load32_splat(w, 12);
    c30 = dot(c30, a3, b0);
    c31 = dot(c31, a3, b1);
    const a4 = v128.load32_splat(w, 16);
    c40 = dot(c40, a4, b0);
    c41 = dot(c41, a4, b1);
    w += 20;
    offsets += 4;
  }
  keep(tile, c00, c01);
  keep(tile + 32, c10, c11);
  keep(tile + 64, c20, c21);
  keep(tile + 96, c30, c31);
  keep(tile + 128, c40, c41);
}

/** The same for four channels. */
export function lowPlaces(pairs: i32, w: usize, offsets: usize, left: usize, right: usize, tile: usize): void {
  let c00 = i32x4.splat(0),
    c01 = i32x4.splat(0),
    c10 = i32x4.splat(0),
    c11 = i32x4.splat(0);
  let c20 = i32x4.splat(0),
    c21 = i32x4.splat(0),
    c30 = i32x4.splat(0),
    c31 = i32x4.splat(0);
  const end = offsets + ((<usize>pairs) << 2);
  while (offsets < end) {
    const at = load<usize>(offsets);
    const b0 = v128.load(left + at),
      b1 = v128.load(right + at);
    const a0 = v128.load32_splat(w);
    c00 = dot(c00, a0, b0);
    c01 = dot(c01, a0, b1);
    const a1 = v128.load32_splat(w, 4);
    c10 = dot(c10, a1, b0);
    c11 = dot(c11, a1, b1);
    const a2 = v128.load32_splat(w, 8);
    c20 = dot(c20, a2, b0);
    c21 = dot(c21, a2, b1);
    const a3 = v128.load32_splat(w, 12);
    c30 = dot(c30, a3, b0);
    c31 = dot(c31, a3, b1);
    w += 16;
    offsets += 4;
  }
  keep(tile, c00, c01);
  keep(tile + 32, c10, c11);
  keep(tile + 64, c20, c21);
  keep(tile + 96, c30, c31);
}
