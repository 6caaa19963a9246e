import { crossEntropy, full, manualSeed, noGrad, ones, randint, randn, scope, type Tensor, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { Adam, SGD } from 'fettle/optim';
import { alone, type Collective, DistributedDataParallel, inProcess } from 'fettle/parallel';
import { describe, expect, it } from 'vitest';

/** A wide layer, whose gradient goes by itself, and small ones, whose gradients are put together. */
class Net extends nn.Module {
  wide = new nn.Linear(64, 1100);
  out = new nn.Linear(1100, 3);
  unused = new nn.Linear(2, 2);
  forward(x: Tensor): Tensor {
    return this.out.forward(this.wide.forward(x).relu());
  }
}

/** A small layer and, where it is asked for, a large one. */
class Pair extends nn.Module {
  small = new nn.Linear(1, 1);
  large = new nn.Linear(300, 300);
  forward(both: boolean): Tensor {
    const result = this.small.forward(full([1, 1], 2)).sum();
    return both ? result.add(this.large.forward(ones([1, 300])).sum()) : result;
  }
}

const ROWS = 24;

function makeData(seed: number): { x: Tensor; y: Tensor } {
  manualSeed(seed);
  return { x: randn([ROWS, 64]), y: randint(0, 3, [ROWS]) };
}

/** The rows of one rank: every size-th. */
const rowsOf = (t: Tensor, rank: number, size: number): Tensor =>
  t.indexSelect(0, tensor(Int32Array.from({ length: ROWS / size }, (_, i) => rank + i * size)));

interface Trained {
  readonly losses: number[];
  readonly weights: Float32Array[];
}

async function train(group: Collective, makeOptimizer: (p: nn.Parameter[]) => Adam | SGD, steps = 3): Promise<Trained> {
  manualSeed(100 + group.rank);
  const module = new Net();
  const model = new DistributedDataParallel(module, { processGroup: group });
  await model.synchronize();
  const optimizer = makeOptimizer(module.parameters());
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { x, y } = makeData(step);
    scope(() => {
      const loss = crossEntropy(model.forward(rowsOf(x, group.rank, group.size)), rowsOf(y, group.rank, group.size));
      losses.push(loss.item());
      loss.backward();
    });
    await model.synchronize();
    scope(() => optimizer.step());
    optimizer.zeroGrad();
    x.dispose();
    y.dispose();
  }
  const weights = module.parameters().map((p) => p.dataSync());
  optimizer.dispose();
  model.dispose();
  return { losses, weights };
}

/** The largest difference between two lists of arrays. */
function distance(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  let most = 0;
  a.forEach((array, i) => {
    const other = b[i] as Float32Array;
    for (let k = 0; k < array.length; k++) most = Math.max(most, Math.abs((array[k] as number) - (other[k] as number)));
  });
  return most;
}

describe('DistributedDataParallel', () => {
  it.each([
    ['SGD with momentum', (p: nn.Parameter[]) => new SGD(p, { lr: 0.1, momentum: 0.9 })],
    // Adam divides by the size of a gradient, and so makes much of the rounding of those that are nearly 0: eps holds it down.
    ['Adam', (p: nn.Parameter[]) => new Adam(p, { lr: 1e-3, eps: 1e-4 })],
  ])('trains on 1, 2, 3 and 4 ranks as on one large batch, with %s', async (_name, makeOptimizer) => {
    const whole = await train(alone(), makeOptimizer);
    for (const size of [2, 3, 4]) {
      const all = await Promise.all(inProcess(size).map((group) => train(group, makeOptimizer)));
      for (const { weights } of all) {
        // Not to rounding but to the bit: all ranks step with the same averages.
        expect(distance(weights, (all[0] as Trained).weights)).toBe(0);
        expect(distance(weights, whole.weights)).toBeLessThan(1e-5);
      }
      whole.losses.forEach((loss, step) => {
        const mean = all.reduce((sum, { losses }) => sum + (losses[step] as number), 0) / size;
        expect(mean).toBeCloseTo(loss, 5);
      });
    }
  });

  it('averages gradients, small ones in several messages too, and leaves alone what no rank has used', async () => {
    await Promise.all(
      inProcess(2).map(async (group) => {
        manualSeed(0);
        const module = new Net();
        const model = new DistributedDataParallel(module, { processGroup: group, bucketCapMb: 0.01 });
        await model.synchronize();
        for (let pass = 0; pass < 3; pass++) {
          scope(() =>
            model
              .forward(randn([4, 64]))
              .sum()
              .mul(group.rank + 1)
              .backward(),
          );
          await model.synchronize();
          expect(module.out.bias?.grad?.toArray()).toEqual([6, 6, 6]);
          expect(module.unused.weight.grad).toBeNull();
          module.zeroGrad();
        }
        model.dispose();
      }),
    );
  });

  it('counts a parameter that one rank has not used as 0 there', async () => {
    const grads = await Promise.all(
      inProcess(2).map(async (group) => {
        const module = new Pair();
        const model = new DistributedDataParallel(module, { processGroup: group });
        await model.synchronize();
        scope(() => model.forward(group.rank === 0).backward());
        await model.synchronize();
        const result = module.parameters().map((p) => [...(p.grad as Tensor).dataSync().slice(0, 2)]);
        model.dispose();
        return result;
      }),
    );
    expect(grads[0]).toEqual([[2], [1], [0.5, 0.5], [0.5, 0.5]]);
    expect(grads[1]).toEqual(grads[0]);
  });

  it('adds up without exchange within noSync', async () => {
    await Promise.all(
      inProcess(2).map(async (group) => {
        const module = new nn.Linear(2, 1);
        const model = new DistributedDataParallel(module, { processGroup: group });
        await model.synchronize();
        const step = (factor: number): void =>
          scope(() =>
            model
              .forward(tensor([[1, 2]]))
              .sum()
              .mul(factor)
              .backward(),
          );
        model.noSync(() => step(1 + group.rank));
        await model.noSync(async () => step(10));
        expect(module.bias?.grad?.item()).toBe(11 + group.rank);
        step(100);
        await model.synchronize();
        expect(module.bias?.grad?.item()).toBe(111.5);
        expect(() =>
          model.noSync(() => {
            throw new Error('inside');
          }),
        ).toThrow('inside');
        step(1);
        await model.synchronize();
        model.dispose();
      }),
    );
  });

  it('gives all ranks the parameters and the statistics of rank 0', async () => {
    const results = await Promise.all(
      inProcess(2).map(async (group) => {
        manualSeed(group.rank);
        const module = new nn.Sequential(new nn.Linear(3, 2), new nn.BatchNorm1d(2));
        const model = new DistributedDataParallel(module, { processGroup: group });
        await model.synchronize();
        expect(Object.keys(model.stateDict())[0]).toBe('module.0.weight');
        const before = module.parameters().map((p) => p.toArray());
        scope(() =>
          model
            .forward(randn([5, 3]))
            .sum()
            .backward(),
        );
        await model.synchronize();
        const after = module.buffers().map((b) => b.toArray());
        expect(model.unwrap()).toBe(module);
        module.dispose();
        return { before, after };
      }),
    );
    expect(results[1]).toEqual(results[0]);
  });

  it('says what is forgotten', async () => {
    await Promise.all(
      inProcess(2).map(async (group) => {
        const module = new nn.Linear(2, 1);
        const model = new DistributedDataParallel(module, { processGroup: group });
        const forward = (): Tensor => model.forward(tensor([[1, 2]])).sum();
        expect(() => forward()).toThrow('have not got the parameters of rank 0 yet');
        await model.synchronize();
        scope(() => forward().backward());
        expect(() => forward()).toThrow('await model.synchronize() after backward()');
        expect(() =>
          module
            .forward(tensor([[1, 2]]))
            .sum()
            .backward(),
        ).toThrow('a second backward() has begun');
        await model.synchronize();
        // Nothing is expected of a pass that records nothing.
        noGrad(() => scope(() => forward()));
        await model.synchronize();
        model.dispose();
      }),
    );
  });

  it('tells all ranks when their models differ', async () => {
    const told = await Promise.allSettled(
      inProcess(2).map(async (group) => {
        const module = new nn.Linear(2, 1 + group.rank);
        const model = new DistributedDataParallel(module, { processGroup: group });
        try {
          await model.synchronize();
        } finally {
          model.dispose();
        }
      }),
    );
    for (const one of told) {
      expect(String((one as PromiseRejectedResult).reason)).toContain('the model of rank 1 is not that of rank 0');
    }
  });

  it('refuses what cannot be trained', () => {
    const module = new nn.Linear(2, 1);
    const make = (options: object, m: unknown = module) =>
      new DistributedDataParallel(m as nn.Linear, options as { processGroup: Collective });
    expect(() => make({})).toThrow('processGroup must be a Collective');
    expect(() => make({ processGroup: alone(), bucketCapMb: 0 })).toThrow('bucketCapMb');
    expect(() => make({ processGroup: alone(), group: 1 })).toThrow("no option 'group'");
    expect(() => make({ processGroup: alone() }, {})).toThrow('expected a Module');
    expect(() => make({ processGroup: alone() }, new nn.ReLU())).toThrow('nothing to average');
    module.dispose();
  });
});
