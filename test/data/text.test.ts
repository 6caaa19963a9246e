import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  BytePairTokenizer,
  CharTokenizer,
  DataLoader,
  TextDataset,
  type Tokenizer,
  tokenizerFromJSON,
  WordTokenizer,
} from 'fettle/data';
import { describe, expect, it } from 'vitest';

const text = 'The cat sat on the mat. The cat’s hat is 3.5 cm, and the mat isn’t.\nÄpfel? 日本語!';
const restored = (tokenizer: Tokenizer): Tokenizer => tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));

describe('CharTokenizer', () => {
  it('gives every character a number and back', () => {
    const made = CharTokenizer.train([text, 'zebra 😀']);
    expect(made.decode(made.encode(text))).toBe(text);
    expect(restored(made).encode(text)).toEqual(made.encode(text));
    expect([...CharTokenizer.train('cab').encode('abc')]).toEqual([0, 1, 2]);
    expect(made.encode('😀')).toHaveLength(1);
    expect(() => made.encode('xq')).toThrow('character 0 is "x"');
    expect(() => made.decode([-1])).toThrow('there is no token -1');
  });
});

describe('WordTokenizer', () => {
  it('numbers words by how often they occur', () => {
    const made = WordTokenizer.train(text);
    expect(made.decode([1, 2])).toBe('the .');
    expect(made.decode(made.encode('The MAT isn’t 3.5 Äpfel?'))).toBe('the mat isn’t 3.5 äpfel ?');
    expect([...made.encode('a dog')]).toEqual([0, 0]);
    expect(restored(made).encode(text)).toEqual(made.encode(text));
  });

  it('keeps the most frequent, and letters as they are where asked', () => {
    expect(WordTokenizer.train('a b b c c c', { maxWords: 2 }).vocabSize).toBe(3);
    expect(WordTokenizer.train('a b b c c c', { minCount: 3 }).decode([0, 1])).toBe('<unk> c');
    expect(WordTokenizer.train('A a', { lowercase: false }).vocabSize).toBe(3);
    expect(() => new WordTokenizer(['a'])).toThrow('the first word must be <unk>');
  });
});

describe('BytePairTokenizer', () => {
  it('joins the most frequent neighbours first', () => {
    // 'ab' occurs four times; then 'abc' twice and ' abc' …
    const made = BytePairTokenizer.train('ab ab abc abc', 258);
    const [a, b, blank] = [97, 98, 32];
    expect(made.merges[0]).toEqual([a, b]);
    expect(made.merges[1]).toEqual([blank, 256]);
    expect([...made.encode('ab abc')]).toEqual([256, 257, 99]);
  });

  it('learns as a plain count over the whole text does', () => {
    const words = text.match(/'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu) as string[];
    let pieces = words.map((word) => [...new TextEncoder().encode(word)]);
    const merges: [number, number][] = [];
    for (let made = 256; made < 268; made++) {
      const counts = new Map<string, number>();
      for (const piece of pieces)
        for (let i = 0; i + 1 < piece.length; i++) {
          const key = `${piece[i]},${piece[i + 1]}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      const ranked = [...counts]
        .map(([key, n]) => ({ pair: key.split(',').map(Number) as [number, number], n }))
        .sort((p, q) => q.n - p.n || p.pair[0] - q.pair[0] || p.pair[1] - q.pair[1]);
      const { pair } = ranked[0] as { pair: [number, number] };
      merges.push(pair);
      pieces = pieces.map((piece) => {
        const out: number[] = [];
        for (let i = 0; i < piece.length; i++) {
          if (piece[i] === pair[0] && piece[i + 1] === pair[1]) {
            out.push(made);
            i++;
          } else out.push(piece[i] as number);
        }
        return out;
      });
    }
    expect(BytePairTokenizer.train(text, 268).merges).toEqual(merges);
  });

  it('gives any text back', () => {
    const made = BytePairTokenizer.train(text, 300);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (any) => {
        expect(made.decode(made.encode(any))).toBe(any);
      }),
    );
    expect(restored(made).encode(text)).toEqual(made.encode(text));
    expect(made.encode(text).length).toBeLessThan(new TextEncoder().encode(text).length);
  });

  it('says what is wrong', () => {
    expect(() => BytePairTokenizer.train(text, 255)).toThrow('≥ 256');
    expect(BytePairTokenizer.train('ab', 300).vocabSize).toBe(256);
    expect(() => new BytePairTokenizer([[97, 300]])).toThrow('tokens end at 255');
    expect(() => tokenizerFromJSON({ kind: 'BytePairTokenizer', merges: [[1]] })).toThrow('a list of pairs');
    expect(() => tokenizerFromJSON({ kind: 'x' })).toThrow('unknown kind "x"');
    expect(() => BytePairTokenizer.train('a', 256).decode([256])).toThrow('there is no token 256');
  });
});

describe('TextDataset', () => {
  it('gives windows and what follows', async () => {
    const data = new TextDataset([0, 1, 2, 3, 4, 5, 6], { blockSize: 2 });
    expect(data.length).toBe(3);
    const [x, y] = data.get(2);
    expect([x.toArray(), y.toArray()]).toEqual([
      [4, 5],
      [5, 6],
    ]);
    const [xs, ys] = new TextDataset(data.tokens, { blockSize: 3, stride: 1 }).getBatch(Int32Array.of(3, 0));
    expect([xs.toArray(), ys.toArray()]).toEqual([
      [
        [3, 4, 5],
        [0, 1, 2],
      ],
      [
        [4, 5, 6],
        [1, 2, 3],
      ],
    ]);
    let batches = 0;
    for await (const [a, b] of new DataLoader(data, { batchSize: 2 })) {
      expect(a.shape).toEqual(b.shape);
      batches++;
    }
    expect(batches).toBe(2);
    const loaded = await TextDataset.load(new Blob(['abcab']), CharTokenizer.train('abc'), { blockSize: 4 });
    expect([...loaded.tokens]).toEqual([0, 1, 2, 0, 1]);
    expect(() => new TextDataset([1, 2], { blockSize: 2 })).toThrow('at least 3 tokens, there are 2');
    expect(() => new TextDataset([1, 2], { blockSize: 0 })).toThrow('blockSize must be');
  });

  const shakespeare = new URL('../../../shared/data/text/tinyshakespeare.txt', import.meta.url);
  it.skipIf(!existsSync(shakespeare))('learns a vocabulary of a whole book', () => {
    const book = readFileSync(shakespeare, 'utf8');
    expect(CharTokenizer.train(book).vocabSize).toBe(65);
    const made = BytePairTokenizer.train(book, 512);
    const tokens = made.encode(book);
    expect(made.decode(tokens)).toBe(book);
    expect(tokens.length).toBeLessThan(0.6 * book.length);
  });
});
