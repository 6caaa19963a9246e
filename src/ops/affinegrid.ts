import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { matmul } from './matmul.js';
import { cast, reshape, transpose } from './movement.js';
import { checkTensor, empty, op } from './op.js';
import { at, build, type Reference, spread } from './sheet.js';

export interface AffineGridOptions {
  /** Whether −1 and 1 are the centres of the corner pixels, or their corners. Default false. */
  readonly alignCorners?: boolean | null;
}

export type AffineGridArguments = readonly [
  alignCorners?: boolean | null | AffineGridOptions,
  options?: AffineGridOptions,
];

/** The place of pixel i of `size`, from −1 to 1. */
function placeOf(i: number, size: number, alignCorners: boolean): number {
  const spread = size > 1 ? (2 * i) / (size - 1) - 1 : 0;
  return alignCorners ? spread : (spread * (size - 1)) / size;
}

/**
 * The places that affine maps `theta` [N, 2, 3] send the pixels of images `size` [N, C, H, W] to, as `gridSample` takes them:
 * [N, H, W, 2]. Volumes, of `size` [N, C, D, H, W], take `theta` [N, 3, 4] and give [N, D, H, W, 3].
 */
export const affineGrid = op(
  leading('affineGrid', ['size'], (theta: Tensor, size: readonly number[], ...rest: AffineGridArguments): Tensor => {
    checkTensor('affineGrid', theta, 'theta');
    const options = readArguments<AffineGridOptions>('affineGrid', rest, ['alignCorners']);
    if (!traits[theta.dtype].isFloat) {
      fail('dtype', `affineGrid: expected floating point, got ${theta.dtype}. Use .to('float32').`);
    }
    const directions = size.length - 2;
    if (directions !== 2 && directions !== 3) {
      fail('argument', `affineGrid: size must be [N, C, H, W] or [N, C, D, H, W], got ${show(size)}.`);
    }
    if (!size.every((s) => Number.isInteger(s) && s > 0)) {
      fail('argument', `affineGrid: sizes must be at least 1, got ${show(size)}.`);
    }
    const [n, , ...sizes] = size as [number, number, ...number[]];
    if (
      theta.ndim !== 3 ||
      theta.shape[0] !== n ||
      theta.shape[1] !== directions ||
      theta.shape[2] !== directions + 1
    ) {
      fail('shape', `affineGrid: theta must be [${n}, ${directions}, ${directions + 1}], got ${show(theta.shape)}.`);
    }
    const count = sizeOf(sizes);
    const aligned = options.alignCorners ?? false;
    const base = new Float32Array(count * (directions + 1)).fill(1);
    const strides = sizes.map((_, a) => sizeOf(sizes.slice(a + 1)));
    for (let i = 0; i < count; i++) {
      for (const [a, s] of sizes.entries()) {
        const pixel = Math.floor(i / (strides[a] as number)) % s;
        base[i * (directions + 1) + (directions - 1 - a)] = placeOf(pixel, s, aligned);
      }
    }
    const points = empty(theta, [count, directions + 1], 'float32', 'affineGrid');
    points.storage.device.write(points.storage, 0, new Uint8Array(base.buffer));
    return reshape(matmul(points, transpose(cast(theta, 'float32'), 1, 2)), [n, ...sizes, directions]);
  }),
  {
    name: 'affineGrid',
    family: 'image',
    doc: 'The places that affine maps `theta` [N, 2, 3] send the pixels of `size` [N, C, H, W] to; [N, H, W, 2].',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([theta], [size, alignCorners = false]) => {
      const [n, , ...sizes] = size as [number, number, ...number[]];
      const count = sizes.length;
      return build([n, ...sizes, count], (index) => {
        const row = index[count + 1] as number;
        const map = theta as Reference;
        const moved = sizes.map((s, a) => {
          const x = placeOf(index[a + 1] as number, s, alignCorners as boolean);
          return x * at(map, [index[0] as number, row, count - 1 - a]);
        });
        return moved.reduce((p, q) => p + q, at(map, [index[0] as number, row, count]));
      });
    },
    samples: () => [
      { inputs: [spread([2, 2, 3])], args: [[2, 1, 3, 4]] },
      { inputs: [spread([1, 2, 3])], args: [[1, 5, 1, 2], true] },
      { inputs: [spread([1, 3, 4])], args: [[1, 1, 2, 3, 2], true] },
    ],
    tolerance: 2e-6,
  },
);
