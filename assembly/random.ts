/**
 * Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1,
 * 2, 3", SC 2011). A number is a function of a key and a counter and of nothing else, so a stream is the same on every
 * device and however the work is split.
 *
 * Element i of a launch is word i mod 4 of the block whose counter is
 *
 *   (c0, c1, 0, 0), the 64-bit number c1 · 2³² + c0 = counter + ⌊i / 4⌋,
 *
 * under the key (keyLow, keyHigh). A block is ten rounds; each maps (c0, c1, c2, c3) to
 *
 *   (high(0xCD9E8D57 · c2) ^ c1 ^ k0, low(0xCD9E8D57 · c2), high(0xD2511F53 · c0) ^ c3 ^ k1, low(0xD2511F53 · c0))
 *
 * and between rounds k0 grows by 0x9E3779B9 and k1 by 0xBB67AE85. high and low are the halves of the 64-bit product.
 *
 *   slots: y (pointer) · the kernel's parameters · keyLow, keyHigh, counterLow, counterHigh (ints)
 *   work:  elements of y, which is contiguous
 *
 * A launch of n elements uses up ⌈n / 4⌉ counters.
 */
import { pointer, slot } from './launch';
import { constant, logNormal, ONE } from './math';
import { madd, splat } from './simd';
import { sineOfQuadrant } from './trigonometry';

const MULTIPLIER_0: usize = memory.data<u32>([0xd2511f53]);
const MULTIPLIER_2: usize = memory.data<u32>([0xcd9e8d57]);
const WEYL_0: usize = memory.data<u32>([0x9e3779b9]);
const WEYL_1: usize = memory.data<u32>([0xbb67ae85]);
const FIRST_INTEGERS: usize = memory.data<u32>([0, 1, 2, 3]);
const INTEGER_ONE: usize = memory.data<i32>([1]);
const TWO_TO_MINUS_24: usize = memory.data<f32>([5.9604644775390625e-8]);
const MINUS_TWO: usize = memory.data<f32>([-2]);
// π/2 · 2⁻³⁰.
const ANGLE: usize = memory.data<f32>([1.462918079267159e-9]);
const HALF_QUARTER: usize = memory.data<i32>([0x20000000]);

// Four 64-bit products of unsigned integers stand in two vectors, those of lanes 0 and 1 and those of lanes 2 and 3.

// @ts-ignore: decorator
@inline function highWords(products01: v128, products23: v128): v128 {
  return v128.shuffle<i32>(products01, products23, 1, 3, 5, 7);
}

// @ts-ignore: decorator
@inline function lowWords(products01: v128, products23: v128): v128 {
  return v128.shuffle<i32>(products01, products23, 0, 2, 4, 6);
}

/**
 * Makes the elements i to i + 15 that lie in [begin, end) from the words of four blocks; w0 holds the four first words.
 */
type Emit = (parameters: usize, y: usize, i: i32, begin: i32, end: i32, w0: v128, w1: v128, w2: v128, w3: v128) => void;

/**
 * Elements of type Y. The functor's fields are the kernel's parameters. Its methods take the words in pairs: even(s, b)
 * and odd(s, b) give the elements in the places of a and b, where s = shared(a) is what both need.
 */
function generate<Y, F>(r: usize, begin: i32, end: i32): void {
  blocks(r, begin, end, offsetof<F>(), (parameters, y, i, begin, end, w0, w1, w2, w3) => {
    emit<Y, F>(parameters, y, i, begin, end, w0, w1, w2, w3);
  });
}

/** Four blocks at a time, one in each lane, and two such groups under way at once. */
function blocks(r: usize, begin: i32, end: i32, fields: usize, emit: Emit): void {
  const parameters = slot(r, 1);
  const seeds = parameters + fields;
  const keyLow = v128.load32_splat(seeds);
  const keyHigh = v128.load32_splat(seeds, 4);
  const counter = load<u64>(seeds, 8);
  const y = pointer(r, 0);
  for (let i = begin & ~31; i < end; i += 32) {
    const first = counter + <u64>(i >> 2);
    let a0 = counterLow(first);
    let a1 = counterHigh(first, a0);
    let a2 = i32x4.splat(0);
    let a3 = a2;
    let b0 = counterLow(first + 4);
    let b1 = counterHigh(first + 4, b0);
    let b2 = a2;
    let b3 = a2;
    let k0 = keyLow;
    let k1 = keyHigh;
    for (let round = 0; round < 10; round++) {
      const m0 = constant(MULTIPLIER_0);
      const m2 = constant(MULTIPLIER_2);
      const a0Low = i64x2.extmul_low_i32x4_u(a0, m0);
      const a0High = i64x2.extmul_high_i32x4_u(a0, m0);
      const a2Low = i64x2.extmul_low_i32x4_u(a2, m2);
      const a2High = i64x2.extmul_high_i32x4_u(a2, m2);
      a0 = v128.xor(v128.xor(highWords(a2Low, a2High), a1), k0);
      a1 = lowWords(a2Low, a2High);
      a2 = v128.xor(v128.xor(highWords(a0Low, a0High), a3), k1);
      a3 = lowWords(a0Low, a0High);
      const b0Low = i64x2.extmul_low_i32x4_u(b0, m0);
      const b0High = i64x2.extmul_high_i32x4_u(b0, m0);
      const b2Low = i64x2.extmul_low_i32x4_u(b2, m2);
      const b2High = i64x2.extmul_high_i32x4_u(b2, m2);
      b0 = v128.xor(v128.xor(highWords(b2Low, b2High), b1), k0);
      b1 = lowWords(b2Low, b2High);
      b2 = v128.xor(v128.xor(highWords(b0Low, b0High), b3), k1);
      b3 = lowWords(b0Low, b0High);
      k0 = i32x4.add(k0, constant(WEYL_0));
      k1 = i32x4.add(k1, constant(WEYL_1));
    }
    emit(parameters, y, i, begin, end, a0, a1, a2, a3);
    emit(parameters, y, i + 16, begin, end, b0, b1, b2, b3);
  }
}

/** Low words of four counters that follow one another. */
// @ts-ignore: decorator
@inline function counterLow(first: u64): v128 {
  return i32x4.add(i32x4.splat(<i32>first), v128.load(FIRST_INTEGERS));
}

/** Their high words: one more where the low word has come round. */
// @ts-ignore: decorator
@inline function counterHigh(first: u64, low: v128): v128 {
  return i32x4.sub(i32x4.splat(<i32>(first >> 32)), i32x4.lt_u(low, i32x4.splat(<i32>first)));
}

function emit<Y, F>(
  functor: usize,
  y: usize,
  i: i32,
  begin: i32,
  end: i32,
  w0: v128,
  w1: v128,
  w2: v128,
  w3: v128,
): void {
  const f = changetype<F>(functor);
  const s0 = f.shared(w0);
  const s2 = f.shared(w2);
  const e0 = f.even(s0, w1);
  const e1 = f.odd(s0, w1);
  const e2 = f.even(s2, w3);
  const e3 = f.odd(s2, w3);
  const a = v128.shuffle<i32>(e0, e1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(e2, e3, 0, 4, 1, 5);
  const c = v128.shuffle<i32>(e0, e1, 2, 6, 3, 7);
  const d = v128.shuffle<i32>(e2, e3, 2, 6, 3, 7);
  storeSixteen<Y>(
    y,
    i,
    begin,
    end,
    v128.shuffle<i64>(a, b, 0, 2),
    v128.shuffle<i64>(a, b, 1, 3),
    v128.shuffle<i64>(c, d, 0, 2),
    v128.shuffle<i64>(c, d, 1, 3),
  );
}

/** Stores those of the elements i to i + 15 that lie in [begin, end). */
// @ts-ignore: decorator
@inline function storeSixteen<Y>(y: usize, i: i32, begin: i32, end: i32, a: v128, b: v128, c: v128, d: v128): void {
  if (sizeof<Y>() == 1) {
    const packed = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(a, b), i16x8.narrow_i32x4_u(c, d));
    if (begin <= i && i + 16 <= end) v128.store(y + i, packed);
    else storeSome(y, i, begin, end, packed, 16, 1);
  } else if (begin <= i && i + 16 <= end) {
    const at = y + ((<usize>i) << 2);
    v128.store(at, a);
    v128.store(at, b, 16);
    v128.store(at, c, 32);
    v128.store(at, d, 48);
  } else {
    storeSome(y, i, begin, end, a, 4, 4);
    storeSome(y, i + 4, begin, end, b, 4, 4);
    storeSome(y, i + 8, begin, end, c, 4, 4);
    storeSome(y, i + 12, begin, end, d, 4, 4);
  }
}

/** Stores those of the elements i to i + n − 1, lanes of `size` bytes, that lie in [begin, end). */
function storeSome(y: usize, i: i32, begin: i32, end: i32, v: v128, n: i32, size: i32): void {
  for (const stop = min(i + n, end); i < stop; i++) {
    if (i >= begin) {
      if (size == 1) v128.store8_lane(y + i, v, 0);
      else v128.store32_lane(y + ((<usize>i) << 2), v, 0);
    }
    v =
      size == 1
        ? v128.shuffle<i8>(v, v, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0)
        : v128.shuffle<i32>(v, v, 1, 2, 3, 0);
  }
}

/** The upper 24 bits of a word as a number in [0, 1): each of its values is a float32, all equally likely. */
// @ts-ignore: decorator
@inline function unit(word: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)), constant(TWO_TO_MINUS_24));
}

/** Uniform in [0, 1). No parameters. */
@unmanaged
class Uniform {
  @inline shared(a: v128): v128 {
    return a;
  }

  @inline even(a: v128, b: v128): v128 {
    return unit(a);
  }

  @inline odd(a: v128, b: v128): v128 {
    return unit(b);
  }
}

export function philox_f32(r: usize, begin: i32, end: i32): void {
  generate<f32, Uniform>(r, begin, end);
}

/**
 * Normal with this mean and deviation (floats), by Box and Muller's method: from each pair of words a and b, with
 * ρ = √(−2 log(1 − unit(a))) and θ = 2π b / 2³², come ρ cos θ and ρ sin θ.
 */
@unmanaged
class Normal {
  mean: f32;
  deviation: f32;

  @inline shared(a: v128): v128 {
    const radius = f32x4.sqrt(f32x4.mul(constant(MINUS_TWO), logNormal(f32x4.sub(constant(ONE), unit(a)))));
    return f32x4.mul(radius, splat(this.deviation));
  }

  @inline even(radius: v128, b: v128): v128 {
    const quadrant = quarter(b);
    return madd(
      radius,
      sineOfQuadrant(angle(b, quadrant), i32x4.add(quadrant, constant(INTEGER_ONE))),
      splat(this.mean),
    );
  }

  @inline odd(radius: v128, b: v128): v128 {
    const quadrant = quarter(b);
    return madd(radius, sineOfQuadrant(angle(b, quadrant), quadrant), splat(this.mean));
  }
}

/** The quadrant, to the nearest, of a word that counts 2³² to the turn. */
// @ts-ignore: decorator
@inline function quarter(word: v128): v128 {
  return i32x4.shr_u(i32x4.add(word, constant(HALF_QUARTER)), 30);
}

/** What remains of the word in radians, in [−π/4, π/4]. */
// @ts-ignore: decorator
@inline function angle(word: v128, quadrant: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(word, i32x4.shl(quadrant, 30))), constant(ANGLE));
}

export function normal_f32(r: usize, begin: i32, end: i32): void {
  generate<f32, Normal>(r, begin, end);
}

/** 1 with this probability (float), else 0: 1 where unit(word) is below it. */
@unmanaged
class Bernoulli {
  probability: f32;

  @inline shared(a: v128): v128 {
    return a;
  }

  @inline even(a: v128, b: v128): v128 {
    return i32x4.shr_u(f32x4.lt(unit(a), splat(this.probability)), 31);
  }

  @inline odd(a: v128, b: v128): v128 {
    return this.even(b, b);
  }
}

export function bernoulli_u8(r: usize, begin: i32, end: i32): void {
  generate<u8, Bernoulli>(r, begin, end);
}

/** `scale` with probability `keep` (floats keep, scale), else 0. */
@unmanaged
class DropoutMask {
  keep: f32;
  scale: f32;

  @inline shared(a: v128): v128 {
    return a;
  }

  @inline even(a: v128, b: v128): v128 {
    return v128.and(f32x4.lt(unit(a), splat(this.keep)), splat(this.scale));
  }

  @inline odd(a: v128, b: v128): v128 {
    return this.even(b, b);
  }
}

export function dropoutMask_f32(r: usize, begin: i32, end: i32): void {
  generate<f32, DropoutMask>(r, begin, end);
}

/**
 * Integers in [lowest, lowest + range) (ints lowest, range): lowest + high(word · range). Their bias is below range /
 * 2³².
 */
@unmanaged
class Integers {
  lowest: i32;
  range: i32;

  @inline shared(a: v128): v128 {
    return a;
  }

  @inline even(a: v128, b: v128): v128 {
    const range = i32x4.splat(this.range);
    const high = highWords(i64x2.extmul_low_i32x4_u(a, range), i64x2.extmul_high_i32x4_u(a, range));
    return i32x4.add(high, i32x4.splat(this.lowest));
  }

  @inline odd(a: v128, b: v128): v128 {
    return this.even(b, b);
  }
}

export function randint_i32(r: usize, begin: i32, end: i32): void {
  generate<i32, Integers>(r, begin, end);
}
