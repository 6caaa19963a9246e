import {
  crossEntropy,
  deterministic,
  manualSeed,
  mseLoss,
  noGrad,
  randint,
  randn,
  scope,
  type Tensor,
  tensor,
} from 'fettle';
import { DataLoader, TensorDataset } from 'fettle/data';
import * as nn from 'fettle/nn';
import { Adam, SGD } from 'fettle/optim';
import { DataParallel, type DataParallelOptions, parallelMap } from 'fettle/parallel';
import { Trainer } from 'fettle/train';
import { afterEach, describe, expect, it } from 'vitest';
import type { FettleError } from '../../src/core/errors.js';
import { threadModule } from './support.js';

const open: DataParallel[] = [];
const models: nn.Module[] = [];

/** Freed when its test is done. */
function owned<M extends nn.Module>(model: M): M {
  models.push(model);
  return model;
}

/** Closed when its test is done. */
function parallelOf<M extends nn.Module>(model: M, options: DataParallelOptions): DataParallel<M> {
  const parallel = new DataParallel(owned(model), { workers: 2, ...options });
  open.push(parallel as unknown as DataParallel);
  return parallel;
}

afterEach(async () => {
  for (const parallel of open.splice(0)) await parallel.close();
  for (const model of models.splice(0)) {
    model.zeroGrad();
    for (const x of [...model.parameters(), ...model.buffers()]) x.dispose();
  }
  await deterministic(false);
});

const mlp = (): nn.Sequential => new nn.Sequential(new nn.Linear(6, 16), new nn.ReLU(), new nn.Linear(16, 4));

const cnn = (): nn.Sequential =>
  new nn.Sequential(
    ...[new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.MaxPool2d(2)],
    ...[new nn.Flatten(), new nn.Linear(36, 4)],
  );

const transformer = (dropout = 0): nn.Sequential =>
  new nn.Sequential(
    new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout, batchFirst: true }),
    new nn.Flatten(),
    new nn.Linear(40, 4),
  );

const shapes = { mlp: [6], cnn: [1, 8, 8], transformer: [5, 8] };

const batchOf = (samples: number, shape: readonly number[] = [6]): [Tensor, Tensor] => [
  randn([samples, ...shape]),
  randint(0, 4, [samples]),
];

/** Every value of a model. */
const valuesOf = (model: nn.Module): number[] => Object.values(model.stateDict()).flatMap((x) => [...x.dataSync()]);
const gradsOf = (model: nn.Module): (number[] | null)[] =>
  model.parameters().map(({ grad }) => (grad === null ? null : [...grad.dataSync()]));

/** A step of one large batch on this thread. */
function stepAlone(model: nn.Sequential, optimizer: SGD, [x, y]: readonly [Tensor, Tensor]): number {
  return scope(() => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss.item();
  });
}

function expectNear(a: readonly number[], b: readonly number[], digits = 4): void {
  expect(a.length).toBe(b.length);
  a.forEach((value, i) => expect(value).toBeCloseTo(b[i] as number, digits));
}

describe('DataParallel and one large batch', () => {
  it.each([
    ['an MLP', mlp, shapes.mlp, { workers: 2 }],
    ['an MLP, on 3 workers', mlp, shapes.mlp, { workers: 3 }],
    ['an MLP in parts of 2', mlp, shapes.mlp, { microBatch: 2 }],
    ['an MLP on more workers than samples', mlp, shapes.mlp, { workers: 12 }],
    ['a CNN with synchronised batch norm', cnn, shapes.cnn, { syncBatchNorm: true }],
    ['a CNN with synchronised batch norm on 3 workers', cnn, shapes.cnn, { syncBatchNorm: true, workers: 3 }],
    ['a transformer', () => transformer(), shapes.transformer, { workers: 2 }],
  ] as const)('come to the same losses and weights: %s', async (_, make, shape, options) => {
    manualSeed(1);
    const model = make();
    const alone = owned(nn.cloneModule(model));
    const parallel = parallelOf(model, { loss: 'crossEntropy', ...options });
    const settings = { lr: 0.1, momentum: 0.9 };
    const optimizers = [new SGD(parallel.parameters(), settings), new SGD(alone.parameters(), settings)] as const;
    for (let step = 0; step < 4; step++) {
      // The last batch is smaller than the others.
      const batch = batchOf(step < 3 ? 9 : 5, shape);
      const { loss, samples } = await parallel.step(batch, optimizers[0]);
      expect(samples).toBe(step < 3 ? 9 : 5);
      expect(loss).toBeCloseTo(stepAlone(alone, optimizers[1], batch), 4);
    }
    expectNear(valuesOf(model), valuesOf(alone));
    for (const optimizer of optimizers) optimizer.dispose();
  });

  it('moves running statistics by the mean of what the parts are, where they are not synchronised', async () => {
    manualSeed(2);
    const model = cnn();
    const alone = owned(nn.cloneModule(model));
    const parallel = parallelOf(model, { loss: 'crossEntropy' });
    const [x, y] = batchOf(6, shapes.cnn);
    const before = valuesOf(model);
    await parallel.backward([x, y]);
    const halves = [0, 3].map((begin) => {
      alone.loadStateDict(model.stateDict());
      const norm = alone.modules().find((module) => module instanceof nn.BatchNorm2d) as nn.BatchNorm2d;
      const [mean, variance] = [norm.runningMean, norm.runningVar] as [nn.Buffer, nn.Buffer];
      noGrad(() => {
        mean.zero_();
        variance.fill_(1);
        alone.forward(x.narrow(0, begin, 3));
      });
      return [...mean.dataSync(), ...variance.dataSync()];
    });
    const [a, b] = halves as [number[], number[]];
    const { runningMean, runningVar, numBatchesTracked } = model.modules()[2] as nn.BatchNorm2d;
    const got = [...(runningMean as Tensor).dataSync(), ...(runningVar as Tensor).dataSync()];
    expectNear(
      got,
      a.map((value, i) => (value + (b[i] as number)) / 2),
      5,
    );
    expect(numBatchesTracked?.item()).toBe(1);
    expect(valuesOf(model)).not.toEqual(before);
  });

  it('adds gradients of several batches, and follows what is frozen', async () => {
    manualSeed(3);
    const model = mlp();
    const alone = owned(nn.cloneModule(model));
    const parallel = parallelOf(model, { loss: new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }) });
    for (const m of [model, alone]) (m.parameters()[0] as nn.Parameter).requiresGrad = false;
    for (const samples of [4, 7]) {
      const [x, y] = batchOf(samples);
      await parallel.backward([x, y], { scale: 0.5 });
      scope(() => crossEntropy(alone.forward(x), y, { labelSmoothing: 0.1 }).mul(0.5).backward());
    }
    const [a, b] = [gradsOf(model), gradsOf(alone)];
    expect(a[0]).toBe(null);
    a.slice(1).forEach((grad, i) => expectNear(grad as number[], b[i + 1] as number[], 5));
  });

  it('counts a part by what the loss counts', async () => {
    manualSeed(4);
    const model = mlp();
    const alone = owned(nn.cloneModule(model));
    const parallel = parallelOf(model, {
      loss: new nn.CrossEntropyLoss({ ignoreIndex: 0 }),
      weight: ([, y]: [Tensor, Tensor]) => [...y.dataSync()].filter((label) => label !== 0).length,
    });
    const [x] = batchOf(8);
    const y = tensor([1, 0, 0, 0, 2, 3, 1, 1], { dtype: 'int32' });
    const { loss } = await parallel.backward([x, y]);
    const expected = crossEntropy(alone.forward(x), y, { ignoreIndex: 0 });
    expected.backward();
    expect(loss).toBeCloseTo(expected.item(), 5);
    gradsOf(model).forEach((grad, i) => expectNear(grad as number[], gradsOf(alone)[i] as number[], 5));
  });
});

describe('DataParallel in deterministic mode', () => {
  it.each([
    ['an MLP', mlp, shapes.mlp],
    ['a CNN with batch norm', cnn, shapes.cnn],
    ['a transformer with dropout', () => transformer(0.3), shapes.transformer],
  ] as const)('gives the same bits at any number of workers: %s', async (_, make, shape) => {
    await deterministic(true);
    const all: number[][] = [];
    for (const workers of [1, 2, 3, 4]) {
      manualSeed(5);
      const parallel = parallelOf(make(), { loss: 'crossEntropy', microBatch: 3, workers });
      const optimizer = new Adam(parallel.parameters(), { lr: 0.01 });
      const losses: number[] = [];
      for (let step = 0; step < 3; step++) losses.push((await parallel.step(batchOf(13, shape), optimizer)).loss);
      all.push([...losses, ...valuesOf(parallel.module)]);
      optimizer.dispose();
    }
    for (const values of all.slice(1)) expect(values).toEqual(all[0]);
  });
});

describe('inference on several threads', () => {
  it('gives for a batch what one thread gives', async () => {
    manualSeed(6);
    const parallel = parallelOf(cnn().eval(), {});
    const [x] = batchOf(7, shapes.cnn);
    const y = (await parallel.forward(x)) as Tensor;
    expect(y.shape).toEqual([7, 4]);
    expectNear([...y.dataSync()], [...noGrad(() => parallel.module.forward(x)).dataSync()], 5);
    y.dispose();
  });

  it('keeps the order of a stream', async () => {
    const parallel = parallelOf(mlp().eval(), { workers: 3 });
    const batches = Array.from({ length: 11 }, (_, i) => randn([1 + (i % 4), 6]));
    const seen: Tensor[] = [];
    for await (const y of parallel.map(batches)) seen.push(y as Tensor);
    seen.forEach((y, i) => {
      const expected = noGrad(() => parallel.module.forward(batches[i] as Tensor));
      expect(y.shape).toEqual(expected.shape);
      expectNear([...y.dataSync()], [...expected.dataSync()], 5);
    });
    expect(seen.length).toBe(11);
  });

  it('trains and evaluates on a loader', async () => {
    manualSeed(7);
    const parallel = parallelOf(mlp(), { loss: 'crossEntropy' });
    const x = randn([50, 6]);
    const set = new TensorDataset(x, x.narrow(1, 0, 4).argmax(1));
    const loader = new DataLoader(set, { batchSize: 8, shuffle: true, seed: 1 });
    const before = await parallel.evaluate(loader);
    const optimizer = new Adam(parallel.parameters(), { lr: 0.02 });
    const steps: number[] = [];
    for (let epoch = 0; epoch < 8; epoch++) {
      for await (const { samples } of parallel.fit(loader, optimizer, { accumulate: 2 })) steps.push(samples);
    }
    const after = await parallel.evaluate(loader);
    expect(steps.slice(0, 4)).toEqual([16, 16, 16, 2]);
    expect(before.samples).toBe(50);
    expect(after.loss).toBeLessThan(before.loss);
    expect(after.accuracy).toBeGreaterThan(before.accuracy as number);
    expect(parallel.module.training).toBe(true);
    optimizer.dispose();
  });

  it('trains for a Trainer', async () => {
    manualSeed(8);
    const parallel = parallelOf(mlp(), { loss: 'crossEntropy' });
    const x = randn([48, 6]);
    const loader = new DataLoader(new TensorDataset(x, x.narrow(1, 0, 4).argmax(1)), { batchSize: 16 });
    const optimizer = new Adam(parallel.parameters(), { lr: 0.02 });
    const trainer = new Trainer({ model: parallel.module, optimizer, parallel });
    const history = await trainer.fit(loader, 6);
    expect(history[5]?.trainLoss).toBeLessThan(history[0]?.trainLoss as number);
    expect(history[5]?.trainAccuracy).toBeGreaterThan(history[0]?.trainAccuracy as number);
    expect(() => new Trainer({ model: parallel.module, optimizer })).toThrow(/one of step/);
    optimizer.dispose();
  });
});

describe('parallelMap', () => {
  it('answers a stream in order', async () => {
    const model = owned(mlp().eval());
    const stream = Array.from({ length: 7 }, (_, i) => randn([i + 1, 6]));
    const sizes: number[] = [];
    for await (const y of parallelMap(stream, model, { workers: 2 })) sizes.push((y as Tensor).shape[0] as number);
    expect(sizes).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('calls the function of a module, and ends when it is left', async () => {
    const module = new URL(
      'data:text/javascript,export const late = async (n) => {' +
        'await new Promise((done) => setTimeout(done, 20 * (5 - n))); return { n, half: n / 2 }; }',
    );
    const seen: unknown[] = [];
    for await (const y of parallelMap([1, 2, 3, 4, 5], module, { workers: 2, export: 'late' })) {
      seen.push(y);
      if (seen.length === 4) break;
    }
    expect(seen).toEqual([1, 2, 3, 4].map((n) => ({ n, half: n / 2 })));
    const torn = parallelMap([1], new URL('data:text/javascript,export default () => { throw new Error("torn") }'), {
      workers: 1,
    });
    await expect(torn.next()).rejects.toThrow('torn');
  });
});

describe('threads that fail', async () => {
  const worker = await threadModule('odd');

  /** A model that its threads know by name. */
  class Shared extends nn.Linear {
    constructor(readonly words: SharedArrayBuffer) {
      super(3, 1);
    }

    portable() {
      return { type: 'Shared', args: [new Uint8Array(this.words)] };
    }
  }

  const counters = (): SharedArrayBuffer => new SharedArrayBuffer(16);
  const failing = (loss: string, options: DataParallelOptions = {}) =>
    parallelOf(new Shared(counters()), { loss, worker, ...options });
  const batch = (): Tensor[] => [randn([6, 3]), tensor([[1], [2], [3], [97], [98], [99]])];

  it.each([
    ['ends', 'dies', {}],
    ['hangs', 'hangs', { timeout: 1500 }],
  ] as const)('does the part of one that %s again', async (_, loss, options) => {
    const parallel = failing(loss, options);
    const [x, y] = batch() as [Tensor, Tensor];
    const result = await parallel.backward([x, y]);
    const alone = mseLoss(parallel.module.forward(x), y);
    expect(parallel.lostWorkers).toBe(1);
    expect(result.loss).toBeCloseTo(alone.item(), 2);
    const got = gradsOf(parallel.module);
    parallel.zeroGrad();
    alone.backward();
    got.forEach((grad, i) => expectNear(grad as number[], gradsOf(parallel.module)[i] as number[], 3));
    // And the next batch meets whole threads.
    await parallel.backward([x, y]);
    expect(parallel.lostWorkers).toBe(1);
  });

  it('begins a batch anew whose statistics were shared with a thread that ended', async () => {
    class SharedNorm extends nn.Sequential {
      constructor(readonly words: SharedArrayBuffer) {
        super(new nn.Linear(3, 4), new nn.BatchNorm1d(4), new nn.Linear(4, 1));
      }

      portable() {
        return { type: 'SharedNorm', args: [new Uint8Array(this.words)] };
      }
    }
    const parallel = parallelOf(new SharedNorm(counters()), { loss: 'dies', worker, syncBatchNorm: true });
    const alone = owned(nn.cloneModule(parallel.module));
    const [x, y] = batch() as [Tensor, Tensor];
    const { loss } = await parallel.backward([x, y]);
    expect(parallel.lostWorkers).toBe(1);
    const expected = mseLoss(alone.forward(x), y);
    expected.backward();
    expect(loss).toBeCloseTo(expected.item(), 1);
    gradsOf(parallel.module).forEach((grad, i) => expectNear(grad as number[], gradsOf(alone)[i] as number[], 2));
    expectNear(valuesOf(parallel.module), valuesOf(alone), 4);
  });

  it('says so where a part ends every thread', async () => {
    const parallel = failing('alwaysDies');
    await expect(parallel.backward(batch())).rejects.toThrow(/2 worker threads ended over part \d of a batch: .*9/);
    expect(gradsOf(parallel.module)).toEqual([null, null]);
  });

  it.each(['torn', 'tornLater'])('throws an error here, with its stack, and changes no gradient: %s', async (loss) => {
    const parallel = failing(loss);
    const error = (await parallel.backward(batch()).catch((e: unknown) => e)) as FettleError & { cause: Error };
    expect(error.message).toBe('torn');
    expect(error.cause.name).toBe('RangeError');
    expect(error.cause.stack).toMatch(/test-odd\.js/);
    expect(gradsOf(parallel.module)).toEqual([null, null]);
  });

  it('ends with what it does when it is closed', async () => {
    const parallel = failing('hangs');
    await parallel.start();
    const answer = parallel.backward(batch());
    await new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.all([expect(answer).rejects.toThrow(/closed while it worked/), parallel.close()]);
    await expect(parallel.backward(batch())).rejects.toThrow(/has been closed/);
  });
});

describe('mistakes', () => {
  it.each([
    ['a loss that nobody knows', { loss: 'crossEntrpy' }, /does not know 'crossEntrpy'/],
    ['no loss', {}, /training needs a loss/],
    ['a function of its own', { loss: () => tensor(0) }, /is not known to other threads/],
    ['too many parts', { loss: 'crossEntropy', syncBatchNorm: true, microBatch: 1 }, /more than 2 workers/],
  ] as const)('%s', async (_, options, message) => {
    const parallel = parallelOf(mlp(), options as DataParallelOptions);
    await expect(parallel.backward(batchOf(6))).rejects.toThrow(message);
  });

  it('are refused before there are threads', async () => {
    class Own extends nn.Module {
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(() => new DataParallel(new Own())).toThrow(/'Own' is not a known layer type.*fromModule/);
    const model = owned(mlp());
    expect(() => new DataParallel(model, { workers: 0 })).toThrow(/workers must be a whole number/);
    expect(() => new DataParallel(model, { loss: 'mseLoss', step: 'mseLoss' })).toThrow(/exclude each other/);
    const parallel = parallelOf(mlp(), { loss: 'crossEntropy' });
    await expect(parallel.backward([randn([3, 6]), randint(0, 4, [4])])).rejects.toThrow(/one size > 0 in dim 0/);
    await expect(parallel.backward([1])).rejects.toThrow(/needs a tensor/);
  });
});
