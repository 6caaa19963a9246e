import { warnOnce } from '../core/errors.js';

/**
 * What is known of where samples come from: whether they belong to a part that was held out to test or to validate on, and
 * whether their order is that of time. It is noted beside datasets, lists of sample numbers and batches as they are made, and
 * lets mistakes be told that no figure shows: they make a model look better than it is.
 */

/** How a part is called in messages, such as `the test part of MNIST`. */
type Origin = string;

const heldOut = new WeakMap<object, Origin>();
const inTime = new WeakSet<object>();
const fittedWhole = new WeakMap<object, string>();

/** Notes that `samples` (a dataset, sample numbers, a tensor, rows) are to be tested or validated on. Gives them back. */
export function holdOut<T extends object>(samples: T, origin = 'a part that was held out'): T {
  heldOut.set(samples, origin);
  return samples;
}

/** Which part that was held out the samples belong to, or undefined. */
export function originOf(samples: unknown): Origin | undefined {
  return typeof samples === 'object' && samples !== null ? heldOut.get(samples) : undefined;
}

/** Notes that the samples stand in order of time. */
export function keepOrder<T extends object>(samples: T): T {
  inTime.add(samples);
  return samples;
}

export function isInTime(samples: unknown): boolean {
  return typeof samples === 'object' && samples !== null && inTime.has(samples);
}

/** Notes that `samples` were made by a preprocessor, `kind`, that was fitted to all of them. */
export function noteFitted(samples: object, kind: string): void {
  fittedWhole.set(samples, kind);
}

/** What is known of `from` holds for `to` too: a subset, a batch, or what joins several. */
export function inherit<T>(to: T, ...from: readonly unknown[]): T {
  for (const part of Array.isArray(to) ? [to, ...to] : [to]) {
    if (typeof part !== 'object' || part === null) continue;
    for (const source of from) {
      if (typeof source !== 'object' || source === null) continue;
      const origin = heldOut.get(source);
      if (origin !== undefined) heldOut.set(part, origin);
      if (inTime.has(source)) inTime.add(part);
      const kind = fittedWhole.get(source);
      if (kind !== undefined) fittedWhole.set(part, kind);
    }
  }
  return to;
}

/** Warns where a preprocessor learns from samples that were held out. */
export function watchFit(name: string, samples: unknown): void {
  const origin = originOf(samples);
  if (origin === undefined) return;
  warnOnce(
    `${name}: these samples are ${origin}. What is learned from them leaks into the test, and its figures come out too good. ` +
      'Fit on the training part, and transform() the others.',
    `${name.split('.')[0]} fitted to held-out samples`,
  );
}

/** Warns where samples are cut into parts after a preprocessor was fitted to all of them. */
export function watchSplit(name: string, samples: unknown): void {
  const kind = typeof samples === 'object' && samples !== null ? fittedWhole.get(samples) : undefined;
  if (kind === undefined) return;
  warnOnce(
    `${name}: a ${kind} was fitted to all of these samples before they are cut into parts, so that the training part knows of ` +
      'the others. Cut first, fit on the training part, and transform() the others; crossValidate() does so in every fold.',
    `${name} after ${kind}`,
  );
}

/** Warns where samples in order of time are visited in random order. */
export function watchOrder(name: string, samples: unknown): void {
  if (!isInTime(samples)) return;
  warnOnce(
    `${name}: these samples stand in order of time, and shuffling mixes what came before with what came after. Leave shuffle ` +
      'out; where every sample is a window of its own, { sampler: new RandomSampler(dataset) } says that it is meant.',
    `${name} of a time series`,
  );
}
