/**
 * The register tile of the turbo binary: four vectors wide, so that V8 can make two vectors of 256 bits of them.
 *
 * V8's flag --experimental-wasm-revectorize joins neighbouring operations on 128 bits, if it finds the same operation on
 * neighbouring loads. It does so only in a plain text: compiled with -O1, and two steps of k in a turn that use the same
 * variables. Without the flag this tile spills, and is slower than that of the other binaries.
 */
import { madd, splat } from '../simd';

/** Rows of a tile: 24 accumulators of 128 bits become twelve of 256; the strict loop needs a register for a product. */
export const TURBO_ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
export const TURBO_COLUMNS: i32 = 16;
/** Bytes of one row of a tile or panel of B, and of one step of a panel of A. */
export const TURBO_STRIDE: usize = 64;
export const STEP_A: usize = ASC_FEATURE_RELAXED_SIMD ? 24 : 16;

/**
 * C = A · B + D for one tile from a panel [k][TURBO_ROWS] of A and a panel [k][TURBO_COLUMNS] of B. D may be C itself, or
 * one row for all with a strideD of 0; with a d of 0 nothing is added. `endA` and `endB` are the addresses of step k, for
 * the reasons that ../microkernel.ts gives, as for the offsets of the stores. Strides are in bytes.
 */
export function turboTile(
  k: i32,
  endA: usize,
  endB: usize,
  c: usize,
  strideC: usize,
  d: usize,
  strideD: usize,
): void {
  let c00 = splat(0),
    c01 = splat(0),
    c02 = splat(0),
    c03 = splat(0);
  let c10 = splat(0),
    c11 = splat(0),
    c12 = splat(0),
    c13 = splat(0);
  let c20 = splat(0),
    c21 = splat(0),
    c22 = splat(0),
    c23 = splat(0);
  let c30 = splat(0),
    c31 = splat(0),
    c32 = splat(0),
    c33 = splat(0);
  let c40 = splat(0),
    c41 = splat(0),
    c42 = splat(0),
    c43 = splat(0);
  let c50 = splat(0),
    c51 = splat(0),
    c52 = splat(0),
    c53 = splat(0);
  let x: v128, b0: v128, b1: v128, b2: v128, b3: v128;
  let a = endA - <usize>k * STEP_A,
    b = endB - <usize>k * TURBO_STRIDE;
  const last = endA - STEP_A;
  while (a < last) {
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    b2 = v128.load(b, 32);
    b3 = v128.load(b, 48);
    x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    c02 = madd(x, b2, c02);
    c03 = madd(x, b3, c03);
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    c12 = madd(x, b2, c12);
    c13 = madd(x, b3, c13);
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    c22 = madd(x, b2, c22);
    c23 = madd(x, b3, c23);
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    c32 = madd(x, b2, c32);
    c33 = madd(x, b3, c33);
    if (TURBO_ROWS > 4) {
      x = v128.load32_splat(a, 16);
      c40 = madd(x, b0, c40);
      c41 = madd(x, b1, c41);
      c42 = madd(x, b2, c42);
      c43 = madd(x, b3, c43);
    }
    if (TURBO_ROWS > 5) {
      x = v128.load32_splat(a, 20);
      c50 = madd(x, b0, c50);
      c51 = madd(x, b1, c51);
      c52 = madd(x, b2, c52);
      c53 = madd(x, b3, c53);
    }
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    b2 = v128.load(b, 96);
    b3 = v128.load(b, 112);
    x = v128.load32_splat(a, 1 * STEP_A + 0);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    c02 = madd(x, b2, c02);
    c03 = madd(x, b3, c03);
    x = v128.load32_splat(a, 1 * STEP_A + 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    c12 = madd(x, b2, c12);
    c13 = madd(x, b3, c13);
    x = v128.load32_splat(a, 1 * STEP_A + 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    c22 = madd(x, b2, c22);
    c23 = madd(x, b3, c23);
    x = v128.load32_splat(a, 1 * STEP_A + 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    c32 = madd(x, b2, c32);
    c33 = madd(x, b3, c33);
    if (TURBO_ROWS > 4) {
      x = v128.load32_splat(a, 1 * STEP_A + 16);
      c40 = madd(x, b0, c40);
      c41 = madd(x, b1, c41);
      c42 = madd(x, b2, c42);
      c43 = madd(x, b3, c43);
    }
    if (TURBO_ROWS > 5) {
      x = v128.load32_splat(a, 1 * STEP_A + 20);
      c50 = madd(x, b0, c50);
      c51 = madd(x, b1, c51);
      c52 = madd(x, b2, c52);
      c53 = madd(x, b3, c53);
    }
    a += 2 * STEP_A;
    b += 2 * TURBO_STRIDE;
  }
  if (a < endA) {
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    b2 = v128.load(b, 32);
    b3 = v128.load(b, 48);
    x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    c02 = madd(x, b2, c02);
    c03 = madd(x, b3, c03);
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    c12 = madd(x, b2, c12);
    c13 = madd(x, b3, c13);
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    c22 = madd(x, b2, c22);
    c23 = madd(x, b3, c23);
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    c32 = madd(x, b2, c32);
    c33 = madd(x, b3, c33);
    if (TURBO_ROWS > 4) {
      x = v128.load32_splat(a, 16);
      c40 = madd(x, b0, c40);
      c41 = madd(x, b1, c41);
      c42 = madd(x, b2, c42);
      c43 = madd(x, b3, c43);
    }
    if (TURBO_ROWS > 5) {
      x = v128.load32_splat(a, 20);
      c50 = madd(x, b0, c50);
      c51 = madd(x, b1, c51);
      c52 = madd(x, b2, c52);
      c53 = madd(x, b3, c53);
    }
  }
  const next = strideC - 4;
  if (d == 0) {
    v128.store(c, c00);
    v128.store(c, c01, 16);
    v128.store(c, c02, 32);
    v128.store(c, c03, 48);
    c += next;
    v128.store(c, c10, 4);
    v128.store(c, c11, 20);
    v128.store(c, c12, 36);
    v128.store(c, c13, 52);
    c += next;
    v128.store(c, c20, 8);
    v128.store(c, c21, 24);
    v128.store(c, c22, 40);
    v128.store(c, c23, 56);
    c += next;
    v128.store(c, c30, 12);
    v128.store(c, c31, 28);
    v128.store(c, c32, 44);
    v128.store(c, c33, 60);
    if (TURBO_ROWS > 4) {
      c += next;
      v128.store(c, c40, 16);
      v128.store(c, c41, 32);
      v128.store(c, c42, 48);
      v128.store(c, c43, 64);
    }
    if (TURBO_ROWS > 5) {
      c += next;
      v128.store(c, c50, 20);
      v128.store(c, c51, 36);
      v128.store(c, c52, 52);
      v128.store(c, c53, 68);
    }
  } else {
    v128.store(c, f32x4.add(c00, v128.load(d)));
    v128.store(c, f32x4.add(c01, v128.load(d, 16)), 16);
    v128.store(c, f32x4.add(c02, v128.load(d, 32)), 32);
    v128.store(c, f32x4.add(c03, v128.load(d, 48)), 48);
    c += next;
    d += strideD;
    v128.store(c, f32x4.add(c10, v128.load(d)), 4);
    v128.store(c, f32x4.add(c11, v128.load(d, 16)), 20);
    v128.store(c, f32x4.add(c12, v128.load(d, 32)), 36);
    v128.store(c, f32x4.add(c13, v128.load(d, 48)), 52);
    c += next;
    d += strideD;
    v128.store(c, f32x4.add(c20, v128.load(d)), 8);
    v128.store(c, f32x4.add(c21, v128.load(d, 16)), 24);
    v128.store(c, f32x4.add(c22, v128.load(d, 32)), 40);
    v128.store(c, f32x4.add(c23, v128.load(d, 48)), 56);
    c += next;
    d += strideD;
    v128.store(c, f32x4.add(c30, v128.load(d)), 12);
    v128.store(c, f32x4.add(c31, v128.load(d, 16)), 28);
    v128.store(c, f32x4.add(c32, v128.load(d, 32)), 44);
    v128.store(c, f32x4.add(c33, v128.load(d, 48)), 60);
    if (TURBO_ROWS > 4) {
      c += next;
      d += strideD;
      v128.store(c, f32x4.add(c40, v128.load(d)), 16);
      v128.store(c, f32x4.add(c41, v128.load(d, 16)), 32);
      v128.store(c, f32x4.add(c42, v128.load(d, 32)), 48);
      v128.store(c, f32x4.add(c43, v128.load(d, 48)), 64);
    }
    if (TURBO_ROWS > 5) {
      c += next;
      d += strideD;
      v128.store(c, f32x4.add(c50, v128.load(d)), 20);
      v128.store(c, f32x4.add(c51, v128.load(d, 16)), 36);
      v128.store(c, f32x4.add(c52, v128.load(d, 32)), 52);
      v128.store(c, f32x4.add(c53, v128.load(d, 48)), 68);
    }
  }
}
