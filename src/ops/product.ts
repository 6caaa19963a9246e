import { reduction } from '#binary';
import { record } from '../autograd/index.js';
import { checkDType, traits } from '../core/dtype.js';
import type { Tensor } from '../core/tensor.js';
import { div, mul } from './arithmetic.js';
import { where } from './compare.js';
import { eye } from './create.js';
import {
  fold,
  foldOracle,
  foldSamples,
  parseReduce,
  reduceInto,
  spreadBack,
  type TypedReduceArguments,
  type TypedReduceOptions,
} from './fold.js';
import { cast, flip, narrow, permute, reshape, unsqueeze } from './movement.js';
import { checkTensor, convert, empty, type Op, op, suffix } from './op.js';
import { pad } from './pad.js';
import { cumprod } from './scan.js';

/** The product over dimensions. */

export const prod: Op<(input: Tensor, ...args: TypedReduceArguments) => Tensor> = op(
  (given: Tensor, ...args: TypedReduceArguments): Tensor => {
    checkTensor('prod', given);
    const options = parseReduce<TypedReduceOptions>(args, ['dtype']);
    const input = options.dtype === undefined ? given : cast(given, checkDType('prod', options.dtype));
    const compute = traits[input.dtype].isFloat ? 'float32' : 'int32';
    const folded = fold('prod', convert(input, compute), options);
    const y = empty(input, folded.shape, compute, 'prod');
    reduceInto(reduction.kernel(`prod_${suffix(compute)}`), y, folded);
    const result = convert(y, compute === 'float32' ? input.dtype : (options.dtype ?? 'int32'));
    const dims = folded.dims;
    record('prod', [input], [result], [input, result], ([g], [x, p]) => [
      prodGradient(reshape(g as Tensor, folded.kept), x as Tensor, reshape(p as Tensor, folded.kept), dims),
    ]);
    return result;
  },
  {
    name: 'prod',
    family: 'reduce',
    doc: 'Product over `dim` (default all); integers give int32.',
    dtypes: ['float32', 'int32'],
    differentiable: [true],
    oracle: foldOracle('prod', (values) => values.reduce((a, b) => a * b, 1)),
    samples: () => foldSamples().filter(({ inputs }) => (inputs[0]?.data.length ?? 0) < 200),
    tolerance: 4e-6,
  },
);

/** g · Π of the other elements: y / x where nothing is 0, else the products formed one by one. g and y have kept dims. */
function prodGradient(g: Tensor, x: Tensor, y: Tensor, dims: readonly number[]): Tensor {
  const isKnown = x.storage.device.answersAtOnce;
  if (isKnown && !x.dataSync().includes(0)) return div(spreadBack(mul(g, y), g.shape, x.shape), x);
  // Every reduced dimension in turn at the end would cost a copy each; one permutation brings them all there.
  const rest = x.shape.map((_, i) => i).filter((d) => !dims.includes(d));
  const order = [...rest, ...dims];
  const moved = permute(x, order);
  const rows = reshape(moved, [g.numel(), -1]);
  const n = rows.shape[1] as number;
  const others = isKnown
    ? prod(where(eye(n, { dtype: 'bool' }), 1, unsqueeze(rows, 1)), 2)
    : mul(before(rows), flip(before(flip(rows, [1])), [1]));
  const grad = mul(others, reshape(g, [-1, 1]));
  return permute(
    reshape(grad, moved.shape),
    order.map((_, i) => order.indexOf(i)),
  );
}

/** The product of what stands before each element of rows [m, n]. */
function before(rows: Tensor): Tensor {
  const n = rows.shape[1] as number;
  return n === 0 ? rows : pad(narrow(cumprod(rows, 1), 1, 0, n - 1), [1, 0], { value: 1 });
}
