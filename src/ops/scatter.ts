import { record } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { normalizeDim, type Shape } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { add } from './arithmetic.js';
import { ne, where } from './compare.js';
import { gatherOp, indexSelect, lanesOf, prepare, scatterOp } from './indexing.js';
import { checkIndices } from './indices.js';
import { indicesLike } from './masked.js';
import { cast, clone, narrow, reshape, unsqueeze } from './movement.js';
import { checkTensor, copyInto, dense, empty, scalarLike } from './op.js';
import { pad } from './pad.js';

/** Writing to places that an index names, and reading from them. */

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
  if (index.numel === 0) return;
  if (!fits(input, d) || (src !== null && !fits(src, -1))) {
    fail(
      'shape',
      `${name}: index must have as many dimensions as input and src, be no larger than src, and no larger than input ` +
        `except along dim ${d}: input ${show(input.shape)}, index ${show(index.shape)}` +
        `${src === null ? '' : `, src ${show(src.shape)}`}.`,
    );
  }
}

/** A copy of `input` with src[.., j, ..] at index[.., j, ..] along d; src and index have one shape. */
function scatterCopy(input: Tensor, index: Tensor, src: Tensor, d: number): Tensor {
  const y = empty(input, input.shape, input.dtype, 'scatter');
  copyInto(y, input);
  const shape = index.shape.map((s, i) => (i === d ? (input.shape[i] as number) : s));
  // The kernel takes whole columns: where index reaches only part of y, that part is worked on as a copy.
  const window = y.strided(shape, y.strides, y.offset);
  const part = dense(window);
  const { outer, inner } = lanesOf(shape, d);
  part.storage.device.launch({
    kernel: 'scatter_b4',
    work: index.numel === 0 ? 0 : outer * inner,
    writes: [part],
    reads: [dense(src), dense(index)],
    ints: [outer, shape[d] ?? 1, index.shape[d] ?? 1, inner],
  });
  if (part !== window) copyInto(window, part);
  window.dispose();
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

/**
 * A copy of `input` with src[.., j, ..] at place index[.., j, ..] along `dim`; src may be a number. Where an index comes
 * more than once the last remains, and its gradient is that of all of them, as in PyTorch.
 */
export function scatter(input: Tensor, dim: number, index: Tensor, src: Tensor | number): Tensor {
  checkTensor('scatter', input);
  const source = src instanceof Tensor ? src : null;
  const { x, places, d } = arrange('scatter', input, dim, index, source);
  if (index.numel === 0) return clone(input);
  const values =
    source === null
      ? scalarLike(x, src as number, x.dtype).strided(index.shape, new Array<number>(index.ndim).fill(0), 0)
      : seen(cast(source, x.dtype), index.shape, null);
  return cast(scatterCopy(cast(input, x.dtype), places, values, d), input.dtype);
}

/** A copy of `input` with src[.., j, ..] added at place index[.., j, ..] along `dim`. */
export function scatterAdd(input: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  checkTensor('scatterAdd', input);
  checkTensor('scatterAdd', src, 'src');
  const { x, places, d } = arrange('scatterAdd', input, dim, index, src);
  if (index.numel === 0) return clone(input);
  const shape = index.shape.map((s, i) => (i === d ? (input.shape[i] as number) : s));
  const sums = scatterOp(seen(cast(src, x.dtype), index.shape, null), places, d, shape);
  return cast(add(cast(input, x.dtype), widened(sums, input.shape)), input.dtype);
}

/** The elements of `input`, seen as one line, at `index`, whose shape the result has. Negative indices count from the end. */
export function take(input: Tensor, index: Tensor): Tensor {
  checkTensor('take', input);
  checkTensor('take', index, 'index');
  const size = input.numel;
  const places = Int32Array.from(prepare('take', input, index).places.dataSync(), (i) => (i < 0 ? i + size : i));
  const line = indicesLike(input, places, [places.length], 'take');
  return reshape(indexSelect(reshape(input, [size]), 0, line), index.shape);
}

export interface EmbeddingOptions {
  /** A row that gets no gradient; negative numbers count from the end. Default none. */
  readonly paddingIdx?: number | null;
}

/** Rows of `weight` [n, features] at `input` [..]: [.., features]. */
export function embedding(input: Tensor, weight: Tensor, padding: number | null | EmbeddingOptions = null): Tensor {
  const paddingIdx = typeof padding === 'object' ? (padding?.paddingIdx ?? null) : padding;
  checkTensor('embedding', weight, 'weight');
  if (weight.ndim !== 2) fail('shape', `embedding: weight must have 2 dimensions, got ${show(weight.shape)}.`);
  const [rows, features] = weight.shape as [number, number];
  if (paddingIdx !== null && !(Number.isInteger(paddingIdx) && paddingIdx >= -rows && paddingIdx < rows)) {
    fail('argument', `embedding: paddingIdx ${paddingIdx} lies outside the ${rows} rows of weight.`);
  }
  const { places } = prepare('embedding', weight, input);
  checkIndices('embedding', places, rows);
  const y = rowsAt(cast(weight, 'float32'), places, paddingIdx === null ? null : (paddingIdx + rows) % rows);
  return cast(reshape(y, [...input.shape, features]), weight.dtype);
}

/** weight[index[i], :], [index.numel, features]; its gradient leaves out the row `skip`. */
function rowsAt(weight: Tensor, index: Tensor, skip: number | null): Tensor {
  const [rows, features] = weight.shape as [number, number];
  const y = empty(weight, [index.numel, features], 'float32', 'embedding');
  y.storage.device.launch({
    kernel: 'gatherRows_b4',
    work: features === 0 ? 0 : index.numel,
    grain: Math.max(1, Math.floor(16384 / Math.max(features, 1))),
    writes: [y],
    reads: [dense(weight), dense(index)],
    ints: [index.numel, features],
  });
  record('embedding', [weight], [y], [index], ([g], [places]) => {
    const at = reshape(places as Tensor, [-1]);
    const kept = skip === null ? (g as Tensor) : where(unsqueeze(ne(at, skip), 1), g as Tensor, 0);
    return [addRows(kept, at, rows)];
  });
  return y;
}

/** Zeros [rows, features] with g[i, :] added at index[i]. */
function addRows(g: Tensor, index: Tensor, rows: number): Tensor {
  const features = g.shape[1] as number;
  const y = empty(g, [rows, features], 'float32', 'embedding');
  y.storage.device.launch({ kernel: 'fill_b4', work: y.numel, grain: 65536, writes: [y], reads: [], ints: [0] });
  y.storage.device.launch({
    kernel: 'scatterAddRows_f32',
    work: features,
    writes: [y],
    reads: [dense(g), dense(index)],
    ints: [index.numel, features],
  });
  record('embeddingGradient', [g], [y], [index], ([v], [places]) => [rowsAt(v as Tensor, places as Tensor, null)]);
  return y;
}
