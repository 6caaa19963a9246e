import { type Argument, type Pass, reads, type Scratch, scratch, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { each, named } from './each.js';
import { across } from './workgroup.js';

/**
 * Programs of steps on the colours of images: assembly/color.ts, assembly/hue.ts, assembly/tones.ts and assembly/sharpen.ts.
 *
 * Each image has a program of its own, which lies on the GPU. So every step is the same two passes for all images: one gathers what an
 * operation needs of a whole channel (its mean, its extremes, its histogram), one changes the pixels; which operation it is they read
 * where they are.
 */

const SIZE = 256;
/** Numbers that a channel's first pass leaves: mean brightness of the image, least, most, and the curve of 256 levels. */
const STATS = 3 + 256;

/** ints: channels, pixels of a plane, width, steps, step, images. */
const READ = `
fn operation(n: i32) -> i32 { return i32(load_programs(3 * (n * int(3) + int(4)))); }
fn parameter(n: i32, k: i32) -> f32 { return load_programs(3 * (n * int(3) + int(4)) + k); }
fn brightness(n: i32, i: i32) -> f32 {
  let at = n * int(0) * int(1) + i;
  if (int(0) == 1) { return f32(load_x(at)); }
  let sum = 0.2989 * f32(load_x(at)) + 0.587 * f32(load_x(at + int(1))) + 0.114 * f32(load_x(at + 2 * int(1)));
  return whole(sum);
}`;

/** What differs between bytes, which lose their fraction behind every step, and floats. */
const KIND = {
  f32: `
const white = 1.0;
fn whole(v: f32) -> f32 { return v; }
fn level(v: f32) -> i32 { return select(0, i32(round(min(v, 1.0) * 255.0)), less(0.0, v)); }
fn unit_of(v: f32) -> f32 { return v; }
fn from_unit(v: f32) -> f32 { return v; }
fn clamped(v: f32) -> f32 { return at_most(at_least(v, 0.0), 1.0); }
fn cut(v: f32) -> f32 { return v; }`,
  u8: `
const white = 255.0;
fn whole(v: f32) -> f32 { return floor(v); }
fn level(v: f32) -> i32 { return i32(v); }
fn unit_of(v: f32) -> f32 { return v / 255.0; }
fn from_unit(v: f32) -> f32 { return clamped(v * 255.0); }
fn clamped(v: f32) -> f32 { return at_most(at_least(v, 0.0), 255.0); }
fn cut(v: f32) -> f32 { return select(trunc(v), 0.0, is_nan(v)); }`,
};

/** What a step needs of whole channels: a workgroup for each channel of each image. */
function gathered(
  name: string,
  as: 'f32' | 'u8',
  x: Argument,
  programs: Argument,
  ints: readonly number[],
  to: Scratch,
): Pass {
  const [channels = 1, , , , , images = 1] = ints;
  return {
    name: `${name} ${as} gather`,
    structure: '',
    ints,
    bind: { x, programs, stats: scratch(to, 'write', 'f32') },
    groups: images * channels,
    size: SIZE,
    text: (chip) => ({
      declare: `
var<workgroup> counts_of: array<atomic<u32>, 256>;
${KIND[as]}
${READ}
${across(chip, 'vec2<f32>', 'pair_sum(a, b)', SIZE, SIZE, 'sum_across')}
${across(chip, 'f32', 'minimum(a, b)', SIZE, SIZE, 'least_across')}
${across(chip, 'f32', 'maximum(a, b)', SIZE, SIZE, 'most_across')}`,
      body: `
        let n = i32(group) / int(0);
        let op = operation(n);
        let pixels = int(1);
        // Other operations need nothing.
        let many = select(0, pixels, op == 2 || op == 8 || op == 9);
        let base = i32(group) * pixels;
        var sum = vec2<f32>(0.0);
        var least = infinity();
        var most = -infinity();
        atomicStore(&counts_of[local], 0u);
        workgroupBarrier();
        for (var i = i32(local); i < many; i += ${SIZE}) {
          let v = f32(load_x(base + i));
          if (op == 2) { sum = pair_sum(sum, vec2<f32>(brightness(n, i), 0.0)); }
          if (op == 8) {
            least = minimum(least, v);
            most = maximum(most, v);
          }
          if (op == 9) { atomicAdd(&counts_of[level(v)], 1u); }
        }
        sum = sum_across(local, sum);
        least = least_across(local, least);
        most = most_across(local, most);
        let to = i32(group) * ${STATS};
        if (local == 0u) {
          store_stats(to, (sum.x + sum.y) / f32(pixels));
          store_stats(to + 1, least);
          store_stats(to + 2, most);
          var brightest = 255;
          while (brightest > 0 && atomicLoad(&counts_of[brightest]) == 0u) { brightest -= 1; }
          let step = (pixels - i32(atomicLoad(&counts_of[brightest]))) / 255;
          var before = step / 2;
          for (var v = 0; v < 256; v++) {
            // -1: the channel stays as it is.
            store_stats(to + 3 + v, select(f32(min(before / max(step, 1), 255)), -1.0, step == 0));
            before += i32(atomicLoad(&counts_of[v]));
          }
        }`,
    }),
  };
}

/** Statements that return pixel `i` of channel `c` of image `n` as the step leaves it. */
const STEP = `
fn hue_of(n: i32, c: i32, i: i32, shift: f32) -> f32 {
  let at = n * int(0) * int(1) + i;
  let r = unit_of(f32(load_x(at)));
  let g = unit_of(f32(load_x(at + int(1))));
  let b = unit_of(f32(load_x(at + 2 * int(1))));
  let most = maximum(r, maximum(g, b));
  let least = minimum(r, minimum(g, b));
  let range = most - least;
  let flat_pixel = equal(most, least);
  let saturation = range / select(most, 1.0, flat_pixel);
  let divisor = select(range, 1.0, flat_pixel);
  let rc = (most - r) / divisor;
  let gc = (most - g) / divisor;
  let bc = (most - b) / divisor;
  var sector = 4.0 + gc - rc;
  if (equal(most, g)) { sector = 2.0 + rc - bc; }
  if (equal(most, r)) { sector = bc - gc; }
  let before = sector / 6.0 + 1.0;
  let turned_by = before - floor(before) + shift;
  let scaled_hue = (turned_by - floor(turned_by)) * 6.0;
  let sixth = floor(scaled_hue);
  let f = scaled_hue - sixth;
  let p = at_most(at_least(most * (1.0 - saturation), 0.0), 1.0);
  let q = at_most(at_least(most * (1.0 - saturation * f), 0.0), 1.0);
  let t = at_most(at_least(most * (1.0 - saturation * (1.0 - f)), 0.0), 1.0);
  var rgb = vec3<f32>(most, t, p);
  switch i32(sixth) {
    case 1: { rgb = vec3<f32>(q, most, p); }
    case 2: { rgb = vec3<f32>(p, most, t); }
    case 3: { rgb = vec3<f32>(p, q, most); }
    case 4: { rgb = vec3<f32>(t, p, most); }
    case 5: { rgb = vec3<f32>(most, p, q); }
    default: {}
  }
  return from_unit(rgb[c]);
}
fn three(at: i32) -> f32 { return f32(load_x(at - 1)) + f32(load_x(at + 1)) + f32(load_x(at)); }
fn sharpened(plane: i32, i: i32, v: f32, a: f32, b: f32) -> f32 {
  let w = int(2);
  let h = int(1) / w;
  if (h <= 2 || w <= 2) { return v; }
  let row = i / w;
  let column = i - row * w;
  var blurred = v;
  if (row > 0 && row < h - 1 && column > 0 && column < w - 1) {
    let at = plane * int(1) + i;
    let around = three(at - w) + f32(load_x(at - 1)) + f32(load_x(at + 1)) + three(at + w);
    blurred = around * (1.0 / 13.0) + v * (5.0 / 13.0);
    if (white > 1.0) { blurred = round(blurred); }
  }
  return clamped(a * v + b * blurred);
}
fn negative_from(v: f32, threshold: f32) -> f32 { return select(v, white - v, less_or_equal(threshold, v)); }
fn stepped(n: i32, c: i32, i: i32, v: f32) -> f32 {
  let a = parameter(n, 1);
  let b = parameter(n, 2);
  let stats = (n * int(0) + c) * ${STATS};
  switch operation(n) {
    case 1: { return clamped(a * v + 0.0); }
    case 2: { return clamped(a * v + b * load_stats(stats)); }
    case 3: { return clamped(a * v + b * brightness(n, i)); }
    case 4: { return hue_of(n, c, i, a); }
    case 5: { return sharpened(n * int(0) + c, i, v, a, b); }
    case 6: {
      let bits = -i32(a);
      if (white > 1.0) { return f32(i32(v) & bits); }
      return f32(i32(round(cut_nan(clamped(v)) * 255.0)) & bits) / 255.0;
    }
    case 7: { return negative_from(v, a); }
    case 8: {
      let least = load_stats(stats + 1);
      let scale = white / (load_stats(stats + 2) - least);
      if (is_nan(scale) || is_infinite(scale)) { return clamped(v); }
      return clamped((v - least) * scale);
    }
    case 9: {
      let value = load_stats(stats + 3 + level(v));
      if (value < 0.0) { return v; }
      return select(value / 255.0, value, white > 1.0);
    }
    case 10: { return white - v; }
    case 11: { return clamped(a * 0.0 + brightness(n, i)); }
    default: { return v; }
  }
}
fn cut_nan(v: f32) -> f32 { return select(v, 0.0, is_nan(v)); }`;

function color(as: 'f32' | 'u8'): Shader {
  return (launch) => {
    const [channels = 1, plane = 0, width = 1, steps = 0] = launch.ints ?? [];
    const images = launch.work;
    const count = images * channels * plane;
    const { name } = named(launch);
    const programs = reads(launch.reads[1]);
    const stats = { scratch: 4 * STATS * images * channels };
    const aside = [{ scratch: 4 * count }, { scratch: 4 * count }] as const;
    const passes: Pass[] = [];
    let x: Argument = reads(launch.reads[0]);
    for (let step = 0; step < steps; step++) {
      const ints = [channels, plane, width, steps, step, images];
      const last = step === steps - 1;
      passes.push(gathered(name, as, x, programs, ints, stats));
      const to = aside[step % 2 === 0 ? 0 : 1];
      passes.push(
        each({
          name: `${name} step`,
          ints,
          y: last ? writes(launch.writes[0]) : scratch(to, 'write', 'f32'),
          count,
          bind: { x, programs, stats: scratch(stats, 'read', 'f32') },
          declare: () => `${KIND[as]}${READ}${STEP}`,
          element: () => `
            let plane = i / int(1);
            let n = plane / int(0);
            let v = cut(stepped(n, plane - n * int(0), i - plane * int(1), f32(load_x(i))));
            ${last && as === 'u8' ? 'return i32(v);' : 'return v;'}`,
        }),
      );
      x = scratch(to, 'read', 'f32');
    }
    if (steps > 0) return passes;
    return each({
      name: `${name} copy`,
      y: writes(launch.writes[0]),
      count,
      bind: { x },
      element: () => 'return load_x(i);',
    });
  };
}

export const colors: Shaders = { color_f32: color('f32'), color_u8: color('u8') };
