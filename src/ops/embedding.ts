import { deliverRows, isCapturing, noGrad, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { scope } from '../core/scoping.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul } from './arithmetic.js';
import { gt, logicalAnd, ne, where } from './compare.js';
import { tensor, zeros } from './create.js';
import { gather, indexSelect, prepare } from './indexing.js';
import { checkIndices } from './indices.js';
import { copy_ } from './inplace.js';
import { indicesLike } from './masked.js';
import { cast, reshape, unsqueeze } from './movement.js';
import { checkTensor, dense, knownValues } from './op.js';
import { addedRows, countedRows, Rows, ranked, readRows } from './rowgradient.js';
import { norm } from './vectornorm.js';

/** Rows of a table, picked by numbers. */

export interface EmbeddingOptions {
  /** A row that gets no gradient; negative numbers count from the end. Default none. */
  readonly paddingIdx?: number | null;
  /** Rows that are read and longer than this are first shortened to it, in `weight` itself. Default none. */
  readonly maxNorm?: number | null;
  /** The p of the norm that maxNorm bounds. Default 2. */
  readonly normType?: number;
  /** Divide the gradient of a row by how often it is read. Default false. */
  readonly scaleGradByFreq?: boolean;
  /**
   * Gather the gradient of a leaf by the rows that were read, which costs nothing for the others: optimizers that leave rows
   * without a gradient alone (SGD without momentum, Adagrad, SparseAdam) then pass over those rows only. Reading `weight.grad`
   * gives the whole of it all the same. Default false.
   */
  readonly sparse?: boolean;
}

const EMBEDDING = ['paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse'] as const;

/** The row to pass over, counted from the front, or null. */
function paddingRow(name: string, paddingIdx: number | null, rows: number): number | null {
  if (paddingIdx === null) return null;
  if (!(Number.isInteger(paddingIdx) && paddingIdx >= -rows && paddingIdx < rows)) {
    fail('argument', `${name}: paddingIdx ${paddingIdx} lies outside the ${rows} rows of weight.`);
  }
  return (paddingIdx + rows) % rows;
}

/** Rows of `weight` [n, features] at `input` [..]: [.., features]. */
export const embedding = /* @__PURE__ */ leading(
  'embedding',
  ['weight'],
  (input: Tensor, weight: Tensor, ...rest: (number | null | boolean | EmbeddingOptions | undefined)[]): Tensor => {
    const given = readArguments<EmbeddingOptions>('embedding', rest, EMBEDDING);
    const { paddingIdx = null, maxNorm = null, normType = 2, scaleGradByFreq = false, sparse = false } = given;
    checkTensor('embedding', weight, 'weight');
    if (weight.ndim !== 2) fail('shape', `embedding: weight must have 2 dimensions, got ${show(weight.shape)}.`);
    const [rows, features] = weight.shape as [number, number];
    const skip = paddingRow('embedding', paddingIdx, rows);
    const { places } = prepare('embedding', weight, input);
    checkIndices('embedding', places, rows);
    if (maxNorm !== null) shorten(weight, places, maxNorm, normType);
    const y = rowsAt(cast(weight, 'float32'), places, { skip, byFrequency: scaleGradByFreq, sparse });
    return cast(reshape(y, [...input.shape, features]), weight.dtype);
  },
);

/** Scales the rows of `weight` that are read and longer than `maxNorm` down to it, in place and unrecorded, as PyTorch does. */
function shorten(weight: Tensor, places: Tensor, maxNorm: number, normType: number): void {
  scope(() =>
    noGrad(() => {
      const isRead = gt(countedRows(reshape(places, [-1]), weight.shape[0] as number), 0);
      const length = norm(weight, normType, 1, true);
      const scale = div(maxNorm, add(length, 1e-7));
      copy_(weight, mul(weight, where(logicalAnd(isRead, gt(length, maxNorm)), scale, 1)));
    }),
  );
}

interface GradientOptions {
  /** A row that gets none. */
  readonly skip?: number | null;
  /** Whether a row counts once, however often it is read. */
  readonly byFrequency?: boolean;
  /** Whether a leaf gets it by rows. */
  readonly sparse?: boolean;
}

/** weight[index[i], :]: [indices, features]. */
function rowsAt(
  weight: Tensor,
  index: Tensor,
  { skip = null, byFrequency = false, sparse = false }: GradientOptions = {},
): Tensor {
  const rows = weight.shape[0] as number;
  const y = readRows(weight, dense(index));
  record('embedding', [weight], [y], [index], ([g], [places]) => {
    const at = reshape(places as Tensor, [-1]);
    const kept = skip === null ? (g as Tensor) : where(unsqueeze(ne(at, skip), 1), g as Tensor, 0);
    const scaled = byFrequency ? div(kept, unsqueeze(frequencies(at, rows), 1)) : kept;
    const byRows = (): Rows => {
      const { distinct, ranks } = ranked(knownValues('embedding', at) as Int32Array);
      const shape = [distinct.length, ...weight.shape.slice(1)];
      return new Rows(
        distinct,
        addedRows(scaled, indicesLike(scaled, ranks, [ranks.length], 'embedding'), shape),
        weight.shape,
      );
    };
    // On a device that does not say at once which rows were read, the whole of it is given.
    if (sparse && !isCapturing() && at.storage.device.answersAtOnce && deliverRows(weight, byRows)) return [null];
    return [addRows(scaled, at, rows)];
  });
  return y;
}

/** Zeros [rows, features] with g[i, :] added at index[i]. */
function addRows(g: Tensor, index: Tensor, rows: number): Tensor {
  const y = addedRows(g, dense(index), [rows, g.shape[1] as number]);
  record('embeddingGradient', [g], [y], [index], ([v], [places]) => [rowsAt(v as Tensor, places as Tensor)]);
  return y;
}

/** How often each of `index` comes among them. */
function frequencies(index: Tensor, rows: number): Tensor {
  return reshape(readRows(countedRows(index, rows), dense(index)), [-1]);
}

export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** Where each bag begins, for `input` of one dimension. */
  readonly offsets?: Tensor | null;
  /** Default 'mean'. */
  readonly mode?: 'sum' | 'mean' | 'max';
  /** Factors of the rows, of input's shape; for mode 'sum'. */
  readonly perSampleWeights?: Tensor | null;
  /** Whether the last offset is the end of the last bag. Default false. */
  readonly includeLastOffset?: boolean;
}

const BAG = [
  ...(['offsets', 'maxNorm', 'normType', 'scaleGradByFreq', 'mode', 'sparse'] as const),
  ...(['perSampleWeights', 'includeLastOffset', 'paddingIdx'] as const),
];

/** The ends of bags in the line of rows: bag b is [ends[b], ends[b + 1]). */
function bagEnds(input: Tensor, offsets: Tensor | null, includeLastOffset: boolean): number[] {
  if (input.ndim === 2) {
    if (offsets !== null)
      fail('argument', 'embeddingBag: input of two dimensions has a bag a row, and takes no offsets.');
    const [bags, size] = input.shape as [number, number];
    return Array.from({ length: bags + 1 }, (_, b) => b * size);
  }
  if (input.ndim !== 1 || offsets === null || offsets.ndim !== 1) {
    return fail(
      'shape',
      `embeddingBag: expected input of two dimensions, or of one and offsets of one, got ${show(input.shape)}` +
        `${offsets === null ? '' : ` and offsets ${show(offsets.shape)}`}.`,
    );
  }
  const starts = Array.from(knownValues('embeddingBag', offsets));
  const ends = includeLastOffset ? starts : [...starts, input.numel()];
  if ((ends[0] ?? 0) !== 0 || ends.some((end, b) => end > input.numel() || (b > 0 && end < (ends[b - 1] as number)))) {
    fail(
      'argument',
      `embeddingBag: offsets must begin with 0, rise and end within ${input.numel()}, got ${show(starts)}.`,
    );
  }
  return ends;
}

/**
 * Rows of `weight` [n, features] at `input`, summed, averaged or their largest taken bag by bag: [bags, features]. A bag is a
 * row of `input` [bags, size], or a stretch of `input` [rows] that begins at an offset. Rows at paddingIdx do not count; of
 * an empty bag the result is 0.
 */
export const embeddingBag = /* @__PURE__ */ leading(
  'embeddingBag',
  ['weight'],
  (
    input: Tensor,
    weight: Tensor,
    ...rest: (Tensor | number | string | null | boolean | EmbeddingBagOptions | undefined)[]
  ): Tensor => {
    const name = 'embeddingBag';
    const given = readArguments<EmbeddingBagOptions>(name, rest, BAG);
    const {
      offsets = null,
      mode = 'mean',
      perSampleWeights = null,
      includeLastOffset = false,
      paddingIdx = null,
    } = given;
    checkTensor(name, input);
    checkTensor(name, weight, 'weight');
    if (!['sum', 'mean', 'max'].includes(mode)) {
      fail('argument', `${name}: mode must be 'sum', 'mean' or 'max', got '${String(mode)}'.`);
    }
    if (perSampleWeights !== null && mode !== 'sum') fail('argument', `${name}: perSampleWeights are for mode 'sum'.`);
    if (perSampleWeights !== null && !sameShape(perSampleWeights.shape, input.shape)) {
      fail(
        'shape',
        `${name}: perSampleWeights ${show(perSampleWeights.shape)} must have input's shape ${show(input.shape)}.`,
      );
    }
    const ends = bagEnds(input, offsets, includeLastOffset);
    const skip = paddingRow(name, paddingIdx, weight.shape[0] as number);
    // Which rows are passed over is all that has to be known of them.
    const rows = skip === null ? null : knownValues(name, input);
    // Of every row that counts, its place in the line and its bag.
    const counted: number[] = [];
    const bagOf: number[] = [];
    for (let b = 0; b + 1 < ends.length; b++) {
      for (let i = ends[b] as number; i < (ends[b + 1] as number); i++) {
        if (rows !== null && rows[i] === skip) continue;
        counted.push(i);
        bagOf.push(b);
      }
    }
    const numbers = (list: readonly number[]): Tensor => indicesLike(input, Int32Array.from(list), [list.length], name);
    const { maxNorm = null, normType = 2, scaleGradByFreq = false, sparse = false } = given;
    const line = indexSelect(reshape(input, [-1]), 0, numbers(counted));
    const picked = embedding(line, weight, { maxNorm, normType, scaleGradByFreq, sparse });
    const bags = ends.length - 1;
    const features = weight.shape[1] as number;
    if (mode === 'max') return largestOf(picked, bagOf, bags);
    const scaled =
      perSampleWeights === null
        ? picked
        : mul(picked, unsqueeze(indexSelect(reshape(perSampleWeights, [-1]), 0, numbers(counted)), 1));
    const total = addBags(scaled, numbers(bagOf), bags, features);
    if (mode === 'sum') return total;
    const counts = new Float32Array(bags);
    for (const b of bagOf) counts[b] = (counts[b] as number) + 1;
    return div(
      total,
      tensor(
        counts.map((count) => Math.max(count, 1)),
        [bags, 1],
      ),
    );
  },
);

function addBags(x: Tensor, bagOf: Tensor, bags: number, features: number): Tensor {
  const y = addRows(cast(x, 'float32'), bagOf, bags);
  return cast(reshape(y, [bags, features]), x.dtype);
}

/** The largest of each feature in each bag; the first of equal ones has the gradient. */
function largestOf(x: Tensor, bagOf: readonly number[], bags: number): Tensor {
  const features = x.shape[1] as number;
  const values = knownValues('embeddingBag', x);
  const best = new Int32Array(bags * features).fill(-1);
  bagOf.forEach((bag, i) => {
    for (let f = 0; f < features; f++) {
      const at = bag * features + f;
      const before = best[at] as number;
      if (before < 0 || (values[i * features + f] as number) > (values[before * features + f] as number)) best[at] = i;
    }
  });
  const isEmpty = best.map((place) => Number(place < 0));
  const hasRows = (x.shape[0] as number) > 0;
  if (!hasRows) return zeros([bags, features], { dtype: x.dtype });
  const index = indicesLike(
    x,
    best.map((place) => Math.max(place, 0)),
    [bags, features],
    'embeddingBag',
  );
  return where(tensor(isEmpty, [bags, features], { dtype: 'bool' }), 0, gather(x, 0, index));
}
