/**
 * Convolution with sparse weights: the bank of filters [OC, C / groups · KH · KW] is a matrix compressed by rows, and every
 * nonzero multiplies the whole image, shifted by its tap.
 *
 * That is a sparse product whose entries stand not for rows of X but for places in the image; its inner loops are those
 * of sparsetile.ts, with distances in bytes for places. There are two ways to lay neighbouring outputs into the lanes:
 *
 *   lines    along the image. With stride 1, lines are run through from end to end, the padding between them included, so that
 *            short lines fill wide strips, too; the outputs in between are dropped.
 *   images   along the batch: the images of a strip are transposed, [place][image], and nothing is computed in vain, however
 *            small the outputs are and whatever the stride.
 *
 * Every output is summed over its filter from left to right.
 */
import { sourceOf, tapOffsets } from './conv';
import { aligned, Shape, shapeOf } from './convshape';
import { layOut, ready, Source } from './convsource';
import { int, pointer, scratch } from './launch';
import { bytes } from './simd';
import { finish, multiplyBy, RESULTS, stripWidth, tileOf, turnResults, turnStrip, WIDEST } from './sparsetile';

// The convolution under way: results before they are finished, what follows the sums (a number for each output channel, or
// 0), and what results are no lower than.
let results: usize = 0;
let scales: usize = 0;
let shifts: usize = 0;
let floor: f32 = 0;

/**
 * y = (x * weight) · scale + shift, then relu.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | y | [N, OC, OH, OW] |
 * | 1 | heads | int32, OC + 1: where the nonzeros of each filter begin |
 * | 2 | taps | int32: the place of each within its filter [C / groups, KH, KW] |
 * | 3 | values | of the nonzeros |
 * | 4 | x | [N, C, H, W] |
 * | 5, 6 | scale, shift | [OC], or 0 |
 * | 7 … 23 | | as 4 … 20 of conv2d_f32 |
 * | 24 | images | of a strip at most: 8, 16, 32, 48; 0: strips lie along the lines |
 * | 25 | entries | nonzeros |
 *
 * Work: images, or strips of images.
 * Scratch in bytes, with Hp and Wp of conv.ts: 1536 + 4 (entries + C / groups · KH · KW) + 4 max(C · SW · Hp · Wp, C · H · W) ·
 * (images ? 2 · images : 1).
 */
export function sparseConv2d_f32(r: usize, begin: i32, end: i32): void {
  const s = shapeOf(r, 7),
    images = int(r, 24);
  const source = changetype<Source>(scratch());
  sourceOf(s, source, pointer(r, 4));
  results = aligned(scratch() + offsetof<Source>());
  const taps = results + RESULTS,
    offsets = taps + bytes((s.c / s.groups) * s.kh * s.kw),
    room = aligned(offsets + bytes(int(r, 25)));
  layOut(source, room, max(1, images));
  tapOffsets(s, source, taps);
  scales = pointer(r, 5);
  shifts = pointer(r, 6);
  floor = s.relu ? 0 : -Infinity;
  multiplyBy(pointer(r, 1), offsets, pointer(r, 3));
  if (images) {
    // Padded images stand before the transposed ones.
    const turned = room + <usize>images * source.imageBytes;
    let full = 0;
    for (let i = begin * images, last = min(s.n, end * images); i < last; ) {
      const left = min(images - (i % images), last - i),
        wanted = stripWidth(left, images, true),
        count = min(wanted, left);
      if (wanted != full) {
        full = wanted;
        layOffsets(s, source, r, taps, offsets, full);
      }
      turnStrip(ready(source, i, count), count, <i32>(source.imageBytes >> 2), full, turned);
      alongImages(s, source, turned, full, count, pointer(r, 0) + bytes(i * s.oc * s.oh * s.ow));
      i += count;
    }
    return;
  }
  layOffsets(s, source, r, taps, offsets, 1);
  for (let i = begin; i < end; i++) {
    let x = ready(source, i, 1);
    if (x != room) {
      // What is read where it is gets copied, so that the last strip may reach beyond its end.
      memory.copy(room, x, source.imageBytes);
      x = room;
    }
    alongLines(s, source, x, pointer(r, 0) + bytes(i * s.oc * s.oh * s.ow));
  }
}

/** For every nonzero, how far from an output's own place it reads, in bytes; each element of the image takes `unit` floats. */
function layOffsets(s: Shape, source: Source, r: usize, taps: usize, to: usize, unit: i32): void {
  const heads = pointer(r, 1),
    places = pointer(r, 2),
    perGroup = s.oc / s.groups,
    group = <usize>(s.c / s.groups) * source.channelBytes;
  for (let m = 0; m < s.oc; m++) {
    const base = <usize>(m / perGroup) * group;
    for (let p = load<i32>(heads + bytes(m)), last = load<i32>(heads + bytes(m), 4); p < last; p++) {
      const at = base + load<usize>(taps + bytes(load<i32>(places + bytes(p))));
      store<usize>(to + bytes(p), at * <usize>unit);
    }
  }
}

// @ts-ignore: decorator
@inline function scaleOf(channel: i32): v128 {
  return scales ? v128.load32_splat(scales + bytes(channel)) : f32x4.splat(1);
}

// @ts-ignore: decorator
@inline function shiftOf(channel: i32): v128 {
  return shifts ? v128.load32_splat(shifts + bytes(channel)) : f32x4.splat(0);
}

/** One image, whose lines (one line, where they can be run through) are taken in strips. */
function alongLines(s: Shape, source: Source, x: usize, y: usize): void {
  const down = source.rowBytes * <usize>s.sh,
    through = s.sw == 1 && s.sh == 1;
  const pitch = through ? <i32>(down >> 2) : s.ow,
    lines = through ? 1 : s.oh,
    length = through ? (s.oh - 1) * pitch + s.ow : s.ow,
    plane = bytes(s.oh * s.ow);
  for (let line = 0; line < lines; line++) {
    for (let j = 0; j < length; ) {
      const full = stripWidth(length - j, WIDEST, true),
        count = min(full, length - j);
      const tile = tileOf(0, full),
        from = x + <usize>line * down + bytes(j);
      let to = y + bytes(line * s.ow);
      for (let m = 0; m < s.oc; m++) {
        tile(m, from, 1, results, 0);
        handOut(j, count, pitch, s.ow, to, scaleOf(m), shiftOf(m));
        to += plane;
      }
      j += count;
    }
  }
}

/** Takes results [j, j + count) of a run whose lines begin `pitch` apart to lines of `width`, without what lies between them. */
function handOut(j: i32, count: i32, pitch: i32, width: i32, to: usize, scale: v128, shift: v128): void {
  const lowest = f32x4.splat(floor);
  let row = j / pitch,
    col = j - row * pitch,
    done = 0;
  while (done < count) {
    const n = min(width - col, count - done);
    let from = results + bytes(done),
      at = to + bytes(row * width + col),
      left = n;
    for (; left >= 4; left -= 4) {
      v128.store(at, finish(v128.load(from), scale, shift, lowest));
      from += 16;
      at += 16;
    }
    for (; left > 0; left--) {
      v128.store32_lane(at, finish(v128.load32_zero(from), scale, shift, lowest), 0);
      from += 4;
      at += 4;
    }
    done += pitch - col;
    col = 0;
    row++;
  }
}

/** `count` transposed images: four outputs of a channel at a time, so that they are transposed back together. */
function alongImages(s: Shape, source: Source, x: usize, full: i32, count: i32, y: usize): void {
  const outputs = s.oh * s.ow,
    plane = bytes(outputs),
    image = plane * <usize>s.oc,
    step = bytes(full),
    lowest = f32x4.splat(floor);
  const tile = tileOf(0, full);
  for (let j = 0; j < outputs; j += 4) {
    const rows = min(4, outputs - j);
    const x0 = x + placeOf(s, source, j) * <usize>full,
      x1 = x + placeOf(s, source, min(j + 1, outputs - 1)) * <usize>full,
      x2 = x + placeOf(s, source, min(j + 2, outputs - 1)) * <usize>full,
      x3 = x + placeOf(s, source, min(j + 3, outputs - 1)) * <usize>full;
    let to = y + bytes(j);
    for (let m = 0; m < s.oc; m++) {
      tile(m, x0, 1, results, 0);
      if (rows > 1) tile(m, x1, 1, results + step, 0);
      if (rows > 2) tile(m, x2, 1, results + 2 * step, 0);
      if (rows > 3) tile(m, x3, 1, results + 3 * step, 0);
      turnResults(results, rows, full, count, to, image, scaleOf(m), shiftOf(m), lowest);
      to += plane;
    }
  }
}

/** Where output j reads its first tap, in bytes from the image's start. */
// @ts-ignore: decorator
@inline function placeOf(s: Shape, source: Source, j: i32): usize {
  const row = j / s.ow;
  return <usize>(row * s.sh) * source.rowBytes + bytes(j - row * s.ow);
}
