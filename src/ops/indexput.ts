import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { expand } from './broadcast.js';

import { indicesLike } from './masked.js';
import { reshape } from './movement.js';
import { checkTensor } from './op.js';
import { scatter, scatterAdd } from './scatter.js';
import { index, type Subscripts } from './subscript.js';

/** Writing where subscripts point. */

export interface IndexPutOptions {
  /** Add to what is there; what comes to one place several times then counts each time. Default false. */
  readonly accumulate?: boolean;
}

/**
 * A copy of `input` with `values`, which broadcast, at the places that `indices` name; see index(). Without `accumulate` the
 * last of several values for one place remains.
 */
export const indexPut = /* @__PURE__ */ leading(
  'indexPut',
  ['indices', 'values'],
  (input: Tensor, indices: Subscripts, values: Tensor, ...rest: (boolean | IndexPutOptions | undefined)[]): Tensor => {
    checkTensor('indexPut', input);
    checkTensor('indexPut', values, 'values');
    const { accumulate = false } = readArguments<IndexPutOptions>('indexPut', rest, ['accumulate']);
    if (values.dtype !== input.dtype) {
      fail(
        'dtype',
        `indexPut: values must be ${input.dtype} as input is, got ${values.dtype}. Use .to('${input.dtype}').`,
      );
    }
    const numel = sizeOf(input.shape);
    const numbers = Int32Array.from({ length: numel }, (_, i) => i);
    // The places of the elements, picked as the elements would be.
    const places = index(indicesLike(input, numbers, input.shape, 'indexPut'), indices);
    const line = reshape(input, [numel]);
    const source = reshape(expand(values, places.shape), [places.numel()]);
    const to = reshape(places, [places.numel()]);
    return reshape(accumulate ? scatterAdd(line, 0, to, source) : scatter(line, 0, to, source), input.shape);
  },
);
