import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { Tensor } from '../core/tensor.js';
import { cat, expand, full, indexSelect, narrow, reshape, stack, tensor, transpose } from '../ops/index.js';

/** Batches of sequences of unequal length: padded to one, or packed without padding. */

export interface PadSequenceOptions {
  /** [N, T, ..] instead of [T, N, ..]. Default false. */
  readonly batchFirst?: boolean;
  /** What stands behind the end of a sequence. Default 0. */
  readonly paddingValue?: number;
}

export interface PadSideOptions extends PadSequenceOptions {
  /** Where a sequence is filled up: behind its end, or before its beginning. Default 'right'. */
  readonly paddingSide?: 'left' | 'right';
}

/** Sequences [T_n, ..] in one tensor [max T, N, ..], filled up behind their ends, or before their beginnings. */
export function padSequence(
  sequences: readonly Tensor[],
  ...rest: readonly [
    batchFirst?: boolean | PadSideOptions,
    paddingValue?: number | PadSideOptions,
    paddingSide?: 'left' | 'right' | PadSideOptions,
  ]
): Tensor {
  const names = ['batchFirst', 'paddingValue', 'paddingSide'] as const;
  const given = readArguments<PadSideOptions>('padSequence', rest, names);
  const { batchFirst = false, paddingValue = 0, paddingSide = 'right' } = given;
  if (paddingSide !== 'left' && paddingSide !== 'right') {
    fail('argument', `padSequence: paddingSide must be 'left' or 'right', got '${String(paddingSide)}'.`);
  }
  const first = sequences[0];
  if (first === undefined) return fail('argument', 'padSequence: expected at least one sequence.');
  const odd = sequences.find((x) => x.ndim === 0 || String(x.shape.slice(1)) !== String(first.shape.slice(1)));
  if (odd !== undefined) {
    fail(
      'shape',
      `padSequence: sizes may differ in the first dimension alone: ${show(first.shape)}, ${show(odd.shape)}.`,
    );
  }
  const longest = Math.max(...sequences.map((x) => x.shape[0] as number));
  const padded = sequences.map((x) => {
    const missing = longest - (x.shape[0] as number);
    if (missing === 0) return x;
    const padding = full([missing, ...x.shape.slice(1)], paddingValue, { dtype: x.dtype });
    return cat(paddingSide === 'left' ? [padding, x] : [x, padding]);
  });
  return stack(padded, batchFirst ? 0 : 1);
}

/** The sequences of a padded batch, cut to their lengths. */
export function unpadSequence(
  paddedSequences: Tensor,
  lengths: Tensor | readonly number[],
  ...rest: readonly [batchFirst?: boolean | { readonly batchFirst?: boolean }]
): Tensor[] {
  const { batchFirst = false } = readArguments<{ readonly batchFirst?: boolean }>('unpadSequence', rest, [
    'batchFirst',
  ]);
  const batch = batchFirst ? paddedSequences : transpose(paddedSequences, 0, 1);
  return numbers(lengths).map((length, n) => {
    const row = narrow(batch, 0, n, 1);
    return narrow(reshape(row, row.shape.slice(1)), 0, 0, length);
  });
}

/**
 * A batch of sequences without padding: the elements of all sequences at time 0, then those at time 1, …, longest sequence
 * first. Made by `packPaddedSequence` and `packSequence`; recurrent layers take it and give it back.
 */
export class PackedSequence {
  constructor(
    /** [sum of all lengths, ..]. */
    readonly data: Tensor,
    /** How many sequences have an element at each time: int32 [longest length]. */
    readonly batchSizes: Tensor,
    /** Place of each packed sequence in the batch it came from; null where it was sorted. */
    readonly sortedIndices: Tensor | null = null,
    /** Place of each sequence of that batch among the packed ones. */
    readonly unsortedIndices: Tensor | null = null,
  ) {}

  /** Its parts in PyTorch's order: data, batchSizes, sortedIndices, unsortedIndices. */
  *[Symbol.iterator](): Iterator<Tensor | null> {
    yield this.data;
    yield this.batchSizes;
    yield this.sortedIndices;
    yield this.unsortedIndices;
  }
}

function numbers(values: Tensor | readonly number[]): number[] {
  return values instanceof Tensor ? [...values.dataSync()].map(Number) : [...values];
}

function indices(values: readonly number[]): Tensor {
  return tensor(Int32Array.from(values), [values.length], { dtype: 'int32' });
}

/** Where each element of a packed batch stands in the padded one: its time and its place in the packed order. */
function places(batchSizes: readonly number[]): { time: number; rank: number }[] {
  return batchSizes.flatMap((size, time) => Array.from({ length: size }, (_, rank) => ({ time, rank })));
}

export interface PackOptions {
  /** The input is [N, T, ..] instead of [T, N, ..]. Default false. */
  readonly batchFirst?: boolean;
  /** Refuse sequences that do not stand longest first, instead of sorting them. Default true. */
  readonly enforceSorted?: boolean;
}

/** Packs a padded batch [T, N, ..] of sequences of the given lengths. */
export function packPaddedSequence(
  input: Tensor,
  lengths: Tensor | readonly number[],
  ...rest: readonly [batchFirst?: boolean | PackOptions, enforceSorted?: boolean | PackOptions]
): PackedSequence {
  const name = 'packPaddedSequence';
  const given = readArguments<PackOptions>(name, rest, ['batchFirst', 'enforceSorted']);
  const { batchFirst = false, enforceSorted = true } = given;
  if (input.ndim < 2) fail('shape', `${name}: expected [T, N, ..], got ${show(input.shape)}.`);
  const padded = batchFirst ? transpose(input, 0, 1) : input;
  const [time, batch] = padded.shape as readonly [number, number];
  const sizes = numbers(lengths);
  if (sizes.length !== batch || sizes.length === 0) {
    fail('shape', `${name}: expected one length for each of ${batch} sequences, got ${sizes.length}.`);
  }
  const bad = sizes.find((size) => !Number.isInteger(size) || size < 1 || size > time);
  if (bad !== undefined) fail('argument', `${name}: lengths must lie in [1, ${time}], got ${bad}.`);
  const order = sizes.map((_, n) => n);
  if (!enforceSorted) order.sort((a, b) => (sizes[b] as number) - (sizes[a] as number));
  const sorted = order.map((n) => sizes[n] as number);
  if (sorted.some((size, n) => size > (sorted[n - 1] ?? size))) {
    fail(
      'argument',
      `${name}: lengths must fall, got ${show(sizes)}. Pass { enforceSorted: false } to have the batch sorted.`,
    );
  }
  const batchSizes = Array.from({ length: sorted[0] as number }, (_, t) => sorted.filter((size) => size > t).length);
  const rows = places(batchSizes).map(({ time: t, rank }) => t * batch + (order[rank] as number));
  const flat = reshape(padded, [time * batch, ...padded.shape.slice(2)]);
  const data = indexSelect(flat, 0, indices(rows));
  if (enforceSorted) return new PackedSequence(data, indices(batchSizes));
  const back = order.map((_, n) => order.indexOf(n));
  return new PackedSequence(data, indices(batchSizes), indices(order), indices(back));
}

/** Packs sequences [T_n, ..]. */
export function packSequence(
  sequences: readonly Tensor[],
  ...rest: readonly [enforceSorted?: boolean | Pick<PackOptions, 'enforceSorted'>]
): PackedSequence {
  const given = readArguments<Pick<PackOptions, 'enforceSorted'>>('packSequence', rest, ['enforceSorted']);
  const lengths = sequences.map((x) => x.shape[0] ?? 0);
  return packPaddedSequence(padSequence(sequences), lengths, given);
}

export interface PadPackedOptions extends PadSequenceOptions {
  /** Length to pad to. Default: that of the longest sequence. */
  readonly totalLength?: number | null;
}

/** The padded batch of a packed one, [T, N, ..] in the order it was packed from, and the lengths: int32 [N]. */
export function padPackedSequence(
  sequence: PackedSequence,
  ...rest: readonly [
    batchFirst?: boolean | PadPackedOptions,
    paddingValue?: number | PadPackedOptions,
    totalLength?: number | null | PadPackedOptions,
  ]
): [padded: Tensor, lengths: Tensor] {
  const names = ['batchFirst', 'paddingValue', 'totalLength'] as const;
  const given = readArguments<PadPackedOptions>('padPackedSequence', rest, names);
  const { batchFirst = false, paddingValue = 0, totalLength } = given;
  const { data, unsortedIndices } = sequence;
  const batchSizes = numbers(sequence.batchSizes);
  const time = totalLength ?? batchSizes.length;
  if (!Number.isInteger(time) || time < batchSizes.length) {
    fail('argument', `padPackedSequence: totalLength must be at least ${batchSizes.length}, got ${time}.`);
  }
  const batch = batchSizes[0] as number;
  const ranks = unsortedIndices === null ? Array.from({ length: batch }, (_, n) => n) : numbers(unsortedIndices);
  // The row behind the last one is the padding.
  const [count, ...tail] = data.shape as readonly [number, ...number[]];
  const rows = new Array<number>(time * batch).fill(count);
  const at = new Map(places(batchSizes).map(({ time: t, rank }, row) => [t * batch + rank, row]));
  for (let t = 0; t < time; t++) {
    ranks.forEach((rank, n) => {
      rows[t * batch + n] = at.get(t * batch + rank) ?? count;
    });
  }
  const padding = expand(full([], paddingValue, { dtype: data.dtype }), [1, ...tail]);
  const flat = indexSelect(cat([data, padding]), 0, indices(rows));
  const padded = reshape(flat, [time, batch, ...tail]);
  const lengths = ranks.map((rank) => batchSizes.filter((size) => size > rank).length);
  return [batchFirst ? transpose(padded, 0, 1) : padded, indices(lengths)];
}

/** The sequences of a packed batch, [T_n, ..], in the order it was packed from. */
export function unpackSequence(packedSequences: PackedSequence): Tensor[] {
  return unpadSequence(...padPackedSequence(packedSequences));
}
