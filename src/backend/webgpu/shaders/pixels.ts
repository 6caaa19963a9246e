import { type Element, reads, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { each, named } from './each.js';

/** Images put together from rows and columns of others, boxes wiped out, and warps: assembly/pick.ts and assembly/warp.ts. */

/** y[n, c, oy, ox] = x[n, c, rows[n, oy], columns[n, ox]], or fill[c] where either is negative. */
function pick(as: Element): Shader {
  return (launch) => {
    const [, , , outH = 0, outW = 0] = launch.ints ?? [];
    return each({
      ...named(launch),
      y: writes(launch.writes[0], { as }),
      count: launch.work * outH * outW,
      bind: {
        x: reads(launch.reads[0], { as }),
        rows: reads(launch.reads[1]),
        columns: reads(launch.reads[2]),
        fill: reads(launch.reads[3], { as }),
      },
      element: () => `
        let line = i / int(4);
        let plane = line / int(3);
        let n = plane / int(0);
        let row = load_rows(n * int(3) + line - plane * int(3));
        let column = load_columns(n * int(4) + i - line * int(4));
        if (row < 0 || column < 0) { return load_fill(plane - n * int(0)); }
        return load_x((plane * int(1) + row) * int(2) + column);`,
    });
  };
}

/** y = x with values[n, c] within the box (top, left, height, width) of image n. */
function erase(as: Element): Shader {
  return (launch) => {
    const [, h = 0, w = 0] = launch.ints ?? [];
    return each({
      ...named(launch),
      y: writes(launch.writes[0], { as }),
      count: launch.work * h * w,
      bind: {
        x: reads(launch.reads[0], { as }),
        boxes: reads(launch.reads[1]),
        values: reads(launch.reads[2], { as }),
      },
      element: () => `
        let line = i / int(2);
        let plane = line / int(1);
        let box = 4 * (plane / int(0));
        let row = line - plane * int(1) - load_boxes(box);
        let column = i - line * int(2) - load_boxes(box + 1);
        if (row >= 0 && row < load_boxes(box + 2) && column >= 0 && column < load_boxes(box + 3)) { return load_values(plane); }
        return load_x(i);`,
    });
  };
}

/** Statements that set `ix` and `iy`, the place of the source that output (ox, oy) of image n shows. */
const PLACES = {
  affine: `
    let m = 6 * n;
    let ix = load_maps(m) * f32(ox) + (load_maps(m + 1) * f32(oy) + load_maps(m + 2));
    let iy = load_maps(m + 3) * f32(ox) + (load_maps(m + 4) * f32(oy) + load_maps(m + 5));`,
  projective: `
    let m = 8 * n;
    let u = f32(ox) + 0.5;
    let v = f32(oy) + 0.5;
    let q = load_maps(m + 6) * u + (load_maps(m + 7) * v + 1.0);
    let ix = (load_maps(m) * u + (load_maps(m + 1) * v + load_maps(m + 2))) / q - 0.5;
    let iy = (load_maps(m + 3) * u + (load_maps(m + 4) * v + load_maps(m + 5))) / q - 0.5;`,
  field: `
    let m = 2 * ((n * int(3) + oy) * int(4) + ox);
    let ix = f32(ox) + load_maps(m) * (f32(int(2)) * 0.5);
    let iy = f32(oy) + load_maps(m + 1) * (f32(int(1)) * 0.5);`,
};

/** What is made of the four neighbours, of which each has its weight: bytes are weighed in 14 bits. */
const BLEND = {
  f32: 'return v00 * w00 + v01 * w01 + (v10 * w10 + v11 * w11);',
  u8: `
    let upper = v00 * i32(round(w00 * 16384.0)) + v01 * i32(round(w01 * 16384.0));
    let lower = v10 * i32(round(w10 * 16384.0)) + v11 * i32(round(w11 * 16384.0));
    return min((upper + lower + 8192) >> 14u, 255);`,
};

/** ints: channels, H, W, outH, outW, bilinear. */
function warp(map: keyof typeof PLACES, as: 'f32' | 'u8'): Shader {
  return (launch) => {
    const [channels = 0, , , , outW = 0] = launch.ints ?? [];
    const type = as === 'f32' ? 'f32' : 'i32';
    return each({
      ...named(launch),
      y: writes(launch.writes[0]),
      // Work is rows of all channels together.
      count: launch.work * channels * outW,
      bind: { x: reads(launch.reads[0]), maps: reads(launch.reads[1]), fill: reads(launch.reads[2]) },
      declare: () => `
fn pixel(plane: i32, x: i32, y: i32, outside: ${type}) -> ${type} {
  if (x < 0 || x >= int(2) || y < 0 || y >= int(1)) { return outside; }
  return load_x((plane * int(1) + y) * int(2) + x);
}`,
      element: () => `
        let line = i / int(4);
        let ox = i - line * int(4);
        let plane = line / int(3);
        let oy = line - plane * int(3);
        let n = plane / int(0);
        let outside = ${type}(load_fill(plane - n * int(0)));
        ${PLACES[map]}
        let w = f32(int(2));
        let h = f32(int(1));
        if (is_nan(ix) || is_nan(iy) || is_infinite(ix) || is_infinite(iy)) { return outside; }
        if (int(5) == 0) {
          let x = round(ix);
          let y = round(iy);
          if (x < 0.0 || x >= w || y < 0.0 || y >= h) { return outside; }
          return pixel(plane, i32(x), i32(y), outside);
        }
        if (ix <= -1.0 || ix >= w || iy <= -1.0 || iy >= h) { return outside; }
        let left = floor(ix);
        let top = floor(iy);
        let fx = ix - left;
        let fy = iy - top;
        let w00 = (1.0 - fx) * (1.0 - fy);
        let w01 = fx * (1.0 - fy);
        let w10 = (1.0 - fx) * fy;
        let w11 = fx * fy;
        let x0 = i32(left);
        let y0 = i32(top);
        let v00 = pixel(plane, x0, y0, outside);
        let v01 = pixel(plane, x0 + 1, y0, outside);
        let v10 = pixel(plane, x0, y0 + 1, outside);
        let v11 = pixel(plane, x0 + 1, y0 + 1, outside);
        ${BLEND[as]}`,
    });
  };
}

export const pixels: Shaders = {
  pick_b1: pick('u8'),
  pick_b2: pick('u16'),
  pick_b4: pick('u32'),
  erase_b1: erase('u8'),
  erase_b2: erase('u16'),
  erase_b4: erase('u32'),
  warpAffine_f32: warp('affine', 'f32'),
  warpAffine_u8: warp('affine', 'u8'),
  warpProjective_f32: warp('projective', 'f32'),
  warpProjective_u8: warp('projective', 'u8'),
  warpField_f32: warp('field', 'f32'),
  warpField_u8: warp('field', 'u8'),
};
