import type { Others } from '../core/signatures.js';
import { Tensor } from '../core/tensor.js';
import { relu, sigmoid, tanh } from './activation.js';
import { clampMax, clampMin } from './aliases.js';
import { type AlphaOptions, add, mul, neg, sub } from './arithmetic.js';
import { eq, ge, gt, le, logicalAnd, logicalNot, logicalOr, logicalXor, lt, ne } from './compare.js';
import { atan2, div, floorDivide, fmod, remainder } from './division.js';
import { baddbmm } from './einsum.js';
import { indexPut } from './indexput.js';
import { indexAdd, indexCopy, indexFill, indexReduce, maskedScatter, put } from './indexwrite.js';
import { type InPlace, inPlace } from './inplace.js';
import { lerp } from './lerp.js';
import { maskedFill } from './masked.js';
import { addmm } from './matmul.js';
import { pow } from './power.js';
import { cumprod, cumsum } from './scan.js';
import { scatter, scatterAdd, scatterReduce } from './scatter.js';
import { addcdiv, addcmul } from './threefold.js';
import { tril, triu } from './triangle.js';
import {
  abs,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  type ClampOptions,
  ceil,
  clamp,
  cos,
  cosh,
  erf,
  exp,
  exp2,
  expm1,
  floor,
  log,
  log1p,
  log2,
  log10,
  reciprocal,
  round,
  rsqrt,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  tan,
  trunc,
} from './unary.js';

/**
 * Ops that write their result into their first argument, `self`, and return it. Each takes what the op without the underscore
 * takes, and has its gradient.
 */

/** What an op takes after its first argument. */
type Rest<F> = F extends (first: Tensor, ...rest: infer A) => Tensor ? A : never;

/** For ops whose gradient is made from their result, or from nothing. */
const WITHOUT_SELF = { needsSelf: () => false };

/** For products, whose other factor alone has a gradient made from self. */
const WITH_FACTOR = { needsSelf: (other: unknown) => other instanceof Tensor && other.requiresGrad };

/** self += alpha · other. */
export const add_: InPlace<Others<AlphaOptions>> = /* @__PURE__ */ inPlace('add_', add, WITHOUT_SELF);
/** self −= alpha · other. */
export const sub_: InPlace<Others<AlphaOptions>> = /* @__PURE__ */ inPlace('sub_', sub, WITHOUT_SELF);
/** self ·= other. */
export const mul_: InPlace<Others> = /* @__PURE__ */ inPlace('mul_', mul, WITH_FACTOR);
/** self /= other. */
export const div_: InPlace<Rest<typeof div>> = /* @__PURE__ */ inPlace('div_', div, WITH_FACTOR);
/** self to the power of an exponent. */
export const pow_: InPlace<Rest<typeof pow>> = /* @__PURE__ */ inPlace('pow_', pow);
export const floorDivide_: InPlace<Rest<typeof floorDivide>> = /* @__PURE__ */ inPlace(
  'floorDivide_',
  floorDivide,
  WITHOUT_SELF,
);
export const remainder_: InPlace<Rest<typeof remainder>> = /* @__PURE__ */ inPlace('remainder_', remainder);
export const fmod_: InPlace<Rest<typeof fmod>> = /* @__PURE__ */ inPlace('fmod_', fmod);
export const atan2_: InPlace<Rest<typeof atan2>> = /* @__PURE__ */ inPlace('atan2_', atan2);
/** self + weight · (end − self). */
export const lerp_: InPlace<Rest<typeof lerp>> = /* @__PURE__ */ inPlace('lerp_', lerp);

/** self += value · tensor1 · tensor2. */
export const addcmul_: InPlace<Rest<typeof addcmul>> = /* @__PURE__ */ inPlace('addcmul_', addcmul, WITHOUT_SELF);
/** self += value · tensor1 / tensor2. */
export const addcdiv_: InPlace<Rest<typeof addcdiv>> = /* @__PURE__ */ inPlace('addcdiv_', addcdiv, WITHOUT_SELF);

/** beta · self + alpha · mat1 × mat2. */
export const addmm_: InPlace<Rest<typeof addmm>> = /* @__PURE__ */ inPlace('addmm_', addmm, WITHOUT_SELF);
/** beta · self + alpha · batch1 × batch2. */
export const baddbmm_: InPlace<Rest<typeof baddbmm>> = /* @__PURE__ */ inPlace('baddbmm_', baddbmm, WITHOUT_SELF);

export const clamp_: InPlace<[min?: number | null | ClampOptions, max?: number | null]> = /* @__PURE__ */ inPlace(
  'clamp_',
  clamp,
);
/** self, nowhere below `min`. */
export const clampMin_: InPlace<Rest<typeof clampMin>> = /* @__PURE__ */ inPlace('clampMin_', clampMin);
/** self, nowhere above `max`. */
export const clampMax_: InPlace<Rest<typeof clampMax>> = /* @__PURE__ */ inPlace('clampMax_', clampMax);

export const relu_: InPlace = /* @__PURE__ */ inPlace('relu_', relu, WITHOUT_SELF);
export const sigmoid_: InPlace = /* @__PURE__ */ inPlace('sigmoid_', sigmoid, WITHOUT_SELF);
export const tanh_: InPlace = /* @__PURE__ */ inPlace('tanh_', tanh, WITHOUT_SELF);
export const neg_: InPlace = /* @__PURE__ */ inPlace('neg_', neg, WITHOUT_SELF);
export const abs_: InPlace = /* @__PURE__ */ inPlace('abs_', abs);
export const acos_: InPlace = /* @__PURE__ */ inPlace('acos_', acos);
export const acosh_: InPlace = /* @__PURE__ */ inPlace('acosh_', acosh);
export const asin_: InPlace = /* @__PURE__ */ inPlace('asin_', asin);
export const asinh_: InPlace = /* @__PURE__ */ inPlace('asinh_', asinh);
export const atan_: InPlace = /* @__PURE__ */ inPlace('atan_', atan);
export const atanh_: InPlace = /* @__PURE__ */ inPlace('atanh_', atanh);
export const ceil_: InPlace = /* @__PURE__ */ inPlace('ceil_', ceil, WITHOUT_SELF);
export const cos_: InPlace = /* @__PURE__ */ inPlace('cos_', cos);
export const cosh_: InPlace = /* @__PURE__ */ inPlace('cosh_', cosh);
export const erf_: InPlace = /* @__PURE__ */ inPlace('erf_', erf);
export const exp_: InPlace = /* @__PURE__ */ inPlace('exp_', exp, WITHOUT_SELF);
export const exp2_: InPlace = /* @__PURE__ */ inPlace('exp2_', exp2, WITHOUT_SELF);
export const expm1_: InPlace = /* @__PURE__ */ inPlace('expm1_', expm1, WITHOUT_SELF);
export const floor_: InPlace = /* @__PURE__ */ inPlace('floor_', floor, WITHOUT_SELF);
export const log_: InPlace = /* @__PURE__ */ inPlace('log_', log);
export const log10_: InPlace = /* @__PURE__ */ inPlace('log10_', log10);
export const log1p_: InPlace = /* @__PURE__ */ inPlace('log1p_', log1p);
export const log2_: InPlace = /* @__PURE__ */ inPlace('log2_', log2);
export const reciprocal_: InPlace = /* @__PURE__ */ inPlace('reciprocal_', reciprocal, WITHOUT_SELF);
export const round_: InPlace<Rest<typeof round>> = /* @__PURE__ */ inPlace('round_', round, WITHOUT_SELF);
export const rsqrt_: InPlace = /* @__PURE__ */ inPlace('rsqrt_', rsqrt, WITHOUT_SELF);
export const sign_: InPlace = /* @__PURE__ */ inPlace('sign_', sign, WITHOUT_SELF);
export const sin_: InPlace = /* @__PURE__ */ inPlace('sin_', sin);
export const sinh_: InPlace = /* @__PURE__ */ inPlace('sinh_', sinh);
export const sqrt_: InPlace = /* @__PURE__ */ inPlace('sqrt_', sqrt, WITHOUT_SELF);
export const square_: InPlace = /* @__PURE__ */ inPlace('square_', square);
export const tan_: InPlace = /* @__PURE__ */ inPlace('tan_', tan);
export const trunc_: InPlace = /* @__PURE__ */ inPlace('trunc_', trunc, WITHOUT_SELF);

/** Comparisons and logic leave 0 and 1 in the dtype of self. */
export const eq_: InPlace<Others> = /* @__PURE__ */ inPlace('eq_', eq, WITHOUT_SELF);
export const ne_: InPlace<Others> = /* @__PURE__ */ inPlace('ne_', ne, WITHOUT_SELF);
export const lt_: InPlace<Others> = /* @__PURE__ */ inPlace('lt_', lt, WITHOUT_SELF);
export const le_: InPlace<Others> = /* @__PURE__ */ inPlace('le_', le, WITHOUT_SELF);
export const gt_: InPlace<Others> = /* @__PURE__ */ inPlace('gt_', gt, WITHOUT_SELF);
export const ge_: InPlace<Others> = /* @__PURE__ */ inPlace('ge_', ge, WITHOUT_SELF);
export const logicalAnd_: InPlace<Others> = /* @__PURE__ */ inPlace('logicalAnd_', logicalAnd, WITHOUT_SELF);
export const logicalOr_: InPlace<Others> = /* @__PURE__ */ inPlace('logicalOr_', logicalOr, WITHOUT_SELF);
export const logicalXor_: InPlace<Others> = /* @__PURE__ */ inPlace('logicalXor_', logicalXor, WITHOUT_SELF);
export const logicalNot_: InPlace = /* @__PURE__ */ inPlace('logicalNot_', logicalNot, WITHOUT_SELF);

export const cumsum_: InPlace<Rest<typeof cumsum>> = /* @__PURE__ */ inPlace('cumsum_', cumsum, WITHOUT_SELF);
export const cumprod_: InPlace<Rest<typeof cumprod>> = /* @__PURE__ */ inPlace('cumprod_', cumprod);
/** `value` where `mask` holds. */
export const maskedFill_: InPlace<Rest<typeof maskedFill>> = /* @__PURE__ */ inPlace(
  'maskedFill_',
  maskedFill,
  WITHOUT_SELF,
);
/** src[.., j, ..] at place index[.., j, ..] along `dim`. */
export const scatter_: InPlace<Rest<typeof scatter>> = /* @__PURE__ */ inPlace('scatter_', scatter, WITHOUT_SELF);
/** src[.., j, ..] added at place index[.., j, ..] along `dim`. */
export const scatterAdd_: InPlace<Rest<typeof scatterAdd>> = /* @__PURE__ */ inPlace(
  'scatterAdd_',
  scatterAdd,
  WITHOUT_SELF,
);
export const tril_: InPlace<Rest<typeof tril>> = /* @__PURE__ */ inPlace('tril_', tril, WITHOUT_SELF);
export const triu_: InPlace<Rest<typeof triu>> = /* @__PURE__ */ inPlace('triu_', triu, WITHOUT_SELF);

export const indexAdd_: InPlace<Rest<typeof indexAdd>> = /* @__PURE__ */ inPlace('indexAdd_', indexAdd);
export const indexCopy_: InPlace<Rest<typeof indexCopy>> = /* @__PURE__ */ inPlace('indexCopy_', indexCopy);
export const indexFill_: InPlace<Rest<typeof indexFill>> = /* @__PURE__ */ inPlace('indexFill_', indexFill);
export const indexReduce_: InPlace<Rest<typeof indexReduce>> = /* @__PURE__ */ inPlace('indexReduce_', indexReduce);
export const indexPut_: InPlace<Rest<typeof indexPut>> = /* @__PURE__ */ inPlace('indexPut_', indexPut);
export const put_: InPlace<Rest<typeof put>> = /* @__PURE__ */ inPlace('put_', put);
export const maskedScatter_: InPlace<Rest<typeof maskedScatter>> = /* @__PURE__ */ inPlace(
  'maskedScatter_',
  maskedScatter,
);
export const scatterReduce_: InPlace<Rest<typeof scatterReduce>> = /* @__PURE__ */ inPlace(
  'scatterReduce_',
  scatterReduce,
);
