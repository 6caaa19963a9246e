import { memory, type Tensor, tensor, zeros } from 'fettle';
import { DataLoader, type Dataset, type Pass, Subset, TensorDataset } from 'fettle/data';
import { describe, expect, it } from 'vitest';

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const numbers = (length: number): TensorDataset<[Tensor]> => new TensorDataset(tensor(Int32Array.from(upTo(length))));

/** The samples of each batch of one pass. */
async function pass<B extends readonly Tensor[]>(
  loader: DataLoader<B, B>,
  most = Number.POSITIVE_INFINITY,
): Promise<number[][]> {
  const seen: number[][] = [];
  for await (const [x] of loader) {
    seen.push([...(x as Tensor).dataSync()]);
    if (seen.length >= most) break;
  }
  return seen;
}

describe('DataLoader', () => {
  it('cuts a dataset into batches', async () => {
    const loader = new DataLoader(numbers(10), { batchSize: 4 });
    expect(loader.length).toBe(3);
    expect(await pass(loader)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    const even = new DataLoader(numbers(10), { batchSize: 4, dropLast: true });
    expect(even.length).toBe(2);
    expect((await pass(even)).flat()).toEqual(upTo(8));
    expect(new DataLoader(numbers(3)).length).toBe(3);
    expect(await pass(new DataLoader(numbers(3)))).toEqual([[0], [1], [2]]);
    expect(await pass(new DataLoader(numbers(0), { batchSize: 4 }))).toEqual([]);
  });

  it('shuffles anew in each epoch, by seed', async () => {
    const make = (seed: number) => new DataLoader(numbers(20), { batchSize: 6, shuffle: true, seed });
    const loader = make(1);
    const first = (await pass(loader)).flat();
    const second = (await pass(loader)).flat();
    expect([...first].sort((a, b) => a - b)).toEqual(upTo(20));
    expect(first).not.toEqual(upTo(20));
    expect(second).not.toEqual(first);
    const again = make(1);
    expect((await pass(again)).flat()).toEqual(first);
    expect((await pass(again)).flat()).toEqual(second);
    again.setEpoch(0);
    expect((await pass(again)).flat()).toEqual(first);
    expect((await pass(make(2))).flat()).not.toEqual(first);
  });

  it('goes on in the middle of an epoch, and with the next one after it', async () => {
    const make = (seed?: number) =>
      new DataLoader(numbers(20), { batchSize: 3, shuffle: true, ...(seed === undefined ? {} : { seed }) });
    const whole = make(5);
    const epochs = [await pass(whole), await pass(whole), await pass(whole)];
    const one = make(5);
    await pass(one);
    await pass(one, 4);
    const state = JSON.parse(JSON.stringify(one.state())) as ReturnType<typeof one.state>;
    expect(state).toEqual({ seed: 5, epoch: 1, position: 12, samples: 20 });
    const other = make();
    other.loadState(state);
    expect(await pass(other)).toEqual(epochs[1]?.slice(4));
    expect(await pass(other)).toEqual(epochs[2]);
    expect(other.state()).toMatchObject({ epoch: 3, position: 0 });
    // A loop that was left begins the next epoch unless it is told to go on.
    expect(await pass(one)).toEqual(epochs[2]);
    const short = new DataLoader(numbers(19), { batchSize: 3 });
    expect(() => short.loadState(state)).toThrow('from the middle of an epoch of 20 samples, this loader has 19');
    short.loadState({ ...state, position: 0 });
    expect(short.state().epoch).toBe(1);
  });

  it('takes a sampler or the numbers of samples', async () => {
    expect(await pass(new DataLoader(numbers(9), { batchSize: 2, sampler: [8, 1, 1] }))).toEqual([[8, 1], [1]]);
    const reversed = { length: 3, order: () => Int32Array.of(2, 1, 0) };
    expect(await pass(new DataLoader(numbers(3), { batchSize: 2, sampler: reversed }))).toEqual([[2, 1], [0]]);
    const wrong = new DataLoader(numbers(3), { sampler: [3] });
    await expect(pass(wrong)).rejects.toThrow('sample 3 does not exist');
  });

  it('joins single samples, or leaves that to a collate', async () => {
    const dataset: Dataset<[number, string]> = { length: 3, get: (i) => [i * 1.5, `no. ${i}`] };
    const seen: unknown[] = [];
    for await (const [x, names] of new DataLoader(dataset, { batchSize: 2 })) seen.push([x.toArray(), names]);
    expect(seen).toEqual([
      [
        [0, 1.5],
        ['no. 0', 'no. 1'],
      ],
      [[3], ['no. 2']],
    ]);
    const texts: string[] = [];
    const own = new DataLoader(dataset, {
      batchSize: 2,
      collate: (samples) => samples.map(([, name]) => name).join('+'),
    });
    for await (const text of own) texts.push(text);
    expect(texts).toEqual(['no. 0+no. 1', 'no. 2']);
  });

  it('waits for datasets that read, and asks ahead of need', async () => {
    const asked: number[] = [];
    const dataset: Dataset<Float32Array> = {
      length: 6,
      get: async (i) => {
        asked.push(i);
        await new Promise((resolve) => setTimeout(resolve, 1));
        return Float32Array.of(i, i);
      },
    };
    const seen: unknown[] = [];
    for await (const x of new DataLoader(dataset, { batchSize: 2 })) {
      seen.push(x.toArray());
      expect(asked.length).toBe(seen.length * 2);
    }
    expect(seen.flat()).toEqual(upTo(6).map((i) => [i, i]));
    asked.length = 0;
    let batches = 0;
    for await (const x of new DataLoader(dataset, { batchSize: 2, prefetch: 1 })) {
      expect(x.toArray()).toEqual(seen[batches++]);
      expect(asked.length).toBe(Math.min(6, 2 * (batches + 1)));
    }
    const tensors: Dataset<Tensor> = { length: 2, get: async () => tensor([1]) };
    const loader = new DataLoader(tensors, { prefetch: 2 });
    await expect(loader[Symbol.asyncIterator]().next()).rejects.toThrow('Use prefetch: 0');
  });

  it('names the sample that could not be read, and frees its scope', async () => {
    const dataset: Dataset<number> = {
      length: 5,
      get: (i) => {
        if (i === 3) throw new Error('torn');
        return i;
      },
    };
    const before = memory().tensors;
    const run = async (): Promise<void> => {
      for await (const x of new DataLoader(dataset, { batchSize: 2 })) x.add(1);
    };
    await expect(run()).rejects.toThrow('DataLoader: sample 3 could not be read: torn');
    expect(memory().tensors).toBe(before);
    const late: Dataset<number> = { length: 4, get: async (i) => (i === 3 ? Promise.reject(new Error('gone')) : i) };
    const seen: unknown[] = [];
    const ahead = async (): Promise<void> => {
      for await (const x of new DataLoader(late, { prefetch: 3 })) seen.push(x.item());
    };
    await expect(ahead()).rejects.toThrow('sample 3 could not be read: gone');
    expect(seen).toEqual([0, 1, 2]);
  });

  it('frees each batch and what was made of it', async () => {
    const dataset = numbers(40);
    const before = memory();
    const kept: Tensor[] = [];
    let last: Tensor | null = null;
    for await (const [x] of new DataLoader(dataset, { batchSize: 8 })) {
      if (last !== null) expect(last.disposed).toBe(true);
      last = x;
      zeros([1000]);
      if (kept.length === 0) kept.push(x.add(1).keep());
      expect(memory().tensors - before.tensors).toBeLessThanOrEqual(4);
    }
    expect(last?.disposed).toBe(true);
    expect(kept[0]?.toArray()).toEqual(upTo(8).map((i) => i + 1));
    kept[0]?.dispose();
    expect(memory().tensors).toBe(before.tensors);
    for await (const [x] of new DataLoader(dataset, { batchSize: 8 })) {
      x.add(1);
      break;
    }
    expect(memory().tensors).toBe(before.tensors);
  });

  it('hands the pass to the dataset', async () => {
    const passes: (Pass | undefined)[] = [];
    const dataset: Dataset<number> = {
      length: 2,
      get: (i, at) => {
        passes.push(at);
        return i;
      },
    };
    const loader = new DataLoader(new Subset(dataset, [1, 0]), { batchSize: 2, seed: 9 });
    for (let epoch = 0; epoch < 2; epoch++) for await (const _ of loader);
    expect(passes).toEqual([0, 0, 1, 1].map((epoch) => ({ seed: 9, epoch })));
  });

  it('refuses what it cannot do', () => {
    const dataset = numbers(3);
    expect(() => new DataLoader(dataset, { batchSize: 0 })).toThrow('batchSize must be a whole number ≥ 1, got 0');
    expect(() => new DataLoader(dataset, { numWorkers: -1 })).toThrow('numWorkers must be a whole number ≥ 0, got -1');
    expect(() => new DataLoader(dataset, { timeout: -1 })).toThrow('timeout must be a whole number ≥ 0, got -1');
    expect(() => new DataLoader(dataset, { shuffle: true, sampler: [0] })).toThrow('exclude each other');
    expect(() => new DataLoader(dataset, { seed: -1 })).toThrow('[0, 2^53)');
    expect(() => new DataLoader(dataset).setEpoch(0.5)).toThrow('epoch must be a whole number');
  });
});
