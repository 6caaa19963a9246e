import { type BackwardOptions, backward } from './autograd/index.js';
import { type DType, isDType, traits } from './core/dtype.js';
import { fail } from './core/errors.js';
import { Tensor } from './core/tensor.js';
import * as ops from './ops/index.js';
import { type UnfoldArguments, unfoldAlong } from './ops/unfold.js';

/**
 * Ops as methods. The functions in src/ops are the ops; this file derives a method from each that takes a tensor first, so
 * that `relu(matmul(x, w))` and `x.matmul(w).relu()` are the same call.
 */
const methods = {
  abs: ops.abs,
  absolute: ops.absolute,
  acos: ops.acos,
  acosh: ops.acosh,
  add: ops.add,
  add_: ops.add_,
  addbmm: ops.addbmm,
  addcdiv: ops.addcdiv,
  addcmul: ops.addcmul,
  addmm: ops.addmm,
  addmv: ops.addmv,
  addr: ops.addr,
  adjoint: ops.adjoint,
  all: ops.all,
  allclose: ops.allclose,
  amax: ops.amax,
  amin: ops.amin,
  aminmax: ops.aminmax,
  any: ops.any,
  arccos: ops.arccos,
  arccosh: ops.arccosh,
  arcsin: ops.arcsin,
  arcsinh: ops.arcsinh,
  arctan2: ops.arctan2,
  arctan: ops.arctan,
  arctanh: ops.arctanh,
  argmax: ops.argmax,
  argmin: ops.argmin,
  argsort: ops.argsort,
  argwhere: ops.argwhere,
  asin: ops.asin,
  asinh: ops.asinh,
  asStrided: ops.asStrided,
  atan2: ops.atan2,
  atan: ops.atan,
  atanh: ops.atanh,
  baddbmm: ops.baddbmm,
  bernoulli: ops.bernoulli,
  bernoulli_: ops.bernoulli_,
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
  ceil: ops.ceil,
  chunk: ops.chunk,
  clamp: ops.clamp,
  clampMax: ops.clampMax,
  clampMin: ops.clampMin,
  clip: ops.clip,
  clone: ops.clone,
  contiguous: ops.contiguous,
  copy_: ops.copy_,
  copysign: ops.copysign,
  cos: ops.cos,
  cosh: ops.cosh,
  countNonzero: ops.countNonzero,
  cross: ops.cross,
  cummax: ops.cummax,
  cummin: ops.cummin,
  cumprod: ops.cumprod,
  cumsum: ops.cumsum,
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
  dsplit: ops.dsplit,
  eq: ops.eq,
  equal: ops.equal,
  erf: ops.erf,
  erfc: ops.erfc,
  erfinv: ops.erfinv,
  exp2: ops.exp2,
  exp: ops.exp,
  expand: ops.expand,
  expandAs: ops.expandAs,
  expit: ops.expit,
  expm1: ops.expm1,
  exponential_: ops.exponential_,
  fft: ops.fft,
  fill_: ops.fill_,
  fix: ops.fix,
  flatten: ops.flatten,
  flip: ops.flip,
  fliplr: ops.fliplr,
  flipud: ops.flipud,
  floatPower: ops.floatPower,
  floor: ops.floor,
  floorDivide: ops.floorDivide,
  fmax: ops.fmax,
  fmin: ops.fmin,
  fmod: ops.fmod,
  frac: ops.frac,
  gather: ops.gather,
  gcd: ops.gcd,
  ge: ops.ge,
  gelu: ops.gelu,
  geometric_: ops.geometric_,
  ger: ops.ger,
  greater: ops.greater,
  greaterEqual: ops.greaterEqual,
  gt: ops.gt,
  hardshrink: ops.hardshrink,
  heaviside: ops.heaviside,
  histc: ops.histc,
  hsplit: ops.hsplit,
  hypot: ops.hypot,
  ifft: ops.ifft,
  index: ops.index,
  indexAdd: ops.indexAdd,
  indexCopy: ops.indexCopy,
  indexFill: ops.indexFill,
  indexPut: ops.indexPut,
  indexPut_: ops.indexPut_,
  indexReduce: ops.indexReduce,
  indexSelect: ops.indexSelect,
  inner: ops.inner,
  irfft: ops.irfft,
  isclose: ops.isclose,
  isfinite: ops.isfinite,
  isinf: ops.isinf,
  isnan: ops.isnan,
  isneginf: ops.isneginf,
  isposinf: ops.isposinf,
  istft: ops.istft,
  kron: ops.kron,
  kthvalue: ops.kthvalue,
  lcm: ops.lcm,
  ldexp: ops.ldexp,
  le: ops.le,
  lerp: ops.lerp,
  less: ops.less,
  lessEqual: ops.lessEqual,
  lgamma: ops.lgamma,
  log10: ops.log10,
  log1p: ops.log1p,
  log2: ops.log2,
  log: ops.log,
  logaddexp2: ops.logaddexp2,
  logaddexp: ops.logaddexp,
  logcumsumexp: ops.logcumsumexp,
  logicalAnd: ops.logicalAnd,
  logicalNot: ops.logicalNot,
  logicalOr: ops.logicalOr,
  logicalXor: ops.logicalXor,
  logit: ops.logit,
  logNormal_: ops.logNormal_,
  logSoftmax: ops.logSoftmax,
  logsumexp: ops.logsumexp,
  lt: ops.lt,
  maskedFill: ops.maskedFill,
  maskedScatter: ops.maskedScatter,
  maskedSelect: ops.maskedSelect,
  matmul: ops.matmul,
  matrixPower: ops.matrixPower,
  maximum: ops.maximum,
  mean: ops.mean,
  minimum: ops.minimum,
  mm: ops.mm,
  mode: ops.mode,
  moveaxis: ops.moveaxis,
  movedim: ops.movedim,
  msort: ops.msort,
  mul: ops.mul,
  mul_: ops.mul_,
  multinomial: ops.multinomial,
  multiply: ops.multiply,
  mv: ops.mv,
  nanmean: ops.nanmean,
  nanquantile: ops.nanquantile,
  nansum: ops.nansum,
  nanToNum: ops.nanToNum,
  narrow: ops.narrow,
  ne: ops.ne,
  neg: ops.neg,
  negative: ops.negative,
  nonzero: ops.nonzero,
  norm: ops.norm,
  normal_: ops.normal_,
  notEqual: ops.notEqual,
  outer: ops.outer,
  permute: ops.permute,
  positive: ops.positive,
  pow: ops.pow,
  prelu: ops.prelu,
  prod: ops.prod,
  put: ops.put,
  quantile: ops.quantile,
  rad2deg: ops.rad2deg,
  random_: ops.random_,
  ravel: ops.ravel,
  reciprocal: ops.reciprocal,
  relu: ops.relu,
  remainder: ops.remainder,
  renorm: ops.renorm,
  repeat: ops.repeat,
  repeatInterleave: ops.repeatInterleave,
  reshape: ops.reshape,
  reshapeAs: ops.reshapeAs,
  rfft: ops.rfft,
  roll: ops.roll,
  rot90: ops.rot90,
  round: ops.round,
  rsqrt: ops.rsqrt,
  rsub: ops.rsub,
  scatter: ops.scatter,
  scatterAdd: ops.scatterAdd,
  scatterReduce: ops.scatterReduce,
  select: ops.select,
  selectScatter: ops.selectScatter,
  sgn: ops.sgn,
  sigmoid: ops.sigmoid,
  sign: ops.sign,
  signbit: ops.signbit,
  silu: ops.silu,
  sin: ops.sin,
  sinc: ops.sinc,
  sinh: ops.sinh,
  slice: ops.slice,
  sliceScatter: ops.sliceScatter,
  softmax: ops.softmax,
  sort: ops.sort,
  split: ops.split,
  sqrt: ops.sqrt,
  square: ops.square,
  squeeze: ops.squeeze,
  std: ops.std,
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
  tanh: ops.tanh,
  tensorSplit: ops.tensorSplit,
  tile: ops.tile,
  topk: ops.topk,
  trace: ops.trace,
  transpose: ops.transpose,
  tril: ops.tril,
  triu: ops.triu,
  trueDivide: ops.trueDivide,
  trunc: ops.trunc,
  typeAs: ops.typeAs,
  unbind: ops.unbind,
  unflatten: ops.unflatten,
  uniform_: ops.uniform_,
  unique: ops.unique,
  uniqueConsecutive: ops.uniqueConsecutive,
  unsqueeze: ops.unsqueeze,
  var: ops.variance,
  vdot: ops.vdot,
  view: ops.view,
  viewAs: ops.viewAs,
  vsplit: ops.vsplit,
  xlogy: ops.xlogy,
  zero_: ops.zero_,
} as const;

type Table = typeof methods;

/** A function without its first parameter. */
type Method<F> = F extends (input: never, ...rest: infer R) => infer O ? (...rest: R) => O : never;

type Derived = { [K in keyof Table]: Method<Table[K]> };

declare module './core/tensor.js' {
  interface Tensor<D extends DType = DType> extends Derived {
    /** The largest of all elements. */
    max(): Tensor;
    /** Elementwise the larger. */
    max(other: Tensor): Tensor;
    /** Largest values along `dim` and where they are. */
    max(dim: number | ops.ReduceOptions, keepdim?: boolean): ops.ValuesAndIndices;
    /** The smallest of all elements. */
    min(): Tensor;
    /** Elementwise the smaller. */
    min(other: Tensor): Tensor;
    /** Smallest values along `dim` and where they are. */
    min(dim: number | ops.ReduceOptions, keepdim?: boolean): ops.ValuesAndIndices;
    /** The median of all elements, the lower of two. */
    median(): Tensor;
    /** Medians along `dim` and where they are. */
    median(dim: number | ops.ReduceOptions, keepdim?: boolean): ops.ValuesAndIndices;
    /** The median of the elements that are not NaN. */
    nanmedian(): Tensor;
    /** Medians along `dim` of the elements that are not NaN, and where they are. */
    nanmedian(dim: number | ops.ReduceOptions, keepdim?: boolean): ops.ValuesAndIndices;
    /** The transpose: dimensions in reverse order. */
    readonly T: Tensor<D>;
    /** This tensor as another dtype, or on another device; the same tensor when it is so already. */
    to<E extends DType>(dtype: E): Tensor<E>;
    to(device: 'wasm'): Tensor<D>;
    float(): Tensor<'float32'>;
    int(): Tensor<'int32'>;
    bool(): Tensor<'bool'>;
    /** A view of the windows of `size` elements along `dim`, `step` apart: [.., n, ..] → [.., windows, .., size]. */
    unfold(dim: number, size: number, step: number): Tensor;
    /** The windows of images as columns, as the function `unfold`. */
    unfold(kernelSize: ops.Pair, ...rest: UnfoldArguments): Tensor;
    /** `other` where `condition` does not hold. */
    where(condition: Tensor, other: Tensor | number): Tensor;
    /** Adds the gradient of this tensor to `grad` of every leaf it was computed from. */
    backward(gradient?: Tensor | null, options?: BackwardOptions): void;
    /** Sets `requiresGrad` and returns the tensor. */
    requiresGrad_(requiresGrad?: boolean): this;
  }
}

for (const [name, compute] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: unknown[]): unknown {
      return (compute as (input: Tensor, ...rest: unknown[]) => unknown)(this, ...rest);
    },
    writable: true,
    configurable: true,
  });
}

const extra = {
  max(this: Tensor, dim?: number, keepdim?: boolean): unknown {
    return dim === undefined ? ops.max(this) : ops.max(this, dim, keepdim);
  },
  min(this: Tensor, dim?: number, keepdim?: boolean): unknown {
    return dim === undefined ? ops.min(this) : ops.min(this, dim, keepdim);
  },
  median(this: Tensor, dim?: number, keepdim?: boolean): unknown {
    return dim === undefined ? ops.median(this) : ops.median(this, dim, keepdim);
  },
  nanmedian(this: Tensor, dim?: number, keepdim?: boolean): unknown {
    return dim === undefined ? ops.nanmedian(this) : ops.nanmedian(this, dim, keepdim);
  },
  to(this: Tensor, target: string): Tensor {
    if (isDType(target)) return ops.cast(this, target);
    if (target === this.device) return this;
    return fail(
      'device',
      `to: expected a dtype (${Object.keys(traits).join(', ')}) or the device 'wasm', got ${target}.`,
    );
  },
  float(this: Tensor): Tensor {
    return ops.cast(this, 'float32');
  },
  int(this: Tensor): Tensor {
    return ops.cast(this, 'int32');
  },
  bool(this: Tensor): Tensor {
    return ops.cast(this, 'bool');
  },
  unfold(this: Tensor, ...given: readonly unknown[]): Tensor {
    // Three numbers are PyTorch's method; anything else can only be the arguments of its function.
    const [dim, size, step] = given;
    if (given.length === 3 && typeof dim === 'number' && typeof size === 'number' && typeof step === 'number')
      return unfoldAlong(this, dim, size, step);
    const [kernelSize, ...rest] = given as readonly [ops.Pair, ...UnfoldArguments];
    return ops.unfold(this, kernelSize, ...(rest as UnfoldArguments));
  },
  where(this: Tensor, condition: Tensor, other: Tensor | number): Tensor {
    return ops.where(condition, this, other);
  },
  backward(this: Tensor, gradient?: Tensor | null, options?: BackwardOptions): void {
    backward(this, gradient, options);
  },
  requiresGrad_(this: Tensor, requiresGrad = true): Tensor {
    this.requiresGrad = requiresGrad;
    return this;
  },
};

for (const [name, value] of Object.entries(extra)) {
  Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
}

Object.defineProperty(Tensor.prototype, 'T', {
  get(this: Tensor): Tensor {
    return ops.permute(
      this,
      this.shape.map((_, i) => this.ndim - 1 - i),
    );
  },
  configurable: true,
});

/**
 * The functions that make tensors, again, as bindings of this module: whoever has a tensor has called one of them, and a
 * bundler that keeps the call then keeps the methods too. `fettle/ops` has them without.
 */
export const arange = ops.arange;
export const empty = ops.empty;
export const emptyLike = ops.emptyLike;
export const eye = ops.eye;
export const full = ops.full;
export const fullLike = ops.fullLike;
export const linspace = ops.linspace;
export const logspace = ops.logspace;
export const ones = ops.ones;
export const onesLike = ops.onesLike;
export const rand = ops.rand;
export const randint = ops.randint;
export const randLike = ops.randLike;
export const randn = ops.randn;
export const randnLike = ops.randnLike;
export const randperm = ops.randperm;
export const tensor = ops.tensor;
export const zeros = ops.zeros;
export const zerosLike = ops.zerosLike;
export { Tensor };
