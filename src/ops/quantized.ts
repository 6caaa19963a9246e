import { fail, show } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { dense, empty } from './op.js';

/**
 * Products in int8. Real values are scale · (q − zeroPoint); products are summed exactly in int32 and scaled to float32 as
 * they are written. Nothing here is recorded: quantized layers are for inference.
 */

/** How real numbers map to int8. */
export interface Affine {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** round(x / scale) + zeroPoint, halves to even, clamped to [−128, 127]. */
export function quantizePerTensor(x: Tensor, { scale, zeroPoint }: Affine): Tensor<'int8'> {
  const source = dense(x);
  const y = empty(source, source.shape, 'int8', 'quantize');
  y.storage.device.launch({
    kernel: 'quantize_i8',
    work: y.numel(),
    grain: 32768,
    writes: [y],
    reads: [source, null, null],
    floats: [1 / scale],
    ints: [zeroPoint, -128, 127, 1, 1],
  });
  return y;
}

/** Weights [N, K] in int8, packed for the product, with the sum of each row. */
export interface PackedWeight {
  readonly panels: Tensor<'int8'>;
  readonly sums: Tensor<'int32'>;
  readonly n: number;
  readonly k: number;
}

/** Packs int8 weights [N, …], once for as long as they last. The result is kept; free it with `dispose`. */
export function packWeight(weight: Tensor): PackedWeight {
  if (weight.dtype !== 'int8') fail('dtype', `packWeight: expected int8, got ${weight.dtype} ${show(weight.shape)}.`);
  const n = weight.shape[0] as number;
  const k = n === 0 ? 0 : weight.numel() / n;
  const panels = empty(weight, [16 * Math.ceil(n / 8) * Math.max(1, Math.ceil(k / 2))], 'int8', 'packWeight').keep();
  const sums = empty(weight, [n], 'int32', 'packWeight').keep();
  weight.storage.device.launch({
    kernel: 'qpack_i8',
    work: Math.ceil(n / 8),
    writes: [panels, sums],
    reads: [dense(weight)],
    ints: [n, k, k],
  });
  return { panels, sums, n, k };
}

/** Scratch bytes of the int8 product, as assembly/qgemm.ts states them. */
function productScratch(m: number, n: number, k: number, isPacked: boolean): number {
  const pairs = Math.max(1, Math.ceil(k / 2));
  const rows = Math.max(4, Math.min(120, Math.floor(32768 / pairs) & ~3));
  const columns = Math.max(8, Math.min(1024, Math.floor(131072 / pairs) & ~7));
  return 12288 + 4 * pairs * Math.min(m + 3, rows) + (isPacked ? 0 : 2 * pairs * Math.min(n + 7, columns));
}

export interface QuantizedProduct {
  /** Scale of each output channel's weights: [N]. */
  readonly scale: Tensor;
  readonly bias: Tensor | null;
  /** How the input was quantized. */
  readonly input: Affine;
}

/** x · weightᵀ of int8: x [M, K] → float32 [M, N]. */
export function quantizedLinear(
  x: Tensor<'int8'>,
  weight: PackedWeight,
  { scale, bias, input }: QuantizedProduct,
): Tensor<'float32'> {
  const [m, k] = x.shape as [number, number];
  if (k !== weight.k)
    fail('shape', `quantizedLinear: the last size of input must be ${weight.k}, got ${show(x.shape)}.`);
  const { n } = weight;
  const y = empty(x, [m, n], 'float32', 'quantizedLinear');
  y.storage.device.launch({
    kernel: 'qgemm_f32',
    work: m >= n ? m : Math.ceil(n / 16),
    grain: Math.max(1, Math.ceil(2 ** 20 / Math.max(1, Math.max(m, n) * k))),
    writes: [y],
    reads: [x, weight.panels, scale, bias, weight.sums],
    floats: [input.scale],
    ints: [m, n, k, k, k, n, 1, 0, 0, 0, 1, 1, input.zeroPoint, 0, 0, 0, 0],
    scratch: productScratch(m, n, k, true),
  });
  return y;
}

/** Where a quantized convolution looks: as `conv2d`, without groups. */
export interface QuantizedWindow {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/**
 * Cross-correlation in int8: x [N, C, H, W], weight [OC, C, KH, KW] with the sums of its rows → float32 [N, OC, OH, OW].
 * Padding has the value 0, which in int8 is the input's zero point.
 */
export function quantizedConv2d(
  x: Tensor<'int8'>,
  weight: Tensor,
  sums: Tensor,
  { kernel, stride, padding, dilation }: QuantizedWindow,
  { scale, bias, input }: QuantizedProduct,
): Tensor<'float32'> {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [oc, channels] = weight.shape as [number, number];
  if (c !== channels) fail('shape', `quantizedConv2d: expected ${channels} input channels, got ${show(x.shape)}.`);
  const size = (s: number, i: 0 | 1): number =>
    Math.floor((s + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1;
  const [oh, ow] = [size(h, 0), size(w, 1)];
  if (oh < 1 || ow < 1)
    fail('shape', `quantizedConv2d: a kernel of ${show(kernel)} does not fit into ${show([h, w])}.`);
  const k = c * kernel[0] * kernel[1];
  const places = oh * ow;
  const columns = empty(x, [n * places, k], 'int8', 'quantizedConv2d');
  x.storage.device.launch({
    kernel: 'im2col_i8',
    work: n * oh,
    writes: [columns],
    reads: [dense(x)],
    ints: [n, c, h, w, oh, ow, ...kernel, ...stride, ...padding, ...dilation, input.zeroPoint],
  });
  const y = empty(x, [n, oc, oh, ow], 'float32', 'quantizedConv2d');
  y.storage.device.launch({
    kernel: 'qgemm_f32',
    work: n * (oc >= places ? oc : Math.ceil(places / 16)),
    grain: Math.max(1, Math.ceil(2 ** 20 / Math.max(1, Math.max(oc, places) * k))),
    writes: [y],
    // The weights are the left operand and the columns the right one: the result stands in channels, as images do.
    reads: [dense(weight), columns, scale, bias, sums],
    floats: [input.scale],
    ints: [oc, places, k, k, k, places, n, 0, places * k, oc * places, 0, 2, input.zeroPoint, 0, 0, 0, 0],
    scratch: productScratch(oc, places, k, false),
  });
  columns.dispose();
  return y;
}
