import { fail } from '../../core/errors.js';

/**
 * Undoes PNG's filters in place (PNG specification, third edition, section 9). `data` holds from `start` on `rows` rows, each
 * a byte that names its filter and `length` bytes, whose differences to the bytes of the pixel before, `distance` bytes to
 * the left, and to the row above were stored.
 */
export function unfilter(
  name: string,
  data: Uint8Array,
  start: number,
  rows: number,
  length: number,
  distance: number,
): void {
  for (let row = 0, at = start; row < rows; row++, at += length + 1) {
    const filter = data[at] as number;
    const begin = at + 1;
    const end = begin + length;
    // The first row has zeros above it: up then adds nothing, and Paeth's predictor is the byte to the left.
    const kind = row > 0 ? filter : filter === 2 ? 0 : filter === 4 ? 1 : filter;
    switch (kind) {
      case 0:
        break;
      case 1:
        for (let i = begin + distance; i < end; i++) data[i] = (data[i] as number) + (data[i - distance] as number);
        break;
      case 2:
        for (let i = begin, up = begin - length - 1; i < end; i++, up++) {
          data[i] = (data[i] as number) + (data[up] as number);
        }
        break;
      case 3:
        average(data, begin, end, distance, row > 0 ? length + 1 : 0);
        break;
      case 4:
        paeth(data, begin, end, distance, length + 1);
        break;
      default:
        fail('data', `${name}: row ${row} names filter ${filter}, and PNG has 0 … 4: the image data are damaged.`);
    }
  }
}

function average(data: Uint8Array, begin: number, end: number, distance: number, above: number): void {
  for (let i = begin; i < end; i++) {
    const left = i < begin + distance ? 0 : (data[i - distance] as number);
    const up = above === 0 ? 0 : (data[i - above] as number);
    data[i] = (data[i] as number) + ((left + up) >> 1);
  }
}

/**
 * Of three neighbours the one nearest to left + up − corner; of equal ones the left, then the upper. Signs are spread over all
 * bits and used as masks: in pictures no processor foresees which of the three it is, and branches would cost it most of the
 * time.
 */
function nearest(left: number, up: number, corner: number): number {
  // How far that prediction is from left, from up, and from the corner.
  const rise = up - corner;
  const run = left - corner;
  const both = rise + run;
  const toLeft = (rise ^ (rise >> 31)) - (rise >> 31);
  const toUp = (run ^ (run >> 31)) - (run >> 31);
  const toCorner = (both ^ (both >> 31)) - (both >> 31);
  const upper = (toUp - toLeft) >> 31;
  const near = left ^ ((left ^ up) & upper);
  return near ^ ((near ^ corner) & ((toCorner - (toLeft + ((toUp - toLeft) & upper))) >> 31));
}

function paeth(data: Uint8Array, begin: number, end: number, distance: number, above: number): void {
  const first = Math.min(begin + distance, end);
  for (let i = begin; i < first; i++) data[i] = (data[i] as number) + (data[i - above] as number);
  if (distance === 3 || distance === 4) {
    paethOfColours(data, begin, end, distance, above);
    return;
  }
  // Channel by channel, so that left and corner stay in registers.
  for (let channel = 0; channel < distance; channel++) {
    let i = first + channel;
    if (i >= end) return;
    let left = data[i - distance] as number;
    let corner = data[i - above - distance] as number;
    for (; i < end; i += distance) {
      const up = data[i - above] as number;
      left = ((data[i] as number) + nearest(left, up, corner)) & 255;
      data[i] = left;
      corner = up;
    }
  }
}

/** Three or four channels at a time: each waits for its own left neighbour only, so the processor works on all at once. */
function paethOfColours(data: Uint8Array, begin: number, end: number, distance: number, above: number): void {
  let up = begin - above;
  let [r, g, b, a] = [data[begin], data[begin + 1], data[begin + 2], data[begin + 3]] as [
    number,
    number,
    number,
    number,
  ];
  let [cr, cg, cb, ca] = [data[up], data[up + 1], data[up + 2], data[up + 3]] as [number, number, number, number];
  for (let i = begin + distance; i < end; i += distance) {
    up = i - above;
    const ur = data[up] as number;
    const ug = data[up + 1] as number;
    const ub = data[up + 2] as number;
    r = ((data[i] as number) + nearest(r, ur, cr)) & 255;
    g = ((data[i + 1] as number) + nearest(g, ug, cg)) & 255;
    b = ((data[i + 2] as number) + nearest(b, ub, cb)) & 255;
    data[i] = r;
    data[i + 1] = g;
    data[i + 2] = b;
    cr = ur;
    cg = ug;
    cb = ub;
    if (distance === 4) {
      const ua = data[up + 3] as number;
      a = ((data[i + 3] as number) + nearest(a, ua, ca)) & 255;
      data[i + 3] = a;
      ca = ua;
    }
  }
}
