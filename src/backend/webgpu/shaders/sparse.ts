import { type Pass, reads, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { named } from './each.js';
import { across } from './workgroup.js';

/**
 * Products and convolutions with sparse matrices: assembly/sparse.ts, assembly/sparsesample.ts and assembly/sparseconv.ts.
 *
 * An invocation has one number of the result and walks through a row of the sparse matrix; neighbours have neighbouring columns of
 * the dense one, so that they read the same entries and neighbouring numbers. Where there are few columns, the lanes of a workgroup
 * share a row.
 */

const SIZE = 256;
/** Fewer columns than this, and longer rows, are shared by lanes. */
const FEW_COLUMNS = 8;
const LONG = 64;
const LANES = 32;

/** ints: M, N, K, columns of a block or 0, transposed, entries, relu. */
const product: Shader = (launch) => {
  const [heads, places, values, order, x, bias] = launch.reads;
  const [m = 0, n = 0, , width = 0, isTransposed = 0, entries = 0] = launch.ints ?? [];
  const transposed = isTransposed === 1;
  const shares = n < FEW_COLUMNS && entries / Math.max(1, width === 0 ? m : m / 4) >= LONG;
  const entry = width === 0 ? 'p' : `(p * 4 + i % 4) * ${width} + c`;
  const place = transposed ? 'j * int(2) + at' : 'at * int(1) + j';
  const sums = `
    var sum = 0.0;
    for (var p = load_heads(line) + lane; p < load_heads(line + 1); p += ${shares ? LANES : 1}) {
      for (var c = 0; c < ${Math.max(1, width)}; c++) {
        let at = load_places(p) * ${Math.max(1, width)} + c;
        sum = fma(load_values(${order == null ? entry : `load_order(${entry})`}), load_x(${place}), sum);
      }
    }`;
  const finish = `
    var y = sum;
    ${bias == null ? '' : 'y += load_bias(i);'}
    if (int(6) == 1 && less(y, 0.0)) { y = 0.0; }
    store_y(${transposed ? 'j * int(0) + i' : 'i * int(1) + j'}, y);`;
  const common: Omit<Pass, 'text'> = {
    ...named(launch),
    structure: `${width} ${order != null} ${bias != null} ${transposed} ${shares}`,
    bind: {
      y: writes(launch.writes[0]),
      heads: reads(heads),
      places: reads(places),
      values: reads(values),
      ...(order == null ? {} : { order: reads(order) }),
      x: reads(x),
      ...(bias == null ? {} : { bias: reads(bias) }),
    },
  };
  if (shares) {
    return {
      ...common,
      groups: Math.ceil((m * n) / (SIZE / LANES)),
      size: SIZE,
      text: (chip) => ({
        declare: across(chip, 'f32', 'a + b', LANES, SIZE),
        body: `
          let item = i32(group * ${SIZE / LANES}u + local / ${LANES}u);
          let lane = i32(local % ${LANES}u);
          let inside = item < int(0) * int(1);
          let i = select(0, item / int(1), inside);
          let j = select(0, item % int(1), inside);
          let line = ${width === 0 ? 'i' : 'i / 4'};
          ${sums}
          sum = across(local, sum);
          if (lane == 0 && inside) { ${finish} }`,
      }),
    };
  }
  return {
    ...common,
    items: m * n,
    text: () => ({
      body: `
        ${transposed ? 'let j = id / int(0);\nlet i = id - j * int(0);' : 'let i = id / int(1);\nlet j = id - i * int(1);'}
        let line = ${width === 0 ? 'i' : 'i / 4'};
        let lane = 0;
        ${sums}
        ${finish}`,
    }),
  };
};

/** values[entry at (i, k)] = Σⱼ G[i, j] · X[k, j]: lanes share the sum of an entry. ints: M, N, columns of a block or 0. */
const sample: Shader = (launch) => {
  const [heads, places, order, g, x] = launch.reads;
  const [, n = 0, width = 0] = launch.ints ?? [];
  const each = width === 0 ? 1 : 4 * width;
  const entries = (places?.numel() ?? 0) * each;
  let lanes = 1;
  while (lanes < 64 && lanes * 8 <= n) lanes *= 2;
  return {
    ...named(launch),
    structure: `${width} ${order != null} ${lanes}`,
    bind: {
      y: writes(launch.writes[0]),
      heads: reads(heads),
      places: reads(places),
      ...(order == null ? {} : { order: reads(order) }),
      g: reads(g),
      x: reads(x),
    },
    ints: [...(launch.ints ?? []), entries, launch.work],
    groups: Math.ceil(entries / (SIZE / lanes)),
    size: SIZE,
    text: (chip) => ({
      declare: `${across(chip, 'f32', 'a + b', lanes, SIZE)}
fn row_of(p: i32) -> i32 {
  var low = 0;
  var high = int(4) - 1;
  while (low < high) {
    let middle = (low + high + 1) >> 1u;
    if (load_heads(middle) <= p) { low = middle; } else { high = middle - 1; }
  }
  return low;
}`,
      body: `
        let item = i32(group * ${SIZE / lanes}u + local / ${lanes}u);
        let lane = i32(local % ${lanes}u);
        let o = min(item, int(3) - 1);
        let p = o / ${each};
        let line = row_of(p);
        ${
          width === 0
            ? 'let i = line;\nlet k = load_places(p);'
            : `let i = line * 4 + (o / ${width}) % 4;\nlet k = load_places(p) * ${width} + o % ${width};`
        }
        var sum = 0.0;
        for (var j = lane; j < int(1); j += ${lanes}) { sum = fma(load_g(i * int(1) + j), load_x(k * int(1) + j), sum); }
        sum = across(local, sum);
        if (lane == 0 && item < int(3)) { store_y(${order == null ? 'o' : 'load_order(o)'}, sum); }`,
    }),
  };
};

/** ints: n, c, h, w, oc, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw, groups, relu, images, entries. */
const convolution: Shader = (launch) => {
  const [heads, taps, values, x, scale, shift] = launch.reads;
  const [n = 0, , , , oc = 0, oh = 0, ow = 0] = launch.ints ?? [];
  return {
    ...named(launch),
    structure: `${scale != null} ${shift != null}`,
    bind: {
      y: writes(launch.writes[0]),
      heads: reads(heads),
      taps: reads(taps),
      values: reads(values),
      x: reads(x),
      ...(scale == null ? {} : { scales: reads(scale) }),
      ...(shift == null ? {} : { shifts: reads(shift) }),
    },
    items: n * oc * oh * ow,
    text: () => ({
      body: `
        var rest = id / int(6);
        let column = (id - rest * int(6)) * int(10) - int(12);
        let row = (rest % int(5)) * int(9) - int(11);
        rest = rest / int(5);
        let channel = rest % int(4);
        let image = rest / int(4);
        let first = image * int(1) + channel / (int(4) / int(15)) * (int(1) / int(15));
        let window = int(7) * int(8);
        var sum = 0.0;
        for (var p = load_heads(channel); p < load_heads(channel + 1); p++) {
          let tap = load_taps(p);
          let c = tap / window;
          let i = (tap - c * window) / int(8);
          let yy = row + i * int(13);
          let xx = column + (tap - c * window - i * int(8)) * int(14);
          if (yy < 0 || yy >= int(2) || xx < 0 || xx >= int(3)) { continue; }
          sum = fma(load_values(p), load_x(((first + c) * int(2) + yy) * int(3) + xx), sum);
        }
        ${scale == null ? '' : 'sum *= load_scales(channel);'}
        ${shift == null ? '' : 'sum += load_shifts(channel);'}
        if (int(16) == 1 && less(sum, 0.0)) { sum = 0.0; }
        store_y(id, sum);`,
    }),
  };
};

export const sparse: Shaders = {
  sparseProduct_f32: product,
  sparseSample_f32: sample,
  sparseConv2d_f32: convolution,
};
