import * as elementary from '../../core/elementary.js';
import type { Tensor } from '../../tensor.js';
import { type ColorStep, recolored, steps } from './adjust.js';
import { inverseAffine, type Matrix, warpAffine } from './affine.js';
import { roundHalfEven } from './numbers.js';
import type { Operation } from './policies.js';
import { imagesOf } from './transform.js';
import type { Plane, WarpOptions } from './warp.js';

/** An operation and what it does to one image: degrees, pixels, a factor less 1, bits, or a threshold of 255. */
export interface Change {
  readonly operation: Operation;
  readonly magnitude: number;
}

/** What an operation may do: magnitudes, and whether a sign is drawn too. One without magnitudes always does the same. */
export interface Choices {
  readonly magnitudes: readonly number[] | null;
  readonly signed: boolean;
}

/** `count` numbers from `first` to `last` in equal steps, as float32 computes them. */
export function linspace(first: number, last: number, count: number): number[] {
  if (count === 1) return [first];
  const f = Math.fround;
  const step = f((f(last) - f(first)) / (count - 1));
  return Array.from({ length: count }, (_, i) =>
    i < count / 2 ? f(f(first) + f(step * i)) : f(f(last) - f(step * (count - 1 - i))),
  );
}

/** How many bits are left at each of `count` magnitudes, from `most` to `most` − `lost`. */
function bitsLeft(most: number, lost: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => most - roundHalfEven(Math.fround(i / ((count - 1) / lost))));
}

/** The most that operations do: what the augmentation policies differ in. */
export interface Extent {
  readonly shear: number;
  /** Pixels along x and along y. */
  readonly translate: readonly [x: number, y: number];
  readonly rotate: number;
  readonly factor: number;
  /** Bits before, and bits lost. */
  readonly posterize: readonly [bits: number, lost: number];
}

/** All operations with `count` magnitudes each. */
export function choicesOf(extent: Extent, count: number): Readonly<Record<Operation, Choices>> {
  const signed = (most: number): Choices => ({ magnitudes: linspace(0, most, count), signed: true });
  const always: Choices = { magnitudes: null, signed: false };
  const [bits, lost] = extent.posterize;
  return {
    Identity: always,
    ShearX: signed(extent.shear),
    ShearY: signed(extent.shear),
    TranslateX: signed(extent.translate[0]),
    TranslateY: signed(extent.translate[1]),
    Rotate: signed(extent.rotate),
    Brightness: signed(extent.factor),
    Color: signed(extent.factor),
    Contrast: signed(extent.factor),
    Sharpness: signed(extent.factor),
    Posterize: { magnitudes: bitsLeft(bits, lost, count), signed: false },
    Solarize: { magnitudes: linspace(255, 0, count), signed: false },
    AutoContrast: always,
    Equalize: always,
    Invert: always,
  };
}

const degrees = (radians: number): number => (radians * 180) / Math.PI;

/** The matrix of a change of place; null for one of colours. */
function matrixOf({ operation, magnitude }: Change, plane: Plane): Matrix | null {
  const still = { angle: 0, translate: [0, 0], scale: 1, shear: [0, 0] } as const;
  switch (operation) {
    // A shear is given as pixels moved per pixel, and about the upper left corner.
    case 'ShearX':
      return inverseAffine(plane, { ...still, shear: [degrees(elementary.atan(magnitude)), 0], center: [0, 0] });
    case 'ShearY':
      return inverseAffine(plane, { ...still, shear: [0, degrees(elementary.atan(magnitude))], center: [0, 0] });
    case 'TranslateX':
      return inverseAffine(plane, { ...still, translate: [Math.trunc(magnitude), 0] });
    case 'TranslateY':
      return inverseAffine(plane, { ...still, translate: [0, Math.trunc(magnitude)] });
    case 'Rotate':
      return inverseAffine(plane, { ...still, angle: -magnitude });
    default:
      return null;
  }
}

/** The step of a change of colours; null for others. */
function stepOf({ operation, magnitude }: Change, white: number): ColorStep | null {
  switch (operation) {
    case 'Brightness':
      return steps.brightness(1 + magnitude);
    case 'Color':
      return steps.saturation(1 + magnitude);
    case 'Contrast':
      return steps.contrast(1 + magnitude);
    case 'Sharpness':
      return steps.sharpness(1 + magnitude);
    case 'Posterize':
      return steps.posterize(Math.trunc(magnitude));
    case 'Solarize':
      return steps.solarize((magnitude * white) / 255);
    case 'AutoContrast':
      return steps.autocontrast;
    case 'Equalize':
      return steps.equalize;
    case 'Invert':
      return steps.invert;
    default:
      return null;
  }
}

/** One change for each image, in at most two launches. */
export function changed(name: string, input: Tensor, changes: readonly Change[], options: WarpOptions): Tensor {
  const images = imagesOf(name, input);
  const white = input.dtype === 'uint8' ? 255 : 1;
  const matrices = changes.map((change): Matrix => matrixOf(change, images) ?? [1, 0, 0, 0, 1, 0]);
  const programs = changes.map((change) => {
    const step = stepOf(change, white);
    return step === null ? [] : [step];
  });
  const moved = warpAffine(name, input, matrices, options);
  const y = recolored(name, moved, programs);
  if (moved !== input && moved !== y) moved.dispose();
  return y;
}
