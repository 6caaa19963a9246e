/** Comparing and choosing: comparisons, logic, the larger of two, `where`. */
export {
  maximum_f32,
  minimum_f32,
  maximum_i32,
  minimum_i32,
  maximum_u8,
  minimum_u8,
  logicalAnd_u8,
  logicalOr_u8,
  logicalXor_u8,
} from '../binary';
export { lt_f32, lt_i32, le_f32, le_i32, gt_f32, gt_i32, ge_f32, ge_i32 } from '../compare';
export { isnan_f32, isinf_f32, logicalNot_u8 } from '../unary';
export { where_b4, where_b1 } from '../where';
