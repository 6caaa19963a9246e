export * from './activation.js';
export { type AlphaOptions, add, mul, neg, sub } from './arithmetic.js';
export { expand } from './broadcast.js';
export * from './compare.js';
export { type ConvOptions, conv2d } from './conv.js';
export * from './create.js';
export { atan2, type DivOptions, div, floorDivide, fmod, remainder } from './division.js';
export { baddbmm, einsum, tensordot } from './einsum.js';
export { maximum, minimum } from './extremes.js';
export * from './fills.js';
export type { ReduceArguments, ReduceOptions } from './fold.js';
export { gather, indexSelect, oneHot } from './indexing.js';
export { copy_, fill_, zero_ } from './inplace.js';
export * from './join.js';
export { lerp } from './lerp.js';
export * from './likelihood.js';
export * from './loss.js';
export * from './marginloss.js';
export { maskedFill, maskedSelect, type NonzeroOptions, nonzero } from './masked.js';
export { addmm, bmm, dot, linear, matmul, mm, mv, outer } from './matmul.js';
export * from './movement.js';
export * from './norm.js';
export * from './pad.js';
export {
  type AvgPoolOptions,
  adaptiveAvgPool2d,
  avgPool2d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  type Pair,
  type PoolOptions,
  pair,
} from './pool.js';
export { pow } from './power.js';
export { prod } from './product.js';
export * from './random.js';
export * from './rearrange.js';
export {
  all,
  amax,
  amin,
  any,
  argmax,
  argmin,
  logsumexp,
  max,
  mean,
  min,
  std,
  sum,
  type ValuesAndIndices,
  type VarOptions,
  variance,
} from './reduce.js';
export type { LossOptions, Reduction } from './reduction.js';
export * from './scan.js';
export * from './scatter.js';
export {
  type CosineSimilarityOptions,
  cosineSimilarity,
  type PairwiseDistanceOptions,
  pairwiseDistance,
} from './similarity.js';
export * from './softmax.js';
export * from './sort.js';
export * from './triangle.js';
export * from './unary.js';
export * from './updates.js';
export { type NormOptions, norm } from './vectornorm.js';
