/** fettle/ops: every op as a function alone: what a small bundle imports, since methods bring all of them along. */
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
export { type AffineGridOptions, affineGrid } from './affinegrid.js';
export * from './aliases.js';
export * from './alphadropout.js';
export { type AlphaOptions, add, mul, neg, sub } from './arithmetic.js';
export { type AttentionOptions, scaledDotProductAttention } from './attention.js';
export { avgPool1d, avgPool2d, avgPool3d } from './avgpool.js';
export { bilinear } from './bilinear.js';
export * from './binaryloss.js';
export * from './bitwise.js';
export { expand } from './broadcast.js';
export * from './closeness.js';
export * from './combine.js';
export * from './compare.js';
export { conv1d, conv2d, conv3d } from './conv.js';
export type { ConvOptions, ConvTransposeOptions } from './convfield.js';
export { convTranspose1d, convTranspose2d, convTranspose3d } from './convtranspose.js';
export * from './counting.js';
export * from './create.js';
export * from './crossentropy.js';
export * from './ctc.js';
export * from './difference.js';
export * from './distance.js';
export {
  bernoulli,
  type DrawOptions,
  type MultinomialArguments,
  multinomial,
  normal,
  poisson,
  randintLike,
} from './distributions.js';
export { atan2, type DivOptions, div, floorDivide, fmod, remainder } from './division.js';
export { baddbmm, einsum, tensordot } from './einsum.js';
export * from './embedding.js';
export { fmax, fmin, maximum, minimum } from './extremes.js';
export { type ComplexFftOptions, type FftOptions, type FourierNorm, fft, ifft, irfft, rfft } from './fft.js';
export * from './fftn.js';
export { fillDiagonal_ } from './filldiagonal.js';
export * from './fills.js';
export type { ReduceArguments, ReduceOptions, TypedReduceArguments, TypedReduceOptions } from './fold.js';
export { type GridMode, type GridSampleOptions, gridSample } from './gridsample.js';
export { type GroupNormOptions, groupNorm } from './groupnorm.js';
export { gather, indexSelect, oneHot } from './indexing.js';
export * from './indexput.js';
export * from './indexwrite.js';
export { copy_, fill_, zero_ } from './inplace.js';
export { type InstanceNormOptions, instanceNorm } from './instancenorm.js';
export { type InterpolateMode, type InterpolateOptions, interpolate } from './interpolate.js';
export * from './join.js';
export { lerp } from './lerp.js';
export * from './likelihood.js';
export * from './loss.js';
export { type LPPoolOptions, lpPool1d, lpPool2d } from './lppool.js';
export * from './marginloss.js';
export { argwhere, maskedFill, maskedSelect, type NonzeroOptions, nonzero, where } from './masked.js';
export { addmm, type BlendOptions, bmm, dot, linear, matmul, mm, mv, outer } from './matmul.js';
export { maxPool1d, maxPool2d, maxPool3d, type Pooled } from './maxpool.js';
export { type MaxUnpoolOptions, maxUnpool1d, maxUnpool2d, maxUnpool3d } from './maxunpool.js';
export { type IsinOptions, isin } from './membership.js';
export * from './movement.js';
export * from './multimargin.js';
export { type BatchNormOptions, batchNorm, type LayerNormOptions, layerNorm } from './norm.js';
export { type LocalResponseNormOptions, localResponseNorm, type NormalizeOptions, normalize } from './normalize.js';
export * from './pad.js';
export * from './parts.js';
export * from './paste.js';
export * from './pixelshuffle.js';
export type { AvgPoolOptions, MaxPoolOptions, PoolOptions } from './poolfield.js';
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
  variance as var,
  varMean,
} from './reduce.js';
export type { LossOptions, Reduction } from './reduction.js';
export { type RmsNormOptions, rmsNorm } from './rmsnorm.js';
export * from './runningextreme.js';
export * from './scan.js';
export * from './scatter.js';
export * from './shrinkage.js';
export * from './signalwindow.js';
export {
  type CosineSimilarityOptions,
  cosineSimilarity,
  type PairwiseDistanceOptions,
  pairwiseDistance,
} from './similarity.js';
export * from './softmax.js';
export { argsort, msort, type SortArguments, type SortOptions, sort, type TopkOptions, topk } from './sort.js';
export * as sparse from './sparse.js';
export * from './specialfunctions.js';
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
export { type CovOptions, corrcoef, cov } from './statistics.js';
export { type IstftOptions, istft, type StftOptions, stft } from './stft.js';
export { index, type NestedIndices, type SliceRange, type Subscript, type Subscripts } from './subscript.js';
export * from './threefold.js';
export { diag, diagonal, tril, triu } from './triangle.js';
export * from './turning.js';
export * from './unary.js';
export { fold, type UnfoldOptions, unfold } from './unfold.js';
export * from './unique.js';
export * from './updates.js';
export { type NormOptions, norm } from './vectornorm.js';
export type { Extent, Pair, Single, Triple } from './window.js';
