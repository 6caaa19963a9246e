import { FettleError, memory, ones, scope, type Tensor, tensor, zeros } from 'fettle';
import { alone, type Collective, inProcess } from 'fettle/parallel';
import { describe, expect, it } from 'vitest';

/** Runs `body` on every rank at once, and gives what each returns. */
const onAll = <T>(size: number, body: (c: Collective) => Promise<T>): Promise<T[]> =>
  Promise.all(inProcess(size).map(body));

describe('ranks of one process', () => {
  it('know their numbers', () => {
    expect(inProcess(3).map(({ rank, size }) => [rank, size])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
    expect(() => inProcess(0)).toThrow('size must be a whole number');
  });

  it.each([
    ['sum', [9, 6]],
    ['avg', [3, 2]],
    ['product', [24, 6]],
    ['min', [2, 1]],
    ['max', [4, 3]],
  ] as const)('join arrays in place by %s', async (op, expected) => {
    const results = await onAll(3, async (c) => {
      const data = new Float64Array([c.rank + 2, c.rank + 1]);
      expect(await c.allReduce(data, op)).toBe(data);
      return data;
    });
    for (const result of results) expect([...result]).toEqual(expected);
  });

  it('join tensors of each dtype in place, and name the op as an option too', async () => {
    const results = await onAll(2, async (c) => {
      const whole = tensor([c.rank, 5], { dtype: 'int32' });
      const half = tensor([c.rank + 0.5, 0.25], { dtype: 'float16' });
      const truth = tensor([c.rank === 1, false], { dtype: 'bool' });
      const part = tensor([1, 2, 3, 4]).slice(0, 1, 3);
      await Promise.all([
        c.allReduce(whole),
        c.allReduce(half, { op: 'avg' }),
        c.allReduce(truth, 'max'),
        c.allReduce(part, { op: 'sum' }),
      ]);
      return [whole, half, truth, part].map((t) => t.toArray());
    });
    const expected = [
      [1, 10],
      [1, 0.25],
      [true, false],
      [4, 6],
    ];
    expect(results).toEqual([expected, expected]);
  });

  it('add in the arithmetic of the data, and wrap integers', async () => {
    const [floats, bytes, products] = (
      await onAll(3, async (c) => [
        await c.allReduce(new Float32Array([[1e8, 1, -1e8][c.rank] as number])),
        await c.allReduce(new Uint8Array([100])),
        await c.allReduce(new Int32Array([123456789]), 'product'),
      ])
    )[0] as [Float32Array, Uint8Array, Int32Array];
    expect(floats[0]).toBe(0);
    expect(bytes[0]).toBe(300 - 256);
    expect(products[0]).toBe(Math.imul(Math.imul(123456789, 123456789), 123456789));
  });

  it('broadcast from any rank', async () => {
    const results = await onAll(3, async (c) => {
      const x = tensor([c.rank, c.rank]);
      const halves = tensor([c.rank / 4], { dtype: 'float16' });
      await Promise.all([c.broadcast(x, 2), c.broadcast(halves, { src: 1 })]);
      return [x.toArray(), halves.toArray()];
    });
    for (const result of results) expect(result).toEqual([[2, 2], [0.25]]);
  });

  it('gather by rank, into tensors of the caller', async () => {
    const before = memory().tensors;
    const results = await onAll(2, async (c) => {
      const x = tensor([[c.rank, 7]]);
      const parts = await c.allGather(x);
      const arrays = await c.allGather(new Int16Array([c.rank]));
      expect(arrays[1]).toBeInstanceOf(Int16Array);
      expect(arrays.map((a) => [...a])).toEqual([[0], [1]]);
      expect(parts[1]?.shape).toEqual([1, 2]);
      const values = parts.map((t) => t.add(0).toArray());
      for (const part of parts) part.dispose();
      return values;
    });
    expect(results).toEqual([
      [[[0, 7]], [[1, 7]]],
      [[[0, 7]], [[1, 7]]],
    ]);
    expect(memory().tensors).toBeGreaterThanOrEqual(before);
  });

  it('hold memory until an operation is done, and let go of it then', async () => {
    const [a, b] = inProcess(2) as [Collective, Collective];
    const before = memory().bytes;
    const x = ones([64]);
    const first = a.allReduce(x);
    x.dispose();
    // What is made meanwhile must not get the memory of the operation.
    const other = scope(() => zeros([64]));
    await Promise.all([first, b.allReduce(ones([64]).keep())].map((p) => p.then((t: Tensor) => t.dispose())));
    expect(other.toArray()).toEqual(new Array(64).fill(0));
    other.dispose();
    expect(memory().bytes).toBe(before);
  });

  it('wait for one another', async () => {
    const ranks = inProcess(2) as [Collective, Collective];
    const seen: string[] = [];
    const late = ranks[0].barrier().then(() => seen.push('passed'));
    await Promise.resolve();
    seen.push('waited');
    await Promise.all([late, ranks[1].barrier()]);
    expect(seen).toEqual(['waited', 'passed']);
    await Promise.all(ranks.map((c) => c.close()));
    await ranks[0].close();
    await expect(ranks[0].barrier()).rejects.toThrow('rank 0 has closed this Collective');
  });

  it('tell all ranks when they call different things', async () => {
    const ranks = inProcess(2) as [Collective, Collective];
    const calls = [ranks[0].allReduce(new Float32Array(2)), ranks[1].allReduce(new Float32Array(3))];
    const told = await Promise.allSettled(calls);
    for (const result of told) {
      const { reason } = result as PromiseRejectedResult;
      expect(reason).toBeInstanceOf(FettleError);
      expect((reason as FettleError).code).toBe('state');
      expect(String(reason)).toContain('rank 1 calls allReduce(3 × float32, sum) where rank 0 calls allReduce(2 ×');
    }
    await expect(ranks[0].barrier()).rejects.toThrow('must call the same');
  });

  it('tell the others when one has left', async () => {
    const ranks = inProcess(2) as [Collective, Collective];
    const leaving = ranks[1].close();
    const told = await Promise.allSettled([leaving, ranks[0].barrier()]);
    for (const result of told) {
      expect(String((result as PromiseRejectedResult).reason)).toContain('rank 0 calls barrier() where rank 1 calls');
    }
  });

  it('refuse what cannot be exchanged, before anything has begun', async () => {
    const c = alone();
    const bad = c as unknown as { allReduce(data: unknown, op?: unknown): Promise<unknown> };
    await expect(bad.allReduce([1, 2])).rejects.toThrow('expected a tensor or a typed array');
    await expect(bad.allReduce(new Float32Array(1), 'mean')).rejects.toThrow('op must be one of sum, avg');
    await expect(bad.allReduce(new Float32Array(1), { operation: 'sum' })).rejects.toThrow("no option 'operation'");
    await expect(bad.allReduce(new BigInt64Array(1))).rejects.toThrow('cannot be exchanged');
    await expect(c.allReduce(new Int32Array(1), 'avg')).rejects.toThrow('an average of int32 would be cut');
    await expect(c.allReduce(tensor([true], { dtype: 'bool' }))).rejects.toThrow('bool has no sum');
    await expect(c.allReduce(zeros([2, 3]).T)).rejects.toThrow('contiguous');
    await expect(c.broadcast(new Float32Array(1), 1)).rejects.toThrow('src must be a rank, 0 … 0, got 1');
    const gone = zeros([2]);
    gone.dispose();
    await expect(c.allReduce(gone)).rejects.toThrow('disposed');
  });

  it('change nothing where there is one alone', async () => {
    const c = alone();
    const x = tensor([1, 2]);
    await c.allReduce(x, 'avg');
    await c.broadcast(x);
    expect((await c.allGather(x)).map((t) => t.toArray())).toEqual([[1, 2]]);
    await c.barrier();
    await c.close();
  });
});
