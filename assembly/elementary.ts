/** Unary kernels of the elementary functions. Slots and work: see map.ts. */
import { erf, erfc, erfinv } from './gaussian';
import { acosh, asinh, atanh, cosh, sinh, tanh } from './hyperbolic';
import { map, mapGuarded, mapLong } from './map';
import {
  exp,
  exp2,
  expm1,
  log10Mend,
  log10Normal,
  log1pMend,
  log1pRare,
  log1pUsual,
  log2Mend,
  log2Normal,
  logMend,
  logNormal,
  logRare,
} from './math';
import {
  acos,
  asin,
  atan,
  cosMend,
  cosUsual,
  sinMend,
  sinUsual,
  tanMend,
  tanUsual,
  trigonometricRare,
} from './trigonometry';

@unmanaged
class Exp {
  @inline v(x: v128): v128 {
    return exp(x);
  }
}

export function exp_f32(r: usize, begin: i32, end: i32): void {
  mapLong<Exp>(r, begin, end);
}

@unmanaged
class Exp2 {
  @inline v(x: v128): v128 {
    return exp2(x);
  }
}

export function exp2_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Exp2>(r, begin, end);
}

@unmanaged
class Expm1 {
  @inline v(x: v128): v128 {
    return expm1(x);
  }
}

export function expm1_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Expm1>(r, begin, end);
}

@unmanaged
class Log {
  @inline v(x: v128): v128 {
    return logNormal(x);
  }

  @inline rare(x: v128): v128 {
    return logRare(x);
  }

  @inline mend(x: v128, y: v128): v128 {
    return logMend(x, y);
  }
}

export function log_f32(r: usize, begin: i32, end: i32): void {
  mapGuarded<Log>(r, begin, end);
}

@unmanaged
class Log2 {
  @inline v(x: v128): v128 {
    return log2Normal(x);
  }

  @inline rare(x: v128): v128 {
    return logRare(x);
  }

  @inline mend(x: v128, y: v128): v128 {
    return log2Mend(x, y);
  }
}

export function log2_f32(r: usize, begin: i32, end: i32): void {
  mapGuarded<Log2>(r, begin, end);
}

@unmanaged
class Log10 {
  @inline v(x: v128): v128 {
    return log10Normal(x);
  }

  @inline rare(x: v128): v128 {
    return logRare(x);
  }

  @inline mend(x: v128, y: v128): v128 {
    return log10Mend(x, y);
  }
}

export function log10_f32(r: usize, begin: i32, end: i32): void {
  mapGuarded<Log10>(r, begin, end);
}

@unmanaged
class Log1p {
  @inline v(x: v128): v128 {
    return log1pUsual(x);
  }

  @inline rare(x: v128): v128 {
    return log1pRare(x);
  }

  @inline mend(x: v128, y: v128): v128 {
    return log1pMend(x, y);
  }
}

export function log1p_f32(r: usize, begin: i32, end: i32): void {
  mapGuarded<Log1p>(r, begin, end);
}

@unmanaged
class Sin {
  @inline v(x: v128): v128 {
    return sinUsual(x);
  }

  @inline rare(x: v128): v128 {
    return trigonometricRare(x);
  }

  @inline mend(x: v128, y: v128): v128 {
    return sinMend(x, y);
  }
}

export function sin_f32(r: usize, begin: i32, end: i32): void {
  mapGuarded<Sin>(r, begin, end);
}

@unmanaged
class Cos {
  @inline v(x: v128): v128 {
    return cosUsual(x);
  }

  @inline rare(x: v128): v128 {
    return trigonometricRare(x);
  }

  @inline mend(x: v128, y: v128): v128 {
    return cosMend(x, y);
  }
}

export function cos_f32(r: usize, begin: i32, end: i32): void {
  mapGuarded<Cos>(r, begin, end);
}

@unmanaged
class Tan {
  @inline v(x: v128): v128 {
    return tanUsual(x);
  }

  @inline rare(x: v128): v128 {
    return trigonometricRare(x);
  }

  @inline mend(x: v128, y: v128): v128 {
    return tanMend(x, y);
  }
}

export function tan_f32(r: usize, begin: i32, end: i32): void {
  mapGuarded<Tan>(r, begin, end);
}

@unmanaged
class Asin {
  @inline v(x: v128): v128 {
    return asin(x);
  }
}

export function asin_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Asin>(r, begin, end);
}

@unmanaged
class Acos {
  @inline v(x: v128): v128 {
    return acos(x);
  }
}

export function acos_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Acos>(r, begin, end);
}

@unmanaged
class Atan {
  @inline v(x: v128): v128 {
    return atan(x);
  }
}

export function atan_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Atan>(r, begin, end);
}

@unmanaged
class Sinh {
  @inline v(x: v128): v128 {
    return sinh(x);
  }
}

export function sinh_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Sinh>(r, begin, end);
}

@unmanaged
class Cosh {
  @inline v(x: v128): v128 {
    return cosh(x);
  }
}

export function cosh_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Cosh>(r, begin, end);
}

@unmanaged
class Tanh {
  @inline v(x: v128): v128 {
    return tanh(x);
  }
}

export function tanh_f32(r: usize, begin: i32, end: i32): void {
  mapLong<Tanh>(r, begin, end);
}

@unmanaged
class Asinh {
  @inline v(x: v128): v128 {
    return asinh(x);
  }
}

export function asinh_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Asinh>(r, begin, end);
}

@unmanaged
class Acosh {
  @inline v(x: v128): v128 {
    return acosh(x);
  }
}

export function acosh_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Acosh>(r, begin, end);
}

@unmanaged
class Atanh {
  @inline v(x: v128): v128 {
    return atanh(x);
  }
}

export function atanh_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Atanh>(r, begin, end);
}

@unmanaged
class Erf {
  @inline v(x: v128): v128 {
    return erf(x);
  }
}

export function erf_f32(r: usize, begin: i32, end: i32): void {
  mapLong<Erf>(r, begin, end);
}

@unmanaged
class Erfc {
  v(x: v128): v128 {
    return erfc(x);
  }
}

export function erfc_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Erfc>(r, begin, end);
}

@unmanaged
class Erfinv {
  v(x: v128): v128 {
    return erfinv(x);
  }
}

export function erfinv_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Erfinv>(r, begin, end);
}
