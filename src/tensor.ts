import { type BackwardOptions, backward } from './autograd/index.js';
import { type DType, isDType, traits } from './core/dtype.js';
import { fail } from './core/errors.js';
import { Tensor } from './core/tensor.js';
import * as ops from './ops/index.js';

/**
 * Ops as methods. The functions in src/ops are the ops; this file derives a method from each that takes a tensor first, so
 * that `relu(matmul(x, w))` and `x.matmul(w).relu()` are the same call.
 */
const methods = {
  abs: ops.abs,
  acos: ops.acos,
  acosh: ops.acosh,
  add: ops.add,
  add_: ops.add_,
  addmm: ops.addmm,
  all: ops.all,
  amax: ops.amax,
  amin: ops.amin,
  any: ops.any,
  argmax: ops.argmax,
  argmin: ops.argmin,
  argsort: ops.argsort,
  asin: ops.asin,
  asinh: ops.asinh,
  atan: ops.atan,
  atan2: ops.atan2,
  atanh: ops.atanh,
  baddbmm: ops.baddbmm,
  bmm: ops.bmm,
  ceil: ops.ceil,
  chunk: ops.chunk,
  clamp: ops.clamp,
  clone: ops.clone,
  contiguous: ops.contiguous,
  copy_: ops.copy_,
  cos: ops.cos,
  cosh: ops.cosh,
  cumprod: ops.cumprod,
  cumsum: ops.cumsum,
  detach: ops.detach,
  diag: ops.diag,
  diagonal: ops.diagonal,
  div: ops.div,
  div_: ops.div_,
  dot: ops.dot,
  eq: ops.eq,
  erf: ops.erf,
  exp: ops.exp,
  exp2: ops.exp2,
  expand: ops.expand,
  expm1: ops.expm1,
  fill_: ops.fill_,
  flatten: ops.flatten,
  flip: ops.flip,
  floor: ops.floor,
  floorDivide: ops.floorDivide,
  fmod: ops.fmod,
  gather: ops.gather,
  ge: ops.ge,
  gelu: ops.gelu,
  gt: ops.gt,
  indexSelect: ops.indexSelect,
  isinf: ops.isinf,
  isnan: ops.isnan,
  le: ops.le,
  lerp: ops.lerp,
  log: ops.log,
  log10: ops.log10,
  log1p: ops.log1p,
  log2: ops.log2,
  logicalAnd: ops.logicalAnd,
  logicalNot: ops.logicalNot,
  logicalOr: ops.logicalOr,
  logicalXor: ops.logicalXor,
  logSoftmax: ops.logSoftmax,
  logsumexp: ops.logsumexp,
  lt: ops.lt,
  maskedFill: ops.maskedFill,
  maskedSelect: ops.maskedSelect,
  matmul: ops.matmul,
  maximum: ops.maximum,
  mean: ops.mean,
  minimum: ops.minimum,
  mm: ops.mm,
  movedim: ops.movedim,
  mul: ops.mul,
  mul_: ops.mul_,
  mv: ops.mv,
  narrow: ops.narrow,
  ne: ops.ne,
  neg: ops.neg,
  nonzero: ops.nonzero,
  norm: ops.norm,
  normal_: ops.normal_,
  outer: ops.outer,
  permute: ops.permute,
  pow: ops.pow,
  prelu: ops.prelu,
  prod: ops.prod,
  reciprocal: ops.reciprocal,
  relu: ops.relu,
  remainder: ops.remainder,
  repeat: ops.repeat,
  reshape: ops.reshape,
  roll: ops.roll,
  round: ops.round,
  rsqrt: ops.rsqrt,
  scatter: ops.scatter,
  scatterAdd: ops.scatterAdd,
  select: ops.select,
  sigmoid: ops.sigmoid,
  sign: ops.sign,
  silu: ops.silu,
  sin: ops.sin,
  sinh: ops.sinh,
  slice: ops.slice,
  softmax: ops.softmax,
  sort: ops.sort,
  split: ops.split,
  sqrt: ops.sqrt,
  square: ops.square,
  squeeze: ops.squeeze,
  std: ops.std,
  sub: ops.sub,
  sub_: ops.sub_,
  sum: ops.sum,
  t: ops.t,
  take: ops.take,
  tan: ops.tan,
  tanh: ops.tanh,
  tile: ops.tile,
  topk: ops.topk,
  transpose: ops.transpose,
  tril: ops.tril,
  triu: ops.triu,
  trunc: ops.trunc,
  unflatten: ops.unflatten,
  uniform_: ops.uniform_,
  unique: ops.unique,
  unsqueeze: ops.unsqueeze,
  var: ops.variance,
  view: ops.view,
  zero_: ops.zero_,
} as const;

type Table = typeof methods;

/** A function without its first parameter. */
type Method<F> = F extends (input: never, ...rest: infer R) => infer O ? (...rest: R) => O : never;

type Derived = { [K in keyof Table]: Method<Table[K]> };

declare module './core/tensor.js' {
  interface Tensor<D extends DType = DType, R extends number = number> extends Derived {
    /** The largest of all elements. */
    max(): Tensor;
    /** Largest values along `dim` and where they are. */
    max(dim: number | ops.ReduceOptions, keepdim?: boolean): ops.ValuesAndIndices;
    /** The smallest of all elements. */
    min(): Tensor;
    /** Smallest values along `dim` and where they are. */
    min(dim: number | ops.ReduceOptions, keepdim?: boolean): ops.ValuesAndIndices;
    /** The median of all elements, the lower of two. */
    median(): Tensor;
    /** Medians along `dim` and where they are. */
    median(dim: number | ops.ReduceOptions, keepdim?: boolean): ops.ValuesAndIndices;
    /** The transpose: dimensions in reverse order. */
    readonly T: Tensor<D>;
    /** This tensor as another dtype, or on another device; the same tensor when it is so already. */
    to<E extends DType>(dtype: E): Tensor<E>;
    to(device: 'wasm'): Tensor<D>;
    float(): Tensor<'float32'>;
    int(): Tensor<'int32'>;
    bool(): Tensor<'bool'>;
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
