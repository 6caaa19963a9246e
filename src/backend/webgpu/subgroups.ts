/**
 * Subgroups: the invocations that a chip runs in step, which see one another's values without going through shared memory.
 *
 * WGSL does not say which invocations of a workgroup are a subgroup, nor whether all subgroups are full. So a shader looks before it
 * joins anything: where all subgroups are full and aligned runs of neighbours, `subgroup_run` is their length; else it is 1, with
 * which joins go through shared memory and are right as well. It is the same in all invocations of a workgroup: whoever is in no such
 * run knows it, and keeps the stretch that it stands in from being one, whose first invocation tells all others.
 */

/** Whether a text uses them. */
export const usesSubgroups = (text: string): boolean => /\bsubgroup_run\b/.test(text);

/** What the entry point takes for it. */
export const SUBGROUP_BUILTINS =
  ', @builtin(subgroup_invocation_id) subgroup_lane: u32, @builtin(subgroup_size) subgroup_lanes: u32';

/** A workgroup's first statement, in all its invocations. */
export const LOOK = '  look_at_subgroups(local, subgroup_lane, subgroup_lanes);';

/** The fewest invocations that a subgroup may have. */
const LEAST = 4;

/** The declarations, for workgroups of `size`. */
export const lookAtSubgroups = (size: number): string => `
var<private> subgroup_run: u32;
var<workgroup> subgroup_runs: array<u32, ${size / LEAST}>;
fn look_at_subgroups(local: u32, lane: u32, lanes: u32) {
  let first = subgroupMin(local);
  let count = subgroupAdd(1u);
  let ordered = subgroupAll(first % lanes == 0u && local - first == lane);
  let own = ordered && count == lanes;
  if (local % lanes == 0u) { subgroup_runs[local / lanes] = u32(own); }
  workgroupBarrier();
  var all = own;
  for (var k = lane; k < ${size}u / lanes; k += lanes) { if (subgroup_runs[k] == 0u) { all = false; } }
  subgroup_run = select(1u, lanes, subgroupAll(all));
}`;
