import { quantized } from '#binary';
import type { KernelName } from '../core/device.js';
import { fail, show } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { convert, dense, empty, knownValues } from './op.js';

/**
 * Products in int8. Real values are scale · (q − zeroPoint); products are summed exactly in int32 and scaled to float32 as
 * they are written. Layers quantize their input as they pack it, so that one launch takes float32 to float32. Nothing here
 * is recorded: quantized layers are for inference.
 */

/** How real numbers map to int8. */
export interface Affine {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** round(x / scale) + zeroPoint, halves to even, clamped to [−128, 127]. */
export function quantizePerTensor(x: Tensor, { scale, zeroPoint }: Affine): Tensor<'int8'> {
  const source = dense(convert(x, 'float32'));
  const y = empty(source, source.shape, 'int8', 'quantize');
  y.storage.device.launch({
    kernel: quantized.kernel('quantize_i8'),
    work: y.numel(),
    grain: 32768,
    writes: [y],
    reads: [source],
    floats: [1 / scale],
    ints: [zeroPoint],
  });
  return y;
}

/** Weights in the order in which a product reads them, made once for as long as they last. Free them with `dispose`. */
export interface PackedWeight {
  readonly panels: Tensor<'int8'>;
  /** Output units, and what each of them sums up. */
  readonly n: number;
  readonly k: number;
}

function weightOf(name: string, weight: Tensor): { values: Int8Array; n: number; k: number } {
  if (weight.dtype !== 'int8') fail('dtype', `${name}: expected int8, got ${weight.dtype} ${show(weight.shape)}.`);
  const n = weight.shape[0] as number;
  return { values: knownValues(name, weight) as Int8Array, n, k: n === 0 ? 0 : weight.numel() / n };
}

function packed(weight: Tensor, values: Int8Array | Int16Array, n: number, k: number): PackedWeight {
  const panels = empty(weight, [Math.max(1, values.byteLength)], 'int8', 'packWeight').keep();
  const { storage } = panels;
  storage.device.write(storage, 0, new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength));
  return { panels, n, k };
}

/** Packs the int8 weights [N, K] of a linear layer: panels of eight units, in pairs of k, as assembly/qgemm.ts draws them. */
export function packLinear(weight: Tensor): PackedWeight {
  const { values, n, k } = weightOf('packLinear', weight);
  const pairs = Math.ceil(k / 2);
  const panels = new Int8Array(32 * Math.ceil(n / 16) * pairs);
  for (let unit = 0; unit < n; unit++) {
    const at = 16 * pairs * (unit >> 3) + 2 * (unit & 7);
    for (let i = 0; i < k; i++) panels[at + 16 * (i >> 1) + (i & 1)] = values[unit * k + i] as number;
  }
  return packed(weight, panels, n, k);
}

/** How many of `n` output channels stand in panels of five, the rest standing in panels of four: the fewest in vain. */
function tallChannels(n: number): { tall: number; total: number } {
  let best = { tall: 0, total: Infinity };
  for (let low = 0; low < 5; low++) {
    const tall = 5 * Math.ceil(Math.max(0, n - 4 * low) / 5);
    if (tall + 4 * low < best.total) best = { tall, total: tall + 4 * low };
  }
  return best;
}

/** Packs the int8 weights [OC, C, KH, KW] of a convolution, as assembly/qconv.ts reads them. */
export function packConv2d(weight: Tensor): PackedWeight {
  const { values, n, k } = weightOf('packConv2d', weight);
  const [, channels, kh, kw] = weight.shape as [number, number, number, number];
  const { tall, total } = tallChannels(n);
  const pairs = pairsOf(channels, kh, kw);
  const panels = new Int16Array(2 * pairs * total);
  for (let unit = 0; unit < n; unit++) {
    const height = unit < tall ? 5 : 4;
    const place = unit < tall ? unit % 5 : (unit - tall) % 4;
    let to = 2 * pairs * (unit - place) + 2 * place;
    const put = (first: number, second: number): void => {
      panels[to] = first;
      panels[to + 1] = second;
      to += 2 * height;
    };
    const tap = (c: number, i: number, j: number): number =>
      j < kw ? (values[((unit * channels + c) * kh + i) * kw + j] as number) : 0;
    for (let c = 0; c < channels; c += 2) {
      const alone = c + 1 === channels;
      for (let i = 0; i < kh; i++) {
        for (let j = 0; j < kw; j += alone ? 2 : 1) put(tap(c, i, j), alone ? tap(c, i, j + 1) : tap(c + 1, i, j));
      }
    }
  }
  return packed(weight, panels, n, k);
}

/** Pairs that a convolution multiplies for an output: of two channels, or of two taps of a channel left over. */
function pairsOf(channels: number, kh: number, kw: number): number {
  return (channels >> 1) * kh * kw + (channels % 2) * kh * Math.ceil(kw / 2);
}

export interface QuantizedProduct {
  /** Scale of each output channel's weights: [N]. */
  readonly scale: Tensor;
  readonly bias: Tensor | null;
  /** How the input is quantized; null for a linear layer that maps the range of each input. */
  readonly input: Affine | null;
  readonly activation?: 'relu' | undefined;
}

/** Scratch bytes of the int8 product, as assembly/qgemm.ts states them. */
function productScratch(m: number, k: number): number {
  const pairs = Math.max(1, Math.ceil(k / 2));
  return 320 + 4 * pairs * Math.min(m + 4, Math.max(5, Math.min(120, Math.floor(32768 / pairs))));
}

function product<T extends 'int32' | 'float32'>(
  kernel: KernelName,
  y: Tensor<T>,
  x: Tensor,
  weight: PackedWeight,
  reads: readonly (Tensor | null)[],
  floats: readonly [number, number],
  flags: readonly [number, number],
): Tensor<T> {
  const [m, k] = x.shape as [number, number];
  if (k !== weight.k) fail('shape', `${kernel}: the last size of input must be ${weight.k}, got ${show(x.shape)}.`);
  const { n } = weight;
  y.storage.device.launch({
    kernel,
    work: m >= n ? m : Math.ceil(n / 16),
    grain: Math.max(1, Math.ceil(2 ** 20 / Math.max(1, Math.max(m, n) * k))),
    writes: [y],
    reads: [x, weight.panels, ...reads],
    floats,
    ints: [m, n, k, ...flags],
    scratch: productScratch(m, k),
  });
  return y;
}

/** x · weightᵀ, exact: int8 [M, K] → int32 [M, N]. */
export function int8Matmul(x: Tensor<'int8'>, weight: PackedWeight): Tensor<'int32'> {
  const y = empty(x, [x.shape[0] as number, weight.n], 'int32', 'int8Matmul');
  return product(quantized.kernel('qgemm_i32'), y, dense(x), weight, [null, null], [1, 1], [0, 0]);
}

/**
 * act(x · weightᵀ + bias), quantizing x on the way: float32 [M, K] → float32 [M, N]. Without a map of the input, the range of
 * all of x, widened to hold 0, is mapped to int8.
 */
export function quantizedLinear(
  x: Tensor,
  weight: PackedWeight,
  { scale, bias, input, activation }: QuantizedProduct,
): Tensor<'float32'> {
  const y = empty(x, [x.shape[0] as number, weight.n], 'float32', 'quantizedLinear');
  const relu = activation === 'relu' ? 1 : 0;
  const source = dense(convert(x, 'float32'));
  if (input === null)
    return product(quantized.kernel('qgemm_dynamic_f32'), y, source, weight, [scale, bias], [1, 1], [0, relu]);
  const map = [1 / input.scale, input.scale] as const;
  return product(quantized.kernel('qgemm_f32'), y, source, weight, [scale, bias], map, [input.zeroPoint, relu]);
}

/** Where a quantized convolution looks: as `conv2d`, without groups. */
export interface QuantizedWindow {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** Bytes that a band of quantized rows should not exceed: half of a usual second-level cache. */
const BAND_BYTES = 196608;

/**
 * Cross-correlation with int8 weights, quantizing x on the way: x [N, C, H, W], weights packed from [OC, C, KH, KW] → float32
 * [N, OC, OH, OW]. Padding has the value 0.
 */
export function quantizedConv2d(
  x: Tensor,
  weight: PackedWeight,
  { kernel, stride, padding, dilation }: QuantizedWindow,
  { scale, bias, input, activation }: QuantizedProduct & { readonly input: Affine },
): Tensor<'float32'> {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [kh, kw] = kernel;
  if (c * kh * kw !== weight.k)
    fail('shape', `quantizedConv2d: expected ${weight.k / (kh * kw)} input channels, got ${show(x.shape)}.`);
  const size = (s: number, i: 0 | 1): number =>
    Math.floor((s + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1;
  const [oh, ow] = [size(h, 0), size(w, 1)];
  if (oh < 1 || ow < 1)
    fail('shape', `quantizedConv2d: a kernel of ${show(kernel)} does not fit into ${show([h, w])}.`);
  const oc = weight.n;
  const padded = w + 2 * padding[1];
  const pairs = pairsOf(c, kh, kw);
  const line = 4 * Math.ceil(c / 2) * stride[1] * (Math.ceil(padded / stride[1]) + 4);
  const reach = dilation[0] * (kh - 1) + 1;
  const rows = Math.floor((BAND_BYTES / Math.max(1, line) - reach) / stride[0]) + 1;
  const band = Math.max(1, Math.min(oh, rows));
  const y = empty(x, [n, oc, oh, ow], 'float32', 'quantizedConv2d');
  y.storage.device.launch({
    kernel: quantized.kernel('qconv2d_f32'),
    work: n * oh,
    grain: Math.max(1, Math.ceil(2 ** 20 / Math.max(1, oc * ow * weight.k))),
    writes: [y],
    reads: [dense(convert(x, 'float32')), weight.panels, scale, bias],
    floats: [1 / input.scale, input.scale],
    ints: [
      ...[n, c, h, w, oc, oh, ow, ...kernel, ...stride, ...padding, ...dilation, input.zeroPoint],
      ...[activation === 'relu' ? 1 : 0, tallChannels(oc).tall, band],
    ],
    scratch:
      320 +
      4 * (padded + dilation[1] + 8 + pairs + 2 * oc) +
      8 * band * Math.ceil(ow / 4) +
      line * ((band - 1) * stride[0] + reach),
  });
  return y;
}
