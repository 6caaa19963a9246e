/**
 * The image a convolution reads from: zeros around it, and its columns sorted by their remainder modulo the stride, so
 * that the elements neighbouring outputs take for one tap are neighbours in memory whatever the stride.
 *
 *   padded row, stride 2:   p0 p1 p2 p3 p4 p5 …   →   p0 p2 p4 … | p1 p3 p5 …
 *
 *   [channels][height][stride][width], with element (c, row, column) at
 *   ((c · height + row) · stride + column % stride) · width + column / stride.
 *
 * An image that needs neither zeros nor sorting is read where it is.
 */
import { bytes } from './simd';

@unmanaged
export class Source {
  /** The tensor, and its images' shape. */
  from: usize;
  channels: i32;
  rows: i32;
  cols: i32;
  /** From one of the tensor's images to the next, of which not all channels need be read. */
  tensorBytes: usize;
  /** Zeros above and left. */
  top: i32;
  left: i32;
  /** Rows and columns from one output to the next; which remainders of them any tap reads, a bit each. */
  down: i32;
  stride: i32;
  rowsRead: u32;
  colsRead: u32;
  /** Padded rows; columns of one remainder. */
  height: i32;
  width: i32;
  /** Where padded images go, or 0 if the tensor itself is read. */
  to: usize;
  /** Bytes of a row (all remainders), a channel and an image of what is read. */
  rowBytes: usize;
  channelBytes: usize;
  imageBytes: usize;
}

/** Settles the layout; the images go to `room`, `images` of them at a time. Returns the bytes taken there. */
export function layOut(s: Source, room: usize, images: i32): usize {
  const direct = s.top == 0 && s.left == 0 && s.stride == 1 && s.height <= s.rows && s.width <= s.cols;
  if (direct) {
    s.height = s.rows;
    s.width = s.cols;
  }
  s.rowBytes = bytes(s.stride) * <usize>s.width;
  s.channelBytes = s.rowBytes * <usize>s.height;
  s.imageBytes = direct ? s.tensorBytes : s.channelBytes * <usize>s.channels;
  s.to = direct ? 0 : room;
  if (direct) return 0;
  // The zeros are written once: every image covers the same inner part.
  const size = s.imageBytes * <usize>images;
  memory.fill(room, 0, size);
  return size;
}

/** Distance in bytes of padded (row, column) of channel c from the image's start. */
export function place(s: Source, c: i32, row: i32, column: i32): usize {
  return <usize>c * s.channelBytes + <usize>row * s.rowBytes + bytes((column % s.stride) * s.width + column / s.stride);
}

/** Makes images image … image + count - 1 ready and returns where the first of them is. */
export function ready(s: Source, image: i32, count: i32): usize {
  const from = s.from + <usize>image * s.tensorBytes;
  if (!s.to) return from;
  for (let i = 0; i < count; i++) {
    padImage(s, from + <usize>i * s.tensorBytes, s.to + <usize>i * s.imageBytes);
  }
  return s.to;
}

function padImage(s: Source, from: usize, to: usize): void {
  // Rows and columns that no output reads are left out: below and right of the last window, or cropped by negative
  // padding.
  const firstRow = max(0, -s.top);
  const endRow = min(s.rows, s.height - s.top);
  const plain = s.stride == 1;
  const down = s.down;
  const first = max(0, -s.left);
  const n = min(s.cols, s.width - s.left) - first;
  const step = bytes(s.cols);
  for (let c = 0; c < s.channels; c++) {
    let p = from + <usize>firstRow * step;
    let q = to + <usize>(firstRow + s.top) * s.rowBytes;
    for (let row = firstRow; row < endRow; row++) {
      if (down == 1 || isRead(s.rowsRead, (row + s.top) % down)) {
        if (plain) copy(q + bytes(first + s.left), p + bytes(first), n);
        else padRow(s, p, q);
      }
      p += step;
      q += s.rowBytes;
    }
    from += <usize>s.rows * step;
    to += s.channelBytes;
  }
}

/** Remainders from 32 on have no bit and count as read. */
// @ts-ignore: decorator
@inline export function isRead(mask: u32, remainder: i32): bool {
  return remainder >= 32 || ((mask >> remainder) & 1) != 0;
}

/** The remainders modulo `stride` that `size` taps, `dilation` apart, read. */
export function remaindersRead(size: i32, dilation: i32, stride: i32): u32 {
  let mask: u32 = 0;
  for (let i = 0; i < size; i++) {
    const remainder = (i * dilation) % stride;
    if (remainder < 32) mask |= 1 << remainder;
  }
  return mask;
}

function padRow(s: Source, from: usize, to: usize): void {
  const first = max(0, -s.left);
  for (let remainder = 0; remainder < s.stride; remainder++) {
    if (!isRead(s.colsRead, remainder)) continue;
    // The first padded column of this remainder that holds an element of the row, and the first output position it has.
    const lowest = first + s.left;
    const column = lowest + ((remainder - (lowest % s.stride) + s.stride) % s.stride);
    const position = column / s.stride;
    const left = s.cols - (column - s.left);
    const n = min((left + s.stride - 1) / s.stride, s.width - position);
    gather(to + bytes(remainder * s.width + position), from + bytes(column - s.left), n, s.stride);
  }
}

/** n floats. Rows are short, and memory.copy costs a call into the runtime. */
// @ts-ignore: decorator
@inline export function copy(to: usize, from: usize, n: i32): void {
  if (n >= 4) {
    const last = bytes(n - 4);
    const stop = to + last;
    const tail = from + last;
    while (to < stop) {
      v128.store(to, v128.load(from));
      to += 16;
      from += 16;
    }
    v128.store(stop, v128.load(tail));
  } else {
    for (; n > 0; n--) {
      store<f32>(to, load<f32>(from));
      to += 4;
      from += 4;
    }
  }
}

/** n floats, `stride` apart. */
function gather(to: usize, from: usize, n: i32, stride: i32): void {
  if (stride == 2) {
    for (; n >= 4; n -= 4) {
      // Elements 0 2 from 0–3 and 4 6 from 3–6: nothing beyond the last one is read.
      v128.store(to, v128.shuffle<i32>(v128.load(from), v128.load(from, 12), 0, 2, 5, 7));
      to += 16;
      from += 32;
    }
  }
  const step = bytes(stride);
  for (; n > 0; n--) {
    store<f32>(to, load<f32>(from));
    to += 4;
    from += step;
  }
}
