import { fail } from '../../core/errors.js';
import type { Tokenizer } from './tokenizer.js';
import { Vocabulary } from './vocabulary.js';

export interface CharTokenizerJSON {
  readonly kind: 'CharTokenizer';
  readonly characters: readonly string[];
}

/** One token for each character (Unicode code point). */
export class CharTokenizer implements Tokenizer {
  private readonly vocabulary: Vocabulary;

  /** The characters, by their numbers. */
  constructor(characters: Iterable<string>) {
    this.vocabulary = new Vocabulary('CharTokenizer', [...characters]);
  }

  /** The characters of `texts` in the order of their codes. */
  static train(texts: string | Iterable<string>): CharTokenizer {
    const found = new Set<string>();
    for (const text of typeof texts === 'string' ? [texts] : texts) for (const character of text) found.add(character);
    return new CharTokenizer([...found].sort((a, b) => (a.codePointAt(0) as number) - (b.codePointAt(0) as number)));
  }

  get vocabSize(): number {
    return this.vocabulary.size;
  }

  /** Throws for a character that the vocabulary lacks. */
  encode(text: string): Int32Array<ArrayBuffer> {
    return Int32Array.from(text, (character, i) => {
      const number = this.vocabulary.numberOf(character);
      if (number !== undefined) return number;
      return fail(
        'data',
        `CharTokenizer.encode: character ${i} is ${JSON.stringify(character)}, which was not among the training texts.`,
      );
    });
  }

  decode(tokens: Iterable<number>): string {
    return Array.from(tokens, (token) => this.vocabulary.tokenOf(token)).join('');
  }

  toJSON(): CharTokenizerJSON {
    return { kind: 'CharTokenizer', characters: this.vocabulary.tokens };
  }

  static fromJSON(json: unknown): CharTokenizer {
    return new CharTokenizer(Vocabulary.from('CharTokenizer', json, 'characters').tokens);
  }
}
