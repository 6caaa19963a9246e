import {
  crossEntropy,
  deterministic,
  manualSeed,
  mseLoss,
  randint,
  randn,
  scope,
  type Tensor,
  tensor,
  zeros,
} from 'fettle';
import * as nn from 'fettle/nn';
import { Adam, SGD } from 'fettle/optim';
import { DataParallel, type DataParallelOptions } from 'fettle/parallel';
import { afterEach, describe, expect, it } from 'vitest';
import { keyOf, structureOf } from '../../src/parallel/forms.js';
import { LaneFoot, LaneHead, laneMemory } from '../../src/parallel/lane.js';
import { threadModule } from './support.js';

/** Steps that repeat: told by numbers in shared memory, and recorded in the threads. */

const open: DataParallel[] = [];
const models: nn.Module[] = [];

function owned<M extends nn.Module>(model: M): M {
  models.push(model);
  return model;
}

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

const cnn = (): nn.Sequential =>
  new nn.Sequential(
    ...[new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Dropout(0.2)],
    ...[new nn.Flatten(), new nn.Linear(36, 4)],
  );

const transformer = (): nn.Sequential =>
  new nn.Sequential(
    new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0.3, batchFirst: true }),
    new nn.Flatten(),
    new nn.Linear(40, 4),
  );

const embedding = (): nn.Sequential =>
  new nn.Sequential(new nn.Embedding(7, 6, { sparse: true }), new nn.Flatten(), new nn.Linear(30, 4));

const numbersOf = (shape: readonly number[]) => (n: number) => randn([n, ...shape]);
const indicesOf = (n: number) => randint(0, 7, [n, 5]);

const valuesOf = (model: nn.Module): number[] => Object.values(model.stateDict()).flatMap((x) => [...x.dataSync()]);
const gradsOf = (model: nn.Module): (number[] | null)[] =>
  model.parameters().map(({ grad }) => (grad === null ? null : [...grad.dataSync()]));

describe('what is recorded', () => {
  it.each([
    ['a CNN with batch norm and dropout', cnn, numbersOf([1, 8, 8])],
    ['a transformer with dropout', transformer, numbersOf([5, 8])],
    ['rows of a table', embedding, indicesOf],
  ] as const)('is to the bit what is computed as it is: %s', async (_, make, inputs) => {
    await deterministic(true);
    const all: number[][] = [];
    for (const options of [{ capture: false, workers: 1 }, { capture: false }, { capture: true }, { workers: 3 }]) {
      manualSeed(11);
      const parallel = parallelOf(make(), { loss: 'crossEntropy', microBatch: 4, ...options });
      const optimizer = new Adam(parallel.parameters(), { lr: 0.01 });
      const seen: (number | null)[] = [];
      for (let step = 0; step < 6; step++) {
        // The last part of every other batch is smaller.
        const samples = 12 - (step % 2);
        const { loss, correct } = await parallel.step([inputs(samples), randint(0, 4, [samples])], optimizer);
        seen.push(loss, correct);
      }
      all.push([...(seen as number[]), ...valuesOf(parallel.module)]);
      optimizer.dispose();
    }
    for (const values of all.slice(1)) expect(values).toEqual(all[0]);
  });

  it('follows modes, what is frozen, the scale, and a heap that grows', async () => {
    manualSeed(12);
    const model = new nn.Sequential(new nn.Linear(6, 16), new nn.Dropout(0.5), new nn.Linear(16, 4)).eval();
    const alone = owned(nn.cloneModule(model)).eval();
    const parallel = parallelOf(model, { loss: 'crossEntropy' });
    const optimizers = [model, alone].map((m) => new SGD(m.parameters(), { lr: 0.1 }));
    const large: Tensor[] = [];
    for (let step = 0; step < 16; step++) {
      const isFrozen = step >= 8 && step < 12;
      for (const m of [model, alone]) (m.parameters()[0] as nn.Parameter).requiresGrad = !isFrozen;
      if (step === 5) large.push(zeros([64, 1024, 1024]));
      const [x, y] = [randn([8, 6]), randint(0, 4, [8])];
      for (const optimizer of optimizers) optimizer.zeroGrad();
      const { loss } = await parallel.backward([x, y], { scale: step % 3 });
      const expected = scope(() => {
        const value = crossEntropy(alone.forward(x), y);
        value.mul(step % 3).backward();
        return value.item();
      });
      expect(loss).toBeCloseTo(expected, 5);
      const [a, b] = [gradsOf(model), gradsOf(alone)];
      expect(a[0] === null).toBe(isFrozen);
      a.forEach((grad, i) => grad?.forEach((value, k) => expect(value).toBeCloseTo(b[i]?.[k] as number, 5)));
      for (const optimizer of optimizers) optimizer.step();
    }
    // With dropout in force, a recording that drew the same numbers again would give the same loss.
    parallel.train();
    const [x, y] = [randn([8, 6]), randint(0, 4, [8])];
    const losses = new Set<number>();
    for (let step = 0; step < 5; step++) losses.add((await parallel.backward([x, y])).loss);
    expect(losses.size).toBe(5);
    for (const x of large) x.dispose();
    for (const optimizer of optimizers) optimizer.dispose();
  });
});

describe('threads that attend', async () => {
  const worker = await threadModule('odd');

  class Shared extends nn.Linear {
    constructor(readonly words: SharedArrayBuffer) {
      super(3, 1);
    }

    portable() {
      return { type: 'Shared', args: [new Uint8Array(this.words)] };
    }
  }

  const failing = (loss: string, options: DataParallelOptions = {}): DataParallel<Shared> =>
    parallelOf(new Shared(new SharedArrayBuffer(16)), { loss, worker, ...options });
  const batch = (): [Tensor, Tensor] => [randn([6, 3]), tensor([[1], [2], [3], [4], [5], [6]])];

  /** The gradient that one thread comes to. */
  function gradAlone(model: nn.Linear, [x, y]: readonly [Tensor, Tensor]): (number[] | null)[] {
    model.zeroGrad();
    mseLoss(model.forward(x), y).backward();
    return gradsOf(model);
  }

  it.each([
    ['end', 'diesLate', {}, 1],
    ['hang', 'hangsLate', { timeout: 1500 }, 1],
    ['end, of which parts are recorded', 'diesLate', { capture: true }, 0],
  ] as const)('are replaced when they %s', async (_, loss, options, lost) => {
    const parallel = failing(loss, options);
    for (let step = 0; step < 8; step++) {
      const given = batch();
      parallel.zeroGrad();
      await parallel.backward(given);
      const got = gradsOf(parallel.module);
      gradAlone(parallel.module, given).forEach((grad, i) =>
        grad?.forEach((value, k) => expect(got[i]?.[k]).toBeCloseTo(value, 3)),
      );
    }
    // What is replayed calls no function of the thread's, so that it does not come to the call that ends it.
    expect(parallel.lostWorkers).toBe(lost);
  });

  it('throw an error here, change no gradient, and go on', async () => {
    const parallel = failing('tornLate');
    const failures: number[] = [];
    for (let step = 0; step < 8; step++) {
      parallel.zeroGrad();
      await parallel.backward(batch()).catch((error: Error) => {
        expect(error.message).toBe('torn');
        expect((error.cause as Error).stack).toMatch(/test-odd\.js/);
        expect(gradsOf(parallel.module)).toEqual([null, null]);
        failures.push(step);
      });
    }
    expect(failures).toEqual([4]);
  });

  it('are called after a pause, and hear messages in between', async () => {
    manualSeed(13);
    const model = new nn.Sequential(new nn.Linear(6, 16), new nn.Tanh(), new nn.Linear(16, 4));
    const alone = owned(nn.cloneModule(model));
    const parallel = parallelOf(model, { loss: 'crossEntropy' });
    const [x, y] = [randn([9, 6]), randint(0, 4, [9])];
    const expected = crossEntropy(alone.forward(x), y).item();
    for (let step = 0; step < 9; step++) {
      if (step % 3 === 2) await new Promise((resolve) => setTimeout(resolve, 120));
      const [{ loss }, output, measured] = await Promise.all([
        parallel.backward([x, y]),
        parallel.forward(x) as Promise<Tensor>,
        parallel.evaluate([[x, y]]),
      ]);
      expect(loss).toBeCloseTo(expected, 5);
      expect(measured.loss).toBeCloseTo(expected, 5);
      expect(output.shape).toEqual([9, 4]);
      output.dispose();
    }
  });
});

describe('the structure of a batch', () => {
  it('tells what is alike', () => {
    const [a, b] = [randn([2, 3]), randn([2, 3])];
    const found: Tensor[] = [];
    expect(structureOf([a, { w: 2, name: 'x' }, [null, true]], found)).toBe(
      structureOf([b, { w: 2, name: 'x' }, [null, true]], []),
    );
    expect(found.length === 1 && found[0] === a).toBe(true);
    const texts = [[a], [a, b], [[a], b], [a, [b]], { a }, { b: a }, [randn([3, 2])], [a, 1], [a, '1'], [a, undefined]];
    expect(new Set(texts.map((value) => structureOf(value, []))).size).toBe(texts.length);
    for (const value of [new Map(), new Float32Array(2), new Date(), () => 1])
      expect(structureOf([value], [])).toBe(null);
    const mode = { training: Uint8Array.of(1, 0), wants: Uint8Array.of(1) };
    expect(keyOf([a], mode, true)).not.toBe(keyOf([a], mode, false));
    expect(keyOf([new Map()], mode, true)).toBe(null);
  });
});

describe('a lane', () => {
  it('gives jobs and answers in turn, and calls who is away', async () => {
    const room = { flags: 3, bytes: 5 };
    const memory = laneMemory(room);
    let calls = 0;
    const events: string[] = [];
    const head = new LaneHead(memory, room, () => calls++);
    const foot = new LaneFoot(
      memory,
      room,
      (job, reply) => {
        if (job[0] === 13) return { name: 'RangeError', message: 'thirteen' };
        reply.numbers.set([2 * (job[0] as number), job[1] as number]);
        reply.flags.fill(1);
        reply.bytes.fill(job[0] as number);
        return null;
      },
      (word) => {
        events.push('answer');
        head.hear(word);
      },
      () => events.push('tidy'),
    );
    const first = [head.post([1, 2]), head.post([13])];
    expect(calls).toBe(2);
    // It has done something, so it comes again.
    expect(foot.attend()).toBe(true);
    const last = head.post([7, NaN]);
    // Nobody has said that it is away.
    expect(calls).toBe(2);
    expect(foot.attend()).toBe(true);
    expect(foot.attend()).toBe(false);
    const [a, failure, b] = await Promise.all([...first, last]);
    expect(a).toEqual({ numbers: [2, 2], flags: new Uint8Array(3).fill(1), bytes: new Uint8Array(5).fill(1) });
    expect(failure).toEqual({ failure: { name: 'RangeError', message: 'thirteen' } });
    expect(b).toEqual({ numbers: [14, NaN], flags: new Uint8Array(3).fill(1), bytes: new Uint8Array(5).fill(7) });
    // What a job has made is freed once it is answered, whether it failed or not.
    expect(events).toEqual(['answer', 'tidy', 'answer', 'tidy', 'answer', 'tidy']);
    head.message();
    // A message has been sent: the event loop turns first.
    expect(foot.attend()).toBe(true);
    expect(foot.attend()).toBe(false);
    void head.post([1]);
    expect(calls).toBe(3);
  });
});
