import { noGrad } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { allocate, Tensor } from '../core/tensor.js';
import { currentDevice } from '../backend/current.js';
import { abs, clamp } from '../ops/unary.js';
import { fill_ } from '../ops/inplace.js';
import { amax } from '../ops/reduce.js';
import { copyInto, dense, elementwise, empty, scalarLike } from '../ops/op.js';

export interface ClipGradNormOptions {
  /** Which norm: p > 0, or `Infinity` or 'inf' for the largest size. Default 2. */
  readonly normType?: number | 'inf';
  /** Throw where the norm is infinite or NaN. Reads the norm, and so waits for the device. Default false. */
  readonly errorIfNonfinite?: boolean;
}
