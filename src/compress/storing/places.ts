import { fail } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import type { BitReader } from './bits.js';

/**
 * Where the elements stand that are not 0, as a row of symbols of a few bits each. Either a bit for every element, eight of
 * them a symbol; or the number of zeros before each kept element (Han, Mao and Dally 2016, "Deep compression: compressing deep
 * neural networks with pruning, trained quantization and Huffman coding", section 2). There a gap that is too wide for its bits
 * is crossed by a zero stored as if it were kept; here the largest symbol crosses it, and takes no value along.
 *
 *   zeros before the next   0 … 2ᵇ − 2: so many, then a kept element   2ᵇ − 1: so many, and no element
 *
 * The zeros after the last kept element are crossed too, as far as whole symbols go: so bytes stand for every element, and a
 * few of them cannot claim to be a tensor of any size.
 */
export interface Places {
  readonly as: 'mask' | 'gaps';
  /** Bits of a symbol: 8 for a mask, 2 … 8 for gaps. */
  readonly width: number;
  /** Whether Huffman's code stands for the symbols. */
  readonly coded: boolean;
  /** Elements that are not 0. */
  readonly kept: number;
  /** Whether the first dimension runs fastest, as where whole inputs of a layer are gone. */
  readonly turned?: true;
}

/** Widths of gaps that are worth trying. */
export const GAP_WIDTHS = [2, 3, 4, 5, 6, 7, 8];

/** The most elements that one bit can stand for. */
const MOST_PER_BIT = 255;

/** The place of the element that comes as the i-th: in order, or with the first dimension fastest. */
export function placing(shape: readonly number[], turned: boolean): (i: number) => number {
  const rows = shape[0] ?? 1;
  const columns = sizeOf(shape.slice(1));
  return turned ? (i) => (i % rows) * columns + Math.floor(i / rows) : (i) => i;
}

/** Symbols of a mask over `size` elements, of which those at `kept` (ascending) are not 0. */
export function maskSymbols(kept: Uint32Array, size: number): Uint8Array {
  const symbols = new Uint8Array(Math.ceil(size / 8));
  for (const at of kept) symbols[at >>> 3] = (symbols[at >>> 3] as number) | (1 << (at & 7));
  return symbols;
}

/** Runs of zeros by their length: how often each stands before a kept element, and how many zeros follow the last. */
export interface Gaps {
  readonly counts: ReadonlyMap<number, number>;
  readonly rest: number;
}

export function gapsOf(kept: Uint32Array, size: number): Gaps {
  const counts = new Map<number, number>();
  let last = -1;
  for (const at of kept) {
    const gap = at - last - 1;
    counts.set(gap, (counts.get(gap) ?? 0) + 1);
    last = at;
  }
  return { counts, rest: size - last - 1 };
}

/** How often each symbol of `width` bits stands for such gaps. */
export function gapCounts({ counts, rest }: Gaps, width: number): Uint32Array<ArrayBuffer> {
  const most = 2 ** width - 1;
  const symbols = new Uint32Array(most + 1);
  let crossings = Math.floor(rest / most);
  for (const [gap, count] of counts) {
    symbols[gap % most] = (symbols[gap % most] as number) + count;
    crossings += count * Math.floor(gap / most);
  }
  symbols[most] = crossings;
  return symbols;
}

/** Symbols of `width` bits for the zeros between the elements at `kept` (ascending). */
export function gapSymbols(kept: Uint32Array, size: number, width: number): Uint8Array {
  const most = 2 ** width - 1;
  const count = gapCounts(gapsOf(kept, size), width).reduce((n, one) => n + one, 0);
  const symbols = new Uint8Array(count).fill(most);
  let next = 0;
  let last = -1;
  for (const at of kept) {
    const gap = at - last - 1;
    next += Math.floor(gap / most);
    symbols[next++] = gap % most;
    last = at;
  }
  return symbols;
}

/** Throws where a stream of `bytes` bytes is too short for what it is said to hold; nothing has been allocated yet. */
export function checkClaim(what: string, { kept }: Places, size: number, bytes: number): void {
  if (kept > size) fail('format', `${what}: ${kept} of its ${size} elements cannot be kept.`);
  if (kept > 8 * bytes || size > MOST_PER_BIT * (8 * bytes + 1)) {
    fail('format', `${what}: ${bytes} bytes are too few for its ${size} elements.`);
  }
}

/** The places of kept elements, ascending, from symbols that `next` gives. */
export function readPlaces({ what }: BitReader, places: Places, size: number, next: () => number): Uint32Array {
  const kept = new Uint32Array(places.kept);
  if (places.as === 'mask') readMask(what, kept, size, next);
  else readGaps(what, kept, size, 2 ** places.width - 1, next);
  return kept;
}

function readMask(what: string, kept: Uint32Array, size: number, next: () => number): void {
  let count = 0;
  for (let at = 0; at < size; at += 8) {
    const symbol = next();
    for (let bit = 0; bit < 8; bit++) {
      if ((symbol & (1 << bit)) === 0) continue;
      if (at + bit >= size || count === kept.length) fail('format', `${what}: its mask keeps other than it says.`);
      kept[count++] = at + bit;
    }
  }
  if (count !== kept.length) fail('format', `${what}: its mask keeps ${count} elements, it says ${kept.length}.`);
}

function readGaps(what: string, kept: Uint32Array, size: number, most: number, next: () => number): void {
  let at = 0;
  for (let i = 0; i < kept.length; i++) {
    for (let symbol = next(); ; symbol = next()) {
      at += symbol;
      if (at >= size) fail('format', `${what}: an element would stand at ${at}, behind all ${size}.`);
      if (symbol < most) break;
    }
    kept[i] = at++;
  }
  for (let left = Math.floor((size - at) / most); left > 0; left--) {
    if (next() !== most) fail('format', `${what}: more elements follow than it says.`);
  }
}
