import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { type Led, leading } from '../core/keywords.js';
import { sameShape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { halfLike } from './halflike.js';
import { cast, reshape } from './movement.js';
import { checkTensor, convert, scalarLike } from './op.js';
import { checkImage } from './poolfield.js';
import { scatter } from './scatter.js';
import { type Extent, extents, type Pair, type Rank, type Single, type Triple } from './window.js';

/** The way back from maximum pools: values at the places they came from, zeros elsewhere. */

export interface MaxUnpoolOptions<S extends Extent = Pair> {
  /** Step of the window. Default: its size. */
  readonly stride?: S | null;
  readonly padding?: S;
  /** The image's size, with or without [N, C], where several lead to one pooled size. */
  readonly outputSize?: readonly number[] | null;
}

/** What follows the window's size, by position or by name. */
export type MaxUnpoolArguments<S extends Extent = Pair> =
  | readonly [options?: MaxUnpoolOptions<S>]
  | readonly [
      stride?: S | null,
      padding?: S | MaxUnpoolOptions<S>,
      outputSize?: readonly number[] | null | MaxUnpoolOptions<S>,
      options?: MaxUnpoolOptions<S>,
    ];

type MaxUnpool<S extends Extent> = (
  input: Tensor,
  ...rest: Led<[indices: Tensor, kernelSize: S, ...rest: MaxUnpoolArguments<S>], readonly ['indices', 'kernelSize']>
) => Tensor;

/** The size of the image that was pooled: what the window says or, near it, what was asked for. */
function imageSize(
  name: string,
  rank: Rank,
  pooled: readonly number[],
  kernelSize: Extent,
  rest: MaxUnpoolArguments<Extent>,
): readonly number[] {
  const options = readArguments<MaxUnpoolOptions<Extent>>(name, rest, ['stride', 'padding', 'outputSize']);
  const kernel = extents(name, 'kernelSize', kernelSize, rank, 1);
  const stride = extents(name, 'stride', options.stride ?? kernelSize, rank, 1);
  const padding = extents(name, 'padding', options.padding ?? 0, rank, 0);
  const usual = pooled.map(
    (s, i) => (s - 1) * (stride[i] as number) + (kernel[i] as number) - 2 * (padding[i] as number),
  );
  const asked = options.outputSize;
  if (asked === undefined || asked === null) return usual;
  const wanted = asked.length === rank + 2 ? asked.slice(2) : asked;
  const isNear = (s: number, i: number): boolean =>
    Number.isInteger(s) && Math.abs(s - (usual[i] as number)) < (stride[i] as number);
  if (wanted.length !== rank || !wanted.every(isNear)) {
    fail(
      'argument',
      `${name}: outputSize must be less than a stride ${show(stride)} away from ${show(usual)}, got ${show(asked)}.`,
    );
  }
  return wanted;
}

/** Makes the unpool of `rank` directions. */
// @__NO_SIDE_EFFECTS__
function maxUnpool<S extends Extent>(name: string, rank: Rank): MaxUnpool<S> {
  const compute = (input: Tensor, indices: Tensor, kernelSize: S, ...rest: MaxUnpoolArguments<S>): Tensor => {
    checkImage(name, rank, input);
    checkTensor(name, indices, 'indices');
    if (!sameShape(input.shape, indices.shape)) {
      fail('shape', `${name}: indices must have input's shape, got ${show(indices.shape)} for ${show(input.shape)}.`);
    }
    const size = imageSize(name, rank, input.shape.slice(-rank), kernelSize, rest as MaxUnpoolArguments<Extent>);
    const lead = input.shape.slice(0, -rank);
    const [planes, count, places] = [sizeOf(lead), sizeOf(size), sizeOf(input.shape.slice(-rank))];
    const zero = scalarLike(input, 0, 'float32');
    const background = zero.strided([planes, count], [0, 0], 0);
    const y = scatter(
      background,
      1,
      reshape(convert(indices, 'int32'), [planes, places]),
      reshape(cast(input, 'float32'), [planes, places]),
    );
    for (const t of [zero, background]) t.dispose();
    return halfLike(input, reshape(y, [...lead, ...size]));
  };
  return leading(name, ['indices', 'kernelSize'], compute);
}

/**
 * Values at the places that `maxPool1d` found, zeros elsewhere: input and indices [N, C, L] → [N, C, OL], with or without
 * N. Options: `stride`, `padding`, `outputSize`. Where places repeat, the last value stays.
 */
export const maxUnpool1d: MaxUnpool<Single> = maxUnpool('maxUnpool1d', 1);

/** Values at the places that `maxPool2d` found: input and indices [N, C, H, W] → [N, C, OH, OW]. See `maxUnpool1d`. */
export const maxUnpool2d: MaxUnpool<Pair> = maxUnpool('maxUnpool2d', 2);

/** Values at the places that `maxPool3d` found: input and indices [N, C, D, H, W] → [N, C, OD, OH, OW]. See `maxUnpool1d`. */
export const maxUnpool3d: MaxUnpool<Triple> = maxUnpool('maxUnpool3d', 3);
