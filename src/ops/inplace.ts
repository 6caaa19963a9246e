import { checkOverlap, checkRecordedWrite, overwriting, recordsWrite, rewrite } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { type DType, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import type { Named } from '../core/keywords.js';
import { openScope } from '../core/scope.js';
import { broadcastShapes, sameShape } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { expand } from './broadcast.js';
import { cast, clone } from './movement.js';
import { checkTensor, convert, copyInto, empty, scalarLike } from './op.js';

/**
 * Writing into a tensor's memory. An op in place is the op and a copy of its result, so it has the op's gradient; autograd
 * gives the tensor, and whatever it is a view of, a new place in the graph. Every write raises the version of the storage, so
 * that a backward pass through a value that has been overwritten is refused.
 */

/** Whether writing loses no more than digits: fractions stay out of integers, and numbers out of bool. */
function canBecome(from: DType, to: DType): boolean {
  return traits[to].isFloat || (!traits[from].isFloat && (to !== 'bool' || from === 'bool'));
}

/** Throws unless `result` can be stored in `self`. */
function checkResult(name: string, self: Tensor, result: Tensor): void {
  if (!canBecome(result.dtype, self.dtype)) {
    fail(
      'dtype',
      `${name}: the result is ${result.dtype} and would be cut to ${self.dtype}. Use the op without the underscore.`,
    );
  }
  if (!sameShape(result.shape, self.shape)) {
    fail('shape', `${name}: the result ${show(result.shape)} does not fit into ${show(self.shape)}.`);
  }
}

/** What `self` is now, in memory of its own and at the same place in the graph. */
function snapshot(self: Tensor): Tensor {
  const before = empty(self, self.shape, self.dtype, 'snapshot');
  copyInto(before, self);
  before.place = self;
  return before;
}

/** Puts the elements and, where that is recorded, the place of `value`, which has the shape and dtype of `self`, into `self`. */
function store(name: string, self: Tensor, value: Tensor, records = true): void {
  copyInto(self, value);
  self.storage.touch(name);
  if (records && value.requiresGrad) rewrite(self, value);
}

/** An op that writes into `self` and returns it; A is what it takes beside. */
export type InPlace<A extends readonly unknown[] = []> = <T extends Tensor>(self: T, ...args: A) => T;

export interface InPlaceOptions {
  /**
   * Whether the op's gradient may need what `self` was. Where it does not, no copy of it is made; a wrong no is found out at
   * backward(). Default: it may.
   */
  readonly needsSelf?: (...args: readonly unknown[]) => boolean;
}

/**
 * Makes the form of an op that writes its result into its first argument: `const exp_: InPlace = inPlace('exp_', exp)`. The
 * result must have the shape of the argument, and a dtype that fits into that of the argument, as in PyTorch.
 */
// @__NO_SIDE_EFFECTS__
export function inPlace<A extends readonly unknown[]>(
  name: string,
  compute: (self: Tensor, ...args: A) => Tensor,
  { needsSelf = () => true }: InPlaceOptions = {},
): InPlace<A> {
  /** The result as `self` is to take it over; what was made on the way is disposed unless the graph holds it. */
  const recorded = (self: Tensor, args: A): void => {
    const before = needsSelf(...args) ? snapshot(self) : self;
    const given: readonly unknown[] = [self, ...args];
    const made = [before];
    const keep = (x: Tensor): Tensor => {
      made.push(x);
      return x;
    };
    try {
      const result = keep(compute(before, ...args));
      checkResult(name, self, result);
      let value = keep(cast(result, self.dtype));
      if (value.storage === self.storage || given.includes(value)) value = keep(clone(value));
      if (self.requiresGrad && !value.requiresGrad) value = keep(overwriting(name, self, value));
      store(name, self, value);
    } finally {
      for (const x of made) if (!given.includes(x)) x.dispose();
    }
  };
  const plain = (self: Tensor, args: A): void => {
    const work = openScope();
    try {
      const result = compute(self, ...args);
      checkResult(name, self, result);
      const value = convert(result, self.dtype);
      if ((value as Tensor) !== self) copyInto(self, value.storage === self.storage ? clone(value) : value);
      self.storage.touch(name);
    } finally {
      work.end();
    }
  };
  return <T extends Tensor>(self: T, ...args: A): T => {
    checkTensor(name, self, 'self');
    checkOverlap(name, self);
    if (recordsWrite(self, args)) {
      checkRecordedWrite(name, self);
      recorded(self, args);
    } else plain(self, args);
    return self;
  };
}

/** Overwrites `self` with `source`, broadcast and converted. */
function overwrite(name: string, self: Tensor, source: Tensor): void {
  if (!sameShape(broadcastShapes(name, self.shape, source.shape), self.shape)) {
    fail('shape', `${name}: ${show(source.shape)} does not broadcast to ${show(self.shape)}.`);
  }
  const records = recordsWrite(self, [source]) && traits[self.dtype].isFloat;
  if (records) checkRecordedWrite(name, self);
  const made: Tensor[] = [];
  const keep = (x: Tensor): Tensor => {
    if (x !== source) made.push(x);
    return x;
  };
  let value = keep(records ? cast(source, self.dtype) : convert(source, self.dtype));
  // Elements that are read after they have been written would be read as written.
  if (value.storage === self.storage) value = keep(clone(value));
  if (!sameShape(value.shape, self.shape)) value = keep(expand(value, self.shape));
  if (records) value = keep(overwriting(name, self, value));
  store(name, self, value, records);
  for (const x of made) x.dispose();
}

/** Copies `source` into `self`, broadcasting and converting it. Returns `self`. */
export function copy_<T extends Tensor>(
  self: T,
  ...given: Named<[src: Tensor, nonBlocking?: boolean], readonly ['src', 'nonBlocking']>
): T {
  const { src: source } = readArguments<{ src: Tensor; nonBlocking: boolean }>('copy_', given, ['src', 'nonBlocking']);
  checkTensor('copy_', self, 'self');
  checkTensor('copy_', source, 'source');
  checkOverlap('copy_', self);
  overwrite('copy_', self, source);
  return self;
}

/** Sets every element of `self` to `value`, a number or a tensor without dimensions. Returns `self`. */
export function fill_<T extends Tensor>(
  self: T,
  ...given: Named<[value: number | boolean | Tensor], readonly ['value']>
): T {
  const { value } = readArguments<{ value: number | boolean | Tensor }>('fill_', given, ['value']);
  return setAll('fill_', self, value);
}

/** Sets every element of `self` to 0. Returns `self`. */
export function zero_<T extends Tensor>(self: T): T {
  return setAll('zero_', self, 0);
}

// One value everywhere may be written more than once, so elements may share memory here.
function setAll<T extends Tensor>(name: string, self: T, value: number | boolean | Tensor): T {
  checkTensor(name, self, 'self');
  if (value instanceof Tensor) {
    if (value.ndim > 0) {
      fail(
        'shape',
        `${name}: expected a number or a tensor without dimensions, got ${show(value.shape)}. Use copy_().`,
      );
    }
    overwrite(name, self, value);
    return self;
  }
  const wide = self.dtype === 'float16' ? 'float32' : self.dtype;
  const source = scalarLike(self, wide === 'bool' ? Number(value) !== 0 : value, wide);
  overwrite(name, self, source);
  source.dispose();
  return self;
}
