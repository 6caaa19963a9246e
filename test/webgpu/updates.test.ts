import {
  add,
  capture,
  crossEntropy,
  manualSeed,
  noGrad,
  randn,
  scope,
  setDevice,
  type Tensor,
  tensor,
  zeros,
} from 'fettle';
import * as nn from 'fettle/nn';
import { AdamW, clipGradNorm, EMA, type Optimizer, RMSprop, SGD } from 'fettle/optim';
import { close } from 'fettle/webgpu';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { currentDevice, useDevice } from '../../src/backend/current.js';
import { WebGpuDevice } from '../../src/backend/webgpu/device.js';
import type { Dispatch } from '../../src/backend/webgpu/executor.js';
import type { Device } from '../../src/core/device.js';
import { FakeExecutor } from './fake.js';

/** Updates of many parameters in one dispatch: how many there are, on no GPU, and what they compute, on one. */

let before: Device;

const mlp = (): nn.Sequential =>
  new nn.Sequential(new nn.Linear(8, 33), new nn.ReLU(), new nn.Linear(33, 17), new nn.ReLU(), new nn.Linear(17, 4));

describe('dispatches', () => {
  let executor: FakeExecutor;

  beforeEach(() => {
    before = currentDevice();
    executor = new FakeExecutor();
    useDevice(new WebGpuDevice(executor));
  });

  afterEach(() => {
    useDevice(before.name === 'wasm' ? null : before);
  });

  /** Dispatches of a kernel that `act` asks for; what is put off is carried out by the read. */
  async function count(kernel: string, act: () => void): Promise<Dispatch[]> {
    executor.dispatches.length = 0;
    act();
    await zeros([1]).data();
    return executor.dispatches.filter(({ program }) => program.name === kernel);
  }

  /** Parameters of some sizes, with gradients. */
  const params = (sizes: readonly number[]): Tensor[] =>
    sizes.map((size) => {
      const p = zeros([size], { requiresGrad: true });
      p.grad = zeros([size]);
      return p;
    });

  it('are one for all parameters that a shader can see', async () => {
    const optimizer = new AdamW(params([3, 100, 4097, 5, 77]));
    await count('adam_f32', () => optimizer.step());
    const [only, ...more] = await count('adam_f32', () => optimizer.step());
    expect(more).toEqual([]);
    // Slabs of parameters, averages and squares, and five gradients.
    expect(only?.buffers).toHaveLength(8);
    // A workgroup has 512 fours.
    expect(only?.groups).toEqual([1 + 1 + 3 + 1 + 1, 1, 1]);
    optimizer.dispose();
  });

  it('are more where gradients have buffers of their own', async () => {
    const optimizer = new AdamW(params(Array.from({ length: 12 }, (_, i) => 10 + i)));
    await count('adam_f32', () => optimizer.step());
    expect(await count('adam_f32', () => optimizer.step())).toHaveLength(3);
    optimizer.dispose();
  });

  it('take other numbers along: groups of parameters are no reason for another', async () => {
    const [a, b, c] = params([3, 4, 5]) as [Tensor, Tensor, Tensor];
    const optimizer = new SGD(
      [
        { params: [a, b], lr: 0.1 },
        { params: [c], lr: 0.2 },
      ],
      { lr: 1 },
    );
    const found = await count('sgd_f32', () => optimizer.step());
    expect(found).toHaveLength(1);
    const floats = new Float32Array(found[0]?.words.buffer as ArrayBuffer);
    expect([...floats].filter((x) => x === Math.fround(0.1))).toHaveLength(2);
    expect([...floats].filter((x) => x === Math.fround(0.2))).toHaveLength(1);
    optimizer.dispose();
  });

  it('of a captured step are one, whatever the number of parameters', () => {
    const model = new nn.Sequential(...Array.from({ length: 20 }, () => new nn.Linear(6, 6)));
    const optimizer = new AdamW(model.parameters());
    const step = capture((x: Tensor) => {
      optimizer.zeroGrad();
      const loss = model.forward(x).square().mean();
      loss.backward();
      clipGradNorm(model.parameters(), 1);
      optimizer.step();
      return loss.detach();
    });
    const x = zeros([2, 6]);
    step(x);
    step(x);
    const names = executor.prepared.map((command) => (command.do === 'dispatch' ? command.program.name : 'copy'));
    expect(names.filter((name) => name === 'adam_f32')).toHaveLength(1);
    expect(names.filter((name) => name === 'clipNorm_f32')).toHaveLength(1);
    step.dispose();
    optimizer.dispose();
    model.dispose();
  });

  it('come before whatever is asked for next', async () => {
    const [p] = params([4]) as [Tensor];
    const optimizer = new SGD([p], { lr: 1 });
    executor.dispatches.length = 0;
    optimizer.step();
    expect(executor.dispatches).toEqual([]);
    noGrad(() => add(p, p));
    expect(executor.dispatches.map(({ program }) => program.name)).toEqual(['sgd_f32', 'add_f32']);
    optimizer.dispose();
  });

  it('are several where one tensor is updated twice', async () => {
    const a = zeros([4]);
    const x = zeros([4]);
    const launch = () => currentDevice().launch({ kernel: 'accumulate_f32', work: 4, writes: [a], reads: [x] });
    expect(
      await count('accumulate_f32', () => {
        launch();
        launch();
      }),
    ).toHaveLength(2);
  });

  it('keep what lay in the tensors that they gather', async () => {
    const [a, b] = [tensor([1, 2, 3], { requiresGrad: true }), tensor([4, 5, 6, 7, 8], { requiresGrad: true })];
    for (const p of [a, b]) p.grad = zeros(p.shape);
    const optimizer = new SGD([a, b], { lr: 1 });
    optimizer.step();
    expect([...(await a.data())]).toEqual([1, 2, 3]);
    expect([...(await b.data())]).toEqual([4, 5, 6, 7, 8]);
    noGrad(() => a.copy_(tensor([9, 9, 9])));
    expect([...(await b.data())]).toEqual([4, 5, 6, 7, 8]);
    optimizer.dispose();
  });

  it('leave tensors where an earlier captured step has them', async () => {
    const list = params([3, 4]);
    const [a, b] = list as [Tensor, Tensor];
    const look = capture((x: Tensor) => noGrad(() => x.add(a.sum()).add(b.sum())));
    const x = zeros([1]);
    look(x);
    look(x);
    const buffers = executor.prepared.flatMap((command) => (command.do === 'dispatch' ? command.buffers : []));
    const optimizer = new SGD(list, { lr: 1 });
    const [only] = await count('sgd_f32', () => optimizer.step());
    for (const buffer of only?.buffers.slice(0, 2) ?? []) expect(buffers).toContain(buffer);
    look.dispose();
    optimizer.step();
    const [later] = await count('sgd_f32', () => optimizer.step());
    expect(later?.buffers).toHaveLength(3);
    optimizer.dispose();
  });

  it('give their memory back', () => {
    const { bytes } = currentDevice().memory();
    scope(() => {
      const optimizer = new AdamW(params([100, 200, 300]));
      optimizer.step();
      optimizer.step();
      optimizer.dispose();
    });
    expect(currentDevice().memory().bytes).toBe(bytes);
  });
});

describe.runIf(process.env.FETTLE_TEST_DEVICE === 'webgpu')('on a GPU', { timeout: 240_000 }, () => {
  type Make = (params: Tensor[]) => Optimizer;

  /** Weights and their average after some steps. */
  function train(make: Make, captured: boolean): number[][] {
    return scope(() => {
      manualSeed(1);
      const model = mlp();
      const optimizer = make(model.parameters());
      const average = new EMA(model.parameters(), { decay: 0.9 });
      const x = randn([32, 8]);
      const y = tensor(Int32Array.from({ length: 32 }, (_, i) => i % 4));
      const body = (x: Tensor): Tensor => {
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(x), y);
        loss.backward();
        clipGradNorm(model.parameters(), 0.5);
        optimizer.step();
        return loss.detach();
      };
      const step = captured ? capture(body) : null;
      for (let i = 0; i < 4; i++) {
        if (step === null) scope(() => body(x));
        else step(x);
        average.update();
      }
      const found = [...model.parameters(), ...average.averages].map((p) => [...p.dataSync()]);
      step?.dispose();
      optimizer.dispose();
      average.dispose();
      model.dispose();
      return found;
    });
  }

  const makes: Readonly<Record<string, Make>> = {
    AdamW: (params) => new AdamW(params, { lr: 0.01 }),
    amsgrad: (params) => new AdamW(params, { lr: 0.01, amsgrad: true }),
    SGD: (params) => new SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true }),
    RMSprop: (params) => new RMSprop(params, { lr: 0.01, centered: true }),
  };

  for (const [name, make] of Object.entries(makes)) {
    it(`${name} trains as on wasm, captured or not`, () => {
      const gpu = currentDevice();
      useDevice(null);
      const there = train(make, false);
      useDevice(gpu);
      for (const captured of [false, true]) {
        train(make, captured).forEach((weights, k) => {
          weights.forEach((v, i) => {
            expect(v).toBeCloseTo(there[k]?.[i] as number, 4);
          });
        });
      }
    });
  }

  it('tensors in one slab are written and read as if they lay apart', () => {
    const list = [[64, 64], [64, 64], [3]].map((shape) => {
      const p = randn(shape, { requiresGrad: true });
      p.grad = zeros(shape);
      return p;
    });
    const [a, b, c] = list as [Tensor, Tensor, Tensor];
    const optimizer = new SGD(list, { lr: 1 });
    optimizer.step();
    const [of, there] = [[...b.dataSync()], [...c.dataSync()]];
    noGrad(() => a.copy_(b.T));
    expect([...a.T.contiguous().dataSync()]).toEqual(of);
    noGrad(() => a.copy_(b));
    expect([...a.dataSync()]).toEqual(of);
    noGrad(() => a.add_(b.narrow(0, 0, 1)));
    expect([...c.dataSync()]).toEqual(there);
    expect([...b.dataSync()]).toEqual(of);
    optimizer.dispose();
  });
});

describe.runIf(process.env.FETTLE_TEST_DEVICE === 'webgpu')('what lasts', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    before = currentDevice();
    await setDevice('webgpu');
  });

  afterAll(() => {
    close();
    useDevice(before);
  });

  const read = async (tensors: readonly Tensor[]): Promise<number[][]> => {
    const found: number[][] = [];
    for (const x of tensors) found.push(Array.from(await x.data(), Number));
    return found;
  };

  for (const captured of [false, true]) {
    it(`stays what it is once a kernel has refused an index, ${captured ? '' : 'not '}captured`, async () => {
      const model = new nn.Embedding(5, 3);
      const norm = new nn.BatchNorm1d(3);
      const optimizer = new SGD([...model.parameters(), ...norm.parameters()], { lr: 0.1 });
      // Numbers of one, two and four bytes, read and written by ones and by fours, and gradients that add up.
      const bytes = tensor(Uint8Array.of(1, 2, 3), [3]);
      const halves = zeros([3], { dtype: 'float16' });
      const many = zeros([1 << 17]);
      const added = zeros([2, 3], { requiresGrad: true });
      const body = (x: Tensor): Tensor => {
        optimizer.zeroGrad();
        const y = norm.forward(model.forward(x).add(added));
        const loss = y.square().mul(y.detach().sigmoid()).sum();
        loss.backward();
        optimizer.step();
        noGrad(() => {
          bytes.add_(1);
          halves.add_(0.5);
          many.add_(1);
        });
        return loss.detach();
      };
      const recorded = captured ? capture(body) : null;
      const step = recorded ?? ((x: Tensor) => scope(() => body(x)));
      const [good, bad] = [tensor(Int32Array.of(1, 2)), tensor(Int32Array.of(1, 7))];
      for (let i = 0; i < 3; i++) await step(good).data();
      const lasting = [
        model.weight as Tensor,
        norm.weight as Tensor,
        norm.runningMean as Tensor,
        norm.runningVar as Tensor,
        added.grad as Tensor,
        bytes,
        halves,
        many.narrow(0, 1000, 4),
      ];
      const kept = await read(lasting);
      step(bad);
      const loss = step(good);
      await expect(loss.data()).rejects.toThrow('out of range');
      expect(await read(lasting)).toEqual(kept);
      await step(good).data();
      (await read(lasting)).forEach((numbers, i) => expect(numbers).not.toEqual(kept[i]));
      recorded?.dispose();
      optimizer.dispose();
      model.dispose();
      norm.dispose();
    });

    it(`is moved once before the check that refuses, ${captured ? '' : 'not '}captured`, async () => {
      const norm = new nn.BatchNorm1d(2);
      const body = (x: Tensor, y: Tensor): Tensor => crossEntropy(norm.forward(x), y).detach();
      const recorded = captured ? capture(body) : null;
      const step = recorded ?? ((x: Tensor, y: Tensor) => scope(() => body(x, y)));
      const x = tensor([
        [1, 10],
        [3, 30],
      ]);
      const [good, bad] = [tensor(Int32Array.of(0, 1)), tensor(Int32Array.of(0, 2))];
      await step(x, good).data();
      await step(x, good).data();
      step(x, bad);
      step(x, good);
      const last = step(x, good);
      await expect(last.data()).rejects.toThrow('is none of 2 classes');
      const [means] = await read([norm.runningMean as Tensor]);
      const times = 1 - 0.9 ** 3;
      expect(means?.[0]).toBeCloseTo(2 * times, 4);
      expect(means?.[1]).toBeCloseTo(20 * times, 3);
      await step(x, good).data();
      expect((await read([norm.runningMean as Tensor]))[0]?.[0]).toBeCloseTo(2 * (1 - 0.9 ** 4), 4);
      recorded?.dispose();
      norm.dispose();
    });
  }
});
