import { checkOptions, isOptions } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { currentScope, moveTo, openScope } from '../core/scope.js';
import { sameShape } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { grad } from './backward.js';
import { filled, joined, through, zerosLike } from './gradients.js';
import { enableGrad } from './mode.js';

/** Derivatives of functions: whole matrices of them, and their products with vectors. */

export interface DerivativeOptions {
  /** Record the computation, so that the result can be differentiated. Default false. */
  readonly createGraph?: boolean;
  /** Throw where an output does not depend on an input, instead of giving zeros. Default false. */
  readonly strict?: boolean;
}

export interface MatrixOptions extends DerivativeOptions {
  /** Accepted for PyTorch's sake: rows are computed one by one. */
  readonly vectorize?: boolean;
  /** Only 'reverse-mode' is known. */
  readonly strategy?: 'reverse-mode';
}

/** What is given as one tensor comes back as one, and what is given as a list as a list. */
type Many = Tensor | readonly Tensor[];
type Like<T extends Many> = T extends Tensor ? Tensor : Tensor[];
type Fn<Y extends Many> = (...xs: Tensor[]) => Y;
type Maybe = Tensor | null;

function list(value: Many): readonly Tensor[] {
  return value instanceof Tensor ? [value] : value;
}

function shaped<T extends Many>(like: T, values: readonly Tensor[]): Like<T> {
  return (like instanceof Tensor ? values[0] : values) as Like<T>;
}

/** New leaves with the inputs' values; with `createGraph`, tensors through which gradients reach the inputs. */
function prepared(name: string, inputs: Many, createGraph: boolean): Tensor[] {
  return list(inputs).map((x, i) => {
    if (!(x instanceof Tensor)) return fail('argument', `${name}: input ${i} must be a Tensor, got ${typeof x}.`);
    x.check(name);
    if (createGraph && x.requiresGrad) return through(x);
    const y = x.strided(x.shape, x.strides, x.offset);
    y.requiresGrad = true;
    return y;
  });
}

/** Gradients where there are any, null elsewhere. */
function gradients(ys: readonly Maybe[], xs: readonly Tensor[], gs: readonly Maybe[], createGraph: boolean): Maybe[] {
  const used = ys.map((y, i) => ({ y, g: gs[i] ?? null })).filter(({ y }) => y?.requiresGrad === true);
  if (used.length === 0) return xs.map(() => null);
  return grad(
    used.map(({ y }) => y as Tensor),
    xs,
    { gradOutputs: used.map(({ g }) => g), allowUnused: true, retainGraph: true, createGraph },
  );
}

function complete(name: string, found: readonly Maybe[], likes: readonly Tensor[], strict: boolean): Tensor[] {
  return likes.map((like, i) => {
    const one = found[i];
    if (one !== null && one !== undefined) return one;
    if (strict) fail('autograd', `${name}: the result does not depend on input ${i}, which strict forbids.`);
    return zerosLike(like);
  });
}

/** The vectors of a product, checked against what they are multiplied with; 1 for a single number. */
function vectors(name: string, v: Many | null | undefined, likes: readonly Tensor[]): Tensor[] {
  if (v === null || v === undefined) {
    const [only] = likes;
    if (likes.length !== 1 || only?.numel() !== 1) {
      fail(
        'argument',
        `${name}: v can be left out for a single element only, got ${likes.map((x) => show(x.shape)).join(', ')}.`,
      );
    }
    return likes.map((x) => filled(x, x.shape, x.dtype, 1));
  }
  const given = list(v);
  likes.forEach((like, i) => {
    if (given.length === likes.length && sameShape((given[i] as Tensor).shape, like.shape)) return;
    fail(
      'shape',
      `${name}: v must have the shapes ${likes.map((x) => show(x.shape)).join(', ')}, ` +
        `got ${given.map((x) => show(x.shape)).join(', ')}.`,
    );
  });
  return [...given];
}

/** Runs `body` in a scope that only the tensors it gives leave: with their graph, or cut off from it. */
function leaving<T>(createGraph: boolean, body: (keep: <V extends readonly Tensor[]>(values: V) => Tensor[]) => T): T {
  const outer = currentScope();
  const work = openScope();
  try {
    return enableGrad(() =>
      body((values) =>
        values.map((value) => {
          const kept = createGraph ? value : value.strided(value.shape, value.strides, value.offset);
          moveTo(kept, outer);
          return kept;
        }),
      ),
    );
  } finally {
    work.end();
  }
}

/** The Jacobians of all outputs with respect to all inputs, a row of tensors for each output. */
function rows(name: string, ys: readonly Tensor[], xs: readonly Tensor[], options: DerivativeOptions): Tensor[][] {
  const { createGraph = false, strict = false } = options;
  return ys.map((y) => {
    const columns: Tensor[][] = xs.map(() => []);
    for (let j = 0; j < y.numel(); j++) {
      const unit = filled(y, y.shape, 'float32', 0);
      unit.storage.device.write(unit.storage, 4 * j, new Uint8Array(Float32Array.of(1).buffer));
      complete(name, gradients([y], xs, [unit], createGraph), xs, strict).forEach((g, i) => {
        columns[i]?.push(g);
      });
    }
    return xs.map((x, i) => joined(x, columns[i] as Tensor[], [...y.shape, ...x.shape]));
  });
}

function read(name: string, v: Many | DerivativeOptions | null | undefined, options: DerivativeOptions | undefined) {
  const isLast = isOptions(v);
  const settings = (isLast ? v : (options ?? {})) as DerivativeOptions;
  checkOptions(name, settings, ['createGraph', 'strict']);
  return { v: isLast ? null : (v as Many | null | undefined), ...settings };
}

/**
 * All first derivatives of `fn` at `inputs`: for each output and each input a tensor of the output's shape followed by the
 * input's. Lists of outputs give a list, and lists of inputs a list (within it).
 */
export function jacobian(fn: (x: Tensor) => Tensor, inputs: Tensor, options?: MatrixOptions): Tensor;
export function jacobian(fn: Fn<Tensor>, inputs: readonly Tensor[], options?: MatrixOptions): Tensor[];
export function jacobian(fn: (x: Tensor) => readonly Tensor[], inputs: Tensor, options?: MatrixOptions): Tensor[];
export function jacobian(fn: Fn<readonly Tensor[]>, inputs: readonly Tensor[], options?: MatrixOptions): Tensor[][];
export function jacobian(fn: Fn<Many>, inputs: Many, options: MatrixOptions = {}): Many | Tensor[][] {
  checkOptions('jacobian', options, ['createGraph', 'strict', 'vectorize', 'strategy']);
  if (options.strategy !== undefined && options.strategy !== 'reverse-mode') {
    fail('unsupported', `jacobian: strategy must be 'reverse-mode', got '${String(options.strategy)}'.`);
  }
  const { createGraph = false } = options;
  return leaving(createGraph, (keep) => {
    const xs = prepared('jacobian', inputs, createGraph);
    const result = fn(...xs);
    const found = rows('jacobian', list(result), xs, options).map((row) => {
      const kept = keep(row);
      return inputs instanceof Tensor ? (kept[0] as Tensor) : kept;
    });
    return (result instanceof Tensor ? found[0] : found) as Many | Tensor[][];
  });
}

/** The value of a function that gives one number, or an error. */
function single(name: string, result: Many): Tensor {
  const ys = list(result);
  const [y] = ys;
  if (ys.length !== 1 || y?.numel() !== 1) {
    return fail(
      'shape',
      `${name}: the function must give a tensor with one element, it gave ${ys.map((t) => show(t.shape)).join(', ')}.`,
    );
  }
  return y;
}

/** First derivatives, recorded: zeros stand for what does not matter. */
function slope(name: string, fn: Fn<Many>, xs: readonly Tensor[], strict: boolean): { y: Tensor; gs: Tensor[] } {
  const y = single(name, fn(...xs));
  return { y, gs: complete(name, gradients([y], xs, [null], true), xs, strict) };
}

/** All second derivatives of `fn`, which gives one number: for each pair of inputs a tensor of both their shapes. */
export function hessian(fn: (x: Tensor) => Tensor, inputs: Tensor, options?: MatrixOptions): Tensor;
export function hessian(fn: Fn<Tensor>, inputs: readonly Tensor[], options?: MatrixOptions): Tensor[][];
export function hessian(fn: Fn<Tensor>, inputs: Many, options: MatrixOptions = {}): Tensor | Tensor[][] {
  checkOptions('hessian', options, ['createGraph', 'strict', 'vectorize', 'outerJacobianStrategy']);
  const { createGraph = false, strict = false } = options;
  return leaving(createGraph, (keep) => {
    const xs = prepared('hessian', inputs, createGraph);
    const { gs } = slope('hessian', fn, xs, strict);
    const found = rows('hessian', gs, xs, options).map(keep);
    return inputs instanceof Tensor ? (found[0]?.[0] as Tensor) : found;
  });
}

/** The outputs of `fn` and the product of `v`, of their shapes, with the Jacobian: [outputs, vᵀJ]. */
export function vjp<Y extends Many, X extends Many>(
  fn: Fn<Y>,
  inputs: X,
  v?: Many | DerivativeOptions | null,
  options?: DerivativeOptions,
): [Y, Like<X>] {
  const { v: given, createGraph = false, strict = false } = read('vjp', v, options);
  return leaving(createGraph, (keep) => {
    const xs = prepared('vjp', inputs, createGraph);
    const result = fn(...xs);
    const ys = list(result);
    const found = gradients(ys, xs, vectors('vjp', given, ys), createGraph);
    const products = keep(complete('vjp', found, xs, strict));
    return [shaped(result, keep(ys)) as unknown as Y, shaped(inputs, products)];
  });
}

/**
 * The outputs of `fn` and the product of the Jacobian with `v`, of the inputs' shapes: [outputs, Jv]. The gradient is linear
 * in the gradients of the outputs, and its derivative by those is the Jacobian: two passes backwards make one forwards.
 */
export function jvp<Y extends Many>(
  fn: Fn<Y>,
  inputs: Many,
  v?: Many | DerivativeOptions | null,
  options?: DerivativeOptions,
): [Y, Like<Y>] {
  const { v: given, createGraph = false, strict = false } = read('jvp', v, options);
  return leaving(createGraph, (keep) => {
    const xs = prepared('jvp', inputs, createGraph);
    const vs = vectors('jvp', given, xs);
    const result = fn(...xs);
    const ys = list(result);
    const us = ys.map((y) => {
      const u = zerosLike(y);
      u.requiresGrad = true;
      return u;
    });
    const found = gradients(gradients(ys, xs, us, true), us, vs, createGraph);
    const products = keep(complete('jvp', found, ys, strict));
    return [shaped(result, keep(ys)) as unknown as Y, shaped(result, products)];
  });
}

function product<X extends Many>(
  name: string,
  fn: Fn<Tensor>,
  inputs: X,
  v: Many | DerivativeOptions | null | undefined,
  options: DerivativeOptions | undefined,
): [Tensor, Like<X>] {
  const { v: given, createGraph = false, strict = false } = read(name, v, options);
  return leaving(createGraph, (keep) => {
    const xs = prepared(name, inputs, createGraph);
    const vs = vectors(name, given, xs);
    const { y, gs } = slope(name, fn, xs, strict);
    const products = keep(complete(name, gradients(gs, xs, vs, createGraph), xs, strict));
    return [keep([y])[0] as Tensor, shaped(inputs, products)];
  });
}

/** The value of `fn` and the product of `v` with its Hessian: [output, vᵀH]. */
export function vhp<X extends Many>(
  fn: Fn<Tensor>,
  inputs: X,
  v?: Many | DerivativeOptions | null,
  options?: DerivativeOptions,
): [Tensor, Like<X>] {
  return product('vhp', fn, inputs, v, options);
}

/** The value of `fn` and the product of its Hessian, which is symmetric, with `v`: [output, Hv]. */
export function hvp<X extends Many>(
  fn: Fn<Tensor>,
  inputs: X,
  v?: Many | DerivativeOptions | null,
  options?: DerivativeOptions,
): [Tensor, Like<X>] {
  return product('hvp', fn, inputs, v, options);
}
