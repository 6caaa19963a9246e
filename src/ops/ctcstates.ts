import { fail } from '../core/errors.js';
import { Tensor } from '../core/tensor.js';
import { add, sub } from './arithmetic.js';
import { eq, lt, where } from './compare.js';
import { minimum } from './extremes.js';
import { indexSelect } from './indexing.js';
import { checkHolds, checkRange } from './indices.js';
import { cat } from './join.js';
import { indicesLike } from './masked.js';
import { reshape, unsqueeze } from './movement.js';
import { convert, dense, knownValues } from './op.js';
import { sum } from './reduce.js';
import { cumsum } from './scan.js';
import { clamp } from './unary.js';

/**
 * What the kernels of connectionist temporal classification read besides log-probabilities: the labels of each sequence as rows of
 * states. On the host where labels and lengths are known there, else on their device, which checks them too; the rows are then as
 * long as the longest sequence might be.
 */

/** Numbers of time steps or of labels: one for each sequence. */
export type Lengths = Tensor | readonly number[] | number;

/** Labels, lengths and the class that stands for no label. */
export interface Spelling {
  readonly targets: Tensor;
  readonly inputLengths: Lengths;
  readonly targetLengths: Lengths;
  readonly blank: number;
}

export interface Alignment {
  /** Rows of states [N, pitch], int32. */
  readonly labels: Tensor;
  /** Time steps of each sequence [N], int32. */
  readonly inputLengths: Tensor;
  /** Labels of each sequence that stand in its row [N], int32. */
  readonly targetLengths: Tensor;
  /** Labels of each sequence [N], int32. */
  readonly labelCounts: Tensor;
  readonly pitch: number;
}

/** Places before and behind a row of states, as assembly/ctc.ts wants them. */
const PAD = 4;

/** The length of a row for so many labels, with blanks around and between them. */
const pitchOf = (longest: number): number => PAD + Math.ceil((2 * longest + 1) / 4) * 4 + PAD;

const isKnown = (given: Lengths): boolean => !(given instanceof Tensor) || given.storage.device.answersAtOnce;

const wrongLength = (name: string, limit: number, got: number | string): string =>
  `ctcLoss: ${name} must lie between 0 and ${limit}, got ${got}.`;

function checkCount(name: string, got: number, count: number): void {
  if (got === count) return;
  fail('shape', `ctcLoss: ${name} must hold ${count} numbers, one for each sequence, got ${got}.`);
}

function readLengths(name: string, given: Lengths, count: number, limit: number): Int32Array {
  const raw = given instanceof Tensor ? knownValues('ctcLoss', given) : typeof given === 'number' ? [given] : given;
  const lengths = Int32Array.from(raw as ArrayLike<number>);
  checkCount(name, lengths.length, count);
  for (const length of lengths) {
    if (length < 0 || length > limit) fail('argument', wrongLength(name, limit, length));
  }
  return lengths;
}

/** The labels of each sequence, of targets [N, S] or one behind the other. */
export function readTargets(targets: Tensor, lengths: Int32Array): number[][] {
  const flat = Array.from(knownValues('ctcLoss', targets) as ArrayLike<number>);
  const begins = beginsOf(targets, lengths);
  return Array.from(lengths, (length, n) => flat.slice(begins[n], (begins[n] as number) + length));
}

/** Where the labels of each sequence begin. */
function beginsOf(targets: Tensor, lengths: Int32Array): Int32Array {
  const [, width] = targets.shape;
  if (width !== undefined) return lengths.map((_, n) => n * width);
  let total = 0;
  const begins = lengths.map((length) => {
    total += length;
    return total - length;
  });
  if (total !== targets.numel()) {
    fail('shape', `ctcLoss: targetLengths add up to ${total}, and targets has ${targets.numel()} labels.`);
  }
  return begins;
}

/** For each place of a row of states the number of the label that stands there; for a blank that of all labels. */
const placesOf = (pitch: number, count: number): Int32Array =>
  Int32Array.from({ length: pitch }, (_, k) => {
    const s = k - PAD;
    return s > 0 && s < 2 * count && s % 2 === 1 ? (s - 1) / 2 : count;
  });

const longestOf = (lengths: Int32Array): number => lengths.reduce((longest, length) => Math.max(longest, length), 0);

/** Labels and lengths of log-probabilities [T, N, C] as the kernels want them. Throws for what is out of range, or has the device do so. */
export function alignmentOf(x: Tensor, spelling: Spelling): Alignment {
  const { targets, inputLengths, targetLengths } = spelling;
  if (![targets, inputLengths, targetLengths].every(isKnown)) return alignmentThere(x, spelling);
  const [time, batch, classes] = x.shape as [number, number, number];
  const times = readLengths('inputLengths', inputLengths, batch, time);
  const counts = readLengths('targetLengths', targetLengths, batch, widthOf(targets));
  const sequences = readTargets(targets, counts);
  const wrong = sequences.flat().find((label) => label < 0 || label >= classes);
  if (wrong !== undefined) fail('data', `ctcLoss: label ${wrong} is none of ${classes} classes.`);
  const pitch = pitchOf(longestOf(counts));
  const rows = sequences.flatMap((labels) =>
    Array.from(placesOf(pitch, labels.length), (k) => labels[k] ?? spelling.blank),
  );
  const list = (data: Int32Array, shape: readonly number[]): Tensor => indicesLike(x, data, shape, 'ctcLoss');
  const there = list(counts, [batch]);
  return {
    labels: list(Int32Array.from(rows), [batch, pitch]),
    inputLengths: list(times, [batch]),
    targetLengths: there,
    labelCounts: there,
    pitch,
  };
}

/** The most labels that a sequence can have. */
const widthOf = (targets: Tensor): number => targets.shape[1] ?? targets.numel();

/** The same where not all is known here: what is goes to the device of the rest. */
function alignmentThere(x: Tensor, { targets, inputLengths, targetLengths, blank }: Spelling): Alignment {
  const [time, batch, classes] = x.shape as [number, number, number];
  const list = (data: Int32Array, shape: readonly number[]): Tensor => indicesLike(x, data, shape, 'ctcLoss');
  /** Lengths there, none of which leads a kernel astray, even where the device has refused it. */
  const lengthsOf = (name: string, given: Lengths, limit: number): Tensor => {
    if (isKnown(given)) return list(readLengths(name, given, batch, limit), [batch]);
    const lengths = dense(convert(given as Tensor, 'int32'));
    checkCount(name, lengths.numel(), batch);
    checkRange(lengths, 0, limit + 1, (value) => wrongLength(name, limit, value === 'an index' ? 'another' : value));
    return clamp(reshape(lengths, [batch]), 0, limit);
  };
  const width = widthOf(targets);
  const times = lengthsOf('inputLengths', inputLengths, time);
  const known = isKnown(targetLengths) ? readLengths('targetLengths', targetLengths, batch, width) : null;
  const counts = known === null ? lengthsOf('targetLengths', targetLengths, width) : list(known, [batch]);
  // One label more than there are steps has no alignment, as two more have none.
  const longest = known === null ? Math.min(width, time + 1) : longestOf(known);
  const shown = minimum(counts, longest);
  const begins = known === null ? beginsThere(targets, counts, list) : list(beginsOf(targets, known), [batch]);
  const labels = isKnown(targets)
    ? list(Int32Array.from(knownValues('ctcLoss', targets) as ArrayLike<number>), [targets.numel()])
    : reshape(convert(targets, 'int32'), [targets.numel()]);
  // A blank stands behind the labels, for all places that have none.
  const pitch = pitchOf(longest);
  const places = list(placesOf(pitch, longest), [1, pitch]);
  const hasLabel = lt(places, unsqueeze(shown, 1));
  const index = where(hasLabel, add(places, unsqueeze(begins, 1)), labels.numel());
  const all = cat([labels, list(Int32Array.of(blank), [1])]);
  const rows = indexSelect(all, 0, reshape(index, [batch * pitch]));
  const wrong = (value: number | string): string =>
    `ctcLoss: ${value === 'an index' ? 'a label' : `label ${value}`} is none of ${classes} classes.`;
  checkRange(rows, 0, classes, wrong, blank, 'data');
  return {
    labels: reshape(clamp(rows, 0, classes - 1), [batch, pitch]),
    inputLengths: times,
    targetLengths: shown,
    labelCounts: counts,
    pitch,
  };
}

/** Where the labels of each sequence begin, by lengths that are on a device: [N], int32. */
function beginsThere(
  targets: Tensor,
  counts: Tensor,
  list: (data: Int32Array, shape: readonly number[]) => Tensor,
): Tensor {
  const batch = counts.numel();
  const [, width] = targets.shape;
  if (width !== undefined)
    return list(
      Int32Array.from({ length: batch }, (_, n) => n * width),
      [batch],
    );
  const labels = targets.numel();
  checkHolds(eq(sum(counts), labels), () =>
    fail('shape', `ctcLoss: targetLengths add up to another number than targets has labels, ${labels}.`),
  );
  return sub(cumsum(counts, 0), counts);
}
