import type { DType } from '../core/dtype.js';
import type { Flat, Led, Named } from '../core/keywords.js';
import type { Generator } from '../core/random.js';
import type { FloatOf, MatmulRank, Minus1, Plus1 } from '../core/rank.js';
import type { Shape } from '../core/shape.js';
import type { BinaryResult, ListedRank, OtherOf, Others, ReducedRank } from '../core/signatures.js';
import type { Listed } from '../core/sizes.js';
import type { Tensor } from '../core/tensor.js';
import type { GeluOptions, Setting, ThresholdOptions } from '../ops/activation.js';
import type { AdaptiveMaxPoolArguments, AsksAdaptive, NamedAdaptiveMaxPool, OutputSize } from '../ops/adaptivepool.js';
import type { AffineGridOptions } from '../ops/affinegrid.js';
import type { DropoutNdOptions } from '../ops/alphadropout.js';
import type { AlphaOptions } from '../ops/arithmetic.js';
import type { AttentionOptions } from '../ops/attention.js';
import type { BceOptions, BceWithLogitsOptions } from '../ops/binaryloss.js';
import type { ClosenessOptions } from '../ops/closeness.js';
import type { CombinationsOptions, RepeatInterleaveOptions, VanderOptions } from '../ops/combine.js';
import type { ConvOptions, ConvTransposeOptions } from '../ops/convfield.js';
import type { BincountOptions, HistcOptions, SearchsortedOptions } from '../ops/counting.js';
import type { CrossEntropyOptions, NllOptions } from '../ops/crossentropy.js';
import type { CtcOptions } from '../ops/ctc.js';
import type { Lengths } from '../ops/ctcstates.js';
import type { DiffOptions, TrapezoidArguments } from '../ops/difference.js';
import type { CdistOptions, POption } from '../ops/distance.js';
import type { DrawOptions, MultinomialArguments, NormalOptions } from '../ops/distributions.js';
import type { DivOptions } from '../ops/division.js';
import type { EmbeddingBagOptions, EmbeddingOptions } from '../ops/embedding.js';
import type { Operand } from '../ops/families.js';
import type { ComplexFftOptions, FftArguments, FftOptions } from '../ops/fft.js';
import type { ComplexFftnOptions, FftnArguments, FftnOptions } from '../ops/fftn.js';
import type { ReduceArguments, ReduceOptions, TypedReduceArguments } from '../ops/fold.js';
import type { GridPadding } from '../ops/gridplace.js';
import type { GridMode, GridSampleOptions } from '../ops/gridsample.js';
import * as ops from '../ops/index.js';
import type { IndexPutOptions } from '../ops/indexput.js';
import type { IndexAddOptions, PutOptions } from '../ops/indexwrite.js';
import type { InstanceNormArguments } from '../ops/instancenorm.js';
import type { InterpolateArguments } from '../ops/interpolate.js';
import type { GaussianNllOptions, PoissonNllOptions } from '../ops/likelihood.js';
import type { HuberOptions, KlDivOptions, SmoothL1Options } from '../ops/loss.js';
import type { LPPoolOptions } from '../ops/lppool.js';
import type { MarginOptions, TripletDistanceOptions, TripletMarginOptions } from '../ops/marginloss.js';
import type { NonzeroOptions } from '../ops/masked.js';
import type { BlendOptions } from '../ops/matmul.js';
import type { Asks, NamedMaxPool, Pooled } from '../ops/maxpool.js';
import type { MaxUnpoolOptions } from '../ops/maxunpool.js';
import type { IsinOptions } from '../ops/membership.js';
import type { MultilabelSoftMarginOptions, MultiMarginOptions } from '../ops/multimargin.js';
import type { BatchNormOptions, LayerNormOptions } from '../ops/norm.js';
import type { LocalResponseNormOptions, NormalizeArguments } from '../ops/normalize.js';
import type { PadMode, PadOptions } from '../ops/pad.js';
import type { NanToNumArguments } from '../ops/parts.js';
import type { AvgPoolOptions, MaxPoolArguments } from '../ops/poolfield.js';
import type { BetaAlphaOptions } from '../ops/products.js';
import type { DropoutArguments } from '../ops/random.js';
import type { DimArguments, DimOptions, QuantileOptions } from '../ops/rank.js';
import type { MinAndMax, NamedDType, OneReduceArguments, ValuesAndIndices, VarArguments } from '../ops/reduce.js';
import type { LossOptions, Reduction } from '../ops/reduction.js';
import type { RmsNormOptions } from '../ops/rmsnorm.js';
import type { DimArgument } from '../ops/runningextreme.js';
import type { ScanArguments } from '../ops/scan.js';
import type { ScatterOptions, ScatterReduceOptions, ScatterReduction } from '../ops/scatter.js';
import type { GumbelOptions, RReluOptions, ShrinkArguments } from '../ops/shrinkage.js';
import type { CosineSimilarityOptions, PairwiseDistanceOptions } from '../ops/similarity.js';
import type { SoftmaxArguments } from '../ops/softmax.js';
import type { SortArguments, TopkOptions } from '../ops/sort.js';
import type { LogitOptions } from '../ops/specialfunctions.js';
import type { CovOptions } from '../ops/statistics.js';
import type { IstftOptions, StftOptions } from '../ops/stft.js';
import type { Subscripts } from '../ops/subscript.js';
import type { ValueOptions } from '../ops/threefold.js';
import type { ClampArguments, ClampOptions } from '../ops/unary.js';
import type { UnfoldOptions } from '../ops/unfold.js';
import type { UniqueConsecutiveOptions, UniqueOptions } from '../ops/unique.js';
import type { NormOptions } from '../ops/vectornorm.js';
import type { Pair, Single, Triple } from '../ops/window.js';

/** The ops that are methods, by the method's name. Written by scripts/list-methods.mjs, as is the rest of this file. */
export const methods = {
  abs: ops.abs,
  abs_: ops.abs_,
  absolute: ops.absolute,
  acos: ops.acos,
  acos_: ops.acos_,
  acosh: ops.acosh,
  acosh_: ops.acosh_,
  adaptiveAvgPool1d: ops.adaptiveAvgPool1d,
  adaptiveAvgPool2d: ops.adaptiveAvgPool2d,
  adaptiveAvgPool3d: ops.adaptiveAvgPool3d,
  adaptiveMaxPool1d: ops.adaptiveMaxPool1d,
  adaptiveMaxPool2d: ops.adaptiveMaxPool2d,
  adaptiveMaxPool3d: ops.adaptiveMaxPool3d,
  add: ops.add,
  add_: ops.add_,
  addbmm: ops.addbmm,
  addcdiv: ops.addcdiv,
  addcdiv_: ops.addcdiv_,
  addcmul: ops.addcmul,
  addcmul_: ops.addcmul_,
  addmm: ops.addmm,
  addmm_: ops.addmm_,
  addmv: ops.addmv,
  addr: ops.addr,
  adjoint: ops.adjoint,
  affineGrid: ops.affineGrid,
  all: ops.all,
  allclose: ops.allclose,
  alphaDropout: ops.alphaDropout,
  amax: ops.amax,
  amin: ops.amin,
  aminmax: ops.aminmax,
  any: ops.any,
  arccos: ops.arccos,
  arccosh: ops.arccosh,
  arcsin: ops.arcsin,
  arcsinh: ops.arcsinh,
  arctan: ops.arctan,
  arctan2: ops.arctan2,
  arctanh: ops.arctanh,
  argmax: ops.argmax,
  argmin: ops.argmin,
  argsort: ops.argsort,
  argwhere: ops.argwhere,
  asStrided: ops.asStrided,
  asin: ops.asin,
  asin_: ops.asin_,
  asinh: ops.asinh,
  asinh_: ops.asinh_,
  atan: ops.atan,
  atan2: ops.atan2,
  atan2_: ops.atan2_,
  atan_: ops.atan_,
  atanh: ops.atanh,
  atanh_: ops.atanh_,
  atleast1d: ops.atleast1d,
  atleast2d: ops.atleast2d,
  atleast3d: ops.atleast3d,
  avgPool1d: ops.avgPool1d,
  avgPool2d: ops.avgPool2d,
  avgPool3d: ops.avgPool3d,
  baddbmm: ops.baddbmm,
  baddbmm_: ops.baddbmm_,
  batchNorm: ops.batchNorm,
  bce: ops.bce,
  bceWithLogits: ops.bceWithLogits,
  bernoulli: ops.bernoulli,
  bernoulli_: ops.bernoulli_,
  bilinear: ops.bilinear,
  binaryCrossEntropy: ops.binaryCrossEntropy,
  binaryCrossEntropyWithLogits: ops.binaryCrossEntropyWithLogits,
  bincount: ops.bincount,
  bitwiseAnd: ops.bitwiseAnd,
  bitwiseLeftShift: ops.bitwiseLeftShift,
  bitwiseNot: ops.bitwiseNot,
  bitwiseOr: ops.bitwiseOr,
  bitwiseRightShift: ops.bitwiseRightShift,
  bitwiseXor: ops.bitwiseXor,
  bmm: ops.bmm,
  broadcastTo: ops.broadcastTo,
  bucketize: ops.bucketize,
  cauchy_: ops.cauchy_,
  cdist: ops.cdist,
  ceil: ops.ceil,
  ceil_: ops.ceil_,
  celu: ops.celu,
  channelShuffle: ops.channelShuffle,
  chunk: ops.chunk,
  clamp: ops.clamp,
  clampMax: ops.clampMax,
  clampMax_: ops.clampMax_,
  clampMin: ops.clampMin,
  clampMin_: ops.clampMin_,
  clamp_: ops.clamp_,
  clip: ops.clip,
  clone: ops.clone,
  combinations: ops.combinations,
  contiguous: ops.contiguous,
  conv1d: ops.conv1d,
  conv2d: ops.conv2d,
  conv3d: ops.conv3d,
  convTranspose1d: ops.convTranspose1d,
  convTranspose2d: ops.convTranspose2d,
  convTranspose3d: ops.convTranspose3d,
  copy_: ops.copy_,
  copysign: ops.copysign,
  corrcoef: ops.corrcoef,
  cos: ops.cos,
  cos_: ops.cos_,
  cosh: ops.cosh,
  cosh_: ops.cosh_,
  cosineEmbeddingLoss: ops.cosineEmbeddingLoss,
  cosineSimilarity: ops.cosineSimilarity,
  countNonzero: ops.countNonzero,
  cov: ops.cov,
  cross: ops.cross,
  crossEntropy: ops.crossEntropy,
  ctcLoss: ops.ctcLoss,
  cummax: ops.cummax,
  cummin: ops.cummin,
  cumprod: ops.cumprod,
  cumprod_: ops.cumprod_,
  cumsum: ops.cumsum,
  cumsum_: ops.cumsum_,
  cumulativeTrapezoid: ops.cumulativeTrapezoid,
  deg2rad: ops.deg2rad,
  detach: ops.detach,
  diag: ops.diag,
  diagEmbed: ops.diagEmbed,
  diagflat: ops.diagflat,
  diagonal: ops.diagonal,
  diagonalScatter: ops.diagonalScatter,
  diff: ops.diff,
  digamma: ops.digamma,
  dist: ops.dist,
  div: ops.div,
  div_: ops.div_,
  divide: ops.divide,
  dot: ops.dot,
  dropout: ops.dropout,
  dropout1d: ops.dropout1d,
  dropout2d: ops.dropout2d,
  dropout3d: ops.dropout3d,
  dsplit: ops.dsplit,
  elu: ops.elu,
  embedding: ops.embedding,
  embeddingBag: ops.embeddingBag,
  eq: ops.eq,
  eq_: ops.eq_,
  equal: ops.equal,
  erf: ops.erf,
  erf_: ops.erf_,
  erfc: ops.erfc,
  erfinv: ops.erfinv,
  exp: ops.exp,
  exp2: ops.exp2,
  exp2_: ops.exp2_,
  exp_: ops.exp_,
  expand: ops.expand,
  expandAs: ops.expandAs,
  expit: ops.expit,
  expm1: ops.expm1,
  expm1_: ops.expm1_,
  exponential_: ops.exponential_,
  featureAlphaDropout: ops.featureAlphaDropout,
  fft: ops.fft,
  fft2: ops.fft2,
  fftn: ops.fftn,
  fftshift: ops.fftshift,
  fillDiagonal_: ops.fillDiagonal_,
  fill_: ops.fill_,
  fix: ops.fix,
  flatten: ops.flatten,
  flip: ops.flip,
  fliplr: ops.fliplr,
  flipud: ops.flipud,
  floatPower: ops.floatPower,
  floor: ops.floor,
  floorDivide: ops.floorDivide,
  floorDivide_: ops.floorDivide_,
  floor_: ops.floor_,
  fmax: ops.fmax,
  fmin: ops.fmin,
  fmod: ops.fmod,
  fmod_: ops.fmod_,
  fold: ops.fold,
  frac: ops.frac,
  gather: ops.gather,
  gaussianNllLoss: ops.gaussianNllLoss,
  gcd: ops.gcd,
  ge: ops.ge,
  ge_: ops.ge_,
  gelu: ops.gelu,
  geometric_: ops.geometric_,
  ger: ops.ger,
  glu: ops.glu,
  greater: ops.greater,
  greaterEqual: ops.greaterEqual,
  gridSample: ops.gridSample,
  groupNorm: ops.groupNorm,
  gt: ops.gt,
  gt_: ops.gt_,
  gumbelSoftmax: ops.gumbelSoftmax,
  hardshrink: ops.hardshrink,
  hardsigmoid: ops.hardsigmoid,
  hardswish: ops.hardswish,
  hardtanh: ops.hardtanh,
  heaviside: ops.heaviside,
  hingeEmbeddingLoss: ops.hingeEmbeddingLoss,
  histc: ops.histc,
  hsplit: ops.hsplit,
  huberLoss: ops.huberLoss,
  hypot: ops.hypot,
  ifft: ops.ifft,
  ifft2: ops.ifft2,
  ifftn: ops.ifftn,
  ifftshift: ops.ifftshift,
  index: ops.index,
  indexAdd: ops.indexAdd,
  indexAdd_: ops.indexAdd_,
  indexCopy: ops.indexCopy,
  indexCopy_: ops.indexCopy_,
  indexFill: ops.indexFill,
  indexFill_: ops.indexFill_,
  indexPut: ops.indexPut,
  indexPut_: ops.indexPut_,
  indexReduce: ops.indexReduce,
  indexReduce_: ops.indexReduce_,
  indexSelect: ops.indexSelect,
  inner: ops.inner,
  instanceNorm: ops.instanceNorm,
  interpolate: ops.interpolate,
  irfft: ops.irfft,
  irfft2: ops.irfft2,
  irfftn: ops.irfftn,
  isclose: ops.isclose,
  isfinite: ops.isfinite,
  isin: ops.isin,
  isinf: ops.isinf,
  isnan: ops.isnan,
  isneginf: ops.isneginf,
  isposinf: ops.isposinf,
  istft: ops.istft,
  klDiv: ops.klDiv,
  kron: ops.kron,
  kthvalue: ops.kthvalue,
  l1Loss: ops.l1Loss,
  layerNorm: ops.layerNorm,
  lcm: ops.lcm,
  ldexp: ops.ldexp,
  le: ops.le,
  le_: ops.le_,
  leakyRelu: ops.leakyRelu,
  lerp: ops.lerp,
  lerp_: ops.lerp_,
  less: ops.less,
  lessEqual: ops.lessEqual,
  lgamma: ops.lgamma,
  linear: ops.linear,
  localResponseNorm: ops.localResponseNorm,
  log: ops.log,
  log10: ops.log10,
  log10_: ops.log10_,
  log1p: ops.log1p,
  log1p_: ops.log1p_,
  log2: ops.log2,
  log2_: ops.log2_,
  logNormal_: ops.logNormal_,
  logSigmoid: ops.logSigmoid,
  logSoftmax: ops.logSoftmax,
  log_: ops.log_,
  logaddexp: ops.logaddexp,
  logaddexp2: ops.logaddexp2,
  logcumsumexp: ops.logcumsumexp,
  logicalAnd: ops.logicalAnd,
  logicalAnd_: ops.logicalAnd_,
  logicalNot: ops.logicalNot,
  logicalNot_: ops.logicalNot_,
  logicalOr: ops.logicalOr,
  logicalOr_: ops.logicalOr_,
  logicalXor: ops.logicalXor,
  logicalXor_: ops.logicalXor_,
  logit: ops.logit,
  logsumexp: ops.logsumexp,
  lpPool1d: ops.lpPool1d,
  lpPool2d: ops.lpPool2d,
  lt: ops.lt,
  lt_: ops.lt_,
  marginRankingLoss: ops.marginRankingLoss,
  maskedFill: ops.maskedFill,
  maskedFill_: ops.maskedFill_,
  maskedScatter: ops.maskedScatter,
  maskedScatter_: ops.maskedScatter_,
  maskedSelect: ops.maskedSelect,
  matmul: ops.matmul,
  matrixPower: ops.matrixPower,
  max: ops.max,
  maxPool1d: ops.maxPool1d,
  maxPool2d: ops.maxPool2d,
  maxPool3d: ops.maxPool3d,
  maxUnpool1d: ops.maxUnpool1d,
  maxUnpool2d: ops.maxUnpool2d,
  maxUnpool3d: ops.maxUnpool3d,
  maximum: ops.maximum,
  mean: ops.mean,
  median: ops.median,
  min: ops.min,
  minimum: ops.minimum,
  mish: ops.mish,
  mm: ops.mm,
  mode: ops.mode,
  moveaxis: ops.moveaxis,
  movedim: ops.movedim,
  mseLoss: ops.mseLoss,
  msort: ops.msort,
  mul: ops.mul,
  mul_: ops.mul_,
  multiMarginLoss: ops.multiMarginLoss,
  multilabelMarginLoss: ops.multilabelMarginLoss,
  multilabelSoftMarginLoss: ops.multilabelSoftMarginLoss,
  multinomial: ops.multinomial,
  multiply: ops.multiply,
  mv: ops.mv,
  nanToNum: ops.nanToNum,
  nanmean: ops.nanmean,
  nanmedian: ops.nanmedian,
  nanquantile: ops.nanquantile,
  nansum: ops.nansum,
  narrow: ops.narrow,
  ne: ops.ne,
  ne_: ops.ne_,
  neg: ops.neg,
  neg_: ops.neg_,
  negative: ops.negative,
  nllLoss: ops.nllLoss,
  nonzero: ops.nonzero,
  norm: ops.norm,
  normal: ops.normal,
  normal_: ops.normal_,
  normalize: ops.normalize,
  notEqual: ops.notEqual,
  oneHot: ops.oneHot,
  outer: ops.outer,
  pad: ops.pad,
  pairwiseDistance: ops.pairwiseDistance,
  pdist: ops.pdist,
  permute: ops.permute,
  pixelShuffle: ops.pixelShuffle,
  pixelUnshuffle: ops.pixelUnshuffle,
  poisson: ops.poisson,
  poissonNllLoss: ops.poissonNllLoss,
  positive: ops.positive,
  pow: ops.pow,
  pow_: ops.pow_,
  prelu: ops.prelu,
  prod: ops.prod,
  put: ops.put,
  put_: ops.put_,
  quantile: ops.quantile,
  rad2deg: ops.rad2deg,
  random_: ops.random_,
  ravel: ops.ravel,
  reciprocal: ops.reciprocal,
  reciprocal_: ops.reciprocal_,
  relu: ops.relu,
  relu6: ops.relu6,
  relu_: ops.relu_,
  remainder: ops.remainder,
  remainder_: ops.remainder_,
  renorm: ops.renorm,
  repeat: ops.repeat,
  repeatInterleave: ops.repeatInterleave,
  reshape: ops.reshape,
  reshapeAs: ops.reshapeAs,
  rfft: ops.rfft,
  rfft2: ops.rfft2,
  rfftn: ops.rfftn,
  rmsNorm: ops.rmsNorm,
  roll: ops.roll,
  rot90: ops.rot90,
  round: ops.round,
  round_: ops.round_,
  rrelu: ops.rrelu,
  rsqrt: ops.rsqrt,
  rsqrt_: ops.rsqrt_,
  rsub: ops.rsub,
  scaledDotProductAttention: ops.scaledDotProductAttention,
  scatter: ops.scatter,
  scatterAdd: ops.scatterAdd,
  scatterAdd_: ops.scatterAdd_,
  scatterReduce: ops.scatterReduce,
  scatterReduce_: ops.scatterReduce_,
  scatter_: ops.scatter_,
  searchsorted: ops.searchsorted,
  select: ops.select,
  selectScatter: ops.selectScatter,
  selu: ops.selu,
  sgn: ops.sgn,
  sigmoid: ops.sigmoid,
  sigmoid_: ops.sigmoid_,
  sign: ops.sign,
  sign_: ops.sign_,
  signbit: ops.signbit,
  silu: ops.silu,
  sin: ops.sin,
  sin_: ops.sin_,
  sinc: ops.sinc,
  sinh: ops.sinh,
  sinh_: ops.sinh_,
  slice: ops.slice,
  sliceScatter: ops.sliceScatter,
  smoothL1Loss: ops.smoothL1Loss,
  softMarginLoss: ops.softMarginLoss,
  softmax: ops.softmax,
  softmin: ops.softmin,
  softplus: ops.softplus,
  softshrink: ops.softshrink,
  softsign: ops.softsign,
  sort: ops.sort,
  split: ops.split,
  sqrt: ops.sqrt,
  sqrt_: ops.sqrt_,
  square: ops.square,
  square_: ops.square_,
  squeeze: ops.squeeze,
  std: ops.std,
  stdMean: ops.stdMean,
  stft: ops.stft,
  sub: ops.sub,
  sub_: ops.sub_,
  subtract: ops.subtract,
  sum: ops.sum,
  sumToSize: ops.sumToSize,
  swapaxes: ops.swapaxes,
  swapdims: ops.swapdims,
  t: ops.t,
  take: ops.take,
  takeAlongDim: ops.takeAlongDim,
  tan: ops.tan,
  tan_: ops.tan_,
  tanh: ops.tanh,
  tanh_: ops.tanh_,
  tanhshrink: ops.tanhshrink,
  tensorSplit: ops.tensorSplit,
  tensordot: ops.tensordot,
  threshold: ops.threshold,
  tile: ops.tile,
  topk: ops.topk,
  trace: ops.trace,
  transpose: ops.transpose,
  trapezoid: ops.trapezoid,
  trapz: ops.trapz,
  tril: ops.tril,
  tril_: ops.tril_,
  tripletMarginLoss: ops.tripletMarginLoss,
  tripletMarginWithDistanceLoss: ops.tripletMarginWithDistanceLoss,
  triu: ops.triu,
  triu_: ops.triu_,
  trueDivide: ops.trueDivide,
  trunc: ops.trunc,
  trunc_: ops.trunc_,
  typeAs: ops.typeAs,
  unbind: ops.unbind,
  unflatten: ops.unflatten,
  uniform_: ops.uniform_,
  unique: ops.unique,
  uniqueConsecutive: ops.uniqueConsecutive,
  unsqueeze: ops.unsqueeze,
  vander: ops.vander,
  var: ops.variance,
  varMean: ops.varMean,
  vdot: ops.vdot,
  view: ops.view,
  viewAs: ops.viewAs,
  vsplit: ops.vsplit,
  xlogy: ops.xlogy,
  zero_: ops.zero_,
} as const;

/** The methods, on a tensor of dtype D and rank R. */
export interface Methods<D extends DType, R extends number> {
  /** Elementwise |input|. */
  abs(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** As abs(), into this tensor, which it returns. */
  abs_(): this;
  /** Elementwise |input|. */
  absolute(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** Elementwise arc cosine, in radians; NaN outside [−1, 1]. */
  acos(): Tensor<FloatOf<D>, R>;
  /** As acos(), into this tensor, which it returns. */
  acos_(): this;
  /** Elementwise inverse hyperbolic cosine; NaN below 1. */
  acosh(): Tensor<FloatOf<D>, R>;
  /** As acosh(), into this tensor, which it returns. */
  acosh_(): this;
  /** The mean of windows chosen so that [N, C, L] becomes [N, C, outputSize]. */
  adaptiveAvgPool1d(...rest: Named<[outputSize: OutputSize], readonly ['outputSize']>): Tensor;
  /** The mean of windows chosen so that [N, C, H, W] becomes [N, C, …outputSize]. */
  adaptiveAvgPool2d(...rest: Named<[outputSize: OutputSize], readonly ['outputSize']>): Tensor;
  /** The mean of windows chosen so that [N, C, D, H, W] becomes [N, C, …outputSize]. */
  adaptiveAvgPool3d(...rest: Named<[outputSize: OutputSize], readonly ['outputSize']>): Tensor;
  /** The largest element of windows chosen so that [N, C, L] becomes [N, C, outputSize]. */
  adaptiveMaxPool1d<const A extends AdaptiveMaxPoolArguments>(
    outputSize: OutputSize,
    ...rest: A
  ): Pooled<AsksAdaptive<A>>;
  /** The largest element of windows chosen so that [N, C, L] becomes [N, C, outputSize]. */
  adaptiveMaxPool1d<const O extends NamedAdaptiveMaxPool>(options: O): Pooled<AsksAdaptive<[O]>>;
  /** The largest element of windows chosen so that [N, C, H, W] becomes [N, C, …outputSize]. */
  adaptiveMaxPool2d<const A extends AdaptiveMaxPoolArguments>(
    outputSize: OutputSize,
    ...rest: A
  ): Pooled<AsksAdaptive<A>>;
  /** The largest element of windows chosen so that [N, C, H, W] becomes [N, C, …outputSize]. */
  adaptiveMaxPool2d<const O extends NamedAdaptiveMaxPool>(options: O): Pooled<AsksAdaptive<[O]>>;
  /** The largest element of windows chosen so that [N, C, D, H, W] becomes [N, C, …outputSize]. */
  adaptiveMaxPool3d<const A extends AdaptiveMaxPoolArguments>(
    outputSize: OutputSize,
    ...rest: A
  ): Pooled<AsksAdaptive<A>>;
  /** The largest element of windows chosen so that [N, C, D, H, W] becomes [N, C, …outputSize]. */
  adaptiveMaxPool3d<const O extends NamedAdaptiveMaxPool>(options: O): Pooled<AsksAdaptive<[O]>>;
  /** Elementwise input + other, broadcasting; `alpha` scales other. */
  add<const B extends Others<AlphaOptions>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** self += alpha · other. */
  add_(...args: Others<AlphaOptions>): this;
  /** beta · input + alpha · Σ_b batch1[b] × batch2[b]: [B, M, K] × [B, K, N] → [M, N]. */
  addbmm(
    ...rest: Led<
      [batch1: Tensor, batch2: Tensor, ...rest: (BetaAlphaOptions | undefined)[]],
      readonly ['batch1', 'batch2']
    >
  ): Tensor;
  /** input + value · tensor1 / tensor2, broadcasting. */
  addcdiv(
    ...rest: Led<
      [tensor1: Tensor, tensor2: Tensor, value?: number | ValueOptions | undefined, options?: ValueOptions | undefined],
      readonly ['tensor1', 'tensor2']
    >
  ): Tensor;
  /** self += value · tensor1 / tensor2. */
  addcdiv_(
    ...args: Led<
      [tensor1: Tensor, tensor2: Tensor, value?: number | ValueOptions | undefined, options?: ValueOptions | undefined],
      readonly ['tensor1', 'tensor2']
    >
  ): this;
  /** input + value · tensor1 · tensor2, broadcasting. */
  addcmul(
    ...rest: Led<
      [tensor1: Tensor, tensor2: Tensor, value?: number | ValueOptions | undefined, options?: ValueOptions | undefined],
      readonly ['tensor1', 'tensor2']
    >
  ): Tensor;
  /** self += value · tensor1 · tensor2. */
  addcmul_(
    ...args: Led<
      [tensor1: Tensor, tensor2: Tensor, value?: number | ValueOptions | undefined, options?: ValueOptions | undefined],
      readonly ['tensor1', 'tensor2']
    >
  ): this;
  /** beta · input + alpha · mat1 × mat2; input broadcasts to the product's shape. With beta 0 nothing of input is seen. */
  addmm(
    ...rest: Led<[mat1: Tensor, mat2: Tensor, options?: BlendOptions | undefined], readonly ['mat1', 'mat2']>
  ): Tensor;
  /** beta · self + alpha · mat1 × mat2. */
  addmm_(
    ...args: Led<[mat1: Tensor, mat2: Tensor, options?: BlendOptions | undefined], readonly ['mat1', 'mat2']>
  ): this;
  /** beta · input + alpha · mat × vec: [M, K] × [K] → [M]. */
  addmv(
    ...rest: Led<[mat: Tensor, vec: Tensor, ...rest: (BetaAlphaOptions | undefined)[]], readonly ['mat', 'vec']>
  ): Tensor;
  /** beta · input + alpha · vec1 ⊗ vec2: [M], [N] → [M, N]. */
  addr(
    ...rest: Led<[vec1: Tensor, vec2: Tensor, ...rest: (BetaAlphaOptions | undefined)[]], readonly ['vec1', 'vec2']>
  ): Tensor;
  /** The transpose of the last two dimensions: a view. */
  adjoint(): Tensor;
  /** The places that affine maps `theta` [N, 2, 3] send the pixels of `size` [N, C, H, W] to; [N, H, W, 2]. */
  affineGrid(
    ...rest: Led<
      [
        size: readonly number[],
        alignCorners?: boolean | AffineGridOptions | null | undefined,
        options?: AffineGridOptions | undefined,
      ],
      readonly ['size']
    >
  ): Tensor;
  /** Whether no value over `dim` (default all) is 0; bool, and uint8 of uint8. */
  all<const A extends ReduceArguments>(
    ...args: A
  ): Tensor<D extends 'uint8' ? 'uint8' : DType extends D ? 'uint8' | 'bool' : 'bool', ReducedRank<R, A>>;
  /** Whether `isclose` holds everywhere. Reads the answer, and so waits for the device. */
  allclose(
    ...rest: Led<
      [
        other: Tensor,
        rtol?: number | ClosenessOptions | undefined,
        atol?: number | ClosenessOptions | undefined,
        equalNan?: boolean | ClosenessOptions | undefined,
        options?: ClosenessOptions | undefined,
      ],
      readonly ['other']
    >
  ): boolean;
  /** Dropout for SELU: elements go to its lower end, and mean and variance stay (Klambauer et al. 2017). Off by default. */
  alphaDropout(
    ...rest: readonly [
      (number | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (DropoutNdOptions | Generator | null | undefined)?,
    ]
  ): Tensor;
  /** Largest value over `dim` (default all); ties share the gradient. */
  amax<const A extends ReduceArguments>(...args: A): Tensor<D, ReducedRank<R, A>>;
  /** Smallest value over `dim` (default all); ties share the gradient. */
  amin<const A extends ReduceArguments>(...args: A): Tensor<D, ReducedRank<R, A>>;
  /** The smallest and the largest value over `dim` (default all): `{ min, max }`. Ties share the gradient. */
  aminmax(...rest: ReduceArguments): MinAndMax;
  /** Whether some value over `dim` (default all) is not 0; bool, and uint8 of uint8. */
  any<const A extends ReduceArguments>(
    ...args: A
  ): Tensor<D extends 'uint8' ? 'uint8' : DType extends D ? 'uint8' | 'bool' : 'bool', ReducedRank<R, A>>;
  /** Elementwise arc cosine, in radians; NaN outside [−1, 1]. */
  arccos(): Tensor<FloatOf<D>, R>;
  /** Elementwise inverse hyperbolic cosine; NaN below 1. */
  arccosh(): Tensor<FloatOf<D>, R>;
  /** Elementwise arc sine, in radians; NaN outside [−1, 1]. */
  arcsin(): Tensor<FloatOf<D>, R>;
  /** Elementwise inverse hyperbolic sine. */
  arcsinh(): Tensor<FloatOf<D>, R>;
  /** Elementwise arc tangent, in radians. */
  arctan(): Tensor<FloatOf<D>, R>;
  /** Elementwise angle of the point (other, input) in radians, in (−π, π], broadcasting. */
  arctan2<const B extends Others<unknown>>(...rest: B): BinaryResult<'float', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise inverse hyperbolic tangent; NaN outside [−1, 1]. */
  arctanh(): Tensor<FloatOf<D>, R>;
  /** Index of the first largest value along `dim` (default: of all, flattened); int32. */
  argmax<const A extends OneReduceArguments>(...args: A): Tensor<'int32', ReducedRank<R, A>>;
  /** Index of the first smallest value along `dim` (default: of all, flattened); int32. */
  argmin<const A extends OneReduceArguments>(...args: A): Tensor<'int32', ReducedRank<R, A>>;
  /** The indices that put `input` in order along `dim`; int32. */
  argsort(...rest: SortArguments): Tensor<'int32', number>;
  /** Indices of the elements that are not 0, a row for each: int32 [n, number of dimensions]. */
  argwhere(): Tensor<'int32', number>;
  /**
   * A view of the memory of `input` with the given sizes and strides, from `storageOffset` on (default: where input begins); all
   * count elements. Elements may be seen more than once, and then gather the gradients of all their appearances.
   */
  asStrided(
    ...rest: Named<
      [size: readonly number[], stride: readonly number[], storageOffset?: number | null | undefined],
      readonly ['size', 'stride', 'storageOffset']
    >
  ): Tensor;
  /** Elementwise arc sine, in radians; NaN outside [−1, 1]. */
  asin(): Tensor<FloatOf<D>, R>;
  /** As asin(), into this tensor, which it returns. */
  asin_(): this;
  /** Elementwise inverse hyperbolic sine. */
  asinh(): Tensor<FloatOf<D>, R>;
  /** As asinh(), into this tensor, which it returns. */
  asinh_(): this;
  /** Elementwise arc tangent, in radians. */
  atan(): Tensor<FloatOf<D>, R>;
  /** Elementwise angle of the point (other, input) in radians, in (−π, π], broadcasting. */
  atan2<const B extends Others<unknown>>(...rest: B): BinaryResult<'float', Tensor<D, R>, OtherOf<B>>;
  /** As atan2(), into this tensor, which it returns. */
  atan2_(...args: Others<unknown>): this;
  /** As atan(), into this tensor, which it returns. */
  atan_(): this;
  /** Elementwise inverse hyperbolic tangent; NaN outside [−1, 1]. */
  atanh(): Tensor<FloatOf<D>, R>;
  /** As atanh(), into this tensor, which it returns. */
  atanh_(): this;
  /** A view of at least one dimension: a number becomes [1]. Of several tensors, or of a list, the list of such views. */
  atleast1d(): Tensor;
  /** A view of at least two dimensions: [n] becomes [1, n]. */
  atleast2d(): Tensor;
  /** A view of at least three dimensions: [n] becomes [1, n, 1], and [n, m] becomes [n, m, 1]. */
  atleast3d(): Tensor;
  /** The mean of each window: [N, C, L] → [N, C, OL]. */
  avgPool1d(
    ...rest: Led<
      | [kernelSize: Single, options?: AvgPoolOptions<Single> | undefined]
      | [
          kernelSize: Single,
          stride?: Single | null | undefined,
          padding?: Single | AvgPoolOptions<Single> | undefined,
          ceilMode?: boolean | AvgPoolOptions<Single> | undefined,
          countIncludePad?: boolean | AvgPoolOptions<Single> | undefined,
          divisorOverride?: number | AvgPoolOptions<Single> | null | undefined,
        ],
      readonly ['kernelSize']
    >
  ): Tensor;
  /** The mean of each window: [N, C, H, W] → [N, C, OH, OW]. */
  avgPool2d(
    ...rest: Led<
      | [kernelSize: Pair, options?: AvgPoolOptions<Pair> | undefined]
      | [
          kernelSize: Pair,
          stride?: Pair | null | undefined,
          padding?: Pair | AvgPoolOptions<Pair> | undefined,
          ceilMode?: boolean | AvgPoolOptions<Pair> | undefined,
          countIncludePad?: boolean | AvgPoolOptions<Pair> | undefined,
          divisorOverride?: number | AvgPoolOptions<Pair> | null | undefined,
        ],
      readonly ['kernelSize']
    >
  ): Tensor;
  /** The mean of each window: [N, C, D, H, W] → [N, C, OD, OH, OW]. */
  avgPool3d(
    ...rest: Led<
      | [kernelSize: Triple, options?: AvgPoolOptions<Triple> | undefined]
      | [
          kernelSize: Triple,
          stride?: Triple | null | undefined,
          padding?: Triple | AvgPoolOptions<Triple> | undefined,
          ceilMode?: boolean | AvgPoolOptions<Triple> | undefined,
          countIncludePad?: boolean | AvgPoolOptions<Triple> | undefined,
          divisorOverride?: number | AvgPoolOptions<Triple> | null | undefined,
        ],
      readonly ['kernelSize']
    >
  ): Tensor;
  /** beta · input + alpha · batch1 × batch2: input broadcasts to [B, M, N]. With beta 0 nothing of input is seen. */
  baddbmm(
    ...rest: Led<[batch1: Tensor, batch2: Tensor, options?: BlendOptions | undefined], readonly ['batch1', 'batch2']>
  ): Tensor;
  /** beta · self + alpha · batch1 × batch2. */
  baddbmm_(
    ...args: Led<[batch1: Tensor, batch2: Tensor, options?: BlendOptions | undefined], readonly ['batch1', 'batch2']>
  ): this;
  /** Normalizes each channel of [N, C, …] with the batch's or the running statistics; same shape. */
  batchNorm(
    ...rest: Led<
      | [runningMean: Tensor | null, runningVar: Tensor | null, options?: BatchNormOptions | undefined]
      | [
          runningMean: Tensor | null,
          runningVar: Tensor | null,
          weight?: Tensor | null | undefined,
          bias?: BatchNormOptions | Tensor | null | undefined,
          training?: boolean | BatchNormOptions | undefined,
          momentum?: number | BatchNormOptions | undefined,
          eps?: number | BatchNormOptions | undefined,
          options?: BatchNormOptions | undefined,
        ],
      readonly ['runningMean', 'runningVar']
    >
  ): Tensor;
  /** −target · log(input) − (1 − target) · log(1 − input); the logarithms are cut at −100. */
  bce(
    ...rest: Led<
      [
        target: Tensor,
        (Tensor | BceOptions | null | undefined)?,
        (boolean | BceOptions | null | undefined)?,
        (boolean | BceOptions | null | undefined)?,
        (BceOptions | Reduction | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** Binary cross entropy of logits: sigmoid and `bce` in one, without overflow. */
  bceWithLogits(
    ...rest: Led<
      [
        target: Tensor,
        (Tensor | BceWithLogitsOptions | null | undefined)?,
        (boolean | BceWithLogitsOptions | null | undefined)?,
        (boolean | BceWithLogitsOptions | null | undefined)?,
        (Reduction | BceWithLogitsOptions | null | undefined)?,
        (Tensor | BceWithLogitsOptions | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** 1 with the probability that each element of `input` gives, else 0, in the dtype of `input`. */
  bernoulli(options?: DrawOptions): Tensor;
  /** Fills `self` with 1 with probability `p`, a number or a tensor that broadcasts, and 0 otherwise. Returns `self`. */
  bernoulli_(
    ...args: Named<[(number | Tensor | undefined)?, (Generator | undefined)?], readonly ['p', 'generator']>
  ): this;
  /** input1 [.., I1] · weight [O, I1, I2] · input2 [.., I2] + bias [O]: [.., O]. */
  bilinear(
    ...rest: Named<
      [input2: Tensor, weight: Tensor, bias?: Tensor | null | undefined],
      readonly ['input2', 'weight', 'bias']
    >
  ): Tensor;
  /** `bce` under PyTorch's name. */
  binaryCrossEntropy(
    ...rest: Led<
      [
        target: Tensor,
        (Tensor | BceOptions | null | undefined)?,
        (boolean | BceOptions | null | undefined)?,
        (boolean | BceOptions | null | undefined)?,
        (BceOptions | Reduction | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** `bceWithLogits` under PyTorch's name. */
  binaryCrossEntropyWithLogits(
    ...rest: Led<
      [
        target: Tensor,
        (Tensor | BceWithLogitsOptions | null | undefined)?,
        (boolean | BceWithLogitsOptions | null | undefined)?,
        (boolean | BceWithLogitsOptions | null | undefined)?,
        (Reduction | BceWithLogitsOptions | null | undefined)?,
        (Tensor | BceWithLogitsOptions | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** How often each whole number from 0 to the largest comes in `input` [n]; int32, or float32 where weights are summed. */
  bincount(...rest: (number | Tensor | BincountOptions | null | undefined)[]): Tensor;
  /** Elementwise the bits that input and other share, broadcasting; integers and bool. */
  bitwiseAnd<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise input · 2^other, broadcasting; integers. Bits beyond the dtype are lost. */
  bitwiseLeftShift<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise every bit turned; not, for bool. */
  bitwiseNot(): Tensor;
  /** Elementwise the bits of input or other, broadcasting; integers and bool. */
  bitwiseOr<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise ⌊input / 2^other⌋, broadcasting; integers. */
  bitwiseRightShift<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise the bits of input or other but not both, broadcasting; integers and bool. */
  bitwiseXor<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** [B, M, K] × [B, K, N] → [B, M, N]. */
  bmm(...rest: Named<[mat2: Tensor], readonly ['mat2']>): Tensor;
  /** expand() to a shape: a view. */
  broadcastTo(...rest: Named<[size: readonly number[]], readonly ['size']>): Tensor;
  /** The places of elements of `input`, a tensor or a number, among the ascending `boundaries` [n]; int32. */
  bucketize(
    ...rest: Led<
      [boundaries: Tensor, ...rest: (Pick<SearchsortedOptions, 'outInt32' | 'right'> | undefined)[]],
      readonly ['boundaries']
    >
  ): Tensor<'int32', number>;
  /** Fills `self` with Cauchy numbers. Returns `self`. */
  cauchy_(
    ...args: Named<
      [(number | undefined)?, (number | undefined)?, (Generator | undefined)?],
      readonly ['median', 'sigma', 'generator']
    >
  ): this;
  /** ‖x1[.., i, :] − x2[.., j, :]‖ₚ: [.., P, M] and [.., R, M] give [.., P, R]; leading dimensions broadcast. */
  cdist(...rest: Led<[x2: Tensor, ...rest: (string | number | CdistOptions | undefined)[]], readonly ['x2']>): Tensor;
  /** Elementwise the smallest whole number ≥ input. */
  ceil(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** As ceil(), into this tensor, which it returns. */
  ceil_(): this;
  /** Elementwise max(input, 0) + min(0, `alpha` · (e^(input / alpha) − 1)) (Barron 2017). */
  celu(...given: readonly Setting<'alpha'>[]): Tensor;
  /** The channels of groups by turns; same shape. */
  channelShuffle(...rest: Named<[groups: number], readonly ['groups']>): Tensor;
  /** At most `chunks` pieces of equal size along `dim` (the last may be smaller). Views. */
  chunk(...rest: Named<[chunks: number, dim?: number | undefined], readonly ['chunks', 'dim']>): Tensor[];
  /** Elementwise input, raised to `min` and lowered to `max`; NaN stays. Either bound may be left out. */
  clamp(...given: ClampArguments): Tensor;
  /** `input` lowered to at most `max`, a number or a tensor that broadcasts. */
  clampMax(...rest: Named<[max: number | Tensor], readonly ['max']>): Tensor;
  /** self, nowhere above `max`. */
  clampMax_(...args: Named<[max: number | Tensor], readonly ['max']>): this;
  /** `input` raised to at least `min`, a number or a tensor that broadcasts. */
  clampMin(...rest: Named<[min: number | Tensor], readonly ['min']>): Tensor;
  /** self, nowhere below `min`. */
  clampMin_(...args: Named<[min: number | Tensor], readonly ['min']>): this;
  /** As clamp(), into this tensor, which it returns. */
  clamp_(...args: [min?: number | ClampOptions | null | undefined, max?: number | null | undefined]): this;
  /** Elementwise input, raised to `min` and lowered to `max`; NaN stays. Either bound may be left out. */
  clip(...given: ClampArguments): Tensor;
  /** A copy in memory of its own, through which gradients flow. */
  clone(): Tensor<D, R>;
  /** The combinations of `r` elements of `input` [n], in the order of their places, a row for each. */
  combinations(...rest: (number | boolean | CombinationsOptions | undefined)[]): Tensor;
  /** `input` itself if it is contiguous, else a contiguous copy. */
  contiguous(): Tensor<D, R>;
  /** Cross-correlation: input [N, C, L], weight [OC, C / groups, K], bias [OC] → [N, OC, OL]. */
  conv1d(
    ...rest: Led<
      | [weight: Tensor, options?: ConvOptions<Single> | undefined]
      | [
          weight: Tensor,
          bias?: Tensor | null | undefined,
          stride?: Single | ConvOptions<Single> | undefined,
          padding?: 'same' | Single | 'valid' | ConvOptions<Single> | undefined,
          dilation?: Single | ConvOptions<Single> | undefined,
          groups?: number | ConvOptions<Single> | undefined,
          options?: ConvOptions<Single> | undefined,
        ],
      readonly ['weight']
    >
  ): Tensor;
  /** Cross-correlation: input [N, C, H, W], weight [OC, C / groups, KH, KW], bias [OC] → [N, OC, OH, OW]. */
  conv2d(
    ...rest: Led<
      | [weight: Tensor, options?: ConvOptions<Pair> | undefined]
      | [
          weight: Tensor,
          bias?: Tensor | null | undefined,
          stride?: Pair | ConvOptions<Pair> | undefined,
          padding?: 'same' | Pair | 'valid' | ConvOptions<Pair> | undefined,
          dilation?: Pair | ConvOptions<Pair> | undefined,
          groups?: number | ConvOptions<Pair> | undefined,
          options?: ConvOptions<Pair> | undefined,
        ],
      readonly ['weight']
    >
  ): Tensor;
  /** Cross-correlation: input [N, C, D, H, W], weight [OC, C / groups, KD, KH, KW], bias [OC] → [N, OC, OD, OH, OW]. */
  conv3d(
    ...rest: Led<
      | [weight: Tensor, options?: ConvOptions<Triple> | undefined]
      | [
          weight: Tensor,
          bias?: Tensor | null | undefined,
          stride?: Triple | ConvOptions<Triple> | undefined,
          padding?: 'same' | Triple | 'valid' | ConvOptions<Triple> | undefined,
          dilation?: Triple | ConvOptions<Triple> | undefined,
          groups?: number | ConvOptions<Triple> | undefined,
          options?: ConvOptions<Triple> | undefined,
        ],
      readonly ['weight']
    >
  ): Tensor;
  /** Transposed convolution: input [N, C, L], weight [C, OC / groups, K], bias [OC] → [N, OC, OL]. */
  convTranspose1d(
    ...rest: Led<
      | [weight: Tensor, options?: ConvTransposeOptions<Single> | undefined]
      | [
          weight: Tensor,
          bias?: Tensor | null | undefined,
          stride?: Single | ConvTransposeOptions<Single> | undefined,
          padding?: Single | ConvTransposeOptions<Single> | undefined,
          outputPadding?: Single | ConvTransposeOptions<Single> | undefined,
          groups?: number | ConvTransposeOptions<Single> | undefined,
          dilation?: Single | ConvTransposeOptions<Single> | undefined,
          options?: ConvTransposeOptions<Single> | undefined,
        ],
      readonly ['weight']
    >
  ): Tensor;
  /** Transposed convolution: input [N, C, H, W], weight [C, OC / groups, KH, KW], bias [OC] → [N, OC, OH, OW]. */
  convTranspose2d(
    ...rest: Led<
      | [weight: Tensor, options?: ConvTransposeOptions<Pair> | undefined]
      | [
          weight: Tensor,
          bias?: Tensor | null | undefined,
          stride?: Pair | ConvTransposeOptions<Pair> | undefined,
          padding?: Pair | ConvTransposeOptions<Pair> | undefined,
          outputPadding?: Pair | ConvTransposeOptions<Pair> | undefined,
          groups?: number | ConvTransposeOptions<Pair> | undefined,
          dilation?: Pair | ConvTransposeOptions<Pair> | undefined,
          options?: ConvTransposeOptions<Pair> | undefined,
        ],
      readonly ['weight']
    >
  ): Tensor;
  /** Transposed convolution: input [N, C, D, H, W], weight [C, OC / groups, KD, KH, KW], bias [OC] → [N, OC, OD, OH, OW]. */
  convTranspose3d(
    ...rest: Led<
      | [weight: Tensor, options?: ConvTransposeOptions<Triple> | undefined]
      | [
          weight: Tensor,
          bias?: Tensor | null | undefined,
          stride?: Triple | ConvTransposeOptions<Triple> | undefined,
          padding?: Triple | ConvTransposeOptions<Triple> | undefined,
          outputPadding?: Triple | ConvTransposeOptions<Triple> | undefined,
          groups?: number | ConvTransposeOptions<Triple> | undefined,
          dilation?: Triple | ConvTransposeOptions<Triple> | undefined,
          options?: ConvTransposeOptions<Triple> | undefined,
        ],
      readonly ['weight']
    >
  ): Tensor;
  /** Copies `source` into `self`, broadcasting and converting it. Returns `self`. */
  copy_(...given: Named<[src: Tensor, nonBlocking?: boolean | undefined], readonly ['src', 'nonBlocking']>): this;
  /** Elementwise |input| with the sign of other, broadcasting; integers give float32. */
  copysign<const B extends Others<unknown>>(...rest: B): BinaryResult<'float', Tensor<D, R>, OtherOf<B>>;
  /** Pearson's correlation coefficients of variables: input [variables, observations] → [variables, variables]; of one → []. */
  corrcoef(): Tensor;
  /** Elementwise cosine of radians. */
  cos(): Tensor<FloatOf<D>, R>;
  /** As cos(), into this tensor, which it returns. */
  cos_(): this;
  /** Elementwise hyperbolic cosine. */
  cosh(): Tensor<FloatOf<D>, R>;
  /** As cosh(), into this tensor, which it returns. */
  cosh_(): this;
  /** 1 − cos(input1, input2) where target is 1, max(0, cos − margin) where it is −1: inputs [N, D] and target [N], or [D] and []. */
  cosineEmbeddingLoss(
    ...rest: Led<
      [
        input2: Tensor,
        target: Tensor,
        (number | MarginOptions | null | undefined)?,
        (boolean | MarginOptions | null | undefined)?,
        (boolean | MarginOptions | null | undefined)?,
        (Reduction | MarginOptions | null | undefined)?,
      ],
      readonly ['input2', 'target']
    >
  ): Tensor;
  /** x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along `dim`, broadcasting. */
  cosineSimilarity(
    ...rest: Led<
      [
        x2: Tensor,
        (number | CosineSimilarityOptions | null | undefined)?,
        (number | CosineSimilarityOptions | null | undefined)?,
      ],
      readonly ['x2']
    >
  ): Tensor;
  /** How many elements over `dim` (default all) are not 0; int32. NaN is not 0. */
  countNonzero(
    ...args: (number | readonly number[] | Pick<ReduceOptions, 'dim'> | null | undefined)[]
  ): Tensor<'int32', number>;
  /** Covariances of variables: input [variables, observations] → [variables, variables]; of one variable, also [observations], → []. */
  cov(...rest: (number | CovOptions | undefined)[]): Tensor;
  /** The cross product of vectors of three along `dim`; default the first dimension of size 3. Other dimensions broadcast. */
  cross(
    ...rest: Led<
      [other: Tensor, ...rest: (number | { readonly dim?: number | null | undefined } | null | undefined)[]],
      readonly ['other']
    >
  ): Tensor;
  /** Softmax cross entropy of logits [N, C, d…] and class indices [N, d…] or probabilities [N, C, d…]. */
  crossEntropy(
    ...rest: Led<
      [
        target: Tensor,
        (Tensor | CrossEntropyOptions | null | undefined)?,
        (boolean | CrossEntropyOptions | null | undefined)?,
        (number | CrossEntropyOptions | null | undefined)?,
        (boolean | CrossEntropyOptions | null | undefined)?,
        (Reduction | CrossEntropyOptions | null | undefined)?,
        (number | CrossEntropyOptions | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** Minus the log likelihood of label sequences in log-probabilities [T, N, C], summed over all alignments. */
  ctcLoss(
    ...rest: Led<
      [
        targets: Tensor,
        inputLengths: Lengths,
        targetLengths: Lengths,
        (number | CtcOptions | null | undefined)?,
        (Reduction | CtcOptions | null | undefined)?,
        (boolean | CtcOptions | null | undefined)?,
      ],
      readonly ['targets', 'inputLengths', 'targetLengths']
    >
  ): Tensor;
  /** The largest element so far along `dim`, and where it is, the last of equal ones: `{ values, indices }`. NaN remains. */
  cummax(...args: DimArgument): ValuesAndIndices;
  /** The smallest element so far along `dim`, and where it is, the last of equal ones: `{ values, indices }`. NaN remains. */
  cummin(...args: DimArgument): ValuesAndIndices;
  /** Running product along `dim`; integers give int32. */
  cumprod(...args: ScanArguments): Tensor;
  /** As cumprod(), into this tensor, which it returns. */
  cumprod_(...args: ScanArguments): this;
  /** Running sum along `dim`; integers give int32. */
  cumsum(...args: ScanArguments): Tensor;
  /** As cumsum(), into this tensor, which it returns. */
  cumsum_(...args: ScanArguments): this;
  /** The areas under `y` along `dim` up to each of its elements but the first. */
  cumulativeTrapezoid(...rest: TrapezoidArguments): Tensor;
  /** Elementwise degrees in radians. */
  deg2rad(): Tensor<FloatOf<D>, R>;
  /** The same values cut off from the graph: a view that requires no gradient. */
  detach(): Tensor<D, R>;
  /** A matrix with `input` [n] on its diagonal, `diagonal` above the middle; of a matrix, a copy of that diagonal. */
  diag(...rest: Named<[diagonal?: number | undefined], readonly ['diagonal']>): Tensor;
  /** Matrices with the last dimension of `input` on their diagonal, in dimensions dim1 and dim2 of the result. */
  diagEmbed(
    ...rest: Named<
      [offset?: number | undefined, dim1?: number | undefined, dim2?: number | undefined],
      readonly ['offset', 'dim1', 'dim2']
    >
  ): Tensor;
  /** A matrix with all of `input` on its diagonal, `offset` above it. */
  diagflat(...rest: Named<[offset?: number | undefined], readonly ['offset']>): Tensor;
  /** A view of the diagonal of dimensions dim1 and dim2, `offset` above it, as the last dimension. */
  diagonal(
    ...rest: Named<
      [offset?: number | undefined, dim1?: number | undefined, dim2?: number | undefined],
      readonly ['offset', 'dim1', 'dim2']
    >
  ): Tensor;
  /** A copy of `input` with `src` in place of the diagonal of dimensions dim1 and dim2, `offset` above it. */
  diagonalScatter(
    ...rest: Named<
      [src: Tensor, offset?: number | undefined, dim1?: number | undefined, dim2?: number | undefined],
      readonly ['src', 'offset', 'dim1', 'dim2']
    >
  ): Tensor;
  /** The `n`th differences of neighbours along `dim`; of bool, whether they differ. */
  diff(...rest: (number | Tensor | DiffOptions | null | undefined)[]): Tensor;
  /** Elementwise logarithmic derivative of the gamma function; infinite at ±0, NaN at the other poles. */
  digamma(): Tensor<FloatOf<D>, R>;
  /** ‖input − other‖ₚ over everything, broadcasting. */
  dist(...rest: Led<[other: Tensor, ...rest: (number | POption | undefined)[]], readonly ['other']>): Tensor;
  /** Elementwise input / other, broadcasting; integers give float32. */
  div(...rest: Led<[other: Operand, options?: DivOptions | undefined], readonly ['other']>): Tensor;
  /** self /= other. */
  div_(...args: Led<[other: Operand, options?: DivOptions | undefined], readonly ['other']>): this;
  /** Elementwise input / other, broadcasting; integers give float32. */
  divide(...rest: Led<[other: Operand, options?: DivOptions | undefined], readonly ['other']>): Tensor;
  /** [K] · [K] → []. */
  dot(...rest: Named<[other: Tensor], readonly ['other']>): Tensor;
  /** Sets elements to 0 with probability p and scales the others, so that sums keep their mean (Srivastava et al. 2014). */
  dropout(...given: DropoutArguments): Tensor;
  /** Drops whole channels of [N, C, L] or [C, L] with probability p, and scales the others (Tompson et al. 2015). */
  dropout1d(
    ...rest: readonly [
      (number | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (DropoutNdOptions | Generator | null | undefined)?,
    ]
  ): Tensor;
  /** Drops whole channels of [N, C, H, W] or [N, C, L] with probability p, and scales the others. */
  dropout2d(
    ...rest: readonly [
      (number | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (DropoutNdOptions | Generator | null | undefined)?,
    ]
  ): Tensor;
  /** Drops whole channels of [N, C, D, H, W] or [C, D, H, W] with probability p, and scales the others. */
  dropout3d(
    ...rest: readonly [
      (number | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (DropoutNdOptions | Generator | null | undefined)?,
    ]
  ): Tensor;
  /** Pieces one behind the other, along the third dimension. Views. */
  dsplit(...rest: Named<[indicesOrSections: number | readonly number[]], readonly ['indicesOrSections']>): Tensor[];
  /** Elementwise input where it is above 0, `alpha` · (e^input − 1) elsewhere (Clevert et al. 2015). */
  elu(...given: readonly Setting<'alpha'>[]): Tensor;
  /** Rows of `weight` [n, features] at `input` [..]: [.., features]. */
  embedding(
    ...rest: Led<
      [weight: Tensor, ...rest: (number | boolean | EmbeddingOptions | null | undefined)[]],
      readonly ['weight']
    >
  ): Tensor;
  /**
   * Rows of `weight` [n, features] at `input`, summed, averaged or their largest taken bag by bag: [bags, features]. A bag is a
   * row of `input` [bags, size], or a stretch of `input` [rows] that begins at an offset. Rows at paddingIdx do not count; of
   * an empty bag the result is 0.
   */
  embeddingBag(
    ...rest: Led<
      [weight: Tensor, ...rest: (string | number | boolean | Tensor | EmbeddingBagOptions | null | undefined)[]],
      readonly ['weight']
    >
  ): Tensor;
  /** Elementwise input == other, broadcasting; bool. */
  eq<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** Comparisons and logic leave 0 and 1 in the dtype of self. */
  eq_(...args: Others): this;
  /** Whether two tensors have one shape and equal elements; NaN equals nothing. Reads the answer. */
  equal(...rest: Named<[other: Tensor], readonly ['other']>): boolean;
  /** Elementwise Gauss error function. */
  erf(): Tensor<FloatOf<D>, R>;
  /** As erf(), into this tensor, which it returns. */
  erf_(): this;
  /** Elementwise 1 − erf(input), exact in the upper tail. */
  erfc(): Tensor<FloatOf<D>, R>;
  /** Elementwise the number whose erf is input; ±Infinity at ±1, NaN beyond. */
  erfinv(): Tensor<FloatOf<D>, R>;
  /** Elementwise e to the power of input. */
  exp(): Tensor<FloatOf<D>, R>;
  /** Elementwise 2 to the power of input. */
  exp2(): Tensor<FloatOf<D>, R>;
  /** As exp2(), into this tensor, which it returns. */
  exp2_(): this;
  /** As exp(), into this tensor, which it returns. */
  exp_(): this;
  /** A view of `input` with dimensions of size 1 repeated to `sizes`; −1 keeps a size. */
  expand(...sizes: number[] | [readonly number[]]): Tensor;
  /** expand() to the shape of `other`. */
  expandAs(...rest: Named<[other: Tensor], readonly ['other']>): Tensor;
  /** Elementwise 1 / (1 + e^−input). */
  expit(): Tensor<FloatOf<D>, R>;
  /** Elementwise e to the power of input, minus 1; exact near 0. */
  expm1(): Tensor<FloatOf<D>, R>;
  /** As expm1(), into this tensor, which it returns. */
  expm1_(): this;
  /** Fills `self` with exponential numbers of the rate `lambd`, all above 0. Returns `self`. */
  exponential_(
    ...args: Named<[(number | undefined)?, (Generator | undefined)?], readonly ['lambd', 'generator']>
  ): this;
  /** `alphaDropout` of whole channels [N, C, …]. Off by default. */
  featureAlphaDropout(
    ...rest: readonly [
      (number | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (boolean | DropoutNdOptions | null | undefined)?,
      (DropoutNdOptions | Generator | null | undefined)?,
    ]
  ): Tensor;
  /** The discrete Fourier transform of `dim`: real input [.., n], or complex [.., n, 2] with `complex: true`; [.., n, 2]. */
  fft(...rest: FftArguments<ComplexFftOptions>): Tensor;
  /** The Fourier transform of the last two dimensions: real input [.., h, w], or complex with `complex: true`; [.., h, w, 2]. */
  fft2(...rest: FftnArguments<ComplexFftnOptions>): Tensor;
  /** The Fourier transform of all dimensions, or of `dim`: real input, or complex [.., 2] with `complex: true`; [.., 2]. */
  fftn(...rest: FftnArguments<ComplexFftnOptions>): Tensor;
  /** The bin of frequency 0 moved to the middle of `dim` (default: all dimensions; of complex tensors name those to move). */
  fftshift(...rest: Named<[dim?: number | readonly number[] | null | undefined], readonly ['dim']>): Tensor;
  /**
   * Sets the main diagonal of `self` to `value`: the elements whose indices are all the same. With `wrap`, in a matrix with more
   * rows than columns, the diagonal begins again after each row that has none of it. Returns `self`.
   */
  fillDiagonal_(
    ...given: Named<[value: number | boolean, wrap?: boolean | undefined], readonly ['value', 'wrap']>
  ): this;
  /** Sets every element of `self` to `value`, a number or a tensor without dimensions. Returns `self`. */
  fill_(...given: Named<[value: number | boolean | Tensor], readonly ['value']>): this;
  /** Elementwise input without its fraction. */
  fix(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** Joins dimensions startDim … endDim into one. */
  flatten(
    ...rest: Named<[startDim?: number | undefined, endDim?: number | undefined], readonly ['startDim', 'endDim']>
  ): Tensor;
  /** A copy of `input` with the order of elements reversed along `dims`. */
  flip(...dims: Listed<'dims'>): Tensor<D, R>;
  /** A copy with the order of columns reversed. */
  fliplr(): Tensor;
  /** A copy with the order of rows reversed. */
  flipud(): Tensor;
  /** `input` to the power of `exponent` in floating point, whatever the dtypes; either may be a number. */
  floatPower(...rest: Named<[exponent: Operand], readonly ['exponent']>): Tensor;
  /** Elementwise the largest whole number ≤ input. */
  floor(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** Elementwise ⌊input / other⌋, broadcasting; integers by 0 give 0. It has no gradient. */
  floorDivide<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** As floorDivide(), into this tensor, which it returns. */
  floorDivide_(...args: Others<unknown>): this;
  /** As floor(), into this tensor, which it returns. */
  floor_(): this;
  /** Elementwise the larger of input and other, broadcasting; a number where one is NaN. At ties input has the gradient. */
  fmax<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise the smaller of input and other, broadcasting; a number where one is NaN. At ties input has the gradient. */
  fmin<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise what input / other, cut towards 0, leaves, with the sign of input, broadcasting; for integers 0 by 0. */
  fmod(...rest: Named<[other: Operand], readonly ['other']>): Tensor;
  /** As fmod(), into this tensor, which it returns. */
  fmod_(...args: Named<[other: Operand], readonly ['other']>): this;
  /** Columns of windows added up to images: [N, C · KH · KW, L] → [N, C, …outputSize]. */
  fold(
    ...rest: Led<
      | [outputSize: Pair, kernelSize: Pair, options?: UnfoldOptions | undefined]
      | [
          outputSize: Pair,
          kernelSize: Pair,
          dilation?: Pair | undefined,
          padding?: Pair | UnfoldOptions | undefined,
          stride?: Pair | UnfoldOptions | undefined,
          options?: UnfoldOptions | undefined,
        ],
      readonly ['outputSize', 'kernelSize']
    >
  ): Tensor;
  /** Elementwise the fraction of input, with its sign. */
  frac(): Tensor<FloatOf<D>, R>;
  /**
   * Elements of `input` at `index` along `dim`; index has input's number of dimensions, is no larger in the others, and gives
   * the result's shape.
   */
  gather(...rest: Named<[dim: number, index: Tensor], readonly ['dim', 'index', 'sparseGrad']>): Tensor;
  /**
   * ½ (log v + (input − target)² / v), v the variance, no smaller than `eps`; the gradient does not see that limit
   * (Nix and Weigend 1994).
   */
  gaussianNllLoss(
    ...rest: Led<
      [
        target: Tensor,
        variance: Tensor,
        (boolean | GaussianNllOptions | null | undefined)?,
        (number | GaussianNllOptions | null | undefined)?,
        (Reduction | GaussianNllOptions | null | undefined)?,
      ],
      readonly ['target', 'var']
    >
  ): Tensor;
  /** Elementwise greatest common divisor, broadcasting; integers. */
  gcd<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise input >= other, broadcasting; bool. */
  ge<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** As ge(), into this tensor, which it returns. */
  ge_(...args: Others): this;
  /** Elementwise input · Φ(input), Φ the normal distribution function (Hendrycks and Gimpel 2016). */
  gelu(options?: GeluOptions | undefined): Tensor;
  /** Fills `self` with the number of trials until the first success of probability `p`: 1, 2, …. Returns `self`. */
  geometric_(...args: Named<[(number | undefined)?, (Generator | undefined)?], readonly ['p', 'generator']>): this;
  /** outer() under its other name. */
  ger(...rest: Named<[vec2: Tensor], readonly ['vec2']>): Tensor;
  /** The first half of `input` along `dim` times the sigmoid of the second; half as long along `dim`. */
  glu(...rest: Named<[dim?: number | undefined], readonly ['dim']>): Tensor;
  /** Elementwise input > other, broadcasting; bool. */
  greater<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise input >= other, broadcasting; bool. */
  greaterEqual<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** `input` [N, C, H, W] at the places of `grid` [N, OH, OW, 2]; [N, C, OH, OW]. */
  gridSample(
    ...rest: Led<
      [
        grid: Tensor,
        mode?: GridMode | GridSampleOptions | undefined,
        paddingMode?: GridSampleOptions | GridPadding | undefined,
        alignCorners?: boolean | GridSampleOptions | null | undefined,
      ],
      readonly ['grid']
    >
  ): Tensor;
  /** Normalizes groups of channels of [N, C, …] to mean 0 and variance 1; same shape. */
  groupNorm(
    ...rest: Led<
      | [numGroups: number, options?: LayerNormOptions | undefined]
      | [
          numGroups: number,
          weight?: Tensor | null | undefined,
          bias?: LayerNormOptions | Tensor | null | undefined,
          eps?: number | LayerNormOptions | undefined,
          options?: LayerNormOptions | undefined,
        ],
      readonly ['numGroups']
    >
  ): Tensor;
  /** Elementwise input > other, broadcasting; bool. */
  gt<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** As gt(), into this tensor, which it returns. */
  gt_(...args: Others): this;
  /** A random choice among unnormalized log-probabilities, soft and so differentiable (Jang et al. 2016). */
  gumbelSoftmax(
    ...rest: readonly [
      (number | GumbelOptions | null | undefined)?,
      (boolean | GumbelOptions | null | undefined)?,
      (number | GumbelOptions | null | undefined)?,
      (number | GumbelOptions | null | undefined)?,
      (Generator | GumbelOptions | null | undefined)?,
    ]
  ): Tensor;
  /** Elementwise 0 where |input| ≤ `lambd`, input elsewhere; NaN stays. */
  hardshrink(...given: ShrinkArguments): Tensor;
  /** Elementwise min(max(input + 3, 0), 6) / 6; its gradient at ±3 is 0. */
  hardsigmoid(): Tensor<FloatOf<D>, R>;
  /** Elementwise input · min(max(input + 3, 0), 6) / 6 (Howard et al. 2019). */
  hardswish(): Tensor<FloatOf<D>, R>;
  /** Elementwise input, raised to `minVal` and lowered to `maxVal`; its gradient at both is 0. */
  hardtanh(...given: readonly Setting<'minVal' | 'maxVal'>[]): Tensor;
  /** Elementwise 0 below 0, 1 above, and other at 0, broadcasting. It has no gradient. */
  heaviside(...rest: Named<[values: Tensor], readonly ['values']>): Tensor;
  /** input where target is 1, max(0, margin − input) where it is −1; margin is 1 by default. */
  hingeEmbeddingLoss(
    ...rest: Led<
      [
        target: Tensor,
        (number | MarginOptions | null | undefined)?,
        (boolean | MarginOptions | null | undefined)?,
        (boolean | MarginOptions | null | undefined)?,
        (Reduction | MarginOptions | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** How many elements fall into each of equal bins from min to max, both included; what lies outside does not count. */
  histc(...rest: (number | HistcOptions | undefined)[]): Tensor;
  /** Pieces side by side: along the second dimension, or the only one. Views. */
  hsplit(...rest: Named<[indicesOrSections: number | readonly number[]], readonly ['indicesOrSections']>): Tensor[];
  /** ½ d² for |d| < delta, delta · (|d| − ½ delta) beyond; d = input − target (Huber 1964). */
  huberLoss(
    ...rest: Led<
      [target: Tensor, (Reduction | HuberOptions | null | undefined)?, (number | HuberOptions | null | undefined)?],
      readonly ['target']
    >
  ): Tensor;
  /** Elementwise √(input² + other²) without overflow, broadcasting. */
  hypot<const B extends Others<unknown>>(...rest: B): BinaryResult<'float', Tensor<D, R>, OtherOf<B>>;
  /** The inverse of fft: complex input [.., n, 2], or real [.., n] with `complex: false`; [.., n, 2]. */
  ifft(...rest: FftArguments<ComplexFftOptions>): Tensor;
  /** The inverse of fft2: complex input [.., h, w, 2], or real with `complex: false`; [.., h, w, 2]. */
  ifft2(...rest: FftnArguments<ComplexFftnOptions>): Tensor;
  /** The inverse of fftn: complex input [.., 2], or real with `complex: false`; [.., 2]. */
  ifftn(...rest: FftnArguments<ComplexFftnOptions>): Tensor;
  /** The inverse of fftshift. */
  ifftshift(...rest: Named<[dim?: number | readonly number[] | null | undefined], readonly ['dim']>): Tensor;
  /**
   * The part of `input` that subscripts name, as `input[…]` is in PyTorch: numbers, ranges and new dimensions give a view,
   * index tensors and masks a copy. Index tensors broadcast with one another; their dimensions stand in the result where those
   * they replace were, or in front if these were not neighbours. Negative places count from the end.
   */
  index(...given: readonly [indices: Subscripts | { readonly indices: Subscripts }]): Tensor;
  /** A copy of `input` with slice j of `source`, times alpha, added to slice index[j] along `dim`. */
  indexAdd(
    ...rest: Led<
      [dim: number, index: Tensor, source: Tensor, ...rest: (IndexAddOptions | undefined)[]],
      readonly ['dim', 'index', 'source']
    >
  ): Tensor;
  /** As indexAdd(), into this tensor, which it returns. */
  indexAdd_(
    ...args: Led<
      [dim: number, index: Tensor, source: Tensor, ...rest: (IndexAddOptions | undefined)[]],
      readonly ['dim', 'index', 'source']
    >
  ): this;
  /** A copy of `input` with slice j of `source` in place of slice index[j] along `dim`. */
  indexCopy(...rest: Named<[dim: number, index: Tensor, source: Tensor], readonly ['dim', 'index', 'source']>): Tensor;
  /** As indexCopy(), into this tensor, which it returns. */
  indexCopy_(...args: Named<[dim: number, index: Tensor, source: Tensor], readonly ['dim', 'index', 'source']>): this;
  /** A copy of `input` with `value`, a number or a tensor without dimensions, in the slices `index` along `dim`. */
  indexFill(
    ...rest: Named<[dim: number, index: Tensor, value: number | Tensor], readonly ['dim', 'index', 'value']>
  ): Tensor;
  /** As indexFill(), into this tensor, which it returns. */
  indexFill_(
    ...args: Named<[dim: number, index: Tensor, value: number | Tensor], readonly ['dim', 'index', 'value']>
  ): this;
  /**
   * A copy of `input` with `values`, which broadcast, at the places that `indices` name; see index(). Without `accumulate` the
   * last of several values for one place remains. A number stands for a tensor of input's dtype.
   */
  indexPut(
    ...rest: Led<
      [indices: Subscripts, values: number | boolean | Tensor, ...rest: (boolean | IndexPutOptions | undefined)[]],
      readonly ['indices', 'values']
    >
  ): Tensor;
  /** As indexPut(), into this tensor, which it returns. */
  indexPut_(
    ...args: Led<
      [indices: Subscripts, values: number | boolean | Tensor, ...rest: (boolean | IndexPutOptions | undefined)[]],
      readonly ['indices', 'values']
    >
  ): this;
  /** A copy of `input` with the slices `index` along `dim` combined with those of `source`; see scatterReduce. */
  indexReduce(
    ...rest: Led<
      [
        dim: number,
        index: Tensor,
        source: Tensor,
        reduce: 'mean' | 'prod' | 'amax' | 'amin',
        ...rest: (ScatterReduceOptions | undefined)[],
      ],
      readonly ['dim', 'index', 'source', 'reduce']
    >
  ): Tensor;
  /** As indexReduce(), into this tensor, which it returns. */
  indexReduce_(
    ...args: Led<
      [
        dim: number,
        index: Tensor,
        source: Tensor,
        reduce: 'mean' | 'prod' | 'amax' | 'amin',
        ...rest: (ScatterReduceOptions | undefined)[],
      ],
      readonly ['dim', 'index', 'source', 'reduce']
    >
  ): this;
  /** The slices of `input` at the places `index` [n] along `dim`. */
  indexSelect(...rest: Named<[dim: number, index: Tensor], readonly ['dim', 'index']>): Tensor;
  /** Sums of products along the last dimensions: [.., K] and [.., K] give all other dimensions of both. */
  inner(...rest: Named<[other: Tensor], readonly ['other']>): Tensor;
  /** Normalizes each channel of each sample of [N, C, …] to mean 0 and variance 1; same shape. */
  instanceNorm(...rest: InstanceNormArguments): Tensor;
  /** `input` [N, C, …] resized to `size`, or by `scaleFactor`, by `mode`. */
  interpolate(...rest: InterpolateArguments): Tensor;
  /** The inverse of rfft: half a spectrum [.., m, 2] → real [.., n], where n is 2 (m − 1) unless given. */
  irfft(...rest: FftArguments<FftOptions>): Tensor;
  /** The inverse of rfft2: [.., h, m, 2] → real [.., h, 2 (m − 1)], unless `s` says otherwise. */
  irfft2(...rest: FftnArguments<FftnOptions>): Tensor;
  /** The inverse of rfftn: complex input [.., m, 2] → real. */
  irfftn(...rest: FftnArguments<FftnOptions>): Tensor;
  /** Where |input − other| ≤ atol + rtol · |other|, or both are equal; bool, broadcasting. */
  isclose(
    ...rest: Led<
      [
        other: Tensor,
        rtol?: number | ClosenessOptions | undefined,
        atol?: number | ClosenessOptions | undefined,
        equalNan?: boolean | ClosenessOptions | undefined,
        options?: ClosenessOptions | undefined,
      ],
      readonly ['other']
    >
  ): Tensor;
  /** Where input is neither infinite nor NaN; bool. */
  isfinite(): Tensor<'bool', R>;
  /** Which of `elements` are among `testElements`: bool, of the shape of `elements`. Either may be a number. NaN is among none. */
  isin(
    ...rest: Led<
      [testElements: number | Tensor, ...rest: (boolean | IsinOptions | undefined)[]],
      readonly ['testElements']
    >
  ): Tensor<'bool', number>;
  /** Where input is ±Infinity; bool. */
  isinf(): Tensor<'bool', R>;
  /** Where input is NaN; bool. */
  isnan(): Tensor<'bool', R>;
  /** Where input is −Infinity; bool. */
  isneginf(): Tensor<'bool', R>;
  /** Where input is Infinity; bool. */
  isposinf(): Tensor<'bool', R>;
  /**
   * The signal whose frames have the given spectra, as nearly as one can: the least-squares inverse of stft (Griffin and Lim
   * 1984). Input [frequencies, frames, 2] or [B, frequencies, frames, 2] → [L] or [B, L].
   */
  istft(
    ...rest: Led<
      | [nFft: number, options?: IstftOptions | undefined]
      | [
          nFft: number,
          hopLength?: number | null | undefined,
          winLength?: number | IstftOptions | null | undefined,
          window?: IstftOptions | Tensor | null | undefined,
          center?: boolean | IstftOptions | undefined,
          normalized?: boolean | IstftOptions | undefined,
          onesided?: boolean | IstftOptions | null | undefined,
          length?: number | IstftOptions | null | undefined,
          returnComplex?: boolean | IstftOptions | null | undefined,
        ],
      readonly ['nFft']
    >
  ): Tensor;
  /** target · (log target − input), input holding log-probabilities; 0 where target is 0. */
  klDiv(
    ...rest: Led<
      [
        target: Tensor,
        (boolean | KlDivOptions | null | undefined)?,
        (boolean | KlDivOptions | null | undefined)?,
        (Reduction | KlDivOptions | 'batchmean' | null | undefined)?,
        (boolean | KlDivOptions | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** The Kronecker product: every element of `input` times all of `other`. */
  kron(...rest: Named<[other: Tensor], readonly ['other']>): Tensor;
  /** The `k`th smallest element along `dim`, counted from 1, and where it is: `{ values, indices }`. */
  kthvalue(
    ...rest: Led<[k: number, ...rest: (number | boolean | DimOptions | undefined)[]], readonly ['k']>
  ): ValuesAndIndices;
  /** |input − target|. */
  l1Loss(
    ...rest: Led<
      [
        target: Tensor,
        (boolean | LossOptions | null | undefined)?,
        (boolean | LossOptions | null | undefined)?,
        (LossOptions | Reduction | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** Normalizes the last dimensions to mean 0 and variance 1; same shape. */
  layerNorm(
    ...rest: Led<
      | [normalizedShape: readonly number[], options?: LayerNormOptions | undefined]
      | [
          normalizedShape: readonly number[],
          weight?: Tensor | null | undefined,
          bias?: LayerNormOptions | Tensor | null | undefined,
          eps?: number | LayerNormOptions | undefined,
          options?: LayerNormOptions | undefined,
        ],
      readonly ['normalizedShape']
    >
  ): Tensor;
  /** Elementwise least common multiple, broadcasting; 0 where either is 0; integers. */
  lcm<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** `input` · 2^`other`, elementwise, broadcasting. */
  ldexp(...rest: Named<[other: Tensor], readonly ['other']>): Tensor;
  /** Elementwise input <= other, broadcasting; bool. */
  le<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** As le(), into this tensor, which it returns. */
  le_(...args: Others): this;
  /** Elementwise input where it is above 0, `negativeSlope` · input elsewhere. */
  leakyRelu(...given: readonly Setting<'negativeSlope'>[]): Tensor;
  /** `input` + `weight` · (`end` − `input`); the weight is a tensor or a number, and all broadcast. */
  lerp(...rest: Named<[end: Tensor, weight: number | Tensor], readonly ['end', 'weight']>): Tensor;
  /** self + weight · (end − self). */
  lerp_(...args: Named<[end: Tensor, weight: number | Tensor], readonly ['end', 'weight']>): this;
  /** Elementwise input < other, broadcasting; bool. */
  less<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise input <= other, broadcasting; bool. */
  lessEqual<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise logarithm of |Γ(input)|; Infinity at the poles. */
  lgamma(): Tensor<FloatOf<D>, R>;
  /** input · weightᵀ + bias: input [.., K], weight [N, K], bias [N] → [.., N]. */
  linear(...rest: Named<[weight: Tensor, bias?: Tensor | null | undefined], readonly ['weight', 'bias']>): Tensor;
  /** Divides channels of [N, C, …] by a power of the mean square of their neighbours; same shape. */
  localResponseNorm(
    ...rest: Led<
      [
        size: number,
        alpha?: number | LocalResponseNormOptions | undefined,
        beta?: number | LocalResponseNormOptions | undefined,
        k?: number | LocalResponseNormOptions | undefined,
        options?: LocalResponseNormOptions | undefined,
      ],
      readonly ['size']
    >
  ): Tensor;
  /** Elementwise natural logarithm; −Infinity at 0, NaN below. */
  log(): Tensor<FloatOf<D>, R>;
  /** Elementwise logarithm to base 10. */
  log10(): Tensor<FloatOf<D>, R>;
  /** As log10(), into this tensor, which it returns. */
  log10_(): this;
  /** Elementwise log(1 + input); exact near 0. */
  log1p(): Tensor<FloatOf<D>, R>;
  /** As log1p(), into this tensor, which it returns. */
  log1p_(): this;
  /** Elementwise logarithm to base 2. */
  log2(): Tensor<FloatOf<D>, R>;
  /** As log2(), into this tensor, which it returns. */
  log2_(): this;
  /** Fills `self` with numbers whose logarithms are normal with this mean and deviation. Returns `self`. */
  logNormal_(
    ...args: Named<
      [(number | undefined)?, (number | undefined)?, (Generator | undefined)?],
      readonly ['mean', 'std', 'generator']
    >
  ): this;
  /** Elementwise log(1 / (1 + e^−input)); exact far below 0. */
  logSigmoid(): Tensor<FloatOf<D>, R>;
  /** input − log Σ exp(input) along `dim`; same shape. */
  logSoftmax(...given: SoftmaxArguments): Tensor<DType, R>;
  /** As log(), into this tensor, which it returns. */
  log_(): this;
  /** Elementwise log(exp(input) + exp(other)) without overflow, broadcasting. */
  logaddexp<const B extends Others<unknown>>(...rest: B): BinaryResult<'float', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise log2(2^input + 2^other) without overflow, broadcasting. */
  logaddexp2<const B extends Others<unknown>>(...rest: B): BinaryResult<'float', Tensor<D, R>, OtherOf<B>>;
  /** log of the running sum of exponentials along `dim`, without overflow. */
  logcumsumexp(...args: DimArgument): Tensor;
  /** Elementwise input and other; bool. */
  logicalAnd<const B extends Others<unknown>>(...rest: B): BinaryResult<'logical', Tensor<D, R>, OtherOf<B>>;
  /** As logicalAnd(), into this tensor, which it returns. */
  logicalAnd_(...args: Others): this;
  /** Elementwise not; bool. */
  logicalNot(): Tensor;
  /** As logicalNot(), into this tensor, which it returns. */
  logicalNot_(): this;
  /** Elementwise input or other; bool. */
  logicalOr<const B extends Others<unknown>>(...rest: B): BinaryResult<'logical', Tensor<D, R>, OtherOf<B>>;
  /** As logicalOr(), into this tensor, which it returns. */
  logicalOr_(...args: Others): this;
  /** Elementwise exclusive or; bool. */
  logicalXor<const B extends Others<unknown>>(...rest: B): BinaryResult<'logical', Tensor<D, R>, OtherOf<B>>;
  /** As logicalXor(), into this tensor, which it returns. */
  logicalXor_(...args: Others): this;
  /** Elementwise log(input / (1 − input)), with input clamped to [eps, 1 − eps] if `eps` is given. */
  logit(...given: [eps?: number | LogitOptions | null | undefined]): Tensor;
  /** log Σ exp over `dim`, without overflow. */
  logsumexp(...args: ReduceArguments): Tensor;
  /** The norm (Σ xᵖ)^(1/p) of each window, p = normType: [N, C, L] → [N, C, OL]. */
  lpPool1d(
    ...rest: Led<
      | [normType: number, kernelSize: Single, options?: LPPoolOptions<Single> | undefined]
      | [
          normType: number,
          kernelSize: Single,
          stride?: Single | null | undefined,
          ceilMode?: boolean | LPPoolOptions<Single> | undefined,
          options?: LPPoolOptions<Single> | undefined,
        ],
      readonly ['normType', 'kernelSize']
    >
  ): Tensor;
  /** The norm (Σ xᵖ)^(1/p) of each window, p = normType: [N, C, H, W] → [N, C, OH, OW]. */
  lpPool2d(
    ...rest: Led<
      | [normType: number, kernelSize: Pair, options?: LPPoolOptions<Pair> | undefined]
      | [
          normType: number,
          kernelSize: Pair,
          stride?: Pair | null | undefined,
          ceilMode?: boolean | LPPoolOptions<Pair> | undefined,
          options?: LPPoolOptions<Pair> | undefined,
        ],
      readonly ['normType', 'kernelSize']
    >
  ): Tensor;
  /** Elementwise input < other, broadcasting; bool. */
  lt<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** As lt(), into this tensor, which it returns. */
  lt_(...args: Others): this;
  /** max(0, −target · (input1 − input2) + margin), target ±1 says which should be the larger; margin is 0 by default. */
  marginRankingLoss(
    ...rest: Led<
      [
        input2: Tensor,
        target: Tensor,
        (number | MarginOptions | null | undefined)?,
        (boolean | MarginOptions | null | undefined)?,
        (boolean | MarginOptions | null | undefined)?,
        (Reduction | MarginOptions | null | undefined)?,
      ],
      readonly ['input2', 'target']
    >
  ): Tensor;
  /** `value` where `mask` (bool) holds, `input` elsewhere; input and mask broadcast. The result has input’s dtype. */
  maskedFill(...rest: Named<[mask: Tensor, value: number | boolean | Tensor], readonly ['mask', 'value']>): Tensor;
  /** `value` where `mask` holds. */
  maskedFill_(...args: Named<[mask: Tensor, value: number | boolean | Tensor], readonly ['mask', 'value']>): this;
  /** A copy of `input` with the first elements of `source` where `mask` (bool, broadcast with input) holds, in their order. */
  maskedScatter(...rest: Named<[mask: Tensor, source: Tensor], readonly ['mask', 'source']>): Tensor;
  /** As maskedScatter(), into this tensor, which it returns. */
  maskedScatter_(...args: Named<[mask: Tensor, source: Tensor], readonly ['mask', 'source']>): this;
  /** The elements where `mask` (bool, broadcast with `input`) holds, in one dimension. */
  maskedSelect(...rest: Named<[mask: Tensor], readonly ['mask']>): Tensor;
  /** The product of matrices, [.., M, K] × [.., K, N] → [.., M, N]; leading dimensions broadcast. */
  matmul<B extends number>(other: Tensor<DType, B>): Tensor<DType, MatmulRank<R, B>>;
  /** Square matrices [.., M, M] to the power `n`, a whole number ≥ 0. */
  matrixPower(...rest: Named<[n: number], readonly ['n']>): Tensor;
  /** The largest of all elements; with `dim`, `{ values, indices }` along it; of two tensors maximum(). The gradient goes to the first largest. */
  max(): Tensor;
  /** The largest of all elements; with `dim`, `{ values, indices }` along it; of two tensors maximum(). The gradient goes to the first largest. */
  max(other: Tensor | { readonly other: Tensor }): Tensor;
  /** The largest of all elements; with `dim`, `{ values, indices }` along it; of two tensors maximum(). The gradient goes to the first largest. */
  max(dim: number | ReduceOptions, keepdim?: boolean | Pick<ReduceOptions, 'keepdim'> | undefined): ValuesAndIndices;
  /** The largest element of each window: [N, C, L] → [N, C, OL]. */
  maxPool1d<const A extends MaxPoolArguments<Single>>(kernelSize: Single, ...rest: A): Pooled<Asks<A>>;
  /** The largest element of each window: [N, C, L] → [N, C, OL]. */
  maxPool1d<const O extends NamedMaxPool<Single>>(options: O): Pooled<Asks<[O]>>;
  /** The largest element of each window: [N, C, H, W] → [N, C, OH, OW]. */
  maxPool2d<const A extends MaxPoolArguments<Pair>>(kernelSize: Pair, ...rest: A): Pooled<Asks<A>>;
  /** The largest element of each window: [N, C, H, W] → [N, C, OH, OW]. */
  maxPool2d<const O extends NamedMaxPool<Pair>>(options: O): Pooled<Asks<[O]>>;
  /** The largest element of each window: [N, C, D, H, W] → [N, C, OD, OH, OW]. */
  maxPool3d<const A extends MaxPoolArguments<Triple>>(kernelSize: Triple, ...rest: A): Pooled<Asks<A>>;
  /** The largest element of each window: [N, C, D, H, W] → [N, C, OD, OH, OW]. */
  maxPool3d<const O extends NamedMaxPool<Triple>>(options: O): Pooled<Asks<[O]>>;
  /**
   * Values at the places that `maxPool1d` found, zeros elsewhere: input and indices [N, C, L] → [N, C, OL], with or without
   * N. Options: `stride`, `padding`, `outputSize`. Where places repeat, the last value stays.
   */
  maxUnpool1d(
    ...rest: Led<
      | [indices: Tensor, kernelSize: Single, options?: MaxUnpoolOptions<Single> | undefined]
      | [
          indices: Tensor,
          kernelSize: Single,
          stride?: Single | null | undefined,
          padding?: Single | MaxUnpoolOptions<Single> | undefined,
          outputSize?: readonly number[] | MaxUnpoolOptions<Single> | null | undefined,
          options?: MaxUnpoolOptions<Single> | undefined,
        ],
      readonly ['indices', 'kernelSize']
    >
  ): Tensor;
  /** Values at the places that `maxPool2d` found: input and indices [N, C, H, W] → [N, C, OH, OW]. See `maxUnpool1d`. */
  maxUnpool2d(
    ...rest: Led<
      | [indices: Tensor, kernelSize: Pair, options?: MaxUnpoolOptions<Pair> | undefined]
      | [
          indices: Tensor,
          kernelSize: Pair,
          stride?: Pair | null | undefined,
          padding?: Pair | MaxUnpoolOptions<Pair> | undefined,
          outputSize?: readonly number[] | MaxUnpoolOptions<Pair> | null | undefined,
          options?: MaxUnpoolOptions<Pair> | undefined,
        ],
      readonly ['indices', 'kernelSize']
    >
  ): Tensor;
  /** Values at the places that `maxPool3d` found: input and indices [N, C, D, H, W] → [N, C, OD, OH, OW]. See `maxUnpool1d`. */
  maxUnpool3d(
    ...rest: Led<
      | [indices: Tensor, kernelSize: Triple, options?: MaxUnpoolOptions<Triple> | undefined]
      | [
          indices: Tensor,
          kernelSize: Triple,
          stride?: Triple | null | undefined,
          padding?: Triple | MaxUnpoolOptions<Triple> | undefined,
          outputSize?: readonly number[] | MaxUnpoolOptions<Triple> | null | undefined,
          options?: MaxUnpoolOptions<Triple> | undefined,
        ],
      readonly ['indices', 'kernelSize']
    >
  ): Tensor;
  /** Elementwise the larger of input and other, broadcasting; NaN where either is. Ties share the gradient. */
  maximum<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Mean over `dim` (default all). */
  mean<const A extends TypedReduceArguments>(...args: A): Tensor<NamedDType<A, D>, ReducedRank<R, A>>;
  /**
   * The median of all elements, the lower of two; with `dim`, `{ values, indices }` along it. NaN where there is one. Without
   * `dim` equal elements share the gradient, with it one of them has it.
   */
  median(): Tensor;
  /**
   * The median of all elements, the lower of two; with `dim`, `{ values, indices }` along it. NaN where there is one. Without
   * `dim` equal elements share the gradient, with it one of them has it.
   */
  median(dim: number | ReduceOptions, keepdim?: boolean | Pick<ReduceOptions, 'keepdim'> | undefined): ValuesAndIndices;
  /** The smallest of all elements; with `dim`, `{ values, indices }` along it; of two tensors minimum(). The gradient goes to the first smallest. */
  min(): Tensor;
  /** The smallest of all elements; with `dim`, `{ values, indices }` along it; of two tensors minimum(). The gradient goes to the first smallest. */
  min(other: Tensor | { readonly other: Tensor }): Tensor;
  /** The smallest of all elements; with `dim`, `{ values, indices }` along it; of two tensors minimum(). The gradient goes to the first smallest. */
  min(dim: number | ReduceOptions, keepdim?: boolean | Pick<ReduceOptions, 'keepdim'> | undefined): ValuesAndIndices;
  /** Elementwise the smaller of input and other, broadcasting; NaN where either is. Ties share the gradient. */
  minimum<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Elementwise input · tanh(softplus(input)) (Misra 2019). */
  mish(): Tensor<FloatOf<D>, R>;
  /** [M, K] × [K, N] → [M, N]. */
  mm(...rest: Named<[mat2: Tensor], readonly ['mat2']>): Tensor;
  /** The most frequent element along `dim`, the smallest of several, and where it is last: `{ values, indices }`. */
  mode(...rest: DimArguments): ValuesAndIndices;
  /** A view of `input` with dimensions `source` moved to places `destination`; the others keep their order. */
  moveaxis(
    ...rest: Named<
      [source: number | readonly number[], destination: number | readonly number[]],
      readonly ['source', 'destination']
    >
  ): Tensor;
  /** A view of `input` with dimensions `source` moved to places `destination`; the others keep their order. */
  movedim(
    ...rest: Named<
      [source: number | readonly number[], destination: number | readonly number[]],
      readonly ['source', 'destination']
    >
  ): Tensor;
  /** (input − target)². */
  mseLoss(
    ...rest: Led<
      [
        target: Tensor,
        (boolean | LossOptions | null | undefined)?,
        (boolean | LossOptions | null | undefined)?,
        (LossOptions | Reduction | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** The elements in ascending order along the first dimension. */
  msort(): Tensor;
  /** Elementwise input · other, broadcasting. */
  mul<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** self ·= other. */
  mul_(...args: Others): this;
  /** Σ over other classes of max(0, margin − input[target] + input[class])ᵖ / C; input [N, C], target [N], or [C] and []. */
  multiMarginLoss(
    ...rest: Led<
      [
        target: Tensor,
        (number | MultiMarginOptions | null | undefined)?,
        (number | MultiMarginOptions | null | undefined)?,
        (Tensor | MultiMarginOptions | null | undefined)?,
        (boolean | MultiMarginOptions | null | undefined)?,
        (boolean | MultiMarginOptions | null | undefined)?,
        (Reduction | MultiMarginOptions | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /**
   * Σ over target classes t and other classes c of max(0, 1 − input[t] + input[c]) / C. Input is [N, C] or [C], and so is
   * target: class indices up to the first −1.
   */
  multilabelMarginLoss(
    ...rest: Led<
      [
        target: Tensor,
        (boolean | LossOptions | null | undefined)?,
        (boolean | LossOptions | null | undefined)?,
        (LossOptions | Reduction | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** The mean over classes, the last dimension, of −target · log σ(input) − (1 − target) · log σ(−input). */
  multilabelSoftMarginLoss(
    ...rest: Led<
      [
        target: Tensor,
        (Tensor | MultilabelSoftMarginOptions | null | undefined)?,
        (boolean | MultilabelSoftMarginOptions | null | undefined)?,
        (boolean | MultilabelSoftMarginOptions | null | undefined)?,
        (Reduction | MultilabelSoftMarginOptions | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /**
   * `numSamples` indices, int32, drawn from each row of weights `input`, [n] or [m, n]; the weights need not sum to 1. Without
   * replacement no index comes twice. Reads the weights, to check them.
   */
  multinomial(...given: MultinomialArguments): Tensor<'int32', number>;
  /** Elementwise input · other, broadcasting. */
  multiply<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** [M, K] × [K] → [M]. */
  mv(...rest: Named<[vec: Tensor], readonly ['vec']>): Tensor;
  /** Elementwise input with `nan` (default 0) for NaN, and `posinf` and `neginf` (default the largest finite numbers) for ±Infinity. */
  nanToNum(...given: NanToNumArguments): Tensor;
  /** Mean over `dim` (default all) of the elements that are not NaN; NaN where there are none. */
  nanmean(...args: TypedReduceArguments): Tensor;
  /** As median, of the elements that are not NaN; NaN where all are. */
  nanmedian(): Tensor;
  /** As median, of the elements that are not NaN; NaN where all are. */
  nanmedian(
    dim: number | ReduceOptions,
    keepdim?: boolean | Pick<ReduceOptions, 'keepdim'> | undefined,
  ): ValuesAndIndices;
  /** As quantile, of the elements that are not NaN; NaN where all are. */
  nanquantile(
    ...rest: Led<
      [q: number | Tensor, ...rest: (number | boolean | QuantileOptions | null | undefined)[]],
      readonly ['q']
    >
  ): Tensor;
  /** Sum over `dim` (default all) of the elements that are not NaN; integers give int32. */
  nansum(...args: TypedReduceArguments): Tensor;
  /** A view of `length` slices of `input` along `dim`, beginning at `start`. */
  narrow(
    ...rest: Named<[dim: number, start: number, length: number], readonly ['dim', 'start', 'length']>
  ): Tensor<D, R>;
  /** Elementwise input != other, broadcasting; bool. */
  ne<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** As ne(), into this tensor, which it returns. */
  ne_(...args: Others): this;
  /** Elementwise −input. */
  neg(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** As neg(), into this tensor, which it returns. */
  neg_(): this;
  /** Elementwise −input. */
  negative(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** Negative log likelihood of log-probabilities [N, C, d…] at class indices [N, d…]. */
  nllLoss(
    ...rest: Led<
      [
        target: Tensor,
        (Tensor | NllOptions | null | undefined)?,
        (boolean | NllOptions | null | undefined)?,
        (number | NllOptions | null | undefined)?,
        (boolean | NllOptions | null | undefined)?,
        (Reduction | NllOptions | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** Indices of the elements that are not 0, a row for each: int32 [n, number of dimensions]. NaN is not 0. */
  nonzero(): Tensor<'int32', number>;
  /** Indices of the elements that are not 0, a row for each: int32 [n, number of dimensions]. NaN is not 0. */
  nonzero(options: { readonly asTuple: true }): Tensor<'int32', number>[];
  /** Indices of the elements that are not 0, a row for each: int32 [n, number of dimensions]. NaN is not 0. */
  nonzero(options?: NonzeroOptions | undefined): Tensor<'int32', number> | Tensor<'int32', number>[];
  /** (Σ |input|^p)^(1/p) over `dim` (default all); p may be Infinity, −Infinity, 0 (how many are not 0) or fro (2). */
  norm(
    ...rest: readonly [
      p?: number | NormOptions | 'fro' | undefined,
      dim?: number | readonly number[] | ReduceOptions | NormOptions | null | undefined,
      keepdim?: boolean | NormOptions | undefined,
      options?: NormOptions | undefined,
    ]
  ): Tensor;
  /**
   * Normal numbers with this mean and deviation, each a tensor or a number, which broadcast; for two numbers the shape is given
   * too: `normal(0, 1, [2, 3])`.
   */
  normal(
    ...given: Led<
      [std: number | Tensor, size?: Shape | NormalOptions | undefined, options?: DrawOptions | undefined],
      readonly ['std']
    >
  ): Tensor;
  /** Fills `self` with normal numbers. Returns `self`. */
  normal_(
    ...args: Named<
      [(number | undefined)?, (number | undefined)?, (Generator | undefined)?],
      readonly ['mean', 'std', 'generator']
    >
  ): this;
  /** input / max(‖input‖ₚ, eps) along `dim`; same shape. */
  normalize(...rest: NormalizeArguments): Tensor;
  /** Elementwise input != other, broadcasting; bool. */
  notEqual<const B extends Others<unknown>>(...rest: B): BinaryResult<'bool', Tensor<D, R>, OtherOf<B>>;
  /** Class indices [..] as rows of zeros and a one: [.., numClasses], int32. −1 takes the largest index plus one. */
  oneHot(...rest: Named<[numClasses?: number | undefined], readonly ['numClasses']>): Tensor;
  /** [M], [N] → [M, N]. */
  outer(...rest: Named<[vec2: Tensor], readonly ['vec2']>): Tensor;
  /** `input` with pad[0] elements before and pad[1] behind its last dimension, pad[2] and pad[3] around the one before it, and so on; negative numbers take away. `mode`: constant (`value`), reflect, replicate, circular. */
  pad(
    ...rest: Led<
      [
        pad: readonly number[],
        mode?: PadMode | PadOptions | undefined,
        value?: number | PadOptions | null | undefined,
        options?: PadOptions | undefined,
      ],
      readonly ['pad']
    >
  ): Tensor;
  /** ‖x1 − x2 + eps‖ₚ along the last dimension, broadcasting. */
  pairwiseDistance(
    ...rest: Led<
      [
        x2: Tensor,
        (number | PairwiseDistanceOptions | null | undefined)?,
        (number | PairwiseDistanceOptions | null | undefined)?,
        (boolean | PairwiseDistanceOptions | null | undefined)?,
      ],
      readonly ['x2']
    >
  ): Tensor;
  /** ‖input[i] − input[j]‖ₚ for all rows i < j of [N, M]: [N (N − 1) / 2], in the order (0, 1), (0, 2), …, (1, 2), …. */
  pdist(...rest: (number | POption | undefined)[]): Tensor;
  /** A view of `input` with its dimensions in another order. */
  permute(...dims: Listed<'dims'>): Tensor<D, R>;
  /** Channels as pixels: [.., C r², H, W] → [.., C, H r, W r]. */
  pixelShuffle(...rest: Named<[upscaleFactor: number], readonly ['upscaleFactor']>): Tensor;
  /** Pixels as channels: [.., C, H r, W r] → [.., C r², H, W]. */
  pixelUnshuffle(...rest: Named<[downscaleFactor: number], readonly ['downscaleFactor']>): Tensor;
  /** Numbers of events with the means that `input` gives, float32 of its shape. Each element has a stream of its own. */
  poisson(options?: DrawOptions): Tensor;
  /** e^input − target · input, or input − target · log(input + eps) of rates: counts `target` as Poisson's distribution has them. */
  poissonNllLoss(
    ...rest: Led<
      [
        target: Tensor,
        (boolean | PoissonNllOptions | null | undefined)?,
        (boolean | PoissonNllOptions | null | undefined)?,
        (boolean | PoissonNllOptions | null | undefined)?,
        (number | PoissonNllOptions | null | undefined)?,
        (boolean | PoissonNllOptions | null | undefined)?,
        (Reduction | PoissonNllOptions | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** Elementwise input itself. */
  positive(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** Elementwise input to the power of exponent, broadcasting; NaN for fractions of negative numbers. */
  pow(...rest: Named<[exponent: Operand], readonly ['exponent']>): Tensor;
  /** self to the power of an exponent. */
  pow_(...args: Named<[exponent: Operand], readonly ['exponent']>): this;
  /** `input` where it is above 0, `weight` · input elsewhere; weight is [1] or one for each channel [C]. */
  prelu(...rest: Named<[weight: Tensor], readonly ['weight']>): Tensor;
  /** Product over `dim` (default all); integers give int32. */
  prod(...args: TypedReduceArguments): Tensor;
  /** A copy of `input` with the elements of `source` at `index`, places in `input` seen as one line. */
  put(
    ...rest: Led<
      [index: Tensor, source: Tensor, ...rest: (boolean | PutOptions | undefined)[]],
      readonly ['index', 'source']
    >
  ): Tensor;
  /** As put(), into this tensor, which it returns. */
  put_(
    ...args: Led<
      [index: Tensor, source: Tensor, ...rest: (boolean | PutOptions | undefined)[]],
      readonly ['index', 'source']
    >
  ): this;
  /**
   * The elements of ranks q · (n − 1) along `dim`, with what lies between two of them interpolated. `q`, in [0, 1], is a number, or
   * a tensor of one dimension that then comes first in the result. NaN where there is one.
   */
  quantile(
    ...rest: Led<
      [q: number | Tensor, ...rest: (number | boolean | QuantileOptions | null | undefined)[]],
      readonly ['q']
    >
  ): Tensor;
  /** Elementwise radians in degrees. */
  rad2deg(): Tensor<FloatOf<D>, R>;
  /**
   * Fills `self` with whole numbers: `random_()` from 0 to what its dtype holds exactly, `random_(to)` in [0, to),
   * `random_(from, to)` in [from, to). Returns `self`.
   */
  random_(
    ...args: Named<
      [(number | undefined)?, (number | undefined)?, (Generator | undefined)?],
      readonly ['from', 'to', 'generator']
    >
  ): this;
  /** The elements in one dimension: a view where strides allow it. */
  ravel(): Tensor;
  /** Elementwise 1 / input. */
  reciprocal(): Tensor<FloatOf<D>, R>;
  /** As reciprocal(), into this tensor, which it returns. */
  reciprocal_(): this;
  /** Elementwise max(input, 0); its gradient at 0 is 0. */
  relu(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** Elementwise min(max(input, 0), 6); its gradient at both ends is 0. */
  relu6(): Tensor<FloatOf<D>, R>;
  /** As relu(), into this tensor, which it returns. */
  relu_(): this;
  /** Elementwise what ⌊input / other⌋ leaves, with the sign of other, broadcasting; for integers 0 by 0. */
  remainder<const B extends Others<unknown>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** As remainder(), into this tensor, which it returns. */
  remainder_(...args: Others<unknown>): this;
  /** `input` with every slice along `dim` whose p-norm exceeds `maxnorm` scaled down to it. */
  renorm(...rest: Named<[p: number, dim: number, maxnorm: number], readonly ['p', 'dim', 'maxnorm']>): Tensor;
  /** A copy of `input` repeated `sizes[i]` times along each dimension; more sizes than dimensions add leading ones. */
  repeat(...sizes: Listed<'repeats'>): Tensor;
  /**
   * Each slice along `dim` repeated `repeats` times, a number or a tensor of one for each slice. Of a tensor alone, index i
   * repeated input[i] times.
   */
  repeatInterleave(...rest: (number | Tensor | RepeatInterleaveOptions | null | undefined)[]): Tensor;
  /** `input` under other sizes, in row-major order; a view where strides allow it. One size may be −1. */
  reshape<const S extends Readonly<Listed<'shape'>>>(...sizes: S): Tensor<D, ListedRank<S>>;
  /** reshape() to the shape of `other`. */
  reshapeAs(...rest: Named<[other: Tensor], readonly ['other']>): Tensor;
  /** The first half, n / 2 + 1 bins, of the Fourier transform of real input [.., n]; [.., n / 2 + 1, 2]. */
  rfft(...rest: FftArguments<FftOptions>): Tensor;
  /** Half of the Fourier transform of the last two dimensions of real input: [.., h, w] → [.., h, w / 2 + 1, 2]. */
  rfft2(...rest: FftnArguments<FftnOptions>): Tensor;
  /** Half of the Fourier transform of all dimensions, or of `dim`, of real input; the last of them is halved. */
  rfftn(...rest: FftnArguments<FftnOptions>): Tensor;
  /** Divides by the root mean square over the last dimensions; same shape. */
  rmsNorm(
    ...rest: Led<
      | [normalizedShape: readonly number[], options?: RmsNormOptions | undefined]
      | [
          normalizedShape: readonly number[],
          weight?: Tensor | null | undefined,
          eps?: number | RmsNormOptions | null | undefined,
          options?: RmsNormOptions | undefined,
        ],
      readonly ['normalizedShape']
    >
  ): Tensor;
  /** `input` moved on by `shifts` along `dims` (default: flattened), what leaves at the end entering at the beginning. */
  roll(
    ...rest: Named<
      [shifts: number | readonly number[], dims?: number | readonly number[] | null | undefined],
      readonly ['shifts', 'dims']
    >
  ): Tensor;
  /** `input` turned `k` times by 90° in the plane of two dimensions, from the first towards the second. */
  rot90(...rest: Named<[k?: number | undefined, dims?: readonly number[] | undefined], readonly ['k', 'dims']>): Tensor;
  /** Elementwise the nearest whole number, halves to even. */
  round(...rest: Named<[decimals?: number | undefined], readonly ['decimals']>): Tensor;
  /** As round(), into this tensor, which it returns. */
  round_(...args: Named<[decimals?: number | undefined], readonly ['decimals']>): this;
  /** input where it is above 0, a random slope times input elsewhere (Xu et al. 2015). */
  rrelu(
    ...rest: readonly [
      (number | RReluOptions | null | undefined)?,
      (number | RReluOptions | null | undefined)?,
      (boolean | RReluOptions | null | undefined)?,
      (Generator | RReluOptions | null | undefined)?,
    ]
  ): Tensor;
  /** Elementwise 1 / √input. */
  rsqrt(): Tensor<FloatOf<D>, R>;
  /** As rsqrt(), into this tensor, which it returns. */
  rsqrt_(): this;
  /** `other` − `alpha` · `input`, broadcasting. */
  rsub(...rest: Led<[other: Operand, options?: AlphaOptions | undefined], readonly ['other']>): Tensor;
  /** softmax(query · keyᵀ / √E + mask) · value: [.., L, E], [.., S, E], [.., S, V] → [.., L, V]. */
  scaledDotProductAttention(
    ...rest: Led<
      | [key: Tensor, value: Tensor, options?: AttentionOptions | undefined]
      | [
          key: Tensor,
          value: Tensor,
          attnMask?: Tensor | null | undefined,
          dropoutP?: number | AttentionOptions | undefined,
          isCausal?: boolean | AttentionOptions | undefined,
          scale?: number | AttentionOptions | null | undefined,
          enableGqa?: boolean | AttentionOptions | undefined,
        ],
      readonly ['key', 'value']
    >
  ): Tensor;
  /**
   * A copy of `input` with src[.., j, ..] at place index[.., j, ..] along `dim`; src may be a number. Where an index comes
   * more than once the last remains, and its gradient is that of all of them, as in PyTorch. With `reduce` what comes to one
   * place is added to what stands there, or multiplied with it.
   */
  scatter(
    ...rest: Led<
      [dim: number, index: Tensor, ...given: (number | Tensor | ScatterOptions | undefined)[]],
      readonly ['dim', 'index']
    >
  ): Tensor;
  /** A copy of `input` with src[.., j, ..] added at place index[.., j, ..] along `dim`. */
  scatterAdd(...rest: Named<[dim: number, index: Tensor, src: Tensor], readonly ['dim', 'index', 'src']>): Tensor;
  /** src[.., j, ..] added at place index[.., j, ..] along `dim`. */
  scatterAdd_(...args: Named<[dim: number, index: Tensor, src: Tensor], readonly ['dim', 'index', 'src']>): this;
  /**
   * A copy of `input` in which each place that `index` names along `dim` holds the sum, product, mean, largest or smallest of
   * what comes from `src` and, with `includeSelf`, of what was there. Integers' means are rounded down. Gradients of extremes
   * are shared by all that equal them.
   */
  scatterReduce(
    ...rest: Led<
      [
        dim: number,
        index: Tensor,
        src: Tensor,
        reduce: ScatterReduction,
        ...rest: (boolean | ScatterReduceOptions | undefined)[],
      ],
      readonly ['dim', 'index', 'src', 'reduce']
    >
  ): Tensor;
  /** As scatterReduce(), into this tensor, which it returns. */
  scatterReduce_(
    ...args: Led<
      [
        dim: number,
        index: Tensor,
        src: Tensor,
        reduce: ScatterReduction,
        ...rest: (boolean | ScatterReduceOptions | undefined)[],
      ],
      readonly ['dim', 'index', 'src', 'reduce']
    >
  ): this;
  /** src[.., j, ..] at place index[.., j, ..] along `dim`. */
  scatter_(
    ...args: Led<
      [dim: number, index: Tensor, ...given: (number | Tensor | ScatterOptions | undefined)[]],
      readonly ['dim', 'index']
    >
  ): this;
  /**
   * The places in the ascending `sortedSequence` [.., n] at which elements of `input` [.., m], a tensor or a number, would be put;
   * int32. A sequence of one dimension serves every element of input.
   */
  searchsorted(
    ...rest: Led<[input: number | Tensor, ...rest: (SearchsortedOptions | undefined)[]], readonly ['input']>
  ): Tensor<'int32', number>;
  /** Slice `index` along `dim`, without that dimension. */
  select(...rest: Named<[dim: number, index: number], readonly ['dim', 'index']>): Tensor<D, Minus1<R>>;
  /** A copy of `input` with `src` in place of slice `index` along `dim`. */
  selectScatter(...rest: Named<[src: Tensor, dim: number, index: number], readonly ['src', 'dim', 'index']>): Tensor;
  /** Elementwise scale · elu(input, alpha), whose constants keep mean 0 and variance 1 (Klambauer et al. 2017). */
  selu(): Tensor<FloatOf<D>, R>;
  /** Elementwise −1, 0 or 1. */
  sgn(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** Elementwise 1 / (1 + e^−input). */
  sigmoid(): Tensor<FloatOf<D>, R>;
  /** As sigmoid(), into this tensor, which it returns. */
  sigmoid_(): this;
  /** Elementwise −1, 0 or 1. */
  sign(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** As sign(), into this tensor, which it returns. */
  sign_(): this;
  /** Where the sign of input is negative, −0 included; bool. */
  signbit(): Tensor<'bool', R>;
  /** Elementwise input · sigmoid(input) (Elfwing et al. 2017). */
  silu(): Tensor<FloatOf<D>, R>;
  /** Elementwise sine of radians. */
  sin(): Tensor<FloatOf<D>, R>;
  /** As sin(), into this tensor, which it returns. */
  sin_(): this;
  /** Elementwise sin(π · input) / (π · input); 1 at 0. */
  sinc(): Tensor<FloatOf<D>, R>;
  /** Elementwise hyperbolic sine. */
  sinh(): Tensor<FloatOf<D>, R>;
  /** As sinh(), into this tensor, which it returns. */
  sinh_(): this;
  /** Elements start, start + step, … before end along `dim`, as Python slices: out-of-range ends are cut. */
  slice(
    ...rest: Named<
      [dim: number, start?: number | null | undefined, end?: number | null | undefined, step?: number | undefined],
      readonly ['dim', 'start', 'end', 'step']
    >
  ): Tensor<D, R>;
  /** A copy of `input` with `src` in place of slices start, start + step, … before end along `dim`. */
  sliceScatter(
    ...rest: Named<
      [
        src: Tensor,
        dim?: number | undefined,
        start?: number | null | undefined,
        end?: number | null | undefined,
        step?: number | undefined,
      ],
      readonly ['src', 'dim', 'start', 'end', 'step']
    >
  ): Tensor;
  /** ½ d² / beta for |d| < beta, |d| − ½ beta beyond; d = input − target. */
  smoothL1Loss(
    ...rest: Led<
      [
        target: Tensor,
        (boolean | SmoothL1Options | null | undefined)?,
        (boolean | SmoothL1Options | null | undefined)?,
        (Reduction | SmoothL1Options | null | undefined)?,
        (number | SmoothL1Options | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** log(1 + e^(−target · input)), target ±1. */
  softMarginLoss(
    ...rest: Led<
      [
        target: Tensor,
        (boolean | LossOptions | null | undefined)?,
        (boolean | LossOptions | null | undefined)?,
        (LossOptions | Reduction | null | undefined)?,
      ],
      readonly ['target']
    >
  ): Tensor;
  /** exp(input) / Σ exp(input) along `dim`; same shape. */
  softmax(...given: SoftmaxArguments): Tensor<DType, R>;
  /** Softmax of −input along `dim`. */
  softmin(...rest: Named<[dim: number], readonly ['dim']>): Tensor;
  /** Elementwise log(1 + e^(`beta` · input)) / beta; input itself where beta · input is above `threshold`. */
  softplus(...given: readonly Setting<'beta' | 'threshold'>[]): Tensor;
  /** Elementwise input, brought `lambd` nearer to 0, and 0 within that distance; NaN becomes 0. */
  softshrink(...given: ShrinkArguments): Tensor;
  /** Elementwise input / (1 + |input|). */
  softsign(): Tensor<FloatOf<D>, R>;
  /** The elements along `dim` in order, and where they come from: `{ values, indices }`. NaN counts as the largest. */
  sort(...rest: SortArguments): ValuesAndIndices;
  /** Pieces along `dim`: of `size` each (the last may be smaller), or of the given sizes. Views. */
  split(
    ...rest:
      | Named<[size: number | readonly number[], dim?: number | undefined], readonly ['splitSize', 'dim']>
      | [options: Flat<{ readonly splitSizeOrSections: number | readonly number[]; readonly dim?: number | undefined }>]
  ): Tensor[];
  /** Elementwise square root; NaN below 0. */
  sqrt(): Tensor<FloatOf<D>, R>;
  /** As sqrt(), into this tensor, which it returns. */
  sqrt_(): this;
  /** Elementwise input². */
  square(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** As square(), into this tensor, which it returns. */
  square_(): this;
  /** Drops dimensions of size 1: all of them, or those named. A named dimension of another size stays. */
  squeeze(...rest: Named<[dim?: number | readonly number[] | undefined], readonly ['dim']>): Tensor;
  /** Standard deviation over `dim` (default all); its gradient where it is 0 is 0. */
  std(...args: VarArguments): Tensor;
  /** Standard deviation and mean over the same dimensions: `[std, mean]`. */
  stdMean(...args: VarArguments): [std: Tensor, mean: Tensor];
  /**
   * The spectra of the frames of a signal: input [L] or [B, L] → [frequencies, frames, 2] or [B, frequencies, frames, 2], the
   * real and imaginary parts last, whatever `returnComplex` says.
   */
  stft(
    ...rest: Led<
      | [nFft: number, options?: StftOptions | undefined]
      | [
          nFft: number,
          hopLength?: number | null | undefined,
          winLength?: number | StftOptions | null | undefined,
          window?: StftOptions | Tensor | null | undefined,
          center?: boolean | StftOptions | undefined,
          padMode?: StftOptions | PadMode | undefined,
          normalized?: boolean | StftOptions | undefined,
          onesided?: boolean | StftOptions | null | undefined,
          returnComplex?: boolean | StftOptions | null | undefined,
        ],
      readonly ['nFft']
    >
  ): Tensor;
  /** Elementwise input − other, broadcasting; `alpha` scales other. */
  sub<const B extends Others<AlphaOptions>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** self −= alpha · other. */
  sub_(...args: Others<AlphaOptions>): this;
  /** Elementwise input − other, broadcasting; `alpha` scales other. */
  subtract<const B extends Others<AlphaOptions>>(...rest: B): BinaryResult<'same', Tensor<D, R>, OtherOf<B>>;
  /** Sum over `dim` (default all); integers give int32. */
  sum<const A extends TypedReduceArguments>(...args: A): Tensor<NamedDType<A, D>, ReducedRank<R, A>>;
  /** The sum over what broadcasting `size` to input's shape would repeat. */
  sumToSize(...size: number[] | [readonly number[]]): Tensor;
  /** transpose() under its other names. */
  swapaxes(...rest: Named<[axis0: number, axis1: number], readonly ['axis0', 'axis1']>): Tensor;
  /** A view of `input` with two dimensions exchanged. */
  swapdims(...rest: Named<[dim0: number, dim1: number], readonly ['dim0', 'dim1']>): Tensor<D, R>;
  /** The transpose of a matrix; tensors of one or no dimension are returned as they are. */
  t(): Tensor<D, R>;
  /** The elements of `input`, seen as one line, at `index`, whose shape the result has. Negative indices count from the end. */
  take(...rest: Named<[index: Tensor], readonly ['index']>): Tensor;
  /**
   * Elements of `input` at `indices` along `dim`, as gather, with the other dimensions broadcast. Without `dim` both are seen
   * as one line.
   */
  takeAlongDim(
    ...rest: Led<
      [indices: Tensor, ...rest: (number | { readonly dim?: number | null | undefined } | null | undefined)[]],
      readonly ['indices']
    >
  ): Tensor;
  /** Elementwise tangent of radians. */
  tan(): Tensor<FloatOf<D>, R>;
  /** As tan(), into this tensor, which it returns. */
  tan_(): this;
  /** Elementwise hyperbolic tangent. */
  tanh(): Tensor<FloatOf<D>, R>;
  /** As tanh(), into this tensor, which it returns. */
  tanh_(): this;
  /** Elementwise input − tanh(input). */
  tanhshrink(): Tensor;
  /** Pieces along `dim`: so many of nearly equal size, the first ones larger by one, or those between the given places. Views. */
  tensorSplit(
    ...rest: Named<
      [indicesOrSections: number | Tensor | readonly number[], dim?: number | undefined],
      readonly ['indicesOrSections', 'dim']
    >
  ): Tensor[];
  /**
   * The sum of products over several dimensions at once: the last `dims` of `a` with the first of `b`, or those listed,
   * `[[of a], [of b]]`.
   */
  tensordot(
    ...rest: Named<[b: Tensor, given?: number | readonly (readonly number[])[] | undefined], readonly ['b', 'dims']>
  ): Tensor;
  /** Elementwise input where it is above `threshold`, `value` elsewhere; NaN stays. */
  threshold(threshold: number | ThresholdOptions, value?: number | Pick<ThresholdOptions, 'value'> | undefined): Tensor;
  /** As repeat, with 1 for leading dimensions that `dims` does not reach. */
  tile(...dims: Listed<'dims'>): Tensor;
  /** The `k` largest (or smallest) elements along `dim`, in order, and where they are: `{ values, indices }`. */
  topk(
    ...rest: Led<[k: number, ...rest: (number | boolean | TopkOptions | undefined)[]], readonly ['k']>
  ): ValuesAndIndices;
  /** The sum of a matrix's diagonal. */
  trace(): Tensor;
  /** A view of `input` with two dimensions exchanged. */
  transpose(...rest: Named<[dim0: number, dim1: number], readonly ['dim0', 'dim1']>): Tensor<D, R>;
  /** The area under `y` along `dim` by the trapezoidal rule. */
  trapezoid(...rest: TrapezoidArguments): Tensor;
  /** trapezoid() under its other name. */
  trapz(...rest: TrapezoidArguments): Tensor;
  /** The lower triangle of matrices [.., M, N]: 0 above the given `diagonal`. */
  tril(...rest: Named<[diagonal?: number | undefined], readonly ['diagonal']>): Tensor;
  /** As tril(), into this tensor, which it returns. */
  tril_(...args: Named<[diagonal?: number | undefined], readonly ['diagonal']>): this;
  /** max(0, ‖anchor − positive‖ − ‖anchor − negative‖ + margin) along the last dimension; margin is 1 by default. */
  tripletMarginLoss(
    ...rest: Led<
      [
        positive: Tensor,
        negative: Tensor,
        (number | TripletMarginOptions | null | undefined)?,
        (number | TripletMarginOptions | null | undefined)?,
        (number | TripletMarginOptions | null | undefined)?,
        (boolean | TripletMarginOptions | null | undefined)?,
        (boolean | TripletMarginOptions | null | undefined)?,
        (boolean | TripletMarginOptions | null | undefined)?,
        (Reduction | TripletMarginOptions | null | undefined)?,
      ],
      readonly ['positive', 'negative']
    >
  ): Tensor;
  /** `tripletMarginLoss` with a distance of one's own. */
  tripletMarginWithDistanceLoss(
    ...rest: Led<
      [
        positive: Tensor,
        negative: Tensor,
        (TripletDistanceOptions | ((a: Tensor, b: Tensor) => Tensor) | null | undefined)?,
        (number | TripletDistanceOptions | null | undefined)?,
        (boolean | TripletDistanceOptions | null | undefined)?,
        (Reduction | TripletDistanceOptions | null | undefined)?,
      ],
      readonly ['positive', 'negative']
    >
  ): Tensor;
  /** The upper triangle of matrices [.., M, N]: 0 below the given `diagonal`. */
  triu(...rest: Named<[diagonal?: number | undefined], readonly ['diagonal']>): Tensor;
  /** As triu(), into this tensor, which it returns. */
  triu_(...args: Named<[diagonal?: number | undefined], readonly ['diagonal']>): this;
  /** Elementwise input / other, broadcasting; integers give float32. */
  trueDivide(...rest: Named<[other: Operand], readonly ['other']>): Tensor;
  /** Elementwise input without its fraction. */
  trunc(): Tensor<D extends 'bool' ? 'int32' | 'bool' : D, R>;
  /** As trunc(), into this tensor, which it returns. */
  trunc_(): this;
  /** `input` in the dtype of `other`. */
  typeAs(...rest: Named<[other: Tensor], readonly ['other']>): Tensor;
  /** The slices along `dim`, without that dimension. Views. */
  unbind(...rest: Named<[dim?: number | undefined], readonly ['dim']>): Tensor[];
  /** Dimension `dim` cut into dimensions of `sizes`, one of which may be −1. */
  unflatten(...rest: Named<[dim: number, sizes: readonly number[]], readonly ['dim', 'sizes']>): Tensor;
  /** Fills `self` with uniform numbers in [from, to). Returns `self`. */
  uniform_(
    ...args: Named<
      [(number | undefined)?, (number | undefined)?, (Generator | undefined)?],
      readonly ['from', 'to', 'generator']
    >
  ): this;
  /**
   * The different elements of `input`, ascending; with `dim`, its different slices in lexicographic order. With
   * `returnInverse` or `returnCounts` an array: the values, then the indices and counts asked for. No NaN equals another.
   */
  unique(options: UniqueOptions & ({ readonly returnInverse: true } | { readonly returnCounts: true })): Tensor[];
  /**
   * The different elements of `input`, ascending; with `dim`, its different slices in lexicographic order. With
   * `returnInverse` or `returnCounts` an array: the values, then the indices and counts asked for. No NaN equals another.
   */
  unique(
    options?: { readonly sorted?: boolean | undefined; readonly dim?: number | null | undefined } | undefined,
  ): Tensor;
  /**
   * The different elements of `input`, ascending; with `dim`, its different slices in lexicographic order. With
   * `returnInverse` or `returnCounts` an array: the values, then the indices and counts asked for. No NaN equals another.
   */
  unique(options?: UniqueOptions | undefined): Tensor | Tensor[];
  /** As unique, but only what equals its predecessor is left out, and nothing is sorted. */
  uniqueConsecutive(
    options: UniqueConsecutiveOptions & ({ readonly returnInverse: true } | { readonly returnCounts: true }),
  ): Tensor[];
  /** As unique, but only what equals its predecessor is left out, and nothing is sorted. */
  uniqueConsecutive(options?: { readonly dim?: number | null | undefined } | undefined): Tensor;
  /** Inserts a dimension of size 1 at `dim`. A view. */
  unsqueeze(...rest: Named<[dim: number], readonly ['dim']>): Tensor<D, Plus1<R>>;
  /** The Vandermonde matrix of `x` [n]: powers of each element, a row for each. */
  vander(...rest: (number | boolean | VanderOptions | null | undefined)[]): Tensor;
  /** Variance over `dim` (default all), from squared distances to the mean. */
  var(...args: VarArguments): Tensor;
  /** Variance and mean over the same dimensions: `[var, mean]`. */
  varMean(...args: VarArguments): [variance: Tensor, mean: Tensor];
  /** [K] · [K] → []: dot() for real numbers. */
  vdot(...rest: Named<[other: Tensor], readonly ['other']>): Tensor;
  /** `input` under other sizes without copying; throws where strides do not allow it. */
  view<const S extends Readonly<Listed<'size'>>>(...sizes: S): Tensor<D, ListedRank<S>>;
  /** view() with the shape of `other`. */
  viewAs(...rest: Named<[other: Tensor], readonly ['other']>): Tensor;
  /** Pieces one below the other, along the first dimension. Views. */
  vsplit(...rest: Named<[indicesOrSections: number | readonly number[]], readonly ['indicesOrSections']>): Tensor[];
  /** Elementwise input · log(other), 0 where input is 0 and other no NaN, broadcasting. */
  xlogy<const B extends Others<unknown>>(...rest: B): BinaryResult<'float', Tensor<D, R>, OtherOf<B>>;
  /** Sets every element of `self` to 0. Returns `self`. */
  zero_(): this;
}
