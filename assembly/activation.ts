/** Activation functions, with PyTorch's definitions. Slots and work: see map.ts. */
import { gelu, geluTanh } from './gaussian';
import { logSigmoid, sigmoid, softplus, tanhSoftplus } from './hyperbolic';
import { map, mapLong } from './map';
import { choose, constant, expm1, magnitude, ONE, ZERO } from './math';
import { splat } from './simd';

const THREE: usize = memory.data<f32>([3]);
const SIX: usize = memory.data<f32>([6]);
const SELU_SCALE: usize = memory.data<f32>([1.0507009873554804934193349852946]);
// scale · alpha with alpha = 1.6732632423543772848170429916717.
const SELU_SCALE_ALPHA: usize = memory.data<f32>([1.7580993408473768599402175208123]);

/** min(max(x + 3, 0), 6). */
// @ts-ignore: decorator
@inline function hardRamp(x: v128): v128 {
  return f32x4.pmin(f32x4.pmax(f32x4.add(x, constant(THREE)), constant(ZERO)), constant(SIX));
}

@unmanaged
class Sigmoid {
  @inline v(x: v128): v128 {
    return sigmoid(x);
  }
}

export function sigmoid_f32(r: usize, begin: i32, end: i32): void {
  mapLong<Sigmoid>(r, begin, end);
}

@unmanaged
class LogSigmoid {
  @inline v(x: v128): v128 {
    return logSigmoid(x);
  }
}

export function logSigmoid_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, LogSigmoid>(r, begin, end);
}

/** pmax(x, 0) is x < 0 ? 0 : x, and so keeps NaN. */
@unmanaged
class Relu {
  @inline v(x: v128): v128 {
    return f32x4.pmax(x, constant(ZERO));
  }
}

export function relu_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Relu>(r, begin, end);
}

@unmanaged
class Relu6 {
  @inline v(x: v128): v128 {
    return f32x4.pmin(f32x4.pmax(x, constant(ZERO)), constant(SIX));
  }
}

export function relu6_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Relu6>(r, begin, end);
}

@unmanaged
class Silu {
  @inline v(x: v128): v128 {
    return f32x4.mul(x, sigmoid(x));
  }
}

export function silu_f32(r: usize, begin: i32, end: i32): void {
  mapLong<Silu>(r, begin, end);
}

@unmanaged
class Mish {
  @inline v(x: v128): v128 {
    return f32x4.mul(x, tanhSoftplus(x));
  }
}

export function mish_f32(r: usize, begin: i32, end: i32): void {
  mapLong<Mish>(r, begin, end);
}

@unmanaged
class Softsign {
  @inline v(x: v128): v128 {
    return f32x4.div(x, f32x4.add(constant(ONE), magnitude(x)));
  }
}

export function softsign_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Softsign>(r, begin, end);
}

@unmanaged
class Gelu {
  @inline v(x: v128): v128 {
    return gelu(x);
  }
}

export function gelu_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Gelu>(r, begin, end);
}

@unmanaged
class GeluTanh {
  @inline v(x: v128): v128 {
    return geluTanh(x);
  }
}

export function geluTanh_f32(r: usize, begin: i32, end: i32): void {
  mapLong<GeluTanh>(r, begin, end);
}

@unmanaged
class Hardsigmoid {
  @inline v(x: v128): v128 {
    return f32x4.div(hardRamp(x), constant(SIX));
  }
}

export function hardsigmoid_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Hardsigmoid>(r, begin, end);
}

@unmanaged
class Hardswish {
  @inline v(x: v128): v128 {
    return f32x4.div(f32x4.mul(x, hardRamp(x)), constant(SIX));
  }
}

export function hardswish_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Hardswish>(r, begin, end);
}

/** log(1 + e^(beta x)) / beta, or x itself where beta x is above the threshold. */
@unmanaged
class Softplus {
  beta: f32;
  threshold: f32;

  @inline v(x: v128): v128 {
    const scaled = f32x4.mul(x, splat(this.beta));
    const y = f32x4.div(softplus(scaled), splat(this.beta));
    return choose(f32x4.gt(scaled, splat(this.threshold)), x, y);
  }
}

export function softplus_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Softplus>(r, begin, end);
}

@unmanaged
class LeakyRelu {
  slope: f32;

  @inline v(x: v128): v128 {
    return choose(f32x4.gt(x, constant(ZERO)), x, f32x4.mul(x, splat(this.slope)));
  }
}

export function leakyRelu_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, LeakyRelu>(r, begin, end);
}

@unmanaged
class Elu {
  alpha: f32;

  @inline v(x: v128): v128 {
    return choose(f32x4.le(x, constant(ZERO)), f32x4.mul(splat(this.alpha), expm1(x)), x);
  }
}

export function elu_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Elu>(r, begin, end);
}

@unmanaged
class Celu {
  alpha: f32;

  @inline v(x: v128): v128 {
    const alpha = splat(this.alpha);
    const scaled = f32x4.mul(x, f32x4.div(constant(ONE), alpha));
    return choose(f32x4.le(x, constant(ZERO)), f32x4.mul(alpha, expm1(scaled)), x);
  }
}

export function celu_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Celu>(r, begin, end);
}

@unmanaged
class Selu {
  @inline v(x: v128): v128 {
    const scaled = f32x4.mul(x, constant(SELU_SCALE));
    return choose(f32x4.le(x, constant(ZERO)), f32x4.mul(constant(SELU_SCALE_ALPHA), expm1(x)), scaled);
  }
}

export function selu_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Selu>(r, begin, end);
}

/** min(max(x, lowest), highest). NaN stays. */
@unmanaged
class Clamp {
  lowest: f32;
  highest: f32;

  @inline v(x: v128): v128 {
    return f32x4.pmin(f32x4.pmax(x, splat(this.lowest)), splat(this.highest));
  }
}

export function clamp_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Clamp>(r, begin, end);
}

export function hardtanh_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Clamp>(r, begin, end);
}

/** x where it is above the limit, the value elsewhere. */
@unmanaged
class Threshold {
  limit: f32;
  value: f32;

  @inline v(x: v128): v128 {
    return choose(f32x4.le(x, splat(this.limit)), splat(this.value), x);
  }
}

export function threshold_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Threshold>(r, begin, end);
}
