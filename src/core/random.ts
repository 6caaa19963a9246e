import * as elementary from './elementary.js';
import { fail } from './errors.js';

/**
 * Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * A block of four 32-bit words is a function of (seed, counter) and of nothing before it, so a stream can be cut among
 * threads, continued on another device, or resumed from a checkpoint, and stays the same stream.
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** The lower 32 bits of a whole number below 2^53, of which `highWord` gives the others. */
export function lowWord(n: number): number {
  return n >>> 0;
}

export function highWord(n: number): number {
  return Math.floor(n / 2 ** 32) >>> 0;
}

/** High 32 bits of a 32 × 32 bit product; doubles are exact on 16-bit halves. */
function mulHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 65536);
  const cross = aLow * bHigh + (middle % 65536);
  return aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536);
}

/** The block of four words at `counter` (two words, the upper two are zero) of the stream of `key` (two words). */
export function philox(
  keyLow: number,
  keyHigh: number,
  counterLow: number,
  counterHigh: number,
): [number, number, number, number] {
  let k0 = keyLow >>> 0;
  let k1 = keyHigh >>> 0;
  let c0 = counterLow >>> 0;
  let c1 = counterHigh >>> 0;
  let c2 = 0;
  let c3 = 0;
  for (let round = 0; round < 10; round++) {
    const h0 = mulHigh(M0, c0);
    const l0 = Math.imul(M0, c0) >>> 0;
    const h1 = mulHigh(M1, c2);
    const l1 = Math.imul(M1, c2) >>> 0;
    c0 = (h1 ^ c1 ^ k0) >>> 0;
    c1 = l1;
    c2 = (h0 ^ c3 ^ k1) >>> 0;
    c3 = l0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** What it takes to continue a stream exactly. */
export interface GeneratorState {
  readonly seed: number;
  readonly counter: number;
}

const NO_WORDS: readonly number[] = [];

/** A stream of random numbers: a seed and a place in it. Seeds are whole numbers in [0, 2^53). */
export class Generator {
  private counter = 0;
  /** What is left of a block that was begun. */
  private block: readonly number[] = NO_WORDS;

  constructor(private seed = 0) {
    this.manualSeed(seed);
  }

  manualSeed(seed: number): this {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      fail('argument', `manualSeed: expected a whole number in [0, 2^53), got ${seed}.`);
    }
    this.seed = seed;
    this.counter = 0;
    this.block = NO_WORDS;
    return this;
  }

  /** A stream of its own for a purpose ("augmentation", epoch 3, sample 17), the same every time it is asked for. */
  fork(...path: readonly (number | string)[]): Generator {
    let [a, b] = this.key();
    for (const part of path) {
      for (const word of wordsOf(part)) [a, b] = philox(a, b, word, 0x666f726b);
    }
    return new Generator((b & 0x1fffff) * 2 ** 32 + a);
  }

  /** The seed as the two key words of Philox. */
  key(): [number, number] {
    return [lowWord(this.seed), highWord(this.seed)];
  }

  /** The seed that the stream began with. */
  initialSeed(): number {
    return this.seed;
  }

  /** Reserves `blocks` blocks of four words and returns the counter of the first; kernels fill tensors from it. */
  reserve(blocks: number): number {
    this.block = NO_WORDS;
    const at = this.counter;
    this.counter += blocks;
    return at;
  }

  /** The next 32 random bits. */
  uint32(): number {
    if (this.block.length === 0) {
      const at = this.reserve(1);
      this.block = philox(...this.key(), lowWord(at), highWord(at));
    }
    const [first, ...rest] = this.block as [number, ...number[]];
    this.block = rest;
    return first;
  }

  /** Uniform in [0, 1), with 24 bits, as float32 tensors are filled. */
  uniform(): number {
    return (this.uint32() >>> 8) / 2 ** 24;
  }

  /** A whole number in [0, n), without bias. */
  below(n: number): number {
    const limit = 2 ** 32 - (2 ** 32 % n);
    let x = this.uint32();
    while (x >= limit) x = this.uint32();
    return x % n;
  }

  /** Standard normal, by Box and Muller's transform. */
  normal(): number {
    const u = 1 - this.uniform();
    return Math.sqrt(-2 * elementary.log(u)) * elementary.cos(2 * Math.PI * this.uniform());
  }

  /** 0 … n − 1 in random order (Fisher and Yates). */
  permutation(n: number): Int32Array<ArrayBuffer> {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const moved = order[i] as number;
      order[i] = order[j] as number;
      order[j] = moved;
    }
    return order;
  }

  /** The state from which `setState` continues; words of a block already begun are left behind. */
  getState(): GeneratorState {
    return { seed: this.seed, counter: this.counter };
  }

  setState(state: GeneratorState): this {
    this.manualSeed(state.seed);
    this.counter = state.counter;
    return this;
  }
}

/** A number as two words, a text as its character codes: what a fork mixes into the key. */
function* wordsOf(part: number | string): Iterable<number> {
  if (typeof part === 'number') {
    yield lowWord(part);
    yield highWord(part);
    return;
  }
  for (let i = 0; i < part.length; i++) yield part.charCodeAt(i);
}

/** The stream that creation, dropout and init draw from when they are given none. */
export const defaultGenerator = new Generator(0);

/** Starts the default stream anew from `seed`, a whole number in [0, 2^53). */
export function manualSeed(seed: number): Generator {
  return defaultGenerator.manualSeed(seed);
}
