import { cast, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { Fill } from './numbers.js';
import { fillOf, moved, shapeOf } from './pixels.js';
import { imagesOf } from './transform.js';

/** The rows, or the columns, that an image is put together from; −1 is a place outside the source. */
export type Line = Int32Array;

/** All `size` places in their order. */
export function wholeLine(size: number): Line {
  return partOfLine(size, 0, size);
}

/** `length` places from `first` on; what lies outside of `size` places is −1. */
export function partOfLine(size: number, first: number, length: number): Line {
  const line = new Int32Array(length).fill(-1);
  const end = Math.min(length, size - first);
  for (let i = Math.max(0, -first); i < end; i++) line[i] = first + i;
  return line;
}

/** `line` as seen through `places`: what picks from a picked image picks so from its source. */
export function through(line: Line, places: Line): Line {
  return places.map((place) => (place < 0 ? -1 : (line[place] as number)));
}

/** Whether the lines leave an image of this height or width as it is. */
const isWhole = (lines: readonly Line[], size: number): boolean =>
  lines.every((line) => line.length === size && line.every((place, i) => place === i));

function joined(lines: readonly Line[], count: number): Int32Array {
  const length = (lines[0] as Line).length;
  const all = new Int32Array(count * length);
  for (let n = 0; n < count; n++) all.set(lines[lines.length === 1 ? 0 : n] as Line, n * length);
  return all;
}

/**
 * Images put together from rows and columns: one line of each for all images, or one for every image, of one length. Where
 * all stay as they are, that is `input` itself.
 */
export function pick(
  name: string,
  input: Tensor,
  rows: readonly Line[],
  columns: readonly Line[],
  fill: Fill = 0,
): Tensor {
  const images = imagesOf(name, input);
  const { count, channels, height, width } = images;
  const filling = fillOf(name, fill, images);
  if (count === 0 || (isWhole(rows, height) && isWhole(columns, width))) return input;
  const [outH, outW] = [(rows[0] as Line).length, (columns[0] as Line).length];
  const values = tensor(Float32Array.from(filling), [channels]);
  const elements = cast(values, input.dtype);
  const y = moved(name, input, shapeOf(input, outH, outW), {
    kernel: 'pick',
    work: count * channels,
    tables: [joined(rows, count), joined(columns, count), elements],
    ints: [channels, height, width, outH, outW],
    scratch: 16 * outW,
  });
  for (const temporary of new Set([values, elements])) temporary.dispose();
  return y;
}
