import { quantized } from '#binary';
import { record } from '../autograd/index.js';
import type { KernelName } from '../core/device.js';
import { fail, show } from '../core/errors.js';
import { Tensor } from '../core/tensor.js';
import { checkTensor, convert, dense, empty, scalarLike } from './op.js';

/**
 * Quantization and back: numbers that int8 could hold, in float32, so that training sees what quantization will do. The
 * gradient passes straight through where nothing was clamped and is 0 elsewhere (Bengio et al. 2013, "Estimating or propagating
 * gradients through stochastic neurons"; Jacob et al. 2018, section 3).
 */

/** Numbers in a line of a tensor that has one scale for all of it. */
const LINE = 4096;

/** How the numbers of a tensor find their scale: line i has that of channel i mod channels. */
interface Lines {
  readonly inner: number;
  readonly channels: number;
}

interface Map {
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
  readonly bounds: readonly [low: number, high: number];
}

function checkBounds(name: string, quantMin: number, quantMax: number): void {
  if (!(Number.isInteger(quantMin) && Number.isInteger(quantMax) && quantMin < quantMax)) {
    fail(
      'argument',
      `${name}: quantMin and quantMax must be whole numbers that rise, got ${quantMin} and ${quantMax}.`,
    );
  }
}

function launch(kernel: KernelName, y: Tensor, reads: readonly Tensor[], lines: Lines, bounds: Map['bounds']): void {
  const total = y.numel();
  y.storage.device.launch({
    kernel,
    work: total === 0 ? 0 : Math.ceil(total / lines.inner),
    grain: Math.max(1, Math.ceil(32768 / Math.max(1, lines.inner))),
    writes: [y],
    reads,
    ints: [total, lines.inner, lines.channels, ...bounds],
  });
}

function fake(name: string, input: Tensor, { scale, zeroPoint, bounds }: Map, lines: Lines): Tensor<'float32'> {
  const x = dense(convert(input, 'float32'));
  const y = empty(x, x.shape, 'float32', name);
  launch(quantized.kernel('fakeQuantize_f32'), y, [x, scale, zeroPoint], lines, bounds);
  record(name, [input], [y], [x, scale, zeroPoint], ([g], saved) => {
    const [seen, s, z] = saved as [Tensor, Tensor, Tensor];
    return [straight(name, g as Tensor, seen, { scale: s, zeroPoint: z, bounds }, lines)];
  });
  return y;
}

/** g where x lies within the bounds, 0 elsewhere: linear in g, so that its gradient is itself. */
function straight(name: string, g: Tensor, x: Tensor, map: Map, lines: Lines): Tensor {
  const y = empty(g, g.shape, 'float32', name);
  launch(quantized.kernel('fakeQuantizeGrad_f32'), y, [dense(g), x, map.scale, map.zeroPoint], lines, map.bounds);
  record(`${name}Gradient`, [g], [y], [x, map.scale, map.zeroPoint], ([v], saved) => {
    const [seen, s, z] = saved as [Tensor, Tensor, Tensor];
    return [straight(name, v as Tensor, seen, { scale: s, zeroPoint: z, bounds: map.bounds }, lines)];
  });
  return y;
}

/** `value` as float32 numbers on the device of `like`, `count` of them. */
function numbers(name: string, what: string, like: Tensor, value: Tensor | number, count: number): Tensor {
  if (!(value instanceof Tensor)) return scalarLike(like, value, 'float32');
  if (value.numel() !== count) {
    fail(
      'shape',
      `${name}: ${what} must have ${count} ${count === 1 ? 'number' : 'numbers'}, got ${show(value.shape)}.`,
    );
  }
  return dense(convert(value.detach(), 'float32'));
}

/**
 * (clamp(round(x / scale) + zeroPoint, quantMin, quantMax) − zeroPoint) · scale, halves to even, of x's shape; a NaN stays one.
 * `scale` and `zeroPoint` are numbers, or tensors of one. The gradient of x is that of the result where x was not clamped.
 */
export function fakeQuantizePerTensorAffine(
  x: Tensor,
  scale: Tensor | number,
  zeroPoint: Tensor | number,
  quantMin: number,
  quantMax: number,
): Tensor<'float32'> {
  const name = 'fakeQuantizePerTensorAffine';
  checkTensor(name, x);
  checkBounds(name, quantMin, quantMax);
  const map: Map = {
    scale: numbers(name, 'scale', x, scale, 1),
    zeroPoint: numbers(name, 'zeroPoint', x, zeroPoint, 1),
    bounds: [quantMin, quantMax],
  };
  return fake(name, x, map, { inner: LINE, channels: 1 });
}

/** The same with a scale and a zero point for each slice along dimension `axis`: two tensors [channels]. */
export function fakeQuantizePerChannelAffine(
  x: Tensor,
  scale: Tensor,
  zeroPoint: Tensor,
  axis: number,
  quantMin: number,
  quantMax: number,
): Tensor<'float32'> {
  const name = 'fakeQuantizePerChannelAffine';
  checkTensor(name, x);
  checkBounds(name, quantMin, quantMax);
  const dim = axis < 0 ? axis + x.ndim : axis;
  const channels = x.shape[dim];
  if (channels === undefined) return fail('argument', `${name}: axis ${axis} is none of ${x.ndim} dimensions.`);
  const map: Map = {
    scale: numbers(name, 'scale', x, scale, channels),
    zeroPoint: numbers(name, 'zeroPoint', x, zeroPoint, channels),
    bounds: [quantMin, quantMax],
  };
  const inner = x.shape.slice(dim + 1).reduce((n, size) => n * size, 1);
  return fake(name, x, map, { inner, channels });
}

export interface RangeOptions {
  /** The share by which the range moves toward that of x. */
  readonly share: number;
  /** The dimension of x whose slices have a range each; null for one range. */
  readonly axis: number | null;
  readonly quantMin: number;
  readonly quantMax: number;
  /** Whether the range is taken as symmetric around 0. */
  readonly symmetric: boolean;
}

/**
 * Moves the range [least, most], two tensors [channels], toward that of `x`, in place and unrecorded; where it is infinite it
 * becomes that of x. Returns its map to whole numbers; without x, that of the range as it is. Nothing is read back, so that a
 * captured step can do it.
 */
export function observeRange(
  x: Tensor | null,
  least: Tensor,
  most: Tensor,
  { share, axis, quantMin, quantMax, symmetric }: RangeOptions,
): { scale: Tensor<'float32'>; zeroPoint: Tensor<'float32'> } {
  const channels = least.numel();
  const source = x === null ? null : dense(convert(x, 'float32'));
  const inner =
    source === null || axis === null
      ? (source?.numel() ?? 0)
      : source.shape.slice(axis + 1).reduce((n, size) => n * size, 1);
  const [scale, zeroPoint] = [
    empty(least, [channels], 'float32', 'scale'),
    empty(least, [channels], 'float32', 'zero'),
  ];
  least.storage.device.launch({
    kernel: quantized.kernel('observeRange_f32'),
    work: channels,
    grain: Math.max(1, Math.ceil((32768 * channels) / Math.max(1, source?.numel() ?? 0))),
    writes: [least, most, scale, zeroPoint],
    reads: [source ?? least],
    floats: [share],
    ints: [source?.numel() ?? 0, inner, channels, quantMin, quantMax, Number(symmetric)],
  });
  if (source !== null) for (const bound of [least, most]) bound.storage.touch('observeRange');
  return { scale, zeroPoint };
}
