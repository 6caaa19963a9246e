import { indexing } from '#binary';
import { noGrad, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import type { KernelName } from '../core/device.js';
import { type DType, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords, leading } from '../core/keywords.js';
import { normalizeDim, type Shape } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { add, div, mul } from './arithmetic.js';
import { eq, logicalAnd, where } from './compare.js';
import { floorDivide } from './division.js';
import { gatherOp, lanesOf, prepare, scatterOp } from './indexing.js';
import { checkIndices } from './indices.js';
import { cast, clone, narrow } from './movement.js';
import { checkTensor, copyInto, dense, empty, scalarLike, suffix } from './op.js';
import { pad } from './pad.js';

/** Writing to places that an index names. */

/** `x` from its beginning as far as `shape` reaches, except along d. */
function seen(x: Tensor, shape: Shape, d: number | null): Tensor {
  return shape.reduce((y, size, i) => (i === d || size === y.shape[i] ? y : narrow(y, i, 0, size)), x);
}

/** Zeros behind `x` up to `shape`: what `seen` left out. pad() counts from the last dimension. */
function widened(x: Tensor, shape: Shape): Tensor {
  const missing = shape.map((size, i) => size - (x.shape[i] as number));
  return missing.every((n) => n === 0)
    ? x
    : pad(
        x,
        missing.reverse().flatMap((n) => [0, n]),
      );
}

function checkShapes(name: string, input: Tensor, index: Tensor, src: Tensor | null, d: number): void {
  const fits = (x: Tensor, free: number): boolean =>
    x.ndim === index.ndim && index.shape.every((s, i) => i === free || s <= (x.shape[i] as number));
  if (index.numel() === 0) return;
  if (!fits(input, d) || (src !== null && !fits(src, -1))) {
    fail(
      'shape',
      `${name}: index must have as many dimensions as input and src, be no larger than src, and no larger than input ` +
        `except along dim ${d}: input ${show(input.shape)}, index ${show(index.shape)}` +
        `${src === null ? '' : `, src ${show(src.shape)}`}.`,
    );
  }
}

/** Runs a scattering kernel on `y`, which is contiguous: src[.., j, ..] goes to index[.., j, ..] along d. */
function intoColumns(kernel: KernelName, y: Tensor, index: Tensor, src: Tensor, d: number): void {
  const shape = index.shape.map((s, i) => (i === d ? (y.shape[i] as number) : s));
  // The kernel takes whole columns: where index reaches only part of y, that part is worked on as a copy.
  const window = y.strided(shape, y.strides, y.offset);
  const part = dense(window);
  const { outer, inner } = lanesOf(shape, d);
  part.storage.device.launch({
    kernel,
    work: index.numel() === 0 ? 0 : outer * inner,
    writes: [part],
    reads: [dense(src), dense(index)],
    ints: [outer, shape[d] ?? 1, index.shape[d] ?? 1, inner],
  });
  if (part !== window) copyInto(window, part);
  window.dispose();
}

/** A copy of `input` with src[.., j, ..] at index[.., j, ..] along d; src and index have one shape. */
function scatterCopy(input: Tensor, index: Tensor, src: Tensor, d: number): Tensor {
  const y = empty(input, input.shape, input.dtype, 'scatter');
  copyInto(y, input);
  intoColumns(indexing.kernel('scatter_b4'), y, index, src, d);
  record('scatter', [input, src], [y], [index], ([g], [places], needs) => {
    const to = places as Tensor;
    return [
      needs[0] ? scatterCopy(g as Tensor, to, nothingLike(g as Tensor, to.shape), d) : null,
      needs[1] ? gatherOp(seen(g as Tensor, to.shape, d), to, d) : null,
    ];
  });
  return y;
}

/** Zeros, of stride 0. */
function nothingLike(like: Tensor, shape: Shape): Tensor {
  const zero = scalarLike(like, 0, like.dtype);
  return zero.strided(shape, new Array<number>(shape.length).fill(0), 0);
}

/** Indices and everything else as the kernels take them: 32 bits wide. */
function arrange(name: string, input: Tensor, dim: number, index: Tensor, src: Tensor | null) {
  const { x, places } = prepare(name, input, index);
  const d = normalizeDim(name, dim, input.ndim);
  if (src !== null && src.dtype !== input.dtype) {
    fail('dtype', `${name}: src must be ${input.dtype} as input is, got ${src.dtype}. Use .to('${input.dtype}').`);
  }
  checkShapes(name, input, index, src, d);
  checkIndices(name, places, input.shape[d] ?? 1);
  return { x, places, d };
}

export interface ScatterOptions {
  /** What is written. */
  readonly src?: Tensor | number;
  /** A number that is written everywhere, in place of `src`. */
  readonly value?: number;
  /** Add to what is there, or multiply it, instead of writing over it. */
  readonly reduce?: 'add' | 'multiply';
}

/**
 * A copy of `input` with src[.., j, ..] at place index[.., j, ..] along `dim`; src may be a number. Where an index comes
 * more than once the last remains, and its gradient is that of all of them, as in PyTorch. With `reduce` what comes to one
 * place is added to what stands there, or multiplied with it.
 */
export const scatter = /* @__PURE__ */ leading(
  'scatter',
  ['dim', 'index'],
  (input: Tensor, dim: number, index: Tensor, ...given: (Tensor | number | ScatterOptions | undefined)[]): Tensor => {
    checkTensor('scatter', input);
    const { src, value, reduce } = readArguments<ScatterOptions>('scatter', given, ['src', 'reduce', 'value']);
    const from = src ?? value;
    if (!(from instanceof Tensor) && typeof from !== 'number') {
      fail('argument', `scatter: src must be a Tensor or a number, got ${from === null ? 'null' : typeof from}.`);
    }
    if (reduce !== undefined && reduce !== 'add' && reduce !== 'multiply') {
      fail('argument', `scatter: reduce must be 'add' or 'multiply', got '${String(reduce)}'. Or use scatterReduce().`);
    }
    if (reduce !== undefined) {
      const wide = from instanceof Tensor ? from : constant(input, from, index.shape);
      return reduce === 'add'
        ? scatterAdd(input, dim, index, wide)
        : scatterReduce(input, dim, index, wide, 'prod', { includeSelf: true });
    }
    const source = from instanceof Tensor ? from : null;
    const { x, places, d } = arrange('scatter', input, dim, index, source);
    if (index.numel() === 0) return untouched(input, source);
    const values =
      source === null ? constant(x, from as number, index.shape) : seen(cast(source, x.dtype), index.shape, null);
    return cast(scatterCopy(cast(input, x.dtype), places, values, d), input.dtype);
  },
);

/** `value` everywhere, of stride 0. */
function constant(like: Tensor, value: number, shape: Shape): Tensor {
  return scalarLike(like, value, like.dtype).strided(shape, new Array<number>(shape.length).fill(0), 0);
}

/** A copy of `input` into which nothing of `src` goes, which has a gradient of zeros all the same. */
function untouched(input: Tensor, src: Tensor | null): Tensor {
  if (src === null) return clone(input);
  const y = empty(input, input.shape, input.dtype, 'scatter');
  copyInto(y, input);
  const { shape } = src;
  record('scatter', [input, src], [y], [], ([g]) => [g, clone(nothingLike(g as Tensor, shape))]);
  return y;
}

/** A copy of `input` with src[.., j, ..] added at place index[.., j, ..] along `dim`. */
export const scatterAdd = /* @__PURE__ */ keywords(
  'scatterAdd',
  ['dim', 'index', 'src'],
  (input: Tensor, dim: number, index: Tensor, src: Tensor): Tensor => {
    checkTensor('scatterAdd', input);
    checkTensor('scatterAdd', src, 'src');
    const { x, places, d } = arrange('scatterAdd', input, dim, index, src);
    if (index.numel() === 0) return untouched(input, src);
    const shape = index.shape.map((s, i) => (i === d ? (input.shape[i] as number) : s));
    const sums = scatterOp(seen(cast(src, x.dtype), index.shape, null), places, d, shape);
    return cast(add(cast(input, x.dtype), widened(sums, input.shape)), input.dtype);
  },
);

/** What scatterReduce makes of what comes to one place. */
export type ScatterReduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin';

export interface ScatterReduceOptions {
  /** How the values for one place are joined. */
  readonly reduce?: ScatterReduction;
  /** Whether what stands in `input` counts too where something comes. Default true. */
  readonly includeSelf?: boolean;
}

const KERNELS = { prod: 'scatterProd', amax: 'scatterMax', amin: 'scatterMin' } as const;

/** What changes nothing in a reduction of this dtype. */
function identity(reduce: keyof typeof KERNELS, dtype: DType): number {
  if (reduce === 'prod') return 1;
  const end = dtype === 'int32' ? 2 ** 31 - 1 : Infinity;
  return reduce === 'amin' ? end : dtype === 'int32' ? -(2 ** 31) : -end;
}

/**
 * A copy of `input` in which each place that `index` names along `dim` holds the sum, product, mean, largest or smallest of
 * what comes from `src` and, with `includeSelf`, of what was there. Integers' means are rounded down. Gradients of extremes
 * are shared by all that equal them.
 */
export const scatterReduce = /* @__PURE__ */ leading(
  'scatterReduce',
  ['dim', 'index', 'src', 'reduce'],
  (
    input: Tensor,
    dim: number,
    index: Tensor,
    src: Tensor,
    reduce: ScatterReduction,
    ...rest: (boolean | ScatterReduceOptions | undefined)[]
  ): Tensor => {
    const name = 'scatterReduce';
    checkTensor(name, input);
    checkTensor(name, src, 'src');
    const { includeSelf = true } = readArguments<ScatterReduceOptions>(name, rest, ['includeSelf']);
    if (!['sum', 'prod', 'mean', 'amax', 'amin'].includes(reduce)) {
      fail('argument', `${name}: reduce must be 'sum', 'prod', 'mean', 'amax' or 'amin', got '${String(reduce)}'.`);
    }
    const { x, places, d } = arrange(name, input, dim, index, src);
    if (index.numel() === 0) return untouched(input, src);
    const self = cast(input, x.dtype);
    const source = seen(cast(src, x.dtype), index.shape, null);
    if (reduce === 'prod' || reduce === 'amax' || reduce === 'amin') {
      return cast(combined(reduce, self, places, source, d, includeSelf), input.dtype);
    }
    const begin = includeSelf ? self : scatterCopy(self, places, nothingLike(self, index.shape), d);
    const total = scatterAdd(begin, d, places, source);
    if (reduce === 'sum') return cast(total, input.dtype);
    const one = scalarLike(x, 1, x.dtype);
    const ones = one.strided(input.shape, new Array<number>(input.ndim).fill(0), 0);
    const counted = scatterAdd(
      includeSelf ? ones : nothingLike(x, input.shape),
      d,
      places,
      one.strided(index.shape, new Array<number>(index.ndim).fill(0), 0),
    );
    const count = includeSelf ? counted : where(eq(counted, 0), 1, counted);
    return cast(traits[x.dtype].isFloat ? div(total, count) : floorDivide(total, count), input.dtype);
  },
);

/** Products and extremes: one kernel, and a gradient of their own. */
function combined(
  reduce: keyof typeof KERNELS,
  input: Tensor,
  index: Tensor,
  src: Tensor,
  d: number,
  includeSelf: boolean,
): Tensor {
  const begin = noGrad(() =>
    includeSelf ? input : scatterCopy(input, index, constant(input, identity(reduce, input.dtype), index.shape), d),
  );
  const y = empty(input, input.shape, input.dtype, 'scatterReduce');
  copyInto(y, begin);
  intoColumns(indexing.kernel(`${KERNELS[reduce]}_${suffix(y.dtype)}`), y, index, src, d);
  record('scatterReduce', [input, src], [y], [input, src, index, y], ([gradient], held) => {
    const [x, s, places, result] = held as [Tensor, Tensor, Tensor, Tensor];
    const g = gradient as Tensor;
    const at = (t: Tensor): Tensor => gatherOp(seen(t, places.shape, d), places, d);
    const [toSelf, toSource] =
      reduce === 'prod'
        ? productGradient(g, x, s, places, result, d, includeSelf, at)
        : extremeGradient(g, x, s, places, result, d, at);
    return [includeSelf ? toSelf : scatterCopy(toSelf, places, nothingLike(toSelf, places.shape), d), toSource];
  });
  return y;
}

/** Gradients of an extreme, shared evenly by what equals it. */
function extremeGradient(
  g: Tensor,
  x: Tensor,
  src: Tensor,
  index: Tensor,
  y: Tensor,
  d: number,
  at: (t: Tensor) => Tensor,
): [Tensor, Tensor] {
  const isSelf = cast(eq(x, y), 'float32');
  const isSource = cast(eq(src, at(y)), 'float32');
  const share = div(g, scatterAdd(isSelf, d, index, isSource));
  return [where(eq(isSelf, 0), 0, mul(isSelf, share)), where(eq(isSource, 0), 0, mul(isSource, at(share)))];
}

/** Gradients of a product. Where one factor alone is 0 the product of the others is formed without it. */
function productGradient(
  g: Tensor,
  x: Tensor,
  src: Tensor,
  index: Tensor,
  y: Tensor,
  d: number,
  includeSelf: boolean,
  at: (t: Tensor) => Tensor,
): [Tensor, Tensor] {
  const selfOrOne = where(eq(x, 0), 1, x);
  const others = combined('prod', selfOrOne, index, src, d, includeSelf);
  const isZero = eq(src, 0);
  const zeros = scatterAdd(nothingLike(x, x.shape), d, index, cast(isZero, x.dtype));
  const isOnly = logicalAnd(isZero, eq(at(zeros), 1));
  const rest = combined('prod', x, index, where(isOnly, 1, src), d, includeSelf);
  const usual = div(at(mul(g, y)), where(isZero, 1, src));
  return [div(mul(g, others), selfOrOne), where(isOnly, at(mul(g, rest)), usual)];
}
