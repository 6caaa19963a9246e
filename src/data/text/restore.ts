import { fail } from '../../core/errors.js';
import { BytePairTokenizer } from './bytepair.js';
import { CharTokenizer } from './chartokenizer.js';
import type { Tokenizer } from './tokenizer.js';
import { WordTokenizer } from './wordtokenizer.js';

/** Restores a tokenizer from what its `toJSON` gave, whichever it is. */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  const kind = typeof json === 'object' && json !== null && 'kind' in json ? json.kind : undefined;
  if (kind === 'CharTokenizer') return CharTokenizer.fromJSON(json);
  if (kind === 'WordTokenizer') return WordTokenizer.fromJSON(json);
  if (kind === 'BytePairTokenizer') return BytePairTokenizer.fromJSON(json);
  return fail(
    'format',
    `tokenizerFromJSON: unknown kind ${JSON.stringify(kind)}. Known are CharTokenizer, WordTokenizer and BytePairTokenizer.`,
  );
}
