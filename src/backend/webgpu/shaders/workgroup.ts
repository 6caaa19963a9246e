/** What the invocations of a workgroup do together, as WGSL. */

/**
 * Declares `across(local: u32, value: T) -> T`: joins the values of `lanes` neighbouring invocations (a power of two that divides
 * the workgroup's size), pairwise, and gives the result to all of them. `merge` is an expression of `a` and `b`. All invocations
 * of the workgroup have to call it.
 */
export function across(type: string, merge: string, lanes: number, size: number, name = 'across'): string {
  if (lanes === 1) return `\nfn ${name}(local: u32, value: ${type}) -> ${type} { return value; }\n`;
  return `
var<workgroup> ${name}_values: array<${type}, ${size}>;
fn ${name}_merge(a: ${type}, b: ${type}) -> ${type} { return ${merge}; }
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
}

/** Lanes of a workgroup of 256 that share a row of so many elements: of few kinds, since texts are made and compiled for each. */
export const lanesOf = (length: number): number => [1, 8, 64].find((lanes) => length <= 4 * lanes) ?? 256;
