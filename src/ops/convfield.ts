import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { checkDevice, checkTensor } from './op.js';
import { type Extent, extents, imageShapes, type Pair, type Rank } from './window.js';

/** What convolutions take, and the sizes that follow from it. */

export interface ConvOptions<S extends Extent = Pair> {
  /** Added to each output channel: [OC]. */
  readonly bias?: Tensor | null;
  /** Step of the kernel. Default 1. */
  readonly stride?: S;
  /** Zeros around the image. 'valid' is none, 'same' as many as give the result the image's size, with stride 1. */
  readonly padding?: S | 'same' | 'valid';
  /** Distance of neighbouring taps. Default 1. */
  readonly dilation?: S;
  /** Input and output channels are cut into this many groups that do not see one another. Default 1. */
  readonly groups?: number;
}

/** What follows the weight, by position or by name. */
export type ConvArguments<S extends Extent = Pair> =
  | readonly [options?: ConvOptions<S>]
  | readonly [
      bias?: Tensor | null,
      stride?: S | ConvOptions<S>,
      padding?: ConvOptions<S>['padding'] | ConvOptions<S>,
      dilation?: S | ConvOptions<S>,
      groups?: number | ConvOptions<S>,
      options?: ConvOptions<S>,
    ];

export interface ConvTransposeOptions<S extends Extent = Pair> {
  /** Added to each output channel: [OC]. */
  readonly bias?: Tensor | null;
  /** Step of the kernel over the result. Default 1. */
  readonly stride?: S;
  /** How much of the result's edge is left out. Default 0. */
  readonly padding?: S;
  /** Size added to the end of the result: with a stride, several sizes lead to one. Default 0. */
  readonly outputPadding?: S;
  readonly groups?: number;
  readonly dilation?: S;
}

/** What follows the weight, by position or by name. */
export type ConvTransposeArguments<S extends Extent = Pair> =
  | readonly [options?: ConvTransposeOptions<S>]
  | readonly [
      bias?: Tensor | null,
      stride?: S | ConvTransposeOptions<S>,
      padding?: S | ConvTransposeOptions<S>,
      outputPadding?: S | ConvTransposeOptions<S>,
      groups?: number | ConvTransposeOptions<S>,
      dilation?: S | ConvTransposeOptions<S>,
      options?: ConvTransposeOptions<S>,
    ];

export function readConv<S extends Extent>(name: string, given: ConvArguments<S>): ConvOptions<S> {
  return readArguments(name, given, ['bias', 'stride', 'padding', 'dilation', 'groups']);
}

export function readConvTranspose<S extends Extent>(
  name: string,
  given: ConvTransposeArguments<S>,
): ConvTransposeOptions<S> {
  return readArguments(name, given, ['bias', 'stride', 'padding', 'outputPadding', 'groups', 'dilation']);
}

/**
 * The sizes of a convolution of n images with c channels to oc channels, in one to three directions. The image may be
 * longer than what the outputs reach, and shorter: what they reach beyond its end is zero.
 */
export interface Field {
  readonly n: number;
  readonly c: number;
  readonly image: readonly number[];
  readonly oc: number;
  readonly out: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  /** Zeros before the image; those behind it follow from `out`. */
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** Throws unless input [N, C, …] and weight have the dimensions they should, and bias is [channels]. */
function checkOperands(
  name: string,
  rank: Rank,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  layout: string,
): void {
  checkTensor(name, weight, 'weight');
  checkDevice(name, input, weight);
  if (input.ndim !== rank + 2) {
    fail('shape', `${name}: expected input ${imageShapes(rank)}, got ${show(input.shape)}.`);
  }
  if (weight.ndim !== rank + 2) {
    fail('shape', `${name}: expected weight [${layout}, …] with ${rank + 2} dimensions, got ${show(weight.shape)}.`);
  }
  if (input.shape.indexOf(0, 1) > 0 || weight.shape.includes(0)) {
    fail(
      'shape',
      `${name}: only the batch may be empty, got input ${show(input.shape)} and weight ${show(weight.shape)}.`,
    );
  }
  if (bias !== null) {
    checkTensor(name, bias, 'bias');
    checkDevice(name, input, bias);
  }
}

function checkBias(name: string, bias: Tensor | null, channels: number): void {
  if (bias !== null && !sameShape(bias.shape, [channels]))
    fail('shape', `${name}: bias must be [${channels}], got ${show(bias.shape)}.`);
}

/** Sizes of the convolution of input [N, C, …] with weight [OC, C / groups, …]. */
export function convField(
  name: string,
  rank: Rank,
  input: Tensor,
  weight: Tensor,
  { bias = null, stride = 1, padding = 0, dilation = 1, groups = 1 }: ConvOptions<Extent>,
): Field {
  checkOperands(name, rank, input, weight, bias, 'outC, C / groups');
  const [n, c] = input.shape as [number, number];
  const [oc, perGroup] = weight.shape as [number, number];
  const image = input.shape.slice(2);
  const kernel = weight.shape.slice(2);
  if (!Number.isInteger(groups) || groups < 1 || oc % groups !== 0 || c !== perGroup * groups) {
    fail(
      'shape',
      `${name}: ${c} input channels do not fit weight ${show(weight.shape)} with groups ${groups}; weight needs ` +
        `${c} / groups in dim 1, and a multiple of groups in dim 0.`,
    );
  }
  checkBias(name, bias, oc);
  const steps = extents(name, 'stride', stride, rank, 1);
  const spaces = extents(name, 'dilation', dilation, rank, 1);
  if (padding === 'same') {
    if (steps.some((s) => s !== 1)) fail('argument', `${name}: padding 'same' needs stride 1, got ${show(steps)}.`);
    // Where the number of zeros is odd, the end has one more.
    const before = kernel.map((k, i) => Math.floor(((spaces[i] as number) * (k - 1)) / 2));
    return { n, c, image, oc, out: image, kernel, stride: steps, padding: before, dilation: spaces, groups };
  }
  if (typeof padding === 'string' && padding !== 'valid') {
    fail('argument', `${name}: padding must be whole numbers, 'same' or 'valid', got '${String(padding)}'.`);
  }
  const zeros = extents(name, 'padding', padding === 'valid' ? 0 : padding, rank, 0);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const room =
      (image[i] as number) + 2 * (zeros[i] as number) - (spaces[i] as number) * ((kernel[i] as number) - 1) - 1;
    if (room < 0) {
      fail(
        'shape',
        `${name}: a kernel of ${show(kernel)} with dilation ${show(spaces)} does not fit into ${show(image)} with padding ` +
          `${show(zeros)}.`,
      );
    }
    out.push(Math.floor(room / (steps[i] as number)) + 1);
  }
  return { n, c, image, oc, out, kernel, stride: steps, padding: zeros, dilation: spaces, groups };
}

/**
 * Sizes of the convolution whose gradient is the transposed one of input [N, C, …] with weight [C, OC / groups, …]: its
 * image is our result.
 */
export function convTransposeField(
  name: string,
  rank: Rank,
  input: Tensor,
  weight: Tensor,
  { bias = null, stride = 1, padding = 0, outputPadding = 0, groups = 1, dilation = 1 }: ConvTransposeOptions<Extent>,
): Field {
  checkOperands(name, rank, input, weight, bias, 'C, outC / groups');
  const [n, oc, ...out] = input.shape as [number, number, ...number[]];
  const [channels, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  if (!Number.isInteger(groups) || groups < 1 || oc % groups !== 0 || oc !== channels) {
    fail(
      'shape',
      `${name}: ${oc} input channels do not fit weight ${show(weight.shape)} with groups ${groups}; weight needs ${oc} in ` +
        'dim 0, a multiple of groups.',
    );
  }
  const c = perGroup * groups;
  checkBias(name, bias, c);
  const steps = extents(name, 'stride', stride, rank, 1);
  const cut = extents(name, 'padding', padding, rank, 0);
  const more = extents(name, 'outputPadding', outputPadding, rank, 0);
  const spaces = extents(name, 'dilation', dilation, rank, 1);
  if (more.some((m, i) => m >= (steps[i] as number) && m >= (spaces[i] as number))) {
    fail(
      'argument',
      `${name}: outputPadding must be smaller than stride or dilation, got ${show(more)} for stride ${show(steps)} and ` +
        `dilation ${show(spaces)}.`,
    );
  }
  const image = out.map(
    (s, i) =>
      (s - 1) * (steps[i] as number) -
      2 * (cut[i] as number) +
      (spaces[i] as number) * ((kernel[i] as number) - 1) +
      (more[i] as number) +
      1,
  );
  if (image.some((s) => s < 1)) {
    fail('shape', `${name}: the result would have sizes ${show(image)}. Use less padding than ${show(cut)}.`);
  }
  return { n, c, image, oc, out, kernel, stride: steps, padding: cut, dilation: spaces, groups };
}
