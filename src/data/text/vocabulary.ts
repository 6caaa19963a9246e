import { fail } from '../../core/errors.js';

/** Tokens by their numbers, and numbers by their tokens. */
export class Vocabulary {
  private readonly numbers: ReadonlyMap<string, number>;

  constructor(
    readonly name: string,
    readonly tokens: readonly string[],
  ) {
    this.numbers = new Map(tokens.map((token, i) => [token, i]));
    if (this.numbers.size !== tokens.length) fail('argument', `${name}: a token stands in the vocabulary twice.`);
  }

  get size(): number {
    return this.tokens.length;
  }

  numberOf(token: string): number | undefined {
    return this.numbers.get(token);
  }

  tokenOf(number: number): string {
    return (
      this.tokens[number] ??
      fail('argument', `${this.name}.decode: there is no token ${number}; they are 0 … ${this.size - 1}.`)
    );
  }

  /** A vocabulary from JSON. */
  static from(name: string, json: unknown, field: string): Vocabulary {
    const tokens = typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[field] : undefined;
    if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === 'string')) {
      return fail('format', `${name}.fromJSON: ${field} must be a list of texts.`);
    }
    return new Vocabulary(name, tokens);
  }
}
