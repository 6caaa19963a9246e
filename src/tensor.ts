import { ahead } from '#binary';
import type { DType } from './core/dtype.js';
import { Tensor } from './core/tensor.js';
import * as ops from './ops/index.js';
import { type Conveniences, conveniences } from './tensor/conveniences.js';
import { type Methods, methods } from './tensor/methods.js';

/**
 * The tensor with its methods. The functions in src/ops are the ops; each that takes a tensor first is a method too, so that
 * `relu(matmul(x, w))` and `x.matmul(w).relu()` are the same call.
 */

declare module './core/tensor.js' {
  interface Tensor<D extends DType = DType, R extends number = number> extends Methods<D, R>, Conveniences<D, R> {}
}

// Methods bring all ops along: what they need is fetched together.
ahead();

for (const [name, compute] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: unknown[]): unknown {
      return (compute as (input: Tensor, ...rest: unknown[]) => unknown)(this, ...rest);
    },
    writable: true,
    configurable: true,
  });
}

Object.defineProperties(Tensor.prototype, conveniences);

/**
 * The functions that make tensors, again, as bindings of this module: whoever has a tensor has called one of them, and a
 * bundler that keeps the call then keeps the methods too. `fettle/ops` has them without.
 */
export const arange = ops.arange;
export const bartlettWindow = ops.bartlettWindow;
export const blackmanWindow = ops.blackmanWindow;
export const empty = ops.empty;
export const emptyLike = ops.emptyLike;
export const eye = ops.eye;
export const fftfreq = ops.fftfreq;
export const full = ops.full;
export const fullLike = ops.fullLike;
export const hammingWindow = ops.hammingWindow;
export const hannWindow = ops.hannWindow;
export const kaiserWindow = ops.kaiserWindow;
export const linspace = ops.linspace;
export const logspace = ops.logspace;
export const normal = ops.normal;
export const ones = ops.ones;
export const onesLike = ops.onesLike;
export const rand = ops.rand;
export const randint = ops.randint;
export const randintLike = ops.randintLike;
export const randLike = ops.randLike;
export const randn = ops.randn;
export const randnLike = ops.randnLike;
export const randperm = ops.randperm;
export const rfftfreq = ops.rfftfreq;
export const tensor = ops.tensor;
export const trilIndices = ops.trilIndices;
export const triuIndices = ops.triuIndices;
export const zeros = ops.zeros;
export const zerosLike = ops.zerosLike;
export { Tensor };
