/**
 * The gradient of a convolution's weight: for an output channel and a tap, the inner product of dy's plane with the
 * source the tap saw, over all images.
 *
 * The tile is four channels × two taps of four-lane partial sums, which run along the lines of dy: neighbouring outputs
 * are neighbouring floats in both factors, and nothing is transposed. Short lines, which would spend more on their ends
 * than on themselves, are copied behind one another first.
 *
 * The batch is taken in runs of images whose number depends on the shape alone. Within a run the partial sums stay in
 * registers; between runs they are added to the result. Sums are therefore short, and the same wherever work is split.
 */
import { sourceOf, tapOffsets } from './conv';
import { aligned, Shape, shapeOf } from './convshape';
import { copy, layOut, ready, Source } from './convsource';
import { pointer, scratch } from './launch';
import { bytes, horizontalSum, madd } from './simd';

/**
 * Vectors a run of images has at most for each sum, and the bytes its padded images may take; but one image at least.
 */
const RUN_VECTORS: i32 = 1024;
const RUN_BYTES: i32 = 1 << 18;
/** Lines from this length on are read where they are. */
const LONG: i32 = 16;
/** Planes of dy below this size are copied. */
const SHORT: i32 = 1024;
/** Floats of a copied line, about; taps whose lines are copied together: a whole number of tiles of two and of five. */
const LINE: i32 = 2048;
const CHUNK: i32 = 10;

/** What a tile walks over. */
@unmanaged
class Walk {
  images: i32;
  rows: i32;
  cols: i32;
  /** Bytes from line to line of the source, and from image to image of source and dy. */
  down: usize;
  sourceImage: usize;
  gradientImage: usize;
}

/** All bits set in the last n lanes. */
const LAST: usize = memory.data<i32>([0, 0, 0, 0, 0, 0, 0, -1, 0, 0, -1, -1, 0, -1, -1, -1]);

/**
 * Eight inner products: four channels of dy, at dy, dy + plane, … with two taps. The first `count` channels exist; a
 * missing one repeats the last that does. `to` receives eight vectors of partial sums, channel by channel.
 *
 * A line's last one to three outputs are read with the ones before them, whose lanes are cleared in both factors.
 */
function fourByTwo(walk: Walk, offsets: usize, x: usize, dy: usize, plane: usize, count: i32, to: usize): void {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const whole = bytes(walk.cols & ~3);
  const rest = walk.cols & 3;
  const back = bytes(4 - rest);
  const next = walk.down - whole;
  const mask = LAST + ((<usize>rest) << 4);
  const second = count > 1 ? plane : 0;
  const third = count > 2 ? second + plane : second;
  const fourth = count > 3 ? third + plane : third;
  for (let image = walk.images; image > 0; image--) {
    let x0 = x + load<usize>(offsets);
    let x1 = x + load<usize>(offsets, 4);
    let p = dy;
    let q = dy + second;
    let r = dy + third;
    let s = dy + fourth;
    for (let row = walk.rows; row > 0; row--) {
      const stop = p + whole;
      while (p < stop) {
        const t = v128.load(p);
        const u = v128.load(q);
        const v = v128.load(r);
        const w = v128.load(s);
        const m = v128.load(x0);
        a0 = madd(t, m, a0);
        b0 = madd(u, m, b0);
        c0 = madd(v, m, c0);
        d0 = madd(w, m, d0);
        const n = v128.load(x1);
        a1 = madd(t, n, a1);
        b1 = madd(u, n, b1);
        c1 = madd(v, n, c1);
        d1 = madd(w, n, d1);
        p += 16;
        q += 16;
        r += 16;
        s += 16;
        x0 += 16;
        x1 += 16;
      }
      if (rest) {
        const lanes = v128.load(mask);
        const m = v128.and(v128.load(x0 - back), lanes);
        const n = v128.and(v128.load(x1 - back), lanes);
        const t = v128.and(v128.load(p - back), lanes);
        a0 = madd(t, m, a0);
        a1 = madd(t, n, a1);
        const u = v128.and(v128.load(q - back), lanes);
        b0 = madd(u, m, b0);
        b1 = madd(u, n, b1);
        const v = v128.and(v128.load(r - back), lanes);
        c0 = madd(v, m, c0);
        c1 = madd(v, n, c1);
        const w = v128.and(v128.load(s - back), lanes);
        d0 = madd(w, m, d0);
        d1 = madd(w, n, d1);
        const step = bytes(rest);
        p += step;
        q += step;
        r += step;
        s += step;
      }
      x0 += next;
      x1 += next;
    }
    x += walk.sourceImage;
    dy += walk.gradientImage;
  }
  // Nothing but stores of the raw sums may follow the loop, or V8's scheduler spills them within it.
  v128.store(to, a0);
  v128.store(to, a1, 16);
  v128.store(to, b0, 32);
  v128.store(to, b1, 48);
  v128.store(to, c0, 64);
  v128.store(to, c1, 80);
  v128.store(to, d0, 96);
  v128.store(to, d1, 112);
}

/** Five inner products of one channel, for depthwise convolution and for the channel that four leave over. */
function oneByFive(walk: Walk, offsets: usize, x: usize, dy: usize, to: usize): void {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  const whole = bytes(walk.cols & ~3);
  const rest = walk.cols & 3;
  const back = bytes(4 - rest);
  const next = walk.down - whole;
  const mask = LAST + ((<usize>rest) << 4);
  for (let image = walk.images; image > 0; image--) {
    let x0 = x + load<usize>(offsets);
    let x1 = x + load<usize>(offsets, 4);
    let x2 = x + load<usize>(offsets, 8);
    let x3 = x + load<usize>(offsets, 12);
    let x4 = x + load<usize>(offsets, 16);
    let p = dy;
    for (let row = walk.rows; row > 0; row--) {
      const stop = p + whole;
      while (p < stop) {
        const t = v128.load(p);
        s0 = madd(t, v128.load(x0), s0);
        s1 = madd(t, v128.load(x1), s1);
        s2 = madd(t, v128.load(x2), s2);
        s3 = madd(t, v128.load(x3), s3);
        s4 = madd(t, v128.load(x4), s4);
        p += 16;
        x0 += 16;
        x1 += 16;
        x2 += 16;
        x3 += 16;
        x4 += 16;
      }
      if (rest) {
        const lanes = v128.load(mask);
        const t = v128.and(v128.load(p - back), lanes);
        s0 = madd(t, v128.and(v128.load(x0 - back), lanes), s0);
        s1 = madd(t, v128.and(v128.load(x1 - back), lanes), s1);
        s2 = madd(t, v128.and(v128.load(x2 - back), lanes), s2);
        s3 = madd(t, v128.and(v128.load(x3 - back), lanes), s3);
        s4 = madd(t, v128.and(v128.load(x4 - back), lanes), s4);
        p += bytes(rest);
      }
      x0 += next;
      x1 += next;
      x2 += next;
      x3 += next;
      x4 += next;
    }
    x += walk.sourceImage;
    dy += walk.gradientImage;
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to, s4, 64);
}

/**
 * dweight[o, c, i, j] = Σ over n, oy, ox of dy[n, o, oy, ox] x[n, c, oy · SH - PH + i · DH, ox · SW - PW + j · DW].
 * Slots: 0 dweight [OC, C/groups, KH, KW], 1 dy [N, OC, OH, OW], 2 x [N, C, H, W], 3…18 the integers of conv2d_f32,
 * groups last.
 * Work: OC.
 *
 * Scratch, in bytes, with `padded` as in conv.ts: 1024 + run padded + 4 taps, and where lines are copied also
 * (10 + (OH OW < 1024 ? OC/groups : 0)) (4 run OH OW + 80). `run` is what runOf returns.
 */
export function conv2d_grad_weight_f32(r: usize, begin: i32, end: i32): void {
  const s = shapeOf(r, 3);
  const source = changetype<Source>(scratch());
  const walk = changetype<Walk>(scratch() + offsetof<Source>());
  const tile = aligned(scratch() + offsetof<Source>() + offsetof<Walk>());
  let room = tile + 128;
  const inputs = s.c / s.groups;
  const outs = s.oc / s.groups;
  const taps = inputs * s.kh * s.kw;
  const outputs = s.oh * s.ow;
  const plane = bytes(outputs);
  memory.fill(pointer(r, 0) + <usize>begin * bytes(taps), 0, <usize>(end - begin) * bytes(taps));
  sourceOf(s, source, pointer(r, 2));
  layOut(source, room, 0);
  const down = source.rowBytes * <usize>s.sh;
  const oneLine = down == bytes(s.ow);
  const direct = oneLine ? outputs >= 4 : s.ow >= LONG || (outs < 4 && s.ow >= 4);
  const run = runOf(s, source, direct);
  room = aligned(room + layOut(source, room, run));
  // Lists of taps repeat their last one, since tiles read a whole number of them.
  const offsets = room;
  tapOffsets(s, source, offsets);
  for (let k = taps; k < taps + CHUNK; k++) store<i32>(offsets + bytes(k), load<i32>(offsets + bytes(taps - 1)));
  room = aligned(offsets + bytes(taps + CHUNK));
  for (let image = 0; image < s.n; image += run) {
    const count = min(run, s.n - image);
    const x = ready(source, image, count);
    const dy = pointer(r, 1) + <usize>(image * s.oc) * plane;
    for (let g = begin / outs; g * outs < end; g++) {
      const first = max(begin, g * outs);
      const last = min(end, (g + 1) * outs);
      const from = x + <usize>(g * inputs) * source.channelBytes;
      const weight = pointer(r, 0) + <usize>first * bytes(taps);
      if (direct) {
        walk.images = count;
        walk.rows = oneLine ? 1 : s.oh;
        walk.cols = oneLine ? outputs : s.ow;
        walk.down = down;
        walk.sourceImage = source.imageBytes;
        walk.gradientImage = <usize>s.oc * plane;
        const at = dy + <usize>first * plane;
        channels(walk, offsets, taps, from, at, plane, last - first, weight, bytes(taps), tile);
      } else byLines(s, source, walk, offsets, taps, from, dy, first, last, count, room, weight, tile);
    }
  }
}

/** Images of a run. It depends on the shape alone, since it decides in which order sums are formed. */
function runOf(s: Shape, source: Source, direct: bool): i32 {
  const vectors = s.oh * ((s.ow + 3) >> 2);
  const wanted = direct ? RUN_VECTORS / vectors : LINE / (s.oh * s.ow);
  return max(1, min(s.n, min(wanted, RUN_BYTES / <i32>max(source.imageBytes, 1))));
}

/**
 * Adds the products of `count` channels, whose planes of dy begin `plane` bytes apart, with `taps` taps; the weights of
 * one channel lie `row` bytes from those of the next.
 */
function channels(
  walk: Walk,
  offsets: usize,
  taps: i32,
  x: usize,
  dy: usize,
  plane: usize,
  count: i32,
  weight: usize,
  row: usize,
  tile: usize,
): void {
  // A single channel left over goes by itself; two or three share a tile of four.
  const alone = count % 4 == 1;
  const together = alone ? count - 1 : count;
  for (let k = 0; k < taps && together > 0; k += 2) {
    for (let o = 0; o < together; o += 4) {
      const n = min(4, together - o);
      fourByTwo(walk, offsets + bytes(k), x, dy + <usize>o * plane, plane, n, tile);
      let to = weight + <usize>o * row + bytes(k);
      for (let i = 0; i < n; i++) {
        addSums(to, tile + ((<usize>i) << 5), min(2, taps - k));
        to += row;
      }
    }
  }
  if (!alone) return;
  dy += <usize>together * plane;
  weight += <usize>together * row;
  for (let k = 0; k < taps; k += 5) {
    oneByFive(walk, offsets + bytes(k), x, dy, tile);
    addSums(weight + bytes(k), tile, min(5, taps - k));
  }
}

function addSums(to: usize, sums: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<f32>(to, load<f32>(to) + horizontalSum(v128.load(sums)));
    to += 4;
    sums += 16;
  }
}

/**
 * Short lines: ten taps at a time, what each saw is copied into one long line, image after image. Planes of dy are such
 * lines already; if even those are short, they too are copied, channel by channel, into lines across the images, with
 * zeros behind both up to a whole number of vectors.
 */
function byLines(
  s: Shape,
  source: Source,
  walk: Walk,
  offsets: usize,
  taps: i32,
  x: usize,
  dy: usize,
  first: i32,
  last: i32,
  count: i32,
  room: usize,
  weight: usize,
  tile: usize,
): void {
  const outputs = s.oh * s.ow;
  const length = count * outputs;
  const used = aligned(bytes(length));
  // Lines a multiple of 4 KiB apart would compete for the same few places of the first-level cache.
  const line = used + 64;
  const lineOffsets = room;
  const lines = aligned(room + bytes(2 * CHUNK));
  let from = dy + <usize>(first * outputs) * 4;
  let plane = bytes(outputs);
  walk.rows = 1;
  if (outputs >= SHORT) {
    walk.images = count;
    walk.cols = outputs;
    walk.sourceImage = plane;
    walk.gradientImage = <usize>s.oc * plane;
  } else {
    walk.images = 1;
    walk.cols = <i32>(used >> 2);
    const copied = lines + <usize>CHUNK * line;
    for (let o = first; o < last; o++) {
      const to = copied + <usize>(o - first) * line;
      for (let image = 0; image < count; image++) {
        const at = to + <usize>image * plane;
        copy(at, dy + <usize>(image * s.oc + o) * plane, outputs);
      }
      clear(to + bytes(length), to + used);
    }
    from = copied;
    plane = line;
  }
  walk.down = bytes(walk.cols);
  for (let k = 0; k < taps; k += CHUNK) {
    const n = min(CHUNK, taps - k);
    for (let t = 0; t < 2 * CHUNK; t++) store<usize>(lineOffsets + bytes(t), <usize>min(t, n - 1) * line);
    for (let t = 0; t < n; t++) {
      const to = lines + <usize>t * line;
      fillLine(s, source, to, x + load<usize>(offsets + bytes(k + t)), count);
      clear(to + bytes(length), to + used);
    }
    channels(walk, lineOffsets, n, lines, from, plane, last - first, weight + bytes(k), bytes(taps), tile);
  }
}

function fillLine(s: Shape, source: Source, to: usize, from: usize, count: i32): void {
  const down = source.rowBytes * <usize>s.sh;
  const cols = s.ow;
  const step = bytes(cols);
  for (let image = 0; image < count; image++) {
    let p = from;
    for (let row = s.oh; row > 0; row--) {
      copy(to, p, cols);
      to += step;
      p += down;
    }
    from += source.imageBytes;
  }
}

function clear(from: usize, to: usize): void {
  for (; from < to; from += 4) store<f32>(from, 0);
}
