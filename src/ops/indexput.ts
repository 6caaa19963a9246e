import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { sizeOf } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { expand } from './broadcast.js';
import { indicesLike } from './masked.js';
import { reshape } from './movement.js';
import { checkTensor, scalarLike } from './op.js';
import { scatter, scatterAdd } from './scatter.js';
import { index, type Subscripts } from './subscript.js';

/** Writing where subscripts point. */

export interface IndexPutOptions {
  /** Add to what is there; what comes to one place several times then counts each time. Default false. */
  readonly accumulate?: boolean;
}

/**
 * A copy of `input` with `values`, which broadcast, at the places that `indices` name; see index(). Without `accumulate` the
 * last of several values for one place remains. A number stands for a tensor of input's dtype.
 */
export const indexPut = /* @__PURE__ */ leading(
  'indexPut',
  ['indices', 'values'],
  (
    input: Tensor,
    indices: Subscripts,
    values: Tensor | number | boolean,
    ...rest: (boolean | IndexPutOptions | undefined)[]
  ): Tensor => {
    checkTensor('indexPut', input);
    if (typeof values !== 'number' && typeof values !== 'boolean') checkTensor('indexPut', values, 'values');
    const { accumulate = false } = readArguments<IndexPutOptions>('indexPut', rest, ['accumulate']);
    const given = values instanceof Tensor ? values : scalarLike(input, values, input.dtype);
    if (given.dtype !== input.dtype) {
      fail(
        'dtype',
        `indexPut: values must be ${input.dtype} as input is, got ${given.dtype}. Use .to('${input.dtype}').`,
      );
    }
    const numel = sizeOf(input.shape);
    const numbers = Int32Array.from({ length: numel }, (_, i) => i);
    // The places of the elements, picked as the elements would be.
    const places = index(indicesLike(input, numbers, input.shape, 'indexPut'), indices);
    const line = reshape(input, [numel]);
    const source = reshape(expand(given, places.shape), [places.numel()]);
    const to = reshape(places, [places.numel()]);
    return reshape(accumulate ? scatterAdd(line, 0, to, source) : scatter(line, 0, to, source), input.shape);
  },
);
