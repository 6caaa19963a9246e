import { ones } from 'fettle';
import { DataLoader, DistributedSampler, TensorDataset } from 'fettle/data';
import { describe, expect, it } from 'vitest';
import golden from './golden/distributed.json' with { type: 'json' };

const sharesOf = (samples: number, numReplicas: number, rest: object = {}): DistributedSampler[] =>
  Array.from({ length: numReplicas }, (_, rank) => new DistributedSampler(samples, { numReplicas, rank, ...rest }));

describe('DistributedSampler', () => {
  it('deals samples out as torch does', () => {
    expect(golden.length).toBeGreaterThan(50);
    for (const { samples, numReplicas, dropLast, orders } of golden) {
      const shares = sharesOf(samples, numReplicas, { shuffle: false, dropLast });
      expect(shares.map((s) => [...s.order()])).toEqual(orders);
      expect(shares.map((s) => s.length)).toEqual(orders.map((order) => order.length));
    }
  });

  it('says how much of a share is padding', () => {
    for (const { samples, numReplicas, dropLast, orders } of golden) {
      const paddings = sharesOf(samples, numReplicas, { shuffle: false, dropLast }).map((s) => s.padding);
      const visited = orders.flatMap((order, rank) => order.slice(0, order.length - (paddings[rank] as number)));
      // Without it, no sample is visited twice, and all are where none is left out.
      expect(new Set(visited).size).toBe(visited.length);
      if (!dropLast) expect(visited.length).toBe(samples);
      else expect(paddings.every((padding) => padding === 0)).toBe(true);
    }
    expect(sharesOf(2, 4, { dropLast: true }).map((s) => [...s.order()])).toEqual([[], [], [], []]);
    expect(sharesOf(0, 2).map((s) => [...s.order()])).toEqual([[], []]);
  });

  it('shuffles alike on all ranks, another way in each epoch', () => {
    const shares = sharesOf(101, 4, { seed: 3 });
    const epoch = (e: number): number[][] => shares.map((s) => [...s.order(undefined, e)]);
    expect(new Set(epoch(0).flat()).size).toBe(101);
    expect(epoch(0)).toEqual(epoch(0));
    expect(epoch(1)).not.toEqual(epoch(0));
    expect(sharesOf(101, 4, { seed: 4 }).map((s) => [...s.order()])).not.toEqual(epoch(0));
    for (const share of shares) share.setEpoch(1);
    const set = shares.map((s) => [...s.order()]);
    expect(epoch(5)).toEqual(set);
    const fresh = sharesOf(101, 4, { seed: 3 }).map((s) => [...s.order(undefined, 1)]);
    expect(set).toEqual(fresh);
  });

  it('gives the batches of one process in parts', async () => {
    const batchesOf = async (numReplicas: number, rank: number): Promise<number[][]> => {
      const dataset = new TensorDataset(ones([24]).cumsum(0).sub(1));
      const sampler = new DistributedSampler(dataset, numReplicas, rank, { seed: 1 });
      // Loaders draw a seed of their own where none is given; the order must not follow from that.
      const loader = new DataLoader(dataset, { batchSize: 8 / numReplicas, sampler });
      const batches: number[][] = [];
      for (let epoch = 0; epoch < 2; epoch++) {
        for await (const [x] of loader) batches.push(x.toArray() as number[]);
      }
      return batches;
    };
    const whole = await batchesOf(1, 0);
    expect(whole.slice(0, 3)).not.toEqual(whole.slice(3));
    const [a, b] = [await batchesOf(2, 0), await batchesOf(2, 1)];
    const joined = a.map((batch, i) => batch.flatMap((value, k) => [value, b[i]?.[k] as number]));
    expect(joined).toEqual(whole);
  });

  it('refuses what is no rank', () => {
    expect(() => new DistributedSampler(10)).toThrow('Pass { numReplicas: collective.size, rank: collective.rank }');
    expect(() => new DistributedSampler(10, 2, 2)).toThrow('rank must be one of 0 … 1, got 2');
    expect(() => new DistributedSampler(10, 2, { shuffled: true } as never)).toThrow("no option 'shuffled'");
    expect(() => new DistributedSampler(10, 2, 0).setEpoch(-1)).toThrow('epoch must be a whole number');
  });
});
