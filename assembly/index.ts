/**
 * The ABI on one page: every kernel of the binary. A kernel computes the work items [begin, end) of a launch record; see
 * launch.ts for the record, and the kernel's own file for its slots.
 */
export { replay, setScratch, takeRefusal } from './launch';
export {
  sigmoid_f32,
  logSigmoid_f32,
  relu_f32,
  relu6_f32,
  silu_f32,
  mish_f32,
  softsign_f32,
  gelu_f32,
  geluTanh_f32,
  hardsigmoid_f32,
  hardswish_f32,
  softplus_f32,
  leakyRelu_f32,
  elu_f32,
  celu_f32,
  selu_f32,
  clamp_f32,
  hardtanh_f32,
  threshold_f32,
} from './activation';
export { adaptiveAvgPool2d_f32, adaptiveAvgPool2d_grad_f32, adaptiveMaxPool2d_f32 } from './adaptivepool';
export { argmax_f32, argmin_f32, argmax_i32, argmin_i32 } from './argreduce';
export { attention_f32 } from './attention';
export { attention_grad_f32 } from './attentiongrad';
export { avgPool2d_f32, avgPool2d_grad_f32 } from './avgpool';
export { batchNormStats_f32, batchNormApply_f32, batchNorm_grad_f32 } from './batchnorm';
export {
  add_f32,
  sub_f32,
  mul_f32,
  div_f32,
  maximum_f32,
  minimum_f32,
  addScaled_f32,
  pow_f32,
  atan2_f32,
  fmod_f32,
  remainder_f32,
  floorDivide_f32,
  add_i32,
  sub_i32,
  mul_i32,
  maximum_i32,
  minimum_i32,
  floorDivide_i32,
  remainder_i32,
  maximum_u8,
  minimum_u8,
  logicalAnd_u8,
  logicalOr_u8,
  logicalXor_u8,
} from './binary';
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
} from './bitwise';
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
} from './cast';
export { inRange_i32 } from './check';
export {
  eq_f32,
  eq_i32,
  eq_u8,
  ne_f32,
  ne_i32,
  ne_u8,
  lt_f32,
  lt_i32,
  le_f32,
  le_i32,
  gt_f32,
  gt_i32,
  ge_f32,
  ge_i32,
} from './compare';
export { conv2d_f32, conv2d_fused_f32, conv2d_grad_input_f32 } from './conv';
export { conv2d_grad_weight_f32 } from './convweight';
export { copy_b4, copy_b2, copy_b1, fill_b4, fill_b2, fill_b1, arange_f32, arange_i32 } from './copy';
export { ctc_f32, ctc_grad_f32 } from './ctc';
export {
  exp_f32,
  exp2_f32,
  expm1_f32,
  log_f32,
  log2_f32,
  log10_f32,
  log1p_f32,
  sin_f32,
  cos_f32,
  tan_f32,
  asin_f32,
  acos_f32,
  atan_f32,
  sinh_f32,
  cosh_f32,
  tanh_f32,
  asinh_f32,
  acosh_f32,
  atanh_f32,
  erf_f32,
  erfc_f32,
  erfinv_f32,
} from './elementary';
export { fft_f32 } from './fft';
export { lgamma_f32, digamma_f32, polygamma_f32 } from './gamma';
export { gemm_f32 } from './gemm';
export {
  relu_grad_f32,
  sigmoid_grad_f32,
  tanh_grad_f32,
  silu_grad_f32,
  gelu_grad_f32,
  geluTanh_grad_f32,
  accumulate_f32,
} from './gradient';
export { warpAffine_f32 } from './image';
export {
  gatherRows_b4,
  scatterAddRows_f32,
  gather_b4,
  scatterAdd_f32,
  scatterAdd_i32,
  scatter_b4,
  tril_f32,
  triu_f32,
} from './indexing';
export { logcumsumexp_f32 } from './logscan';
export { crossEntropy_f32, crossEntropy_grad_f32 } from './loss';
export { layerNorm_f32, layerNorm_grad_f32, layerNorm_grad_weight_f32 } from './norm';
export {
  sgd_f32,
  adam_f32,
  rmsprop_f32,
  adagrad_f32,
  adamax_f32,
  nadam_f32,
  radam_f32,
  adadelta_f32,
  rprop_f32,
  asgd_f32,
  lion_f32,
  clipNorm_f32,
  average_f32,
} from './optim';
export { maxPool2d_f32, maxPool2d_grad_f32 } from './pool';
export { qconv2d_f32 } from './qconv';
export { qgemm_i32, qgemm_f32 } from './qgemm';
export { quantize_i8 } from './quantize';
export { philox_f32, normal_f32, bernoulli_u8, dropoutMask_f32, randint_i32 } from './random';
export { lstmCell_f32, lstmCell_grad_f32, gruCell_f32, gruCell_grad_f32 } from './recurrent';
export {
  prod_f32,
  max_f32,
  min_f32,
  countNonzero_f32,
  sum_i32,
  prod_i32,
  max_i32,
  min_i32,
  any_u8,
  all_u8,
} from './reduce';
export { resample_f32 } from './resample';
export { cumsum_f32, cumprod_f32, cumsum_i32, cumprod_i32 } from './scan';
export {
  scatterProd_f32,
  scatterProd_i32,
  scatterMax_f32,
  scatterMax_i32,
  scatterMin_f32,
  scatterMin_i32,
} from './scatterreduce';
export { softmax_f32, logSoftmax_f32, softmax_grad_f32, logSoftmax_grad_f32 } from './softmax';
export { order_f32, order_i32, runningPlace_f32, runningPlace_i32 } from './sort';
export { sparseProduct_f32 } from './sparse';
export { sparseSample_f32 } from './sparsesample';
export { sum_f32, sumSquares_f32, sumAbs_f32, logsumexp_f32 } from './sum';
export {
  neg_f32,
  abs_f32,
  sign_f32,
  floor_f32,
  ceil_f32,
  round_f32,
  trunc_f32,
  sqrt_f32,
  rsqrt_f32,
  reciprocal_f32,
  square_f32,
  affine_f32,
  isnan_f32,
  isinf_f32,
  neg_i32,
  abs_i32,
  sign_i32,
  square_i32,
  relu_i32,
  logicalNot_u8,
} from './unary';
export { where_b4, where_b1 } from './where';
export { fold_f32 } from './windows';
