/** Turns text into numbers and numbers into text. */
export interface Tokenizer {
  /** How many tokens there are: numbers are 0 … vocabSize − 1. */
  readonly vocabSize: number;
  /** The numbers of a text. */
  encode(text: string): Int32Array<ArrayBuffer>;
  /** The text of numbers. Throws for a number that is no token's. */
  decode(tokens: Iterable<number>): string;
  /** What `tokenizerFromJSON` restores: plain data. */
  toJSON(): { readonly kind: string };
}
