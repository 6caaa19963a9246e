import type { Tensor } from '../../tensor.js';
import type { Fill } from './numbers.js';
import { drawn, fillOf, shapeOf } from './pixels.js';
import { type Images, imagesOf } from './transform.js';

/** How a pixel's value is found between those of the source: of the nearest, or weighed from the four around. */
export type Interpolation = 'nearest' | 'bilinear';

export interface WarpOptions {
  /** Default 'nearest', as torchvision's. */
  readonly interpolation?: Interpolation;
  /** The value of what lies outside the source: one, or one for each channel. Default 0. */
  readonly fill?: Fill;
}

/**
 * Draws each image of `input`, [outH, outW] large, as its map says: 'Affine' (six numbers), 'Projective' (eight) or 'Field'
 * (two for each output). assembly/warp.ts gives their meaning. What lies outside counts as `fill`.
 */
export function warp(
  name: string,
  input: Tensor,
  kind: 'Affine' | 'Projective' | 'Field',
  maps: Float32Array | Tensor,
  options: WarpOptions,
  size?: readonly [height: number, width: number],
): Tensor {
  const { interpolation = 'nearest', fill = 0 } = options;
  const images = imagesOf(name, input);
  const { count, channels, height, width } = images;
  const [outH, outW] = size ?? [height, width];
  const clamp = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));
  const filling = fillOf(name, fill, images).map(input.dtype === 'uint8' ? clamp : (value) => value);
  return drawn(name, input, shapeOf(input, outH, outW), {
    kernel: `warp${kind}`,
    work: count * outH,
    tables: [maps, Float32Array.from(filling)],
    ints: [channels, height, width, outH, outW, interpolation === 'bilinear' ? 1 : 0],
    scratch: 8 * (outW + 4),
  });
}

/** An image's size. */
export type Plane = Pick<Images, 'height' | 'width'>;
