/** Gradients that are one pass over two operands, and the sum of gradients. Slots and work: see zip.ts. */
import { geluSlope, geluTanhSlope } from './gaussian';
import { sigmoid } from './hyperbolic';
import { pointer } from './launch';
import { constant, ONE, ZERO } from './math';
import { bytes, madd, nmadd } from './simd';
import { zip, zipLong } from './zip';

/** a: gradient, b: the result of relu, or its input. NaN lets the gradient pass, as it does in PyTorch. */
@unmanaged
class ReluGradient {
  @inline v(a: v128, b: v128): v128 {
    return v128.andnot(a, f32x4.le(b, constant(ZERO)));
  }
}

export function relu_grad_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, ReluGradient>(r, begin, end);
}

/** a: gradient, b: the result of sigmoid. */
@unmanaged
class SigmoidGradient {
  @inline v(a: v128, b: v128): v128 {
    return f32x4.mul(f32x4.mul(a, f32x4.sub(constant(ONE), b)), b);
  }
}

export function sigmoid_grad_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, SigmoidGradient>(r, begin, end);
}

/** a: gradient, b: the result of tanh. */
@unmanaged
class TanhGradient {
  @inline v(a: v128, b: v128): v128 {
    return f32x4.mul(a, nmadd(b, b, constant(ONE)));
  }
}

export function tanh_grad_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, TanhGradient>(r, begin, end);
}

/** a: gradient, b: the input of silu. σ(x) (1 + x (1 − σ(x))). */
@unmanaged
class SiluGradient {
  @inline v(a: v128, b: v128): v128 {
    const s = sigmoid(b);
    return f32x4.mul(f32x4.mul(a, s), madd(b, f32x4.sub(constant(ONE), s), constant(ONE)));
  }
}

export function silu_grad_f32(r: usize, begin: i32, end: i32): void {
  zipLong<SiluGradient>(r, begin, end);
}

/** a: gradient, b: the input of gelu. */
@unmanaged
class GeluGradient {
  @inline v(a: v128, b: v128): v128 {
    return f32x4.mul(a, geluSlope(b));
  }
}

export function gelu_grad_f32(r: usize, begin: i32, end: i32): void {
  zipLong<GeluGradient>(r, begin, end);
}

/** a: gradient, b: the input of geluTanh. */
@unmanaged
class GeluTanhGradient {
  @inline v(a: v128, b: v128): v128 {
    return f32x4.mul(a, geluTanhSlope(b));
  }
}

export function geluTanh_grad_f32(r: usize, begin: i32, end: i32): void {
  zipLong<GeluTanhGradient>(r, begin, end);
}

/**
 * y += x.
 *
 * slots: y, x (pointers)
 * work:  elements; both are contiguous
 */
export function accumulate_f32(r: usize, begin: i32, end: i32): void {
  let y = pointer(r, 0) + bytes(begin);
  let x = pointer(r, 1) + bytes(begin);
  let n = end - begin;
  while (n >= 8) {
    const a = f32x4.add(v128.load(y), v128.load(x));
    const b = f32x4.add(v128.load(y, 16), v128.load(x, 16));
    v128.store(y, a);
    v128.store(y, b, 16);
    y += 32;
    x += 32;
    n -= 8;
  }
  while (n > 0) {
    store<f32>(y, load<f32>(y) + load<f32>(x));
    y += 4;
    x += 4;
    n--;
  }
}
