import { isGradEnabled } from '../autograd/index.js';
import { type DType, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import { scope } from '../core/scoping.js';
import { broadcastShapes, broadcastStrides, sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, sub } from './arithmetic.js';
import type { Operand } from './families.js';
import { checkTensor, convert, copyInto, scalarLike } from './op.js';
import { rand, randn } from './random.js';

/**
 * Writing into a tensor's memory. Every write raises the version of the storage, so that a backward pass through a value
 * that has been overwritten is refused. Values that gradients flow through cannot be written: the graph would not know.
 */

/** Throws where a write would be invisible to the graph. */
function checkWritable(name: string, self: Tensor): void {
  checkTensor(name, self, 'self');
  if (isGradEnabled() && self.requiresGrad) {
    fail(
      'autograd',
      `${name}: this tensor ${show(self.shape)} requires a gradient and cannot be changed in place while ops are recorded. ` +
        'Wrap the call in noGrad(() => …), or use the op without the underscore.',
    );
  }
}

/** Copies `source` into `self`, broadcasting and converting it. Returns `self`. */
export function copy_<T extends Tensor>(self: T, source: Tensor): T {
  checkWritable('copy_', self);
  checkTensor('copy_', source, 'source');
  if (!sameShape(broadcastShapes('copy_', self.shape, source.shape), self.shape)) {
    fail('shape', `copy_: ${show(source.shape)} does not broadcast to ${show(self.shape)}.`);
  }
  const x = convert(source, self.dtype);
  const spread = sameShape(x.shape, self.shape)
    ? x
    : x.strided(self.shape, broadcastStrides(x.shape, x.strides, self.shape), x.offset);
  copyInto(self, spread);
  if (spread !== x) spread.dispose();
  if ((x as Tensor) !== source) x.dispose();
  self.storage.touch('copy_');
  return self;
}

/** Sets every element of `self` to `value`. Returns `self`. */
export function fill_<T extends Tensor>(self: T, value: number | boolean): T {
  checkWritable('fill_', self);
  const source = scalarLike(self, value, self.dtype);
  copy_(self, source);
  source.dispose();
  self.storage.touch('fill_');
  return self;
}

/** Sets every element of `self` to 0. Returns `self`. */
export function zero_<T extends Tensor>(self: T): T {
  return fill_(self, 0);
}

/** Whether writing loses no more than digits: fractions stay out of integers, and numbers out of bool. */
function canBecome(from: DType, to: DType): boolean {
  return traits[to].isFloat || (!traits[from].isFloat && (to !== 'bool' || from === 'bool'));
}

function update(name: string, compute: (a: Operand, b: Operand) => Tensor) {
  return <T extends Tensor>(self: T, other: Operand): T => {
    checkWritable(name, self);
    const result = compute(self, other);
    if (!canBecome(result.dtype, self.dtype)) {
      fail(
        'dtype',
        `${name}: the result is ${result.dtype} and would be cut to ${self.dtype}. Use the op without the underscore.`,
      );
    }
    if (!sameShape(result.shape, self.shape)) {
      fail('shape', `${name}: the result ${show(result.shape)} does not fit into ${show(self.shape)}.`);
    }
    copy_(self, result);
    result.dispose();
    self.storage.touch(name);
    return self;
  };
}

/** self += other, broadcasting other. Returns `self`. */
export const add_ = /* @__PURE__ */ update('add_', add);
/** self −= other. Returns `self`. */
export const sub_ = /* @__PURE__ */ update('sub_', sub);
/** self ·= other. Returns `self`. */
export const mul_ = /* @__PURE__ */ update('mul_', mul);
/** self /= other. Returns `self`. */
export const div_ = /* @__PURE__ */ update('div_', div);

/** Copies what `make` gives into `self`; nothing else that it made stays behind. */
function fillFrom<T extends Tensor>(self: T, make: () => Tensor): T {
  scope(() => {
    copy_(self, make());
  });
  return self;
}

/** Fills `self` with uniform numbers in [from, to). Returns `self`. */
export function uniform_<T extends Tensor>(self: T, from = 0, to = 1, generator: Generator = defaultGenerator): T {
  checkWritable('uniform_', self);
  return fillFrom(self, () => add(mul(rand(self.shape, { generator }), to - from), from));
}

/** Fills `self` with normal numbers. Returns `self`. */
export function normal_<T extends Tensor>(self: T, mean = 0, std = 1, generator: Generator = defaultGenerator): T {
  checkWritable('normal_', self);
  return fillFrom(self, () => add(mul(randn(self.shape, { generator }), std), mean));
}
