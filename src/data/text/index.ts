export { type BytePairJSON, BytePairTokenizer } from './bytepair.js';
export { CharTokenizer, type CharTokenizerJSON } from './chartokenizer.js';
export { tokenizerFromJSON } from './restore.js';
export { linesOf, textOf } from './stream.js';
export { TextDataset, type TextDatasetOptions } from './textdataset.js';
export type { Tokenizer } from './tokenizer.js';
export { WordTokenizer, type WordTokenizerJSON, type WordTokenizerOptions } from './wordtokenizer.js';
