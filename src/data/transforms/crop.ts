import { fail } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import type { Tensor } from '../../tensor.js';
import { hflip, vflip } from './flip.js';
import { roundHalfEven, type Size, sizeOfEdges, wholeBetween } from './numbers.js';
import { borderedLine, bordersOf, checkMode, type Padding, type PadOptions } from './pad.js';
import { type Line, partOfLine, pick, through } from './pick.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';

/** The part of each image from row `top` and column `left` on; what lies outside is 0. torchvision's `functional.crop`. */
export function crop(input: Tensor, top: number, left: number, height: number, width: number): Tensor {
  const images = imagesOf('crop', input);
  sizeOfEdges('crop', [height, width]);
  if (!Number.isInteger(top) || !Number.isInteger(left)) {
    fail('argument', `crop: top and left must be whole numbers, got ${top} and ${left}.`);
  }
  const rows = partOfLine(images.height, top, height);
  return pick('crop', input, [rows], [partOfLine(images.width, left, width)]);
}

/** Where a crop in the middle begins. A larger one than the image has its odd row of 0 below, as torchvision's has. */
function middle(size: number, length: number): number {
  return length > size ? -Math.floor((length - size) / 2) : roundHalfEven((size - length) / 2);
}

/** The middle of each image, `size` large; where that is larger than the image, with a border of 0. */
export function centerCrop(input: Tensor, size: Size): Tensor {
  const { height, width } = imagesOf('centerCrop', input);
  const [outH, outW] = sizeOfEdges('centerCrop', size);
  return crop(input, middle(height, outH), middle(width, outW), outH, outW);
}

/** The four corners (top left, top right, bottom left, bottom right) and the middle of each image, `size` large. */
export function fiveCrop(input: Tensor, size: Size): [Tensor, Tensor, Tensor, Tensor, Tensor] {
  const { height, width } = imagesOf('fiveCrop', input);
  const [h, w] = sizeOfEdges('fiveCrop', size);
  if (h > height || w > width)
    fail('argument', `fiveCrop: ${h} × ${w} is larger than the images, ${height} × ${width}.`);
  const [down, right] = [height - h, width - w];
  return [
    crop(input, 0, 0, h, w),
    crop(input, 0, right, h, w),
    crop(input, down, 0, h, w),
    crop(input, down, right, h, w),
    centerCrop(input, size),
  ];
}

/** Five crops of each image, and five of it flipped: left to right, or top to bottom with `verticalFlip`. */
export function tenCrop(input: Tensor, size: Size, verticalFlip = false): Tensor[] {
  const flipped = verticalFlip ? vflip(input) : hflip(input);
  return [...fiveCrop(input, size), ...fiveCrop(flipped, size)];
}

class CenterCropTransform implements Transform {
  constructor(private readonly size: Size) {
    sizeOfEdges('CenterCrop', size);
  }

  forward(input: Tensor): Tensor {
    return centerCrop(input, this.size);
  }
}

/** The middle of each image: `size` × `size`, or [height, width]. */
export const CenterCrop = /* @__PURE__ */ callable('CenterCrop', CenterCropTransform);
export type CenterCrop = CenterCropTransform;

export interface RandomCropOptions extends PadOptions {
  /** A border that is put around the image first. Default none. */
  readonly padding?: Padding | null;
  /** Whether an image smaller than the crop gets a border on both sides. Default false: it is refused. */
  readonly padIfNeeded?: boolean;
}

class RandomCropTransform implements Transform {
  private readonly size: readonly [height: number, width: number];

  constructor(
    size: Size,
    private readonly options: RandomCropOptions = {},
  ) {
    this.size = sizeOfEdges('RandomCrop', size);
    if (options.padding !== undefined && options.padding !== null) bordersOf('RandomCrop', options.padding);
    checkMode('RandomCrop', options.paddingMode ?? 'constant');
  }

  /** Rows or columns of an image with its borders. */
  private bordered(size: number, before: number, behind: number, wanted: number): Line {
    const { padIfNeeded = false, paddingMode = 'constant' } = this.options;
    const line = borderedLine('RandomCrop', size, before, behind, paddingMode);
    const missing = wanted - line.length;
    if (missing <= 0 || !padIfNeeded) return line;
    return through(line, borderedLine('RandomCrop', line.length, missing, missing, paddingMode));
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const { count, height, width } = imagesOf('RandomCrop', input);
    const [outH, outW] = this.size;
    const [left, top, right, bottom] = bordersOf('RandomCrop', this.options.padding ?? 0);
    const rows = this.bordered(height, top, bottom, outH);
    const columns = this.bordered(width, left, right, outW);
    const [down, across] = [rows.length - outH, columns.length - outW];
    if (down < 0 || across < 0) {
      fail(
        'shape',
        `RandomCrop: the crop ${outH} × ${outW} is larger than the images, ${rows.length} × ${columns.length}. ` +
          'Set padIfNeeded, or Resize them first.',
      );
    }
    const places = streamsFor('RandomCrop', count, streams).map((stream) => {
      const i = wholeBetween(stream, 0, down);
      return [i, wholeBetween(stream, 0, across)] as const;
    });
    return pick(
      'RandomCrop',
      input,
      places.map(([i]) => rows.subarray(i, i + outH)),
      places.map(([, j]) => columns.subarray(j, j + outW)),
      this.options.fill,
    );
  }
}

/** A part of each image, `size` large, at a random place; of the image with a border around it, with `padding`. */
export const RandomCrop = /* @__PURE__ */ callable('RandomCrop', RandomCropTransform);
export type RandomCrop = RandomCropTransform;
