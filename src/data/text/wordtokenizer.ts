import { fail } from '../../core/errors.js';
import type { Tokenizer } from './tokenizer.js';
import { Vocabulary } from './vocabulary.js';

export interface WordTokenizerOptions {
  /** Words at most, the most frequent first; the unknown token is not counted. Default: all. */
  readonly maxWords?: number;
  /** How often a word must occur. Default 1. */
  readonly minCount?: number;
  /** Make letters small first. Default true. */
  readonly lowercase?: boolean;
}

export interface WordTokenizerJSON {
  readonly kind: 'WordTokenizer';
  readonly lowercase: boolean;
  readonly words: readonly string[];
}

/** The token of words that the vocabulary lacks, number 0. */
const UNKNOWN = '<unk>';

/** Words, numbers, and single other signs; what is white separates them. */
const WORD = /[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*|\p{N}+(?:[.,]\p{N}+)*|[^\s\p{L}\p{M}\p{N}]/gu;

/** One token for each word and sign; words that are not known become one token for all of them. */
export class WordTokenizer implements Tokenizer {
  readonly lowercase: boolean;
  private readonly vocabulary: Vocabulary;

  /** The words, by their numbers; the first is that of unknown words. */
  constructor(words: Iterable<string>, { lowercase = true }: Pick<WordTokenizerOptions, 'lowercase'> = {}) {
    this.vocabulary = new Vocabulary('WordTokenizer', [...words]);
    if (this.vocabulary.tokens[0] !== UNKNOWN) fail('argument', `WordTokenizer: the first word must be ${UNKNOWN}.`);
    this.lowercase = lowercase;
  }

  /** The words of `texts`, the most frequent first, of equally frequent ones in alphabetical order. */
  static train(texts: string | Iterable<string>, options: WordTokenizerOptions = {}): WordTokenizer {
    const { maxWords = Number.POSITIVE_INFINITY, minCount = 1, lowercase = true } = options;
    if (!(maxWords >= 1) || !(minCount >= 1)) {
      fail('argument', `WordTokenizer: maxWords and minCount must be ≥ 1, got ${maxWords} and ${minCount}.`);
    }
    const counts = new Map<string, number>();
    for (const text of typeof texts === 'string' ? [texts] : texts)
      for (const word of split(text, lowercase)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const words = [...counts]
      .filter(([, count]) => count >= minCount)
      .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, maxWords)
      .map(([word]) => word);
    return new WordTokenizer([UNKNOWN, ...words], { lowercase });
  }

  get vocabSize(): number {
    return this.vocabulary.size;
  }

  encode(text: string): Int32Array<ArrayBuffer> {
    return Int32Array.from(split(text, this.lowercase), (word) => this.vocabulary.numberOf(word) ?? 0);
  }

  /** The words with a blank between them: what was white before is gone. */
  decode(tokens: Iterable<number>): string {
    return Array.from(tokens, (token) => this.vocabulary.tokenOf(token)).join(' ');
  }

  toJSON(): WordTokenizerJSON {
    return { kind: 'WordTokenizer', lowercase: this.lowercase, words: this.vocabulary.tokens };
  }

  static fromJSON(json: unknown): WordTokenizer {
    const { tokens } = Vocabulary.from('WordTokenizer', json, 'words');
    return new WordTokenizer(tokens, { lowercase: (json as { lowercase?: unknown }).lowercase !== false });
  }
}

function split(text: string, lowercase: boolean): string[] {
  return (lowercase ? text.toLowerCase() : text).match(WORD) ?? [];
}
