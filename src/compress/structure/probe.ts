import { noGrad } from '../../autograd/index.js';
import { scope } from '../../core/scoping.js';
import { sameShape, sizeOf } from '../../core/shape.js';
import { tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { Step, Value } from './trace.js';

/**
 * What an op does with the places of its tensors, asked of its own gradient. An op that moves elements has a gradient that moves
 * them back: numbers sent through it tell where each came from. An op that works slice by slice sends the gradient of some
 * slices to those slices alone. So no op needs a rule of its own, and neither does one that is made by somebody else.
 */

/** Elements that an op moved: from flat places of an input to flat places of an output; null where each stayed in its place. */
export type Moves = { readonly from: Int32Array; readonly to: Int32Array } | null;

/** Above this, float32 cannot number the elements. */
const MOST = 1 << 23;

function strides(shape: readonly number[]): number[] {
  const steps = new Array<number>(shape.length).fill(1);
  for (let d = shape.length - 2; d >= 0; d--) steps[d] = (steps[d + 1] as number) * (shape[d + 1] as number);
  return steps;
}

/** The index along `dim` of each of some flat places. */
export function indicesAlong(places: Int32Array, shape: readonly number[], dim: number): Int32Array {
  const step = strides(shape)[dim] as number;
  const size = shape[dim] as number;
  return places.map((place) => Math.floor(place / step) % size);
}

/** The gradients of the inputs for these gradients of the outputs, as numbers; null where there are none. */
function gradientsOf(step: Step, gradients: readonly Float32Array[]): (Float32Array | null)[] | null {
  try {
    return scope(() =>
      noGrad(() => {
        const given = step.outputs.map(({ shape }, k) =>
          tensor(gradients[k] as Float32Array, shape as readonly number[]),
        ) as Tensor[];
        const results = step.node.apply(given);
        return step.inputs.map((input, k) => {
          const result = results[k];
          if (input === null || !result || result.dtype !== 'float32') return null;
          return result.dataSync() as Float32Array;
        });
      }),
    );
  } catch {
    // A gradient that cannot be asked this way tells nothing: its slices stay.
    return null;
  }
}

/** Whether everything about an op's tensors is known that the questions need. */
function canBeAsked({ outputs, inputs }: Step): boolean {
  const areKnown = [...outputs, ...inputs].every((value) => value === null || value.shape !== null);
  return areKnown && outputs.reduce((n, { shape }) => n + sizeOf(shape as readonly number[]), 0) < MOST;
}

/** Elements that went from one tensor to another. */
export interface Transfer {
  readonly x: Value;
  readonly y: Value;
  readonly moves: Moves;
}

/**
 * What `step` moves from each of its inputs, or null where it does more than moving: each element of an input goes to one
 * place, or to none, and what goes is what comes. Null, too, where the gradient is nothing but zeros, as that of relu where all
 * is negative, which does not tell what moves.
 */
export function movesOf(step: Step): Transfer[] | null {
  if (!canBeAsked(step)) return null;
  const sizes = step.outputs.map(({ shape }) => sizeOf(shape as readonly number[]));
  const total = sizes.reduce((a, b) => a + b, 0);
  let next = 0;
  const numbers = sizes.map((size) => Float32Array.from({ length: size }, () => ++next));
  const there = gradientsOf(step, numbers);
  const back = gradientsOf(
    step,
    numbers.map((part) => part.map((number) => total + 1 - number)),
  );
  if (there === null || back === null) return null;
  const found: Transfer[] = [];
  for (let k = 0; k < there.length; k++) {
    const [x, numbersThere, numbersBack] = [step.inputs[k], there[k], back[k]];
    if (!x) continue;
    if (!numbersThere || !numbersBack) return null;
    const own = readMoves(x, step.outputs, sizes, numbersThere, numbersBack);
    if (own === null || own.length === 0) return null;
    found.push(...own);
  }
  return found;
}

/** What the numbers that arrived at an input tell, once counted upwards and once downwards. */
function readMoves(
  x: Value,
  outputs: readonly Value[],
  sizes: readonly number[],
  there: Float32Array,
  back: Float32Array,
): Transfer[] | null {
  const total = sizes.reduce((a, b) => a + b, 0);
  let [moved, stayed] = [0, 0];
  for (let i = 0; i < there.length; i++) {
    const number = there[i] as number;
    if (number === 0 && back[i] === 0) continue;
    if (!Number.isInteger(number) || number <= 0 || number + (back[i] as number) !== total + 1) return null;
    moved++;
    if (number === i + 1) stayed++;
  }
  const [y] = outputs;
  if (moved > 0 && stayed === moved && outputs.length === 1 && y && sameShape(x.shape ?? [], y.shape ?? [])) {
    return [{ x, y, moves: null }];
  }
  let begin = 1;
  return outputs.flatMap((y, o) => {
    const [first, end] = [begin, begin + (sizes[o] as number)];
    begin = end;
    const from = new Int32Array(moved);
    let count = 0;
    for (let i = 0; i < there.length; i++) {
      if ((there[i] as number) >= first && (there[i] as number) < end) from[count++] = i;
    }
    if (count === 0) return [];
    const places = from.subarray(0, count);
    return [{ x, y, moves: { from: places, to: places.map((i) => (there[i] as number) - first) } }];
  });
}

/** A pair of dimensions along which an op works slice by slice. */
export interface Along {
  readonly input: number;
  readonly from: number;
  readonly output: number;
  readonly to: number;
}

function shapeOf(value: Value | null | undefined): readonly number[] {
  return value?.shape ?? [];
}

/** The dimensions of inputs that may be dimension `to` of an output, as those of elementwise ops are: counted from the end. */
function candidates(step: Step, output: number, to: number): Along[] {
  const shape = shapeOf(step.outputs[output]);
  return step.inputs.flatMap((input, k) => {
    const own = shapeOf(input);
    return own.flatMap((size, from) => (size === shape[to] ? [{ input: k, from, output, to }] : []));
  });
}

/** How far two dimensions are from standing one below the other, counted from the end. */
function offset(step: Step, { input, from, output, to }: Along): number {
  return Math.abs(shapeOf(step.inputs[input]).length - from - (shapeOf(step.outputs[output]).length - to));
}

/**
 * The pairs of equally long dimensions along which `step` works slice by slice: what an output holds at one place depends on
 * what the input holds at the same place alone. Every two places are told apart by a bit of their numbers, so that gradients of
 * the places with that bit, and of those without, find any mixing there is. `wants` tells which pairs are of interest.
 */
export function slicewise(step: Step, wants: (along: Along) => boolean): Along[] {
  if (!canBeAsked(step)) return [];
  const found: Along[] = [];
  step.outputs.forEach((y, output) => {
    shapeOf(y).forEach((size, to) => {
      const all = candidates(step, output, to);
      if (size < 2 || !all.some(wants)) return;
      const right = stillRight(step, all, output, to, size);
      // Each dimension of an input becomes one of the output; where sizes leave a choice, the nearest.
      right.sort((a, b) => offset(step, a) - offset(step, b));
      for (const along of right) {
        const isTaken = found.some(
          (other) =>
            other.input === along.input &&
            other.output === output &&
            (other.from === along.from || other.to === along.to),
        );
        if (!isTaken) found.push(along);
      }
    });
  });
  return found;
}

/** Those of some pairs of dimensions that no gradient speaks against. */
function stillRight(step: Step, all: readonly Along[], output: number, to: number, size: number): Along[] {
  let right = [...all];
  const shape = shapeOf(step.outputs[output]);
  const along = indicesAlong(
    Int32Array.from({ length: sizeOf(shape) }, (_, i) => i),
    shape,
    to,
  );
  const places = all.map(({ input, from }) => {
    const own = shapeOf(step.inputs[input]);
    return indicesAlong(
      Int32Array.from({ length: sizeOf(own) }, (_, i) => i),
      own,
      from,
    );
  });
  for (let bit = 1; bit < size; bit *= 2) {
    for (const wanted of [0, bit]) {
      if (right.length === 0) return right;
      const gradients = step.outputs.map((y, k) => {
        const gradient = new Float32Array(sizeOf(shapeOf(y)));
        // Uneven, so that what is added up does not cancel.
        if (k !== output) return gradient;
        for (let e = 0; e < gradient.length; e++) {
          if (((along[e] as number) & bit) === wanted) gradient[e] = 1 + (e % 17) / 64;
        }
        return gradient;
      });
      const results = gradientsOf(step, gradients);
      if (results === null) return [];
      right = right.filter((pair) => {
        const at = places[all.indexOf(pair)] as Int32Array;
        return (
          results[pair.input]?.every((g, e) => ((at[e] as number) & bit) === wanted || g === 0 || Number.isNaN(g)) ??
          false
        );
      });
    }
  }
  return right;
}
