import { fail } from '../../core/errors.js';

/** How much each layer loses, where layers are not ranked together. */

/**
 * - 'uniform': every layer the same share.
 * - 'erk': layers keep in proportion to the sum of their dimensions over their product, so that small ones stay denser: the
 *   Erdős–Rényi kernel (U. Evci et al. 2020, "Rigging the lottery: making all tickets winners").
 * - 'sensitivity': layers keep in proportion to what the model lost when each was pruned alone, as `sensitivity` tells.
 * - a record: the share to remove from each layer by name; layers that are not in it are left alone.
 */
export type Allocation = 'uniform' | 'erk' | 'sensitivity' | Readonly<Record<string, number>>;

/** A layer, as far as its share depends on it. */
export interface Allotted {
  readonly name: string;
  /** How many pieces it has that could go. */
  readonly pieces: number;
  /** The shape of what is pruned. */
  readonly shape: readonly number[];
}

export function checkAllocation(allocation: unknown, sensitivity: unknown): void {
  if (typeof allocation === 'object' && allocation !== null) {
    for (const [name, share] of Object.entries(allocation)) {
      if (!(share >= 0 && share < 1)) {
        fail('argument', `Pruner: allocation of '${name}' must be a share in [0, 1), got ${String(share)}.`);
      }
    }
    return;
  }
  if (allocation !== 'uniform' && allocation !== 'erk' && allocation !== 'sensitivity') {
    fail(
      'argument',
      `Pruner: allocation must be 'uniform', 'erk', 'sensitivity', or shares by layer; got '${String(allocation)}'.`,
    );
  }
  if (allocation === 'sensitivity' && sensitivity === undefined) {
    fail(
      'argument',
      "Pruner: allocation 'sensitivity' needs sensitivity, what the model lost with each layer: { fc1: 0.02, … }.",
    );
  }
}

/** The share of its pieces that each layer loses, such that all together lose `sparsity`. */
export function allocate(
  allocation: Exclude<Allocation, object>,
  layers: readonly Allotted[],
  sparsity: number,
  drops: Readonly<Record<string, number>> = {},
): number[] {
  if (allocation === 'uniform') return layers.map(() => sparsity);
  const raw = allocation === 'erk' ? layers.map(erdosRenyi) : bySensitivity(layers, drops);
  return densities(
    layers.map(({ pieces }) => pieces),
    raw,
    1 - sparsity,
  ).map((density) => 1 - density);
}

function erdosRenyi({ shape }: Allotted): number {
  return (
    shape.reduce((a, b) => a + b, 0) /
    Math.max(
      1,
      shape.reduce((a, b) => a * b, 1),
    )
  );
}

function bySensitivity(layers: readonly Allotted[], drops: Readonly<Record<string, number>>): number[] {
  const measured = layers.map(({ name }) => {
    // A weight's full name ends in that of the parameter.
    const drop = drops[name] ?? drops[name.slice(0, Math.max(0, name.lastIndexOf('.')))];
    if (drop !== undefined && Number.isFinite(drop)) return Math.max(0, drop);
    return fail(
      'argument',
      `Pruner: sensitivity has no number for '${name}'. It has ${Object.keys(drops).join(', ')}.`,
    );
  });
  const mean = measured.reduce((a, b) => a + b, 0) / measured.length;
  // A layer whose loss did not show is pruned more than others, and not away: the trial was one point of a curve.
  return measured.map((drop) => 0.25 + (mean === 0 ? 0 : drop / mean));
}

/** Densities in proportion to `raw`, none above 1, that come to `density` of all pieces together. */
function densities(pieces: readonly number[], raw: readonly number[], density: number): number[] {
  const full = new Set<number>();
  for (;;) {
    let [wanted, spread] = [density * pieces.reduce((a, b) => a + b, 0), 0];
    pieces.forEach((count, l) => {
      if (full.has(l)) wanted -= count;
      else spread += count * (raw[l] as number);
    });
    const scale = spread === 0 ? 0 : Math.max(0, wanted) / spread;
    const over = raw.findIndex((value, l) => !full.has(l) && value * scale > 1 + 1e-12);
    if (over < 0) return raw.map((value, l) => (full.has(l) ? 1 : Math.min(1, value * scale)));
    // The layer that would be fullest is dense first; what it cannot take goes to the others.
    let most = over;
    raw.forEach((value, l) => {
      if (!full.has(l) && value > (raw[most] as number)) most = l;
    });
    full.add(most);
  }
}
