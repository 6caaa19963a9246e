/**
 * Weights that are stored in 4, 8 or 16 bits and widened as they are read.
 *
 *   0 int8      w = scale · (q − zero), q in −128 … 127
 *   1 int4      the same, q in 0 … 15: the even element of a pair in the low half of a byte, the odd one in the high half
 *   2 float16   the number itself
 *   3 bfloat16  the upper half of a float32
 *
 * Rows stand one behind another without gaps; a row of int4 begins with a byte of its own. Groups of neighbours in a row, a
 * multiple of 32, share a scale and a zero. Behind the last row stand 32 bytes that may be read.
 */
import { int, pointer, scratch } from './launch';
import { loadUpTo4, storeUpTo4 } from './row';
import { bytes, horizontalSum, madd } from './simd';

const INT8: i32 = 0;
const INT4: i32 = 1;
const FLOAT16: i32 = 2;

/** Bytes of a row of k weights. */
function rowBytes(format: i32, k: i32): usize {
  return format == INT8 ? <usize>k : format == INT4 ? <usize>((k + 1) >> 1) : (<usize>k) << 1;
}

/** Four float16, widened with their sign to int32, as float32. Stored weights are finite. */
// @ts-ignore: decorator
@inline function halves(x: v128): v128 {
  // Sign and magnitude at the places of a float; read as one it is 2⁻¹¹² of what it should be, for subnormals too.
  return f32x4.mul(v128.and(i32x4.shl(x, 13), i32x4.splat(0x8fffe000)), f32x4.splat(5.192296858534828e33));
}

/**
 * y = the rows of a stored matrix, or some of them, in float32.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | y | float32 [count, K] |
 * | 1 | weights | bytes, rows of K |
 * | 2, 3 | scale, zero | float32 and int8 [rows, ceil(K / group)]; read for int8 and int4 |
 * | 4 | index | int32 [count]; 0 for all rows in order |
 * | 5, 6, 7 | K, group, format | |
 *
 * Work: rows of y.
 */
export function storedRows_f32(r: usize, begin: i32, end: i32): void {
  const K = int(r, 5),
    format = int(r, 7),
    stride = rowBytes(format, K);
  for (let i = begin; i < end; i++) {
    const row = pointer(r, 4) ? load<i32>(pointer(r, 4) + bytes(i)) : i;
    const from = pointer(r, 1) + <usize>row * stride,
      to = pointer(r, 0) + bytes(i * K);
    if (format <= INT4) widenWhole(r, row, from, to);
    else widenHalf(format, K, from, to);
  }
}

function widenHalf(format: i32, K: i32, from: usize, to: usize): void {
  let k = K;
  for (; k >= 4; k -= 4) {
    v128.store(to, halfAt(format, from));
    from += 8;
    to += 16;
  }
  for (; k > 0; k--) {
    store<f32>(to, f32x4.extract_lane(halfAt(format, from), 0));
    from += 2;
    to += 4;
  }
}

// @ts-ignore: decorator
@inline function halfAt(format: i32, from: usize): v128 {
  const x = v128.load_ext<i16>(from);
  return format == FLOAT16 ? halves(x) : i32x4.shl(x, 16);
}

function widenWhole(r: usize, row: i32, from: usize, to: usize): void {
  const K = int(r, 5),
    group = int(r, 6),
    groups = (K + group - 1) / group,
    isWide = int(r, 7) == INT8;
  for (let g = 0, k = 0; g < groups; g++) {
    const at = row * groups + g;
    const scale = f32x4.splat(load<f32>(pointer(r, 2) + bytes(at))),
      zero = i32x4.splat(<i32>load<i8>(pointer(r, 3) + <usize>at));
    for (const stop = min(K, k + group); k < stop; k += 4) {
      const q = isWide ? fourOctets(from + <usize>k) : fourNibbles(from + <usize>(k >> 1));
      const y = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(q, zero)), scale);
      storeUpTo4(to + bytes(k), y, stop - k);
    }
  }
}

// @ts-ignore: decorator
@inline function fourOctets(from: usize): v128 {
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(from)));
}

/** Two bytes as four numbers, the low half of each byte first. */
// @ts-ignore: decorator
@inline function fourNibbles(from: usize): v128 {
  const pair = <i32>load<u16>(from);
  return v128.and(
    i32x4.replace_lane(
      i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(pair), 1, pair >> 4), 2, pair >> 8),
      3,
      pair >> 12,
    ),
    i32x4.splat(15),
  );
}

/** Largest magnitude that an input is rounded to: int16. */
const MOST: f32 = 32767;

/**
 * y = x · Wᵀ + bias for a few rows of x, reading each stored weight once.
 *
 * Against int8 and int4, a row of x is rounded to int16 by its own largest magnitude, so that the products are exact int32 sums
 * of pairs: an error of at most 1 / 65534 of that magnitude in each x. A group of 256 sums to less than 2³¹.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | y | float32 [M, N] |
 * | 1 | x | float32 [M, K] |
 * | 2 | weights | bytes, N rows of K |
 * | 3, 4 | scale, zero | float32 and int8 [N, ceil(K / group)]; read for int8 and int4 |
 * | 5 | bias | float32 [N]; 0 if there is none |
 * | 6 … 9 | M, N, K, group | group ≤ 256, a multiple of 32 |
 * | 10, 11 | format, activation | 0 none, 1 relu |
 *
 * Work: N. Scratch in bytes: 160 + M · (4 · P + 4 · P / 32 + 32) with P = K rounded up to a multiple of 32.
 */
export function storedDots_f32(r: usize, begin: i32, end: i32): void {
  const M = int(r, 6),
    K = int(r, 8),
    format = int(r, 10);
  const padded = (K + 31) & -32,
    stride = rowBytes(format, K);
  const line = (bytes(padded) + bytes(padded >> 5) + 4 + 15) & -16,
    xs = (scratch() + TILES + 15) & -16;
  for (let m = 0; m < M; m++) {
    const x = pointer(r, 1) + bytes(m * K),
      to = xs + <usize>m * line;
    if (format <= INT4) roundRow(r, x, K, padded, to);
    else {
      memory.copy(to, x, bytes(K));
      memory.fill(to + bytes(K), 0, bytes(padded - K));
    }
  }
  for (let n = begin; n < end; n += ROWS) {
    // Rows that are missing to four repeat the last.
    const count = min(ROWS, end - n),
      last = count - 1;
    const w0 = pointer(r, 2) + <usize>n * stride;
    const w1 = w0 + <usize>min(1, last) * stride,
      w2 = w0 + <usize>min(2, last) * stride,
      w3 = w0 + <usize>min(3, last) * stride;
    for (let m = 0; m < M; m++) {
      const x = xs + <usize>m * line;
      if (format <= INT4) dotWhole(r, n, count, x, w0, w1, w2, w3, padded);
      else if (format == FLOAT16) dotHalf(K, x, w0, w1, w2, w3, scratch());
      else dotBrain(K, x, w0, w1, w2, w3, scratch());
      place(r, m, n, count, x, padded);
    }
  }
}

/** Rows of weights that meet a row of x at a time; scratch begins with a vector of partial sums for each, twice. */
const ROWS: i32 = 4;
const SUMS: usize = 64;
const TILES: usize = 128;

/** Takes the sums of up to four rows of weights to y. */
function place(r: usize, m: i32, n: i32, count: i32, x: usize, padded: i32): void {
  const whole = int(r, 10) <= INT4,
    floor: f32 = int(r, 11) == 1 ? 0 : -Infinity;
  const factor: f32 = whole ? load<f32>(x + bytes(padded) + bytes(padded >> 5)) : 1;
  for (let i = 0; i < count; i++) {
    let sum = horizontalSum(v128.load(scratch() + <usize>(i << 4)));
    if (whole) sum = (sum - shiftOf(r, n + i, x + bytes(padded))) * factor;
    if (pointer(r, 5)) sum += load<f32>(pointer(r, 5) + bytes(n + i));
    // A NaN is not less than the floor, and stays.
    store<f32>(pointer(r, 0) + bytes(m * int(r, 7) + n + i), sum < floor ? floor : sum);
  }
}

/** What the zeros of row n add to its product with x: the sums of x by group, times scale and zero. */
function shiftOf(r: usize, n: i32, sums: usize): f32 {
  const groups = (int(r, 8) + int(r, 9) - 1) / int(r, 9),
    middle = int(r, 10) == INT4 ? MIDDLE : 0;
  let scales = pointer(r, 3) + bytes(n * groups),
    zeros = pointer(r, 4) + <usize>(n * groups);
  let total = f32x4.splat(0),
    g = groups;
  for (; g >= 4; g -= 4) {
    const zero = f32x4.convert_i32x4_s(i32x4.sub(fourOctets(zeros), i32x4.splat(middle)));
    total = f32x4.add(total, f32x4.mul(f32x4.mul(zero, v128.load(scales)), v128.load(sums)));
    zeros += 4;
    scales += 16;
    sums += 16;
  }
  let shift = horizontalSum(total);
  for (; g > 0; g--) {
    shift += <f32>(<i32>load<i8>(zeros) - middle) * load<f32>(scales) * load<f32>(sums);
    zeros++;
    scales += 4;
    sums += 4;
  }
  return shift;
}

/** What is taken from an int4 before it is multiplied. */
const MIDDLE: i32 = 8;

/**
 * A row of x as int16, its sums by group in float32, which holds them, and its scale behind it. For int4 the even elements of each
 * 32 stand before the odd ones, as the halves of sixteen bytes do.
 */
function roundRow(r: usize, x: usize, K: i32, padded: i32, to: usize): void {
  let top = f32x4.splat(0),
    k = 0;
  for (; k + 4 <= K; k += 4) top = f32x4.max(top, f32x4.abs(v128.load(x + bytes(k))));
  for (; k < K; k++) top = f32x4.max(top, f32x4.abs(v128.load32_splat(x + bytes(k))));
  // f32x4.max keeps a NaN, and so must what follows, so that it reaches the result.
  const first = f32x4.max(top, v128.shuffle<i32>(top, top, 2, 3, 0, 1));
  const most = f32x4.extract_lane(f32x4.max(first, v128.shuffle<i32>(first, first, 1, 0, 3, 2)), 0);
  const inverse = f32x4.splat(most == 0 ? 0 : MOST / most);
  const isNibble = int(r, 10) == INT4,
    group = int(r, 9),
    sums = to + bytes(padded);
  memory.fill(to, 0, bytes(padded >> 1));
  for (let g = 0, start = 0; start < padded; g++, start += group) {
    let sum = i32x4.splat(0);
    for (k = start; k < min(K, start + group); k += 4) {
      const value = loadUpTo4(x + bytes(k), K - k);
      const q = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(value, inverse)));
      sum = i32x4.add(sum, q);
      const words = i16x8.narrow_i32x4_s(q, q);
      if (isNibble) {
        const at = to + ((<usize>((k & -32) + ((k & 31) >> 1))) << 1);
        v128.store32_lane(at, v128.shuffle<i16>(words, words, 0, 2, 1, 3, 0, 0, 0, 0), 0);
        v128.store32_lane(at, v128.shuffle<i16>(words, words, 1, 3, 0, 0, 0, 0, 0, 0), 0, 32);
      } else v128.store64_lane(to + ((<usize>k) << 1), words, 0);
    }
    const pairs = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1));
    const total = i32x4.extract_lane(i32x4.add(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2)), 0);
    store<f32>(sums + bytes(g), <f32>total);
  }
  store<f32>(sums + bytes(padded >> 5), most / MOST);
}

/** Partial sums of a row of x, as `roundRow` left it, times four rows of int8 or int4, less what their zeros add. */
function dotWhole(
  r: usize,
  n: i32,
  count: i32,
  x: usize,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  padded: i32,
): void {
  const group = int(r, 9),
    groups = (int(r, 8) + group - 1) / group,
    shift: usize = int(r, 10) == INT4 ? 1 : 0;
  const totals = scratch(),
    last = count - 1;
  for (let i: usize = 0; i < SUMS; i += 16) v128.store(totals + i, f32x4.splat(0));
  let scale0 = pointer(r, 3) + bytes(n * groups);
  let scale1 = scale0 + bytes(min(1, last) * groups),
    scale2 = scale0 + bytes(min(2, last) * groups),
    scale3 = scale0 + bytes(min(3, last) * groups);
  // The loops have two callers each, so that they stay functions of their own: inlined here, they would spill.
  let k = 0;
  for (; k + group <= padded; k += group) {
    const at = <usize>k >> shift;
    if (shift) nibbles(group, x + ((<usize>k) << 1), w0 + at, w1 + at, w2 + at, w3 + at, totals + SUMS);
    else octets(group, x + ((<usize>k) << 1), w0 + at, w1 + at, w2 + at, w3 + at, totals + SUMS);
    addScaled(totals, scale0, scale1, scale2, scale3);
    scale0 += 4;
    scale1 += 4;
    scale2 += 4;
    scale3 += 4;
  }
  if (k < padded) {
    const at = <usize>k >> shift;
    if (shift) nibbles(padded - k, x + ((<usize>k) << 1), w0 + at, w1 + at, w2 + at, w3 + at, totals + SUMS);
    else octets(padded - k, x + ((<usize>k) << 1), w0 + at, w1 + at, w2 + at, w3 + at, totals + SUMS);
    addScaled(totals, scale0, scale1, scale2, scale3);
  }
}

/** Adds the sums of a group, each by its scale, to the totals. */
// @ts-ignore: decorator
@inline function addScaled(totals: usize, scale0: usize, scale1: usize, scale2: usize, scale3: usize): void {
  addOne(totals, scale0);
  addOne(totals + 16, scale1);
  addOne(totals + 32, scale2);
  addOne(totals + 48, scale3);
}

// @ts-ignore: decorator
@inline function addOne(total: usize, scale: usize): void {
  const sum = f32x4.convert_i32x4_s(v128.load(total, SUMS));
  v128.store(total, f32x4.add(v128.load(total), f32x4.mul(sum, v128.load32_splat(scale))));
}

// @ts-ignore: decorator
@inline function octet(sum: v128, w: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  const left = i32x4.add(i32x4.dot_i16x8_s(v128.load_ext<i8>(w), a), i32x4.dot_i16x8_s(v128.load_ext<i8>(w, 8), b));
  const right = i32x4.add(
    i32x4.dot_i16x8_s(v128.load_ext<i8>(w, 16), c),
    i32x4.dot_i16x8_s(v128.load_ext<i8>(w, 24), d),
  );
  return i32x4.add(sum, i32x4.add(left, right));
}

/** Sums of x times four rows of `count` bytes, a multiple of 32. What lies beyond a row meets zeros of x. */
function octets(count: i32, x: usize, w0: usize, w1: usize, w2: usize, w3: usize, sums: usize): void {
  let c0 = i32x4.splat(0),
    c1 = i32x4.splat(0),
    c2 = i32x4.splat(0),
    c3 = i32x4.splat(0);
  for (const end = w0 + <usize>count; w0 < end; w0 += 32) {
    const a = v128.load(x),
      b = v128.load(x, 16),
      c = v128.load(x, 32),
      d = v128.load(x, 48);
    c0 = octet(c0, w0, a, b, c, d);
    c1 = octet(c1, w1, a, b, c, d);
    c2 = octet(c2, w2, a, b, c, d);
    c3 = octet(c3, w3, a, b, c, d);
    x += 64;
    w1 += 32;
    w2 += 32;
    w3 += 32;
  }
  v128.store(sums, c0);
  v128.store(sums, c1, 16);
  v128.store(sums, c2, 32);
  v128.store(sums, c3, 48);
}

// @ts-ignore: decorator
@inline function nibble(sum: v128, w: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  const pairs = v128.load(w),
    mask = i8x16.splat(15),
    middle = i8x16.splat(<i8>MIDDLE);
  const even = i8x16.sub(v128.and(pairs, mask), middle),
    odd = i8x16.sub(v128.and(i16x8.shr_u(pairs, 4), mask), middle);
  const left = i32x4.add(
    i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(even), a),
    i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(even), b),
  );
  const right = i32x4.add(
    i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(odd), c),
    i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(odd), d),
  );
  return i32x4.add(sum, i32x4.add(left, right));
}

/** The same for `count` halves of bytes. */
function nibbles(count: i32, x: usize, w0: usize, w1: usize, w2: usize, w3: usize, sums: usize): void {
  let c0 = i32x4.splat(0),
    c1 = i32x4.splat(0),
    c2 = i32x4.splat(0),
    c3 = i32x4.splat(0);
  for (const end = w0 + <usize>(count >> 1); w0 < end; w0 += 16) {
    const a = v128.load(x),
      b = v128.load(x, 16),
      c = v128.load(x, 32),
      d = v128.load(x, 48);
    c0 = nibble(c0, w0, a, b, c, d);
    c1 = nibble(c1, w1, a, b, c, d);
    c2 = nibble(c2, w2, a, b, c, d);
    c3 = nibble(c3, w3, a, b, c, d);
    x += 64;
    w1 += 16;
    w2 += 16;
    w3 += 16;
  }
  v128.store(sums, c0);
  v128.store(sums, c1, 16);
  v128.store(sums, c2, 32);
  v128.store(sums, c3, 48);
}

/** Partial sums of x times four rows of K float16. */
function dotHalf(K: i32, x: usize, w0: usize, w1: usize, w2: usize, w3: usize, sums: usize): void {
  let c0 = f32x4.splat(0),
    c1 = f32x4.splat(0),
    c2 = f32x4.splat(0),
    c3 = f32x4.splat(0);
  for (const end = x + bytes(K); x < end; x += 16) {
    const a = v128.load(x);
    c0 = madd(a, halves(v128.load_ext<i16>(w0)), c0);
    c1 = madd(a, halves(v128.load_ext<i16>(w1)), c1);
    c2 = madd(a, halves(v128.load_ext<i16>(w2)), c2);
    c3 = madd(a, halves(v128.load_ext<i16>(w3)), c3);
    w0 += 8;
    w1 += 8;
    w2 += 8;
    w3 += 8;
  }
  v128.store(sums, c0);
  v128.store(sums, c1, 16);
  v128.store(sums, c2, 32);
  v128.store(sums, c3, 48);
}

/** The same for K bfloat16. */
function dotBrain(K: i32, x: usize, w0: usize, w1: usize, w2: usize, w3: usize, sums: usize): void {
  let c0 = f32x4.splat(0),
    c1 = f32x4.splat(0),
    c2 = f32x4.splat(0),
    c3 = f32x4.splat(0);
  for (const end = x + bytes(K); x < end; x += 16) {
    const a = v128.load(x);
    c0 = madd(a, i32x4.shl(v128.load_ext<i16>(w0), 16), c0);
    c1 = madd(a, i32x4.shl(v128.load_ext<i16>(w1), 16), c1);
    c2 = madd(a, i32x4.shl(v128.load_ext<i16>(w2), 16), c2);
    c3 = madd(a, i32x4.shl(v128.load_ext<i16>(w3), 16), c3);
    w0 += 8;
    w1 += 8;
    w2 += 8;
    w3 += 8;
  }
  v128.store(sums, c0);
  v128.store(sums, c1, 16);
  v128.store(sums, c2, 32);
  v128.store(sums, c3, 48);
}
