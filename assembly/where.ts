/** Choosing between two operands by a third. */
import { choose } from './math';
import { walk } from './walk';

/**
 * y = condition ? a : b for elements of four bytes.
 *
 * slots: y, condition (u8), a, b (pointers) · ndim, shape[ndim], strides of the condition, of a, of b [ndim each]
 * (ints)
 * work:  elements of y, which is contiguous; y may be a or b where that is contiguous
 */
export function where_b4(r: usize, begin: i32, end: i32): void {
  walk(r, begin, end, 3, 0, 4, 1, 4, (f, y, n, c, stepC, a, stepA, b, stepB) => {
    whereRow4(y, n, c, stepC, a, stepA, b, stepB);
  });
}

/** The same for elements of one byte. */
export function where_b1(r: usize, begin: i32, end: i32): void {
  walk(r, begin, end, 3, 0, 1, 1, 1, (f, y, n, c, stepC, a, stepA, b, stepB) => {
    whereRow1(y, n, c, stepC, a, stepA, b, stepB);
  });
}

function whereRow4(y: usize, n: i32, c: usize, stepC: usize, a: usize, stepA: usize, b: usize, stepB: usize): void {
  const zero = i32x4.splat(0);
  // Each of a and b is contiguous or one number; the processor predicts the branches.
  if (stepC == 1 && (stepA == 4 || stepA == 0) && (stepB == 4 || stepB == 0)) {
    while (n >= 4) {
      const bytes = v128.load32_zero(c);
      const condition = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
      const chosen = stepA == 4 ? v128.load(a) : v128.load32_splat(a);
      const other = stepB == 4 ? v128.load(b) : v128.load32_splat(b);
      v128.store(y, choose(i32x4.ne(condition, zero), chosen, other));
      c += 4;
      a += 4 * stepA;
      b += 4 * stepB;
      y += 16;
      n -= 4;
    }
  }
  while (n > 0) {
    store<u32>(y, load<u32>(load<u8>(c) ? a : b));
    c += stepC;
    a += stepA;
    b += stepB;
    y += 4;
    n--;
  }
}

function whereRow1(y: usize, n: i32, c: usize, stepC: usize, a: usize, stepA: usize, b: usize, stepB: usize): void {
  if (stepC == 1 && (stepA == 1 || stepA == 0) && (stepB == 1 || stepB == 0)) {
    while (n >= 16) {
      const zeros = i8x16.eq(v128.load(c), i8x16.splat(0));
      const chosen = stepA == 1 ? v128.load(a) : v128.load8_splat(a);
      const other = stepB == 1 ? v128.load(b) : v128.load8_splat(b);
      v128.store(y, v128.bitselect(other, chosen, zeros));
      c += 16;
      a += 16 * stepA;
      b += 16 * stepB;
      y += 16;
      n -= 16;
    }
  }
  while (n > 0) {
    store<u8>(y, load<u8>(load<u8>(c) ? a : b));
    c += stepC;
    a += stepA;
    b += stepB;
    y++;
    n--;
  }
}
