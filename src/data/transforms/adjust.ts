import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { cast, cat, clamp, contiguous, div, mul, pow, slice } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { drawn } from './pixels.js';
import { imagesOf } from './transform.js';

/**
 * What is done to the colours of images. Results are torchvision's on tensors of the same dtype: bytes lose their fraction
 * behind each operation, floats are brightness 0 … 1. Images have one channel or three.
 */

/** One step: an operation of assembly/color.ts and its numbers. */
export type ColorStep = readonly [operation: number, a: number, b: number];

const blend = (operation: number, factor: number): ColorStep => [operation, factor, 1 - factor];

/** The steps of assembly/color.ts. */
export const steps = {
  brightness: (factor: number): ColorStep => blend(1, factor),
  contrast: (factor: number): ColorStep => blend(2, factor),
  saturation: (factor: number): ColorStep => blend(3, factor),
  hue: (shift: number): ColorStep => [4, shift, 0],
  sharpness: (factor: number): ColorStep => blend(5, factor),
  posterize: (bits: number): ColorStep => [6, 2 ** (8 - bits), 0],
  solarize: (threshold: number): ColorStep => [7, threshold, 0],
  autocontrast: [8, 0, 0] as ColorStep,
  equalize: [9, 0, 0] as ColorStep,
  invert: [10, 0, 0] as ColorStep,
  grayscale: [11, 0, 0] as ColorStep,
} as const;

/** Steps that have no meaning for images without colours. */
const NEEDS_COLOR: ReadonlySet<number> = new Set([3, 4, 11]);

/** Runs a program of steps on each image, in one launch. Where no program does anything, that is `input` itself. */
export function recolored(name: string, input: Tensor, programs: readonly (readonly ColorStep[])[]): Tensor {
  const { count, channels, height, width } = imagesOf(name, input);
  if (channels !== 1 && channels !== 3) {
    fail('shape', `${name}: expected images with 1 or 3 channels, got ${channels}.`);
  }
  const own =
    channels === 3 ? programs : programs.map((program) => program.filter(([operation]) => !NEEDS_COLOR.has(operation)));
  const length = Math.max(0, ...own.map((program) => program.length));
  if (count === 0 || length === 0) return input;
  const table = new Float32Array(count * length * 3);
  own.forEach((program, n) => {
    program.forEach((step, k) => {
      table.set(step, (n * length + k) * 3);
    });
  });
  return drawn(name, input, input.shape, {
    kernel: 'color',
    work: count,
    tables: [table],
    ints: [channels, height * width, width, length],
    scratch: 1024 + (input.dtype === 'uint8' ? 1 : 4) * height * width,
  });
}

function alike(name: string, input: Tensor, step: ColorStep): Tensor {
  return recolored(name, input, new Array<readonly ColorStep[]>(imagesOf(name, input).count).fill([step]));
}

function factorOf(name: string, factor: number): number {
  if (!(factor >= 0 && factor < Number.POSITIVE_INFINITY))
    fail('argument', `${name}: the factor must be ≥ 0, got ${factor}.`);
  return factor;
}

/** Brightness times `factor`: 0 is black, 1 the image. */
export function adjustBrightness(input: Tensor, factor: number): Tensor {
  return alike('adjustBrightness', input, steps.brightness(factorOf('adjustBrightness', factor)));
}

/** Differences from the mean brightness of the image times `factor`: 0 is gray all over, 1 the image. */
export function adjustContrast(input: Tensor, factor: number): Tensor {
  return alike('adjustContrast', input, steps.contrast(factorOf('adjustContrast', factor)));
}

/** Differences from the colourless image times `factor`: 0 is colourless, 1 the image. */
export function adjustSaturation(input: Tensor, factor: number): Tensor {
  return alike('adjustSaturation', input, steps.saturation(factorOf('adjustSaturation', factor)));
}

/** Colours moved on around the circle of hues by `shift` turns, from −0.5 to 0.5. */
export function adjustHue(input: Tensor, shift: number): Tensor {
  if (!(shift >= -0.5 && shift <= 0.5)) fail('argument', `adjustHue: the shift must be in [-0.5, 0.5], got ${shift}.`);
  return alike('adjustHue', input, steps.hue(shift));
}

/** Differences from a slight blur times `factor`: 0 is blurred, 1 the image, 2 sharpened. */
export function adjustSharpness(input: Tensor, factor: number): Tensor {
  return alike('adjustSharpness', input, steps.sharpness(factorOf('adjustSharpness', factor)));
}

/** gain · brightness ^ gamma, with brightness from 0 to 1. */
export function adjustGamma(input: Tensor, gamma: number, gain = 1): Tensor {
  imagesOf('adjustGamma', input);
  if (!(gamma >= 0)) fail('argument', `adjustGamma: gamma must be ≥ 0, got ${gamma}.`);
  const curve = (x: Tensor): Tensor => clamp(mul(pow(x, gamma), gain), 0, 1);
  return scope(() => {
    if (input.dtype !== 'uint8') return curve(input);
    // torchvision spreads 0 … 1 over 256 levels of equal width, of which the brightest is a thousandth wider.
    return cast(mul(curve(div(cast(input, 'float32'), 255)), 256 - 1e-3), 'uint8');
  });
}

export function checkBits(name: string, bits: number): number {
  if (!Number.isInteger(bits) || bits < 0 || bits > 8) fail('argument', `${name}: bits must be 0 … 8, got ${bits}.`);
  return bits;
}

/** The upper `bits` of the eight of each value. Floats are taken for bytes first, where torchvision refuses them. */
export function posterize(input: Tensor, bits: number): Tensor {
  return alike('posterize', input, steps.posterize(checkBits('posterize', bits)));
}

/** The negative of pixels as bright as `threshold` or brighter, on the scale of the images: 0 … 255, or 0 … 1 for floats. */
export function solarize(input: Tensor, threshold: number): Tensor {
  const most = input.dtype === 'uint8' ? 255 : 1;
  if (!(threshold <= most))
    fail('argument', `solarize: the threshold must be ≤ ${most} for ${input.dtype}, got ${threshold}.`);
  return alike('solarize', input, steps.solarize(threshold));
}

/** Each channel stretched so that its values reach from black to white. */
export function autocontrast(input: Tensor): Tensor {
  return alike('autocontrast', input, steps.autocontrast);
}

/** Each channel's values spread to be equally frequent. Floats are taken for bytes first, where torchvision refuses them. */
export function equalize(input: Tensor): Tensor {
  return alike('equalize', input, steps.equalize);
}

/** The negative of each image. */
export function invert(input: Tensor): Tensor {
  return alike('invert', input, steps.invert);
}

/** 0.2989 red + 0.587 green + 0.114 blue, in one channel or in three alike. */
export function rgbToGrayscale(input: Tensor, numOutputChannels = 1): Tensor {
  if (numOutputChannels !== 1 && numOutputChannels !== 3) {
    fail('argument', `rgbToGrayscale: numOutputChannels must be 1 or 3, got ${numOutputChannels}.`);
  }
  const { channels } = imagesOf('rgbToGrayscale', input);
  return scope(() => {
    const gray = alike('rgbToGrayscale', input, steps.grayscale);
    if (channels === 3) return numOutputChannels === 3 ? gray : contiguous(slice(gray, -3, 0, 1));
    return numOutputChannels === 1 ? gray : cat([gray, gray, gray], -3);
  });
}
