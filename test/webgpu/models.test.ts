import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crossEntropy, manualSeed, noGrad, randint, randn, scope, setDevice, type Tensor, tensor } from 'fettle';
import { cluster, pack, prune, quantize, sparsify, unpack } from 'fettle/compress';
import { DataLoader, TensorDataset } from 'fettle/data';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';
import {
  type Classifier,
  evaluate,
  latency,
  loadModel,
  loadTraining,
  saveModel,
  saveTraining,
  Trainer,
} from 'fettle/train';
import { close, download } from 'fettle/webgpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentDevice, useDevice } from '../../src/backend/current.js';
import type { Device } from '../../src/core/device.js';

/** What is done with whole models on the GPU: where masks go, what files hold. It needs a driver, as node.test.ts does. */

const isOnGpu = process.env.FETTLE_TEST_DEVICE === 'webgpu';
let before: Device;
let folder = '';

const net = (): nn.Sequential => new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 4));
const weightOf = (model: nn.Sequential, at: number): nn.Linear => model.children()[at] as nn.Linear;

describe.runIf(isOnGpu)('a model on the GPU', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fettle-'));
    before = currentDevice();
    await setDevice('webgpu');
    await setDevice('wasm');
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
    close();
    useDevice(before);
  });

  async function steps(model: nn.Sequential, count: number): Promise<void> {
    const optimizer = new Adam(model.parameters(), { lr: 0.05 });
    const [x, y] = [randn([32, 8]), randint(0, 4, [32])];
    for (let step = 0; step < count; step++) {
      scope(() => {
        optimizer.zeroGrad();
        crossEntropy(model.forward(x), y).backward();
        optimizer.step();
      });
    }
    optimizer.dispose();
    await (model.parameters()[0] as Tensor).data();
  }

  it('keeps its masks and its codebooks, there and back', async () => {
    manualSeed(2);
    const model = net();
    prune.l1Unstructured(weightOf(model, 0), 'weight', 0.5);
    const zeros = [...weightOf(model, 0).weight.dataSync()].map((v) => v === 0);
    expect(zeros.filter(Boolean)).toHaveLength(64);
    cluster(weightOf(model, 2), { bits: 2 });
    await setDevice('webgpu');
    model.to('webgpu');
    await steps(model, 3);
    await download(model);
    await setDevice('wasm');
    expect([...weightOf(model, 0).weight.dataSync()].map((v) => v === 0)).toEqual(zeros);
    expect(new Set(weightOf(model, 2).weight.dataSync()).size).toBeLessThanOrEqual(5);
    // And it goes on here.
    await steps(model, 1);
    expect([...weightOf(model, 0).weight.dataSync()].map((v) => v === 0)).toEqual(zeros);
    model.dispose();
  });

  it('is saved from where it lies, with its masks', async () => {
    manualSeed(3);
    const model = net();
    prune.l1Unstructured(weightOf(model, 0), 'weight', 0.25);
    await setDevice('webgpu');
    model.to('webgpu');
    const file = join(folder, 'model.safetensors');
    await saveModel(file, model, { name: 'pruned' });
    expect(model.parameters().every((p) => p.device === 'webgpu')).toBe(true);
    await setDevice('wasm');
    const { model: loaded, about } = await loadModel(file);
    expect(about).toEqual({ name: 'pruned' });
    expect(prune.isPruned(loaded)).toBe(true);
    await download(model);
    expect(loaded.parameters().map((p) => [...p.dataSync()])).toEqual(model.parameters().map((p) => [...p.dataSync()]));
    cluster(model, { bits: 2 });
    model.to('webgpu');
    await expect(saveModel(file, model)).rejects.toThrow("saveModel: '0.weight' has a codebook");
    model.dispose();
    loaded.dispose();
  });

  it('goes on from a checkpoint, with its best epoch and its masks', async () => {
    manualSeed(4);
    const model = net();
    prune.l1Unstructured(weightOf(model, 0), 'weight', 0.5);
    await setDevice('webgpu');
    model.to('webgpu');
    const optimizer = new Adam(model.parameters(), { lr: 0.01 });
    const data = new TensorDataset(randn([64, 8]), randint(0, 4, [64]));
    const batches = () => new DataLoader(data, { batchSize: 16 });
    const file = join(folder, 'training.checkpoint');
    const make = () =>
      new Trainer<nn.Sequential, readonly [Tensor, Tensor]>({
        model,
        optimizer,
        step: ([x, y]) => {
          const logits = model.forward(x);
          return { loss: crossEntropy(logits, y), logits, labels: y };
        },
        validate: () => evaluate(model as Classifier, batches()),
        onEpoch: async (_, trainer) => saveTraining(file, trainer.state()),
      });
    const trainer = make();
    const history = await trainer.fit(batches(), 2);
    const weights = await weightOf(model, 0).weight.data();
    trainer.dispose();
    const again = make();
    await loadTraining(file, (state) => again.load(state));
    expect(again.epochs).toBe(2);
    const further = await again.fit(batches(), 3);
    expect(further.slice(0, 2)).toEqual(
      history.map((epoch) => expect.objectContaining({ trainLoss: epoch.trainLoss })),
    );
    const later = await weightOf(model, 0).weight.data();
    expect([...later].map((v) => v === 0)).toEqual([...weights].map((v) => v === 0));
    again.dispose();
    optimizer.dispose();
    await setDevice('wasm');
  });

  it('computes in int8 and on sparse weights once it has been moved', async () => {
    manualSeed(5);
    const inputs = () => randn([16, 1, 8, 8]);
    async function* calibration() {
      yield inputs();
    }
    const convolutional = () =>
      new nn.Sequential(
        new nn.Conv2d(1, 6, 3),
        new nn.ReLU(),
        new nn.Flatten(),
        new nn.Linear(216, 64),
        new nn.Linear(64, 4),
      );
    const thin = convolutional();
    prune.l1Unstructured(weightOf(thin, 3), 'weight', 0.95);
    sparsify(thin, { minimumGain: 0, measure: false });
    const models = [
      await quantize.static(convolutional(), calibration()),
      await quantize.dynamic(convolutional()),
      quantize.weightOnly(convolutional()),
      thin,
    ];
    const x = inputs();
    const wanted = models.map((model) => noGrad(() => model.eval().forward(x)).dataSync());
    await setDevice('webgpu');
    const there = x.to('webgpu');
    for (const [i, model] of models.entries()) {
      model.to('webgpu');
      const seen = await noGrad(() => model.forward(there)).data();
      seen.forEach((v, k) => expect(v).toBeCloseTo(wanted[i]?.[k] as number, 3));
      expect(String(there)).toContain('1024 elements on webgpu');
      model.dispose();
    }
    await setDevice('wasm');
  });

  it('comes out of a file with its masks and codebooks', async () => {
    const model = net();
    prune.l1Unstructured(weightOf(model, 0), 'weight', 0.5);
    cluster(weightOf(model, 2), { bits: 2 });
    const bytes = pack(model);
    await setDevice('webgpu');
    const made = unpack(bytes).model as nn.Sequential;
    expect(made.parameters().every((p) => p.device === 'webgpu')).toBe(true);
    await steps(made, 2);
    await download(made);
    await setDevice('wasm');
    expect([...weightOf(made, 0).weight.dataSync()].map((v) => v === 0)).toEqual(
      [...weightOf(model, 0).weight.dataSync()].map((v) => v === 0),
    );
    expect(new Set(weightOf(made, 2).weight.dataSync()).size).toBeLessThanOrEqual(5);
    model.dispose();
    made.dispose();
  });

  it('is fed from tensors on either device', async () => {
    const labels = Uint8Array.from({ length: 12 }, (_, i) => i % 4);
    const here = new TensorDataset(randn([12, 3]), tensor(labels));
    await setDevice('webgpu');
    const there = new TensorDataset(randn([12, 3]), tensor(labels));
    for (const dataset of [here, there]) {
      for await (const [x, y] of new DataLoader(dataset, { batchSize: 6 })) {
        expect([x.device, y.device, y.dtype]).toEqual(['webgpu', 'webgpu', 'uint8']);
      }
    }
    const seen: number[] = [];
    for await (const [, y] of new DataLoader(there, { batchSize: 5 })) seen.push(...(await y.data()).map(Number));
    expect(seen).toEqual([...labels]);
    await setDevice('wasm');
  });

  it('is not timed as if it had answered', async () => {
    await setDevice('webgpu');
    const model = net();
    expect(() => latency(model, randn([2, 8]))).toThrow('latency: inputs lie on webgpu');
    nn.init.orthogonal_(weightOf(model, 0).weight);
    nn.init.truncNormal_(weightOf(model, 2).weight);
    expect((await weightOf(model, 0).weight.data()).some((v) => v !== 0)).toBe(true);
    model.dispose();
    await setDevice('wasm');
  });
});
