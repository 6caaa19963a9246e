import { fail, show } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { filled } from './gradients.js';
import { isGradEnabled, noGrad } from './mode.js';
import { edgeOf, type MaybeGrad, Node } from './node.js';
import { checkRecordedWrite, rewrite } from './rewrite.js';

/** What `forward` hands to `backward`. Anything else that is needed may be stored on it under a name of its own. */
export class FunctionContext {
  [name: string]: unknown;

  /** Which arguments of `forward` want a gradient. */
  needsInputGrad: readonly boolean[] = [];
  /** In `backward`: what `saveForBackward` saved. */
  savedTensors: readonly Tensor[] = [];
  /** Whether outputs that were not used reach `backward` with zeros for a gradient. */
  materializeGrads = true;
  readonly toSave: Tensor[] = [];
  readonly constants = new Set<Tensor>();
  readonly dirty = new Set<Tensor>();

  /** Saves inputs, outputs and what was made on the way; a write into any of them is noticed. */
  saveForBackward(...tensors: readonly Tensor[]): void {
    this.toSave.splice(0, this.toSave.length, ...tensors);
  }

  /** Says that outputs have no gradient. Integers and bool never have one. */
  markNonDifferentiable(...outputs: readonly Tensor[]): void {
    for (const output of outputs) this.constants.add(output);
  }

  /** Says that `forward` has written into inputs, which it also returns. */
  markDirty(...inputs: readonly Tensor[]): void {
    for (const input of inputs) this.dirty.add(input);
  }

  /** With false, `backward` gets null where no gradient came. */
  setMaterializeGrads(value: boolean): void {
    this.materializeGrads = value;
  }
}

/** What `backward` may return: the gradient of each argument of `forward`, or of the only one. */
export type FunctionGrads = MaybeGrad | readonly MaybeGrad[];

interface FunctionType<A extends readonly unknown[], O extends Tensor | readonly Tensor[]> {
  readonly name: string;
  forward(ctx: FunctionContext, ...args: A): O;
  backward(ctx: FunctionContext, ...grads: Tensor[]): FunctionGrads;
}

/**
 * A function with a gradient of its own. `forward` computes, and is not recorded; `backward` gets the gradients of the
 * outputs and gives one for each argument of `forward`, null for those that are no tensors. Written with ops, `backward` can
 * itself be differentiated.
 *
 * @example
 * class Cube extends AutogradFunction {
 *   static forward(ctx: FunctionContext, x: Tensor): Tensor {
 *     ctx.saveForBackward(x);
 *     return x.mul(x).mul(x);
 *   }
 *   static backward(ctx: FunctionContext, g: Tensor): Tensor {
 *     const [x] = ctx.savedTensors as [Tensor];
 *     return g.mul(x).mul(x).mul(3);
 *   }
 * }
 * const x = tensor([2], { requiresGrad: true });
 * Cube.apply(x).sum().backward();
 * x.grad?.item(); // → 12
 */
// biome-ignore lint/complexity/noStaticOnlyClass: PyTorch's functions are classes that are never made into objects.
export class AutogradFunction {
  /** Runs `forward` and records it, if gradients are wanted. */
  static apply<A extends readonly unknown[], O extends Tensor | readonly Tensor[]>(
    this: FunctionType<A, O>,
    ...args: A
  ): O {
    // biome-ignore lint/complexity/noThisInStatic: the class that was called is the function.
    return run(this, args);
  }
}

function run<A extends readonly unknown[], O extends Tensor | readonly Tensor[]>(type: FunctionType<A, O>, args: A): O {
  const { name } = type;
  if (typeof type.forward !== 'function' || typeof type.backward !== 'function') {
    fail('argument', `${name}: a function needs static forward(ctx, …args) and static backward(ctx, …grads).`);
  }
  const ctx = new FunctionContext();
  ctx.needsInputGrad = args.map((x) => x instanceof Tensor && x.requiresGrad);
  const result = noGrad(() => type.forward(ctx, ...args));
  if (!isGradEnabled() || !ctx.needsInputGrad.includes(true)) return result;
  const single = result instanceof Tensor;
  const given: readonly Tensor[] = single ? [result] : (result as readonly Tensor[]);
  const outputs = given.map((y) =>
    args.includes(y) && !ctx.dirty.has(y) ? y.strided(y.shape, y.strides, y.offset) : y,
  );
  for (const y of outputs) if (ctx.dirty.has(y)) checkRecordedWrite(name, y);
  const edges = args.map((x) => (x instanceof Tensor ? edgeOf(x) : null));
  const node = new Node(name, edges, outputs.length, backwardOf(type, ctx, args, outputs));
  outputs.forEach((y, i) => {
    if (ctx.constants.has(given[i] as Tensor) || !y.isFloatingPoint()) return;
    if (ctx.dirty.has(y)) {
      const value = y.strided(y.shape, y.strides, y.offset);
      value.node = node;
      value.outputIndex = i;
      y.storage.touch(name);
      rewrite(y, value);
      value.dispose();
      return;
    }
    y.node = node;
    y.outputIndex = i;
  });
  // Saved after the outputs know their node, so that an output saved here can be differentiated again.
  node.save(ctx.toSave);
  ctx.toSave.length = 0;
  ctx.constants.clear();
  ctx.dirty.clear();
  return (single ? outputs[0] : outputs) as unknown as O;
}

/** The node's gradient: the user's, with its results checked. Of arguments and outputs only sizes are kept. */
function backwardOf<A extends readonly unknown[], O extends Tensor | readonly Tensor[]>(
  type: FunctionType<A, O>,
  ctx: FunctionContext,
  args: A,
  outputs: readonly Tensor[],
) {
  const shapes = args.map((x) => (x instanceof Tensor ? x.shape : null));
  const made = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
  return (
    grads: readonly (Tensor | null)[],
    saved: readonly Tensor[],
    needs: readonly boolean[],
  ): readonly MaybeGrad[] => {
    const like = grads.find((g) => g !== null) as Tensor;
    const complete = grads.map((g, i) => {
      const { shape, dtype } = made[i] as (typeof made)[number];
      return g === null && ctx.materializeGrads ? filled(like, shape, dtype, 0) : g;
    });
    ctx.savedTensors = saved;
    try {
      const result = type.backward(ctx, ...(complete as Tensor[]));
      const found: readonly MaybeGrad[] = Array.isArray(result) ? result : [result as MaybeGrad];
      if (found.length < shapes.length || found.slice(shapes.length).some(Boolean)) {
        fail(
          'autograd',
          `${type.name}: backward() must give one gradient for each of the ${shapes.length} arguments of forward(), ` +
            `it gave ${found.length}. Give null where there is none.`,
        );
      }
      return shapes.map((shape, i) => checked(type.name, found[i], shape, i, needs[i] === true));
    } finally {
      ctx.savedTensors = [];
    }
  };
}

function checked(name: string, g: MaybeGrad, shape: readonly number[] | null, i: number, needed: boolean): MaybeGrad {
  if (g === null || g === undefined) return null;
  if (shape === null) fail('autograd', `${name}: backward() gave a gradient for argument ${i}, which is no tensor.`);
  if (!needed) return null;
  if (!sameShape(g.shape, shape)) {
    fail('shape', `${name}: backward() gave a gradient ${show(g.shape)} for argument ${i}, which is ${show(shape)}.`);
  }
  return g;
}
