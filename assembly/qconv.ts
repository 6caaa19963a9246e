/**
 * Convolution with int8 weights, exact in int32.
 *
 * A band of the image is quantized into words, and no column matrix is made: the words that a tap of the kernel meets at four
 * neighbouring outputs lie side by side in the band as they are.
 *
 *       plane of channels 2p and 2p + 1         [row of the band][column mod SW][column / SW] of words
 *       plane of a channel left over            (q, q')   two int16: of channel 2p and of channel 2p + 1 at one place, or
 *                                               of the one channel at this place and DW columns to the right of it
 *
 * With a stride, columns of equal remainder stand together, so that neighbouring outputs still read neighbouring words.
 * The channel left over multiplies two taps of a kernel row at a time. What stands in a word is q − zeroPoint: padding is
 * zero, and the zero point needs no correction.
 */
import { float, int, pointer, scratch } from './launch';
import { MAP_BYTES, quantized, writeMap } from './quantize';
import { LOW_ROWS, lowPlaces, TALL_ROWS, TILE_STRIDE, tallPlaces } from './qtile';
import { bytes } from './simd';

const RELU: i32 = 1;
/** Scratch: the map of the input, a tile, a row of words, the offsets of the taps, the channels, the places of a band, the band. */
const TILE: usize = MAP_BYTES;
const LINE: usize = TILE + 192;

// The convolution under way. A module variable is private to an instance, and an instance runs one kernel at a time.
let H: i32 = 0;
let W: i32 = 0;
let OW: i32 = 0;
let SH: i32 = 0;
let SW: i32 = 0;
/** Columns of a padded row; bytes of one remainder of them, of a row, of a plane of the band. */
let padded: i32 = 0;
let phase: usize = 0;
let row: usize = 0;
let plane: usize = 0;
/** Pairs (factor, bias) of the output channels; the floor of the activation. */
let channels: usize = 0;
let floor: f32 = 0;

/**
 * y = act(f32(Σ (quantize(x) − zeroPoint) · w) · (scale · factor) + bias).
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | y | float32 [N, OC, OH, OW] |
 * | 1 | x | float32 [N, C, H, W] |
 * | 2 | weights | int16, panels of 5 and then of 4 channels, [pair][channels][2]; pairs are ordered by plane, row and column of the kernel |
 * | 3 | scale | float32 [OC] |
 * | 4 | bias | float32 [OC]; 0 if there is none |
 * | 5, 6 | inverseScale, factor | float32: 1 / scale of x as it is quantized; the number that multiplies every scale |
 * | 7 … 13 | N, C, H, W, OC, OH, OW | |
 * | 14 … 21 | KH, KW, SH, SW, PH, PW, DH, DW | kernel, stride, padding, dilation |
 * | 22, 23 | zeroPoint, activation | of x; 0 none, 1 relu |
 * | 24, 25 | tall, band | output channels in panels of 5; most output rows in a band |
 *
 * Work: N · OH, rows of outputs.
 * Scratch in bytes: 256 + 4 · (W + 2 · PW + DW + 8) + 4 · P + 8 · OC + 8 · B · ceil(OW / 4) + band + 64, with P pairs, B rows of
 * outputs in a band, and band = ceil(C / 2) · ((B − 1) · SH + DH · (KH − 1) + 1) · 4 · SW · (ceil((W + 2 · PW) / SW) + 4).
 */
export function qconv2d_f32(r: usize, begin: i32, end: i32): void {
  const OH = int(r, 12),
    most = int(r, 25);
  H = int(r, 9);
  W = int(r, 10);
  OW = int(r, 13);
  SH = int(r, 16);
  SW = int(r, 17);
  padded = W + 2 * int(r, 19);
  // Four words more than needed, because lines shorter than four outputs are read as four.
  phase = bytes((padded + SW - 1) / SW + 4);
  row = phase * <usize>SW;
  const reach = int(r, 20) * (int(r, 14) - 1) + 1;
  plane = row * <usize>((most - 1) * SH + reach);
  writeMap(scratch(), float(r, 5), int(r, 22));
  const offsets = scratch() + LINE + bytes(padded + int(r, 21) + 8);
  const pairs = writeOffsets(r, offsets);
  channels = offsets + bytes(pairs);
  readChannels(r);
  const places = channels + bytes(2 * int(r, 11)),
    perLine = (OW + 3) >> 2,
    image = (places + ((<usize>(most * perLine + 1)) << 3) + 15) & -16;
  for (let lines = 0; begin < end; begin += lines) {
    const item = begin / OH,
      top = begin - item * OH;
    lines = min(most, min(OH - top, end - begin));
    const x = pointer(r, 1) + bytes(item * int(r, 8) * H * W);
    readBand(r, x, top * SH - int(r, 18), (lines - 1) * SH + reach, image);
    const count = writePlaces(lines, top, places);
    tiles(r, pairs, offsets, places, count, image, pointer(r, 0) + bytes(item * int(r, 11) * OH * OW));
  }
}

function readChannels(r: usize): void {
  floor = int(r, 23) == RELU ? 0 : -Infinity;
  for (let oc = 0; oc < int(r, 11); oc++) {
    const to = channels + bytes(2 * oc);
    store<f32>(to, load<f32>(pointer(r, 3) + bytes(oc)) * float(r, 6));
    store<f32>(to, pointer(r, 4) ? load<f32>(pointer(r, 4) + bytes(oc)) : 0, 4);
  }
}

/** Where the word of each pair of weights stands, relative to the place of an output. Returns the number of pairs. */
function writeOffsets(r: usize, to: usize): i32 {
  const inputs = int(r, 8),
    KH = int(r, 14),
    KW = int(r, 15),
    DH = int(r, 20),
    DW = int(r, 21);
  const start = to;
  for (let c = 0; c < inputs; c += 2) {
    const base = <usize>(c >> 1) * plane,
      step = c + 1 < inputs ? 1 : 2;
    for (let i = 0; i < KH; i++) {
      for (let j = 0; j < KW; j += step) {
        const column = j * DW;
        store<usize>(to, base + <usize>(i * DH) * row + <usize>(column % SW) * phase + bytes(column / SW));
        to += 4;
      }
    }
  }
  return <i32>((to - start) >> 2);
}

/** Fours of neighbouring outputs: pairs (place in the band, place in a plane of y), the last of a line overlapping. */
function writePlaces(lines: i32, top: i32, to: usize): i32 {
  let count = 0;
  for (let line = 0; line < lines; line++) {
    for (let four = 0; four < OW; four += 4) {
      const column = max(0, min(four, OW - 4));
      store<usize>(to, <usize>(line * SH) * row + bytes(column));
      store<usize>(to, bytes((top + line) * OW + column), 4);
      to += 8;
      count++;
    }
  }
  return count;
}

/** Quantizes `lines` rows of an image, from row `top` on, which may lie outside of it. */
function readBand(r: usize, x: usize, top: i32, lines: i32, image: usize): void {
  const inputs = int(r, 8),
    shift = int(r, 21),
    left = int(r, 19);
  const size = bytes(H * W);
  for (let c = 0; c < inputs; c += 2) {
    const to = image + <usize>(c >> 1) * plane,
      from = x + <usize>c * size,
      second: usize = c + 1 < inputs ? size : 0;
    for (let line = 0; line < lines; line++) {
      const y = to + <usize>line * row,
        at = top + line;
      if (at < 0 || at >= H) clear(y);
      else readRow(from + bytes(at * W), second, left, shift, y);
    }
  }
}

function clear(y: usize): void {
  // A row of a few words, for which a loop is faster than a call of memory.fill.
  for (const end = y + row; y < end; y += 4) store<i32>(y, 0);
}

/** One row of words: of this channel and the one `second` bytes behind it, or of this one alone. */
function readRow(x: usize, second: usize, left: i32, shift: i32, y: usize): void {
  const alone = second == 0;
  const to = SW > 1 || alone ? scratch() + LINE : y;
  for (let i = 0; i < left; i++) store<i32>(to + bytes(i), 0);
  const inverse = v128.load(scratch()),
    low = v128.load(scratch(), 16),
    high = v128.load(scratch(), 32),
    magic = v128.load(scratch(), 48);
  const mask = i32x4.splat(0xffff);
  let at = to + bytes(left),
    i = 0;
  for (; i + 4 <= W; i += 4) {
    let words = v128.and(quantized(v128.load(x), inverse, low, high, magic), mask);
    if (!alone) {
      words = v128.or(words, i32x4.shl(quantized(v128.load(x + second), inverse, low, high, magic), 16));
    }
    v128.store(at, words);
    x += 16;
    at += 16;
  }
  for (; i < W; i++) {
    let word = i32x4.extract_lane(quantized(v128.load32_splat(x), inverse, low, high, magic), 0) & 0xffff;
    if (!alone) {
      word |= i32x4.extract_lane(quantized(v128.load32_splat(x + second), inverse, low, high, magic), 0) << 16;
    }
    store<i32>(at, word);
    x += 4;
    at += 4;
  }
  for (const stop = to + (to == y ? row : bytes(padded + shift)); at < stop; at += 4) store<i32>(at, 0);
  if (to == y) return;
  if (!alone) spreadPhases(to, y);
  else if (SW == 1) pairUp(to, shift, y);
  else {
    pairUp(to, shift, to);
    spreadPhases(to, y);
  }
}

/**
 * Puts beside each number of a row the one `shift` columns to the right of it. Four at a time, up to three words beyond the
 * row are made of what happens to stand there: no output that is stored reads them.
 */
function pairUp(words: usize, shift: i32, to: usize): void {
  const end = words + bytes(padded);
  for (const ahead = bytes(shift); words < end; words += 16) {
    v128.store(to, v128.or(v128.load(words), i32x4.shl(v128.load(words + ahead), 16)));
    to += 16;
  }
}

/** Takes the columns of a row apart by their remainder. */
function spreadPhases(words: usize, y: usize): void {
  for (let remainder = 0; remainder < SW; remainder++) {
    let to = y + <usize>remainder * phase;
    for (let column = remainder; column < padded; column += SW) {
      store<i32>(to, load<i32>(words + bytes(column)));
      to += 4;
    }
  }
}

/**
 * Every tile of a band. Each loop of qtile.ts is called in two places, so that it stays a function of its own: inlined
 * here, it would spill.
 */
function tiles(r: usize, pairs: i32, offsets: usize, places: usize, count: i32, image: usize, y: usize): void {
  const OC = int(r, 11),
    tall = int(r, 24),
    step = bytes(int(r, 12) * OW);
  const tile = scratch() + TILE,
    end = places + ((<usize>count) << 3);
  let weights = pointer(r, 2);
  for (let oc = 0, height = 0; oc < OC; oc += height) {
    height = oc < tall ? TALL_ROWS : LOW_ROWS;
    const rows = min(height, OC - oc),
      plane = y + <usize>oc * step;
    let at = places;
    for (; at + 8 < end; at += 16) {
      multiply(height, pairs, weights, offsets, image + load<usize>(at), image + load<usize>(at, 8), tile);
      place(tile, oc, rows, plane + load<usize>(at, 4), plane + load<usize>(at, 12), step);
    }
    if (at < end) {
      const here = image + load<usize>(at);
      multiply(height, pairs, weights, offsets, here, here, tile);
      place(tile, oc, rows, plane + load<usize>(at, 4), plane + load<usize>(at, 4), step);
    }
    weights += bytes(pairs * height);
  }
}

// @ts-ignore: decorator
@inline function multiply(
  height: i32,
  pairs: i32,
  weights: usize,
  offsets: usize,
  left: usize,
  right: usize,
  tile: usize,
): void {
  if (height == TALL_ROWS) tallPlaces(pairs, weights, offsets, left, right, tile);
  else lowPlaces(pairs, weights, offsets, left, right, tile);
}

/** Takes the sums of a tile to their places. */
function place(tile: usize, oc: i32, rows: i32, left: usize, right: usize, step: usize): void {
  const least = f32x4.splat(floor);
  let channel = channels + bytes(2 * oc);
  for (const end = tile + <usize>rows * TILE_STRIDE; tile < end; tile += TILE_STRIDE) {
    const factor = v128.load32_splat(channel),
      bias = v128.load32_splat(channel, 4);
    const y0 = f32x4.pmax(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(v128.load(tile)), factor), bias), least);
    const y1 = f32x4.pmax(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(v128.load(tile, 16)), factor), bias), least);
    if (OW >= 4) {
      v128.store(left, y0);
      v128.store(right, y1);
    } else {
      storeFew(y0, left);
      storeFew(y1, right);
    }
    channel += 8;
    left += step;
    right += step;
  }
}

/** The outputs of a line shorter than four. */
// @ts-ignore: decorator
@inline function storeFew(y: v128, to: usize): void {
  v128.store32_lane(to, y, 0);
  if (OW > 1) v128.store32_lane(to, y, 1, 4);
  if (OW > 2) v128.store32_lane(to, y, 2, 8);
}
