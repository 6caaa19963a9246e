import * as elementary from '../core/elementary.js';

/** What `decay` computes: β₁ᵗ, t, β₂ᵗ, t. An array, so that a replay of a step leaves no numbers on the heap. */
export const decayed = /* @__PURE__ */ new Float64Array(4);

/** What is left of an average's first value after `step` steps: β₁ᵗ in `decayed[0]` and β₂ᵗ in `decayed[2]`. */
export function decay(betas: readonly [number, number], step: number): void {
  decayed[0] = betas[0];
  decayed[1] = step;
  decayed[2] = betas[1];
  decayed[3] = step;
  elementary.raise(decayed, 0);
  elementary.raise(decayed, 2);
}
