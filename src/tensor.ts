import {
  type BackwardArguments,
  backward,
  type Hook,
  type HookHandle,
  registerHook,
  registerPostAccumulateGradHook,
  retainGrad,
  retainsGrad,
} from './autograd/index.js';
import { isOptions } from './core/arguments.js';
import { checkDType, type DType, isDType, type TypedArray, traits } from './core/dtype.js';
import { fail, show } from './core/errors.js';
import { type NestedArray, Tensor } from './core/tensor.js';
import * as ops from './ops/index.js';

/**
 * Ops as methods. The functions in src/ops are the ops; this file derives a method from each that takes a tensor first, so
 * that `relu(matmul(x, w))` and `x.matmul(w).relu()` are the same call.
 */
const methods = {
  abs: ops.abs,
  abs_: ops.abs_,
  acos: ops.acos,
  acos_: ops.acos_,
  acosh: ops.acosh,
  acosh_: ops.acosh_,
  add: ops.add,
  add_: ops.add_,
  addcdiv_: ops.addcdiv_,
  addcmul_: ops.addcmul_,
  addmm: ops.addmm,
  addmm_: ops.addmm_,
  all: ops.all,
  amax: ops.amax,
  amin: ops.amin,
  any: ops.any,
  argmax: ops.argmax,
  argmin: ops.argmin,
  argsort: ops.argsort,
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
  baddbmm: ops.baddbmm,
  baddbmm_: ops.baddbmm_,
  bernoulli_: ops.bernoulli_,
  bmm: ops.bmm,
  ceil: ops.ceil,
  ceil_: ops.ceil_,
  chunk: ops.chunk,
  clamp: ops.clamp,
  clamp_: ops.clamp_,
  clampMax_: ops.clampMax_,
  clampMin_: ops.clampMin_,
  clone: ops.clone,
  contiguous: ops.contiguous,
  copy_: ops.copy_,
  cos: ops.cos,
  cos_: ops.cos_,
  cosh: ops.cosh,
  cosh_: ops.cosh_,
  cumprod: ops.cumprod,
  cumprod_: ops.cumprod_,
  cumsum: ops.cumsum,
  cumsum_: ops.cumsum_,
  detach: ops.detach,
  diag: ops.diag,
  diagonal: ops.diagonal,
  div: ops.div,
  div_: ops.div_,
  dot: ops.dot,
  eq: ops.eq,
  eq_: ops.eq_,
  erf: ops.erf,
  erf_: ops.erf_,
  exp: ops.exp,
  exp2: ops.exp2,
  exp2_: ops.exp2_,
  exp_: ops.exp_,
  expand: ops.expand,
  expm1: ops.expm1,
  expm1_: ops.expm1_,
  exponential_: ops.exponential_,
  fill_: ops.fill_,
  flatten: ops.flatten,
  flip: ops.flip,
  floor: ops.floor,
  floor_: ops.floor_,
  floorDivide: ops.floorDivide,
  floorDivide_: ops.floorDivide_,
  fmod: ops.fmod,
  fmod_: ops.fmod_,
  gather: ops.gather,
  ge: ops.ge,
  ge_: ops.ge_,
  gelu: ops.gelu,
  gt: ops.gt,
  gt_: ops.gt_,
  indexSelect: ops.indexSelect,
  isinf: ops.isinf,
  isnan: ops.isnan,
  le: ops.le,
  le_: ops.le_,
  lerp: ops.lerp,
  lerp_: ops.lerp_,
  log: ops.log,
  log10: ops.log10,
  log10_: ops.log10_,
  log1p: ops.log1p,
  log1p_: ops.log1p_,
  log2: ops.log2,
  log2_: ops.log2_,
  log_: ops.log_,
  logicalAnd: ops.logicalAnd,
  logicalAnd_: ops.logicalAnd_,
  logicalNot: ops.logicalNot,
  logicalNot_: ops.logicalNot_,
  logicalOr: ops.logicalOr,
  logicalOr_: ops.logicalOr_,
  logicalXor: ops.logicalXor,
  logicalXor_: ops.logicalXor_,
  logSoftmax: ops.logSoftmax,
  logsumexp: ops.logsumexp,
  lt: ops.lt,
  lt_: ops.lt_,
  maskedFill: ops.maskedFill,
  maskedFill_: ops.maskedFill_,
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
  ne_: ops.ne_,
  neg: ops.neg,
  neg_: ops.neg_,
  nonzero: ops.nonzero,
  norm: ops.norm,
  normal_: ops.normal_,
  outer: ops.outer,
  permute: ops.permute,
  pow: ops.pow,
  pow_: ops.pow_,
  prelu: ops.prelu,
  prod: ops.prod,
  reciprocal: ops.reciprocal,
  reciprocal_: ops.reciprocal_,
  relu: ops.relu,
  relu_: ops.relu_,
  remainder: ops.remainder,
  remainder_: ops.remainder_,
  repeat: ops.repeat,
  reshape: ops.reshape,
  roll: ops.roll,
  round: ops.round,
  round_: ops.round_,
  rsqrt: ops.rsqrt,
  rsqrt_: ops.rsqrt_,
  scatter: ops.scatter,
  scatter_: ops.scatter_,
  scatterAdd: ops.scatterAdd,
  scatterAdd_: ops.scatterAdd_,
  select: ops.select,
  sigmoid: ops.sigmoid,
  sigmoid_: ops.sigmoid_,
  sign: ops.sign,
  sign_: ops.sign_,
  silu: ops.silu,
  sin: ops.sin,
  sin_: ops.sin_,
  sinh: ops.sinh,
  sinh_: ops.sinh_,
  slice: ops.slice,
  softmax: ops.softmax,
  sort: ops.sort,
  split: ops.split,
  sqrt: ops.sqrt,
  sqrt_: ops.sqrt_,
  square: ops.square,
  square_: ops.square_,
  squeeze: ops.squeeze,
  std: ops.std,
  sub: ops.sub,
  sub_: ops.sub_,
  sum: ops.sum,
  t: ops.t,
  take: ops.take,
  tan: ops.tan,
  tan_: ops.tan_,
  tanh: ops.tanh,
  tanh_: ops.tanh_,
  tile: ops.tile,
  topk: ops.topk,
  transpose: ops.transpose,
  tril: ops.tril,
  tril_: ops.tril_,
  triu: ops.triu,
  triu_: ops.triu_,
  trunc: ops.trunc,
  trunc_: ops.trunc_,
  unflatten: ops.unflatten,
  uniform_: ops.uniform_,
  unique: ops.unique,
  unsqueeze: ops.unsqueeze,
  var: ops.variance,
  view: ops.view,
  zero_: ops.zero_,
} as const;

type Table = typeof methods;

/** Sizes one by one or in an array, and options. */
type Sizes = readonly (number | readonly number[] | ops.CreateOptions)[];

function readSizes(given: Sizes): { sizes: readonly number[]; options: ops.CreateOptions } {
  const last = given[given.length - 1];
  const sizes = (isOptions(last) ? given.slice(0, -1) : given).flat() as number[];
  return { sizes, options: isOptions(last) ? (last as ops.CreateOptions) : {} };
}

/** A function without its first parameter. */
type Method<F> = F extends (input: never, ...rest: infer R) => infer O ? (...rest: R) => O : never;

type Derived = { [K in keyof Table]: Method<Table[K]> };

declare module './core/tensor.js' {
  interface Tensor<D extends DType = DType> extends Derived {
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
    /** This tensor on a device, given as a tensor there: its dtype and device. */
    to<E extends DType>(other: Tensor<E>): Tensor<E>;
    /** As another dtype: `float` float32, `half` float16, `int` and `long` int32, `char` int8, `byte` uint8. */
    float(): Tensor<'float32'>;
    half(): Tensor<'float16'>;
    int(): Tensor<'int32'>;
    long(): Tensor<'int32'>;
    char(): Tensor<'int8'>;
    byte(): Tensor<'uint8'>;
    bool(): Tensor<'bool'>;
    /** This tensor as a dtype, or the name of its dtype. */
    type(): D;
    type<E extends DType>(dtype: E): Tensor<E>;
    typeAs<E extends DType>(other: Tensor<E>): Tensor<E>;
    /** This tensor in the memory that JavaScript's own thread computes on. */
    cpu(): Tensor<D>;
    /** This tensor in the shape of another. */
    viewAs(other: Tensor): Tensor<D>;
    reshapeAs(other: Tensor): Tensor<D>;
    expandAs(other: Tensor): Tensor<D>;
    /** New tensors of this one's dtype, unless the options name another. */
    newTensor(data: NestedArray | TypedArray, options?: ops.CreateOptions): Tensor;
    newEmpty(...shape: Sizes): Tensor;
    newZeros(...shape: Sizes): Tensor;
    newOnes(...shape: Sizes): Tensor;
    newFull(shape: readonly number[] | number, value: number | boolean, options?: ops.CreateOptions): Tensor;
    /** The matrices [.., M, N] of this tensor, transposed: [.., N, M]. */
    readonly mT: Tensor<D>;
    /** The slices along the first dimension, as views; none of a tensor without dimensions. */
    [Symbol.iterator](): Generator<Tensor<D>>;
    /** `other` where `condition` does not hold. */
    where(condition: Tensor, other: Tensor | number): Tensor;
    /** Adds the gradient of this tensor to `grad` of every leaf it was computed from. */
    backward(...options: BackwardArguments): void;
    /** Sets `requiresGrad` and returns the tensor. */
    requiresGrad_(requiresGrad?: boolean): this;
    /** Cuts this tensor off from the graph and returns it: it becomes a leaf. Views cannot be cut off. */
    detach_(): this;
    /** Calls `hook` with this tensor's gradient before it goes on; what the hook returns takes its place. */
    registerHook(hook: Hook): HookHandle;
    /** Calls `hook` with this leaf each time its `grad` has changed. */
    registerPostAccumulateGradHook(hook: (leaf: Tensor) => void): HookHandle;
    /** Lets backward() fill `grad` of this tensor although it is no leaf. */
    retainGrad(): void;
    readonly retainsGrad: boolean;
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
  to(this: Tensor, target: string | Tensor): Tensor {
    if (target instanceof Tensor) return ops.cast(this, target.dtype);
    if (isDType(target)) return ops.cast(this, target);
    if (target === this.device) return this;
    return fail(
      'device',
      `to: expected a dtype (${Object.keys(traits).join(', ')}), a tensor or the device 'wasm', got ${target}.`,
    );
  },
  type(this: Tensor, dtype?: DType): Tensor | DType {
    return dtype === undefined ? this.dtype : ops.cast(this, checkDType('type', dtype));
  },
  typeAs(this: Tensor, other: Tensor): Tensor {
    return ops.cast(this, other.dtype);
  },
  cpu(this: Tensor): Tensor {
    return this;
  },
  viewAs(this: Tensor, other: Tensor): Tensor {
    return ops.view(this, other.shape);
  },
  reshapeAs(this: Tensor, other: Tensor): Tensor {
    return ops.reshape(this, other.shape);
  },
  expandAs(this: Tensor, other: Tensor): Tensor {
    return ops.expand(this, other.shape);
  },
  newTensor(this: Tensor, data: NestedArray | TypedArray, options: ops.CreateOptions = {}): Tensor {
    return ops.tensor(data, { dtype: this.dtype, ...options });
  },
  newEmpty(this: Tensor, ...shape: Sizes): Tensor {
    const { sizes, options } = readSizes(shape);
    return ops.empty(sizes, { dtype: this.dtype, ...options });
  },
  newZeros(this: Tensor, ...shape: Sizes): Tensor {
    const { sizes, options } = readSizes(shape);
    return ops.zeros(sizes, { dtype: this.dtype, ...options });
  },
  newOnes(this: Tensor, ...shape: Sizes): Tensor {
    const { sizes, options } = readSizes(shape);
    return ops.ones(sizes, { dtype: this.dtype, ...options });
  },
  newFull(this: Tensor, shape: readonly number[] | number, value: number, options: ops.CreateOptions = {}): Tensor {
    return ops.full(shape, value, { dtype: this.dtype, ...options });
  },
  where(this: Tensor, condition: Tensor, other: Tensor | number): Tensor {
    return ops.where(condition, this, other);
  },
  backward(this: Tensor, ...options: BackwardArguments): void {
    backward(this, ...options);
  },
  requiresGrad_(this: Tensor, requiresGrad = true): Tensor {
    this.requiresGrad = requiresGrad;
    return this;
  },
  detach_(this: Tensor): Tensor {
    if (this.link !== null) {
      fail('autograd', 'detach_: this tensor is a view, and its base would keep its graph. Use detach().');
    }
    this.node = null;
    this.requiresGrad = false;
    return this;
  },
  registerHook(this: Tensor, hook: Hook): HookHandle {
    return registerHook(this, hook);
  },
  registerPostAccumulateGradHook(this: Tensor, hook: (leaf: Tensor) => void): HookHandle {
    return registerPostAccumulateGradHook(this, hook);
  },
  retainGrad(this: Tensor): void {
    retainGrad(this);
  },
};

/** Methods that name the dtype they give. */
const casts = {
  float: 'float32',
  half: 'float16',
  int: 'int32',
  long: 'int32',
  char: 'int8',
  byte: 'uint8',
  bool: 'bool',
} as const;

for (const [name, dtype] of Object.entries(casts)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor): Tensor {
      return ops.cast(this, dtype);
    },
    writable: true,
    configurable: true,
  });
}

for (const [name, value] of Object.entries(extra)) {
  Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
}

Object.defineProperty(Tensor.prototype, 'retainsGrad', {
  get(this: Tensor): boolean {
    return retainsGrad(this);
  },
  configurable: true,
});

Object.defineProperty(Tensor.prototype, 'mT', {
  get(this: Tensor): Tensor {
    if (this.ndim < 2) fail('shape', `mT: expected at least 2 dimensions, got ${show(this.shape)}.`);
    return ops.transpose(this, -2, -1);
  },
  configurable: true,
});

Object.defineProperty(Tensor.prototype, Symbol.iterator, {
  *value(this: Tensor): Generator<Tensor> {
    for (let i = 0; i < (this.shape[0] ?? 0); i++) yield ops.select(this, 0, i);
  },
  writable: true,
  configurable: true,
});

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
