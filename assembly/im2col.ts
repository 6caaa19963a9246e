/** The column matrix of a convolution in 8 bits, which an int8 product multiplies with the weights. */
import { int, pointer } from './launch';

/**
 * columns[(n · OH + oy) · OW + ox, (c · KH + i) · KW + j] = x[n, c, oy · SH - PH + i · DH, ox · SW - PW + j · DW], and
 * zeroPoint outside x: the 8-bit number that stands for 0. The columns of a group of channels lie side by side. Serves
 * uint8 as well.
 * Slots: 0 columns (int8) [N · OH · OW, C · KH · KW], 1 x (int8) [N, C, H, W], 2 N, 3 C, 4 H, 5 W, 6 OH, 7 OW, 8 KH, 9
 * KW, 10 SH, 11 SW, 12 PH, 13 PW, 14 DH, 15 DW, 16 zeroPoint. Work: N · OH.
 */
export function im2col_i8(r: usize, begin: i32, end: i32): void {
  const channels = int(r, 3);
  const h = int(r, 4);
  const w = int(r, 5);
  const oh = int(r, 6);
  const ow = int(r, 7);
  const kh = int(r, 8);
  const kw = int(r, 9);
  const dh = int(r, 14);
  const dw = int(r, 15);
  const zero = <u8>int(r, 16);
  const plane = <usize>(h * w);
  const step = <usize>(dh * w);
  let to = pointer(r, 0) + <usize>begin * <usize>(ow * channels * kh * kw);
  for (let line = begin; line < end; line++) {
    const image = pointer(r, 1) + <usize>(line / oh) * <usize>channels * plane;
    const top = (line % oh) * int(r, 10) - int(r, 12);
    // Kernel rows first … last - 1 lie inside x, for every column of the line.
    const first = top >= 0 ? 0 : min(kh, (dh - 1 - top) / dh);
    const last = max(first, min(kh, (h - top + dh - 1) / dh));
    for (let ox = 0; ox < ow; ox++) {
      const left = ox * int(r, 11) - int(r, 13);
      const inside = dw == 1 && left >= 0 && left + kw <= w;
      let row = image + <usize>((top + first * dh) * w);
      for (let c = 0; c < channels; c++) {
        to = fill(to, zero, first * kw);
        let from = row;
        if (inside) {
          from += left;
          if (kw == 3) {
            for (let i = first; i < last; i++) {
              store<u16>(to, load<u16>(from));
              store<u8>(to, load<u8>(from, 2), 2);
              to += 3;
              from += step;
            }
          } else {
            for (let i = first; i < last; i++) {
              copy(to, from, kw);
              to += kw;
              from += step;
            }
          }
        } else {
          for (let i = first; i < last; i++) {
            pick(to, from, left, kw, dw, w, zero);
            to += kw;
            from += step;
          }
        }
        to = fill(to, zero, (kh - last) * kw);
        row += plane;
      }
    }
  }
}

/** n bytes. Kernels are a few elements wide, too few for memory.copy. */
// @ts-ignore: decorator
@inline function copy(to: usize, from: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    store<u32>(to, load<u32>(from));
    to += 4;
    from += 4;
  }
  if (n & 2) {
    store<u16>(to, load<u16>(from));
    to += 2;
    from += 2;
  }
  if (n & 1) store<u8>(to, load<u8>(from));
}

// @ts-ignore: decorator
@inline function fill(to: usize, value: u8, n: i32): usize {
  for (; n > 0; n--) store<u8>(to++, value);
  return to;
}

function pick(to: usize, row: usize, x: i32, n: i32, step: i32, w: i32, zero: u8): void {
  for (; n > 0; n--) {
    store<u8>(to++, <u32>x < <u32>w ? load<u8>(row + <usize>x) : zero);
    x += step;
  }
}
