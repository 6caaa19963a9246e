import { FettleError, randn, type Tensor, tensor, zeros } from 'fettle';
import * as nn from 'fettle/nn';
import { afterEach, describe, expect, it, vi } from 'vitest';

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
    model.zeroGrad({ setToNone: false });
    expect(model.weight.grad?.toArray()).toEqual([[0, 0]]);
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

describe('hooks before and behind', () => {
  it('change the inputs', () => {
    const model = own(new nn.Linear(2, 1));
    nn.init.ones_(model.weight);
    nn.init.zeros_(model.bias as Tensor);
    const seen: number[] = [];
    const first = model.registerForwardPreHook((module, inputs) => {
      expect(module).toBe(model);
      return [(inputs[0] as Tensor).mul(2)];
    });
    const second = model.registerForwardPreHook((_module, [x]) => (x as Tensor).add(1));
    model.registerForwardHook((_module, [x]) => {
      seen.push(...((x as Tensor).toArray() as number[]));
      return undefined;
    });
    expect(model.forward(tensor([1, 2])).toArray()).toEqual([8]);
    expect(seen).toEqual([3, 5]);
    first.remove();
    expect(model.forward(tensor([1, 2])).toArray()).toEqual([5]);
    second.remove();
    expect(model.forward(tensor([1, 2])).toArray()).toEqual([3]);
  });

  it('see the gradients of inputs and outputs, and change those of the inputs', () => {
    const model = own(new nn.Linear(2, 1, { bias: false }));
    nn.init.constant_(model.weight, 3);
    const seen: unknown[] = [];
    const handle = model.registerFullBackwardHook((module, gradInput, gradOutput) => {
      expect(module).toBe(model);
      seen.push([gradInput[0]?.toArray(), gradOutput[0]?.toArray()]);
      return [gradInput[0]?.mul(10) ?? null];
    });
    const x = tensor([[1, 2]]).requiresGrad_();
    model.forward(x).mul(2).sum().backward();
    expect(seen).toEqual([[[[6, 6]], [[2]]]]);
    expect(x.grad?.toArray()).toEqual([[60, 60]]);
    expect(model.weight.grad?.toArray()).toEqual([[2, 4]]);
    // Inputs without a gradient leave nothing to wait for.
    model
      .forward(tensor([[1, 2]]))
      .sum()
      .backward();
    expect(seen[1]).toEqual([undefined, [[1]]]);
    handle.remove();
    model.forward(x).sum().backward();
    expect(seen).toHaveLength(2);
  });
});

describe('gradients that a backward hook has seen', () => {
  it('live as long as what was made outside, and stay as they were', () => {
    const model = own(new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1, { bias: false })));
    const kept: (Tensor | null)[] = [];
    model.at(1).registerFullBackwardHook((_, gradInput, gradOutput) => {
      kept.push(...gradInput, ...gradOutput);
      return undefined;
    });
    const x = tensor([[1, 2]]);
    for (let pass = 0; pass < 2; pass++) model.forward(x).mul(2).sum().backward();
    const want = model.at<nn.Linear>(1).weight.mul(2).toArray();
    expect(kept.map((g) => g?.toArray())).toEqual([want, [[2]], want, [[2]]]);
    // The bias of the layer before has the same gradient, and must not have taken the hook's memory over.
    expect(model.at<nn.Linear>(0).bias?.grad?.toArray()).toEqual(
      model.at<nn.Linear>(1).weight.mul(4).flatten().toArray(),
    );
  });
});

describe('registering by name', () => {
  class Bag extends nn.Module {
    forward(x: Tensor): Tensor {
      return x;
    }
  }

  it('adds parameters, buffers and modules', () => {
    const model = own(new Bag());
    const given = tensor([1, 2]);
    model.registerBuffer('mean_of_all', given);
    model.registerBuffer('scratch', tensor([3]), false);
    model.registerBuffer('nothing', null);
    model.registerParameter('weight', new nn.Parameter(tensor([4])));
    model.addModule('layer', new nn.Linear(1, 1));
    model.registerModule('other', new nn.ReLU());
    expect(Object.keys(model.stateDict())).toEqual(['weight', 'mean_of_all', 'layer.weight', 'layer.bias']);
    expect(Object.keys(model.stateDict({ prefix: 'bag.' }))[0]).toBe('bag.weight');
    expect(model.getBuffer('mean_of_all').toArray()).toEqual([1, 2]);
    // The tensor that was given stays usable, and shares the buffer's memory.
    given.mul_(2);
    expect(model.getBuffer('mean_of_all').toArray()).toEqual([2, 4]);
    expect(model.getParameter('layer.bias')).toBe((model.getSubmodule('layer') as nn.Linear).bias);
    expect(model.getSubmodule('')).toBe(model);
    expect(() => model.getParameter('layer.scale')).toThrow(
      "Bag has no 'layer.scale'. There are: weight, layer.weight",
    );
    expect(() => model.getBuffer('x')).toThrow(/There are: mean_of_all, scratch/);
    expect(() => model.registerBuffer('forward', null)).toThrow("Bag already has 'forward'");
    expect(() => model.registerParameter('a.b', null)).toThrow('nor contain a dot');
    expect(() => model.addModule('', null)).toThrow('must not be empty');
    expect(() => model.registerParameter('p', tensor([1]) as never)).toThrow('Wrap it: new nn.Parameter');
    expect(() => model.addModule('m', 3 as never)).toThrow(FettleError);
  });

  it('names with and without what is below, and with what is shared', () => {
    const shared = new nn.Linear(2, 2);
    const model = own(new nn.Sequential({ a: shared, b: shared }));
    const names = (entries: [string, unknown][]): string[] => entries.map(([name]) => name);
    expect(names(model.namedParameters('net'))).toEqual(['net.a.weight', 'net.a.bias']);
    expect(names(model.namedParameters({ recurse: false }))).toEqual([]);
    expect(model.parameters(false)).toEqual([]);
    expect(names(model.namedParameters({ removeDuplicate: false }))).toHaveLength(4);
    expect(names(model.namedModules({ removeDuplicate: false, prefix: 'm' }))).toEqual(['m', 'm.a', 'm.b']);
    expect(names(model.namedChildren())).toEqual(['a']);
    expect(model.getSubmodule('b')).toBe(shared);
    expect(String(model)).toContain('(b): Linear');
    expect(() => model.namedParameters({ recursive: false } as never)).toThrow(/no option 'recursive'/);
  });

  it('warns of arrays of modules, which are not part of the model', () => {
    class Listed extends nn.Module {
      layers = [new nn.ReLU()];
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(new Listed().modules()).toHaveLength(1);
    expect(warn.mock.calls.flat().join()).toContain("the array 'layers' holds modules");
    warn.mockRestore();
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

  it('change, as sequences', () => {
    const [a, b, c] = [new nn.ReLU(), new nn.Tanh(), new nn.Sigmoid()];
    const model = new nn.Sequential(a, b);
    model.insert(0, c).set(1, b);
    expect([...model]).toEqual([c, b, b]);
    expect(model.get('2')).toBe(b);
    expect(model.get(-3)).toBe(c);
    expect(model.pop()).toBe(b);
    expect(model.slice(1).namedChildren()).toEqual([['1', b]]);
    expect(() => model.get('7')).toThrow("there is no module '7'");
    expect(() => model.insert(9, a)).toThrow(/index 9 is out of range/);
    expect(() => model.append(3 as never)).toThrow(FettleError);
  });

  it('change, as lists', () => {
    const [a, b, c] = [new nn.ReLU(), new nn.Tanh(), new nn.Sigmoid()];
    const list = new nn.ModuleList([a]).extend([b]).insert(-1, c);
    expect([...list]).toEqual([a, c, b]);
    list.set(-1, a);
    expect(list.pop(1)).toBe(c);
    expect([...list.slice(0, 1)]).toEqual([a]);
    expect(list.length).toBe(2);
    expect(() => list.at(2)).toThrow('index 2 is out of range for 2 entries');
    expect(() => new nn.ModuleList([1 as never])).toThrow(FettleError);
  });

  it('hold modules by name', () => {
    const [a, b] = [new nn.ReLU(), new nn.Tanh()];
    const dict = new nn.ModuleDict({ a }).update(new Map<string, nn.Module>([['b', b]])).update([['a', b]]);
    expect([...dict.keys()]).toEqual(['a', 'b']);
    expect([...dict.values()]).toEqual([b, b]);
    expect([...dict]).toEqual([...dict.entries()]);
    expect(dict.has('a')).toBe(true);
    expect(dict.length).toBe(2);
    expect(dict.pop('a')).toBe(b);
    expect(dict.delete('a')).toBe(false);
    expect(() => dict.get('a')).toThrow("there is no 'a'. There are: b");
    expect(() => dict.set('x.y', a)).toThrow(FettleError);
    expect(() => dict.forward()).toThrow(FettleError);
    dict.clear();
    expect(String(dict)).toBe('ModuleDict()');
  });

  it('hold parameters', () => {
    const parameter = (value: number): nn.Parameter => new nn.Parameter(tensor([value, value]));
    const [a, b, c] = [parameter(1), parameter(2), parameter(3)];
    const list = own(new nn.ParameterList([a]).append(b).insert(0, c));
    // Tensors are iterable, and would be compared by their elements.
    expect([...list].map((item) => [c, a, b].indexOf(item))).toEqual([0, 1, 2]);
    expect(list.pop(0)).toBe(c);
    list.set(0, c);
    list.extend([a]);
    expect(list.namedParameters().map(([name, item]) => [name, [c, b, a].indexOf(item)])).toEqual([
      ['0', 0],
      ['1', 1],
      ['2', 2],
    ]);
    expect(String(list)).toBe(
      `ParameterList(\n${[0, 1, 2].map((i) => `    (${i}): Parameter containing: [torch.float32 of size 2]`).join('\n')}\n)`,
    );
    const dict = new nn.ParameterDict({ a }).update([['b', b]]);
    expect(Object.keys(dict.stateDict())).toEqual(['a', 'b']);
    expect(dict.get('b')).toBe(b);
    expect(dict.pop('b')).toBe(b);
    expect(String(dict)).toBe('ParameterDict(  (a): Parameter containing: [torch.FloatTensor of size 2])');
    expect(() => dict.get('b')).toThrow("there is no 'b'. There are: a");
    expect(() => dict.set('c', tensor([1]) as never)).toThrow('must be a Parameter');
    expect(() => list.forward()).toThrow(FettleError);
  });

  it('grow as lists, which have no forward', () => {
    const list = own(new nn.ModuleList([new nn.Linear(1, 1)])).append(new nn.Linear(1, 2));
    expect(list.length).toBe(2);
    expect(Object.keys(list.stateDict())).toEqual(['0.weight', '0.bias', '1.weight', '1.bias']);
    expect(() => list.forward()).toThrow(FettleError);
  });
});

describe('one vector of all parameters', () => {
  it('is made and read back', () => {
    const model = own(new nn.Linear(2, 1));
    nn.utils.vectorToParameters(tensor([1, 2, 3]), model.parameters());
    expect(model.weight.toArray()).toEqual([[1, 2]]);
    expect(nn.utils.parametersToVector(model.parameters()).toArray()).toEqual([1, 2, 3]);
    nn.utils.parametersToVector(model.parameters()).square().sum().backward();
    expect(model.bias?.grad?.toArray()).toEqual([6]);
    expect(() => nn.utils.vectorToParameters(tensor([1, 2]), model.parameters())).toThrow('expected [3]');
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
