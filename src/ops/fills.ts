import * as elementary from '../core/elementary.js';
import { fail } from '../core/errors.js';
import { keywords, type Named, type Whole } from '../core/keywords.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import { Tensor } from '../core/tensor.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { lt } from './compare.js';
import { checkProbabilities, open01 } from './distributions.js';
import { type InPlace, inPlace } from './inplace.js';
import { rand, randint, randn } from './random.js';
import { ceil, exp, log, log1p, tan } from './unary.js';

/**
 * Filling tensors with random numbers, in place. What was there before is forgotten, and so is its gradient; the numbers are
 * those of the dtype float32, rounded where the tensor holds less. The stream to draw from comes last, or as { generator };
 * by default it is the one that `manualSeed` sets.
 */

/** No gradient is made from what was there. */
const FORGETS = { needsSelf: () => false };

type TwoNumbers<A extends string, B extends string> = InPlace<
  Named<[Whole?, Whole?, Generator?], readonly [A, B, 'generator']>
>;
type OneNumber<A extends string, V = number> = InPlace<Named<[V?, Generator?], readonly [A, 'generator']>>;

function checkPositive(name: string, what: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) {
    fail('argument', `${name}: ${what} must be a finite number > 0, got ${String(value)}.`);
  }
}

/** Fills `self` with uniform numbers in [from, to). Returns `self`. */
export const uniform_: TwoNumbers<'from', 'to'> = /* @__PURE__ */ inPlace(
  'uniform_',
  /* @__PURE__ */ keywords(
    'uniform_',
    ['from', 'to', 'generator'],
    ({ shape }: Tensor, from: Whole = 0, to: Whole = 1, generator: Generator = defaultGenerator): Tensor => {
      if (!(from <= to)) fail('argument', `uniform_: from must not exceed to, got ${from} and ${to}.`);
      return add(mul(rand(shape, { generator }), to - from), from);
    },
  ),
  FORGETS,
);

/** Fills `self` with normal numbers. Returns `self`. */
export const normal_: TwoNumbers<'mean', 'std'> = /* @__PURE__ */ inPlace(
  'normal_',
  /* @__PURE__ */ keywords(
    'normal_',
    ['mean', 'std', 'generator'],
    ({ shape }: Tensor, mean: Whole = 0, std: Whole = 1, generator: Generator = defaultGenerator): Tensor => {
      if (!(std >= 0)) fail('argument', `normal_: std must be ≥ 0, got ${std}.`);
      return add(mul(randn(shape, { generator }), std), mean);
    },
  ),
  FORGETS,
);

/** Fills `self` with exponential numbers of the rate `lambd`, all above 0. Returns `self`. */
export const exponential_: OneNumber<'lambd'> = /* @__PURE__ */ inPlace(
  'exponential_',
  /* @__PURE__ */ keywords(
    'exponential_',
    ['lambd', 'generator'],
    ({ shape }: Tensor, lambd: Whole = 1, generator: Generator = defaultGenerator): Tensor => {
      checkPositive('exponential_', 'lambd', lambd);
      return div(neg(log1p(neg(open01(shape, generator)))), lambd);
    },
  ),
  FORGETS,
);

/** Fills `self` with Cauchy numbers. Returns `self`. */
export const cauchy_: TwoNumbers<'median', 'sigma'> = /* @__PURE__ */ inPlace(
  'cauchy_',
  /* @__PURE__ */ keywords(
    'cauchy_',
    ['median', 'sigma', 'generator'],
    ({ shape }: Tensor, median: Whole = 0, sigma: Whole = 1, generator: Generator = defaultGenerator): Tensor => {
      checkPositive('cauchy_', 'sigma', sigma);
      return add(mul(tan(mul(sub(open01(shape, generator), 0.5), Math.PI)), sigma), median);
    },
  ),
  FORGETS,
);

/** Fills `self` with numbers whose logarithms are normal with this mean and deviation. Returns `self`. */
export const logNormal_: TwoNumbers<'mean', 'std'> = /* @__PURE__ */ inPlace(
  'logNormal_',
  /* @__PURE__ */ keywords(
    'logNormal_',
    ['mean', 'std', 'generator'],
    ({ shape }: Tensor, mean: Whole = 1, std: Whole = 2, generator: Generator = defaultGenerator): Tensor => {
      checkPositive('logNormal_', 'std', std);
      return exp(add(mul(randn(shape, { generator }), std), mean));
    },
  ),
  FORGETS,
);

/** Fills `self` with the number of trials until the first success of probability `p`: 1, 2, …. Returns `self`. */
export const geometric_: OneNumber<'p'> = /* @__PURE__ */ inPlace(
  'geometric_',
  /* @__PURE__ */ keywords(
    'geometric_',
    ['p', 'generator'],
    ({ shape }: Tensor, p: number | undefined = undefined, generator: Generator = defaultGenerator): Tensor => {
      if (!(p !== undefined && p > 0 && p < 1)) return fail('argument', `geometric_: p must be in (0, 1), got ${p}.`);
      return ceil(div(log(open01(shape, generator)), elementary.log1p(-p)));
    },
  ),
  FORGETS,
);

/** Fills `self` with 1 with probability `p`, a number or a tensor that broadcasts, and 0 otherwise. Returns `self`. */
export const bernoulli_: OneNumber<'p', number | Tensor> = /* @__PURE__ */ inPlace(
  'bernoulli_',
  /* @__PURE__ */ keywords(
    'bernoulli_',
    ['p', 'generator'],
    ({ shape }: Tensor, p: number | Tensor = 0.5, generator: Generator = defaultGenerator): Tensor => {
      if (p instanceof Tensor) checkProbabilities('bernoulli_', p);
      else if (!(p >= 0 && p <= 1)) fail('argument', `bernoulli_: p must be in [0, 1], got ${String(p)}.`);
      return lt(rand(shape, { generator }), p);
    },
  ),
  FORGETS,
);

/** One above the largest whole number up to which a dtype holds all, or 2³¹ − 1. */
const HIGHEST = { float32: 2 ** 24 + 1, float16: 2 ** 11 + 1, int32: 2 ** 31 - 1, int8: 128, uint8: 256, bool: 2 };

/**
 * Fills `self` with whole numbers: `random_()` from 0 to what its dtype holds exactly, `random_(to)` in [0, to),
 * `random_(from, to)` in [from, to). Returns `self`.
 */
export const random_: TwoNumbers<'from', 'to'> = /* @__PURE__ */ inPlace(
  'random_',
  /* @__PURE__ */ keywords(
    'random_',
    ['from', 'to', 'generator'],
    (
      { shape, dtype }: Tensor,
      from: number | undefined = undefined,
      to: number | undefined = undefined,
      generator: Generator = defaultGenerator,
    ): Tensor => {
      const [low, high] = to === undefined || to === null ? [0, from ?? HIGHEST[dtype]] : [from ?? 0, to];
      return randint(low, high, shape, { generator });
    },
  ),
  FORGETS,
);
