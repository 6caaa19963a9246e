import { type Grads, record } from '../autograd/index.js';
import { checkOptions } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { keywords, leading } from '../core/keywords.js';
import type { Binary } from '../core/signatures.js';
import { Tensor } from '../core/tensor.js';
import { binary, type Operand, unary } from './families.js';
import { elementwise, empty, type Op, op, signed } from './op.js';

/** The four operations of arithmetic and negation: what gradients are written with. */

export const neg = unary('neg', {
  doc: 'Elementwise −input.',
  result: 'same',
  bool: { use: 'logicalNot()' },
  scalar: (x) => -x,
  grad: (g): Grads => [neg(g)],
});

const addTensors = binary('add', {
  doc: 'Elementwise input + other, broadcasting; `alpha` scales other.',
  scalar: (a, b) => a + b,
  grad: (g) => [g, g],
});

const subTensors = binary('sub', {
  doc: 'Elementwise input − other, broadcasting; `alpha` scales other.',
  scalar: (a, b) => a - b,
  grad: (g, _, needs) => [g, needs[1] ? neg(g) : null],
});

const mulTensors = binary('mul', {
  doc: 'Elementwise input · other, broadcasting.',
  scalar: (a, b) => a * b,
  save: ['a', 'b'],
  onlyFor: { a: 'b', b: 'a' },
  grad: (g, { a, b }, needs): Grads => [needs[0] ? mul(g, b) : null, needs[1] ? mul(g, a) : null],
});

export const div = binary('div', {
  doc: 'Elementwise input / other, broadcasting; integers give float32.',
  scalar: (a, b) => a / b,
  result: 'float',
  domain: [
    [-3, 3],
    [0.5, 3],
  ],
  save: ['a', 'b'],
  onlyFor: { a: 'b' },
  grad: (g, { a, b }, needs): Grads => [needs[0] ? div(g, b) : null, needs[1] ? neg(div(mul(g, div(a, b)), b)) : null],
});

/** scale · x + shift in one pass, for float32 tensors and numbers. */
function affine(name: string, x: Tensor, scale: number, shift: number): Tensor {
  x.check(name);
  const y = empty(x, x.shape, 'float32', name);
  elementwise('affine_f32', y, [x], [scale, shift]);
  record(name, [x], [y], [], ([g]) => [scale === 1 ? g : mul(g as Tensor, scale)]);
  return y;
}

function isFloatTensor(x: Operand): x is Tensor {
  return x instanceof Tensor && x.dtype === 'float32';
}

export interface AlphaOptions {
  /** Factor of `other`. Default 1. */
  readonly alpha?: number;
}

/** `x` times the alpha that the options give. */
function scaled(name: string, x: Operand, options: AlphaOptions): Operand {
  checkOptions(name, options, ['alpha']);
  const { alpha = 1 } = options;
  if (typeof alpha !== 'number') fail('argument', `${name}: alpha must be a number, got ${String(alpha)}.`);
  if (alpha === 1) return x;
  return x instanceof Tensor ? mul(x, alpha) : Number(x) * alpha;
}

// A number beside a float32 tensor needs no tensor of its own and no broadcast: one affine pass.
export const add: Op<Binary<'same', AlphaOptions>> = op(
  signed(
    leading('add', ['other'], (input: Operand, other: Operand, options?: AlphaOptions): Tensor => {
      const b = options === undefined ? other : scaled('add', other, options);
      if (isFloatTensor(input) && typeof b === 'number') return affine('add', input, 1, b);
      if (isFloatTensor(b) && typeof input === 'number') return affine('add', b, 1, input);
      return addTensors(input, b);
    }),
  ),
  addTensors.op,
);

/** PyTorch subtracts no bool, whatever stands beside it. */
function refuseBool(...operands: Operand[]): void {
  const found = operands.find((x) => (x instanceof Tensor ? x.dtype === 'bool' : typeof x === 'boolean'));
  if (found === undefined) return;
  const shown = found instanceof Tensor ? `bool ${show(found.shape)}` : String(found);
  fail('dtype', `sub: bool has no sub, got ${shown}. Use logicalXor(), or .int().`);
}

export const sub: Op<Binary<'same', AlphaOptions>> = op(
  signed(
    leading('sub', ['other'], (input: Operand, other: Operand, options?: AlphaOptions): Tensor => {
      refuseBool(input, other);
      const b = options === undefined ? other : scaled('sub', other, options);
      if (isFloatTensor(input) && typeof b === 'number') return affine('sub', input, 1, -b);
      if (isFloatTensor(b) && typeof input === 'number') return affine('sub', b, -1, input);
      return subTensors(input, b);
    }),
  ),
  subTensors.op,
);

export const mul: Op<Binary> = op(
  signed(
    keywords('mul', ['other'], (input: Operand, other: Operand): Tensor => {
      // −0 is the number that added to any product leaves it as it is; 0 would turn −0 into 0.
      if (isFloatTensor(input) && typeof other === 'number') return affine('mul', input, other, -0);
      if (isFloatTensor(other) && typeof input === 'number') return affine('mul', other, input, -0);
      return mulTensors(input, other);
    }),
  ),
  mulTensors.op,
);
