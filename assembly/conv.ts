/**
 * Two-dimensional convolution and the gradient of its input, which is also transposed convolution. Sums run over
 * (channel, kernel row, kernel column) in float32, one output at a time; or, where many kernel rows meet only zeros around
 * the image, over (kernel row, channel, kernel column) without those.
 *
 * Scratch, in bytes. A plan (convplan.ts) of rows × cols outputs takes
 *
 *   plan(taps, channels, rows, cols) = 8 taps + 4 KH + table + 4 groups (channels + 3) (taps + 1) + 256
 *   gathers = cols < 4, or channels > 1 and (4 ⌈cols / 4⌉ - cols) channels > 12 cols
 *   images  = gathers and rows cols <= 256 ? 8 : 1
 *   table   = gathers ? 8 images rows cols + 36 taps : 16 (rows ⌈cols / 4⌉ + 7)
 *
 * where lines that lie behind one another without a gap, in the source and in the result, count as one. With
 *
 *   Hp = (OH - 1) SH + (KH - 1) DH + 1,  Wp = OW + ⌊(KW - 1) DW / SW⌋
 *   padded = PH = PW = 0, SW = 1, Hp <= H and Wp <= W ? 0 : 4 C SW Hp Wp
 *
 * the forward pass takes 512 + plan(C / groups · KH KW, OC / groups, OH, OW) + images padded. The gradient of the input
 * takes, spread (convspread.ts), 512 + plan(OC / groups, C / groups · KH KW, OH, OW) + 4 images C / groups · KH KW OH
 * OW; otherwise, with height and width of sourceOfGradient, 512 + 4 images OC height width (the most images of any
 * plan) + the sum over the remainders y < SH and x < SW of 128 + plan(OC / groups · taps(y) taps(x), C / groups,
 * ⌈(H - y) / SH⌉, ⌈(W - x) / SW⌉).
 */
import { arrange, compute, leastPacked, packWeights, Plan, scaleWeights, skipsRows, tabulate } from './convplan';
import { aligned, Shape, shapeOf } from './convshape';
import { layOut, place, ready, remaindersRead, Source } from './convsource';
import { spread } from './convspread';
import { pointer, scratch } from './launch';
import { bytes, splat } from './simd';

/**
 * Output channels of an item of work where there are fewer images than this: so a single image has work for several threads.
 * In batches an item is an image, and every share packs all weights.
 */
const FEW_IMAGES: i32 = 8;
const ITEM_CHANNELS: i32 = 8;

/** What the forward pass reads. */
export function sourceOf(s: Shape, source: Source, from: usize): void {
  source.from = from;
  source.channels = s.c;
  source.rows = s.h;
  source.cols = s.w;
  source.tensorBytes = bytes(s.c * s.h * s.w);
  source.top = s.ph;
  source.left = s.pw;
  source.stride = s.sw;
  source.down = s.sh;
  source.rowsRead = remaindersRead(s.kh, s.dh, s.sh);
  source.colsRead = remaindersRead(s.kw, s.dw, s.sw);
  source.height = (s.oh - 1) * s.sh + (s.kh - 1) * s.dh + 1;
  source.width = s.ow - 1 + ((s.kw - 1) * s.dw) / s.sw + 1;
}

/** Offsets of a group's taps (channel, kernel row, kernel column) in the source, in the order of the weights. */
export function tapOffsets(s: Shape, source: Source, to: usize): void {
  const channels = s.c / s.groups;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < s.kh; i++) {
      for (let j = 0; j < s.kw; j++) {
        store<usize>(to, place(source, c, i * s.dh, j * s.dw));
        to += 4;
      }
    }
  }
}

/**
 * y = x * weight (+ bias) (then relu).
 * Slots: 0 y [N, OC, OH, OW], 1 x [N, C, H, W], 2 weight [OC, C/groups, KH, KW], 3 bias [OC] or 0, 4 N, 5 C, 6 H, 7 W,
 * 8 OC, 9 OH, 10 OW, 11 KH, 12 KW, 13 SH, 14 SW, 15 PH, 16 PW, 17 DH, 18 DW, 19 groups, 20 relu (0 or 1).
 * Work: N; or, for fewer than 8 images without groups, N ⌈OC / 8⌉, all images of eight channels before the next eight.
 */
export function conv2d_f32(r: usize, begin: i32, end: i32): void {
  const s = shapeOf(r, 4);
  forward(s, pointer(r, 0), pointer(r, 1), pointer(r, 2), pointer(r, 3), 0, begin, end);
}

/**
 * y = (x * weight) scale + shift (then relu): what is left of a convolution and a batch norm in evaluation. The scale goes
 * into the packed weights; relu is applied image by image, while y is in the cache.
 * Slots: 0 y [N, OC, OH, OW], 1 x [N, C, H, W], 2 weight [OC, C/groups, KH, KW], 3 shift [OC] or 0, 4 scale [OC] or 0,
 * 5…21 as 4…20 of conv2d_f32. Work: as conv2d_f32.
 */
export function conv2d_fused_f32(r: usize, begin: i32, end: i32): void {
  const s = shapeOf(r, 5);
  forward(s, pointer(r, 0), pointer(r, 1), pointer(r, 2), pointer(r, 3), pointer(r, 4), begin, end);
}

function forward(
  s: Shape,
  result: usize,
  input: usize,
  weight: usize,
  bias: usize,
  scale: usize,
  begin: i32,
  end: i32,
): void {
  if (s.groups > 1 || s.n >= FEW_IMAGES) {
    part(s, result, input, weight, bias, scale, begin, end, 0, s.oc);
    return;
  }
  // Items of whole blocks of channels together; beside them, some images of one block.
  while (begin < end) {
    const block = begin / s.n;
    const image = begin - block * s.n;
    const blocks = image == 0 ? (end - begin) / s.n : 0;
    const last = blocks > 0 ? s.n : min(s.n, image + end - begin);
    const lastChannel = min(s.oc, (block + max(1, blocks)) * ITEM_CHANNELS);
    part(s, result, input, weight, bias, scale, image, last, block * ITEM_CHANNELS, lastChannel);
    begin += (last - image) * max(1, blocks);
  }
}

/** Images begin … end - 1; of all groups, or of channels first … last - 1 where there is one group. */
function part(
  s: Shape,
  result: usize,
  input: usize,
  weight: usize,
  bias: usize,
  scale: usize,
  begin: i32,
  end: i32,
  first: i32,
  last: i32,
): void {
  const plan = changetype<Plan>(scratch());
  const source = changetype<Source>(scratch() + offsetof<Plan>());
  let room = scratch() + offsetof<Plan>() + offsetof<Source>();
  const channels = s.c / s.groups;
  plan.taps = channels * s.kh * s.kw;
  plan.channels = (last - first) / s.groups;
  plan.rows = s.oh;
  plan.cols = s.ow;
  plan.first = 0;
  plan.down = bytes(s.ow);
  plan.right = 4;
  plan.plane = bytes(s.oh * s.ow);
  plan.kernelRows = s.kh;
  plan.rowStep = s.sh;
  plan.rowsThere = s.h;
  sourceOf(s, source, input);
  const resultImage = plan.plane * <usize>s.oc;
  room = aligned(room);
  layOut(source, room, 0);
  plan.sourceDown = source.rowBytes * <usize>s.sh;
  arrange(plan, s.oc / s.groups);
  room += layOut(source, room, plan.images);
  plan.offsets = room;
  plan.weightOffsets = room + bytes(plan.taps);
  plan.sourceRows = plan.weightOffsets + bytes(plan.taps);
  forwardTaps(s, source, plan);
  room = aligned(plan.sourceRows + bytes(s.kh));
  room = aligned(room + tabulate(plan, source, resultImage, room));
  plan.weights = room;
  const row = bytes(plan.taps);
  const biases = bias ? bias + bytes(first) : 0;
  packWeights(plan, weight + <usize>first * row, s.groups, row * <usize>plan.channels, row, biases);
  if (scale) scaleWeights(plan, s.groups, scale + bytes(first));
  for (let image = begin; image < end; image += plan.images) {
    const count = min(plan.images, end - image);
    const x = ready(source, image, count);
    const y = result + <usize>image * resultImage + <usize>first * plan.plane;
    for (let g = 0; g < s.groups; g++) {
      const from = x + <usize>(g * channels) * source.channelBytes;
      compute(plan, g, from, y + <usize>(g * plan.channels) * plan.plane, count, source, resultImage);
    }
    for (let i = 0; s.relu && i < count; i++) {
      const own = y + <usize>i * resultImage;
      clampBelow(own, own + <usize>(last - first) * plan.plane);
    }
  }
}

function forwardTaps(s: Shape, source: Source, plan: Plan): void {
  const channels = s.c / s.groups;
  for (let i = 0; i < s.kh; i++) store<i32>(plan.sourceRows + bytes(i), i * s.dh - s.ph);
  const rowsFirst = skipsRows(plan);
  let at = plan.offsets;
  let weight = plan.weightOffsets;
  const outers = rowsFirst ? s.kh : channels;
  const inners = rowsFirst ? channels : s.kh;
  for (let outer = 0; outer < outers; outer++) {
    for (let inner = 0; inner < inners; inner++) {
      const i = rowsFirst ? outer : inner;
      const c = rowsFirst ? inner : outer;
      for (let j = 0; j < s.kw; j++) {
        store<usize>(at, place(source, c, i * s.dh, j * s.dw));
        store<usize>(weight, bytes((c * s.kh + i) * s.kw + j));
        at += 4;
        weight += 4;
      }
    }
  }
}

/** y = max(y, 0) while it is in the cache. pmax(v, 0) is v < 0 ? 0 : v, which keeps NaN. */
function clampBelow(y: usize, end: usize): void {
  const zero = splat(0);
  const by4 = y + ((end - y) & ~15);
  while (y < by4) {
    v128.store(y, f32x4.pmax(v128.load(y), zero));
    y += 16;
  }
  while (y < end) {
    v128.store32_lane(y, f32x4.pmax(v128.load32_zero(y), zero), 0);
    y += 4;
  }
}

/**
 * The gradient of the input: dx[n, c, iy, ix] = Σ dy[n, o, oy, ox] weight[o, c, i, j] over all taps with
 * oy · SH - PH + i · DH = iy (and so for columns), plus bias[c]. With dy as its input it is transposed convolution,
 * whose output size is H × W and whose bias and relu are added here; a gradient has neither.
 *
 * For one remainder of iy + PH modulo SH the taps that reach it are the same for all iy, so that each pair of
 * remainders is a convolution of dy with stride 1. Where that would mostly multiply the zeros around dy, products are
 * spread instead.
 *
 * Slots: 0 dx [N, C, H, W], 1 dy [N, OC, OH, OW], 2 weight [OC, C/groups, KH, KW], 3 bias [C] or 0, 4…20 as conv2d_f32.
 * Work: N.
 */
export function conv2d_grad_input_f32(r: usize, begin: i32, end: i32): void {
  const s = shapeOf(r, 4);
  if (spreads(s)) {
    spread(s, pointer(r, 0), pointer(r, 1), pointer(r, 2), pointer(r, 3), begin, end);
    const image = bytes(s.c * s.h * s.w);
    if (s.relu) clampBelow(pointer(r, 0) + <usize>begin * image, pointer(r, 0) + <usize>end * image);
    return;
  }
  const source = changetype<Source>(scratch());
  const plans = scratch() + offsetof<Source>();
  const rowPhases = min(s.sh, s.h);
  const colPhases = min(s.sw, s.w);
  const count = rowPhases * colPhases;
  let room = aligned(plans + <usize>count * offsetof<Plan>());
  const channels = s.c / s.groups;
  const outs = s.oc / s.groups;
  const resultPlane = bytes(s.h * s.w);
  const resultImage = resultPlane * <usize>s.c;
  sourceOfGradient(s, source, pointer(r, 1));
  layOut(source, room, 0);
  // The plans settle how many images are read together before those have their place.
  let images = 1;
  for (let i = 0; i < count; i++) {
    const plan = changetype<Plan>(plans + <usize>i * offsetof<Plan>());
    const py = i / colPhases;
    const px = i % colPhases;
    plan.channels = channels;
    plan.rows = (s.h - py + s.sh - 1) / s.sh;
    plan.cols = (s.w - px + s.sw - 1) / s.sw;
    plan.sourceDown = source.rowBytes;
    plan.first = bytes(py * s.w + px);
    plan.down = bytes(s.sh * s.w);
    plan.right = bytes(s.sw);
    plan.plane = resultPlane;
    plan.kernelRows = tapsOf(py, s.ph, s.kh, s.dh, s.sh);
    plan.rowStep = 1;
    plan.rowsThere = s.oh;
    plan.taps = outs * plan.kernelRows * tapsOf(px, s.pw, s.kw, s.dw, s.sw);
    arrange(plan, plan.channels);
    images = max(images, plan.images);
  }
  room += layOut(source, room, images);
  for (let i = 0; i < count; i++) {
    const plan = changetype<Plan>(plans + <usize>i * offsetof<Plan>());
    plan.offsets = room;
    plan.weightOffsets = room + bytes(plan.taps);
    plan.sourceRows = plan.weightOffsets + bytes(plan.taps);
    gradientTaps(s, source, plan, i / colPhases, i % colPhases);
    room = aligned(plan.sourceRows + bytes(s.kh));
    room = aligned(room + tabulate(plan, source, resultImage, room));
    plan.weights = room;
    const kernel = bytes(s.kh * s.kw);
    packWeights(plan, pointer(r, 2), s.groups, kernel * <usize>(outs * channels), kernel, pointer(r, 3));
    room += plan.group * <usize>s.groups;
  }
  for (let image = begin; image < end; image += images) {
    const present = min(images, end - image);
    const dy = ready(source, image, present);
    const dx = pointer(r, 0) + <usize>image * resultImage;
    for (let g = 0; g < s.groups; g++) {
      const from = dy + <usize>(g * outs) * source.channelBytes;
      const to = dx + <usize>(g * channels) * resultPlane;
      for (let i = 0; i < count; i++) {
        compute(changetype<Plan>(plans + <usize>i * offsetof<Plan>()), g, from, to, present, source, resultImage);
      }
    }
    if (s.relu) clampBelow(dx, dx + <usize>present * resultImage);
  }
}

/**
 * Whether a convolution of dy would take more than twice the products there are: for the zeros left and right of dy (rows
 * of zeros are left out) and for channels that fill no panel. One channel has no tile to spread.
 */
function spreads(s: Shape): bool {
  const channels = s.c / s.groups;
  if (s.oc == s.groups) return false;
  const packed = channels == 1 ? 1 : leastPacked(channels);
  return packed * ((s.w + 3) & ~3) > 2 * channels * s.sw * s.ow;
}

/** The output row (before padding) from which input row `position` of the first lines takes kernel row i. */
// @ts-ignore: decorator
@inline function reach(position: i32, padding: i32, i: i32, dilation: i32): i32 {
  return position + padding - i * dilation;
}

function tapsOf(position: i32, padding: i32, size: i32, dilation: i32, stride: i32): i32 {
  let taps = 0;
  for (let i = 0; i < size; i++) if (reach(position, padding, i, dilation) % stride == 0) taps++;
  return taps;
}

function floorDiv(a: i32, b: i32): i32 {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/** dy with as many zeros around it as taps of the border rows and columns reach beyond it. */
function sourceOfGradient(s: Shape, source: Source, from: usize): void {
  source.from = from;
  source.channels = s.oc;
  source.rows = s.oh;
  source.cols = s.ow;
  source.tensorBytes = bytes(s.oc * s.oh * s.ow);
  source.stride = 1;
  source.down = 1;
  source.top = max(0, -floorDiv(s.ph - (s.kh - 1) * s.dh, s.sh));
  source.left = max(0, -floorDiv(s.pw - (s.kw - 1) * s.dw, s.sw));
  source.height = max(s.oh, (s.h - 1 + s.ph) / s.sh + 1) + source.top;
  source.width = max(s.ow, (s.w - 1 + s.pw) / s.sw + 1) + source.left;
}

function gradientTaps(s: Shape, source: Source, plan: Plan, py: i32, px: i32): void {
  const outs = s.oc / s.groups;
  const channels = s.c / s.groups;
  // Backwards, so that the offsets ascend as they do in the forward pass.
  let row = plan.sourceRows;
  for (let i = s.kh - 1; i >= 0; i--) {
    const y = reach(py, s.ph, i, s.dh);
    if (y % s.sh != 0) continue;
    store<i32>(row, y / s.sh);
    row += 4;
  }
  const rowsFirst = skipsRows(plan);
  let at = plan.offsets;
  let weight = plan.weightOffsets;
  for (let outer = rowsFirst ? s.kh : outs; outer > 0; outer--) {
    for (let inner = rowsFirst ? outs : s.kh; inner > 0; inner--) {
      const i = (rowsFirst ? outer : inner) - 1;
      const o = outs - (rowsFirst ? inner : outer);
      const y = reach(py, s.ph, i, s.dh);
      if (y % s.sh != 0) continue;
      for (let j = s.kw - 1; j >= 0; j--) {
        const x = reach(px, s.pw, j, s.dw);
        if (x % s.sw != 0) continue;
        store<usize>(at, place(source, o, y / s.sh + source.top, x / s.sw + source.left));
        store<usize>(weight, bytes((o * channels * s.kh + i) * s.kw + j));
        at += 4;
        weight += 4;
      }
    }
  }
}
