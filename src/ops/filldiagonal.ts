import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import type { Named } from '../core/keywords.js';
import type { Tensor } from '../core/tensor.js';
import { fill_ } from './inplace.js';
import { narrow } from './movement.js';
import { checkTensor } from './op.js';
import { asStrided } from './paste.js';
import { diagonal } from './triangle.js';

interface FillDiagonalOptions {
  readonly value?: number | boolean;
  readonly wrap?: boolean;
}

/**
 * Sets the main diagonal of `self` to `value`: the elements whose indices are all the same. With `wrap`, in a matrix with more
 * rows than columns, the diagonal begins again after each row that has none of it. Returns `self`.
 */
export function fillDiagonal_<T extends Tensor>(
  self: T,
  ...given: Named<[value: number | boolean, wrap?: boolean], readonly ['value', 'wrap']>
): T {
  const name = 'fillDiagonal_';
  checkTensor(name, self, 'self');
  const { value, wrap: wraps = false } = readArguments<FillDiagonalOptions>(name, given, ['value', 'wrap']);
  if (value === undefined) fail('argument', `${name}: value is missing. Give it by position, or as { value }.`);
  const [rows = 0, columns = 0] = self.shape;
  if (self.ndim < 2) fail('shape', `${name}: expected at least 2 dimensions, got ${show(self.shape)}.`);
  if (self.ndim > 2 && self.shape.some((size) => size !== rows)) {
    fail('shape', `${name}: more than 2 dimensions must all have one size, got ${show(self.shape)}.`);
  }
  if (self.ndim > 2) {
    const step = self.strides.reduce((total, stride) => total + stride, 0);
    fill_(asStrided(self, [rows], [step], self.offset), value);
    return self;
  }
  for (let row = 0; row < (wraps ? rows : Math.min(rows, 1)); row += columns + 1) {
    fill_(diagonal(narrow(self, 0, row, rows - row)), value);
  }
  return self;
}
