/** Arithmetic of fewer programs: rounding, remainders, powers, bits. */
export { clamp_f32 } from '../activation';
export {
  pow_f32,
  atan2_f32,
  fmod_f32,
  remainder_f32,
  floorDivide_f32,
  floorDivide_i32,
  remainder_i32,
} from '../binary';
export {
  bitwiseAnd_i32,
  bitwiseOr_i32,
  bitwiseXor_i32,
  bitwiseLeftShift_i32,
  bitwiseRightShift_i32,
  gcd_i32,
  pow_i32,
  copysign_f32,
  hypot_f32,
} from '../bitwise';
export { sign_f32, floor_f32, ceil_f32, round_f32, trunc_f32, rsqrt_f32, reciprocal_f32, sign_i32 } from '../unary';
