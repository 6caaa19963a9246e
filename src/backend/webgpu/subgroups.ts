/**
 * Subgroups: the invocations that a chip runs in step, which see one another's values without going through shared memory.
 *
 * WGSL does not say which invocations of a workgroup are a subgroup, nor whether all subgroups are full. So a shader looks before it
 * joins anything: where the subgroups are aligned runs of neighbours, `subgroup_run` is their length; else it is 1, with which all
 * joins go through shared memory and are right as well. What it finds is the same in all invocations of a workgroup: a subgroup that
 * is full looks at all places, and one that is not is in its own eyes and in those of every other no aligned run.
 */

/** Whether a text uses them. */
export const usesSubgroups = (text: string): boolean => /\bsubgroup_run\b/.test(text);

/** What the entry point takes for it. */
export const SUBGROUP_BUILTINS =
  ', @builtin(subgroup_invocation_id) subgroup_lane: u32, @builtin(subgroup_size) subgroup_lanes: u32';

/** A workgroup's first statement, in all its invocations. */
export const LOOK = '  look_at_subgroups(local, subgroup_lane, subgroup_lanes);';

/** The declarations, for workgroups of `size`. */
export const lookAtSubgroups = (size: number): string => `
var<private> subgroup_run: u32;
var<workgroup> subgroup_places: array<u32, ${size}>;
fn look_at_subgroups(local: u32, lane: u32, lanes: u32) {
  // Where the subgroup of each invocation begins, if the invocation stands there in its order.
  let first = subgroupMin(local);
  subgroup_places[local] = select(0xffffffffu, first, local - first == lane);
  workgroupBarrier();
  var fits = subgroupAdd(1u) == lanes;
  for (var i = lane; i < ${size}u; i += lanes) {
    if (subgroup_places[i] != i - i % lanes) { fits = false; }
  }
  subgroup_run = select(1u, lanes, subgroupAll(fits));
}`;
