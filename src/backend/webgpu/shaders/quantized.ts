import { type Pass, reads, type Scratch, scratch, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { each, named } from './each.js';
import { across } from './workgroup.js';

/**
 * Numbers of few bits, one by one: quantization and back as training sees it (assembly/fakequantize.ts), quantization to int8
 * (assembly/quantize.ts), and weights that are stored in 4, 8 or 16 bits (assembly/storedrows.ts).
 */

const SIZE = 256;

/** `nearest`: x as a whole number of the map of its channel; ints are total, inner, channels, low, high. */
const NEAREST = `
fn channel_of(i: i32) -> i32 { return (i / int(1)) % int(2); }
fn nearest(x: f32, i: i32) -> f32 {
  let channel = channel_of(i);
  return round(x * (1.0 / load_scale(channel))) + load_zero(channel);
}`;

const fake: Shader = (launch) =>
  each({
    ...named(launch),
    y: writes(launch.writes[0]),
    count: launch.ints?.[0] ?? 0,
    bind: { x: reads(launch.reads[0]), scale: reads(launch.reads[1]), zero: reads(launch.reads[2]) },
    declare: () => NEAREST,
    element: () => `
      let x = load_x(i);
      if (is_nan(x)) { return x; }
      let q = at_most(at_least(nearest(x, i), f32(int(3))), f32(int(4)));
      let channel = channel_of(i);
      return (q - load_zero(channel)) * load_scale(channel);`,
  });

const straight: Shader = (launch) =>
  each({
    ...named(launch),
    y: writes(launch.writes[0]),
    count: launch.ints?.[0] ?? 0,
    bind: {
      g: reads(launch.reads[0]),
      x: reads(launch.reads[1]),
      scale: reads(launch.reads[2]),
      zero: reads(launch.reads[3]),
    },
    declare: () => NEAREST,
    element: () => `
      let q = nearest(load_x(i), i);
      return select(0.0, load_g(i), less_or_equal(f32(int(3)), q) && less_or_equal(q, f32(int(4))));`,
  });

/** Numbers of a channel that a workgroup looks through. */
const STRETCH = 1 << 14;

/** The map of a range, from the least and most that a channel has had; ints are total, inner, channels, low, high, symmetric. */
const observe: Shader = (launch) => {
  const [total = 0, inner = 0, channels = 1] = launch.ints ?? [];
  const lines = inner === 0 ? 0 : Math.ceil(total / (inner * channels));
  const stretches = Math.max(1, Math.min(SIZE, Math.ceil((lines * inner) / STRETCH)));
  const { name } = named(launch);
  const ints = [...(launch.ints ?? []), stretches, Math.ceil((lines * inner) / stretches), lines * inner];
  const found: Scratch = { scratch: 8 * channels * stretches };
  const seen: Pass = {
    name: `${name} extremes`,
    structure: '',
    ints,
    bind: { x: reads(launch.reads[0]), found: scratch(found, 'write', 'f32') },
    groups: channels * stretches,
    size: SIZE,
    text: (chip) => ({
      declare: across(chip, 'vec2<f32>', 'vec2<f32>(minimum(a.x, b.x), maximum(a.y, b.y))', SIZE, SIZE),
      body: `
        let channel = i32(group) / int(6);
        let first = (i32(group) - channel * int(6)) * int(7);
        var a = vec2<f32>(infinity(), -infinity());
        for (var e = first + i32(local); e < min(first + int(7), int(8)); e += ${SIZE}) {
          let line = e / int(1);
          let at = (line * int(2) + channel) * int(1) + e - line * int(1);
          if (at >= int(0)) { continue; }
          let x = load_x(at);
          // What is no number is neither.
          if (less(x, a.x)) { a.x = x; }
          if (less(a.y, x)) { a.y = x; }
        }
        a = across(local, a);
        if (local == 0u) {
          store_found(2 * i32(group), a.x);
          store_found(2 * i32(group) + 1, a.y);
        }`,
    }),
  };
  const mapped: Pass = {
    name: `${name} map`,
    structure: String(total > 0),
    floats: launch.floats,
    ints,
    bind: {
      least: writes(launch.writes[0]),
      most: writes(launch.writes[1]),
      scale: writes(launch.writes[2]),
      zero: writes(launch.writes[3]),
      ...(total > 0 ? { found: scratch(found, 'read', 'f32') } : {}),
    },
    items: channels,
    text: () => ({
      declare: `
fn moved(before: f32, value: f32) -> f32 { return select(before + float(0) * (value - before), value, is_infinite(before)); }`,
      body: `
        ${
          total > 0
            ? `
        if (id * int(1) < int(0)) {
          var a = vec2<f32>(infinity(), -infinity());
          for (var k = id * int(6); k < (id + 1) * int(6); k++) {
            a = vec2<f32>(minimum(a.x, load_found(2 * k)), maximum(a.y, load_found(2 * k + 1)));
          }
          store_least(id, moved(load_least(id), a.x));
          store_most(id, moved(load_most(id), a.y));
        }`
            : ''
        }
        let least = minimum(load_least(id), 0.0);
        let most = maximum(load_most(id), 0.0);
        let levels = f32(int(4) - int(3));
        var scale = 1.0;
        var zero = 0.0;
        if (less(least, most)) {
          var span = (most - least) / levels;
          if (int(5) != 0) { span = maximum(-least, most) / (levels / 2.0); }
          scale = at_least(span, 1.1754943508222875e-38);
          if (int(5) == 0) { zero = at_most(at_least(f32(int(3)) - round(least / scale), f32(int(3))), f32(int(4))); }
        }
        store_scale(id, scale);
        store_zero(id, zero);`,
    }),
  };
  return total > 0 ? [seen, mapped] : mapped;
};

const quantize: Shader = (launch) =>
  each({
    ...named(launch),
    y: writes(launch.writes[0]),
    count: launch.work,
    bind: { x: reads(launch.reads[0]) },
    element: () => 'return quantized(load_x(i), float(0), int(0)) + int(0);',
  });

/**
 * `weight(row, k)`: a stored weight, from bytes, scales and zeros; ints from `first` on are columns, group, format. A word of bytes is
 * read for one of them: neighbours read the same one.
 */
const stored = (format: number, first: number): string => {
  const [columns, group] = [`int(${first})`, `int(${first + 1})`];
  const stride = [columns, `((${columns} + 1) / 2)`, `(2 * ${columns})`, `(2 * ${columns})`][format] as string;
  if (format >= 2) {
    const bits = 'u32(load_weight(at)) | (u32(load_weight(at + 1)) << 8u)';
    return `
fn weight(row: i32, k: i32) -> f32 {
  let at = row * ${stride} + 2 * k;
  return ${format === 2 ? `from_half(${bits})` : `bitcast<f32>((${bits}) << 16u)`};
}`;
  }
  const q =
    format === 0
      ? `extractBits(load_weight(row * ${stride} + k), 0u, 8u)`
      : `((load_weight(row * ${stride} + k / 2) >> (4u * u32(k & 1))) & 15)`;
  return `
fn weight(row: i32, k: i32) -> f32 {
  let at = row * ((${columns} + ${group} - 1) / ${group}) + k / ${group};
  return f32(${q} - load_zero(at)) * load_scale(at);
}`;
};

/** ints: columns, group, format. */
const storedRows: Shader = (launch) => {
  const [weight, scale, zero, index] = launch.reads;
  const [columns = 0, , format = 0] = launch.ints ?? [];
  return each({
    ...named(launch),
    structure: `${format} ${index != null}`,
    y: writes(launch.writes[0]),
    count: launch.work * columns,
    bind: {
      weight: reads(weight),
      ...(scale == null ? {} : { scale: reads(scale) }),
      ...(zero == null ? {} : { zero: reads(zero) }),
      ...(index == null ? {} : { index: reads(index) }),
    },
    declare: () => stored(format, 0),
    element: () => `
      let row = i / int(0);
      return weight(${index == null ? 'row' : 'load_index(row)'}, i - row * int(0));`,
  });
};

/** Lanes that share the product of a row of weights with the rows of x, which are few. */
const LANES = 32;

/** y = x · Wᵀ + bias. x is taken as it is, where other devices round it to 16 bits. ints: M, N, K, group, format, activation. */
const storedDots: Shader = (launch) => {
  const [x, weight, scale, zero, bias] = launch.reads;
  const [m = 0, n = 0, , , format = 0] = launch.ints ?? [];
  return {
    ...named(launch),
    structure: `${format} ${m} ${bias != null}`,
    bind: {
      y: writes(launch.writes[0]),
      x: reads(x),
      weight: reads(weight),
      ...(scale == null ? {} : { scale: reads(scale) }),
      ...(zero == null ? {} : { zero: reads(zero) }),
      ...(bias == null ? {} : { bias: reads(bias) }),
    },
    groups: Math.ceil(n / (SIZE / LANES)),
    size: SIZE,
    text: (chip) => ({
      declare: across(chip, 'f32', 'a + b', LANES, SIZE) + stored(format, 2),
      body: `
        let row = i32(group * ${SIZE / LANES}u + local / ${LANES}u);
        let lane = i32(local % ${LANES}u);
        let own = min(row, int(1) - 1);
        var sums: array<f32, ${m}>;
        for (var k = lane; k < int(2); k += ${LANES}) {
          let w = weight(own, k);
          for (var j = 0; j < ${m}; j++) { sums[j] = fma(load_x(j * int(2) + k), w, sums[j]); }
        }
        for (var j = 0; j < ${m}; j++) {
          var y = across(local, sums[j]);
          ${bias == null ? '' : 'y += load_bias(own);'}
          if (int(5) == 1 && less(y, 0.0)) { y = 0.0; }
          if (lane == 0 && row < int(1)) { store_y(j * int(1) + row, y); }
        }`,
    }),
  };
};

export const quantized: Shaders = {
  fakeQuantize_f32: fake,
  fakeQuantizeGrad_f32: straight,
  observeRange_f32: observe,
  quantize_i8: quantize,
  storedRows_f32: storedRows,
  storedDots_f32: storedDots,
};
