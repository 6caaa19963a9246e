import { readArguments } from '../core/arguments.js';
import { fail, show, warnOnce } from '../core/errors.js';
import { broadcastShapes, sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { checkTensor } from './op.js';
import { mean, sum } from './reduce.js';

/** What all losses have in common: their options, and a last step that makes one number of many. */

export type Reduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  /** 'mean' and 'sum' give a zero-dimensional tensor, 'none' a loss for each element. Default 'mean'. */
  readonly reduction?: Reduction;
  /** PyTorch's older way to ask for 'mean' (true) or 'sum' (false); where it is given, `reduction` does not count. */
  readonly sizeAverage?: boolean | null;
  /** PyTorch's older way to ask for 'none' (false); where it is given, `reduction` does not count. */
  readonly reduce?: boolean | null;
}

export function checkReduction(
  reduction: unknown,
  name = 'loss',
  known: readonly string[] = ['mean', 'sum', 'none'],
): void {
  if (known.includes(reduction as string)) return;
  fail('argument', `${name}: reduction must be '${known.join("', '")}', got '${String(reduction)}'.`);
}

/** What is left of a loss's options once the older ones are read: a reduction that stands for all three. */
export type Read<O> = Omit<
  { readonly [K in keyof O]?: Exclude<O[K], null> },
  'reduction' | 'sizeAverage' | 'reduce'
> & {
  readonly reduction: O extends { readonly reduction?: infer R } ? Exclude<R, undefined> : Reduction;
};

/** `given` by name, with null taken for what is not there, and the reduction that was asked for in whichever way. */
export function readLoss<O extends object>(
  name: string,
  given: readonly unknown[],
  names: readonly (keyof O & string)[],
  reductions?: readonly string[],
): Read<O> {
  const all = readArguments<Record<string, unknown>>(name, given, names);
  const read = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null && value !== undefined));
  const { sizeAverage, reduce, reduction: asked = 'mean', ...rest } = read;
  const isOld = sizeAverage !== undefined || reduce !== undefined;
  const older = reduce === false ? 'none' : sizeAverage === false ? 'sum' : 'mean';
  const reduction = isOld ? older : asked;
  checkReduction(reduction, name, reductions);
  return { ...rest, reduction } as unknown as Read<O>;
}

export function reduced(loss: Tensor, reduction: Reduction = 'mean'): Tensor {
  checkReduction(reduction);
  return reduction === 'mean' ? mean(loss) : reduction === 'sum' ? sum(loss) : loss;
}

/** Throws unless input and target are tensors of one shape. */
export function checkSame(name: string, input: Tensor, target: Tensor): void {
  checkTensor(name, input);
  checkTensor(name, target, 'target');
  if (!sameShape(input.shape, target.shape)) {
    fail('shape', `${name}: input and target must have one shape, got ${show(input.shape)} and ${show(target.shape)}.`);
  }
}

/** Throws unless input and target broadcast; says so once where they do, since a missing dimension is the usual reason. */
export function checkAlike(name: string, input: Tensor, target: Tensor): void {
  checkTensor(name, input);
  checkTensor(name, target, 'target');
  if (sameShape(input.shape, target.shape)) return;
  broadcastShapes(name, input.shape, target.shape);
  warnOnce(
    `${name}: target ${show(target.shape)} is not of input's shape ${show(input.shape)} and is broadcast. ` +
      'This is likely to be a mistake; reshape one of them.',
  );
}
