import { FettleError, randn, type Tensor, tensor, zeros } from 'fettle';
import * as nn from 'fettle/nn';
import { afterEach, describe, expect, it } from 'vitest';

/** What a module does besides computing: state, modes, names, hooks. */

const made: nn.Module[] = [];

/** A module that is freed after its test. */
function own<M extends nn.Module>(module: M): M {
  made.push(module);
  return module;
}

afterEach(() => {
  for (const module of made.splice(0)) module.dispose();
});

class Net extends nn.Module {
  fc1 = new nn.Linear(3, 4);
  norm = new nn.BatchNorm1d(4);
  drop = new nn.Dropout(0.5);
  fc2 = new nn.Linear(4, 2);

  forward(x: Tensor): Tensor {
    return this.fc2.forward(this.drop.forward(this.norm.forward(this.fc1.forward(x)).relu()));
  }
}

const KEYS = [
  'fc1.weight',
  'fc1.bias',
  'norm.weight',
  'norm.bias',
  'norm.running_mean',
  'norm.running_var',
  'norm.num_batches_tracked',
  'fc2.weight',
  'fc2.bias',
];

/** The error that loading this state throws. */
function refusal(model: nn.Module, state: nn.StateDict, options?: { strict?: boolean }): FettleError {
  try {
    model.loadStateDict(state, options);
  } catch (error) {
    if (error instanceof FettleError) return error;
    throw error;
  }
  throw new Error('the state was taken');
}

const copyOf = (model: nn.Module): Record<string, number[]> =>
  Object.fromEntries(Object.entries(model.stateDict()).map(([key, value]) => [key, [...value.dataSync()]]));

describe('loading state', () => {
  it('copies, and leaves the given tensors alone', () => {
    const [a, b] = [own(new Net()), own(new Net())];
    b.loadStateDict(a.stateDict());
    expect(copyOf(b)).toEqual(copyOf(a));
    expect(b.fc1.weight.storage).not.toBe(a.fc1.weight.storage);
    expect(b.fc1.weight.requiresGrad).toBe(true);
  });

  it('lists every missing and every unexpected key, and changes nothing', () => {
    const model = own(new Net());
    const before = copyOf(model);
    const { 'fc1.bias': _a, 'norm.running_var': _b, ...rest } = model.stateDict();
    const error = refusal(model, { ...rest, 'fc1.weight': zeros([4, 3]), 'fc3.weight': zeros([1]), extra: zeros([]) });
    expect(error.code).toBe('state');
    expect(error.message).toContain('missing: fc1.bias, norm.running_var');
    expect(error.message).toContain('unexpected: fc3.weight, extra');
    expect(error.message).toContain('Net');
    expect(copyOf(model)).toEqual(before);
  });

  it('reports keys instead when it is not strict, and takes the rest', () => {
    const model = own(new Net());
    const result = model.loadStateDict(
      { 'fc2.bias': tensor([7, 8]), 'head.weight': zeros([2]), 'norm.num_batches_tracked': tensor(3) },
      { strict: false },
    );
    const loaded = ['fc2.bias', 'norm.num_batches_tracked'];
    expect(result).toEqual({
      missingKeys: KEYS.filter((key) => !loaded.includes(key)),
      unexpectedKeys: ['head.weight'],
    });
    expect(model.fc2.bias?.toArray()).toEqual([7, 8]);
    expect(model.norm.numBatchesTracked?.item()).toBe(3);
    expect(model.norm.numBatchesTracked?.dtype).toBe('int32');
  });

  it('refuses other shapes in either mode, naming all of them, and changes nothing', () => {
    const model = own(new Net());
    const before = copyOf(model);
    const state = { ...model.stateDict(), 'fc1.weight': zeros([3, 4]), 'fc2.bias': zeros([1]), 'fc1.bias': zeros([4]) };
    for (const strict of [true, false]) {
      const { message } = refusal(model, state, { strict });
      expect(message).toContain('fc1.weight is [4, 3] here and [3, 4] there');
      expect(message).toContain('fc2.bias is [2] here and [1] there');
    }
    expect(copyOf(model)).toEqual(before);
  });

  it('takes a state of other layouts and dtypes', () => {
    const model = own(new nn.Linear(3, 2));
    model.loadStateDict({
      weight: tensor([
        [1, 4],
        [2, 5],
        [3, 6],
      ]).T,
      bias: tensor([7, 8], { dtype: 'int32' }),
    });
    expect(model.weight.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(model.bias?.toArray()).toEqual([7, 8]);
  });
});

describe('names', () => {
  it('stand in the order of definition, parameters before buffers before what is below', () => {
    const model = own(new Net());
    expect(Object.keys(model.stateDict())).toEqual(KEYS);
    expect(model.namedParameters().map(([name]) => name)).toEqual(KEYS.filter((key) => !/running|num_/.test(key)));
    expect(model.namedBuffers().map(([name]) => name)).toEqual(KEYS.filter((key) => /running|num_/.test(key)));
    expect(model.namedModules().map(([name]) => name)).toEqual(['', 'fc1', 'norm', 'drop', 'fc2']);
    expect(model.children()).toEqual([model.fc1, model.norm, model.drop, model.fc2]);
    expect(model.getSubmodule('norm')).toBe(model.norm);
    expect(() => model.getSubmodule('conv')).toThrow("there is no 'conv'. There are: '', fc1, norm, drop, fc2");
  });

  it('count more than nine modules as numbers', () => {
    const model = own(new nn.Sequential(...Array.from({ length: 12 }, () => new nn.Linear(1, 1, { bias: false }))));
    expect(Object.keys(model.stateDict())).toEqual(Array.from({ length: 12 }, (_, i) => `${i}.weight`));
  });

  it('give a shared parameter once as a parameter and under all its names as state', () => {
    const shared = new nn.Linear(2, 2);
    const model = own(new nn.Sequential({ a: shared, b: new nn.ReLU(), c: shared }));
    expect(model.namedParameters().map(([name]) => name)).toEqual(['a.weight', 'a.bias']);
    expect(Object.keys(model.stateDict())).toEqual(['a.weight', 'a.bias', 'c.weight', 'c.bias']);
  });

  it('leave buffers that are not persistent out of the state', () => {
    class Masked extends nn.Module {
      mask = new nn.Buffer(tensor([1, 0]), false);
      scale = new nn.Buffer(tensor([2, 2]));
      forward(x: Tensor): Tensor {
        return x.mul(this.mask).mul(this.scale);
      }
    }
    const model = own(new Masked());
    expect(Object.keys(model.stateDict())).toEqual(['scale']);
    expect(model.namedBuffers().map(([name]) => name)).toEqual(['mask', 'scale']);
    expect(model.parameters()).toEqual([]);
  });
});

describe('modes', () => {
  it('reach every module below', () => {
    const model = own(new Net());
    const modes = (): boolean[] => model.modules().map((module) => module.training);
    expect(modes()).toEqual([true, true, true, true, true]);
    expect(model.eval()).toBe(model);
    expect(modes()).toEqual([false, false, false, false, false]);
    model.drop.train();
    expect(modes()).toEqual([false, false, false, true, false]);
    model.train();
    expect(modes()).toEqual([true, true, true, true, true]);
  });

  it('decide about dropout and batch statistics', () => {
    const model = own(new Net()).eval();
    const x = randn([5, 3]);
    const still = model.forward(x).toArray();
    expect(model.forward(x).toArray()).toEqual(still);
    expect(model.norm.numBatchesTracked?.item()).toBe(0);
    model.train().forward(x);
    expect(model.norm.numBatchesTracked?.item()).toBe(1);
    expect(model.norm.runningMean?.toArray()).not.toEqual([0, 0, 0, 0]);
  });

  it('freeze and thaw parameters', () => {
    const model = own(new Net()).requiresGrad_(false);
    expect(model.forward(randn([5, 3])).requiresGrad).toBe(false);
    expect(model.requiresGrad_().forward(randn([5, 3])).requiresGrad).toBe(true);
  });
});

describe('gradients', () => {
  it('add up until zeroGrad', () => {
    const model = own(new nn.Linear(2, 1));
    const x = tensor([[1, 2]]);
    expect(model.weight.grad).toBeNull();
    model.forward(x).sum().backward();
    model.forward(x).sum().backward();
    expect(model.weight.grad?.toArray()).toEqual([[2, 4]]);
    expect(model.bias?.grad?.toArray()).toEqual([2]);
    model.zeroGrad();
    expect(model.weight.grad).toBeNull();
    expect(model.bias?.grad).toBeNull();
    model.forward(x).sum().backward();
    expect(model.weight.grad?.toArray()).toEqual([[1, 2]]);
  });
});

describe('hooks', () => {
  it('see the module, its inputs and its output, in order, until they are removed', () => {
    const model = own(new nn.Linear(2, 1));
    const seen: string[] = [];
    const x = tensor([[1, 2]]);
    const first = model.registerForwardHook((module, inputs, output) => {
      expect(module).toBe(model);
      expect(inputs[0]).toBe(x);
      seen.push(`first ${output.shape}`);
      return undefined;
    });
    const second = model.registerForwardHook(() => {
      seen.push('second');
      return undefined;
    });
    model.forward(x);
    expect(seen).toEqual(['first 1,1', 'second']);
    first.remove();
    model.forward(x);
    expect(seen).toEqual(['first 1,1', 'second', 'second']);
    second.remove();
    second.remove();
    model.forward(x);
    expect(seen).toHaveLength(3);
    expect(Object.hasOwn(model, 'forward')).toBe(false);
  });

  it('may replace the output, within a net too', () => {
    const model = own(new nn.Sequential(new nn.Identity(), new nn.ReLU()));
    const handle = model.at(0).registerForwardHook((_module, _inputs, output) => output.neg());
    expect(model.forward(tensor([1, -2])).toArray()).toEqual([0, 2]);
    handle.remove();
    expect(model.forward(tensor([1, -2])).toArray()).toEqual([1, 0]);
  });

  it('do not appear in the state, the names or the print', () => {
    const model = own(new nn.Linear(2, 1));
    const [print, keys] = [String(model), Object.keys(model.stateDict())];
    model.registerForwardHook(() => undefined);
    expect(String(model)).toBe(print);
    expect(Object.keys(model.stateDict())).toEqual(keys);
  });
});

describe('apply', () => {
  it('visits what is below before the module itself', () => {
    const model = own(new nn.Sequential(new nn.Sequential(new nn.ReLU()), new nn.Tanh()));
    const visited: string[] = [];
    expect(model.apply((module) => visited.push(module.constructor.name))).toBe(model);
    expect(visited).toEqual(['ReLU', 'Sequential', 'Tanh', 'Sequential']);
  });
});

describe('containers', () => {
  it('count from both ends, iterate, and exchange modules', () => {
    const model = own(new nn.Sequential(new nn.Linear(1, 2), new nn.ReLU()));
    expect(model.length).toBe(2);
    expect(model.at(-1)).toBeInstanceOf(nn.ReLU);
    expect([...model]).toEqual([model.at(0), model.at(1)]);
    model.replace('1', new nn.Tanh());
    expect(String(model)).toContain('(1): Tanh()');
    expect(() => model.at(2)).toThrow(FettleError);
    expect(() => model.replace('2', new nn.Tanh())).toThrow("there is no module '2'");
  });

  it('grow as lists, which have no forward', () => {
    const list = own(new nn.ModuleList([new nn.Linear(1, 1)])).append(new nn.Linear(1, 2));
    expect(list.length).toBe(2);
    expect(Object.keys(list.stateDict())).toEqual(['0.weight', '0.bias', '1.weight', '1.bias']);
    expect(() => list.forward()).toThrow(FettleError);
  });
});

describe('wrong arguments', () => {
  it.each([
    ['Conv2d groups', () => new nn.Conv2d(3, 4, 3, { groups: 2 })],
    ['Conv2d kernel', () => new nn.Conv2d(3, 4, 0)],
    ['Sequential of something else', () => new nn.Sequential(3 as unknown as nn.ReLU)],
  ])('%s', (_what, make) => {
    expect(make).toThrow(FettleError);
  });

  it('of forward are shown with their shapes', () => {
    expect(() => own(new nn.Linear(3, 2)).forward(zeros([4, 5]))).toThrow('[4, 5]');
    expect(() => own(new nn.BatchNorm1d(3)).forward(zeros([2, 4]))).toThrow('[2, 4]');
    expect(() => own(new nn.BatchNorm2d(3)).forward(zeros([2, 3]))).toThrow('[2, 3]');
    expect(() => own(new nn.LayerNorm(3)).forward(zeros([2, 4]))).toThrow('[2, 4]');
    expect(() => own(new nn.BatchNorm1d(3)).forward(zeros([1, 3]))).toThrow('more than one value');
  });
});
