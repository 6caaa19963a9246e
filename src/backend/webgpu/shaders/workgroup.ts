import type { Chip } from '../executor.js';

/** What the invocations of a workgroup do together, as WGSL. */

const powers = (below: number): number[] => [1, 2, 4, 8, 16, 32, 64].filter((step) => step < below);

/**
 * Declares `across(local: u32, value: T) -> T`: joins the values of `lanes` neighbouring invocations (a power of two that divides
 * the workgroup's size), pairwise, and gives the result to all of them. `merge` is an expression of `a` and `b`, of which `a` comes
 * first. All invocations of the workgroup have to call it.
 */
export function across(
  { subgroups }: Chip,
  type: string,
  merge: string,
  lanes: number,
  size: number,
  name = 'across',
): string {
  if (lanes === 1) return `\nfn ${name}(local: u32, value: ${type}) -> ${type} { return value; }\n`;
  const declared = `
var<workgroup> ${name}_values: array<${type}, ${size}>;
fn ${name}_merge(a: ${type}, b: ${type}) -> ${type} { return ${merge}; }`;
  return (
    declared + (subgroups === 0 ? tree(type, lanes, name) : bySubgroups(type, lanes, Math.min(lanes, subgroups), name))
  );
}

/** By halves, in shared memory. */
const tree = (type: string, lanes: number, name: string): string => `
fn ${name}(local: u32, value: ${type}) -> ${type} {
  ${name}_values[local] = value;
  workgroupBarrier();
  let lane = local % ${lanes}u;
  for (var half = ${lanes / 2}u; half > 0u; half >>= 1u) {
    if (lane < half) { ${name}_values[local] = ${name}_merge(${name}_values[local], ${name}_values[local + half]); }
    workgroupBarrier();
  }
  let all = ${name}_values[local - lane];
  workgroupBarrier();
  return all;
}
`;

/**
 * Within subgroups first, of which only one value each goes through shared memory. What is found there each subgroup joins for
 * itself, in the same order, so that all get the same bits: two barriers, however many lanes there are.
 *
 * Steps that are too long for the chip's subgroups shuffle and merge nothing: every shuffle stands where all invocations come by.
 */
function bySubgroups(type: string, lanes: number, run: number, name: string): string {
  const shuffled = (below: number, limit: string): string =>
    powers(below)
      .map((step) => `{ let other = subgroupShuffleXor(all, ${step}u); ${joined(name, step, limit)} }`)
      .join('\n  ');
  // A subgroup joins as many values as there are subgroups in the lanes, or, if that is less, as it has invocations.
  const most = Math.min(run, Math.sqrt(lanes));
  return `
fn ${name}(local: u32, value: ${type}) -> ${type} {
  let run = min(subgroup_run, ${lanes}u);
  var all = value;
  ${shuffled(run, 'run')}
  if (local % run == 0u) { ${name}_values[local / run] = all; }
  workgroupBarrier();
  let runs = ${lanes}u / run;
  let wide = min(runs, run);
  let first = (local / ${lanes}u) * runs;
  let own = local % wide;
  all = ${name}_values[first + own];
  for (var k = own + wide; k < runs; k += wide) { all = ${name}_merge(all, ${name}_values[first + k]); }
  ${shuffled(most, 'wide')}
  workgroupBarrier();
  return all;
}
`;
}

/** Merges with the value of a lane that is `step` away, the lower lane's first: so both have the same bits. */
const joined = (name: string, step: number, limit: string): string =>
  `if (${step}u < ${limit}) { if ((local & ${step}u) == 0u) { all = ${name}_merge(all, other); } else { all = ${name}_merge(other, all); } }`;

/** Lanes of a workgroup of 256 that share a row of so many elements: of few kinds, since texts are made and compiled for each. */
export const lanesOf = (length: number): number => [1, 8, 64].find((lanes) => length <= 4 * lanes) ?? 256;
