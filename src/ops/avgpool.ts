import { pooling } from '#binary';
import { record } from '../autograd/index.js';
import type { KernelName } from '../core/device.js';
import { fail } from '../core/errors.js';
import { type Led, leading } from '../core/keywords.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { halfLike } from './halflike.js';
import { cast } from './movement.js';
import { dense, empty, type Op, op } from './op.js';
import {
  type AvgPoolArguments,
  checkImage,
  depthOf,
  type PlaneField,
  planeGrain,
  planeOf,
  poolField,
  readAvgPool,
  reimage,
} from './poolfield.js';
import { referencePool } from './pooloracle.js';
import { poolSpan } from './poolspan.js';
import { type Reference, spread } from './sheet.js';
import type { Extent, Pair, Rank, RankEntry, Single, Triple } from './window.js';

/** The means of windows. */

type AvgPool<S extends Extent> = Op<
  (input: Tensor, ...rest: Led<[kernelSize: S, ...rest: AvgPoolArguments<S>], readonly ['kernelSize']>) => Tensor
>;

/** What the sum of a window is divided by. */
interface Divisor {
  readonly countIncludePad: boolean;
  /** 0 for none. */
  readonly override: number;
}

/** Bytes that the gradient's kernel uses, which needs more than the other. */
function scratchOf(f: PlaneField): number {
  const line = Math.max(f.out[1], f.image[1] + f.padding[1]);
  return 4 * (poolSpan(f, 1) + f.out[1] + 2 * f.kernel[1] + line + 12);
}

function launch(kernel: KernelName, to: Tensor, from: Tensor, planes: number, f: PlaneField, by: Divisor): void {
  to.storage.device.launch({
    kernel,
    work: planes,
    grain: planeGrain(sizeOf(f.image)),
    writes: [to],
    reads: [dense(from)],
    ints: [
      planes,
      ...f.image,
      ...f.out,
      ...f.kernel,
      ...f.stride,
      ...f.padding,
      by.countIncludePad ? 1 : 0,
      by.override,
    ],
    scratch: scratchOf(f),
  });
}

/** Means of the windows of planes: x [.., H, W] → [.., OH, OW]. */
function average(x: Tensor, f: PlaneField, by: Divisor): Tensor {
  const lead = x.shape.slice(0, -2);
  const y = empty(x, [...lead, ...f.out], 'float32', 'avgPool2d');
  launch(pooling.kernel('avgPool2d_f32'), y, x, sizeOf(lead), f, by);
  record('avgPool2d', [x], [y], [], ([g]) => [averageBack(g as Tensor, f, by)]);
  return y;
}

function averageBack(dy: Tensor, f: PlaneField, by: Divisor): Tensor {
  const lead = dy.shape.slice(0, -2);
  const dx = empty(dy, [...lead, ...f.image], 'float32', 'avgPool2d');
  launch(pooling.kernel('avgPool2d_grad_f32'), dx, dy, sizeOf(lead), f, by);
  record('avgPool2dGrad', [dy], [dx], [], ([g]) => [average(g as Tensor, f, by)]);
  return dx;
}

/** Makes the average pool of `rank` directions. */
// @__NO_SIDE_EFFECTS__
function avgPool<S extends Extent>(name: string, rank: Rank, entry: RankEntry): AvgPool<S> {
  const compute = leading(
    name,
    ['kernelSize'],
    (input: Tensor, kernelSize: S, ...rest: AvgPoolArguments<S>): Tensor => {
      const { divisorOverride, countIncludePad = true, ...options } = readAvgPool(name, rest);
      checkImage(name, rank, input);
      const f = poolField(name, rank, input.shape.slice(-rank), kernelSize, options);
      const override = divisorOverride ?? 0;
      if (divisorOverride === 0 || !Number.isInteger(override)) {
        fail('argument', `${name}: divisorOverride must be a whole number other than 0, got ${divisorOverride}.`);
      }
      const x = cast(input, 'float32');
      const plane = planeOf(f);
      const slices = average(reimage(x, Math.min(rank, 2), plane.image), plane, { countIncludePad, override });
      if (rank < 3) return halfLike(input, reimage(slices, 2, f.out));
      // The slices' means of a box; where their divisor was given, they are summed.
      const depth = depthOf(f);
      const boxes = average(reimage(slices, 3, depth.image), depth, {
        countIncludePad,
        override: override === 0 ? 0 : 1,
      });
      return halfLike(input, reimage(boxes, 2, f.out));
    },
  );
  return op(compute, {
    name,
    family: 'pool',
    doc: entry.doc,
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [size, ...rest]) => {
      const image = x as Reference;
      const options = readAvgPool('oracle', rest as unknown as AvgPoolArguments<Extent>);
      const f = poolField('oracle', rank, image.shape.slice(-rank), size as Extent, options);
      return referencePool(image, f, (values, begin) => {
        const inside = values.filter((v) => v !== null);
        // Padding counts, what ceil mode adds beyond it does not.
        const counted = begin.map(
          (b, i) => Math.min(b + (f.kernel[i] as number), (f.image[i] as number) + (f.padding[i] as number)) - b,
        );
        const count = (options.countIncludePad ?? true) ? sizeOf(counted) : inside.length;
        return inside.reduce((a: number, v) => a + v, 0) / (options.divisorOverride ?? count);
      });
    },
    samples: entry.samples,
    tolerance: 2e-6,
  });
}

/**
 * The mean of each window: [N, C, L] → [N, C, OL], with or without N. Options: `stride`, `padding`, `ceilMode`,
 * `countIncludePad`.
 */
export const avgPool1d = avgPool<Single>('avgPool1d', 1, {
  doc: 'The mean of each window: [N, C, L] → [N, C, OL].',
  samples: () => [
    { inputs: [spread([2, 3, 8])], args: [2] },
    { inputs: [spread([2, 7])], args: [3, 2, 1, true] },
    { inputs: [spread([1, 2, 8])], args: [3, { stride: 2, padding: 1, countIncludePad: false }] },
  ],
});

/**
 * The mean of each window: [N, C, H, W] → [N, C, OH, OW], with or without N. Options as in `avgPool1d`, and
 * `divisorOverride`.
 */
export const avgPool2d = avgPool<Pair>('avgPool2d', 2, {
  doc: 'The mean of each window: [N, C, H, W] → [N, C, OH, OW].',
  samples: () => [
    { inputs: [spread([2, 3, 4, 4])], args: [2] },
    { inputs: [spread([1, 2, 5, 7])], args: [[3, 2], { stride: 2, padding: 1 }] },
    { inputs: [spread([2, 5, 6])], args: [3, { stride: 2, ceilMode: true, padding: 1 }] },
    { inputs: [spread([1, 1, 5, 4])], args: [3, { stride: 2, padding: 1, countIncludePad: false }] },
    { inputs: [spread([1, 1, 5, 4])], args: [2, { divisorOverride: 3 }] },
  ],
});

/**
 * The mean of each window: [N, C, D, H, W] → [N, C, OD, OH, OW], with or without N. Options as in `avgPool1d`, and
 * `divisorOverride`.
 */
export const avgPool3d = avgPool<Triple>('avgPool3d', 3, {
  doc: 'The mean of each window: [N, C, D, H, W] → [N, C, OD, OH, OW].',
  samples: () => [
    { inputs: [spread([2, 1, 4, 4, 2])], args: [2] },
    { inputs: [spread([1, 2, 3, 5, 4])], args: [[2, 3, 2], { stride: [1, 2, 2], padding: [1, 1, 0] }] },
    { inputs: [spread([2, 3, 4, 5])], args: [3, { stride: 2, ceilMode: true, padding: 1, countIncludePad: false }] },
    { inputs: [spread([1, 1, 4, 3, 4])], args: [2, 1, 1, false, true, 5] },
  ],
});
