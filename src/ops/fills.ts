import { fail } from '../core/errors.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import { Tensor } from '../core/tensor.js';
import { add, mul, neg } from './arithmetic.js';
import { lt } from './compare.js';
import { type InPlace, inPlace } from './inplace.js';
import { checkTensor } from './op.js';
import { rand, randn } from './random.js';
import { log1p } from './unary.js';

/**
 * Filling tensors with random numbers, in place. What was there before is forgotten, and so is its gradient; the numbers are
 * those of the dtype float32, rounded where the tensor holds less.
 */

/** No gradient is made from what was there. */
const FORGETS = { needsSelf: () => false };

/** Fills `self` with uniform numbers in [from, to). Returns `self`. */
export const uniform_: InPlace<[from?: number, to?: number, generator?: Generator]> = /* @__PURE__ */ inPlace(
  'uniform_',
  ({ shape }: Tensor, from = 0, to = 1, generator: Generator = defaultGenerator): Tensor =>
    add(mul(rand(shape, { generator }), to - from), from),
  FORGETS,
);

/** Fills `self` with normal numbers. Returns `self`. */
export const normal_: InPlace<[mean?: number, std?: number, generator?: Generator]> = /* @__PURE__ */ inPlace(
  'normal_',
  ({ shape }: Tensor, mean = 0, std = 1, generator: Generator = defaultGenerator): Tensor => {
    if (!(std >= 0)) fail('argument', `normal_: std must be ≥ 0, got ${std}.`);
    return add(mul(randn(shape, { generator }), std), mean);
  },
  FORGETS,
);

/** Fills `self` with numbers of an exponential distribution of rate `lambd`. Returns `self`. */
export const exponential_: InPlace<[lambd?: number, generator?: Generator]> = /* @__PURE__ */ inPlace(
  'exponential_',
  ({ shape }: Tensor, lambd = 1, generator: Generator = defaultGenerator): Tensor => {
    if (!(lambd > 0)) fail('argument', `exponential_: lambd must be > 0, got ${lambd}.`);
    return mul(neg(log1p(neg(rand(shape, { generator })))), 1 / lambd);
  },
  FORGETS,
);

/** Fills `self` with 1 at probability `p`, a number or a tensor that broadcasts, and 0 else. Returns `self`. */
export const bernoulli_: InPlace<[p?: number | Tensor, generator?: Generator]> = /* @__PURE__ */ inPlace(
  'bernoulli_',
  ({ shape }: Tensor, p: number | Tensor = 0.5, generator: Generator = defaultGenerator): Tensor => {
    if (p instanceof Tensor) checkTensor('bernoulli_', p, 'p');
    else if (!(p >= 0 && p <= 1)) fail('argument', `bernoulli_: p must be in [0, 1], got ${p}.`);
    return lt(rand(shape, { generator }), p);
  },
  FORGETS,
);
