import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { cast, clamp, round } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { crop } from './crop.js';
import { between, checkRange, type Range, roundHalfEven, type Size, sizeOfEdges, wholeBetween } from './numbers.js';
import { type Line, pick } from './pick.js';
import { drawn, shapeOf } from './pixels.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';
import type { Plane } from './warp.js';

/**
 * How pixels of another size are found. 'nearest' takes pixel ⌊i · in / out⌋, as torchvision does on tensors,
 * 'nearest-exact' the one below the output's centre, as Pillow does; the others weigh two or four along each edge.
 */
export type ResizeInterpolation = 'nearest' | 'nearest-exact' | 'bilinear' | 'bicubic';

export interface ResizeOptions {
  /** Default 'bilinear'. */
  readonly interpolation?: ResizeInterpolation;
  /**
   * Whether bilinear and bicubic look at all pixels that an output of a smaller image stands for, so that nothing flickers.
   * Default true, as torchvision on images that come from files.
   */
  readonly antialias?: boolean;
}

/** A part of an image. */
export type Box = readonly [top: number, left: number, height: number, width: number];

const FILTERS: Readonly<Record<ResizeInterpolation, number>> = {
  nearest: -1,
  'nearest-exact': -1,
  bilinear: 0,
  bicubic: 1,
};

function filterOf(name: string, options: ResizeOptions): number {
  const { interpolation = 'bilinear', antialias = true } = options;
  const filter = FILTERS[interpolation];
  if (filter === undefined) {
    const names = Object.keys(FILTERS).join(', ');
    fail('argument', `${name}: interpolation must be one of ${names}, got '${String(interpolation)}'.`);
  }
  return filter < 0 || antialias ? filter : filter + 2;
}

/** Pixels that one output is weighed from, at most. */
function tapsOf(filter: number, size: number, out: number): number {
  const reach = filter % 2 === 1 ? 2 : 1;
  return filter >= 2 ? 2 * reach : Math.ceil(2 * reach * Math.max(1, size / out));
}

const upTo = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

/**
 * Places of a line by the nearest pixel. Where an output's place is a whole number, rounding decides: torchvision multiplies in
 * float32, and Pillow adds up steps.
 */
function nearestLine(first: number, size: number, out: number, exact: boolean): Line {
  const scale = size / out;
  let at = scale / 2;
  return Int32Array.from({ length: out }, (_, i) => {
    const place = exact ? at : Math.fround(i * Math.fround(scale));
    at += scale;
    return first + Math.min(size - 1, Math.floor(place));
  });
}

/** The box of each image, [outH, outW] large. Boxes lie inside of the images. */
function resized(
  name: string,
  input: Tensor,
  boxes: readonly Box[],
  [outH, outW]: readonly [number, number],
  options: ResizeOptions,
): Tensor {
  const { count, channels, height, width } = imagesOf(name, input);
  const filter = filterOf(name, options);
  const whole = outH === height && outW === width;
  if (count === 0 || (whole && boxes.every((box) => box[2] === height && box[3] === width))) return input;
  if (filter < 0) {
    const exact = options.interpolation === 'nearest-exact';
    return pick(
      name,
      input,
      boxes.map(([top, , size]) => nearestLine(top, size, outH, exact)),
      boxes.map(([, left, , size]) => nearestLine(left, size, outW, exact)),
    );
  }
  if (filter === 3 && input.dtype === 'uint8') return asFloats(name, input, boxes, [outH, outW], options);
  const ofBytes = input.dtype === 'uint8';
  const tapsX = upTo(Math.max(...boxes.map((box) => tapsOf(filter, box[3], outW))), ofBytes ? 8 : 1);
  const tapsY = upTo(Math.max(...boxes.map((box) => tapsOf(filter, box[2], outH))), ofBytes ? 2 : 1);
  const columns = upTo(outW, 4);
  const rows = Math.max(tapsY, ...boxes.map((box) => box[2])) + 1;
  // assembly/resize.ts draws what stands here, in this order.
  const weights = (ofBytes ? 2 : 4) * (columns * tapsX + outH * tapsY);
  const lists = 8 * Math.max(tapsX, tapsY) + 8 * (columns + outH);
  const lines = (ofBytes ? 1 : 4) * upTo(outW, 16) * rows;
  return drawn(name, input, shapeOf(input, outH, outW), {
    kernel: 'resize',
    work: count * channels,
    tables: [Int32Array.from(boxes.flat())],
    ints: [channels, height, width, outH, outW, filter, tapsX, tapsY],
    scratch: lists + weights + tapsX + lines + 128,
  });
}

/** Without antialiasing a cubic overshoots far, which bytes could not hold between rows and columns. */
function asFloats(
  name: string,
  input: Tensor,
  boxes: readonly Box[],
  size: readonly [number, number],
  options: ResizeOptions,
): Tensor {
  return scope(() => cast(clamp(round(resized(name, cast(input, 'float32'), boxes, size, options)), 0, 255), 'uint8'));
}

/** The size that `size` asks for: both edges, or the shorter one with the longer in proportion and at most `maxSize`. */
function wantedSize(name: string, size: Size, maxSize: number | undefined, { height, width }: Plane): [number, number] {
  if (typeof size !== 'number') return [...sizeOfEdges(name, size)];
  const [short, long] = width <= height ? [width, height] : [height, width];
  let [newShort, newLong] = [size, Math.trunc((size * long) / short)];
  if (maxSize !== undefined && newLong > maxSize) {
    [newShort, newLong] = [Math.trunc((maxSize * newShort) / newLong), maxSize];
  }
  newShort = Math.max(1, newShort);
  return width <= height ? [newLong, newShort] : [newShort, newLong];
}

export interface ResizeSizeOptions extends ResizeOptions {
  /** The most that the longer edge may become, where `size` is one number: the shorter is then less than it. */
  readonly maxSize?: number;
}

function checkSize(name: string, size: Size, { maxSize }: ResizeSizeOptions): void {
  sizeOfEdges(name, size);
  if (maxSize === undefined) return;
  if (typeof size !== 'number') fail('argument', `${name}: maxSize goes with a size that is one number.`);
  if (!(maxSize > size)) fail('argument', `${name}: maxSize must be > size ${size}, got ${maxSize}.`);
}

/** Images of another size: the shorter edge `size` long, or [height, width]. torchvision's `functional.resize`. */
export function resize(input: Tensor, size: Size, options: ResizeSizeOptions = {}): Tensor {
  const images = imagesOf('resize', input);
  checkSize('resize', size, options);
  const box: Box = [0, 0, images.height, images.width];
  const boxes = new Array<Box>(images.count).fill(box);
  return resized('resize', input, boxes, wantedSize('resize', size, options.maxSize, images), options);
}

/** A part of each image, brought to `size`: one number is both edges here. torchvision's `functional.resized_crop`. */
export function resizedCrop(
  input: Tensor,
  top: number,
  left: number,
  height: number,
  width: number,
  size: Size,
  options: ResizeOptions = {},
): Tensor {
  const images = imagesOf('resizedCrop', input);
  const wanted = sizeOfEdges('resizedCrop', size);
  const inside = top >= 0 && left >= 0 && top + height <= images.height && left + width <= images.width;
  if (inside && [top, left, height, width].every(Number.isInteger) && height > 0 && width > 0) {
    const boxes = new Array<Box>(images.count).fill([top, left, height, width]);
    return resized('resizedCrop', input, boxes, wanted, options);
  }
  const part = crop(input, top, left, height, width);
  const y = resize(part, wanted, options);
  if (y !== part) part.dispose();
  return y;
}

class ResizeTransform implements Transform {
  constructor(
    private readonly size: Size,
    private readonly options: ResizeSizeOptions = {},
  ) {
    checkSize('Resize', size, options);
    filterOf('Resize', options);
  }

  forward(input: Tensor): Tensor {
    return resize(input, this.size, this.options);
  }
}

/** Images of another size: `size` for the shorter edge, with the longer in proportion, or [height, width]. */
export const Resize = /* @__PURE__ */ callable('Resize', ResizeTransform);
export type Resize = ResizeTransform;

export interface RandomResizedCropOptions extends ResizeOptions {
  /** Range of the crop's share of the image's area. Default [0.08, 1]. */
  readonly scale?: Range;
  /** Range of the crop's width / height; its logarithm is uniform. Default [3 / 4, 4 / 3]. */
  readonly ratio?: Range;
}

class RandomResizedCropTransform implements Transform {
  private readonly size: readonly [height: number, width: number];
  readonly scale: Range;
  readonly ratio: Range;

  constructor(
    size: Size,
    private readonly options: RandomResizedCropOptions = {},
  ) {
    this.size = sizeOfEdges('RandomResizedCrop', size);
    this.scale = checkRange('RandomResizedCrop', 'scale', options.scale ?? [0.08, 1], 0, Number.POSITIVE_INFINITY);
    this.ratio = checkRange('RandomResizedCrop', 'ratio', options.ratio ?? [3 / 4, 4 / 3], 0, Number.POSITIVE_INFINITY);
    if (!(this.ratio[0] > 0)) fail('argument', 'RandomResizedCrop: ratio must be > 0.');
    filterOf('RandomResizedCrop', options);
  }

  /** The part of one image that is shown: of ten tries the first that fits, else the largest in the middle. */
  parameters(stream: Generator, { height, width }: Plane): Box {
    const { scale, ratio } = this;
    const logRatio: Range = [elementary.log(ratio[0]), elementary.log(ratio[1])];
    for (let attempt = 0; attempt < 10; attempt++) {
      const area = height * width * between(stream, scale);
      const aspect = elementary.exp(between(stream, logRatio));
      const w = roundHalfEven(Math.sqrt(area * aspect));
      const h = roundHalfEven(Math.sqrt(area / aspect));
      if (w > 0 && w <= width && h > 0 && h <= height) {
        const top = wholeBetween(stream, 0, height - h);
        return [top, wholeBetween(stream, 0, width - w), h, w];
      }
    }
    const aspect = width / height;
    const h = aspect < ratio[0] ? Math.min(height, roundHalfEven(width / ratio[0])) : height;
    const w = aspect > ratio[1] ? Math.min(width, roundHalfEven(height * ratio[1])) : width;
    return [Math.floor((height - h) / 2), Math.floor((width - w) / 2), h, w];
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const images = imagesOf('RandomResizedCrop', input);
    const own = streamsFor('RandomResizedCrop', images.count, streams);
    const boxes = own.map((stream) => this.parameters(stream, images));
    return resized('RandomResizedCrop', input, boxes, this.size, this.options);
  }
}

/** A random part of each image, of random area and shape, brought to `size` × `size` or [height, width]. */
export const RandomResizedCrop = /* @__PURE__ */ callable('RandomResizedCrop', RandomResizedCropTransform);
export type RandomResizedCrop = RandomResizedCropTransform;
