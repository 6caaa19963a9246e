import {
  type BackwardArguments,
  backward,
  type Hook,
  type HookHandle,
  registerHook,
  registerPostAccumulateGradHook,
  retainGrad,
  retainsGrad,
} from '../autograd/index.js';
import { isOptions } from '../core/arguments.js';
import { checkDType, type DType, isDType, type TypedArray, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords, type Led, leading, type Named } from '../core/keywords.js';
import type { Minus1, Plus1 } from '../core/rank.js';
import type { Shape } from '../core/shape.js';
import { type NestedArray, Tensor } from '../core/tensor.js';
import * as ops from '../ops/index.js';
import { onDevice } from '../ops/ondevice.js';
import { type UnfoldArguments, unfoldAlong } from '../ops/unfold.js';

/** Sizes one by one or in an array, and options. */
type Sizes = readonly (number | readonly number[] | ops.CreateOptions)[];

function readSizes(given: Sizes): { sizes: readonly number[]; options: ops.CreateOptions } {
  const last = given[given.length - 1];
  const sizes = (isOptions(last) ? given.slice(0, -1) : given).flat() as number[];
  return { sizes, options: isOptions(last) ? (last as ops.CreateOptions) : {} };
}

/**
 * What a tensor can do besides the ops: PyTorch's shorthands for dtypes and devices, new tensors like this one, and its part in
 * the graph.
 */

/** The declarations, on a tensor of dtype D and rank R. */
export interface Conveniences<D extends DType, R extends number> {
  /** The transpose: dimensions in reverse order. */
  readonly T: Tensor<D, R>;
  /** This tensor as another dtype, or on another device; the same tensor when it is so already. */
  to<E extends DType>(dtype: E): Tensor<E, R>;
  to(device: 'wasm' | 'webgpu'): Tensor<D, R>;
  /** This tensor on a device, given as a tensor there: its dtype and device. */
  to<E extends DType>(other: Tensor<E>): Tensor<E, R>;
  /** As another dtype: `float` float32, `half` float16, `int` and `long` int32, `char` int8, `byte` uint8. */
  float(): Tensor<'float32', R>;
  half(): Tensor<'float16', R>;
  int(): Tensor<'int32', R>;
  long(): Tensor<'int32', R>;
  char(): Tensor<'int8', R>;
  byte(): Tensor<'uint8', R>;
  bool(): Tensor<'bool', R>;
  /** This tensor as a dtype, or the name of its dtype. */
  type(): D;
  type<E extends DType>(dtype: E): Tensor<E, R>;
  /** This tensor in the memory that JavaScript's own thread computes on. */
  cpu(): Tensor<D, R>;
  /** New tensors of this one's dtype, unless the options name another. */
  newTensor(data: NestedArray | TypedArray, options?: ops.CreateOptions): Tensor;
  newEmpty(...shape: Sizes): Tensor;
  newZeros(...shape: Sizes): Tensor;
  newOnes(...shape: Sizes): Tensor;
  newFull(
    ...given: Led<
      [size: Shape | number, fillValue: number | boolean, options?: ops.CreateOptions],
      readonly ['size', 'fillValue']
    >
  ): Tensor;
  /** The matrices [.., M, N] of this tensor, transposed: [.., N, M]. */
  readonly mT: Tensor<D, R>;
  /** The slices along the first dimension, as views; none of a tensor without dimensions. */
  [Symbol.iterator](): Generator<Tensor<D, Minus1<R>>>;
  /** A view of the windows of `size` elements along `dimension`, `step` apart: [.., n, ..] → [.., windows, .., size]. */
  unfold(
    ...given: Named<[dimension: number, size: number, step: number], readonly ['dimension', 'size', 'step']>
  ): Tensor<D, Plus1<R>>;
  /** The windows of images as columns, as the function `unfold`. */
  unfold(kernelSize: ops.Pair, ...rest: UnfoldArguments): Tensor;
  /** `other` where `condition` does not hold. */
  where(...given: Named<[condition: Tensor, other: Tensor | number], readonly ['condition', 'other']>): Tensor;
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

const functions = {
  to(this: Tensor, target: string | Tensor): Tensor {
    if (target instanceof Tensor) return onDevice(ops.cast(this, target.dtype), target.device);
    if (isDType(target)) return ops.cast(this, target);
    if (target === this.device) return this;
    if (target === 'wasm' || target === 'webgpu') return onDevice(this, target);
    return fail(
      'device',
      `to: expected a dtype (${Object.keys(traits).join(', ')}), a tensor, or a device ('wasm', 'webgpu'), got ${target}.`,
    );
  },
  type(this: Tensor, dtype?: DType): Tensor | DType {
    return dtype === undefined ? this.dtype : ops.cast(this, checkDType('type', dtype));
  },
  cpu(this: Tensor): Tensor {
    return onDevice(this, 'wasm');
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
  newFull(this: Tensor, ...given: Parameters<typeof fullByName> extends [Tensor, ...infer A] ? A : never): Tensor {
    return fullByName(this, ...given);
  },
  unfold(this: Tensor, ...given: readonly unknown[]): Tensor {
    // Three numbers, or the names of those, are PyTorch's method; anything else can only be the arguments of its function.
    const last = given[given.length - 1];
    const isNamed = isOptions(last) && ['dimension', 'size', 'step'].some((name) => name in last);
    if (isNamed || (given.length === 3 && given.every((value) => typeof value === 'number'))) {
      return unfoldByName(this, ...(given as [number, number, number]));
    }
    const [kernelSize, ...rest] = given as readonly [ops.Pair, ...UnfoldArguments];
    return ops.unfold(this, kernelSize, ...(rest as UnfoldArguments));
  },
  where(this: Tensor, ...given: Parameters<typeof whereByName> extends [Tensor, ...infer A] ? A : never): Tensor {
    return whereByName(this, ...given);
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

const unfoldByName = /* @__PURE__ */ keywords('unfold', ['dimension', 'size', 'step'], unfoldAlong);
const whereByName = /* @__PURE__ */ keywords(
  'where',
  ['condition', 'other'],
  (input: Tensor, condition: Tensor, other: Tensor | number): Tensor => ops.where(condition, input, other),
);
const fullByName = /* @__PURE__ */ leading(
  'newFull',
  ['size', 'fillValue'],
  (like: Tensor, size: Shape | number, fillValue: number | boolean, options: ops.CreateOptions = {}): Tensor =>
    ops.full(size, fillValue, { dtype: like.dtype, ...options }),
);

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

/** The properties and methods by name, to be put on the prototype of tensors. */
export const conveniences: PropertyDescriptorMap = {
  T: {
    get(this: Tensor): Tensor {
      return ops.permute(
        this,
        this.shape.map((_, i) => this.ndim - 1 - i),
      );
    },
  },
  mT: {
    get(this: Tensor): Tensor {
      if (this.ndim < 2) fail('shape', `mT: expected at least 2 dimensions, got ${show(this.shape)}.`);
      return ops.transpose(this, -2, -1);
    },
  },
  retainsGrad: {
    get(this: Tensor): boolean {
      return retainsGrad(this);
    },
  },
  [Symbol.iterator]: {
    *value(this: Tensor): Generator<Tensor> {
      for (let i = 0; i < (this.shape[0] ?? 0); i++) yield ops.select(this, 0, i);
    },
  },
  ...methodsOf(functions),
  ...methodsOf(
    Object.fromEntries(
      Object.entries(casts).map(([name, dtype]) => [
        name,
        function (this: Tensor): Tensor {
          return ops.cast(this, dtype);
        },
      ]),
    ),
  ),
};

function methodsOf(functions: Readonly<Record<string, unknown>>): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(functions).map(([name, value]) => [name, { value, writable: true, configurable: true }]),
  );
}
