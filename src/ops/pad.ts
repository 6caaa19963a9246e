import { record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { expand } from './broadcast.js';
import { cat } from './join.js';
import { cast, flip, narrow } from './movement.js';
import { checkTensor, copyInto, empty, op, scalarLike } from './op.js';
import { at, build, type Reference, spread } from './sheet.js';

/** Padding: more elements around those of a tensor. */

export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

export interface PadOptions {
  /** What the new elements are: `value`, the mirrored inside, the edge, or the other end. Default 'constant'. */
  readonly mode?: PadMode;
  /** The constant. Default 0. */
  readonly value?: number | null;
}

/** `input` between `before[d]` and `after[d]` elements of `value`; negative numbers take elements away. */
function constantPad(input: Tensor, before: readonly number[], after: readonly number[], value: number): Tensor {
  const sizes = input.shape.map((s, d) => s + (before[d] as number) + (after[d] as number));
  if (sizes.some((s) => s < 0)) {
    fail('shape', `pad: ${show(input.shape)} has too few elements to take away ${show(before)} and ${show(after)}.`);
  }
  // Half floats are storage: the fill is written as a whole float.
  if (input.dtype === 'float16') return cast(constantPad(cast(input, 'float32'), before, after, value), 'float16');
  const y = empty(input, sizes, input.dtype, 'pad');
  const fill = scalarLike(input, value, input.dtype);
  copyInto(y, fill.strided(sizes, new Array<number>(sizes.length).fill(0), 0));
  // What of the input remains, and where it goes.
  const kept = input.shape.map((s, d) =>
    Math.max(s + Math.min(before[d] as number, 0) + Math.min(after[d] as number, 0), 0),
  );
  const start = (t: Tensor, skip: (d: number) => number): number =>
    sizeOf(kept) === 0 ? t.offset : t.strides.reduce((o, stride, d) => o + stride * skip(d), t.offset);
  const source = input.strided(
    kept,
    input.strides,
    start(input, (d) => Math.max(-(before[d] as number), 0)),
  );
  const window = y.strided(
    kept,
    y.strides,
    start(y, (d) => Math.max(before[d] as number, 0)),
  );
  copyInto(window, source);
  for (const t of [fill, source, window]) t.dispose();
  record('pad', [input], [y], [], ([g]) => [
    constantPad(
      g as Tensor,
      before.map((n) => -n),
      after.map((n) => -n),
      0,
    ),
  ]);
  return y;
}

/** Dimension d with `before` and `after` ≥ 0 elements more, taken from `x` itself. */
function padWithin(x: Tensor, d: number, before: number, after: number, mode: PadMode): Tensor {
  const size = x.shape[d] as number;
  const most = mode === 'reflect' ? size - 1 : mode === 'circular' ? size : Number.POSITIVE_INFINITY;
  if (size === 0 || Math.max(before, after) > most) {
    fail('argument', `pad: ${mode} cannot add ${before} and ${after} elements to dim ${d} of ${show(x.shape)}.`);
  }
  const edge = (at: number, count: number): Tensor =>
    expand(
      narrow(x, d, at, 1),
      x.shape.map((s, i) => (i === d ? count : s)),
    );
  const [first, last] =
    mode === 'reflect'
      ? [flip(narrow(x, d, 1, before), [d]), flip(narrow(x, d, size - 1 - after, after), [d])]
      : mode === 'replicate'
        ? [edge(0, before), edge(size - 1, after)]
        : [narrow(x, d, size - before, before), narrow(x, d, 0, after)];
  return cat([first, x, last], d);
}

export const pad = op(
  (
    input: Tensor,
    pad: readonly number[],
    mode: PadMode | PadOptions = 'constant',
    value?: number | null | PadOptions,
  ): Tensor => {
    checkTensor('pad', input);
    const given = readArguments<PadOptions>('pad', value === undefined ? [mode] : [mode, value], ['mode', 'value']);
    const how = given.mode ?? 'constant';
    const count = pad.length / 2;
    if (!Number.isInteger(count) || count > input.ndim || !pad.every(Number.isInteger)) {
      fail(
        'argument',
        `pad: expected two whole numbers for each padded dimension, the last dimension first, for ${show(input.shape)}; ` +
          `got ${show(pad)}.`,
      );
    }
    const amount = (d: number, side: number): number => pad[2 * (input.ndim - 1 - d) + side] ?? 0;
    const before = input.shape.map((_, d) => amount(d, 0));
    const after = input.shape.map((_, d) => amount(d, 1));
    if (how === 'constant') return constantPad(input, before, after, given.value ?? 0);
    if (!['reflect', 'replicate', 'circular'].includes(how)) {
      fail('argument', `pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got ${String(how)}.`);
    }
    if (typeof given.value === 'number' && given.value !== 0) {
      fail('argument', `pad: mode ${how} takes no value, got ${given.value}.`);
    }
    const lead = input.ndim - count;
    if (count < 1 || count > 3 || (lead !== 2 && (lead !== 1 || how === 'circular'))) {
      const rest = how === 'circular' ? 'all dimensions but the first two' : 'all dimensions but the first one or two';
      fail('shape', `pad: ${how} pads ${rest}, and one to three; got ${show(pad)} for ${show(input.shape)}.`);
    }
    // The other end is what is left after elements are taken away; a mirror sees the input before that.
    const cut = (x: Tensor): Tensor =>
      [...before, ...after].some((n) => n < 0)
        ? constantPad(
            x,
            before.map((n) => Math.min(n, 0)),
            after.map((n) => Math.min(n, 0)),
            0,
          )
        : x;
    let y = how === 'circular' ? cut(input) : input;
    for (let d = lead; d < input.ndim; d++) {
      y = padWithin(y, d, Math.max(before[d] as number, 0), Math.max(after[d] as number, 0), how);
    }
    return how === 'circular' ? y : cut(y);
  },
  {
    name: 'pad',
    family: 'movement',
    doc:
      '`input` with pad[0] elements before and pad[1] behind its last dimension, pad[2] and pad[3] around the one before ' +
      'it, and so on; negative numbers take away. `mode`: constant (`value`), reflect, replicate, circular.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [amounts, mode = 'constant', value = 0]) => {
      const a = x as Reference;
      const rank = a.shape.length;
      const side = (d: number, s: number): number => (amounts as number[])[2 * (rank - 1 - d) + s] ?? 0;
      return build(
        a.shape.map((size, d) => size + side(d, 0) + side(d, 1)),
        (index) => {
          const from = index.map((v, d) => {
            const size = a.shape[d] as number;
            const i = v - side(d, 0);
            if (mode === 'replicate') return Math.min(Math.max(i, 0), size - 1);
            if (mode === 'circular') return (i + size) % size;
            if (mode === 'reflect') return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
            return i;
          });
          return from.every((i, d) => i >= 0 && i < (a.shape[d] as number)) ? at(a, from) : (value as number);
        },
      );
    },
    samples: () => [
      { inputs: [spread([5])], args: [[1, 2]] },
      { inputs: [spread([2, 3])], args: [[1, 0, 0, 2], 'constant', 1] },
      { inputs: [spread([2, 3, 4])], args: [[-1, 2, 1, -1]] },
      { inputs: [spread([0, 3])], args: [[1, 1, 1, 0]] },
      ...(['reflect', 'replicate', 'circular'] as const).flatMap((mode) => [
        { inputs: [spread([1, 2, 5])], args: [[2, 1], mode] },
        { inputs: [spread([1, 2, 3, 4])], args: [[3, 1, 0, 2], mode] },
      ]),
    ],
  },
);
