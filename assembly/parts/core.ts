/** What every program that trains has: copying, arithmetic, sums, products of matrices, and the ops of a classifier. */
export { replay } from '../launch';
export { relu_f32 } from '../activation';
export { add_f32, sub_f32, mul_f32, div_f32, add_i32, sub_i32, mul_i32 } from '../binary';
export {
  cast_i8_i32,
  cast_u8_i32,
  cast_i8_u8,
  cast_u8_i8,
  cast_i32_f32,
  cast_i8_f32,
  cast_u8_f32,
  cast_f32_i32,
  cast_f32_i8,
  cast_f32_u8,
  cast_i32_i8,
  cast_i32_u8,
  cast_f32_bool,
  cast_i32_bool,
  cast_i8_bool,
  cast_u8_bool,
  cast_f16_f32,
  cast_f32_f16,
} from '../cast';
export { inRange_i32 } from '../check';
export { eq_f32, eq_i32, eq_u8, ne_f32, ne_i32, ne_u8 } from '../compare';
export { copy_b4, copy_b2, copy_b1, fill_b4, fill_b2, fill_b1, arange_f32, arange_i32 } from '../copy';
export { exp_f32 } from '../elementary';
export { gemm_f32 } from '../gemm';
export { relu_grad_f32, accumulate_f32 } from '../gradient';
export { crossEntropy_f32, crossEntropy_grad_f32 } from '../loss';
export { sgd_f32, adam_f32 } from '../optim';
export { philox_f32 } from '../random';
export { sum_i32 } from '../reduce';
export { softmax_f32, logSoftmax_f32, softmax_grad_f32, logSoftmax_grad_f32 } from '../softmax';
export { sum_f32 } from '../sum';
export { neg_f32, abs_f32, sqrt_f32, square_f32, affine_f32, neg_i32, abs_i32, square_i32, relu_i32 } from '../unary';
