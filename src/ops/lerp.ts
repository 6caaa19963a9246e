import { noGrad, record } from '../autograd/index.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import { broadcastShapes } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { add, mul, sub } from './arithmetic.js';
import { sumTo } from './broadcast.js';
import { lt, where } from './compare.js';
import { checkTensor, op, scalarLike } from './op.js';
import { at, build, type Reference, spread } from './sheet.js';

/** Both ends are met exactly: up to the middle counted from the start, beyond it from the end. */
function between(start: Tensor, end: Tensor, weight: Tensor | number): Tensor {
  const way = sub(end, start);
  if (typeof weight === 'number') return weight < 0.5 ? add(start, mul(way, weight)) : sub(end, mul(way, 1 - weight));
  return where(lt(weight, 0.5), add(start, mul(way, weight)), sub(end, mul(way, sub(1, weight))));
}

/** `input` + `weight` · (`end` − `input`); the weight may be a number, and all broadcast. */
export const lerp = op(
  keywords('lerp', ['end', 'weight'], (input: Tensor, end: Tensor, weight: Tensor | number): Tensor => {
    checkTensor('lerp', input);
    checkTensor('lerp', end, 'end');
    const tensors = weight instanceof Tensor ? [input, end, weight] : [input, end];
    for (const t of tensors) {
      if (!traits[t.dtype].isFloat) fail('dtype', `lerp: tensors must be float32, got ${t.dtype}. Use .float().`);
    }
    const y = noGrad(() => between(input, end, weight));
    const w = weight instanceof Tensor ? weight : scalarLike(input, weight, 'float32');
    record('lerp', [input, end, w], [y], [input, end, w], ([gradient], [a, b, t], needs) => {
      const g = gradient as Tensor;
      const [from, to, part] = [a, b, t] as [Tensor, Tensor, Tensor];
      return [
        needs[0] ? sumTo(mul(g, sub(1, part)), from.shape) : null,
        needs[1] ? sumTo(mul(g, part), to.shape) : null,
        needs[2] ? sumTo(mul(g, sub(to, from)), part.shape) : null,
      ];
    });
    return y;
  }),
  {
    name: 'lerp',
    family: 'ternary',
    doc: '`input` + `weight` · (`end` − `input`); the weight is a tensor or a number, and all broadcast.',
    dtypes: ['float32'],
    differentiable: [true, true, true],
    oracle: (inputs, [number]) => {
      const [a, b] = inputs as readonly [Reference, Reference];
      const w = inputs[2] ?? { shape: [], data: Float64Array.of(number as number) };
      const shape = broadcastShapes('lerp', w.shape, broadcastShapes('lerp', a.shape, b.shape));
      return build(shape, (i) => at(a, i) + at(w, i) * (at(b, i) - at(a, i)));
    },
    samples: () => [
      { inputs: [spread([17]), spread([17], -2, 2, 0.9), spread([17], -0.5, 1.5)] },
      { inputs: [spread([3, 5]), spread([5], -2, 2, 0.9), spread([3, 1], 0, 1)] },
      { inputs: [spread([3, 5]), spread([3, 5], -2, 2, 0.9)], args: [0.3] },
      { inputs: [spread([3, 5]), spread([3, 5], -2, 2, 0.9)], args: [0.75] },
    ],
    tolerance: 3e-6,
  },
);
