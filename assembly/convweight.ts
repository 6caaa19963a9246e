/**
 * The gradient of a convolution's weight: for an output channel and a tap, the inner product of dy's plane with the
 * source the tap saw, over all images.
 *
 * Planes of dy are taken in steps of four floats. Where lines are a multiple of four, the source a tap saw has the same
 * steps. Otherwise it is shifted first: for each kernel column, the lines that column saw are put behind one another,
 * so that what a tap saw is one piece, a kernel row further down for the next kernel row. The last step of a plane
 * overlaps the one before, and its lanes that come twice are cleared in dy. Planes of fewer than four outputs are put
 * behind one another across the images, tap by tap.
 *
 * Steps are taken in blocks whose size depends on the shape alone. Within a block the partial sums stay in registers;
 * between blocks they are added to the result. Sums are therefore short, and the same wherever work is split.
 */
import { sourceOf, tapOffsets } from './conv';
import { aligned, Shape, shapeOf } from './convshape';
import { copy, layOut, place, ready, Source } from './convsource';
import { LARGE } from './convtile';
import { largePair, single, smallPair, square } from './convweighttile';
import { pointer, scratch } from './launch';
import { bytes, horizontalSum } from './simd';

/** Steps of a block at most: a panel of dy of this length leaves room beside it in the first-level cache. */
const BLOCK: i32 = 256;
/** Bytes that the images of a block may take, but one image at least. */
const BLOCK_BYTES: i32 = 1 << 18;
/** Input channels from which work is shared out by them. */
const INPUTS: i32 = 4;
/** Lists of taps go on with their last one up to a whole number of pairs and of fives. */
const BEYOND: i32 = 5;

/** All bits set in the last n lanes. */
const LAST: usize = memory.data<i32>([0, 0, 0, 0, 0, 0, 0, -1, 0, 0, -1, -1, 0, -1, -1, -1]);

/** A block: the offsets of its steps in the source, and of how many images of dy they are. */
@unmanaged
class Walk {
  steps: usize;
  stop: usize;
  images: i32;
  /** Outputs of an image's last step that do not come twice, or 0 if that are all, or the step is not in the block. */
  rest: i32;
}

/** How the source is laid out for the steps. */
const AS_IT_IS: i32 = 0;
const SHIFTED: i32 = 1;
const TAP_BY_TAP: i32 = 2;

/**
 * dweight[o, c, i, j] = Σ over n, oy, ox of dy[n, o, oy, ox] x[n, c, oy · SH - PH + i · DH, ox · SW - PW + j · DW].
 * Slots: 0 dweight [OC, C/groups, KH, KW], 1 dy [N, OC, OH, OW], 2 x [N, C, H, W], 3…18 the integers of conv2d_f32,
 * groups last.
 * Work: C or OC, whichever sharesInputs says. A thread makes ready what it reads of the source: all of it for some output
 * channels, or some input channels for all of those, which is less to do twice.
 *
 * Scratch, in bytes, with `padded` as in conv.ts, taps = C / groups · KH KW, steps = ⌈OH OW / 4⌉:
 *
 *   512 + 4 (taps + 5) + 4 steps images + 96 min(256, steps images) + 64 +
 *     as it is     images padded
 *     shifted      padded + images shifted,  shifted = 4 C KW SH ⌈Hp / SH⌉ OW
 *     tap by tap   images padded + (taps + 2) (4 OH OW images + 20) + 16
 *
 * where `images` is what imagesOf returns.
 */
export function conv2d_grad_weight_f32(r: usize, begin: i32, end: i32): void {
  const s = shapeOf(r, 3);
  const source = changetype<Source>(scratch());
  const walk = changetype<Walk>(scratch() + offsetof<Source>());
  const tile = aligned(scratch() + offsetof<Source>() + offsetof<Walk>());
  let room = tile + 256;
  const inputs = s.c / s.groups;
  const outs = s.oc / s.groups;
  const taps = inputs * s.kh * s.kw;
  const outputs = s.oh * s.ow;
  const plane = bytes(outputs);
  const sharesC = sharesInputs(s);
  const firstTap = sharesC ? begin * s.kh * s.kw : 0;
  const ownTaps = sharesC ? (end - begin) * s.kh * s.kw : taps;
  const firstOut = sharesC ? 0 : begin,
    endOut = sharesC ? s.oc : end;
  for (let o = firstOut; o < endOut; o++) {
    memory.fill(pointer(r, 0) + bytes(o * taps + firstTap), 0, bytes(ownTaps));
  }
  sourceOf(s, source, pointer(r, 2));
  layOut(source, room, 0);
  const down = source.rowBytes * <usize>s.sh;
  const oneLine = down == bytes(s.ow);
  const layout = outputs < 4 ? TAP_BY_TAP : oneLine || s.ow % 4 == 0 ? AS_IT_IS : SHIFTED;
  const shiftedImage = shiftedBytes(s, source);
  const group = layout == SHIFTED ? shiftedImage / <usize>s.groups : source.channelBytes * <usize>inputs;
  const steps = (outputs + 3) >> 2;
  const images = imagesOf(s, steps, layout == SHIFTED ? shiftedImage : source.imageBytes);
  if (sharesC) {
    source.from += <usize>begin * bytes(s.h * s.w);
    source.channels = end - begin;
    layOut(source, room, 0);
  }

  // Offsets of taps are from the first channel that is read, and so are the same for any share.
  const offsets = room;
  if (layout == SHIFTED) shiftedOffsets(s, source, offsets);
  else tapOffsets(s, source, offsets);
  for (let k = ownTaps; k < ownTaps + BEYOND; k++) {
    store<i32>(offsets + bytes(k), load<i32>(offsets + bytes(ownTaps - 1)));
  }
  room = offsets + bytes(taps + BEYOND);
  const list = room;
  const sourceImage = layout == SHIFTED ? shiftedImage : source.imageBytes;
  for (let i = 0; i < steps; i++) {
    const first = min(4 * i, max(outputs - 4, 0));
    const across = layout == AS_IT_IS && !oneLine;
    let at = across ? <usize>(first / s.ow) * down + bytes(first % s.ow) : bytes(first);
    for (let image = 0; image < images; image++) {
      store<usize>(list + bytes(image * steps + i), at);
      at += sourceImage;
    }
  }
  room = aligned(list + bytes(steps * images));
  const panel = room;
  room += <usize>min(BLOCK, steps * images) * 96;
  room = aligned(room + layOut(source, room, layout == SHIFTED ? 1 : images));
  const copies = room;

  for (let image = 0; image < s.n; image += images) {
    const count = min(images, s.n - image);
    let x = copies;
    walk.images = count;
    if (layout == SHIFTED) {
      for (let i = 0; i < count; i++) shift(s, source, ready(source, image + i, 1), copies + <usize>i * shiftedImage);
    } else x = ready(source, image, count);
    const dy = pointer(r, 1) + <usize>(image * s.oc) * plane;
    for (let g = firstOut / outs; g * outs < endOut; g++) {
      const first = max(firstOut, g * outs);
      const last = min(endOut, (g + 1) * outs);
      const from = x + <usize>g * group;
      const weight = pointer(r, 0) + bytes(first * taps + firstTap);
      if (layout == TAP_BY_TAP) {
        tapByTap(s, source, walk, offsets, taps, from, dy, first, last, panel, copies, weight, tile);
        continue;
      }
      const planes = dy + <usize>first * plane;
      for (let start = 0; start < steps; start += BLOCK) {
        walk.steps = list + bytes(start);
        walk.stop = list + bytes(count > 1 ? count * steps : min(steps, start + BLOCK));
        walk.rest = start + BLOCK >= steps ? outputs & 3 : 0;
        channels(s, walk, offsets, ownTaps, bytes(taps), from, planes, start, last - first, panel, weight, tile);
      }
    }
  }
}

/** Whether work is shared out by input channels: where there are several, and planes that are walked in steps. */
function sharesInputs(s: Shape): bool {
  return s.groups == 1 && s.c >= INPUTS && s.oh * s.ow >= 4;
}

/** Images of a block. It depends on the shape alone, since it decides in which order sums are formed. */
function imagesOf(s: Shape, steps: i32, imageBytes: usize): i32 {
  return max(1, min(s.n, min(BLOCK / steps, BLOCK_BYTES / <i32>max(imageBytes, 1))));
}

/**
 * Adds the products of `count` channels with `taps` taps, of which a channel has `row` bytes. The planes of dy begin at `dy`;
 * `start` is the first step.
 * Panels are LARGE channels, then four; a channel left over goes by itself.
 */
function channels(
  s: Shape,
  walk: Walk,
  offsets: usize,
  taps: i32,
  row: usize,
  x: usize,
  dy: usize,
  start: i32,
  count: i32,
  panel: usize,
  weight: usize,
  tile: usize,
): void {
  const outputs = s.oh * s.ow;
  for (let o = 0, width = 0; o < count; o += width) {
    width = widthOf(count - o);
    const n = min(width, count - o);
    const planes = dy + bytes(o * outputs);
    const next = bytes(s.oc * outputs);
    // One channel of one image is a panel as it is, unless its last step overlaps the one before.
    const asItIs = width == 1 && walk.images == 1 && outputs % 4 == 0;
    const packed = asItIs ? planes + bytes(4 * start) : panel;
    for (let i = 0; i < n && !asItIs; i++) {
      packPlanes(walk, planes + bytes(i * outputs), next, outputs, start, width, i, panel);
    }
    products(walk, offsets, taps, x, packed, width, n, weight, row, tile);
    weight += <usize>n * row;
  }
}

/**
 * Channels of the next panel, when `left` are left. A panel that is not full computes in vain, and a single channel takes
 * nearly half the time of a panel of four.
 */
function widthOf(left: i32): i32 {
  const rest = left % LARGE;
  if (left >= LARGE && (rest <= 1 || left > 4 * (LARGE - rest))) return LARGE;
  return left == 1 ? 1 : left > 4 && left < 8 && LARGE - left < 2 ? LARGE : 4;
}

/**
 * The products of a panel of `width` channels, of which n exist, with all taps. Inlined in two places, so that the tiles
 * have two callers each and stay functions of their own.
 */
// @ts-ignore: decorator
@inline function products(
  walk: Walk,
  offsets: usize,
  taps: i32,
  x: usize,
  panel: usize,
  width: i32,
  n: i32,
  weight: usize,
  row: usize,
  tile: usize,
): void {
  const down = taps == 9 && width == 1 ? squareStep(offsets) : 0;
  if (down) {
    square(walk.steps, walk.stop, x + load<usize>(offsets), down, panel, tile);
    for (let t = 0; t < 9; t++)
      addSum(walk, offsets + bytes(t), x, panel, 1, 0, weight + bytes(t), tile + ((<usize>t) << 4));
  } else if (width == 1) {
    for (let k = 0; k < taps; k += 5) {
      single(walk.steps, walk.stop, offsets + bytes(k), x, panel, tile);
      for (let t = 0; t < min(5, taps - k); t++) {
        addSum(walk, offsets + bytes(k + t), x, panel, 1, 0, weight + bytes(k + t), tile + ((<usize>t) << 4));
      }
    }
  }
  for (let k = width == 1 ? taps : 0; k < taps; k += 2) {
    const x0 = x + load<usize>(offsets + bytes(k));
    const x1 = x + load<usize>(offsets + bytes(k), 4);
    if (width == LARGE) largePair(walk.steps, walk.stop, x0, x1, panel, tile);
    else smallPair(walk.steps, walk.stop, x0, x1, panel, tile);
    let to = weight + bytes(k);
    const both = k + 1 < taps;
    for (let i = 0, sums = tile; i < n; i++, sums += 32) {
      addSum(walk, offsets + bytes(k), x, panel, width, i, to, sums);
      if (both) addSum(walk, offsets + bytes(k + 1), x, panel, width, i, to + 4, sums + 16);
      to += row;
    }
  }
}

/** Bytes from row to row if nine taps are three rows of three neighbours, else 0. */
function squareStep(offsets: usize): usize {
  const first = load<usize>(offsets);
  const down = load<usize>(offsets, 12) - first;
  for (let i: usize = 0; i < 3; i++) {
    for (let j: usize = 0; j < 3; j++) {
      if (load<usize>(offsets + ((3 * i + j) << 2)) != first + i * down + (j << 2)) return 0;
    }
  }
  return down;
}

/**
 * Adds four partial sums of the i-th channel and a tap. Cleared lanes times an infinite source are NaN, which the sum then
 * is: it is formed again without them.
 */
// @ts-ignore: decorator
@inline function addSum(
  walk: Walk,
  offset: usize,
  x: usize,
  panel: usize,
  width: i32,
  i: i32,
  to: usize,
  sums: usize,
): void {
  let sum = horizontalSum(v128.load(sums));
  if (sum != sum && walk.rest > 0) sum = withoutTwice(walk, x + load<usize>(offset), panel, width, i);
  store<f32>(to, load<f32>(to) + sum);
}

function withoutTwice(walk: Walk, x: usize, panel: usize, width: i32, i: i32): f32 {
  const each = <i32>((walk.stop - walk.steps) >> 2) / walk.images;
  let step = walk.steps;
  let dy = panel + ((<usize>i) << 4);
  let sum: f32 = 0;
  for (let k = 1; step < walk.stop; k++) {
    const from = x + load<usize>(step);
    for (let lane = k % each == 0 ? 4 - walk.rest : 0; lane < 4; lane++) {
      sum += load<f32>(dy + bytes(lane)) * load<f32>(from + bytes(lane));
    }
    step += 4;
    dy += (<usize>width) << 4;
  }
  return sum;
}

/** Packs a channel of dy, `next` bytes from image to image, as the i-th of a panel of `width`. */
function packPlanes(
  walk: Walk,
  dy: usize,
  next: usize,
  outputs: i32,
  start: i32,
  width: i32,
  i: i32,
  panel: usize,
): void {
  const step = (<usize>width) << 4;
  const end = start + <i32>((walk.stop - walk.steps) >> 2) / walk.images;
  const whole = min(end, outputs >> 2);
  const mask = LAST + ((<usize>(outputs & 3)) << 4);
  let to = panel + ((<usize>i) << 4);
  for (let image = walk.images; image > 0; image--) {
    let p = dy + ((<usize>start) << 4);
    for (const stop = dy + ((<usize>whole) << 4); p < stop; p += 16) {
      v128.store(to, v128.load(p));
      to += step;
    }
    if (whole < end) {
      v128.store(to, v128.and(v128.load(dy + bytes(outputs - 4)), v128.load(mask)));
      to += step;
    }
    dy += next;
  }
}

/** Lines of a kernel column in the shifted source: those of one remainder modulo the stride behind one another. */
// @ts-ignore: decorator
@inline function linesOf(s: Shape, source: Source): i32 {
  return (source.height + s.sh - 1) / s.sh;
}

function shiftedBytes(s: Shape, source: Source): usize {
  return bytes(s.c * s.kw * s.sh) * <usize>(linesOf(s, source) * s.ow);
}

function shiftedOffsets(s: Shape, source: Source, to: usize): void {
  const lines = linesOf(s, source);
  for (let c = 0; c < s.c / s.groups; c++) {
    for (let i = 0; i < s.kh; i++) {
      const row = i * s.dh;
      for (let j = 0; j < s.kw; j++) {
        const line = ((c * s.kw + j) * s.sh + (row % s.sh)) * lines + row / s.sh;
        store<usize>(to, <usize>line * bytes(s.ow));
        to += 4;
      }
    }
  }
}

/** Writes an image's shifted source: [channel][kernel column][row % SH][row / SH][OW]. */
function shift(s: Shape, source: Source, from: usize, to: usize): void {
  const lines = linesOf(s, source);
  const line = bytes(s.ow);
  const down = source.rowBytes * <usize>s.sh;
  for (let c = 0; c < source.channels; c++) {
    for (let j = 0; j < s.kw; j++) {
      for (let remainder = 0; remainder < s.sh; remainder++) {
        let p = from + place(source, c, remainder, j * s.dw);
        let q = to;
        for (let row = remainder; row < source.height; row += s.sh) {
          copy(q, p, s.ow);
          p += down;
          q += line;
        }
        to += <usize>lines * line;
      }
    }
  }
}

/** Planes of fewer than four outputs: dy and what each tap saw as lines across the images, with zeros behind. */
function tapByTap(
  s: Shape,
  source: Source,
  walk: Walk,
  offsets: usize,
  taps: i32,
  x: usize,
  dy: usize,
  first: i32,
  last: i32,
  panel: usize,
  copies: usize,
  weight: usize,
  tile: usize,
): void {
  const outputs = s.oh * s.ow;
  const images = walk.images;
  const length = images * outputs;
  const used = aligned(bytes(length));
  const lineOffsets = copies;
  const list = lineOffsets + bytes(taps + BEYOND);
  const lines = aligned(list + used);
  for (let k = 0; k < taps + BEYOND; k++) {
    const line = <usize>min(k, taps - 1) * used;
    store<usize>(lineOffsets + bytes(k), line);
    if (k >= taps) continue;
    let to = lines + line;
    for (let image = 0; image < images; image++) {
      const from = x + <usize>image * source.imageBytes + load<usize>(offsets + bytes(k));
      for (let row = 0; row < s.oh; row++) {
        for (let col = 0; col < s.ow; col++) {
          store<f32>(to, load<f32>(from + <usize>(row * s.sh) * source.rowBytes + bytes(col)));
          to += 4;
        }
      }
    }
    for (const stop = lines + line + used; to < stop; to += 4) store<f32>(to, 0);
  }
  for (let at: usize = 0; at < used; at += 16) store<usize>(list + (at >> 2), at);
  walk.images = 1;
  walk.rest = 0;
  walk.steps = list;
  walk.stop = list + (used >> 2);
  for (let o = first, width = 0; o < last; o += width) {
    width = widthOf(last - o);
    const n = min(width, last - o);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < <i32>(used >> 2); k++) {
        const image = k / outputs;
        const at = panel + bytes(4 * width * (k >> 2) + 4 * i + (k & 3));
        const from = dy + bytes((image * s.oc + o + i) * outputs + (k % outputs));
        store<f32>(at, k < length ? load<f32>(from) : 0);
      }
    }
    products(walk, lineOffsets, taps, lines, panel, width, n, weight, bytes(taps), tile);
    weight += <usize>n * bytes(taps);
  }
  walk.images = images;
}
