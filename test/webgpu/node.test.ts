import {
  capture,
  crossEntropy,
  ctcLoss,
  logSoftmax,
  manualSeed,
  randn,
  scope,
  setDevice,
  type Tensor,
  tensor,
} from 'fettle';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { type Classifier, evaluate, Trainer } from 'fettle/train';
import { close, download, gpuInfo } from 'fettle/webgpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentDevice, useDevice } from '../../src/backend/current.js';
import type { Device } from '../../src/core/device.js';

/**
 * The GPU as programs have it, on their own thread, with reads that are awaited. It needs a driver, so these run with
 * FETTLE_TEST_DEVICE=webgpu alone; what needs none stands in planner.test.ts.
 */

let before: Device;

describe.runIf(process.env.FETTLE_TEST_DEVICE === 'webgpu')('a GPU on the own thread', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    before = currentDevice();
    await setDevice('webgpu');
  });

  afterAll(() => {
    close();
    useDevice(before);
  });

  /** Figures of some steps of training, and the model. */
  async function train(steps: number): Promise<{ losses: number[]; model: nn.Sequential }> {
    manualSeed(1);
    const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Dropout(0.1), new nn.Linear(16, 4));
    const optimizer = new Adam(model.parameters(), { lr: 0.02 });
    const x = randn([32, 8]);
    const y = tensor(Int32Array.from({ length: 32 }, (_, i) => i % 4));
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      const loss = scope(() => {
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(x), y);
        loss.backward();
        optimizer.step();
        return loss.detach();
      });
      losses.push((await loss.data())[0] as number);
      loss.dispose();
    }
    optimizer.dispose?.();
    return { losses, model };
  }

  it('trains as wasm does', async () => {
    const here = await train(8);
    expect(here.model.parameters().every((p) => p.device === 'webgpu')).toBe(true);
    await setDevice('wasm');
    const there = await train(8);
    await setDevice('webgpu');
    here.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(there.losses[i] as number, 4);
    });
    await download(here.model);
    here.model.parameters().forEach((p, i) => {
      expect(p.device).toBe('wasm');
      const other = (there.model.parameters()[i] as nn.Parameter).dataSync();
      p.dataSync().forEach((v, k) => expect(v).toBeCloseTo(other[k] as number, 3));
    });
    here.model.dispose();
    there.model.dispose();
  });

  it('is read a batch late by the Trainer, which counts every batch', async () => {
    manualSeed(2);
    const x = randn([24, 6]);
    const y = tensor(Int32Array.from({ length: 24 }, (_, i) => i % 3));
    const batches = {
      length: 3,
      setEpoch(): void {},
      async *[Symbol.asyncIterator]() {
        for (let i = 0; i < 3; i++) yield [x.narrow(0, 8 * i, 8), y.narrow(0, 8 * i, 8)] as const;
      },
    };
    const model = new nn.Sequential(new nn.Linear(6, 12), new nn.ReLU(), new nn.Linear(12, 3)) as unknown as Classifier;
    const trainer = new Trainer({
      model,
      optimizer: new Adam(model.parameters(), { lr: 0.03 }),
      step: ([input, labels]: readonly [typeof x, typeof y]) => {
        const logits = model.forward(input);
        return { loss: crossEntropy(logits, labels), logits, labels };
      },
    });
    const history = await trainer.fit(batches, 4);
    const last = history[history.length - 1];
    expect(last?.trainLoss).toBeLessThan(history[0]?.trainLoss as number);
    expect(last?.trainAccuracy).toBeGreaterThan(0);
    const told = await evaluate(model, batches as never);
    expect(told.samples).toBe(24);
    expect(told.loss).toBeLessThan(history[0]?.trainLoss as number);
    model.dispose();
  });

  it('tells with the next read what a kernel has refused, and goes on', async () => {
    const x = tensor([1, 2, 3]);
    const y = x.indexSelect(0, tensor(Int32Array.of(7)));
    await expect(y.data()).rejects.toThrow('out of range for a dimension of 3');
    expect([...(await x.add(1).data())]).toEqual([2, 3, 4]);
  });

  it('spells by labels and lengths that are there, and refuses what it cannot, captured or not', async () => {
    const whole = (data: readonly number[], shape = [data.length]): Tensor => tensor(Int32Array.from(data), shape);
    const spell = (x: Tensor, targets: Tensor, times: Tensor, counts: Tensor): Tensor => {
      const logits = x.detach();
      logits.requiresGrad = true;
      const loss = ctcLoss(logSoftmax(logits, 2), targets, times, counts);
      loss.backward();
      return (logits.grad as Tensor).flatten().add(loss.detach());
    };
    const figures = async (run: typeof spell, labels: readonly number[], times: number[]): Promise<number[]> => {
      manualSeed(5);
      const x = randn([7, 2, 5]);
      const [lines, rows] = [whole(labels), whole(labels.concat(-9), [2, 3])];
      const found: number[] = [];
      for (const y of [run(x, lines, whole(times), whole([3, 2])), run(x, rows, whole(times), whole([3, 2]))]) {
        found.push(...(await y.data()));
      }
      return found;
    };
    const given = [
      [1, 2, 2, 4, 1],
      [3, 3, 1, 1, 4],
    ];
    const there: number[][] = [];
    await setDevice('wasm');
    for (const labels of given) there.push(await figures(spell, labels, [7, 5]));
    await setDevice('webgpu');
    const shapes = [capture(spell), capture(spell)];
    const captured: typeof spell = (x, targets, times, counts) =>
      (shapes[targets.ndim - 1] as (typeof shapes)[0])(x, targets, times, counts);
    for (const run of [spell, captured]) {
      for (const [i, labels] of given.entries()) {
        (await figures(run, labels, [7, 5])).forEach((v, k) => expect(v).toBeCloseTo(there[i]?.[k] as number, 4));
      }
      await expect(figures(run, [1, 2, 2, 4, 5], [7, 5])).rejects.toThrow('a label is none of 5 classes');
      await expect(figures(run, [1, 2, 2, 4, 1], [7, 2 ** 30])).rejects.toThrow(
        'inputLengths must lie between 0 and 7',
      );
      expect(await figures(run, given[0] as number[], [7, 5])).toHaveLength(140);
    }
    for (const step of shapes) step.dispose();
  });

  it('is opened anew when it is lost', async () => {
    const x = tensor([1, 2]);
    expect(gpuInfo()?.lost).toBe(null);
    close();
    expect(() => x.add(1)).toThrow('the GPU is gone: it was closed');
    await expect(x.data()).rejects.toThrow('the GPU is gone');
    await setDevice('webgpu');
    expect([...(await tensor([1, 2]).add(1).data())]).toEqual([2, 3]);
  });
});
