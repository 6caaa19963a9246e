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
 * Two habits keep V8's instruction scheduler from loading everything first and spilling half the accumulators (a factor
 * of two): one step of k per turn of the loop, and nothing but stores of the raw sums behind it. What else belongs to a
 * product (the blocks of k before, bias, activation) happens in `placeTile`, while the tile is still in the cache.
 */
import { bytes, madd, splat } from './simd';

/** Rows of a tile: fused multiply-add frees the register that holds a product, and a sixth row takes it. */
export const TILE_ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
/** Rows of the lower tile that completes a block: 5 and 4, or 6 and 4, add up to nearly any number. */
export const LOW_ROWS: i32 = 4;
export const TILE_COLUMNS: i32 = 8;
/** Bytes of one row of a stored tile or panel of B. */
export const TILE_STRIDE: usize = 32;

/** Writes one row of raw sums. */
// @ts-ignore: decorator
@inline function keep(c: usize, left: v128, right: v128): void {
  v128.store(c, left);
  v128.store(c, right, 16);
}

/**
 * C = A · B for one tile whose columns of A each stand together: a packed panel (stepA = 4 · TILE_ROWS), or the memory of
 * a transposed A (stepA = its row stride, which must be above zero). B is a packed panel (stepB = TILE_STRIDE) or rows of
 * the matrix. All strides and steps are in bytes.
 */
export function tileOfColumns(k: i32, a: usize, stepA: usize, b: usize, stepB: usize, c: usize, strideC: usize): void {
  columns(TILE_ROWS, k, a, stepA, b, stepB, c, strideC);
}

/** `tileOfColumns` with LOW_ROWS rows. */
export function lowTileOfColumns(
  k: i32,
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
): void {
  columns(LOW_ROWS, k, a, stepA, b, stepB, c, strideC);
}

/**
 * The same tile where A lies row after row, unpacked, one pointer a row. Only the first `rows` rows need exist: the
 * pointers of the missing ones repeat the last. All rows of C are written, so a partial tile goes to a temporary one.
 */
export function tileOfRows(
  k: i32,
  a: usize,
  strideA: usize,
  rows: i32,
  b: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
): void {
  separateRows(TILE_ROWS, k, a, strideA, rows, b, stepB, c, strideC);
}

/** `tileOfRows` with LOW_ROWS rows. */
export function lowTileOfRows(
  k: i32,
  a: usize,
  strideA: usize,
  rows: i32,
  b: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
): void {
  separateRows(LOW_ROWS, k, a, strideA, rows, b, stepB, c, strideC);
}

// `height` is a literal in each call, so the rows beyond it leave no code.
// @ts-ignore: decorator
@inline function columns(
  height: i32,
  k: i32,
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
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
  const end = a + <usize>k * stepA;
  while (a < end) {
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
  keep(c, c00, c01);
  c += strideC;
  keep(c, c10, c11);
  c += strideC;
  keep(c, c20, c21);
  c += strideC;
  keep(c, c30, c31);
  if (height > 4) {
    c += strideC;
    keep(c, c40, c41);
  }
  if (height > 5) {
    c += strideC;
    keep(c, c50, c51);
  }
}

// @ts-ignore: decorator
@inline function separateRows(
  height: i32,
  k: i32,
  a: usize,
  strideA: usize,
  rows: i32,
  b: usize,
  stepB: usize,
  c: usize,
  strideC: usize,
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
  let p1 = rows > 1 ? a + strideA : a;
  let p2 = rows > 2 ? p1 + strideA : p1;
  let p3 = rows > 3 ? p2 + strideA : p2;
  let p4 = rows > 4 ? p3 + strideA : p3;
  let p5 = rows > 5 ? p4 + strideA : p4;
  const end = a + bytes(k);
  while (a < end) {
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
  keep(c, c00, c01);
  c += strideC;
  keep(c, c10, c11);
  c += strideC;
  keep(c, c20, c21);
  c += strideC;
  keep(c, c30, c31);
  if (height > 4) {
    c += strideC;
    keep(c, c40, c41);
  }
  if (height > 5) {
    c += strideC;
    keep(c, c50, c51);
  }
}

/** One row of eight: max(sum + addend, floor), where a NaN stays a NaN because pmax keeps its first operand. */
// @ts-ignore: decorator
@inline function finish(c: usize, addend: usize, left: v128, right: v128, floor: v128): void {
  v128.store(c, f32x4.pmax(f32x4.add(left, v128.load(addend)), floor));
  v128.store(c, f32x4.pmax(f32x4.add(right, v128.load(addend, 16)), floor), 16);
}

/**
 * Moves the kept part of a temporary tile (rows of TILE_STRIDE bytes) to its place: C = max(tile + D, floor). D, the
 * addend, may be C itself; a strideD of 0 adds one row to every row. `floor` is the address of four equal numbers.
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
  const least = v128.load(floor);
  for (let i = 0; i < rows; i++) {
    if (columns == TILE_COLUMNS) {
      finish(c, d, v128.load(tile), v128.load(tile, 16), least);
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
