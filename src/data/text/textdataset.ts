import { fail } from '../../core/errors.js';
import { tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { checkIndex, type Dataset } from '../dataset.js';
import type { Source } from '../source.js';
import type { Construction } from '../transforms/transform.js';
import { textOf } from './stream.js';
import type { Tokenizer } from './tokenizer.js';

export interface TextDatasetOptions {
  /** Tokens in a sample. */
  readonly blockSize: number;
  /** Tokens from the beginning of a sample to that of the next. Default: blockSize, so that no token comes twice. */
  readonly stride?: number;
}

/**
 * Windows of a long text for a language model: sample i is `blockSize` tokens and the tokens that follow each of them, both
 * int32 [blockSize]; a batch is [N, blockSize] twice.
 */
export class TextDataset implements Dataset<[Tensor, Tensor], [Tensor, Tensor]> {
  readonly length: number;
  readonly tokens: Int32Array;
  readonly blockSize: number;
  readonly stride: number;

  constructor(tokens: ArrayLike<number>, { blockSize, stride = blockSize }: TextDatasetOptions) {
    for (const [name, value] of Object.entries({ blockSize, stride })) {
      if (!Number.isInteger(value) || value < 1) {
        fail('argument', `TextDataset: ${name} must be a whole number ≥ 1, got ${value}.`);
      }
    }
    // Those in shared memory are shared with other threads, and a copy for each would be what that is to spare.
    const isShared = tokens instanceof Int32Array && !(tokens.buffer instanceof ArrayBuffer);
    this.tokens = isShared ? tokens : Int32Array.from(tokens);
    this.blockSize = blockSize;
    this.stride = stride;
    // The last token of the last window needs one behind it.
    this.length = Math.floor((this.tokens.length - blockSize - 1) / stride) + 1;
    if (this.length < 1) {
      fail(
        'data',
        `TextDataset: blocks of ${blockSize} need at least ${blockSize + 1} tokens, there are ${this.tokens.length}.`,
      );
    }
  }

  /** Reads a UTF-8 text, gzipped or not, and encodes it. */
  static async load(source: Source, tokenizer: Tokenizer, options: TextDatasetOptions): Promise<TextDataset> {
    const parts: string[] = [];
    for await (const text of textOf(source)) parts.push(text);
    return new TextDataset(tokenizer.encode(parts.join('')), options);
  }

  /** What makes the same dataset in another thread. */
  portable(): Construction {
    const { tokens, blockSize, stride } = this;
    return { type: 'TextDataset', args: [tokens, { blockSize, stride } satisfies TextDatasetOptions] };
  }

  get(index: number): [Tensor, Tensor] {
    checkIndex('TextDataset', index, this.length);
    const from = index * this.stride;
    const [x, y] = [0, 1].map((shift) => this.tokens.slice(from + shift, from + shift + this.blockSize));
    return [tensor(x as Int32Array, [this.blockSize]), tensor(y as Int32Array, [this.blockSize])];
  }

  getBatch(indices: Int32Array): [Tensor, Tensor] {
    const { blockSize, stride, tokens } = this;
    const [x, y] = [new Int32Array(indices.length * blockSize), new Int32Array(indices.length * blockSize)];
    indices.forEach((index, n) => {
      const from = checkIndex('TextDataset', index, this.length) * stride;
      x.set(tokens.subarray(from, from + blockSize), n * blockSize);
      y.set(tokens.subarray(from + 1, from + 1 + blockSize), n * blockSize);
    });
    const shape = [indices.length, blockSize];
    return [tensor(x, shape), tensor(y, shape)];
  }
}
