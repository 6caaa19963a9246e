/**
 * The innermost loops of dense float32 products: a register tile of C.
 *
 * A tile is TILE_ROWS × TILE_COLUMNS. Its accumulators and two vectors of B fill the fifteen registers V8 hands out: one
 * more row or four more columns, and the loop spills. Each step of k loads a row of B and splats a number of A per row:
 *
 *               b0        b1                       panel of A, [k][TILE_ROWS]     panel of B, [k][TILE_COLUMNS]
 *       a0 │ c00 (4)   c01 (4)                     a0 a1 a2 a3 a4 │ a0 a1 a2 …    b0 … b7 │ b0 … b7 │ …
 *       a1 │ c10       c11                         └──── k=0 ───┘ └── k=1 …       └─ k=0 ┘ └─ k=1 ┘
 *       …  │ …         …
 *
 * Three habits of V8 decide how fast the loop runs, as the strict one is bound by the number of its instructions:
 *
 * - One step of k per turn of the loop. Two, and the scheduler loads everything first and spills half the accumulators.
 * - A pointer that begins as the result of 32-bit arithmetic is known to have nothing in its upper half. One that begins as
 *   a parameter is extended again in each turn. So the tiles are given where their panels end, and subtract.
 * - A splat with an offset takes an instruction to add the offset to the start of the memory, in each turn, unless that
 *   sum is of use behind the loop too: then it stands in a register. So the stores go through the same offsets.
 *
 * What else belongs to a product (the blocks of k before, bias, activation) is added as the sums are stored.
 */
import { bytes, madd, splat } from './simd';

/** Rows of a tile: fused multiply-add frees the register that holds a product, and a sixth row takes it. */
export const TILE_ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
/** Rows of the lower tile that completes a block: 5 and 4, or 6 and 4, add up to nearly any number. */
export const LOW_ROWS: i32 = 4;
export const TILE_COLUMNS: i32 = 8;
/** Bytes of one row of a stored tile or panel of B. */
export const TILE_STRIDE: usize = 32;

/** max(sum + addend, floor), where a NaN stays a NaN because pmax keeps its first operand. */
// @ts-ignore: decorator
@inline function finished(sum: v128, addend: v128, floor: usize): v128 {
  return f32x4.pmax(f32x4.add(sum, addend), v128.load(floor));
}

/**
 * C = max(A · B + D, floor) for one tile whose columns of A each stand together: a packed panel (stepA = 4 · TILE_ROWS), or
 * the memory of a transposed A (stepA = its row stride, which must be above zero). B is a packed panel (stepB =
 * TILE_STRIDE) or rows of the matrix. `endA` and `endB` are the addresses of step k, right behind what is read. D may be C
 * itself, or one row for all with a strideD of 0; with a d of 0 the raw sums are written and there is no floor, which is
 * else the address of four equal numbers. All strides and steps are in bytes.
 */
export function tileOfColumns(
  k: i32,
  endA: usize,
  stepA: usize,
  endB: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
  d: usize,
  strideD: usize,
  floor: usize,
): void {
  columns(TILE_ROWS, k, endA, stepA, endB, stepB, c, strideC, d, strideD, floor);
}

/** `tileOfColumns` with LOW_ROWS rows. */
export function lowTileOfColumns(
  k: i32,
  endA: usize,
  stepA: usize,
  endB: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
  d: usize,
  strideD: usize,
  floor: usize,
): void {
  columns(LOW_ROWS, k, endA, stepA, endB, stepB, c, strideC, d, strideD, floor);
}

/**
 * The same tile where A lies row after row, unpacked, one pointer a row; `endA` is the end of the first. Only the first
 * `rows` rows need exist: the pointers of the missing ones repeat the last. All rows of C are written, so a partial tile
 * goes to a temporary one.
 */
export function tileOfRows(
  k: i32,
  endA: usize,
  strideA: usize,
  rows: i32,
  endB: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
  d: usize,
  strideD: usize,
  floor: usize,
): void {
  separateRows(TILE_ROWS, k, endA, strideA, rows, endB, stepB, c, strideC, d, strideD, floor);
}

/** `tileOfRows` with LOW_ROWS rows. */
export function lowTileOfRows(
  k: i32,
  endA: usize,
  strideA: usize,
  rows: i32,
  endB: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
  d: usize,
  strideD: usize,
  floor: usize,
): void {
  separateRows(LOW_ROWS, k, endA, strideA, rows, endB, stepB, c, strideC, d, strideD, floor);
}

// `height` is a literal in each call, so the rows beyond it leave no code.
// @ts-ignore: decorator
@inline function columns(
  height: i32,
  k: i32,
  endA: usize,
  stepA: usize,
  endB: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
  d: usize,
  strideD: usize,
  floor: usize,
): void {
  let c00 = splat(0),
    c01 = splat(0),
    c10 = splat(0),
    c11 = splat(0),
    c20 = splat(0),
    c21 = splat(0);
  let c30 = splat(0),
    c31 = splat(0),
    c40 = splat(0),
    c41 = splat(0),
    c50 = splat(0),
    c51 = splat(0);
  let a = endA - <usize>k * stepA,
    b = endB - <usize>k * stepB;
  while (a < endA) {
    const b0 = v128.load(b),
      b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    const a1 = v128.load32_splat(a, 4);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    const a2 = v128.load32_splat(a, 8);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    const a3 = v128.load32_splat(a, 12);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    if (height > 4) {
      const a4 = v128.load32_splat(a, 16);
      c40 = madd(a4, b0, c40);
      c41 = madd(a4, b1, c41);
    }
    if (height > 5) {
      const a5 = v128.load32_splat(a, 20);
      c50 = madd(a5, b0, c50);
      c51 = madd(a5, b1, c51);
    }
    a += stepA;
    b += stepB;
  }
  const next = strideC - 4;
  if (d == 0) {
    v128.store(c, c00);
    v128.store(c, c01, 16);
    c += next;
    v128.store(c, c10, 4);
    v128.store(c, c11, 20);
    c += next;
    v128.store(c, c20, 8);
    v128.store(c, c21, 24);
    c += next;
    v128.store(c, c30, 12);
    v128.store(c, c31, 28);
    if (height > 4) {
      c += next;
      v128.store(c, c40, 16);
      v128.store(c, c41, 32);
    }
    if (height > 5) {
      c += next;
      v128.store(c, c50, 20);
      v128.store(c, c51, 36);
    }
  } else {
    v128.store(c, finished(c00, v128.load(d), floor));
    v128.store(c, finished(c01, v128.load(d, 16), floor), 16);
    c += next;
    d += strideD;
    v128.store(c, finished(c10, v128.load(d), floor), 4);
    v128.store(c, finished(c11, v128.load(d, 16), floor), 20);
    c += next;
    d += strideD;
    v128.store(c, finished(c20, v128.load(d), floor), 8);
    v128.store(c, finished(c21, v128.load(d, 16), floor), 24);
    c += next;
    d += strideD;
    v128.store(c, finished(c30, v128.load(d), floor), 12);
    v128.store(c, finished(c31, v128.load(d, 16), floor), 28);
    if (height > 4) {
      c += next;
      d += strideD;
      v128.store(c, finished(c40, v128.load(d), floor), 16);
      v128.store(c, finished(c41, v128.load(d, 16), floor), 32);
    }
    if (height > 5) {
      c += next;
      d += strideD;
      v128.store(c, finished(c50, v128.load(d), floor), 20);
      v128.store(c, finished(c51, v128.load(d, 16), floor), 36);
    }
  }
}

// @ts-ignore: decorator
@inline function separateRows(
  height: i32,
  k: i32,
  endA: usize,
  strideA: usize,
  rows: i32,
  endB: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
  d: usize,
  strideD: usize,
  floor: usize,
): void {
  let c00 = splat(0),
    c01 = splat(0),
    c10 = splat(0),
    c11 = splat(0),
    c20 = splat(0),
    c21 = splat(0);
  let c30 = splat(0),
    c31 = splat(0),
    c40 = splat(0),
    c41 = splat(0),
    c50 = splat(0),
    c51 = splat(0);
  let a = endA - bytes(k),
    b = endB - <usize>k * stepB;
  let p1 = rows > 1 ? a + strideA : a;
  let p2 = rows > 2 ? p1 + strideA : p1;
  let p3 = rows > 3 ? p2 + strideA : p2;
  let p4 = rows > 4 ? p3 + strideA : p3;
  let p5 = rows > 5 ? p4 + strideA : p4;
  while (a < endA) {
    const b0 = v128.load(b),
      b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    const a1 = v128.load32_splat(p1);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    const a2 = v128.load32_splat(p2);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    const a3 = v128.load32_splat(p3);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    if (height > 4) {
      const a4 = v128.load32_splat(p4);
      c40 = madd(a4, b0, c40);
      c41 = madd(a4, b1, c41);
      p4 += 4;
    }
    if (height > 5) {
      const a5 = v128.load32_splat(p5);
      c50 = madd(a5, b0, c50);
      c51 = madd(a5, b1, c51);
      p5 += 4;
    }
    a += 4;
    p1 += 4;
    p2 += 4;
    p3 += 4;
    b += stepB;
  }
  const next = strideC;
  if (d == 0) {
    v128.store(c, c00);
    v128.store(c, c01, 16);
    c += next;
    v128.store(c, c10);
    v128.store(c, c11, 16);
    c += next;
    v128.store(c, c20);
    v128.store(c, c21, 16);
    c += next;
    v128.store(c, c30);
    v128.store(c, c31, 16);
    if (height > 4) {
      c += next;
      v128.store(c, c40);
      v128.store(c, c41, 16);
    }
    if (height > 5) {
      c += next;
      v128.store(c, c50);
      v128.store(c, c51, 16);
    }
  } else {
    v128.store(c, finished(c00, v128.load(d), floor));
    v128.store(c, finished(c01, v128.load(d, 16), floor), 16);
    c += next;
    d += strideD;
    v128.store(c, finished(c10, v128.load(d), floor));
    v128.store(c, finished(c11, v128.load(d, 16), floor), 16);
    c += next;
    d += strideD;
    v128.store(c, finished(c20, v128.load(d), floor));
    v128.store(c, finished(c21, v128.load(d, 16), floor), 16);
    c += next;
    d += strideD;
    v128.store(c, finished(c30, v128.load(d), floor));
    v128.store(c, finished(c31, v128.load(d, 16), floor), 16);
    if (height > 4) {
      c += next;
      d += strideD;
      v128.store(c, finished(c40, v128.load(d), floor));
      v128.store(c, finished(c41, v128.load(d, 16), floor), 16);
    }
    if (height > 5) {
      c += next;
      d += strideD;
      v128.store(c, finished(c50, v128.load(d), floor));
      v128.store(c, finished(c51, v128.load(d, 16), floor), 16);
    }
  }
}

/**
 * Moves the kept part of a temporary tile (rows of TILE_STRIDE bytes) to its place: C = max(tile + D, floor), with D and
 * floor as above.
 */
export function placeTile(
  tile: usize,
  rows: i32,
  columns: i32,
  c: usize,
  strideC: usize,
  d: usize,
  strideD: usize,
  floor: usize,
): void {
  for (let i = 0; i < rows; i++) {
    if (columns == TILE_COLUMNS) {
      v128.store(c, finished(v128.load(tile), v128.load(d), floor));
      v128.store(c, finished(v128.load(tile, 16), v128.load(d, 16), floor), 16);
    } else {
      for (let j: usize = 0; j < bytes(columns); j += 4) {
        const y = load<f32>(tile + j) + load<f32>(d + j);
        store<f32>(c + j, y < load<f32>(floor) ? load<f32>(floor) : y);
      }
    }
    tile += TILE_STRIDE;
    c += strideC;
    d += strideD;
  }
}
