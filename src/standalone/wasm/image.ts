import { joinBytes } from '../../core/bytes.js';
import { number, type Piece, signed, sized } from './bytes.js';

/** What memory holds from an address on. */
export interface Stretch {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** The least number of zeros that is worth leaving out: a segment costs as much. */
const WORTH = 12;
/** Engines refuse modules of more than a hundred thousand segments. */
const MOST = 50_000;

/** The stretches without their zeros, where at least `worth` of them stand together; neighbours are joined. */
function withoutZeros(stretches: readonly Stretch[], worth: number): { at: number; end: number; from: Stretch[] }[] {
  const runs: { at: number; end: number; from: Stretch[] }[] = [];
  for (const stretch of stretches) {
    const { at, bytes } = stretch;
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] === 0) continue;
      const last = runs.at(-1);
      if (last === undefined || at + i - last.end >= worth) {
        runs.push({ at: at + i, end: at + i + 1, from: [stretch] });
        continue;
      }
      last.end = at + i + 1;
      if (last.from.at(-1) !== stretch) last.from.push(stretch);
    }
  }
  return runs;
}

/**
 * Data segments that put `stretches`, none of which overlap, into a memory of zeros. Zeros that stand together are left out: of
 * padding, and of weights that pruning has taken away.
 */
export function segmentsOf(stretches: readonly Stretch[]): Piece[] {
  const sorted = [...stretches].sort((a, b) => a.at - b.at);
  let worth = WORTH;
  let runs = withoutZeros(sorted, worth);
  while (runs.length > MOST) {
    worth *= 2;
    runs = withoutZeros(sorted, worth);
  }
  return runs.map(({ at, end, from }) => {
    const bytes = new Uint8Array(end - at);
    for (const stretch of from) {
      const begin = Math.max(at, stretch.at);
      const stop = Math.min(end, stretch.at + stretch.bytes.length);
      bytes.set(stretch.bytes.subarray(begin - stretch.at, stop - stretch.at), begin - at);
    }
    return joinBytes([number(0), [0x41], signed(at), [0x0b], sized(bytes)]);
  });
}
