import { reads, scratch, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { each, named } from './each.js';

/** Images resized and blurred, along one dimension and then along the other: assembly/resize.ts and assembly/blur.ts. */

/**
 * What output o of a line of `size` pixels is made of: `first_of` and `length_of` say of which pixels, `share_of` with what weight. See
 * assembly/resizeweights.ts, which computes in double; ints 5 is the filter, and 2, 4, 6 … are as resize_f32 has them.
 */
const WEIGHTS = `
fn cubic(distance: f32, a: f32) -> f32 {
  let x = abs(distance);
  if (x < 1.0) { return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0; }
  if (x < 2.0) { return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a; }
  return 0.0;
}
fn weigh(x: f32) -> f32 {
  if ((int(5) & 1) == 1) { return cubic(x, select(-0.5, -0.75, int(5) >= 2)); }
  return max(0.0, 1.0 - abs(x));
}
fn reach() -> i32 { return 1 + (int(5) & 1); }
fn center_of(o: i32, size: i32, count: i32) -> f32 { return (f32(2 * o + 1) * f32(size)) / f32(2 * count); }
fn spread_of(size: i32, count: i32) -> f32 { return max(f32(size) / f32(count), 1.0); }
fn left_of(o: i32, size: i32, count: i32) -> i32 { return i32(floor(center_of(o, size, count) - 0.5)) - reach() + 1; }
fn first_of(o: i32, size: i32, count: i32) -> i32 {
  if (int(5) >= 2) { return clamp(left_of(o, size, count), 0, size - 1); }
  return max(i32(center_of(o, size, count) - f32(reach()) * spread_of(size, count) + 0.5), 0);
}
fn length_of(o: i32, size: i32, count: i32) -> i32 {
  let first = first_of(o, size, count);
  if (int(5) >= 2) { return clamp(left_of(o, size, count) + 2 * reach() - 1, 0, size - 1) - first + 1; }
  return min(i32(center_of(o, size, count) + f32(reach()) * spread_of(size, count) + 0.5), size) - first;
}
fn share_of(o: i32, k: i32, size: i32, count: i32) -> f32 {
  let center = center_of(o, size, count);
  if (int(5) < 2) { return weigh((f32(k) - center + 0.5) / spread_of(size, count)); }
  // Pixels beyond the edge are those at the edge once more, and their weights add up there.
  let left = left_of(o, size, count);
  var sum = 0.0;
  for (var t = left; t < left + 2 * reach(); t++) {
    if (clamp(t, 0, size - 1) == k) { sum += weigh(f32(t) - center + 0.5); }
  }
  return sum;
}
fn total_of(o: i32, size: i32, count: i32) -> f32 {
  if (int(5) >= 2) { return 1.0; }
  let first = first_of(o, size, count);
  let length = length_of(o, size, count);
  var sum = 0.0;
  for (var k = 0; k < length; k++) { sum += share_of(o, first + k, size, count); }
  return sum;
}`;

/** `weighed(o, size, count, base, step)`: the pixels of output o, which load_source gives, put together. */
const WEIGHED = {
  f32: `
fn weighed(o: i32, size: i32, count: i32, base: i32, step: i32) -> f32 {
  let first = first_of(o, size, count);
  let length = length_of(o, size, count);
  let total = total_of(o, size, count);
  var sum = 0.0;
  for (var k = first; k < first + length; k++) { sum += load_source(base + k * step) * (share_of(o, k, size, count) / total); }
  return sum;
}`,
  // Whole weights of 14 bits; what rounding leaves over goes to the largest, so that a flat image stays flat.
  u8: `
fn weighed(o: i32, size: i32, count: i32, base: i32, step: i32) -> i32 {
  let first = first_of(o, size, count);
  let length = length_of(o, size, count);
  let total = total_of(o, size, count);
  var rest = 16384;
  var most = 0;
  var best = 0;
  var sum = 0;
  for (var k = 0; k < length; k++) {
    let w = i32(floor(share_of(o, first + k, size, count) / total * 16384.0 + 0.5));
    let pixel = load_source(base + (first + k) * step);
    sum += pixel * w;
    rest -= w;
    if (k == 0 || w > most) {
      most = w;
      best = pixel;
    }
  }
  return clamp((sum + best * rest + 8192) >> 14u, 0, 255);
}`,
};

/** ints: channels, H, W, outH, outW, filter, taps along x and y. Between the two passes stand lines of 32-bit numbers. */
function resize(as: 'f32' | 'u8'): Shader {
  return (launch) => {
    const [channels = 1, h = 0, , outH = 0, outW = 0] = launch.ints ?? [];
    const planes = launch.work;
    const kind = as === 'f32' ? 'f32' : 'i32';
    const lines = { scratch: 4 * planes * h * outW };
    const { name } = named(launch);
    const ints = [...(launch.ints ?? []), planes / channels];
    return [
      {
        name: `${name} along`,
        structure: '',
        ints,
        bind: {
          lines: scratch(lines, 'write', kind),
          source: reads(launch.reads[0]),
          boxes: reads(launch.reads[1]),
        },
        items: planes * h * outW,
        text: () => ({
          declare: WEIGHTS + WEIGHED[as],
          body: `
            let line = id / int(4);
            let plane = line / int(1);
            let row = line - plane * int(1);
            let box = 4 * (plane / int(0));
            // Of a box fewer lines may be looked at.
            if (row >= load_boxes(box + 2)) { return; }
            let base = (plane * int(1) + load_boxes(box) + row) * int(2) + load_boxes(box + 1);
            store_lines(id, weighed(id - line * int(4), load_boxes(box + 3), int(4), base, 1));`,
        }),
      },
      each({
        name: `${name} down`,
        ints,
        y: writes(launch.writes[0]),
        count: planes * outH * outW,
        bind: { source: scratch(lines, 'read', kind), boxes: reads(launch.reads[1]) },
        declare: () => WEIGHTS + WEIGHED[as],
        element: () => `
          let line = i / int(4);
          let plane = line / int(3);
          let box = 4 * (plane / int(0));
          let base = plane * int(1) * int(4) + i - line * int(4);
          return weighed(line - plane * int(3), load_boxes(box + 2), int(3), base, int(4));`,
      }),
    ];
  };
}

const MIRRORED = `
fn mirrored(i: i32, size: i32) -> i32 {
  if (i < 0) { return -i; }
  return select(2 * (size - 1) - i, i, i < size);
}`;

/** ints: channels, H, W, K, L; down first, as on other devices. */
function blur(as: 'f32' | 'u8'): Shader {
  return (launch) => {
    const [, , w = 0] = launch.ints ?? [];
    const count = launch.work * w;
    const columns = { scratch: 4 * count };
    const { name } = named(launch);
    const { ints } = launch;
    return [
      {
        name: `${name} down`,
        structure: '',
        ints,
        bind: { columns: scratch(columns, 'write', 'f32'), x: reads(launch.reads[0]), down: reads(launch.reads[2]) },
        items: count,
        text: () => ({
          declare: MIRRORED,
          body: `
            let line = id / int(2);
            let plane = line / int(1);
            let row = line - plane * int(1);
            let weights = (plane / int(0)) * int(4);
            var sum = 0.0;
            for (var l = 0; l < int(4); l++) {
              let at = (plane * int(1) + mirrored(row + l - int(4) / 2, int(1))) * int(2) + id - line * int(2);
              sum = fma(load_down(weights + l), f32(load_x(at)), sum);
            }
            store_columns(id, sum);`,
        }),
      },
      each({
        name: `${name} across`,
        ints,
        y: writes(launch.writes[0]),
        count,
        bind: { columns: scratch(columns, 'read', 'f32'), across: reads(launch.reads[1]) },
        declare: () => MIRRORED,
        element: () => `
          let line = i / int(2);
          let column = i - line * int(2);
          let weights = (line / (int(1) * int(0))) * int(3);
          var sum = 0.0;
          for (var k = 0; k < int(3); k++) {
            sum = fma(load_across(weights + k), load_columns(line * int(2) + mirrored(column + k - int(3) / 2, int(2))), sum);
          }
          ${as === 'f32' ? 'return sum;' : 'return to_int(clamp(round(sum), 0.0, 255.0));'}`,
      }),
    ];
  };
}

export const filters: Shaders = {
  resize_f32: resize('f32'),
  resize_u8: resize('u8'),
  blur_f32: blur('f32'),
  blur_u8: blur('u8'),
};
