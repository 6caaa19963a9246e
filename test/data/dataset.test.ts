import { tensor } from 'fettle';
import { ConcatDataset, type Dataset, defaultCollate, Subset, TensorDataset } from 'fettle/data';
import { describe, expect, it } from 'vitest';

describe('TensorDataset', () => {
  const make = () =>
    new TensorDataset(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ]),
      tensor(Int32Array.of(0, 1, 2, 3)),
    );

  it('gives samples and batches', () => {
    const dataset = make();
    expect(dataset.length).toBe(4);
    const [x, y] = dataset.get(2);
    expect(x.toArray()).toEqual([5, 6]);
    expect(y.item()).toBe(2);
    const [xs, ys] = dataset.getBatch(Int32Array.of(3, 0, 0, 1));
    expect(xs.toArray()).toEqual([
      [7, 8],
      [1, 2],
      [1, 2],
      [3, 4],
    ]);
    expect(ys.toArray()).toEqual([3, 0, 0, 1]);
    expect(ys.dtype).toBe('int32');
  });

  it.each(['float32', 'float16', 'int32', 'int8', 'uint8', 'bool'] as const)(
    'gathers rows of %s, of any width',
    (dtype) => {
      for (const width of [0, 1, 3, 4, 8, 70]) {
        const values = Array.from({ length: 5 * width }, (_, i) => (dtype === 'bool' ? (i * 7) % 2 : (i * 7) % 100));
        const x = tensor(Float32Array.from(values), [5, width], { dtype });
        const [y] = new TensorDataset(x).getBatch(Int32Array.of(4, 1, 2));
        expect(y.dtype).toBe(dtype);
        expect(y.shape).toEqual([3, width]);
        expect([...y.dataSync()]).toEqual([4, 1, 2].flatMap((i) => values.slice(i * width, (i + 1) * width)));
      }
    },
  );

  it('takes views: rows of a transposed tensor, and a slice that begins late', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(new TensorDataset(x.T).getBatch(Int32Array.of(2, 0))[0].toArray()).toEqual([
      [3, 6],
      [1, 4],
    ]);
    const bytes = tensor(Uint8Array.of(1, 2, 3, 4, 5)).narrow(0, 2, 3);
    expect(new TensorDataset(bytes).getBatch(Int32Array.of(2, 1))[0].toArray()).toEqual([5, 4]);
  });

  it('refuses what does not fit', () => {
    expect(() => new TensorDataset(tensor([[1]]), tensor([1, 2]))).toThrow('got [1, 1] and [2]');
    expect(() => new TensorDataset(tensor(3))).toThrow('same size along dim 0');
    expect(() => make().get(4)).toThrow('sample 4 does not exist: there are 4');
    expect(() => make().getBatch(Int32Array.of(0, -1))).toThrow('sample -1 does not exist');
    const x = tensor([1, 2]);
    const dataset = new TensorDataset(x);
    x.dispose();
    expect(() => dataset.getBatch(Int32Array.of(0))).toThrow('disposed');
  });
});

describe('Subset and ConcatDataset', () => {
  const numbers = (length: number, from = 0): Dataset<number> => ({ length, get: (i) => from + i });

  it('pick and join', async () => {
    const subset = new Subset(numbers(10), [9, 3, 3]);
    expect(subset.length).toBe(3);
    expect([0, 1, 2].map((i) => subset.get(i))).toEqual([9, 3, 3]);
    expect(subset.getBatch).toBeUndefined();
    const joined = new ConcatDataset([numbers(2), numbers(0), numbers(3, 100)]);
    expect(joined.length).toBe(5);
    expect(Array.from({ length: 5 }, (_, i) => joined.get(i))).toEqual([0, 1, 100, 101, 102]);
    expect(joined.cumulativeSizes).toEqual([2, 2, 5]);
    expect(() => joined.get(5)).toThrow('sample 5 does not exist');
    expect(() => new Subset(numbers(3), [0, 3])).toThrow('sample 3 does not exist');
  });

  it('keep the fast path of what they are made of', () => {
    const whole = new TensorDataset(tensor([10, 11, 12, 13]));
    const half = new Subset(new Subset(whole, [3, 2, 1]), [2, 0]);
    const batch = half.getBatch?.(Int32Array.of(1, 0)) as readonly [{ toArray(): unknown }];
    expect(batch[0].toArray()).toEqual([13, 11]);
  });

  it('tell the parts of a pass apart', () => {
    const seeds = (): Dataset<number> => ({ length: 2, get: (_, pass) => pass?.seed ?? -1 });
    const joined = new ConcatDataset([seeds(), seeds()]);
    const at = (i: number) => joined.get(i, { seed: 5, epoch: 0 });
    expect(at(0)).toBe(5);
    expect(at(1)).toBe(5);
    expect(at(2)).not.toBe(5);
    expect(at(2)).toBe(at(3));
  });
});

describe('defaultCollate', () => {
  it('stacks tensors and typed arrays, and joins numbers by what they are', () => {
    expect(defaultCollate([tensor([1, 2]), tensor([3, 4])]).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    const bytes = defaultCollate([Uint8Array.of(1, 2), Uint8Array.of(3, 4)]);
    expect([bytes.dtype, bytes.shape]).toEqual(['uint8', [2, 2]]);
    const images = defaultCollate([
      { data: new Float32Array(6).fill(1), shape: [2, 3] },
      { data: new Float32Array(6).fill(2), shape: [2, 3] },
    ]);
    expect([images.dtype, images.shape, images.sum().item()]).toEqual(['float32', [2, 2, 3], 18]);
    expect(defaultCollate([1, 2, 3]).dtype).toBe('int32');
    expect(defaultCollate([1, 2.5]).dtype).toBe('float32');
    expect(defaultCollate([1, 2 ** 40]).dtype).toBe('float32');
    expect(defaultCollate([true, false]).toArray()).toEqual([true, false]);
  });

  it('goes into arrays and objects', () => {
    const [x, y] = defaultCollate<[{ a: number; name: string }, number[]]>([
      [{ a: 1, name: 'one' }, [1, 2]],
      [{ a: 2, name: 'two' }, [3, 4]],
    ]);
    expect(x.a.toArray()).toEqual([1, 2]);
    expect(x.name).toEqual(['one', 'two']);
    expect(y.map((t) => t.toArray())).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(defaultCollate([null, null])).toEqual([null, null]);
  });

  it('says which sample differs', () => {
    expect(() => defaultCollate([])).toThrow('at least one sample');
    expect(() => defaultCollate<unknown>([1, 'a'])).toThrow('sample 0 of the batch is a number, sample 1 is a other');
    expect(() => defaultCollate([[1, 2], [1]])).toThrow('has 2 entries, sample 1 has 1');
    expect(() => defaultCollate<object>([{ a: 1 }, { b: 1 }])).toThrow('has the keys a, sample 1 has b');
    expect(() => defaultCollate([Uint8Array.of(1), Uint8Array.of(1, 2)])).toThrow('sample 1 is Uint8Array [2]');
  });
});
