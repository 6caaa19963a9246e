import { fail, show } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import { allocate } from '../../core/tensor.js';
import { cast, contiguous, round, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { between, callable, type Images, imagesOf, streamsFor, type Transform } from './transform.js';

/** How a pixel's value is found between those of the source: of the nearest, or weighed from the four around. */
export type Interpolation = 'nearest' | 'bilinear';

/** Rows [a b c; d e f]: output pixel (x, y) shows the source at (a x + b y + c, d x + e y + f). Pixel centres are whole. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export interface WarpOptions {
  /** Default 'nearest', as torchvision's. */
  readonly interpolation?: Interpolation;
  /** The value of what lies outside the source. Default 0. */
  readonly fill?: number;
}

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

/** Draws every image n of `input` through `matrices[n]`. Float images stay float32; whole-number ones are rounded back. */
export function warp(name: string, input: Tensor, matrices: readonly Matrix[], options: WarpOptions): Tensor {
  const { interpolation = 'nearest', fill = 0 } = options;
  const { count, channels, height, width } = imagesOf(name, input);
  const x = contiguous(cast(input, 'float32'));
  const rows = new Float32Array(count * 6);
  matrices.forEach((matrix, n) => {
    rows.set(matrix, n * 6);
  });
  const m = tensor(rows, [count, 6]);
  const y = allocate(x.storage.device, input.shape, 'float32', 'warpAffine');
  x.storage.device.launch({
    kernel: 'warpAffine_f32',
    work: count,
    grain: Math.ceil(16384 / Math.max(channels * height * width, 1)),
    writes: [y],
    reads: [x, m],
    floats: [fill],
    ints: [count, channels, height, width, height, width, interpolation === 'bilinear' ? 1 : 0],
  });
  if (input.dtype === 'float32') return y;
  return cast(input.dtype === 'float16' ? y : round(y), input.dtype);
}

/**
 * The inverse of T C R S H C⁻¹: shift T, centre C, rotation R, scale S and shear H, as torchvision's
 * `_get_inverse_affine_matrix`. R H = [[a, b], [c, d]] has determinant 1, so its inverse is [[d, −b], [−c, a]].
 */
export function inverseAffine(images: Pick<Images, 'height' | 'width'>, parameters: AffineParameters): Matrix {
  const { angle, translate, scale, shear, center } = parameters;
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const rotation = radians(angle);
  const [shearX, shearY] = [radians(shear[0]), radians(shear[1])];
  const a = Math.cos(rotation - shearY) / Math.cos(shearY);
  const b = (-Math.cos(rotation - shearY) * Math.tan(shearX)) / Math.cos(shearY) - Math.sin(rotation);
  const c = Math.sin(rotation - shearY) / Math.cos(shearY);
  const d = (-Math.sin(rotation - shearY) * Math.tan(shearX)) / Math.cos(shearY) + Math.cos(rotation);
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
  return warp('affine', input, new Array<Matrix>(images.count).fill(matrix), options);
}

/** The range that one number stands for, (−value, value), or the range given. */
function rangeOf(name: string, what: string, value: number | readonly [number, number]): readonly [number, number] {
  if (typeof value === 'number') {
    if (!(value >= 0)) fail('argument', `${name}: ${what} must be ≥ 0 when it is one number, got ${value}.`);
    return [-value, value];
  }
  if (value.length !== 2 || !(value[0] <= value[1])) {
    fail('argument', `${name}: ${what} must be a number or [least, most], got ${show(value)}.`);
  }
  return value;
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
  readonly degrees: readonly [number, number];
  readonly shear: readonly [x: readonly [number, number], y: readonly [number, number]] | null;

  constructor(
    degrees: number | readonly [number, number],
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
  parameters(stream: Generator, { height, width }: Pick<Images, 'height' | 'width'>): AffineParameters {
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
    return warp('RandomAffine', input, matrices, this.options);
  }
}

/** Python rounds halves to even, and the number of pixels a shift is rounded to follows it. */
function roundHalfEven(x: number): number {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

/**
 * Random rotation about the centre by `degrees` (one number for (−degrees, degrees), or a range), shift, scale and shear,
 * drawn for each image by itself. Parameters, their ranges and their meaning are torchvision's. Images keep their size; no
 * gradient is recorded.
 */
export const RandomAffine = /* @__PURE__ */ callable(RandomAffineTransform);
export type RandomAffine = RandomAffineTransform;

export interface RandomRotationOptions extends WarpOptions {
  /** What stays in place, in pixels from the left and top edges. Default: the image's centre. */
  readonly center?: readonly [x: number, y: number] | null;
}

class RandomRotationTransform implements Transform {
  readonly degrees: readonly [number, number];

  constructor(
    degrees: number | readonly [number, number],
    private readonly options: RandomRotationOptions = {},
  ) {
    this.degrees = rangeOf('RandomRotation', 'degrees', degrees);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const images = imagesOf('RandomRotation', input);
    const { center } = this.options;
    const matrices = streamsFor('RandomRotation', images.count, streams).map((stream) =>
      inverseAffine(images, {
        // torchvision's rotate turns against the clock where its affine turns with it.
        angle: -between(stream, this.degrees),
        translate: [0, 0],
        scale: 1,
        shear: [0, 0],
        ...(center ? { center } : {}),
      }),
    );
    return warp('RandomRotation', input, matrices, this.options);
  }
}

/** Random rotation, against the clock, by `degrees`: one number for (−degrees, degrees), or a range. */
export const RandomRotation = /* @__PURE__ */ callable(RandomRotationTransform);
export type RandomRotation = RandomRotationTransform;

class RandomFlipTransform implements Transform {
  constructor(
    private readonly name: string,
    private readonly flipped: (images: Images) => Matrix,
    private readonly p: number,
  ) {
    if (!(p >= 0 && p <= 1)) fail('argument', `${name}: p must be in [0, 1], got ${p}.`);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const images = imagesOf(this.name, input);
    const flipped = this.flipped(images);
    const matrices = streamsFor(this.name, images.count, streams).map(
      (stream): Matrix => (stream.uniform() < this.p ? flipped : [1, 0, 0, 0, 1, 0]),
    );
    return warp(this.name, input, matrices, {});
  }
}

class RandomHorizontalFlipTransform extends RandomFlipTransform {
  constructor(p = 0.5) {
    super('RandomHorizontalFlip', ({ width }) => [-1, 0, width - 1, 0, 1, 0], p);
  }
}

class RandomVerticalFlipTransform extends RandomFlipTransform {
  constructor(p = 0.5) {
    super('RandomVerticalFlip', ({ height }) => [1, 0, 0, 0, -1, height - 1], p);
  }
}

/** Left and right exchanged with probability p (default 0.5), for each image by itself. */
export const RandomHorizontalFlip = /* @__PURE__ */ callable(RandomHorizontalFlipTransform);
export type RandomHorizontalFlip = RandomHorizontalFlipTransform;

/** Top and bottom exchanged with probability p (default 0.5), for each image by itself. */
export const RandomVerticalFlip = /* @__PURE__ */ callable(RandomVerticalFlipTransform);
export type RandomVerticalFlip = RandomVerticalFlipTransform;
