import { image } from '#binary';
import type { Kernel, Launch } from '../../core/device.js';
import { traits } from '../../core/dtype.js';
import { fail } from '../../core/errors.js';
import { allocate } from '../../core/tensor.js';
import { cast, contiguous, round, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { Fill } from './numbers.js';
import { type Images, imagesOf } from './transform.js';

/** What a kernel is told beside the images: tables and numbers, in the order of its slots. */
export interface Parameters extends Pick<Launch, 'ints' | 'scratch' | 'work'> {
  /** Name of the kernel, without its dtype. */
  readonly kernel: string;
  /** Arrays that it reads, one entry or row for each image, or tensors. */
  readonly tables: readonly (Int32Array | Float32Array | Tensor)[];
}

/** Pixels worth a thread of its own. */
const GRAIN = 16384;

/** The shape of `input` with other heights and widths. */
export function shapeOf(input: Tensor, height: number, width: number): number[] {
  return [...input.shape.slice(0, -2), height, width];
}

/** Runs a kernel that moves elements of whatever dtype. */
export function moved(name: string, input: Tensor, shape: readonly number[], parameters: Parameters): Tensor {
  imagesOf(name, input);
  const y = allocate(input.storage.device, shape, input.dtype, name);
  run(image.kernel(`${parameters.kernel}_b${traits[input.dtype].bytes}`), y, input, parameters);
  return y;
}

/**
 * Runs a kernel that computes with pixels: on bytes as they are, on everything else in float32. Other whole numbers are
 * rounded back.
 */
export function drawn(name: string, input: Tensor, shape: readonly number[], parameters: Parameters): Tensor {
  imagesOf(name, input);
  const ofBytes = input.dtype === 'uint8';
  const x = ofBytes ? input : cast(input, 'float32');
  const y = allocate(x.storage.device, shape, x.dtype, name);
  run(image.kernel(`${parameters.kernel}_${ofBytes ? 'u8' : 'f32'}`), y, x, parameters);
  if (x !== input) x.dispose();
  if (y.dtype === input.dtype) return y;
  const rounded = input.dtype === 'float16' ? y : round(y);
  const back = cast(rounded, input.dtype);
  for (const temporary of new Set([y, rounded])) temporary.dispose();
  return back;
}

function run(kernel: Kernel, y: Tensor, input: Tensor, parameters: Parameters): void {
  const { tables, work, ints = [], scratch = 0 } = parameters;
  const x = contiguous(input);
  const reads = tables.map((table) => (ArrayBuffer.isView(table) ? tensor(table, [table.length]) : table));
  const grain = Math.max(1, Math.ceil((GRAIN * work) / Math.max(1, y.numel(), x.numel())));
  y.storage.device.launch({ kernel, work, grain, writes: [y], reads: [x, ...reads], ints, scratch });
  reads.forEach((read, i) => {
    if (read !== tables[i]) read.dispose();
  });
  if (x !== input) x.dispose();
}

/** A value for each channel. Throws unless there is one for all, or as many as channels. */
export function fillOf(name: string, fill: Fill, { channels }: Pick<Images, 'channels'>): number[] {
  const values = typeof fill === 'number' ? [fill] : fill;
  if ((values.length !== channels && values.length !== 1) || values.some((value) => typeof value !== 'number')) {
    fail('argument', `${name}: fill must be a number or one for each of ${channels} channels, got ${String(fill)}.`);
  }
  return Array.from({ length: channels }, (_, c) => values[values.length === 1 ? 0 : c] as number);
}
