import type { Launch } from '../../../core/device.js';
import { type Pass, reads, writes } from '../pass.js';
import type { Shaders } from '../shader.js';
import { named } from './each.js';
import { sumsOfRuns } from './group.js';
import { cell, consider, largest } from './window.js';

/** Adaptive pooling, the gradient of all maxima, and resampling: assembly/adaptivepool.ts, assembly/pool.ts, assembly/resample.ts. */

/** Regions of so many elements are worth a workgroup. */
const LARGE = 128;

/**
 * Rounded down a · b / c, of which a · b may not fit 32 bits: a quotient of floats is off by a few, and what it is off by is
 * right modulo 2³².
 */
const region = `
fn ratio(a: i32, b: i32, c: i32) -> i32 {
  var q = i32(f32(a) * f32(b) / f32(c));
  var rest = a * b - q * c;
  while (rest < 0) { q--; rest += c; }
  while (rest >= c) { q++; rest -= c; }
  return q;
}
fn region_begin(o: i32, inside: i32, outside: i32) -> i32 { return ratio(o, inside, outside); }
fn region_end(o: i32, inside: i32, outside: i32) -> i32 {
  let whole = ratio(o + 1, inside, outside);
  return select(whole + 1, whole, whole * outside == (o + 1) * inside);
}`;

const numbers = 'let h = int(1);\nlet w = int(2);\nlet oh = int(3);\nlet ow = int(4);';
const bounds = `
let top = region_begin(row, h, oh);
let bottom = region_end(row, h, oh);
let left = region_begin(column, w, ow);
let right = region_end(column, w, ow);`;

function mean(launch: Launch): Pass {
  const [planes = 0, h = 0, w = 0, oh = 0, ow = 0] = launch.ints ?? [];
  const outs = planes * oh * ow;
  const shared = h * w >= LARGE * oh * ow;
  const bind = { y: writes(launch.writes[0]), x: reads(launch.reads[0]) };
  if (!shared) {
    return {
      ...named(launch),
      structure: '',
      bind,
      items: outs,
      text: () => ({
        declare: region,
        body: `${numbers}${cell('oh', 'ow')}${bounds}
          var sum = 0.0;
          for (var y = top; y < bottom; y++) {
            for (var x = left; x < right; x++) { sum += load_x((plane * h + y) * w + x); }
          }
          store_y(id, sum / f32((bottom - top) * (right - left)));`,
      }),
    };
  }
  return {
    ...named(launch),
    structure: 'shared',
    bind,
    groups: outs,
    text: (chip) => ({
      declare: region + sumsOfRuns(chip, 256),
      body: `${numbers}
        let id = i32(group);${cell('oh', 'ow')}${bounds}
        let wide = right - left;
        let count = (bottom - top) * wide;
        var t = vec4<f32>();
        for (var k = i32(local); k < count; k += 256) {
          t = with_terms(t, load_x((plane * h + top + k / wide) * w + left + k % wide), 0.0);
        }
        let total = sums_of_run(t, local).x;
        if (local == 0u) { store_y(id, total / f32(count)); }`,
    }),
  };
}

export const pooling: Shaders = {
  adaptiveAvgPool2d_f32: mean,
  adaptiveAvgPool2d_grad_f32: (launch) => {
    const [planes = 0, h = 0, w = 0] = launch.ints ?? [];
    return {
      ...named(launch),
      structure: '',
      bind: { dx: writes(launch.writes[0]), dy: reads(launch.reads[0]) },
      items: planes * h * w,
      text: () => ({
        declare: region,
        body: `${numbers}${cell('h', 'w')}
          var sum = 0.0;
          for (var oy = region_begin(row, oh, h); oy < region_end(row, oh, h); oy++) {
            let rows = region_end(oy, h, oh) - region_begin(oy, h, oh);
            for (var ox = region_begin(column, ow, w); ox < region_end(column, ow, w); ox++) {
              let columns = region_end(ox, w, ow) - region_begin(ox, w, ow);
              sum += load_dy((plane * oh + oy) * ow + ox) / f32(rows * columns);
            }
          }
          store_dx(id, sum);`,
      }),
    };
  },
  adaptiveMaxPool2d_f32: largest(
    `for (var y = top; y < bottom; y++) {
       for (var x = left; x < right; x++) {
         let at = y * w + x;
         ${consider}
       }
     }`,
    `${numbers}${cell('oh', 'ow')}${bounds}`,
    region,
  ),
  maxPool2d_grad_f32: maximaBack,
  resample_f32: (launch) => ({
    ...named(launch),
    structure: '',
    bind: {
      y: writes(launch.writes[0]),
      x: reads(launch.reads[0]),
      begins: reads(launch.reads[1]),
      places: reads(launch.reads[2]),
      weights: reads(launch.reads[3], { as: 'f32' }),
    },
    items: launch.work * (launch.ints?.[2] ?? 0),
    text: () => ({
      body: `
        let inner = int(2);
        let line = id / inner;
        let i = id % inner;
        let p = line % int(0);
        let first = (line / int(0)) * int(1);
        let begin = load_begins(p);
        let end = load_begins(p + 1);
        // The first term starts the sum, so that a weight of 1 copies, the sign of 0 too.
        var sum = 0.0;
        if (begin < end) { sum = load_weights(begin) * load_x((first + load_places(begin)) * inner + i); }
        for (var k = begin + 1; k < end; k++) {
          sum = fma(load_weights(k), load_x((first + load_places(k)) * inner + i), sum);
        }
        store_y(id, sum);`,
    }),
  }),
};

/** Invocations that a scatter without known windows is cut into, about. */
const SHARES = 1 << 14;

/**
 * dx[places] += dy. Where the launch says which outputs can have taken an element (see `reach` in src/ops/maxpool.ts), that element
 * gathers from those; otherwise invocations own a part of a plane each and look at all its places, in their order.
 */
function maximaBack(launch: Launch): Pass {
  const [planes = 0, inSize = 0] = launch.ints ?? [];
  const kind = launch.ints?.[5] ?? 0;
  const bind = { dx: writes(launch.writes[0]), dy: reads(launch.reads[0]), places: reads(launch.reads[1]) };
  if (kind === 0) {
    const parts = Math.min(inSize, Math.max(1, Math.floor(SHARES / Math.max(1, planes))));
    const length = Math.ceil(inSize / Math.max(1, parts));
    const { ints = [], ...rest } = named(launch);
    return {
      ...rest,
      structure: 'parts',
      ints: [...ints.slice(0, 3), length, Math.ceil(inSize / Math.max(1, length))],
      bind,
      items: planes * Math.ceil(inSize / Math.max(1, length)),
      text: () => ({
        body: `
          let plane = id / int(4);
          let begin = (id % int(4)) * int(3);
          let end = min(begin + int(3), int(1));
          let first = plane * int(1);
          for (var i = begin; i < end; i++) { store_dx(first + i, 0.0); }
          for (var k = plane * int(2); k < (plane + 1) * int(2); k++) {
            let at = load_places(k);
            if (at >= begin && at < end) { store_dx(first + at, load_dx(first + at) + load_dy(k)); }
          }`,
      }),
    };
  }
  return {
    ...named(launch),
    structure: `gather ${kind}`,
    bind,
    items: planes * inSize,
    text: () => ({
      declare: `${region}
        // The outputs from x to y, both included, that reach element i in direction d.
        fn reaching(i: i32, d: i32) -> vec2<i32> {
          let inside = int(6 + d);
          let outs = int(9 + d);
          ${
            kind === 2
              ? 'return vec2<i32>(region_begin(i, outs, inside), region_end(i, outs, inside) - 1);'
              : `let at = i + int(18 + d);
                 let before = at - (int(12 + d) - 1) * int(21 + d);
                 let stride = int(15 + d);
                 return vec2<i32>(select(0, (before + stride - 1) / stride, before > 0), min(outs - 1, at / stride));`
          }
        }`,
      body: `
        let at = id % int(1);
        let plane = id / int(1);
        let depths = reaching(at / (int(7) * int(8)), 0);
        let rows = reaching((at / int(8)) % int(7), 1);
        let columns = reaching(at % int(8), 2);
        var sum = 0.0;
        for (var z = depths.x; z <= depths.y; z++) {
          for (var y = rows.x; y <= rows.y; y++) {
            for (var x = columns.x; x <= columns.y; x++) {
              let k = plane * int(2) + (z * int(10) + y) * int(11) + x;
              if (load_places(k) == at) { sum += load_dy(k); }
            }
          }
        }
        store_dx(id, sum);`,
    }),
  };
}
