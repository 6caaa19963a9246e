/** Unary kernels that need no approximation: signs, rounding, roots, tests. Slots and work: see map.ts. */
import { map } from './map';
import { constant, INFINITE, magnitude, negate, ONE, ZERO } from './math';
import { madd, splat } from './simd';

@unmanaged
class Negate {
  @inline v(x: v128): v128 {
    return negate(x);
  }
}

export function neg_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Negate>(r, begin, end);
}

@unmanaged
class Magnitude {
  @inline v(x: v128): v128 {
    return magnitude(x);
  }
}

export function abs_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Magnitude>(r, begin, end);
}

/** 0 for NaN, as PyTorch has it. */
@unmanaged
class Sign {
  @inline v(x: v128): v128 {
    const one = constant(ONE);
    const zero = constant(ZERO);
    return f32x4.sub(v128.and(f32x4.gt(x, zero), one), v128.and(f32x4.lt(x, zero), one));
  }
}

export function sign_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Sign>(r, begin, end);
}

@unmanaged
class Floor {
  @inline v(x: v128): v128 {
    return f32x4.floor(x);
  }
}

export function floor_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Floor>(r, begin, end);
}

@unmanaged
class Ceil {
  @inline v(x: v128): v128 {
    return f32x4.ceil(x);
  }
}

export function ceil_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Ceil>(r, begin, end);
}

/** Halves go to the even neighbour. */
@unmanaged
class Round {
  @inline v(x: v128): v128 {
    return f32x4.nearest(x);
  }
}

export function round_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Round>(r, begin, end);
}

@unmanaged
class Trunc {
  @inline v(x: v128): v128 {
    return f32x4.trunc(x);
  }
}

export function trunc_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Trunc>(r, begin, end);
}

@unmanaged
class Sqrt {
  @inline v(x: v128): v128 {
    return f32x4.sqrt(x);
  }
}

export function sqrt_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Sqrt>(r, begin, end);
}

@unmanaged
class Rsqrt {
  @inline v(x: v128): v128 {
    return f32x4.div(constant(ONE), f32x4.sqrt(x));
  }
}

export function rsqrt_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Rsqrt>(r, begin, end);
}

@unmanaged
class Reciprocal {
  @inline v(x: v128): v128 {
    return f32x4.div(constant(ONE), x);
  }
}

export function reciprocal_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Reciprocal>(r, begin, end);
}

@unmanaged
class Square {
  @inline v(x: v128): v128 {
    return f32x4.mul(x, x);
  }
}

export function square_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Square>(r, begin, end);
}

/** x · scale + shift. */
@unmanaged
class Affine {
  scale: f32;
  shift: f32;

  @inline v(x: v128): v128 {
    return madd(x, splat(this.scale), splat(this.shift));
  }
}

export function affine_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Affine>(r, begin, end);
}

@unmanaged
class IsNan {
  @inline v(x: v128): v128 {
    return i32x4.shr_u(f32x4.ne(x, x), 31);
  }
}

export function isnan_f32(r: usize, begin: i32, end: i32): void {
  map<f32, u8, IsNan>(r, begin, end);
}

@unmanaged
class IsInfinite {
  @inline v(x: v128): v128 {
    return i32x4.shr_u(f32x4.eq(magnitude(x), constant(INFINITE)), 31);
  }
}

export function isinf_f32(r: usize, begin: i32, end: i32): void {
  map<f32, u8, IsInfinite>(r, begin, end);
}

// ── integers and booleans
// ───────────────────────────────────────────────────────────────────────────────────────────────

@unmanaged
class NegateInt {
  @inline v(x: v128): v128 {
    return i32x4.neg(x);
  }
}

export function neg_i32(r: usize, begin: i32, end: i32): void {
  map<i32, i32, NegateInt>(r, begin, end);
}

@unmanaged
class MagnitudeInt {
  @inline v(x: v128): v128 {
    return i32x4.abs(x);
  }
}

export function abs_i32(r: usize, begin: i32, end: i32): void {
  map<i32, i32, MagnitudeInt>(r, begin, end);
}

@unmanaged
class SignInt {
  @inline v(x: v128): v128 {
    const zero = i32x4.splat(0);
    return i32x4.sub(i32x4.lt_s(x, zero), i32x4.gt_s(x, zero));
  }
}

export function sign_i32(r: usize, begin: i32, end: i32): void {
  map<i32, i32, SignInt>(r, begin, end);
}

@unmanaged
class SquareInt {
  @inline v(x: v128): v128 {
    return i32x4.mul(x, x);
  }
}

export function square_i32(r: usize, begin: i32, end: i32): void {
  map<i32, i32, SquareInt>(r, begin, end);
}

@unmanaged
class ReluInt {
  @inline v(x: v128): v128 {
    return i32x4.max_s(x, i32x4.splat(0));
  }
}

export function relu_i32(r: usize, begin: i32, end: i32): void {
  map<i32, i32, ReluInt>(r, begin, end);
}

@unmanaged
class LogicalNot {
  @inline v(x: v128): v128 {
    return v128.and(i8x16.eq(x, i8x16.splat(0)), i8x16.splat(1));
  }
}

export function logicalNot_u8(r: usize, begin: i32, end: i32): void {
  map<u8, u8, LogicalNot>(r, begin, end);
}
