export * from './activation.js';
export { type AlphaOptions, add, mul, neg, sub } from './arithmetic.js';
export { expand } from './broadcast.js';
export * from './combine.js';
export * from './compare.js';
export { type ConvOptions, conv2d } from './conv.js';
export * from './counting.js';
export * from './create.js';
export * from './difference.js';
export * from './distance.js';
export { atan2, type DivOptions, div, floorDivide, fmod, remainder } from './division.js';
export { baddbmm, einsum, tensordot } from './einsum.js';
export * from './embedding.js';
export { maximum, minimum } from './extremes.js';
export type { ReduceArguments, ReduceOptions, TypedReduceArguments, TypedReduceOptions } from './fold.js';
export { gather, indexSelect, oneHot } from './indexing.js';
export * from './indexput.js';
export * from './indexwrite.js';
export * from './inplace.js';
export * from './join.js';
export { lerp } from './lerp.js';
export * from './likelihood.js';
export * from './loss.js';
export * from './marginloss.js';
export { argwhere, maskedFill, maskedSelect, type NonzeroOptions, nonzero, where } from './masked.js';
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
export * from './products.js';
export * from './random.js';
export * from './rank.js';
export * from './rearrange.js';
export {
  all,
  amax,
  amin,
  aminmax,
  any,
  argmax,
  argmin,
  countNonzero,
  logsumexp,
  type MinAndMax,
  max,
  mean,
  min,
  nanmean,
  nansum,
  std,
  stdMean,
  sum,
  type ValuesAndIndices,
  type VarArguments,
  type VarOptions,
  variance,
  varMean,
} from './reduce.js';
export type { LossOptions, Reduction } from './reduction.js';
export * from './runningextreme.js';
export * from './scan.js';
export * from './scatter.js';
export {
  type CosineSimilarityOptions,
  cosineSimilarity,
  type PairwiseDistanceOptions,
  pairwiseDistance,
} from './similarity.js';
export * from './softmax.js';
export { argsort, msort, type SortArguments, type SortOptions, sort, type TopkOptions, topk } from './sort.js';
export {
  atleast1d,
  atleast2d,
  atleast3d,
  columnStack,
  concat,
  concatenate,
  dsplit,
  dstack,
  hsplit,
  hstack,
  rowStack,
  type Tensors,
  tensorSplit,
  unbind,
  vsplit,
  vstack,
} from './stacking.js';
export { index, type NestedIndices, type SliceRange, type Subscript, type Subscripts } from './subscript.js';
export { diag, diagonal, tril, triu } from './triangle.js';
export * from './turning.js';
export * from './unary.js';
export * from './unique.js';
export { type NormOptions, norm } from './vectornorm.js';
export * from './window.js';
