import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  clone,
  crossEntropy,
  defaultGenerator,
  FettleError,
  manualSeed,
  memory,
  randn,
  scope,
  type Tensor,
  tensor,
} from 'fettle';
import { maskOf, prune } from 'fettle/compress';
import { DataLoader, TensorDataset } from 'fettle/data';
import { saveCheckpoint } from 'fettle/io';
import * as nn from 'fettle/nn';
import { Adam, lrScheduler, type Optimizer, SGD } from 'fettle/optim';
import {
  evaluate,
  loadTraining,
  saveTraining,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingScheduler,
} from 'fettle/train';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from '../compress/modules.js';

type Batch = readonly [Tensor, Tensor];
type Net = nn.Sequential;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fettle-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const optimizers: Optimizer[] = [];
beforeEach(() => {
  manualSeed(0);
});
afterEach(() => {
  for (const optimizer of optimizers.splice(0)) optimizer.dispose();
  release();
});

function keepOptimizer<O extends Optimizer>(optimizer: O): O {
  optimizers.push(optimizer);
  return optimizer;
}

/** Points around three centres, overlapping a little. */
function points(n: number, seed: number): TensorDataset<[Tensor, Tensor]> {
  manualSeed(seed);
  const labels = new Int32Array(n).map((_, i) => i % 3);
  const noise = randn([n, 4]).dataSync();
  const x = Float32Array.from(noise, (v, i) => v * 0.8 + (i % 4 === labels[i >> 2] ? 1.5 : 0));
  return new TensorDataset(tensor(x, [n, 4]), tensor(labels));
}

function net(): Net {
  manualSeed(3);
  return tracked(
    new nn.Sequential({
      fc1: new nn.Linear(4, 12),
      bn: new nn.BatchNorm1d(12),
      relu: new nn.ReLU(),
      drop: new nn.Dropout(0.4),
      fc2: new nn.Linear(12, 3),
    }),
  );
}

function stepOf(model: Net): NonNullable<TrainerOptions<Net, Batch>['step']> {
  return ([x, y]) => {
    const logits = model.forward(x);
    return { loss: crossEntropy(logits, y), logits, labels: y };
  };
}

const bitsOf = (model: nn.Module): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(model.stateDict()).map(([name, t]) => [name, [...new Uint8Array(t.dataSync().buffer)]]),
  );

/** A validation that gives these losses one after another. */
function losses(...values: number[]): () => Promise<{ loss: number; accuracy: number }> {
  let i = 0;
  return async () => {
    const loss = values[i++] as number;
    return { loss, accuracy: 1 - loss };
  };
}

describe('training', () => {
  test('learns, and tells each epoch', async () => {
    const model = net();
    const [train, validation] = [points(90, 1), points(60, 2)];
    const seen: number[] = [];
    const progress: number[] = [];
    const trainer = new Trainer<Net, Batch>({
      model,
      optimizer: keepOptimizer(new Adam(model.parameters(), { lr: 0.02 })),
      step: stepOf(model),
      validate: () => evaluate(model, new DataLoader(validation, { batchSize: 32 })),
      onBatch: ({ done, total, batch, batches, loss, accuracy, samplesPerSecond, epochs }) => {
        expect([total, batches, epochs]).toEqual([54, 9, 6]);
        expect(batch).toBe(((done - 1) % 9) + 1);
        expect(loss).toBeGreaterThan(0);
        expect(accuracy).toBeGreaterThanOrEqual(0);
        expect(samplesPerSecond).toBeGreaterThan(0);
        progress.push(done);
      },
      onEpoch: ({ epoch }) => {
        seen.push(epoch);
      },
    });
    const history = await trainer.fit(new DataLoader(train, { batchSize: 10, shuffle: true, seed: 1 }), 6);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(progress).toEqual(Array.from({ length: 54 }, (_, i) => i + 1));
    expect(history.map((h) => h.epoch)).toEqual(seen);
    expect(history[5]?.trainLoss).toBeLessThan((history[0]?.trainLoss as number) * 0.8);
    expect(history[5]?.validationAccuracy).toBeGreaterThan(0.7);
    expect(history.every((h) => h.learningRate === 0.02 && h.seconds > 0)).toBe(true);
  });

  test('without validation or labels', async () => {
    const model = net();
    const trainer = new Trainer<Net, Batch>({
      model,
      optimizer: keepOptimizer(new SGD(model.parameters(), { lr: 0.1 })),
      step: ([x]) => ({ loss: model.forward(x).square().mean() }),
    });
    const history = await trainer.fit(new DataLoader(points(30, 1), { batchSize: 10 }), 2);
    expect(history.map((h) => [h.trainAccuracy, h.validationLoss, h.validationAccuracy])).toEqual([
      [null, null, null],
      [null, null, null],
    ]);
  });

  test('beforeStep sees gradients, and what it changes counts', async () => {
    const model = net();
    const before = bitsOf(model);
    const trainer = new Trainer<Net, Batch>({
      model,
      optimizer: keepOptimizer(new SGD(model.parameters(), { lr: 1 })),
      step: stepOf(model),
      beforeStep: (m) => {
        for (const p of m.parameters()) p.grad?.zero_();
      },
    });
    await trainer.fit(new DataLoader(points(12, 1), { batchSize: 4 }), 1);
    expect(bitsOf(model)['fc1.weight']).toEqual(before['fc1.weight']);
  });

  test('a loss that is no number is an error that says what to do', async () => {
    const model = net();
    const trainer = new Trainer<Net, Batch>({
      model,
      optimizer: keepOptimizer(new SGD(model.parameters(), { lr: 1 })),
      step: ([x]) => ({ loss: model.forward(x).mul(NaN).sum() }),
    });
    await expect(trainer.fit(new DataLoader(points(12, 1), { batchSize: 4 }), 1)).rejects.toThrow(
      'the loss became NaN in epoch 1. Lower the learning rate',
    );
    await expect(trainer.fit(new DataLoader(points(12, 1)), 1.5)).rejects.toThrow(FettleError);
  });

  test('leaves no tensor behind, whatever onEpoch makes', async () => {
    const model = net();
    const optimizer = keepOptimizer(new Adam(model.parameters()));
    const loader = new DataLoader(points(30, 1), { batchSize: 10 });
    const make = () =>
      new Trainer<Net, Batch>({
        model,
        optimizer,
        step: stepOf(model),
        onEpoch: (_, t) => saveTraining(join(folder, 'leak'), t.state()),
      });
    await make().fit(loader, 1);
    model.zeroGrad();
    const before = memory().tensors;
    await make().fit(loader, 4);
    model.zeroGrad();
    expect(memory().tensors).toBe(before);
  });
});

describe('the best epoch', () => {
  /** Trains with the given validation losses, and tells how far it came and whose weights it took. */
  async function fit(
    values: number[],
    options: Partial<TrainerOptions<Net, Batch>> = {},
  ): Promise<{ epochs: number; taken: number }> {
    const model = net();
    const snapshots: string[] = [];
    const trainer = new Trainer<Net, Batch>({
      model,
      optimizer: keepOptimizer(new SGD(model.parameters(), { lr: 0.1 })),
      step: stepOf(model),
      validate: losses(...values),
      onEpoch: () => {
        snapshots.push(JSON.stringify(bitsOf(model)));
      },
      ...options,
    });
    const history = await trainer.fit(new DataLoader(points(12, 1), { batchSize: 4 }), values.length);
    return { epochs: history.length, taken: snapshots.indexOf(JSON.stringify(bitsOf(model))) + 1 };
  }

  test('its weights are taken in the end', async () => {
    expect(await fit([0.5, 0.2, 0.3, 0.2])).toEqual({ epochs: 4, taken: 2 });
  });

  test('patience ends training after that many epochs without a better one', async () => {
    expect(await fit([0.5, 0.2, 0.3, 0.2, 0.1, 0.1], { patience: 2 })).toEqual({ epochs: 4, taken: 2 });
    expect(await fit([0.5, 0.2, 0.3, 0.1, 0.2, 0.2], { patience: 2 })).toEqual({ epochs: 6, taken: 4 });
  });

  test('accuracy can be what counts', async () => {
    const validate = (() => {
      const figures = [
        [0.1, 0.5],
        [0.2, 0.9],
        [0.05, 0.9],
        [0.01, 0.6],
      ] as const;
      let i = 0;
      return async () => {
        const [loss, accuracy] = figures[i++] as readonly [number, number];
        return { loss, accuracy };
      };
    })();
    expect(await fit([0, 0, 0, 0], { validate, monitor: 'accuracy' })).toEqual({ epochs: 4, taken: 2 });
  });

  test('an epoch without a figure is not the best', async () => {
    expect(await fit([NaN, 0.5, NaN, 0.6])).toEqual({ epochs: 4, taken: 2 });
  });
});

describe('schedulers', () => {
  async function rates(make: (o: SGD) => TrainingScheduler): Promise<number[]> {
    const model = net();
    const optimizer = keepOptimizer(new SGD(model.parameters(), { lr: 1 }));
    const trainer = new Trainer<Net, Batch>({
      model,
      optimizer,
      scheduler: make(optimizer),
      step: ([x]) => ({ loss: model.forward(x).mean().mul(0) }),
      validate: losses(1, 1, 1, 1),
    });
    const history = await trainer.fit(new DataLoader(points(6, 1), { batchSize: 3 }), 4);
    return history.map((h) => Number(h.learningRate.toFixed(6)));
  }

  test('by formula step once an epoch, also those that could be told an epoch', async () => {
    expect(await rates((o) => new lrScheduler.StepLR(o, 2, { gamma: 0.1 }))).toEqual([1, 1, 0.1, 0.1]);
    expect(await rates((o) => new lrScheduler.CosineAnnealingWarmRestarts(o, 4))).toEqual([1, 0.853553, 0.5, 0.146447]);
  });

  test('by loss are told it', async () => {
    expect(
      await rates((o) => new lrScheduler.ReduceLROnPlateau(o, { patience: 0, factor: 0.5 }) as TrainingScheduler),
    ).toEqual([1, 1, 0.5, 0.25]);
  });
});

describe('interruption', () => {
  test('a signal stops between two batches, with its reason', async () => {
    const model = net();
    const abort = new AbortController();
    let batches = 0;
    const trainer = new Trainer<Net, Batch>({
      model,
      optimizer: keepOptimizer(new SGD(model.parameters(), { lr: 0.1 })),
      step: stepOf(model),
      signal: abort.signal,
      onBatch: () => {
        if (++batches === 5) abort.abort(new Error('enough'));
      },
    });
    await expect(trainer.fit(new DataLoader(points(30, 1), { batchSize: 10 }), 4)).rejects.toThrow('enough');
    expect(batches).toBe(5);
  });

  test('timers and signals are heard while it computes', async () => {
    const model = net();
    const signal = AbortSignal.timeout(80);
    const trainer = new Trainer<Net, Batch>({
      model,
      optimizer: keepOptimizer(new SGD(model.parameters(), { lr: 0.01 })),
      step: stepOf(model),
      signal,
    });
    const started = performance.now();
    // An epoch is over long before the event loop would have to turn.
    await expect(trainer.fit(new DataLoader(points(20, 1), { batchSize: 10 }), 100_000)).rejects.toThrow(/timeout/i);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe('a state goes on to the same bits', () => {
  interface Setting {
    readonly optimizer: (model: Net) => Optimizer;
    readonly scheduler?: (optimizer: Optimizer) => TrainingScheduler;
    readonly masked?: boolean;
    readonly patience?: number;
  }

  function build(setting: Setting, onEpoch?: (epoch: number, state: () => TrainerState) => void | Promise<void>) {
    const model = net();
    if (setting.masked === true)
      for (const name of ['fc1', 'fc2']) prune.l1Unstructured(model.getSubmodule(name), 'weight', 0.5);
    const optimizer = keepOptimizer(setting.optimizer(model));
    const validation = points(60, 2);
    manualSeed(11);
    const trainer = new Trainer<Net, Batch>({
      model,
      optimizer,
      ...(setting.scheduler === undefined ? {} : { scheduler: setting.scheduler(optimizer) }),
      ...(setting.patience === undefined ? {} : { patience: setting.patience }),
      // Dropout draws whole blocks from the default stream; this draws single words, which do not fill one.
      step: ([x, y]) => stepOf(model)([defaultGenerator.uniform() < 0.5 ? x : x.mul(1.01), y]),
      validate: () => evaluate(model, new DataLoader(validation, { batchSize: 32 })),
      onEpoch: ({ epoch }, t) => onEpoch?.(epoch, () => t.state()),
    });
    const loader = new DataLoader(points(50, 1), { batchSize: 8, shuffle: true, seed: 9 });
    manualSeed(12);
    return { model, trainer, loader };
  }

  const settings: [string, Setting][] = [
    [
      'SGD with momentum',
      { optimizer: (m) => new SGD(m.parameters(), { lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 1e-3 }) },
    ],
    ['Adam', { optimizer: (m) => new Adam(m.parameters(), { lr: 0.01, amsgrad: true }) }],
    [
      'Adam with a schedule and masks',
      {
        optimizer: (m) => new Adam(m.parameters(), { lr: 0.01 }),
        scheduler: (o) => new lrScheduler.CosineAnnealingLR(o, 6, { etaMin: 1e-4 }),
        masked: true,
      },
    ],
    [
      'SGD with a schedule by loss, and patience',
      {
        optimizer: (m) => new SGD(m.parameters(), { lr: 0.05, momentum: 0.5 }),
        scheduler: (o) => new lrScheduler.ReduceLROnPlateau(o, { patience: 0 }) as TrainingScheduler,
        patience: 4,
      },
    ],
  ];

  test.each(settings)('%s: 6 epochs are 3, a file, and 3 more', async (name, setting) => {
    const path = join(folder, `${name}.safetensors`);
    const whole = build(setting);
    const history = await whole.trainer.fit(whole.loader, 6);

    const first = build(setting, async (epoch, state) => {
      if (epoch === 3) await saveTraining(path, state(), { about: name });
      if (epoch === 4) throw new Error('killed');
    });
    await expect(first.trainer.fit(first.loader, 6)).rejects.toThrow('killed');
    first.trainer.dispose();

    const second = build(setting);
    manualSeed(999);
    await loadTraining(path, (state, about) => {
      expect(about).toEqual({ about: name });
      second.trainer.load(state);
    });
    const rest = await second.trainer.fit(second.loader, 6);
    expect(bitsOf(second.model)).toEqual(bitsOf(whole.model));
    const figures = (h: typeof history) => h.map(({ seconds: _, ...figure }) => figure);
    expect(figures(rest)).toEqual(figures(history));
    const masks = (model: Net) => model.parameters().map((p) => [...(maskOf(p)?.dataSync() ?? [])]);
    expect(masks(second.model)).toEqual(masks(whole.model));
    expect(masks(second.model)[0]?.length).toBe(setting.masked === true ? 48 : 0);
  });

  test('patience that was lost before is lost afterwards', async () => {
    const path = join(folder, 'patience');
    const setting: Setting = { optimizer: (m) => new SGD(m.parameters(), { lr: 0 }), patience: 2 };
    const one = build(setting, (_, state) => saveTraining(path, state()));
    const epochs = (await one.trainer.fit(one.loader, 9)).length;
    expect(epochs).toBeLessThan(9);
    const two = build(setting);
    await loadTraining(path, (state) => two.trainer.load(state));
    expect(await two.trainer.fit(two.loader, 9)).toHaveLength(epochs);
  });

  test('masks are those of the state, not of what the model had', async () => {
    const setting: Setting = { optimizer: (m) => new SGD(m.parameters(), { lr: 0.1 }), masked: true };
    const path = join(folder, 'masks');
    const one = build(setting, (_, state) => saveTraining(path, state()));
    await one.trainer.fit(one.loader, 1);
    const two = build({ ...setting, masked: false });
    prune.l1Unstructured(two.model.getSubmodule('fc1'), 'weight', 0.9);
    prune.l1Unstructured(two.model.getSubmodule('fc1'), 'bias', 0.9);
    await loadTraining(path, (state) => two.trainer.load(state));
    expect(bitsOf(two.model)).toEqual(bitsOf(one.model));
    expect(
      two.model.parameters().map(
        (p) =>
          maskOf(p)
            ?.dataSync()
            .filter((v) => v === 0).length ?? 0,
      ),
    ).toEqual([24, 0, 0, 0, 18, 0]);
    two.trainer.dispose();
  });

  test('a state of another training is refused and changes nothing', async () => {
    const path = join(folder, 'other');
    const one = build({ optimizer: (m) => new Adam(m.parameters()) }, (_, state) => saveTraining(path, state()));
    await one.trainer.fit(one.loader, 1);
    const model = tracked(new nn.Sequential(new nn.Linear(4, 3)));
    const optimizer = keepOptimizer(new Adam(model.parameters()));
    const before = bitsOf(model);
    const trainer = new Trainer<Net, Batch>({ model, optimizer, step: stepOf(model) });
    await expect(loadTraining(path, (state) => trainer.load(state))).rejects.toThrow(FettleError);
    expect(bitsOf(model)).toEqual(before);
    expect(optimizer.state.size).toBe(0);
  });

  test('other files are refused', async () => {
    await expect(loadTraining(join(folder, 'nothing'), () => 0)).rejects.toThrow('there is no such file');
    for (const state of [{}, null, { trainer: null }, { trainer: { epoch: 1 } }, 'text']) {
      await saveCheckpoint(join(folder, 'strange'), { tensors: {}, state });
      await expect(loadTraining(join(folder, 'strange'), () => 0)).rejects.toThrow(FettleError);
    }
  });

  test('tensors made while a file is read or written are not freed', async () => {
    const path = join(folder, 'meanwhile');
    const one = build({ optimizer: (m) => new Adam(m.parameters()) }, async (_, state) => {
      const kept = state();
      const writing = saveTraining(path, kept);
      await writing;
    });
    await one.trainer.fit(one.loader, 1);
    const s = scope();
    const reading = loadTraining(path, (state) => state.epoch);
    const mine = clone(tensor([1, 2]));
    expect(await reading).toBe(1);
    expect([...mine.dataSync()]).toEqual([1, 2]);
    s.end();
  });
});
