import type { Chip } from '../executor.js';
import type { Argument } from '../pass.js';
import { across } from './workgroup.js';

/** Lanes of the second level of sums. */
const SECOND = 16;

const TERMS = `
fn with_terms(t: vec4<f32>, a: f32, b: f32) -> vec4<f32> {
  let s = two_sum(t.x, a);
  let r = two_sum(t.z, b);
  return vec4<f32>(s.x, t.y + s.y, r.x, t.w + r.y);
}
fn with_all(t: vec4<f32>, other: vec4<f32>) -> vec4<f32> {
  return with_terms(t, other.x, other.z) + vec4<f32>(0.0, other.y, 0.0, other.w);
}
// What is rounded off an infinite sum is no number.
fn compensated(sum: f32, rest: f32) -> f32 { return select(sum + rest, sum, is_nan(rest)); }
fn compensated_pair(t: vec4<f32>) -> vec2<f32> { return vec2<f32>(compensated(t.x, t.y), compensated(t.z, t.w)); }`;

/**
 * Two sums at once over the invocations of a workgroup, compensated: each invocation adds what is its own to a vec4 of a sum, what
 * has been rounded off it, and the same of the second; two levels in shared memory join these. The order depends on sizes alone.
 *
 *   with_terms(t: vec4<f32>, a: f32, b: f32) -> vec4<f32>   adds a to the first sum, b to the second
 *   sums_of_group(t: vec4<f32>, slot: u32) -> vec2<f32>     the sums over all invocations of equal `slot % columns`; slots are
 *                                                           numbers of their own, `local` or another order of these
 */
export const sums = (size: number, columns = 1): string => {
  const rows = size / columns;
  const second = Math.min(SECOND, rows);
  return `
var<workgroup> partial: array<vec4<f32>, ${size}>;
var<workgroup> joined: array<vec4<f32>, ${second * columns}>;
${TERMS}
// A call ends before the next one writes what this one reads last, as the barriers between them say.
fn sums_of_group(t: vec4<f32>, slot: u32) -> vec2<f32> {
  partial[slot] = t;
  workgroupBarrier();
  if (slot < ${second * columns}u) {
    var all = partial[slot];
    for (var k = 1u; k < ${rows / second}u; k++) { all = with_all(all, partial[slot + k * ${second * columns}u]); }
    joined[slot] = all;
  }
  workgroupBarrier();
  let column = slot % ${columns}u;
  var all = joined[column];
  for (var k = 1u; k < ${second}u; k++) { all = with_all(all, joined[column + k * ${columns}u]); }
  return compensated_pair(all);
}`;
};

/**
 * The same over runs of `lanes` neighbours: by subgroups, where the chip has them.
 *
 *   sums_of_run(t: vec4<f32>, local: u32) -> vec2<f32>      the sums over all invocations of equal `local / lanes`
 */
export const sumsOfRuns = (chip: Chip, size: number, lanes = size): string =>
  chip.subgroups > 0
    ? `${TERMS}
${across(chip, 'vec4<f32>', 'with_all(a, b)', lanes, size, 'all_of_run')}
fn sums_of_run(t: vec4<f32>, local: u32) -> vec2<f32> { return compensated_pair(all_of_run(local, t)); }`
    : `${sums(size, size / lanes)}
fn sums_of_run(t: vec4<f32>, local: u32) -> vec2<f32> {
  return sums_of_group(t, (local % ${lanes}u) * ${size / lanes}u + local / ${lanes}u);
}`;

/** Columns and rows that a workgroup sums side by side: a line of memory wide. */
export const WIDE = 32;
export const DEEP = 8;

/** Rows that a workgroup takes at least, and parts at most. */
export const FEWEST = 64;
export const PARTS = 64;

/** Binds what is not null. */
export function present(bind: Readonly<Record<string, Argument | null>>): Readonly<Record<string, Argument>> {
  return Object.fromEntries(Object.entries(bind).filter((entry): entry is [string, Argument] => entry[1] !== null));
}

export const structureOf = (...parts: readonly unknown[]): string => parts.map(String).join(' ');
