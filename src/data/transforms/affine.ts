import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import type { Tensor } from '../../tensor.js';
import { between, type Range, rangeOf, roundHalfEven } from './numbers.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';
import { type Plane, type WarpOptions, warp } from './warp.js';

/** Rows [a b c; d e f]: output pixel (x, y) shows the source at (a x + b y + c, d x + e y + f). Pixel centres are whole. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** What makes up an affine map, in the order in which it is applied: shear, scale, rotation, shift. */
export interface AffineParameters {
  /** Rotation in degrees, clockwise as the image is seen. */
  readonly angle: number;
  /** Shift in pixels, to the right and down. */
  readonly translate: readonly [x: number, y: number];
  readonly scale: number;
  /** Shear in degrees along x and along y. */
  readonly shear: readonly [x: number, y: number];
  /** What stays in place before the shift, in pixels from the left and top edges. Default: the image's centre. */
  readonly center?: readonly [x: number, y: number];
}

const IDENTITY: Matrix = [1, 0, 0, 0, 1, 0];

/** Draws every image n of `input` through `matrices[n]`, [outH, outW] large. Where none changes, that is `input` itself. */
export function warpAffine(
  name: string,
  input: Tensor,
  matrices: readonly Matrix[],
  options: WarpOptions,
  size?: readonly [height: number, width: number],
): Tensor {
  const { height, width } = imagesOf(name, input);
  const sized = size === undefined || (size[0] === height && size[1] === width);
  if (sized && matrices.every((matrix) => matrix.every((v, i) => v === IDENTITY[i]))) return input;
  return warp(name, input, 'Affine', Float32Array.from(matrices.flat()), options, size);
}

/**
 * The inverse of T C R S H C⁻¹: shift T, centre C, rotation R, scale S and shear H, as torchvision's
 * `_get_inverse_affine_matrix`. R H = [[a, b], [c, d]] has determinant 1, so its inverse is [[d, −b], [−c, a]].
 */
export function inverseAffine(images: Plane, parameters: AffineParameters): Matrix {
  const { angle, translate, scale, shear, center } = parameters;
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const rotation = radians(angle);
  const [shearX, shearY] = [radians(shear[0]), radians(shear[1])];
  const a = elementary.cos(rotation - shearY) / elementary.cos(shearY);
  const b =
    (-elementary.cos(rotation - shearY) * elementary.tan(shearX)) / elementary.cos(shearY) - elementary.sin(rotation);
  const c = elementary.sin(rotation - shearY) / elementary.cos(shearY);
  const d =
    (-elementary.sin(rotation - shearY) * elementary.tan(shearX)) / elementary.cos(shearY) + elementary.cos(rotation);
  const [m0, m1, m3, m4] = [d / scale, -b / scale, -c / scale, a / scale];
  // In pixel centres the middle of the image is at (size − 1) / 2, and an edge-based place is half a pixel further.
  const cx = (center?.[0] ?? images.width / 2) - 0.5;
  const cy = (center?.[1] ?? images.height / 2) - 0.5;
  const [fromX, fromY] = [cx + translate[0], cy + translate[1]];
  return [m0, m1, cx - m0 * fromX - m1 * fromY, m3, m4, cy - m3 * fromX - m4 * fromY];
}

/** `input` rotated, shifted, scaled and sheared, all images alike; torchvision's `functional.affine`. */
export function affine(input: Tensor, parameters: AffineParameters, options: WarpOptions = {}): Tensor {
  const images = imagesOf('affine', input);
  if (!(parameters.scale > 0)) fail('argument', `affine: scale must be > 0, got ${parameters.scale}.`);
  const matrix = inverseAffine(images, parameters);
  return warpAffine('affine', input, new Array<Matrix>(images.count).fill(matrix), options);
}

/**
 * The size of an image that holds all of a rotated one, and the matrix that draws it there. Corners are followed as torchvision
 * does, with the fourth decimal cut, so that what is whole but for rounding stays whole.
 */
function expanded(matrix: Matrix, { height, width }: Plane): { matrix: Matrix; size: [number, number] } {
  const [a, b, c, d, e, f] = matrix;
  // The places of the corners relative to the centre; what is added to them shifts both ends alike.
  const [halfW, halfH] = [width / 2, height / 2];
  const centerX = a * (halfW - 0.5) + b * (halfH - 0.5) + c + 0.5;
  const centerY = d * (halfW - 0.5) + e * (halfH - 0.5) + f + 0.5;
  const reach = (p: number, q: number, center: number): number => {
    const half = Math.abs(p) * halfW + Math.abs(q) * halfH;
    const cut = (v: number): number => Math.trunc(Math.fround(v) / 1e-4) * 1e-4;
    return Math.ceil(cut(center + half)) - Math.floor(cut(center - half));
  };
  const size: [number, number] = [reach(d, e, centerY), reach(a, b, centerX)];
  const [down, right] = [(size[0] - height) / 2, (size[1] - width) / 2];
  return { matrix: [a, b, c - a * right - b * down, d, e, f - d * right - e * down], size };
}

export interface RotateOptions extends WarpOptions {
  /** What stays in place, in pixels from the left and top edges. Default: the image's centre. */
  readonly center?: readonly [x: number, y: number] | null;
  /** Whether the result is made large enough to hold the whole rotated image. Default false: it keeps its size. */
  readonly expand?: boolean;
}

/** Images rotated by an angle each. */
function rotated(name: string, input: Tensor, angles: readonly number[], options: RotateOptions): Tensor {
  const images = imagesOf(name, input);
  const { center, expand = false } = options;
  // torchvision's rotate turns against the clock where its affine turns with it.
  const matrices = angles.map((angle) =>
    inverseAffine(images, {
      angle: -angle,
      translate: [0, 0],
      scale: 1,
      shear: [0, 0],
      ...(center ? { center } : {}),
    }),
  );
  if (!expand || matrices.length === 0) return warpAffine(name, input, matrices, options);
  const grown = matrices.map((matrix) => expanded(matrix, images));
  const { size } = grown[0] as (typeof grown)[number];
  const other = grown.find((one) => one.size[0] !== size[0] || one.size[1] !== size[1]);
  if (other) {
    fail(
      'shape',
      `${name}: with expand, images of this batch become ${show(size)} and ${show(other.size)} large. ` +
        'Rotate them one by one, and bring them to one size before they are joined.',
    );
  }
  const own = grown.map(({ matrix }) => matrix);
  return warpAffine(name, input, own, options, size);
}

/** `input` rotated against the clock by `angle` degrees; torchvision's `functional.rotate`. */
export function rotate(input: Tensor, angle: number, options: RotateOptions = {}): Tensor {
  const { count } = imagesOf('rotate', input);
  return rotated('rotate', input, new Array<number>(count).fill(angle), options);
}

export interface RandomAffineOptions extends WarpOptions {
  /** Most shift as a fraction of width and of height: [0.1, 0.1] shifts by whole pixels up to a tenth. Default none. */
  readonly translate?: readonly [x: number, y: number] | null;
  /** Range of the scale factor. Default 1. */
  readonly scale?: readonly [least: number, most: number] | null;
  /** Degrees along x: one number for (−shear, shear), two for a range; four for a range along x and one along y. */
  readonly shear?: number | readonly [number, number] | readonly [number, number, number, number] | null;
  /** What stays in place, in pixels from the left and top edges. Default: the image's centre. */
  readonly center?: readonly [x: number, y: number] | null;
}

class RandomAffineTransform implements Transform {
  readonly degrees: Range;
  readonly shear: readonly [x: readonly [number, number], y: readonly [number, number]] | null;

  constructor(
    degrees: number | Range,
    private readonly options: RandomAffineOptions = {},
  ) {
    const name = 'RandomAffine';
    this.degrees = rangeOf(name, 'degrees', degrees);
    const { translate, scale, shear } = options;
    if (translate && !(translate.length === 2 && translate.every((t) => t >= 0 && t <= 1))) {
      fail('argument', `${name}: translate must be two fractions in [0, 1], got ${show(translate)}.`);
    }
    if (scale && !(scale.length === 2 && scale[0] > 0 && scale[0] <= scale[1])) {
      fail('argument', `${name}: scale must be [least, most] with 0 < least ≤ most, got ${show(scale)}.`);
    }
    if (shear === undefined || shear === null) {
      this.shear = null;
    } else if (typeof shear !== 'number' && shear.length === 4) {
      const [x0, x1, y0, y1] = shear;
      this.shear = [rangeOf(name, 'shear along x', [x0, x1]), rangeOf(name, 'shear along y', [y0, y1])];
    } else {
      this.shear = [rangeOf(name, 'shear', shear as number | readonly [number, number]), [0, 0]];
    }
  }

  /** The parameters for one image, drawn in torchvision's order. */
  parameters(stream: Generator, { height, width }: Plane): AffineParameters {
    const { translate, scale, center } = this.options;
    const angle = between(stream, this.degrees);
    const shift = (most: number): number => roundHalfEven(between(stream, [-most, most]));
    return {
      angle,
      translate: translate ? [shift(translate[0] * width), shift(translate[1] * height)] : [0, 0],
      scale: scale ? between(stream, scale) : 1,
      shear: this.shear === null ? [0, 0] : [between(stream, this.shear[0]), between(stream, this.shear[1])],
      ...(center ? { center } : {}),
    };
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const images = imagesOf('RandomAffine', input);
    const own = streamsFor('RandomAffine', images.count, streams);
    const matrices = own.map((stream) => inverseAffine(images, this.parameters(stream, images)));
    return warpAffine('RandomAffine', input, matrices, this.options);
  }
}

/**
 * Random rotation about the centre by `degrees` (one number for (−degrees, degrees), or a range), shift, scale and shear,
 * drawn for each image by itself. Parameters, their ranges and their meaning are torchvision's. Images keep their size; no
 * gradient is recorded.
 */
export const RandomAffine = /* @__PURE__ */ callable('RandomAffine', RandomAffineTransform);
export type RandomAffine = RandomAffineTransform;

class RandomRotationTransform implements Transform {
  readonly degrees: Range;

  constructor(
    degrees: number | Range,
    private readonly options: RotateOptions = {},
  ) {
    this.degrees = rangeOf('RandomRotation', 'degrees', degrees);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const { count } = imagesOf('RandomRotation', input);
    const own = streamsFor('RandomRotation', count, streams);
    const angles = own.map((stream) => between(stream, this.degrees));
    return rotated('RandomRotation', input, angles, this.options);
  }
}

/**
 * Random rotation, against the clock, by `degrees`: one number for (−degrees, degrees), or a range. With `expand`, sizes follow
 * from the angle, so that images are rotated one by one.
 */
export const RandomRotation = /* @__PURE__ */ callable('RandomRotation', RandomRotationTransform);
export type RandomRotation = RandomRotationTransform;
