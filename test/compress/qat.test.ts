import { crossEntropy, manualSeed, memory, randn, scope, type Tensor, tensor } from 'fettle';
import { maskOf, prune, QuantizedConv2d, QuantizedLinear, quantize, WeightOnlyEmbedding } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';
import { Block, Forked, type Net, resnet, run, settle, sqnr } from './quantizedmodels.js';

beforeEach(() => {
  manualSeed(9);
});
afterEach(release);

function train(model: Net, batches: readonly Tensor[], steps = 6): void {
  model.train();
  const optimizer = new SGD(model.parameters(), { lr: 0.05, momentum: 0.9 });
  for (let step = 0; step < steps; step++) {
    scope(() => {
      const x = batches[step % batches.length] as Tensor;
      optimizer.zeroGrad();
      const labels = tensor(Int32Array.from({ length: x.shape[0] as number }, (_, i) => i % 4));
      crossEntropy(model.forward(x), labels).backward();
      optimizer.step();
    });
  }
  optimizer.zeroGrad();
  optimizer.dispose();
}

const images = (): Tensor[] => [0, 1, 2].map((i) => randn([8, 3, 6, 6]).add(0.3 * i));

describe('what is converted computes what was trained', () => {
  test.each([
    { perChannel: true, symmetric: false },
    { perChannel: false, symmetric: false },
    { perChannel: true, symmetric: true },
  ])('per channel: $perChannel, symmetric: $symmetric', (options) => {
    const batches = images();
    const model = tracked(resnet());
    const x = batches[0] as Tensor;
    const prepared = tracked(quantize.qat(model, { ...options, exampleInputs: x, averagingConstant: 0.2 }));
    expect(prepared.namedParameters().map(([name]) => name)).toEqual(model.namedParameters().map(([name]) => name));
    train(prepared, batches);
    const int8 = tracked(quantize.convert(prepared));
    const [expected, got] = [run(prepared.eval(), x), run(int8, x)];
    expect(sqnr(expected, got)).toBeGreaterThan(60);
    for (const name of ['stem', 'block.conv1', 'block.conv2']) {
      expect(int8.getSubmodule(name)).toBeInstanceOf(QuantizedConv2d);
    }
    expect(int8.getSubmodule('fc')).toBeInstanceOf(QuantizedLinear);
    for (const name of ['bn', 'block.bn1', 'block.bn2', 'norm']) {
      expect(int8.getSubmodule(name)).toBeInstanceOf(nn.Identity);
    }
    expect(int8.training).toBe(false);
  });

  test('without an example the norms of modules of one’s own stay, and the result is the same', () => {
    const batches = images();
    const prepared = tracked(quantize.qat(tracked(resnet())));
    train(prepared, batches);
    const int8 = tracked(quantize.convert(prepared));
    expect(int8.getSubmodule('bn')).toBeInstanceOf(nn.Identity);
    expect(int8.getSubmodule('block.bn1')).toBeInstanceOf(nn.BatchNorm2d);
    const x = batches[1] as Tensor;
    expect(sqnr(run(prepared.eval(), x), run(int8, x))).toBeGreaterThan(60);
  });

  test('a norm whose channel does nothing', () => {
    const batches = images();
    const model = tracked(resnet());
    const { weight } = model.getSubmodule('bn') as nn.BatchNorm2d;
    (weight as nn.Parameter).detach().select(0, 2).mul_(0);
    const prepared = tracked(quantize.qat(model));
    settle(prepared, batches);
    const x = batches[1] as Tensor;
    const int8 = tracked(quantize.convert(prepared));
    expect(sqnr(run(prepared.eval(), x), run(int8, x))).toBeGreaterThan(60);
  });

  test('embeddings', () => {
    const model = tracked(new nn.Sequential({ table: new nn.Embedding(10, 5), fc: new nn.Linear(5, 4) }));
    const prepared = tracked(quantize.qat(model));
    const words = tensor([[1, 2, 9]], { dtype: 'int32' });
    prepared.train();
    prepared.forward(words).sum().backward();
    const grad = (prepared.getSubmodule('table') as nn.Embedding).weight.grad as Tensor;
    expect([...grad.select(0, 0).dataSync()]).toEqual([0, 0, 0, 0, 0]);
    expect(grad.select(0, 2).abs().sum().item()).toBeGreaterThan(0);
    const int8 = tracked(quantize.convert(prepared));
    expect(int8.getSubmodule('table')).toBeInstanceOf(WeightOnlyEmbedding);
    expect(sqnr(run(prepared.eval(), words), run(int8, words))).toBeGreaterThan(60);
  });

  test('padding of every kind, and linear layers with a norm', () => {
    const convs: nn.Conv2d[] = [
      new nn.Conv2d(2, 3, 3, { padding: 1, paddingMode: 'reflect' }),
      new nn.Conv2d(2, 3, [2, 4], { padding: 'same' }),
      new nn.Conv2d(2, 3, 2, { padding: 'same', paddingMode: 'circular' }),
      new nn.Conv2d(2, 3, 3, { padding: 'valid', stride: 2 }),
    ];
    for (const conv of convs) {
      const prepared = tracked(quantize.qat(tracked(new nn.Sequential(conv) as Net)));
      const x = randn([2, 2, 5, 7]);
      run(prepared, x);
      const int8 = tracked(quantize.convert(prepared));
      expect(int8.getSubmodule('0')).toBeInstanceOf(QuantizedConv2d);
      expect(sqnr(run(prepared.eval(), x), run(int8, x)), String(conv)).toBeGreaterThan(60);
    }
  });
});

describe('training', () => {
  test('gradients pass where nothing is clamped, and a fine grid trains as float does', () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(4, 4) }));
    const prepared = tracked(quantize.qat(model));
    const x = randn([16, 4], { requiresGrad: true });
    prepared.forward(x).square().sum().backward();
    const fc = prepared.getSubmodule('fc') as nn.Linear;
    const other = x.detach().clone().requiresGrad_();
    model.forward(other).square().sum().backward();
    const plain = (model.getSubmodule('fc') as nn.Linear).weight.grad as Tensor;
    expect(sqnr(plain.dataSync(), (fc.weight.grad as Tensor).dataSync())).toBeGreaterThan(30);
    expect(sqnr((other.grad as Tensor).dataSync(), (x.grad as Tensor).dataSync())).toBeGreaterThan(30);
  });

  test('masks go along, and pruned weights stay 0 through training and conversion', () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(12, 4) }));
    prune.l1Unstructured(model.getSubmodule('fc'), 'weight', 0.5);
    const prepared = tracked(quantize.qat(model));
    const { weight } = prepared.getSubmodule('fc') as nn.Linear;
    expect(maskOf(weight as nn.Parameter)).not.toBeNull();
    train(prepared, [randn([8, 12])]);
    expect(weight.dataSync().filter((v) => v === 0).length).toBe(24);
    const int8 = tracked(quantize.convert(prepared));
    const values = (int8.getSubmodule('fc') as QuantizedLinear).weight.dataSync();
    weight.dataSync().forEach((v, i) => {
      if (v === 0) expect(values[i]).toBe(0);
    });
  });

  test('ranges move in training alone, and can be frozen', () => {
    const prepared = tracked(quantize.qat(tracked(new nn.Sequential({ fc: new nn.Linear(4, 4) }))));
    const { inputFakeQuant } = prepared.getSubmodule('fc') as quantize.QATLinear;
    expect(inputFakeQuant.isReady).toBe(false);
    run(prepared, randn([8, 4]));
    const before = inputFakeQuant.affine();
    run(prepared.eval(), randn([8, 4]).mul(100));
    expect(inputFakeQuant.affine()).toEqual(before);
    run(prepared.train(), randn([8, 4]).mul(100));
    expect(inputFakeQuant.affine().scale).toBeGreaterThan(before.scale);
    const after = inputFakeQuant.affine();
    inputFakeQuant.observes = false;
    run(prepared, randn([8, 4]).mul(1000));
    expect(inputFakeQuant.affine()).toEqual(after);
    inputFakeQuant.quantizes = false;
    const x = randn([2, 4]);
    expect([...inputFakeQuant.forward(x).dataSync()]).toEqual([...x.dataSync()]);
  });

  test('state dicts go back and forth', () => {
    const batches = images();
    const model = tracked(resnet());
    const options = { exampleInputs: batches[0] as Tensor };
    const [one, two] = [tracked(quantize.qat(model, options)), tracked(quantize.qat(model, options))];
    train(one, batches);
    two.loadStateDict(one.stateDict());
    const x = batches[1] as Tensor;
    expect([...run(two.eval(), x)]).toEqual([...run(one.eval(), x)]);
    const copy = tracked(nn.cloneModule(one));
    expect([...run(copy, x)]).toEqual([...run(one, x)]);
    expect([...run(tracked(quantize.convert(copy)), x)]).toEqual([...run(tracked(quantize.convert(one)), x)]);
  });
});

describe('care', () => {
  test('a layer whose output goes elsewhere too keeps its norm', () => {
    const model = tracked(new nn.Sequential({ forked: new Forked(), block: new Block(3) }) as Net);
    const x = randn([4, 3, 5, 5]);
    settle(model, [x]);
    const prepared = tracked(quantize.qat(model, { exampleInputs: [x] }));
    run(prepared, x);
    const int8 = tracked(quantize.convert(prepared));
    expect(int8.getSubmodule('forked.bn')).toBeInstanceOf(nn.BatchNorm2d);
    expect(int8.getSubmodule('block.bn1')).toBeInstanceOf(nn.Identity);
    expect(sqnr(run(prepared.eval(), x), run(int8, x))).toBeGreaterThan(60);
  });

  test('shared layers are one layer, and what no batch reached is as it was', () => {
    class Twice extends nn.Module {
      readonly fc = new nn.Linear(4, 4);
      readonly again = this.fc;
      readonly never = new nn.Linear(4, 4);
      forward(x: Tensor): Tensor {
        return this.again.forward(this.fc.forward(x).relu());
      }
    }
    const model = tracked(new Twice());
    const prepared = tracked(quantize.qat(model));
    const x = randn([8, 4]);
    prepared.forward(x).sum().backward();
    const int8 = tracked(quantize.convert(prepared));
    expect(int8.fc).toBe(int8.again);
    expect(int8.fc).toBeInstanceOf(QuantizedLinear);
    expect(int8.never.constructor).toBe(nn.Linear);
    expect(sqnr(run(prepared.eval(), x), run(int8, x))).toBeGreaterThan(60);
  });

  test('a model that is one layer', () => {
    const prepared = tracked(quantize.qat(tracked(new nn.Linear(4, 3)) as Net));
    const x = randn([6, 4]);
    run(prepared, x);
    const int8 = tracked(quantize.convert(prepared));
    expect(int8).toBeInstanceOf(QuantizedLinear);
    expect(sqnr(run(prepared.eval(), x), run(int8, x))).toBeGreaterThan(60);
  });

  test('nothing is left behind', () => {
    const model = tracked(resnet());
    const x = randn([4, 3, 6, 6]);
    const before = memory().tensors;
    const s = scope();
    const prepared = quantize.qat(model, { exampleInputs: x });
    run(prepared, x);
    const int8 = quantize.convert(prepared);
    run(int8, x);
    prepared.dispose();
    int8.dispose();
    s.end();
    expect(memory().tensors).toBe(before);
  });

  test('mistakes', () => {
    const model = tracked(resnet());
    const prepared = tracked(quantize.qat(model));
    expect(() => quantize.qat(prepared)).toThrow('the model is prepared already');
    expect(() => quantize.convert(model)).toThrow('the model has no prepared layer');
    expect(() => quantize.qat(model, { skip: ['nowhere'] })).toThrow("skip names 'nowhere', which is not there");
    expect(() => new quantize.FakeQuantize({ averagingConstant: 2 })).toThrow('must lie in (0, 1]');
    expect(() => new quantize.FakeQuantize({ quantMin: 3 })).toThrow('whole numbers around 0');
    const partly = tracked(quantize.qat(model, { skip: ['block', 'fc'] }));
    expect(partly.getSubmodule('block.conv1').constructor).toBe(nn.Conv2d);
    expect(partly.getSubmodule('fc').constructor).toBe(nn.Linear);
    expect(partly.getSubmodule('stem')).toBeInstanceOf(quantize.QATConv2d);
  });
});
