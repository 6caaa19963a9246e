import { type Grads, noGrad, record } from '../autograd/index.js';
import { checkOptions, isOptions } from '../core/arguments.js';
import { type DType, promote, promoteScalar, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import { scope } from '../core/scoping.js';
import { broadcastShapes, type Shape } from '../core/shape.js';
import type { Binary, Unary } from '../core/signatures.js';
import { refuseStranger, Tensor } from '../core/tensor.js';
import type { Part } from '../runtime/part.js';
import { sumTo } from './broadcast.js';
import {
  checkDevice,
  checkTensor,
  convert,
  copyInto,
  elementwise,
  empty,
  kernelNames,
  type Op,
  op,
  scalarLike,
  signed,
} from './op.js';
import { at, build, integers, type Reference, type Sample, spread } from './sheet.js';

/** Elementwise families: what all ops of one input, or of two, have in common. */

/** Arguments as the scalar oracle sees them. */
type Numbers = readonly number[];

type UnarySaved<S extends 'x' | 'y'> = { readonly [K in S]: Tensor };

interface UnaryEntry<S extends 'x' | 'y', P extends Numbers> {
  readonly doc: string;
  /** The function on one float64 number: the oracle. */
  readonly scalar: (x: number, ...parameters: P) => number;
  /** Where samples are taken from. Default [−3, 3]. */
  readonly domain?: readonly [number, number];
  /** Parameters after the input, with their defaults; they reach the kernel as floats. */
  readonly parameters?: P;
  /**
   * 'float': integers are computed in float32; 'same': the result has the input's dtype; 'whole': the same, and integers
   * are their own result; 'bool': it is bool.
   */
  readonly result?: 'float' | 'same' | 'whole' | 'bool';
  /** For 'same': what bool becomes, where not int32, or what to use instead of this op. */
  readonly bool?: 'bool' | { readonly use: string };
  /** Name of the kernel without its dtype. Default: the op's name. */
  readonly kernel?: string;
  /** The part of the binary that has the kernel. Default: the core. */
  readonly part?: Part;
  /** In place of a kernel: the op from others, on the converted input. Nothing in it is recorded. */
  readonly compose?: (x: Tensor, ...parameters: P) => Tensor;
  /** What to use instead where the input is of integers or bool, if this op refuses those. */
  readonly insteadOfWhole?: string;
  readonly save?: readonly S[];
  /** Gradient of the input from that of the output; absent where it is zero almost everywhere. */
  readonly grad?: (g: Tensor, saved: UnarySaved<S>, ...parameters: P) => Grads;
  readonly tolerance?: number;
}

/** The dtype in which `x` is computed and that of the result. */
function unaryDtypes(
  x: DType,
  result: 'float' | 'same' | 'whole' | 'bool',
  bool: DType,
): { compute: DType; out: DType } {
  const wide = traits[x].compute;
  if (result === 'same') return { compute: wide === 'bool' ? 'int32' : wide, out: x === 'bool' ? bool : x };
  if (result === 'bool') return { compute: 'float32', out: 'bool' };
  return { compute: 'float32', out: x === 'float16' ? 'float16' : 'float32' };
}

/** Throws for integers and bool where an op is for floating-point numbers only. */
function refuseWhole(name: string, instead: string | undefined, dtype: DType, ...shapes: Shape[]): void {
  if (instead === undefined || traits[dtype].isFloat) return;
  fail(
    'dtype',
    `${name}: expected float32 or float16, got ${dtype} ${shapes.map(show).join(' and ')}. Use ${instead}.`,
  );
}

/** Lengths around the vector width, an empty one, a zero-dimensional one, and values that bite. */
function unarySamples([low, high]: readonly [number, number], args: readonly unknown[]): Sample[] {
  const shapes: Shape[] = [[], [0], [1], [2], [3], [4], [5], [7], [8], [15], [17], [3, 5], [2, 3, 4]];
  const special = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -0.5, 1e-40, 3.4e38];
  return [
    ...shapes.map((shape) => ({ inputs: [spread(shape, low, high)], args })),
    { inputs: [{ shape: [special.length], data: Float64Array.from(special, Math.fround) }], args },
  ];
}

/** Makes an elementwise op of one input. */
// @__NO_SIDE_EFFECTS__
export function unary<
  const S extends 'x' | 'y' = never,
  P extends Numbers | [] = [],
  const K extends 'float' | 'same' | 'whole' | 'bool' = 'float',
>(name: string, entry: UnaryEntry<S, P> & { readonly result?: K }): Op<Unary<K, P>> {
  const { save = [], grad, result = 'float', kernel = name, compose } = entry;
  const defaults = (entry.parameters ?? []) as unknown as P;
  const kernels = kernelNames(kernel, entry.part);
  const domain = entry.domain ?? [-3, 3];

  const compute = (input: Tensor, ...given: Partial<P>): Tensor => {
    checkTensor(name, input);
    const last: unknown = given[given.length - 1];
    if (isOptions(last)) checkOptions(name, last, []);
    const parameters = defaults.map((value, i) => (given[i] as number | undefined) ?? value) as unknown as P;
    if (input.dtype === 'bool' && typeof entry.bool === 'object') {
      fail('dtype', `${name}: bool has no ${name}, got bool ${show(input.shape)}. Use ${entry.bool.use}.`);
    }
    refuseWhole(name, entry.insteadOfWhole, input.dtype, input.shape);
    if (result === 'whole' && !traits[input.dtype].isFloat) {
      const same = empty(input, input.shape, input.dtype, name);
      copyInto(same, input);
      return same;
    }
    const dtypes = unaryDtypes(input.dtype, result, entry.bool === 'bool' ? 'bool' : 'int32');
    const x = convert(input, dtypes.compute);
    const raw = compose
      ? noGrad(() => scope(() => compose(x, ...parameters)))
      : empty(x, x.shape, result === 'bool' ? 'bool' : dtypes.compute, name);
    if (!compose) elementwise(kernels(dtypes.compute), raw, [x], parameters);
    const y = convert(raw, dtypes.out);
    if (grad === undefined) return y;
    const values = { x: input, y };
    record(
      name,
      [input],
      [y],
      save.map((which) => values[which]),
      ([g], held) => {
        const saved = Object.fromEntries(save.map((which, i) => [which, held[i]])) as unknown as UnarySaved<S>;
        return grad(g as Tensor, saved, ...parameters);
      },
    );
    return y;
  };

  return op(signed<Unary<K, P>>(compute), {
    name,
    family: 'unary',
    doc: entry.doc,
    dtypes: result === 'same' || result === 'whole' ? ['float32', 'int32'] : ['float32'],
    differentiable: [grad !== undefined],
    oracle: ([x], args) => {
      const input = x as Reference;
      const parameters = defaults.map((value, i) => (args[i] as number | undefined) ?? value) as unknown as P;
      return { shape: input.shape, data: input.data.map((value) => entry.scalar(value, ...parameters)) };
    },
    samples: () => unarySamples(domain, [...defaults]),
    ...(entry.tolerance === undefined ? {} : { tolerance: entry.tolerance }),
  });
}

type BinarySaved<S extends 'a' | 'b' | 'y'> = { readonly [K in S]: Tensor };

interface BinaryEntry<S extends 'a' | 'b' | 'y'> {
  readonly doc: string;
  readonly scalar: (a: number, b: number) => number;
  readonly domain?: readonly [a: readonly [number, number], b: readonly [number, number]];
  /** 'same': the promoted dtype; 'float': float32 also for integers; 'bool': a comparison; 'logical': bool of bools. */
  readonly result?: 'same' | 'float' | 'bool' | 'logical';
  /** What to use instead where both operands are bool, if this op refuses that. */
  readonly insteadOfBool?: string;
  /** What to use instead where neither operand is of floating-point numbers, if this op refuses that. */
  readonly insteadOfWhole?: string;
  /** Whether it is for integers alone, and bool unless `insteadOfBool` says otherwise. */
  readonly wholeOnly?: boolean;
  readonly kernel?: string;
  readonly part?: Part;
  /** In place of a kernel: the op from others, on converted operands. Nothing in it is recorded. */
  readonly compose?: (a: Tensor, b: Tensor) => Tensor;
  readonly save?: readonly S[];
  /** Saved values that the gradient of one input alone needs: where that one has none, they are not saved. */
  readonly onlyFor?: { readonly [K in S]?: 'a' | 'b' };
  /** Gradients of both inputs, in the output's shape: summing over what was broadcast is the family's business. */
  readonly grad?: (g: Tensor, saved: BinarySaved<S>, needs: readonly boolean[]) => Grads;
  readonly tolerance?: number;
}

export type Operand = Tensor | number | boolean;

/** bool, integers, floats. */
function kindOf(dtype: DType): number {
  return traits[dtype].isFloat ? 2 : Number(dtype !== 'bool');
}

/**
 * The dtype of `a ∘ b`. Beside a tensor with dimensions one without counts as a number does: it decides only where its kind
 * is the higher one, as in PyTorch.
 */
export function jointDtype(a: Tensor, b: Tensor): DType {
  if ((a.ndim === 0) === (b.ndim === 0)) return promote(a.dtype, b.dtype);
  const [main, other] = a.ndim > 0 ? [a.dtype, b.dtype] : [b.dtype, a.dtype];
  return kindOf(other) > kindOf(main) ? other : main;
}

/** Both operands as tensors of the dtype in which the op computes, and the dtype of the result. */
function prepare(name: string, a: Operand, b: Operand, result: BinaryEntry<never>['result']) {
  const like = a instanceof Tensor ? a : b;
  if (!(like instanceof Tensor)) {
    for (const operand of [a, b]) refuseStranger(name, operand);
    return fail('argument', `${name}: at least one operand must be a Tensor, got two numbers.`);
  }
  const other = like === a ? b : a;
  if (!(other instanceof Tensor) && typeof other !== 'number' && typeof other !== 'boolean') {
    refuseStranger(name, other);
    return fail(
      'argument',
      `${name}: operands must be Tensors or numbers, got ${other === null ? 'null' : typeof other}.`,
    );
  }
  const joint =
    other instanceof Tensor ? jointDtype(like, other) : promote(like.dtype, promoteScalar(like.dtype, other));
  const wide = traits[joint].compute;
  const compute: DType =
    result === 'float' ? 'float32' : result === 'logical' ? 'bool' : wide === 'bool' ? 'int32' : wide;
  const out: DType =
    result === 'bool' || result === 'logical'
      ? 'bool'
      : result === 'float'
        ? joint === 'float16'
          ? 'float16'
          : 'float32'
        : joint;
  const operand = (t: Operand): Tensor => {
    if (!(t instanceof Tensor)) return scalarLike(like, t, compute);
    t.check(name);
    return convert(t, compute);
  };
  if (a instanceof Tensor && b instanceof Tensor) checkDevice(name, a, b);
  return { a: operand(a), b: operand(b), joint, compute, out };
}

/** Shapes that broadcast in every way, and values that bite. */
function binarySamples(domain: readonly [readonly [number, number], readonly [number, number]]): Sample[] {
  const pairs: [Shape, Shape][] = [
    [[], []],
    [[0], [0]],
    [[0, 3], [3]],
    [[1], [1]],
    [[7], [7]],
    [[17], [17]],
    [[5], []],
    [[], [5]],
    [[3, 5], [5]],
    [[5], [3, 5]],
    [
      [3, 1],
      [1, 4],
    ],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [
      [4, 1, 3],
      [2, 1],
    ],
  ];
  const special = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 2.5];
  const n = special.length;
  return [
    ...pairs.map(([p, q]) => ({ inputs: [spread(p, ...domain[0]), spread(q, ...domain[1], 0.11)] })),
    {
      inputs: [
        { shape: [n, 1], data: Float64Array.from(special) },
        { shape: [n], data: Float64Array.from(special) },
      ],
    },
  ];
}

/** The whole numbers below the elements of `a`, without what is none. */
function wholes({ shape, data }: Reference): Reference {
  return { shape, data: data.map((v) => (Number.isFinite(v) ? Math.floor(v) : 0)) };
}

/** Makes an elementwise op of two inputs that broadcast; either may be a number. */
// @__NO_SIDE_EFFECTS__
export function binary<
  const S extends 'a' | 'b' | 'y' = never,
  const K extends 'same' | 'float' | 'bool' | 'logical' = 'same',
>(name: string, entry: BinaryEntry<S> & { readonly result?: K }): Op<Binary<K>> {
  const { save = [], grad, result = 'same', kernel = name, compose, wholeOnly = false } = entry;
  const kernels = kernelNames(kernel, entry.part);
  const domain = entry.domain ?? [
    [-3, 3],
    [-3, 3],
  ];

  const compute = keywords(name, ['other'], (input: Operand, other: Operand): Tensor => {
    const { a, b, joint, compute, out } = prepare(name, input, other, result);
    if (wholeOnly && traits[joint].isFloat) {
      fail(
        'dtype',
        `${name}: expected integers or bool, got ${joint} ${show(a.shape)} and ${show(b.shape)}. Use .int().`,
      );
    }
    refuseWhole(name, entry.insteadOfWhole, joint, a.shape, b.shape);
    if (out === 'bool' && entry.insteadOfBool !== undefined) {
      fail(
        'dtype',
        `${name}: bool has no ${name}, got bool ${show(a.shape)} and ${show(b.shape)}. Use ${entry.insteadOfBool}.`,
      );
    }
    const shape = broadcastShapes(name, a.shape, b.shape);
    const raw = compose
      ? noGrad(() => scope(() => compose(a, b)))
      : empty(a, shape, result === 'bool' || result === 'logical' ? 'bool' : compute, name);
    if (!compose) elementwise(kernels(compute), raw, [a, b]);
    const y = convert(raw, out);
    if (grad === undefined) return y;
    // A number has no gradient; its place in the graph is empty.
    const operands = [input instanceof Tensor ? input : a, other instanceof Tensor ? other : b] as const;
    const values = { a: operands[0], b: operands[1], y };
    const shapes = [operands[0].shape, operands[1].shape] as const;
    const kept = save.filter((which) => {
      const whose = entry.onlyFor?.[which];
      return whose === undefined || values[whose].requiresGrad;
    });
    record(
      name,
      operands,
      [y],
      kept.map((which) => values[which]),
      ([g], held, needs) => {
        const saved = Object.fromEntries(kept.map((which, i) => [which, held[i]])) as unknown as BinarySaved<S>;
        const [ga, gb] = grad(g as Tensor, saved, needs);
        return [needs[0] && ga ? sumTo(ga, shapes[0]) : null, needs[1] && gb ? sumTo(gb, shapes[1]) : null];
      },
    );
    return y;
  });

  const integer = (result === 'same' || result === 'bool') && entry.insteadOfWhole === undefined;
  return op(signed<Binary<K>>(compute), {
    name,
    family: 'binary',
    doc: entry.doc,
    dtypes: result === 'logical' ? ['bool'] : wholeOnly ? ['int32'] : integer ? ['float32', 'int32'] : ['float32'],
    differentiable: [grad !== undefined, grad !== undefined],
    oracle: ([a, b]) => {
      const [p, q] = [a as Reference, b as Reference];
      return build(broadcastShapes(name, p.shape, q.shape), (i) => Number(entry.scalar(at(p, i), at(q, i))));
    },
    samples: () =>
      result === 'logical'
        ? [
            { inputs: [integers([3, 5], 0, 2), integers([5], 0, 2, 0.7)] },
            { inputs: [integers([17], 0, 2), integers([17], 0, 2, 0.7)] },
          ]
        : wholeOnly
          ? binarySamples(domain).map(({ inputs }) => ({ inputs: inputs.map(wholes) }))
          : binarySamples(domain),
    ...(entry.tolerance === undefined ? {} : { tolerance: entry.tolerance }),
  });
}
