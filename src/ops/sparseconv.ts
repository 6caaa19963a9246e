import { sparse } from '#binary';
import { fail, show } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { type ConvOptions, convField } from './convfield.js';
import type { Geometry } from './convscratch.js';
import { checkDevice, checkTensor, dense, empty } from './op.js';
import { checkFloat } from './sparseparts.js';
import type { Pattern } from './sparseproduct.js';

/** Convolution whose filters hold few weights. */

export interface SparseConvOptions extends Omit<ConvOptions, 'bias'> {
  /** Rows and columns of a filter. */
  readonly kernel: readonly [number, number];
  /** Multiplies each output channel: [OC]. */
  readonly scale?: Tensor | null;
  /** Added to each output channel: [OC]. */
  readonly shift?: Tensor | null;
  /** Whether negative results become 0. Default false. */
  readonly relu?: boolean;
}

/** Images that make a strip, and the most bytes that the transposed images of a strip wider than that may take. */
const FEW = 8;
const CACHE = 1 << 20;

/** The size of an image as the kernel lays it out: padded, columns sorted by their remainder modulo the stride; in floats. */
function paddedSize({ c, image, out, kernel, stride, dilation }: Geometry): number {
  const height = (out[0] - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1;
  const width = out[1] + Math.floor(((kernel[1] - 1) * dilation[1]) / stride[1]);
  return c * Math.max(height * stride[1] * width, image[0] * image[1]);
}

/** Outputs that strips along the lines compute for each that is wanted: those between lines, and those beyond the end. */
function wasteOfLines({ image, out, kernel, stride, padding, dilation }: Geometry): number {
  const [rows, columns] = out;
  const whole = (n: number): number => 8 * Math.ceil(n / 8);
  if (stride[0] !== 1 || stride[1] !== 1) return whole(columns) / columns;
  const pitch = padding[0] + padding[1] === 0 ? image[1] : columns + (kernel[1] - 1) * dilation[1];
  return whole((rows - 1) * pitch + columns) / (rows * columns);
}

/**
 * How many images the kernel takes side by side, or 0 for outputs side by side, as assembly/sparseconv.ts tells them apart.
 * To transpose the images costs about a fifth of a convolution at 90 %, and more where they are padded first.
 */
function imagesTogether(g: Geometry, size: number): number {
  const isPadded = g.padding[0] + g.padding[1] > 0;
  if (g.n < FEW || wasteOfLines(g) < (isPadded ? 1.5 : 1.25)) return 0;
  return [48, 32, 16].find((images) => g.n >= images && 4 * size * images <= CACHE) ?? FEW;
}

/**
 * conv2d(input, weight) · scale + shift, then relu, for input [N, C, H, W] and the filters [OC, C / groups, KH, KW] whose
 * nonzeros are `values` at the places of `pattern`, a matrix [OC, C / groups · KH · KW] compressed by rows. Nothing is
 * recorded: for inference.
 */
export function sparseConv2d(input: Tensor, pattern: Pattern, values: Tensor, options: SparseConvOptions): Tensor {
  const name = 'sparseConv2d';
  const { kernel, scale = null, shift = null, relu = false, ...field } = options;
  checkTensor(name, input);
  const perGroup = pattern.columns / (kernel[0] * kernel[1]);
  // Sizes are checked against the filters as they would be in full, which are never made.
  const filters = values.strided([pattern.rows, perGroup, ...kernel], [0, 0, 0, 0], values.offset);
  const g = convField(name, 2, checkFloat(input), filters, field) as Geometry;
  filters.dispose();
  for (const t of [scale, shift]) {
    if (t === null) continue;
    checkDevice(name, input, t);
    if (!sameShape(t.shape, [g.oc])) fail('shape', `${name}: scale and shift must be [${g.oc}], got ${show(t.shape)}.`);
  }
  const y = empty(input, [g.n, g.oc, ...g.out], 'float32', name);
  const size = paddedSize(g);
  const images = imagesTogether(g, size);
  const { n, c, image, oc, out, stride, padding, dilation, groups } = g;
  const entries = pattern.layout.places.length;
  y.storage.device.launch({
    kernel: sparse.kernel('sparseConv2d_f32'),
    work: images === 0 ? n : Math.ceil(n / images),
    writes: [y],
    reads: [pattern.heads, pattern.places, dense(values), dense(input), scale && dense(scale), shift && dense(shift)],
    ints: [n, c, ...image, oc, ...out, ...kernel, ...stride, ...padding, ...dilation, groups, relu ? 1 : 0].concat([
      images,
      entries,
    ]),
    scratch: 1536 + 4 * (entries + perGroup * kernel[0] * kernel[1]) + 4 * size * Math.max(1, 2 * images),
  });
  return y;
}
