import { describe, expect, test } from 'vitest';
import { FettleError, manualSeed, Tensor } from '../../src/index.js';
import * as ops from '../../src/ops/index.js';

/**
 * Every op takes what follows its first argument by position, by PyTorch's names in a trailing object, or the first of them by
 * position and the others by name; and refuses names that it does not know.
 */

type Call = (...args: readonly unknown[]) => unknown;
type Arguments = readonly [first: unknown, ...rest: readonly unknown[]];

/** The names of the arguments after the first, in PyTorch's order; one valid call; names that may only be options. */
type Row = readonly [names: string, call: () => Arguments, only?: Readonly<Record<string, unknown>>];

const { tensor } = ops;
const a = (): Tensor =>
  tensor([
    [0.5, -1.25, 2],
    [1.5, 0.25, -0.75],
  ]);
const b = (): Tensor =>
  tensor([
    [1, 2, 0.5],
    [-1, 0.75, 3],
  ]);
const v = (): Tensor => tensor([0.5, 1.5, 2.5]);
const w = (): Tensor => tensor([2, -1, 0.25]);
const m = (): Tensor =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 10],
  ]);
const whole = (...values: number[]): Tensor => tensor(Int32Array.from(values));
const ramp = (...shape: number[]): Tensor => {
  const n = shape.reduce((p, q) => p * q, 1);
  return tensor(
    Float32Array.from({ length: n }, (_, i) => Math.sin(i + 1)),
    shape,
  );
};
const mask = (): Tensor => ops.gt(a(), 0);
const onto =
  (...shape: number[]): (() => Tensor) =>
  () =>
    ramp(...shape);

/** Rows of one kind. */
const each = (names: string, row: Row): Record<string, Row> =>
  Object.fromEntries(names.split(' ').map((name) => [name, row]));

const image = onto(1, 2, 4, 4);
const line = onto(1, 2, 6);
const volume = onto(1, 1, 3, 3, 3);
const lossRow: Row = ['target', () => [a(), b()], { reduction: 'sum' }];
const probabilities = (): Tensor => ops.sigmoid(a());
const labels = (): Tensor => whole(2, 0);
const signs = (): Tensor => tensor([1, -1]);
const places = (): Tensor => whole(2, 0);
const index2 = (): Tensor => tensor(Int32Array.from([1, 0, 0, 1, 1, 0]), [2, 3]);

const TABLE: Readonly<Record<string, Row>> = {
  ...each('mul multiply eq ne lt le gt ge greater greaterEqual less lessEqual notEqual', ['other', () => [a(), b()]]),
  ...each('maximum minimum fmax fmin atan2 arctan2 hypot copysign floorDivide fmod remainder', [
    'other',
    () => [a(), b()],
  ]),
  ...each('logaddexp logaddexp2 xlogy trueDivide equal', ['other', () => [ops.abs(a()), ops.abs(b())]]),
  ...each('max min', ['other', () => [a(), b()]]),
  ...each('logicalAnd logicalOr logicalXor', ['other', () => [mask(), ops.lt(b(), 1)]]),
  ...each('bitwiseAnd bitwiseOr bitwiseXor bitwiseLeftShift bitwiseRightShift gcd lcm', [
    'other',
    () => [whole(1, 6, 4), whole(3, 1, 2)],
  ]),
  ...each('add sub subtract rsub', ['other', () => [a(), b()], { alpha: 2 }]),
  ...each('div divide', ['other', () => [a(), b()], { roundingMode: 'floor' }]),
  ...each('mul_ floorDivide_ remainder_ fmod_ atan2_ eq_ ne_ lt_ le_ gt_ ge_', ['other', () => [a(), b()]]),
  ...each('logicalAnd_ logicalOr_ logicalXor_', ['other', () => [mask(), ops.lt(b(), 1)]]),
  ...each('add_ sub_', ['other', () => [a(), b()], { alpha: 2 }]),
  div_: ['other', () => [a(), b()], { roundingMode: 'floor' }],
  ...each('pow pow_ floatPower', ['exponent', () => [ops.abs(a()), b()]]),
  ...each('lerp lerp_', ['end weight', () => [a(), b(), 0.75]]),
  ...each('addcmul addcmul_ addcdiv addcdiv_', ['tensor1 tensor2', () => [a(), b(), b()], { value: 0.5 }]),
  ...each('clamp clamp_ clip', ['min max', () => [a(), -0.5, 1]]),
  ...each('clampMin clampMin_', ['min', () => [a(), 0]]),
  ...each('clampMax clampMax_', ['max', () => [a(), 0]]),
  ...each('round round_', ['decimals', () => [a(), 1]]),
  ...each('matmul dot inner vdot', ['other', () => [v(), w()]]),
  ...each('outer ger', ['vec2', () => [v(), w()]]),
  mm: ['mat2', () => [a(), m()]],
  bmm: ['mat2', () => [ramp(2, 2, 3), ramp(2, 3, 2)]],
  mv: ['vec', () => [a(), v()]],
  kron: ['other', () => [a(), v()]],
  linear: ['weight bias', () => [a(), m(), v()]],
  bilinear: ['input2 weight bias', () => [a(), b(), ramp(2, 3, 3), tensor([1, 2])]],
  ...each('addmm addmm_', ['mat1 mat2', () => [b(), a(), m()], { beta: 0.5, alpha: 2 }]),
  ...each('baddbmm baddbmm_', ['batch1 batch2', () => [ramp(2, 2, 2), ramp(2, 2, 3), ramp(2, 3, 2)], { alpha: 2 }]),
  addbmm: ['batch1 batch2', () => [ramp(2, 2), ramp(2, 2, 3), ramp(2, 3, 2)], { beta: 2 }],
  addmv: ['mat vec', () => [tensor([1, 2]), a(), v()], { beta: 2 }],
  addr: ['vec1 vec2', () => [m(), v(), w()], { alpha: 2 }],
  tensordot: ['b dims', () => [m(), m(), 1]],
  matrixPower: ['n', () => [m(), 2]],
  ...each('sum mean prod nansum nanmean amax amin all any logsumexp median nanmedian argmax argmin aminmax', [
    'dim keepdim',
    () => [a(), 1, true],
  ]),
  ...each('var variance std varMean stdMean', ['dim', () => [a(), 1], { correction: 0, keepdim: true }]),
  countNonzero: ['dim', () => [a(), 1]],
  norm: ['p dim keepdim', () => [a(), 1, 1, true]],
  ...each('kthvalue', ['k dim keepdim', () => [a(), 2, 1, true]]),
  mode: ['dim keepdim', () => [a(), 1, true]],
  ...each('quantile nanquantile', ['q dim keepdim', () => [a(), 0.5, 1, true]]),
  ...each('cumsum cumprod cumsum_ cumprod_ cummax cummin logcumsumexp', ['dim', () => [a(), 1]]),
  ...each('sort argsort', ['dim descending', () => [a(), 0, true]]),
  topk: ['k dim largest', () => [a(), 2, 1, false]],
  unique: ['', () => [a()], { returnCounts: true }],
  uniqueConsecutive: ['', () => [a()], { returnCounts: true }],
  bincount: ['weights minlength', () => [whole(1, 2, 2), v(), 5]],
  histc: ['bins min max', () => [a(), 4, -1, 2]],
  searchsorted: ['input', () => [v(), a()], { right: true }],
  bucketize: ['boundaries', () => [a(), v()], { right: true }],
  diff: ['n dim', () => [a(), 1, 0]],
  ...each('trapezoid trapz cumulativeTrapezoid', ['x', () => [a(), b()], { dim: 1 }]),
  ...each('isclose allclose', ['other rtol atol', () => [a(), b(), 0.1, 0.1]]),
  dist: ['other p', () => [a(), b(), 1]],
  cdist: ['x2 p', () => [a(), b(), 1]],
  renorm: ['p dim maxnorm', () => [a(), 2, 0, 1]],
  cross: ['other dim', () => [a(), b(), 1]],
  cosineSimilarity: ['x2 dim eps', () => [a(), b(), 1, 1e-6]],
  pairwiseDistance: ['x2 p eps', () => [a(), b(), 1, 1e-6]],
  logit: ['eps', () => [probabilities(), 0.1]],
  nanToNum: ['nan posinf neginf', () => [tensor([NaN, Infinity, 1]), 1, 2, 3]],
  heaviside: ['values', () => [a(), tensor(0.5)]],
  ldexp: ['other', () => [a(), b()]],
  ...each('reshape view', ['', () => [a()], { shape: [3, 2] }]),
  view: ['', () => [a()], { size: [3, 2] }],
  ...each('expandAs viewAs reshapeAs typeAs', ['other', () => [a(), b()]]),
  permute: ['', () => [a()], { dims: [1, 0] }],
  flip: ['', () => [a()], { dims: [1, 0] }],
  tile: ['', () => [a()], { dims: [1, 2] }],
  repeat: ['', () => [a()], { repeats: [1, 2] }],
  broadcastTo: ['size', () => [v(), [2, 3]]],
  transpose: ['dim0 dim1', () => [a(), 0, 1]],
  swapdims: ['dim0 dim1', () => [a(), 0, 1]],
  swapaxes: ['axis0 axis1', () => [a(), 0, 1]],
  ...each('movedim moveaxis', ['source destination', () => [a(), 0, 1]]),
  ...each('squeeze unsqueeze unbind', ['dim', () => [a(), 1]]),
  flatten: ['startDim endDim', () => [m(), 0, 1]],
  unflatten: ['dim sizes', () => [a(), 1, [3, 1]]],
  roll: ['shifts dims', () => [a(), 1, 1]],
  rot90: ['k dims', () => [a(), 1, [0, 1]]],
  narrow: ['dim start length', () => [a(), 1, 1, 2]],
  select: ['dim index', () => [a(), 1, 2]],
  slice: ['dim start end step', () => [a(), 1, 0, 3, 2]],
  split: ['splitSize dim', () => [a(), 2, 1]],
  chunk: ['chunks dim', () => [a(), 2, 1]],
  tensorSplit: ['indicesOrSections dim', () => [a(), 2, 1]],
  ...each('hsplit vsplit', ['indicesOrSections', () => [ramp(4, 4), 2]]),
  dsplit: ['indicesOrSections', () => [ramp(2, 2, 4), 2]],
  ...each('cat concat concatenate stack', ['dim', () => [[a(), b()], 1]]),
  asStrided: ['size stride storageOffset', () => [a(), [2, 2], [1, 2], 1]],
  ...each('diagonal', ['offset dim1 dim2', () => [m(), 1, 0, 1]]),
  diagEmbed: ['offset dim1 dim2', () => [a(), 1, 0, 2]],
  diagflat: ['offset', () => [v(), 1]],
  diag: ['diagonal', () => [v(), 1]],
  ...each('tril triu tril_ triu_', ['diagonal', () => [m(), 1]]),
  diagonalScatter: ['src offset dim1 dim2', () => [m(), v(), 0, 0, 1]],
  selectScatter: ['src dim index', () => [a(), v(), 0, 1]],
  sliceScatter: ['src dim start end step', () => [a(), ramp(2, 2), 1, 0, 3, 2]],
  repeatInterleave: ['repeats dim', () => [a(), 2, 1]],
  combinations: ['r withReplacement', () => [v(), 2, true]],
  vander: ['N increasing', () => [v(), 2, true]],
  maskedFill: ['mask value', () => [a(), mask(), 3]],
  maskedFill_: ['mask value', () => [a(), mask(), 3]],
  maskedSelect: ['mask', () => [a(), mask()]],
  ...each('maskedScatter maskedScatter_', ['mask source', () => [a(), mask(), b()]]),
  where: ['input other', () => [mask(), a(), b()]],
  index: ['indices', () => [a(), [0, places()]]],
  nonzero: ['', () => [a()], { asTuple: true }],
  gather: ['dim index', () => [a(), 0, index2()]],
  indexSelect: ['dim index', () => [a(), 1, places()]],
  take: ['index', () => [a(), places()]],
  takeAlongDim: ['indices dim', () => [a(), index2(), 0]],
  oneHot: ['numClasses', () => [places(), 4]],
  ...each('scatter scatter_', ['dim index src', () => [a(), 0, index2(), b()]]),
  ...each('scatterAdd scatterAdd_', ['dim index src', () => [a(), 0, index2(), b()]]),
  ...each('scatterReduce scatterReduce_', [
    'dim index src reduce',
    () => [a(), 0, index2(), b(), 'sum'],
    { includeSelf: false },
  ]),
  ...each('indexAdd indexAdd_', ['dim index source', () => [a(), 1, places(), ramp(2, 2)], { alpha: 2 }]),
  ...each('indexCopy indexCopy_', ['dim index source', () => [a(), 1, places(), ramp(2, 2)]]),
  ...each('indexFill indexFill_', ['dim index value', () => [a(), 1, places(), 5]]),
  ...each('indexReduce indexReduce_', [
    'dim index source reduce',
    () => [a(), 1, places(), ramp(2, 2), 'amax'],
    { includeSelf: false },
  ]),
  ...each('indexPut indexPut_', ['indices values accumulate', () => [a(), [whole(0, 1)], tensor([1, 2, 3]), true]]),
  ...each('put put_', ['index source accumulate', () => [a(), places(), tensor([1, 2]), true]]),
  ...each('relu6 softmin', ['', () => [a()]]),
  softmin: ['dim', () => [a(), 1]],
  ...each('softmax logSoftmax', ['dim dtype', () => [a(), 1, 'float32']]),
  leakyRelu: ['negativeSlope', () => [a(), 0.2]],
  ...each('elu celu', ['alpha', () => [a(), 0.5]]),
  gelu: ['', () => [a()], { approximate: 'tanh' }],
  hardtanh: ['minVal maxVal', () => [a(), -0.5, 0.5]],
  softplus: ['beta threshold', () => [a(), 2, 10]],
  ...each('hardshrink softshrink', ['lambd', () => [a(), 0.6]]),
  threshold: ['threshold value', () => [a(), 0.5, 9]],
  glu: ['dim', () => [ramp(2, 4), 1]],
  prelu: ['weight', () => [a(), tensor([0.25])]],
  rrelu: ['lower upper training', () => [a(), 0.1, 0.3, true]],
  gumbelSoftmax: ['tau hard', () => [a(), 2, true]],
  ...each('dropout alphaDropout', ['p training', () => [a(), 0.3, true]]),
  ...each('dropout1d featureAlphaDropout', ['p training', () => [line(), 0.3, true]]),
  dropout2d: ['p training', () => [image(), 0.3, true]],
  dropout3d: ['p training', () => [volume(), 0.3, true]],
  embedding: ['weight paddingIdx', () => [places(), m(), 1]],
  embeddingBag: ['weight offsets', () => [places(), m(), whole(0, 1)], { mode: 'sum' }],
  conv1d: ['weight bias stride', () => [line(), ramp(2, 2, 2), tensor([1, 2]), 2]],
  conv2d: ['weight bias stride', () => [image(), ramp(2, 2, 2, 2), tensor([1, 2]), 2]],
  conv3d: ['weight bias stride', () => [volume(), ramp(1, 1, 2, 2, 2), tensor([1]), 1]],
  convTranspose1d: ['weight bias stride', () => [line(), ramp(2, 2, 2), tensor([1, 2]), 2]],
  convTranspose2d: ['weight bias stride', () => [image(), ramp(2, 2, 2, 2), tensor([1, 2]), 2]],
  convTranspose3d: ['weight bias stride', () => [volume(), ramp(1, 1, 2, 2, 2), tensor([1]), 1]],
  ...each('maxPool1d avgPool1d', ['kernelSize stride', () => [line(), 2, 1]]),
  ...each('maxPool2d avgPool2d', ['kernelSize stride padding', () => [image(), 2, 1, 1]]),
  ...each('maxPool3d avgPool3d', ['kernelSize stride', () => [volume(), 2, 1]]),
  lpPool1d: ['normType kernelSize stride', () => [line(), 2, 2, 1]],
  lpPool2d: ['normType kernelSize stride', () => [image(), 2, 2, 1]],
  ...each('adaptiveAvgPool1d adaptiveMaxPool1d', ['outputSize', () => [line(), 2]]),
  ...each('adaptiveAvgPool2d adaptiveMaxPool2d', ['outputSize', () => [image(), 2]]),
  ...each('adaptiveAvgPool3d adaptiveMaxPool3d', ['outputSize', () => [volume(), 2]]),
  maxUnpool1d: ['indices kernelSize', () => [ramp(1, 1, 2), tensor(Int32Array.of(0, 3), [1, 1, 2]), 2]],
  maxUnpool2d: ['indices kernelSize', () => [ramp(1, 1, 1, 1), tensor(Int32Array.of(3), [1, 1, 1, 1]), 2]],
  maxUnpool3d: ['indices kernelSize', () => [ramp(1, 1, 1, 1, 1), tensor(Int32Array.of(3), [1, 1, 1, 1, 1]), 2]],
  unfold: ['kernelSize dilation', () => [image(), 2, 1]],
  fold: ['outputSize kernelSize', () => [ramp(1, 4, 9), 4, 2]],
  pad: ['pad mode value', () => [a(), [1, 1], 'constant', 2]],
  ...each('pixelShuffle', ['upscaleFactor', () => [ramp(1, 4, 2, 2), 2]]),
  pixelUnshuffle: ['downscaleFactor', () => [image(), 2]],
  channelShuffle: ['groups', () => [ramp(1, 4, 2), 2]],
  interpolate: ['size', () => [image(), [2, 2]]],
  gridSample: ['grid mode paddingMode alignCorners', () => [image(), ramp(1, 2, 2, 2), 'nearest', 'border', false]],
  affineGrid: ['size alignCorners', () => [ramp(1, 2, 3), [1, 1, 2, 2], false]],
  batchNorm: ['runningMean runningVar weight bias', () => [a(), null, null, v(), w()], { training: true }],
  layerNorm: ['normalizedShape weight bias eps', () => [a(), [3], v(), w(), 1e-3]],
  rmsNorm: ['normalizedShape weight', () => [a(), [3], v()]],
  groupNorm: ['numGroups weight', () => [ramp(2, 4, 3), 2, ramp(4)]],
  instanceNorm: ['', () => [image()], { eps: 1e-3 }],
  localResponseNorm: ['size alpha beta k', () => [image(), 2, 1e-3, 0.5, 2]],
  normalize: ['p dim eps', () => [a(), 1, 0, 1e-6]],
  scaledDotProductAttention: ['key value', () => [a(), a(), b()], { isCausal: true }],
  ...each('mseLoss l1Loss smoothL1Loss huberLoss softMarginLoss poissonNllLoss hingeEmbeddingLoss', lossRow),
  klDiv: lossRow,
  ...each('bce binaryCrossEntropy', ['target weight', () => [probabilities(), probabilities(), b()]]),
  ...each('bceWithLogits binaryCrossEntropyWithLogits', ['target weight', () => [a(), probabilities(), ops.abs(b())]]),
  crossEntropy: ['target weight', () => [a(), labels(), v()]],
  nllLoss: ['target weight', () => [a(), labels(), v()]],
  gaussianNllLoss: ['target var full', () => [a(), b(), ops.abs(b()), true]],
  ...each('cosineEmbeddingLoss', ['input2 target margin', () => [a(), b(), signs(), 0.5]]),
  marginRankingLoss: ['input2 target margin', () => [v(), w(), tensor([1, -1, 1]), 0.5]],
  ...each('tripletMarginLoss', ['positive negative margin', () => [a(), b(), ramp(2, 3), 0.5]]),
  tripletMarginWithDistanceLoss: ['positive negative', () => [a(), b(), ramp(2, 3)], { margin: 0.5 }],
  multiMarginLoss: ['target p margin', () => [a(), labels(), 2, 0.5]],
  multilabelMarginLoss: [
    'target',
    () => [a(), tensor(Int32Array.of(0, -1, 1, 1, 2, -1), [2, 3])],
    { reduction: 'sum' },
  ],
  multilabelSoftMarginLoss: ['target weight', () => [a(), ops.gt(b(), 1).float(), v()]],
  ctcLoss: [
    'targets inputLengths targetLengths blank',
    () => [ops.logSoftmax(ramp(4, 1, 3), 2), tensor(Int32Array.of(1, 2), [1, 2]), [4], [2], 0],
  ],
  ...each('fft ifft', ['n dim norm', () => [ramp(3, 4, 2), 4, 1, 'ortho']]),
  rfft: ['n dim norm', () => [ramp(3, 4), 4, 1, 'ortho']],
  irfft: ['n dim norm', () => [ramp(3, 3, 2), 4, 1, 'ortho']],
  ...each('fft2 ifft2 fftn ifftn', ['s dim norm', () => [ramp(3, 4, 2), [3, 4], [0, 1], 'ortho']]),
  ...each('rfft2 rfftn', ['s dim norm', () => [ramp(3, 4), [3, 4], [0, 1], 'ortho']]),
  ...each('irfft2 irfftn', ['s dim norm', () => [ramp(3, 3, 2), [3, 4], [0, 1], 'ortho']]),
  ...each('fftshift ifftshift', ['dim', () => [a(), 1]]),
  stft: ['nFft', () => [ramp(16), 8], { hopLength: 4 }],
  istft: ['nFft', () => [ops.stft(ramp(16), 8, { hopLength: 4 }), 8], { hopLength: 4 }],
  polygamma: ['input', () => [1, v()]],
  ...each('emptyLike zerosLike onesLike', ['', () => [a()], { dtype: 'float32' }]),
  fullLike: ['fillValue', () => [a(), 3], { dtype: 'int32' }],
  ...each('randLike randnLike', ['', () => [a()], { requiresGrad: false }]),
  randintLike: ['low high', () => [a(), 1, 5]],
  bernoulli: ['', () => [probabilities()], { generator: undefined }],
  poisson: ['', () => [ops.abs(a())], { generator: undefined }],
  multinomial: ['numSamples replacement', () => [v(), 4, true]],
  normal: ['std', () => [a(), 2]],
  bernoulli_: ['p', () => [a(), 0.5]],
  ...each('normal_ logNormal_', ['mean std', () => [a(), 1, 2]]),
  cauchy_: ['median sigma', () => [a(), 1, 2]],
  exponential_: ['lambd', () => [a(), 2]],
  geometric_: ['p', () => [a(), 0.5]],
  uniform_: ['from to', () => [a(), 1, 2]],
  random_: ['from to', () => [a(), 1, 5]],
  fill_: ['value', () => [a(), 2]],
  fillDiagonal_: ['value wrap', () => [m(), 2, true]],
  isin: ['testElements assumeUnique invert', () => [a(), v(), false, true]],
  cov: ['correction fweights aweights', () => [a(), 0, whole(1, 2, 1), v()]],
  pdist: ['p', () => [m(), 1]],
  copy_: ['src nonBlocking', () => [a(), b(), false]],
  full: ['fillValue', () => [[2, 3], 4], { dtype: 'int32' }],
  eye: ['m', () => [2, 3], { dtype: 'int32' }],
  arange: ['end step', () => [1, 8, 2], { dtype: 'float32' }],
  linspace: ['end steps', () => [0, 1, 5]],
  logspace: ['end steps base', () => [0, 1, 5, 2]],
  randint: ['high size', () => [1, 5, [2, 3]]],
  randperm: ['', () => [5], { dtype: 'int32' }],
  ...each('zeros ones empty rand randn', ['', () => [[2, 3]], { dtype: 'float32' }]),
  tensor: ['', () => [[1, 2]], { dtype: 'int32' }],
  ...each('bartlettWindow blackmanWindow hannWindow', ['periodic', () => [6, false]]),
  hammingWindow: ['periodic alpha beta', () => [6, false, 0.5, 0.4]],
  kaiserWindow: ['periodic beta', () => [6, false, 8]],
  ...each('fftfreq rfftfreq', ['d', () => [6, 0.5]]),
  ...each('trilIndices triuIndices', ['col offset', () => [3, 4, 1]]),
};

/** Ops of their first argument alone. */
const ALONE =
  `abs absolute acos acosh adjoint arccos arccosh arcsin arcsinh arctan arctanh argwhere asin asinh atan atanh corrcoef
  bitwiseNot ceil clone contiguous cos cosh deg2rad detach digamma erf erfc erfinv exp exp2 expit expm1 fix fliplr flipud floor
  frac hardsigmoid hardswish isfinite isinf isnan isneginf isposinf lgamma log log10 log1p log2 logSigmoid logicalNot mish msort
  neg negative positive rad2deg ravel reciprocal relu rsqrt selu sgn sigmoid sign signbit silu sin sinc sinh softsign sqrt square
  t tan tanh tanhshrink trace trunc abs_ acos_ acosh_ asin_ asinh_ atan_ atanh_ ceil_ cos_ cosh_ erf_ exp_ exp2_ expm1_ floor_
  log_ log10_ log1p_ log2_ logicalNot_ neg_ reciprocal_ relu_ rsqrt_ sigmoid_ sign_ sin_ sinh_ sqrt_ square_ tan_ tanh_ trunc_
  zero_ relu6`.split(/\s+/);

/** Ops whose arguments are a list of any length, which has no name. */
const LISTS =
  `atleast1d atleast2d atleast3d blockDiag broadcastShapes broadcastTensors cartesianProd chainMatmul columnStack dstack
  einsum expand hstack meshgrid multiDot rowStack sumToSize vstack`.split(/\s+/);

/** No function of PyTorch's: what `to` and its like are made of. */
const OWN = ['cast'];

/** In the table for completeness: what they draw is not fixed by a seed, or memory that was not written. */
const UNFIXED = new Set(['empty', 'emptyLike']);

function numbers(value: unknown): unknown {
  if (value instanceof Tensor)
    return [value.dtype, value.shape, [...value.dataSync()].map((x) => (Object.is(x, -0) ? 0 : x))];
  if (typeof value !== 'object' || value === null) return value;
  return [...(value as Iterable<unknown>)].map(numbers);
}

const byName = (names: readonly string[], values: readonly unknown[], more: object = {}): object => ({
  ...Object.fromEntries(names.map((name, i) => [name, values[i]])),
  ...more,
});

describe.each(Object.entries(TABLE))('%s', (name, [list, make, only]) => {
  const call = (ops as unknown as Record<string, Call>)[name] as Call;
  const names = list === '' ? [] : list.split(' ');
  const run = (form: (given: Arguments) => unknown): unknown => {
    manualSeed(1);
    const result = numbers(form(make()));
    return UNFIXED.has(name) ? [] : result;
  };
  const options = only === undefined ? [] : [only];
  const expected = (): unknown => run(([first, ...rest]) => call(first, ...rest, ...options));

  test.each([...names.keys(), names.length])('%i by position, the others by name', (count) => {
    const wanted = expected();
    const got = run(([first, ...rest]) =>
      call(first, ...rest.slice(0, count), byName(names.slice(count), rest.slice(count), only)),
    );
    expect(got).toEqual(wanted);
  });

  test('as a method', () => {
    const method = name === 'variance' ? 'var' : name;
    const [first] = make();
    const own = ['where', 'unfold'].includes(name);
    if (own || !(first instanceof Tensor) || !(method in Tensor.prototype)) return;
    const on = (x: unknown): Record<string, Call> => x as Record<string, Call>;
    const wanted = expected();
    expect(run(([x, ...rest]) => on(x)[method]?.(...rest, ...options))).toEqual(wanted);
    expect(run(([x, ...rest]) => on(x)[method]?.(byName(names, rest, only)))).toEqual(wanted);
  });

  test('refuses an option it does not have, and one that is given twice', () => {
    const [first, ...rest] = make();
    expect(() => call(first, ...rest, { ...only, mispelt: 1 })).toThrow(FettleError);
    expect(() => call(first, byName(names, rest, { ...only, mispelt: 1 }))).toThrow(FettleError);
    if (names.length === 0) return;
    const [again, ...values] = make();
    expect(() => call(again, ...values, { ...only, [names[0] as string]: values[0] })).toThrow(FettleError);
  });
});

test('ops of one argument refuse options', () => {
  const unary = ['relu', 'exp', 'neg', 'abs', 'sigmoid', 'isnan'];
  for (const name of unary) {
    expect(() => (ops as unknown as Record<string, Call>)[name]?.(a(), { inplace: true })).toThrow(FettleError);
  }
});

test('a missing argument is named', () => {
  const calls: Record<string, string> = { mm: 'mat2', gather: 'dim', topk: 'k', lerp: 'end', maxPool2d: 'kernelSize' };
  for (const [name, missing] of Object.entries(calls)) {
    expect(() => (ops as unknown as Record<string, Call>)[name]?.(a())).toThrow(`${name}: ${missing} is missing`);
  }
});

test('sizes stand one by one, in an array or by name', () => {
  for (const made of [
    ops.zeros(2, 3),
    ops.zeros([2, 3]),
    ops.zeros({ size: [2, 3] }),
    ops.randn(2, 3),
    ops.ones(2, 3, {}),
  ]) {
    expect(made.shape).toEqual([2, 3]);
  }
  expect(ops.ones(2, 3, { dtype: 'int32' }).dtype).toBe('int32');
  expect(ops.zeros().shape).toEqual([]);
  // @ts-expect-error sizes are numbers
  expect(() => ops.zeros([2], [3])).toThrow(FettleError);
  // @ts-expect-error sizes are numbers
  expect(() => ops.zeros('2')).toThrow(FettleError);
  // @ts-expect-error there is no such option
  expect(() => ops.zeros([2], { dType: 'int32' })).toThrow(FettleError);
});

test('rounds to decimals', () => {
  expect([...ops.round(tensor([1.234, -2.556, 0.125]), { decimals: 2 }).dataSync()].map((x) => x.toFixed(3))).toEqual([
    '1.230',
    '-2.560',
    '0.120',
  ]);
  expect([...ops.round(tensor([1234, -250]), { decimals: -2 }).dataSync()]).toEqual([1200, -200]);
  expect(() => ops.round(whole(1), { decimals: 1 })).toThrow(FettleError);
});

test('the table has every op', () => {
  const names = Object.entries(ops).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
  const known = new Set([...Object.keys(TABLE), ...ALONE, ...LISTS, ...OWN]);
  expect(names.filter((name) => !known.has(name))).toEqual([]);
  expect([...known].filter((name) => !names.includes(name))).toEqual([]);
});
