/**
 * A convolution as a plan: a list of taps, packed weights and a grid of outputs. The forward pass is one plan; the
 * gradient of the input is one for each remainder of the input's position modulo the stride.
 *
 * Outputs are taken four neighbours at a time, the last four of a line overlapping the four before. Where lines are too
 * short for that, outputs of several images are gathered into a panel [tap][8] first.
 */
import { Source } from './convsource';
import { LARGE, largeTile, lineTile, smallTile, squareLines } from './convtile';
import { bytes } from './simd';

@unmanaged
export class Plan {
  /**
   * Number of taps; a byte offset in the source for each; a byte offset in the weights for each. Taps of one kernel row
   * stand together, so that a line of outputs can leave out kernel rows that lie in the zeros above or below.
   */
  taps: i32;
  offsets: usize;
  weightOffsets: usize;
  /** Kernel rows, one if none is left out: how many, and the source row, before the zeros above, that each reads for the first line of outputs. */
  kernelRows: i32;
  sourceRows: usize;
  /** Source rows from one line of outputs to the next, and how many there are. */
  rowStep: i32;
  rowsThere: i32;
  /** The grid of outputs: `rows` lines of `cols`. */
  rows: i32;
  cols: i32;
  /** Bytes from one output to the next in the source: down and (always 4) right; in the result: down and right. */
  sourceDown: usize;
  down: usize;
  right: usize;
  /** Where the first output goes, relative to its plane. */
  first: usize;
  /** Output channels of a group, and bytes from one channel's plane to the next. */
  channels: i32;
  plane: usize;
  /**
   * Packed weights, `group` bytes a group: `large` panels of LARGE channels, `small` ones of four; neither: one
   * channel.
   */
  weights: usize;
  group: usize;
  large: i32;
  small: i32;
  /** Whether this is one channel with 3 × 3 taps side by side and stride 1. */
  square: bool;
  /** Whether outputs are gathered one by one, and for how many images at a time. */
  gathers: bool;
  images: i32;
  /**
   * Where it gathers, pairs of single outputs: place in the source, place in the result. Otherwise entries of four
   * neighbours: these two, and the list of offsets' part, as bytes from its start, that they do not skip.
   */
  table: usize;
  entries: i32;
  /** For gathering: the panel, the offsets of its taps, a tile of results. */
  panel: usize;
  panelOffsets: usize;
  tile: usize;
}

/**
 * Images whose outputs are gathered together: eight, so that no panel of eight outputs is part empty, if they are few.
 */
const GATHERED: i32 = 8;
const FEW: i32 = 256;

/** Bytes of an entry of the table for four neighbours. */
const ENTRY: usize = 16;

/**
 * Chooses how the grid is walked. Gathering costs a load and a store for each tap and output, once for all channels,
 * and pays where overlapping fours would compute many outputs twice. What is chosen must not depend on the share of the work:
 * `channels` are those of a group, of which the plan may have but some.
 */
export function arrange(p: Plan, channels: i32): void {
  if (p.sourceDown == bytes(p.cols) && p.down == p.right * <usize>p.cols) {
    p.cols *= p.rows;
    p.rows = 1;
    // Kernel rows cannot be left out of a line that was many.
    p.kernelRows = 1;
    p.rowsThere = 0;
  }
  const fours = (p.cols + 3) >> 2;
  const wasted = 4 * fours - p.cols;
  p.gathers = p.cols < 4 || (channels > 1 && wasted * channels > 12 * p.cols);
  p.images = p.gathers && p.rows * p.cols <= FEW ? GATHERED : 1;
  if (p.channels == 1 && !p.gathers) {
    p.large = 0;
    p.small = 0;
  } else {
    // As many large panels as leave the fewest channels of a panel empty.
    const least = leastPacked(p.channels);
    p.small = 0;
    while ((least - 4 * p.small) % LARGE != 0) p.small++;
    p.large = (least - 4 * p.small) / LARGE;
  }
  p.group = bytes(channelsPacked(p)) * <usize>(p.taps + 1);
}

/** The fewest channels, with empty ones, that panels of LARGE and of four hold `channels` in. */
export function leastPacked(channels: i32): i32 {
  let least = i32.MAX_VALUE;
  for (let small = 0; small < LARGE; small++) {
    const large = (max(0, channels - 4 * small) + LARGE - 1) / LARGE;
    least = min(least, LARGE * large + 4 * small);
  }
  return least;
}

function channelsPacked(p: Plan): i32 {
  return p.large + p.small == 0 ? 1 : LARGE * p.large + 4 * p.small;
}

/** Writes the table of places to `room`; returns the bytes taken, panel and tile included. */
export function tabulate(p: Plan, source: Source, resultImage: usize, room: usize): usize {
  p.table = room;
  let at = room;
  if (p.gathers) {
    for (let image = 0; image < p.images; image++) {
      const from = <usize>image * source.imageBytes;
      const to = <usize>image * resultImage + p.first;
      for (let row = 0; row < p.rows; row++) {
        for (let col = 0; col < p.cols; col++) {
          store<usize>(at, from + <usize>row * p.sourceDown + bytes(col));
          store<usize>(at, to + <usize>row * p.down + <usize>col * p.right, 4);
          at += 8;
        }
      }
    }
    p.entries = p.rows * p.cols;
    p.panelOffsets = at;
    for (let k = 0; k < p.taps; k++) store<i32>(at + bytes(k), k << 5);
    p.panel = at + bytes(p.taps);
    at = p.panel + ((<usize>p.taps) << 5);
  } else {
    const perRow = p.taps / max(p.kernelRows, 1);
    for (let row = 0; row < p.rows; row++) {
      let first = 0;
      let last = p.kernelRows;
      if (p.rowsThere > 0) {
        while (first < last && !isThere(p, first, row)) first++;
        while (first < last && !isThere(p, last - 1, row)) last--;
        // A line of zeros alone skips nothing, so that what fours have in common begins and ends with one of them.
        if (first == last) {
          first = 0;
          last = p.kernelRows;
        }
      }
      for (let four = 0; four < p.cols; four += 4) {
        const col = min(four, p.cols - 4);
        store<usize>(at, <usize>row * p.sourceDown + bytes(col));
        store<usize>(at, p.first + <usize>row * p.down + <usize>col * p.right, 4);
        store<usize>(at, bytes(first * perRow), 8);
        store<usize>(at, bytes(last * perRow), 12);
        at += ENTRY;
      }
    }
    p.entries = <i32>((at - p.table) / ENTRY);
    p.square = isSquare(p);
    // A tile takes two or eight entries: the last one is repeated.
    const unit = p.large + p.small == 0 ? 8 : 2;
    for (; p.entries % unit; p.entries++) {
      v128.store(at, v128.load(at - ENTRY));
      at += ENTRY;
    }
  }
  p.tile = at;
  return at + 32 * LARGE - room;
}

/**
 * Whether enough kernel rows meet only zeros to be left out, a sixteenth of them; otherwise the plan is one that skips none.
 * Taps of one kernel row must then stand together, which reads the source in a worse order.
 */
export function skipsRows(p: Plan): bool {
  let zeros = 0;
  if (p.rowsThere > 0 && !p.gathers) {
    for (let i = 0; i < p.kernelRows; i++) {
      for (let row = 0; row < p.rows; row++) if (!isThere(p, i, row)) zeros++;
    }
  }
  if (16 * zeros > p.rows * p.kernelRows) return true;
  p.kernelRows = 1;
  p.rowsThere = 0;
  return false;
}

/** Whether kernel row i meets the image, not the zeros around it, for a line of outputs. */
// @ts-ignore: decorator
@inline function isThere(p: Plan, i: i32, row: i32): bool {
  return <u32>(load<i32>(p.sourceRows + bytes(i)) + row * p.rowStep) < <u32>p.rowsThere;
}

function isSquare(p: Plan): bool {
  if (p.channels != 1 || p.taps != 9 || p.right != 4 || p.rows < 2) return false;
  const first = load<usize>(p.offsets);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      if (load<usize>(p.offsets + bytes(3 * i + j)) != first + <usize>i * p.sourceDown + bytes(j)) return false;
    }
  }
  return true;
}

/**
 * Packs the weights of every group: panels of `channels` rows, biases first, then the rows of one tap after another.
 * The weight of channel m and tap k of a group is at from + m · rowBytes + weightOffsets[k].
 */
export function packWeights(p: Plan, from: usize, groups: i32, groupBytes: usize, rowBytes: usize, bias: usize): void {
  const packed = channelsPacked(p);
  for (let g = 0; g < groups; g++) {
    let to = p.weights + <usize>g * p.group;
    for (let m = 0; m < packed; ) {
      const width = m < LARGE * p.large ? LARGE : min(packed, 4);
      const step = bytes(width);
      for (let i = 0; i < width; i++, m++) {
        let q = to + bytes(i);
        const here = m < p.channels;
        store<f32>(q, bias && here ? load<f32>(bias + bytes(g * p.channels + m)) : 0);
        const row = from + <usize>g * groupBytes + <usize>m * rowBytes;
        const stop = p.weightOffsets + bytes(p.taps);
        for (let o = p.weightOffsets; o < stop; o += 4) {
          q += step;
          store<f32>(q, here ? load<f32>(row + load<usize>(o)) : 0);
        }
      }
      to += step * <usize>(p.taps + 1);
    }
  }
}

/** Multiplies the packed weights of every channel, not its bias, by a number of its own. */
export function scaleWeights(p: Plan, groups: i32, scale: usize): void {
  const packed = channelsPacked(p);
  for (let g = 0; g < groups; g++) {
    let to = p.weights + <usize>g * p.group;
    for (let m = 0; m < packed; ) {
      const width = m < LARGE * p.large ? LARGE : min(packed, 4);
      const step = bytes(width);
      for (let i = 0; i < width; i++, m++) {
        if (m >= p.channels) continue;
        const factor = load<f32>(scale + bytes(g * p.channels + m));
        let q = to + bytes(i);
        for (let k = p.taps; k > 0; k--) {
          q += step;
          store<f32>(q, load<f32>(q) * factor);
        }
      }
      to += step * <usize>(p.taps + 1);
    }
  }
}

/** Computes group `g` of `count` images. `x` and `y` are the group's first channel in the first of them. */
export function compute(p: Plan, g: i32, x: usize, y: usize, count: i32, source: Source, resultImage: usize): void {
  const weights = p.weights + <usize>g * p.group;
  if (p.gathers) {
    for (let image = 0; image < count; image += p.images) {
      gathered(p, weights, x, y, min(p.images, count - image) * p.entries);
      x += source.imageBytes * <usize>p.images;
      y += resultImage * <usize>p.images;
    }
    return;
  }
  for (; count > 0; count--) {
    if (p.large + p.small == 0) oneChannel(p, weights, x, y);
    else neighbours(p, weights, x, y);
    x += source.imageBytes;
    y += resultImage;
  }
}

function oneChannel(p: Plan, weights: usize, x: usize, y: usize): void {
  const offsets = p.offsets;
  if (p.square) {
    squareLines(weights, x + load<usize>(offsets), y + p.first, p.rows, p.cols, p.sourceDown, p.down);
    return;
  }
  const end = p.table + <usize>p.entries * ENTRY;
  const spread = p.right != 4;
  for (let t = p.table; t < end; t += 8 * ENTRY) {
    // Further down fewer kernel rows lie above the image and more of them below it.
    const skipped = load<usize>(t, 7 * ENTRY + 8);
    const stop = offsets + load<usize>(t, 12);
    lineTile(weights + 4 + skipped, offsets + skipped, stop, x, y, t, spread ? p.tile : 0, weights);
    if (spread)
      for (let i: usize = 0; i < 8; i++) scatterFour(p.tile + (i << 4), y + load<usize>(t + i * ENTRY, 4), p.right);
  }
}

function neighbours(p: Plan, weights: usize, x: usize, y: usize): void {
  const end = p.table + <usize>p.entries * ENTRY;
  const offsets = p.offsets;
  const spread = p.right != 4;
  let left = p.channels;
  for (let panel = 0; panel < p.large + p.small; panel++) {
    const width = panel < p.large ? LARGE : 4;
    const rows = min(width, left);
    for (let t = p.table; t < end; t += 2 * ENTRY) {
      const x0 = x + load<usize>(t);
      const x1 = x + load<usize>(t, ENTRY);
      let y0 = y + load<usize>(t, 4);
      let y1 = y + load<usize>(t, ENTRY + 4);
      const skipped = load<usize>(t, ENTRY + 8);
      const from = weights + bytes(width) + skipped * <usize>width;
      const stop = offsets + load<usize>(t, 12);
      if (!spread) {
        tile(width, from, offsets + skipped, stop, x0, x1, y0, y1, p.plane, rows, weights);
        continue;
      }
      tile(width, from, offsets + skipped, stop, x0, x1, p.tile, p.tile + 16, 32, rows, weights);
      for (let i = 0; i < rows; i++) {
        const sums = p.tile + ((<usize>i) << 5);
        scatterFour(sums, y0, p.right);
        scatterFour(sums + 16, y1, p.right);
        y0 += p.plane;
        y1 += p.plane;
      }
    }
    weights += bytes(width) * <usize>(p.taps + 1);
    y += p.plane * <usize>width;
    left -= width;
  }
}

// @ts-ignore: decorator
@inline function tile(
  width: i32,
  weights: usize,
  offsets: usize,
  stop: usize,
  x0: usize,
  x1: usize,
  y0: usize,
  y1: usize,
  plane: usize,
  rows: i32,
  biases: usize,
): void {
  if (width == LARGE) largeTile(weights, offsets, stop, x0, x1, y0, y1, plane, rows, biases);
  else smallTile(weights, offsets, stop, x0, x1, y0, y1, plane, rows, biases);
}

// @ts-ignore: decorator
@inline function scatterFour(from: usize, to: usize, right: usize): void {
  store<f32>(to, load<f32>(from));
  store<f32>(to + right, load<f32>(from, 4));
  to += right << 1;
  store<f32>(to, load<f32>(from, 8));
  store<f32>(to + right, load<f32>(from, 12));
}

/** `outputs` outputs, of one image or of several, eight at a time by way of a panel. */
function gathered(p: Plan, weights: usize, x: usize, y: usize, outputs: i32): void {
  const offsets = p.panelOffsets;
  const stop = offsets + bytes(p.taps);
  for (let first = 0; first < outputs; first += 8) {
    const places = p.table + ((<usize>first) << 3);
    const n = min(8, outputs - first);
    fillPanel(p, x, places, n);
    let panelWeights = weights;
    let to = y;
    let left = p.channels;
    for (let panel = 0; panel < p.large + p.small; panel++) {
      const width = panel < p.large ? LARGE : 4;
      const rows = min(width, left);
      tile(
        width,
        panelWeights + bytes(width),
        offsets,
        stop,
        p.panel,
        p.panel + 16,
        p.tile,
        p.tile + 16,
        32,
        rows,
        panelWeights,
      );
      for (let j = 0; j < n; j++) {
        let q = to + load<usize>(places + ((<usize>j) << 3), 4);
        let from = p.tile + bytes(j);
        for (let i = 0; i < rows; i++) {
          store<f32>(q, load<f32>(from));
          q += p.plane;
          from += 32;
        }
      }
      panelWeights += bytes(width) * <usize>(p.taps + 1);
      to += p.plane * <usize>width;
      left -= width;
    }
  }
}

/** Panel row k holds tap k of eight outputs. The places that are not there repeat the first. */
function fillPanel(p: Plan, x: usize, places: usize, n: i32): void {
  const x0 = x + load<usize>(places);
  const x1 = n > 1 ? x + load<usize>(places, 8) : x0;
  const x2 = n > 2 ? x + load<usize>(places, 16) : x0;
  const x3 = n > 3 ? x + load<usize>(places, 24) : x0;
  const x4 = n > 4 ? x + load<usize>(places, 32) : x0;
  const x5 = n > 5 ? x + load<usize>(places, 40) : x0;
  const x6 = n > 6 ? x + load<usize>(places, 48) : x0;
  const x7 = n > 7 ? x + load<usize>(places, 56) : x0;
  let to = p.panel;
  const stop = p.offsets + bytes(p.taps);
  for (let o = p.offsets; o < stop; o += 4) {
    const at = load<usize>(o);
    store<u32>(to, load<u32>(x0 + at));
    store<u32>(to, load<u32>(x1 + at), 4);
    store<u32>(to, load<u32>(x2 + at), 8);
    store<u32>(to, load<u32>(x3 + at), 12);
    store<u32>(to, load<u32>(x4 + at), 16);
    store<u32>(to, load<u32>(x5 + at), 20);
    store<u32>(to, load<u32>(x6 + at), 24);
    store<u32>(to, load<u32>(x7 + at), 28);
    to += 32;
  }
}
