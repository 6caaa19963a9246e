import type { Shaders } from '../shader.js';
import { map, zip } from './each.js';

/** Elementary and special functions of fewer programs: assembly/elementary.ts, assembly/gamma.ts and assembly/power.ts. */
export const functions: Shaders = {
  sin_f32: map('sine(x)'),
  cos_f32: map('cosine(x)'),
  tan_f32: map('tangent(x)'),
  asin_f32: map('arc_sine(x)'),
  acos_f32: map('arc_cosine(x)'),
  atan_f32: map('arc_tangent(x)'),
  sinh_f32: map('hyperbolic_sine(x)'),
  cosh_f32: map('hyperbolic_cosine(x)'),
  asinh_f32: map('arc_hyperbolic_sine(x)'),
  acosh_f32: map('arc_hyperbolic_cosine(x)'),
  atanh_f32: map('arc_hyperbolic_tangent(x)'),
  erfc_f32: map('complementary_error(x)'),
  erfinv_f32: map('inverse_error(x)'),
  lgamma_f32: map('log_gamma(x)'),
  digamma_f32: map('digamma_of(x)'),
  polygamma_f32: map('polygamma_of(i32(float(0)), x)'),
  pow_f32: zip('power(a, b)'),
  atan2_f32: zip('angle_of(a, b)'),
  fmod_f32: zip('float_remainder(a, b)'),
  remainder_f32: zip('remainder_of(a, b)'),
  floorDivide_f32: zip('floor_quotient(a, b)'),
  hypot_f32: zip('hypotenuse(a, b)'),
};
