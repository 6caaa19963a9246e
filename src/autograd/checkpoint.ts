import { isOptions } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { defaultGenerator, type GeneratorState } from '../core/random.js';
import { openScope } from '../core/scope.js';
import { scope } from '../core/scoping.js';
import type { Storage } from '../core/storage.js';
import { type Place, Tensor } from '../core/tensor.js';
import { enableGrad, isGradEnabled } from './mode.js';
import { Held, keepingWith, keepValues, refuseOverwritten, type Saved } from './saved.js';

/**
 * Checkpoints (Chen et al., "Training deep nets with sublinear memory cost", 2016): what a function's graph would save is
 * computed again when the backward pass needs it. The graph itself is made at once, so every derivative, hook and option
 * works as without: only the saved values are promises. The first of them that is asked for runs the function again, which
 * saves the same values in the same order and thereby keeps all promises.
 */

export interface CheckpointOptions {
  /** Draw the same random numbers again, as dropout must. Default true. */
  readonly preserveRngState?: boolean;
  /** Accepted for PyTorch's sake: there is one kind, which does all that either of PyTorch's does. */
  readonly useReentrant?: boolean;
}

const OPTIONS = ['preserveRngState', 'useReentrant'];

/** A saved value as it was when the function first ran. */
interface Promised {
  readonly place: Place;
  readonly storage: Storage;
  readonly version: number;
}

/** Where a tensor stands in the graph now. */
function placeOf({ node, outputIndex, accumulator, wantsGrad }: Tensor): Place {
  return { node, outputIndex, accumulator, wantsGrad };
}

/** One run of a function, which can be repeated. */
class Run {
  private readonly args: readonly unknown[];
  private readonly inputs: Saved;
  private readonly wants: readonly boolean[];
  private readonly promises: (readonly Promised[] | null)[] = [];
  private kept: Held[] | null = null;
  private alive = 0;

  constructor(
    private readonly fn: (...args: unknown[]) => unknown,
    args: readonly unknown[],
    private readonly random: GeneratorState | null,
  ) {
    const tensors = args.filter((x) => x instanceof Tensor);
    this.inputs = keepValues(tensors);
    this.wants = tensors.map((x) => x.requiresGrad);
    // The tensors themselves are in `inputs`; their places are marked.
    this.args = args.map((x) => (x instanceof Tensor ? Tensor : x));
  }

  /** Saves nothing now. */
  promise(tensors: readonly Tensor[]): Saved {
    const index = this.promises.length;
    this.promises.push(tensors.map((x) => ({ place: placeOf(x), storage: x.storage, version: x.storage.version })));
    this.alive++;
    return {
      values: (op) => {
        this.kept ??= this.repeat(op);
        return (this.kept[index] as Held).values(op);
      },
      replace: () => undefined,
      dispose: () => this.release(index),
    };
  }

  /** Lets go of everything once no promise is left. */
  settle(): void {
    if (this.alive > 0) return;
    this.inputs.dispose();
    this.kept = null;
  }

  private release(index: number): void {
    this.promises[index] = null;
    this.kept?.[index]?.dispose();
    this.alive--;
    this.settle();
  }

  /** Runs the function again and keeps what it saves. */
  private repeat(op: string): Held[] {
    const kept: Held[] = [];
    const now = defaultGenerator.getState();
    const work = openScope();
    try {
      const inputs = this.inputs.values('checkpoint').map((x, i) => {
        const y = x.strided(x.shape, x.strides, x.offset);
        if (this.wants[i]) y.requiresGrad = true;
        return y;
      });
      const args = this.args.map((x) => (x === Tensor ? inputs.shift() : x));
      if (this.random !== null) defaultGenerator.setState(this.random);
      keepingWith(
        (tensors) => {
          const held = new Held(tensors);
          kept.push(held);
          // This graph goes at the end of the scope; what it saved stays.
          return {
            values: (name) => held.values(name),
            replace: (value, by) => held.replace(value, by),
            dispose: () => undefined,
          };
        },
        () => enableGrad(() => this.fn(...args)),
      );
      this.check(op, kept);
    } catch (error) {
      for (const held of kept) held.dispose();
      throw error;
    } finally {
      if (this.random !== null) defaultGenerator.setState(now);
      work.end();
    }
    return kept;
  }

  /** Puts what was computed again into the place in the graph of what it stands for. */
  private check(op: string, kept: readonly Held[]): void {
    if (kept.length !== this.promises.length) {
      fail(
        'autograd',
        `checkpoint: the function recorded ${this.promises.length} ops that save values when it ran first, and ` +
          `${kept.length} when it ran again. It must do the same both times.`,
      );
    }
    kept.forEach((held, i) => {
      const promised = this.promises[i];
      if (promised === null || promised === undefined) {
        held.dispose();
        return;
      }
      held.tensors.forEach((tensor, k) => {
        const { place, storage, version } = promised[k] as Promised;
        // A parameter is the same memory both times, and must have the same values.
        if (tensor.storage === storage && storage.version !== version) refuseOverwritten(op, storage.writer);
        tensor.place = place;
      });
    });
  }
}

/**
 * fn(...args), saving the arguments instead of what the gradient needs, which is computed again by running `fn` a second
 * time. `fn` must do the same both times; it may use other tensors, such as parameters. Of what it makes, only what it
 * returns stays. The last argument may be options.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * checkpoint((v: Tensor) => v.exp().sigmoid(), x).sum().backward();
 */
export function checkpoint<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  ...args: A | [...A, CheckpointOptions]
): R {
  const last = args[args.length - 1];
  const names = isOptions(last) ? Object.keys(last) : [];
  const hasOptions = names.length > 0 && names.every((name) => OPTIONS.includes(name));
  const given = (hasOptions ? args.slice(0, -1) : args) as unknown as A;
  const { preserveRngState = true } = hasOptions ? (last as CheckpointOptions) : {};
  if (!isGradEnabled()) return fn(...given);
  let random: GeneratorState | null = null;
  if (preserveRngState) {
    // The state names whole blocks of numbers; one that is begun is left behind, this time and the next.
    random = defaultGenerator.getState();
    defaultGenerator.setState(random);
  }
  const run = new Run(fn as unknown as (...args: unknown[]) => unknown, given, random);
  try {
    return scope(() =>
      keepingWith(
        (tensors) => run.promise(tensors),
        () => fn(...given),
      ),
    );
  } finally {
    run.settle();
  }
}

/** A part of a model: a function of one tensor, or a module. */
export type Part = ((x: Tensor) => Tensor) | { forward(x: Tensor): Tensor };

/**
 * Runs `parts` one after another in `segments` checkpoints of equal length; the last segment, whose values are needed first,
 * saves them as usual.
 */
export function checkpointSequential(
  parts: readonly Part[],
  segments: number,
  input: Tensor,
  options: CheckpointOptions = {},
): Tensor {
  if (!(Number.isInteger(segments) && segments >= 1 && segments <= Math.max(parts.length, 1))) {
    fail('argument', `checkpointSequential: segments must be in [1, ${parts.length}], got ${segments}.`);
  }
  const through = (some: readonly Part[]) => (x: Tensor) =>
    some.reduce((y, part) => (typeof part === 'function' ? part(y) : part.forward(y)), x);
  const length = Math.floor(parts.length / segments);
  let x = input;
  for (let k = 0; k < segments - 1; k++) {
    x = checkpoint(through(parts.slice(k * length, (k + 1) * length)), x, { preserveRngState: true, ...options });
  }
  return through(parts.slice((segments - 1) * length))(x);
}
