import { selection } from '#binary';
import { record } from '../autograd/index.js';
import { promoteScalar, traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { broadcastShapes } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import type { Part } from '../runtime/part.js';
import { sumTo } from './broadcast.js';
import { binary, jointDtype, type Operand, unary } from './families.js';
import { checkTensor, convert, elementwise, empty, op, scalarLike } from './op.js';
import { at, build, integers, type Reference, spread } from './sheet.js';

/** Comparisons, logic and selection. */

const comparison = (
  name: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge',
  sign: string,
  test: (a: number, b: number) => boolean,
  part?: Part,
) =>
  binary(name, {
    ...(part === undefined ? {} : { part }),
    doc: `Elementwise input ${sign} other, broadcasting; bool.`,
    result: 'bool',
    scalar: (a, b) => Number(test(a, b)),
  });

export const eq = /* @__PURE__ */ comparison('eq', '==', (a, b) => a === b);
export const ne = /* @__PURE__ */ comparison('ne', '!=', (a, b) => a !== b);
export const lt = /* @__PURE__ */ comparison('lt', '<', (a, b) => a < b, selection);
export const le = /* @__PURE__ */ comparison('le', '<=', (a, b) => a <= b, selection);
export const gt = /* @__PURE__ */ comparison('gt', '>', (a, b) => a > b, selection);
export const ge = /* @__PURE__ */ comparison('ge', '>=', (a, b) => a >= b, selection);

const logical = (
  name: 'logicalAnd' | 'logicalOr' | 'logicalXor',
  doc: string,
  test: (a: boolean, b: boolean) => boolean,
) =>
  binary(name, {
    part: selection,
    doc,
    result: 'logical',
    scalar: (a, b) => Number(test(a !== 0, b !== 0)),
  });

export const logicalAnd = /* @__PURE__ */ logical('logicalAnd', 'Elementwise input and other; bool.', (a, b) => a && b);
export const logicalOr = /* @__PURE__ */ logical('logicalOr', 'Elementwise input or other; bool.', (a, b) => a || b);
export const logicalXor = /* @__PURE__ */ logical('logicalXor', 'Elementwise exclusive or; bool.', (a, b) => a !== b);

export const isnan = unary('isnan', {
  part: selection,
  doc: 'Where input is NaN; bool.',
  result: 'bool',
  scalar: (x) => Number(Number.isNaN(x)),
});

export const isinf = unary('isinf', {
  part: selection,
  doc: 'Where input is ±Infinity; bool.',
  result: 'bool',
  scalar: (x) => Number(Math.abs(x) === Infinity),
});

export const logicalNot = op(
  (input: Tensor): Tensor => {
    checkTensor('logicalNot', input);
    const x = convert(input, 'bool');
    const y = empty(x, x.shape, 'bool', 'logicalNot');
    elementwise(selection.kernel('logicalNot_u8'), y, [x]);
    return y;
  },
  {
    name: 'logicalNot',
    family: 'unary',
    doc: 'Elementwise not; bool.',
    dtypes: ['bool', 'float32'],
    differentiable: [false],
    oracle: ([x]) => ({ shape: (x as Reference).shape, data: (x as Reference).data.map((v) => Number(v === 0)) }),
    samples: () => [{ inputs: [integers([17], 0, 2)] }, { inputs: [integers([3, 5], 0, 2)] }],
  },
);

/** `input` where `condition` holds, `other` elsewhere; all three broadcast. */
export const where = op(
  (condition: Tensor, input: Operand, other: Operand): Tensor => {
    checkTensor('where', condition, 'condition');
    if (condition.dtype !== 'bool') {
      fail('dtype', `where: condition must be bool, got ${condition.dtype}. Use a comparison, or .to('bool').`);
    }
    const tensors = [input, other].filter((t) => t instanceof Tensor);
    const dtype =
      tensors.length === 2
        ? jointDtype(tensors[0] as Tensor, tensors[1] as Tensor)
        : tensors.length === 1
          ? promoteScalar((tensors[0] as Tensor).dtype, (input instanceof Tensor ? other : input) as number)
          : typeof input === 'boolean' && typeof other === 'boolean'
            ? 'bool'
            : 'float32';
    // float16 is a storage type.
    const compute = dtype === 'float16' ? 'float32' : dtype;
    const [a, b] = [input, other].map((t) => {
      if (!(t instanceof Tensor)) return scalarLike(condition, t, compute);
      t.check('where');
      return convert(t, compute);
    }) as [Tensor, Tensor];
    const shape = broadcastShapes('where', condition.shape, broadcastShapes('where', a.shape, b.shape));
    const raw = empty(condition, shape, compute, 'where');
    elementwise(selection.kernel(`where_b${traits[compute].bytes}`), raw, [condition, a, b]);
    const y = convert(raw, dtype);
    const [from, to] = [a.shape, b.shape];
    const operands = [input instanceof Tensor ? input : a, other instanceof Tensor ? other : b];
    record('where', operands, [y], [condition], ([g], [held], needs) => [
      needs[0] ? sumTo(where(held as Tensor, g as Tensor, 0), from) : null,
      needs[1] ? sumTo(where(held as Tensor, 0, g as Tensor), to) : null,
    ]);
    return y;
  },
  {
    name: 'where',
    family: 'ternary',
    doc: '`input` where `condition` (bool) holds, `other` elsewhere; all three broadcast.',
    dtypes: ['bool,float32,float32', 'bool,int32,int32'],
    differentiable: [false, true, true],
    oracle: ([c, a, b]) => {
      const [x, p, q] = [c, a, b] as [Reference, Reference, Reference];
      const shape = broadcastShapes('where', x.shape, broadcastShapes('where', p.shape, q.shape));
      return build(shape, (i) => (at(x, i) !== 0 ? at(p, i) : at(q, i)));
    },
    samples: () => [
      { inputs: [integers([17], 0, 2), spread([17]), spread([17], -2, 2, 0.9)] },
      { inputs: [integers([3, 5], 0, 2), spread([5]), spread([3, 1], -2, 2, 0.9)] },
      { inputs: [integers([], 0, 2), spread([2, 3]), spread([])] },
    ],
  },
);
