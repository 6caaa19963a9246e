import { selection } from '#binary';
import type { Grads } from '../autograd/index.js';
import type { Tensor } from '../core/tensor.js';
import { mul } from './arithmetic.js';
import { eq, ge, gt, isnan, le, logicalOr, lt, where } from './compare.js';
import { binary } from './families.js';

/** The larger and the smaller of two tensors. */

/** Halves of `g` at ties, all of it elsewhere, nothing where the other operand was taken. NaN counts for both. */
function share(g: Tensor, a: Tensor, b: Tensor, lost: Tensor): Tensor {
  return where(lost, 0, where(eq(a, b), mul(g, 0.5), g));
}

export const maximum = binary('maximum', {
  part: selection,
  doc: 'Elementwise the larger of input and other, broadcasting; NaN where either is. Ties share the gradient.',
  scalar: Math.max,
  save: ['a', 'b'],
  grad: (g, { a, b }, needs): Grads => [
    needs[0] ? share(g, a, b, lt(a, b)) : null,
    needs[1] ? share(g, a, b, gt(a, b)) : null,
  ],
});

export const minimum = binary('minimum', {
  part: selection,
  doc: 'Elementwise the smaller of input and other, broadcasting; NaN where either is. Ties share the gradient.',
  scalar: Math.min,
  save: ['a', 'b'],
  grad: (g, { a, b }, needs): Grads => [
    needs[0] ? share(g, a, b, gt(a, b)) : null,
    needs[1] ? share(g, a, b, lt(a, b)) : null,
  ],
});

/** Where the first of two wins: it is the larger (or smaller) one, equal, or the other is NaN. */
const firstOf = (name: 'fmax' | 'fmin', doc: string, wins: (a: Tensor, b: Tensor) => Tensor) =>
  binary(name, {
    doc,
    scalar: (a, b) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : name === 'fmax' ? Math.max(a, b) : Math.min(a, b)),
    compose: (a, b) => where(logicalOr(wins(a, b), isnan(b)), a, b),
    save: ['a', 'b'],
    grad: (g, { a, b }, needs): Grads => {
      const first = logicalOr(wins(a, b), isnan(b));
      return [needs[0] ? where(first, g, 0) : null, needs[1] ? where(first, 0, g) : null];
    },
  });

export const fmax = /* @__PURE__ */ firstOf(
  'fmax',
  'Elementwise the larger of input and other, broadcasting; a number where one is NaN. At ties input has the gradient.',
  ge,
);

export const fmin = /* @__PURE__ */ firstOf(
  'fmin',
  'Elementwise the smaller of input and other, broadcasting; a number where one is NaN. At ties input has the gradient.',
  le,
);
