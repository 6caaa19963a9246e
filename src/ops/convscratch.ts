/**
 * Bytes of scratch memory that the convolution kernels use, as assembly/conv.ts and assembly/convweight.ts lay it out. The
 * constants stand there too, with what they were chosen for, and must stay equal.
 */

/** Everything a convolution kernel has to know. */
export interface Geometry {
  readonly n: number;
  readonly c: number;
  readonly image: readonly [number, number];
  readonly oc: number;
  readonly out: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

const quotient = (a: number, b: number): number => Math.ceil(a / b);

interface PlanSize {
  /** Images whose outputs are gathered together. */
  readonly images: number;
  readonly bytes: number;
}

/** A plan of `taps` in `kernelRows` for `channels` outputs on a grid; `flat` where the grid's lines follow one another in memory. */
function planSize(
  taps: number,
  kernelRows: number,
  channels: number,
  rows: number,
  cols: number,
  groups: number,
  flat: boolean,
): PlanSize {
  const outputs = rows * cols;
  const [lines, length] = flat ? [1, outputs] : [rows, cols];
  const gathers = length < 4 || (channels > 1 && (4 * quotient(length, 4) - length) * channels > 12 * length);
  const images = gathers && outputs <= 256 ? 8 : 1;
  const table = gathers ? 8 * images * outputs + 36 * taps : 16 * (lines * quotient(length, 4) + 7);
  return { images, bytes: 8 * taps + 4 * kernelRows + table + 4 * groups * (channels + 3) * (taps + 1) + 256 };
}

/** The input as the kernels read it: where it is, or padded and taken apart by the stride. */
function sourceSize({ c, image, out, kernel, stride, padding, dilation }: Geometry) {
  const height = (out[0] - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1;
  const width = out[1] + Math.floor(((kernel[1] - 1) * dilation[1]) / stride[1]);
  const inPlace = padding[0] === 0 && padding[1] === 0 && stride[1] === 1 && height <= image[0] && width <= image[1];
  const copied = 4 * c * height * stride[1] * width;
  return {
    height: inPlace ? image[0] : height,
    pitch: inPlace ? image[1] : width * stride[1],
    bytes: inPlace ? 0 : copied,
    imageBytes: inPlace ? 4 * c * image[0] * image[1] : copied,
  };
}

export function forwardScratch(g: Geometry): number {
  const source = sourceSize(g);
  const taps = (g.c / g.groups) * g.kernel[0] * g.kernel[1];
  const plan = planSize(
    taps,
    g.kernel[0],
    g.oc / g.groups,
    ...g.out,
    g.groups,
    source.pitch * g.stride[0] === g.out[1],
  );
  return 512 + plan.bytes + plan.images * source.bytes;
}

/** Fewer images than this are cut into items of so many output channels. */
const FEW_IMAGES = 8;
const ITEM_CHANNELS = 8;

/** Items of work of the forward pass, and how many of them it takes before making the image ready for each share costs little. */
export function forwardWork({ n, oc, out, groups }: Geometry): { readonly work: number; readonly least: number } {
  // A share of one group packs the weights once, which are used at every output of its images.
  if (groups > 1 || n >= FEW_IMAGES) return { work: n, least: quotient(512, Math.max(1, out[0] * out[1])) };
  return { work: n * quotient(oc, ITEM_CHANNELS), least: 2 * n };
}

/** Taps that reach an input position with this remainder of the stride. */
function tapsAt(position: number, padding: number, kernel: number, dilation: number, stride: number): number {
  let count = 0;
  for (let i = 0; i < kernel; i++) if ((position + padding - i * dilation) % stride === 0) count++;
  return count;
}

/** Channels of the large tile in strict and in relaxed arithmetic. */
const LARGE = [5, 6] as const;

/** The fewest channels, with empty ones, that panels of `large` and of four hold `channels` in. */
function leastPacked(channels: number, large: number): number {
  const counts = Array.from({ length: large }, (_, small) => {
    return large * quotient(Math.max(0, channels - 4 * small), large) + 4 * small;
  });
  return Math.min(...counts);
}

/** Whether the gradient of the input is spread. */
function spreads({ c, oc, image, out, stride, groups }: Geometry, large: number): boolean {
  const channels = c / groups;
  if (oc === groups) return false;
  const packed = channels === 1 ? 1 : leastPacked(channels, large);
  return packed * 4 * quotient(image[1], 4) > 2 * channels * stride[1] * out[1];
}

export function gradInputScratch(g: Geometry): number {
  const { c, oc, image, out, kernel, stride, padding, dilation, groups } = g;
  const inputs = c / groups;
  const outputs = oc / groups;
  let spread = 0;
  if (LARGE.some((large) => spreads(g, large))) {
    const field = inputs * kernel[0] * kernel[1];
    const plan = planSize(outputs, 1, field, ...out, groups, true);
    spread = 512 + plan.bytes + 4 * plan.images * field * out[0] * out[1];
  }
  const before = (i: 0 | 1): number =>
    Math.max(0, -Math.floor((padding[i] - (kernel[i] - 1) * dilation[i]) / stride[i]));
  const reach = (i: 0 | 1): number =>
    Math.max(out[i], Math.floor((image[i] - 1 + padding[i]) / stride[i]) + 1) + before(i);
  const [height, width] = [reach(0), reach(1)];
  const inPlace = before(0) === 0 && before(1) === 0 && height <= out[0] && width <= out[1];
  let bytes = 512;
  let images = 1;
  for (let y = 0; y < Math.min(stride[0], image[0]); y++) {
    for (let x = 0; x < Math.min(stride[1], image[1]); x++) {
      const cols = quotient(image[1] - x, stride[1]);
      const taps =
        outputs *
        tapsAt(y, padding[0], kernel[0], dilation[0], stride[0]) *
        tapsAt(x, padding[1], kernel[1], dilation[1], stride[1]);
      const flat = width === cols && stride[0] * image[1] === stride[1] * cols;
      const plan = planSize(taps, kernel[0], inputs, quotient(image[0] - y, stride[0]), cols, groups, flat);
      bytes += plan.bytes + 128;
      images = Math.max(images, plan.images);
    }
  }
  return Math.max(spread, bytes + (inPlace ? 0 : images * 4 * oc * height * width));
}

/** Items of work of the weight's gradient: input channels where there are as many as this, else output channels. */
const INPUTS = 4;

export function gradWeightWork({ c, oc, out, groups }: Geometry): number {
  return groups === 1 && c >= INPUTS && out[0] * out[1] >= 4 ? c : oc;
}

/** Steps of four outputs that a block of images has at most, and the bytes its images may take. */
const BLOCK = 256;
const BLOCK_BYTES = 1 << 18;

export function gradWeightScratch(g: Geometry): number {
  const source = sourceSize(g);
  const [rows, cols] = g.out;
  const taps = (g.c / g.groups) * g.kernel[0] * g.kernel[1];
  const outputs = rows * cols;
  const steps = quotient(outputs, 4);
  const tapByTap = outputs < 4;
  const shifts = !tapByTap && source.pitch * g.stride[0] !== cols && cols % 4 !== 0;
  const shifted = 4 * g.c * g.kernel[1] * g.stride[0] * quotient(source.height, g.stride[0]) * cols;
  const fit = Math.floor(BLOCK_BYTES / Math.max(shifts ? shifted : source.imageBytes, 1));
  const images = Math.max(1, Math.min(g.n, Math.floor(BLOCK / steps), fit));
  const lists = 512 + 4 * (taps + 5) + 4 * steps * images + 96 * Math.min(BLOCK, steps * images) + 64;
  if (shifts) return lists + source.bytes + images * shifted;
  return lists + images * source.bytes + (tapByTap ? (taps + 2) * (4 * outputs * images + 20) + 16 : 0);
}
