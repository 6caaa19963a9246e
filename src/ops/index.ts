export * from './activation.js';
export {
  type AdaptiveMaxPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  type OutputSize,
} from './adaptivepool.js';
export { type AlphaOptions, add, mul, neg, sub } from './arithmetic.js';
export { avgPool1d, avgPool2d, avgPool3d } from './avgpool.js';
export { expand } from './broadcast.js';
export * from './compare.js';
export { conv1d, conv2d, conv3d } from './conv.js';
export type { ConvOptions, ConvTransposeOptions } from './convfield.js';
export { convTranspose1d, convTranspose2d, convTranspose3d } from './convtranspose.js';
export * from './create.js';
export { atan2, type DivOptions, div, floorDivide, fmod, remainder } from './division.js';
export { baddbmm, einsum, tensordot } from './einsum.js';
export { maximum, minimum } from './extremes.js';
export type { ReduceArguments, ReduceOptions } from './fold.js';
export { gather, indexSelect, oneHot } from './indexing.js';
export * from './inplace.js';
export * from './join.js';
export { lerp } from './lerp.js';
export * from './likelihood.js';
export * from './loss.js';
export { type LPPoolOptions, lpPool1d, lpPool2d } from './lppool.js';
export * from './marginloss.js';
export { maskedFill, maskedSelect, type NonzeroOptions, nonzero } from './masked.js';
export { addmm, bmm, dot, linear, matmul, mm, mv, outer } from './matmul.js';
export { maxPool1d, maxPool2d, maxPool3d, type Pooled } from './maxpool.js';
export { type MaxUnpoolOptions, maxUnpool1d, maxUnpool2d, maxUnpool3d } from './maxunpool.js';
export * from './movement.js';
export * from './norm.js';
export * from './pad.js';
export type { AvgPoolOptions, MaxPoolOptions, PoolOptions } from './poolfield.js';
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
export { fold, type UnfoldOptions, unfold } from './unfold.js';
export { type NormOptions, norm } from './vectornorm.js';
export type { Extent, Pair, Single, Triple } from './window.js';
