import type { BlockSize } from './structure.js';

/**
 * What sparse kernels cost against dense ones, for decisions that must not depend on the machine and its moment. The share of
 * the dense time is `fixed` + `each` × the share of weights that are stored: fits to bench/sparse.mjs lenet and conv, strict
 * arithmetic, between 80 % and 98 %, rounded up.
 */
interface Cost {
  readonly fixed: number;
  readonly each: number;
}

/** By rows of the input: one, few, and enough for strips of registers. */
const LINEAR: Readonly<Record<'single' | 'few' | 'many', { readonly csr: Cost; readonly block: Cost }>> = {
  single: { csr: { fixed: 0.13, each: 3.2 }, block: { fixed: 0.13, each: 1.6 } },
  few: { csr: { fixed: 0.05, each: 2.3 }, block: { fixed: 0.06, each: 1.4 } },
  many: { csr: { fixed: 0.04, each: 1.7 }, block: { fixed: 0.05, each: 1.4 } },
};

const CONVOLUTION: Cost = { fixed: 0.05, each: 1.6 };
/** What ends a filter, the way of its outputs into the result, in nonzeros. */
const END_OF_FILTER = 5;

/** Rows that fill a wide strip. */
const MANY = 32;

/** How many times faster than dense a linear layer is expected to be that stores this share of its weights. */
export function linearGain(batch: number, [height]: BlockSize, stored: number): number {
  const cost = LINEAR[batch <= 1 ? 'single' : batch < MANY ? 'few' : 'many'][height === 1 ? 'csr' : 'block'];
  return 1 / (cost.fixed + cost.each * stored);
}

/** The same for a convolution whose filters have `taps` weights each. */
export function convolutionGain(taps: number, stored: number): number {
  return 1 / (CONVOLUTION.fixed + CONVOLUTION.each * (stored + END_OF_FILTER / Math.max(1, taps)));
}
