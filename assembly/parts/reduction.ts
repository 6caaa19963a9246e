/** Reductions beyond the sum, and scans. */
export { argmax_f32, argmin_f32, argmax_i32, argmin_i32 } from '../argreduce';
export { logcumsumexp_f32 } from '../logscan';
export { prod_f32, max_f32, min_f32, countNonzero_f32, prod_i32, max_i32, min_i32, any_u8, all_u8 } from '../reduce';
export { cumsum_f32, cumprod_f32, cumsum_i32, cumprod_i32 } from '../scan';
export { sumSquares_f32, sumAbs_f32, logsumexp_f32 } from '../sum';
