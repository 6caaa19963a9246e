import { joinBytes } from '../../core/bytes.js';
import { fail } from '../../core/errors.js';
import type { Tokenizer } from './tokenizer.js';

export interface BytePairJSON {
  readonly kind: 'BytePairTokenizer';
  /** Pairs in the order in which they are joined; pair i makes token 256 + i. */
  readonly merges: readonly (readonly [number, number])[];
}

/** Pieces within which tokens are joined: contractions, words, numbers and signs, each with the blank before it. */
const PIECE = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** A pair as one number: tokens are below 2²⁶. */
const SPAN = 2 ** 26;
const keyOf = (a: number, b: number): number => a * SPAN + b;

/** A piece as it stands in the training text, and how often. */
interface Piece {
  tokens: number[];
  readonly count: number;
}

/**
 * Joins the bytes of text (UTF-8) into ever longer tokens, the most frequent neighbours first (Sennrich et al. 2016, "Neural
 * machine translation of rare words with subword units"; on bytes as in Radford et al. 2019). Any text can be encoded and
 * comes back exactly.
 */
export class BytePairTokenizer implements Tokenizer {
  readonly merges: readonly (readonly [number, number])[];
  /** When each pair is joined. */
  private readonly ranks = new Map<number, number>();
  private readonly bytes: Uint8Array[];
  private readonly known = new Map<string, readonly number[]>();

  /** Tokens 0 … 255 are the bytes, token 256 + i is what merge i joins. */
  constructor(merges: Iterable<readonly [number, number]>) {
    this.merges = [...merges];
    this.bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
    this.merges.forEach(([a, b], i) => {
      const [left, right] = [this.bytes[a], this.bytes[b]];
      if (left === undefined || right === undefined) {
        fail(
          'argument',
          `BytePairTokenizer: merge ${i} joins ${a} and ${b}, but tokens end at ${this.bytes.length - 1}.`,
        );
      }
      const joined = new Uint8Array(left.length + right.length);
      joined.set(left);
      joined.set(right, left.length);
      this.bytes.push(joined);
      this.ranks.set(keyOf(a, b), i);
    });
  }

  /**
   * Learns `vocabSize` − 256 pairs from `texts`: at each step the most frequent pair of neighbours, of equally frequent ones
   * that of the smallest numbers. Ends early where no pair occurs twice.
   */
  static train(texts: string | Iterable<string>, vocabSize: number): BytePairTokenizer {
    if (!Number.isInteger(vocabSize) || vocabSize < 256) {
      fail('argument', `BytePairTokenizer.train: vocabSize must be a whole number ≥ 256, got ${vocabSize}.`);
    }
    const pieces = piecesOf(texts);
    const counts = new Map<number, number>();
    // The pieces in which a pair may stand: those where it no longer does are found out when it is joined.
    const places = new Map<number, Set<number>>();
    const count = (piece: number, sign: 1 | -1): void => {
      const { tokens, count: times } = pieces[piece] as Piece;
      for (let i = 0; i + 1 < tokens.length; i++) {
        const key = keyOf(tokens[i] as number, tokens[i + 1] as number);
        const now = (counts.get(key) ?? 0) + sign * times;
        if (now > 0) counts.set(key, now);
        else counts.delete(key);
        if (sign < 0) continue;
        const where = places.get(key);
        if (where === undefined) places.set(key, new Set([piece]));
        else where.add(piece);
      }
    };
    pieces.forEach((_, piece) => {
      count(piece, 1);
    });
    const merges: [number, number][] = [];
    while (256 + merges.length < vocabSize) {
      let [best, most] = [-1, 1];
      for (const [key, times] of counts)
        if (times > most || (times === most && key < best)) [best, most] = [key, times];
      if (best < 0) break;
      const pair: [number, number] = [Math.floor(best / SPAN), best % SPAN];
      const made = 256 + merges.length;
      merges.push(pair);
      for (const piece of places.get(best) as Set<number>) {
        count(piece, -1);
        const entry = pieces[piece] as Piece;
        entry.tokens = joined(entry.tokens, pair, made);
        count(piece, 1);
      }
      places.delete(best);
    }
    return new BytePairTokenizer(merges);
  }

  get vocabSize(): number {
    return this.bytes.length;
  }

  encode(text: string): Int32Array<ArrayBuffer> {
    return Int32Array.from((text.match(PIECE) ?? []).flatMap((piece) => this.tokensOf(piece) as number[]));
  }

  /** Bytes that are no UTF-8, as where a text was cut within a character, become the replacement character. */
  decode(tokens: Iterable<number>): string {
    const parts = Array.from(
      tokens,
      (token) =>
        this.bytes[token] ??
        fail('argument', `BytePairTokenizer.decode: there is no token ${token}; they are 0 … ${this.vocabSize - 1}.`),
    );
    return new TextDecoder().decode(joinBytes(parts));
  }

  toJSON(): BytePairJSON {
    return { kind: 'BytePairTokenizer', merges: this.merges };
  }

  static fromJSON(json: unknown): BytePairTokenizer {
    const merges = typeof json === 'object' && json !== null && 'merges' in json ? json.merges : undefined;
    const isPair = (pair: unknown): pair is [number, number] =>
      Array.isArray(pair) && pair.length === 2 && pair.every((token) => Number.isInteger(token) && token >= 0);
    if (!Array.isArray(merges) || !merges.every(isPair)) {
      return fail('format', 'BytePairTokenizer.fromJSON: merges must be a list of pairs of token numbers.');
    }
    return new BytePairTokenizer(merges);
  }

  private tokensOf(piece: string): readonly number[] {
    const before = this.known.get(piece);
    if (before !== undefined) return before;
    let tokens = [...new TextEncoder().encode(piece)];
    while (tokens.length > 1) {
      let first = Number.POSITIVE_INFINITY;
      for (let i = 0; i + 1 < tokens.length; i++) {
        first = Math.min(first, this.ranks.get(keyOf(tokens[i] as number, tokens[i + 1] as number)) ?? first);
      }
      const pair = this.merges[first];
      if (pair === undefined) break;
      tokens = joined(tokens, pair, 256 + first);
    }
    // Pieces repeat; a text of nothing but new ones must not fill the memory all the same.
    if (this.known.size >= 65536) this.known.clear();
    this.known.set(piece, tokens);
    return tokens;
  }
}

/** The pieces of the texts, each once. */
function piecesOf(texts: string | Iterable<string>): Piece[] {
  const counts = new Map<string, number>();
  for (const text of typeof texts === 'string' ? [texts] : texts)
    for (const piece of text.match(PIECE) ?? []) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const encoder = new TextEncoder();
  return Array.from(counts, ([piece, count]) => ({ tokens: [...encoder.encode(piece)], count }));
}

/** `tokens` with every pair, from the left, replaced by `made`. */
function joined(tokens: readonly number[], [a, b]: readonly [number, number], made: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] === a && tokens[i + 1] === b) {
      out.push(made);
      i++;
    } else out.push(tokens[i] as number);
  }
  return out;
}
