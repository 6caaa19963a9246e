import { capture, crossEntropy, FettleError, memory, noGrad, scope, type Tensor, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { Adam, AdamW, ASGD, Optimizer, RMSprop, Rprop, SGD } from 'fettle/optim';
import { describe, expect, it } from 'vitest';
import { makeOptimizer, type OptimizerName, optimizers, parameters, takeStep, valuesOf } from './problem.js';

const weights = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });

function withGradient(param: Tensor, ...values: number[]): Tensor {
  param.grad = tensor(values, param.shape);
  return param;
}

describe('parameters', () => {
  it.each([
    ['an empty list', () => new SGD([]), 'SGD: got an empty parameter list'],
    ['one tensor', () => new SGD(weights(1) as unknown as Tensor[]), 'SGD: expected a list of tensors'],
    ['nothing', () => new SGD(undefined as unknown as Tensor[]), 'SGD: expected a list of tensors'],
    ['a number', () => new Adam([3] as unknown as Tensor[]), 'Adam: parameter 0 must be a Tensor, got a number'],
    ['names', () => new Adam([['w', weights(1)]] as unknown as Tensor[]), 'parameter 0 must be a Tensor, got an array'],
    ['a result', () => new Adam([weights(1).mul(2)]), 'Adam: parameter 0 [1] is not a leaf but the result of mul'],
    ['integers', () => new Adam([tensor([1], { dtype: 'int32' })]), 'parameters must be float32'],
    [
      'a group without tensors',
      () => new Adam([{ params: 3 as unknown as Tensor }]),
      'params of a group must be a list',
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(FettleError);
  });

  it.each([
    ['null for a rate', () => new Adam([weights(1)], { lr: null as never }), 'Adam: lr must be a number ≥ 0, got null'],
    ['a text for a rate', () => new SGD([weights(1)], { lr: '1' as never }), 'SGD: lr must be a number ≥ 0, got 1'],
    ['texts for betas', () => new Adam([weights(1)], { betas: ['0.9', '0.99'] as never }), 'betas must be two numbers'],
    ['one eta', () => new Rprop([weights(1)], { etas: 3 as never }), 'etas must be in (0, 1) and above 1'],
    ['one step size', () => new Rprop([weights(1)], { stepSizes: 3 as never }), 'stepSizes must be the least and'],
    [
      'null for lambd',
      () => new ASGD([weights(1)], { lambd: null as never }),
      'ASGD: lambd must be a number, got null',
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(FettleError);
  });

  it('refuses a tensor that is listed twice', () => {
    const w = weights(1);
    expect(() => new SGD([w, w])).toThrow('parameter 1 [1] is listed twice');
    expect(() => new SGD([{ params: [w] }, { params: w }])).toThrow('parameter 0 [1] is listed twice');
    const optimizer = new SGD([w]);
    expect(() => optimizer.addParamGroup({ params: [w] })).toThrow('listed twice');
  });

  it('takes groups with hyper-parameters of their own, and later ones', () => {
    const [a, b, c] = [weights(1), weights(1), weights(1)].map((w) => withGradient(w, 1)) as [Tensor, Tensor, Tensor];
    const optimizer = new SGD([{ params: [a], lr: 0.5 }, { params: new Set([b]) }], { lr: 0.25 });
    optimizer.addParamGroup({ params: c, lr: 0.125 });
    optimizer.step();
    expect(valuesOf([a, b, c])).toEqual([0.5, 0.75, 0.875]);
    (optimizer.paramGroups[1] as { lr: number }).lr = 1;
    optimizer.step();
    expect(valuesOf([b])).toEqual([-0.25]);
  });

  it('leaves those without a gradient alone', () => {
    const frozen = tensor([1, 2]);
    const idle = weights(3);
    const optimizer = new Adam([frozen, idle, withGradient(weights(1), 1)]);
    optimizer.step();
    expect(valuesOf([frozen, idle])).toEqual([1, 2, 3]);
    expect(Object.keys(optimizer.stateDict().state)).toEqual(['2']);
    optimizer.dispose();
  });

  it('says which were disposed, and which gradients do not fit', () => {
    const w = weights(1, 2);
    const optimizer = new SGD([w]);
    w.grad = tensor([1]);
    expect(() => optimizer.step()).toThrow('SGD: the gradient of a parameter [2] must be float32 of the same shape');
    w.dispose();
    expect(() => optimizer.step()).toThrow('SGD: this tensor [2] has been disposed');
  });

  it('may be of any size and lie in memory in any way', () => {
    const empty = withGradient(tensor([], { requiresGrad: true }));
    const number = tensor(2, { requiresGrad: true });
    number.grad = tensor(4);
    const turned = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]).T.requiresGrad_();
    turned.grad = tensor([1]).expand([3, 2]);
    const optimizer = new SGD([empty, number, turned], { lr: 0.5, momentum: 0.5 });
    optimizer.step();
    optimizer.step();
    expect(number.item()).toBe(-3);
    expect(turned.toArray()).toEqual([
      [-0.25, 2.75],
      [0.75, 3.75],
      [1.75, 4.75],
    ]);
    optimizer.dispose();
  });
});

describe('hyper-parameters', () => {
  it.each([
    ['SGD', { lr: -1 }, 'SGD: lr must be a number ≥ 0, got -1'],
    ['SGD', { lr: Number.NaN }, 'SGD: lr must be a number ≥ 0, got NaN'],
    ['SGD', { momentum: -0.1 }, 'momentum must be a number ≥ 0'],
    ['SGD', { nesterov: true }, 'nesterov needs momentum > 0 and dampening 0, got 0 and 0'],
    ['SGD', { learningRate: 1 }, "SGD: there is no option 'learningRate'. There are: lr, momentum"],
    ['Adam', { betas: [0.9, 1] }, 'Adam: betas must be two numbers in [0, 1), as in [0.9, 0.999], got [0.9, 1]'],
    ['Adam', { betas: 0.9 }, 'betas must be two numbers'],
    ['Adam', { eps: -1 }, 'eps must be a number ≥ 0'],
    ['AdamW', { weightDecay: -1 }, 'AdamW: weightDecay must be a number ≥ 0'],
    ['RMSprop', { alpha: -1 }, 'alpha must be a number ≥ 0'],
    ['Adagrad', { lrDecay: -1 }, 'lrDecay must be a number ≥ 0'],
    ['Adadelta', { rho: 1.5 }, 'rho must be in [0, 1], got 1.5'],
    ['Rprop', { etas: [1.5, 0.5] }, 'etas must be in (0, 1) and above 1'],
    ['NAdam', { momentumDecay: -1 }, 'momentumDecay must be a number ≥ 0'],
    ['Lion', { betas: [2, 0] }, 'betas must be two numbers'],
  ] as const)('%s refuses %o', (name, options, message) => {
    expect(() => makeOptimizer(name, [weights(1)], options)).toThrow(message);
  });

  it('are checked in every group', () => {
    expect(() => new SGD([{ params: [weights(1)], lr: -2 }])).toThrow('lr must be a number ≥ 0, got -2');
  });

  it('are PyTorch’s unless given; undefined is not given', () => {
    expect(new SGD([weights(1)]).defaults).toEqual({
      lr: 1e-3,
      momentum: 0,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
      maximize: false,
    });
    expect(new AdamW([weights(1)], { lr: undefined }).paramGroups[0]).toMatchObject({ lr: 1e-3, weightDecay: 1e-2 });
  });

  it('are shown', () => {
    const optimizer = new SGD([weights(1)], { lr: 0.5 });
    expect(String(optimizer)).toContain('SGD (\nParameter Group 0 (1 tensors)\n    dampening: 0\n    lr: 0.5\n');
  });

  it('need not be complete from the start: what a group comes to need is made then', () => {
    const w = withGradient(weights(1), 1);
    const optimizer = new RMSprop([w]);
    optimizer.step();
    Object.assign(optimizer.paramGroups[0] ?? {}, { centered: true, momentum: 0.5 });
    optimizer.step();
    expect(Object.keys(optimizer.state.get(w) ?? {})).toEqual(['step', 'square_avg', 'momentum_buffer', 'grad_avg']);
    expect(Number.isFinite(w.item())).toBe(true);
    optimizer.dispose();
  });
});

describe('step', () => {
  it('runs a closure with recording and returns its loss', () => {
    const w = weights(3);
    const optimizer = new SGD([w], { lr: 0.5 });
    const loss = noGrad(() =>
      optimizer.step(() => {
        optimizer.zeroGrad();
        const value = w.square().sum();
        value.backward();
        return value;
      }),
    );
    expect(loss.item()).toBe(9);
    expect(w.item()).toBe(0);
    expect(optimizer.step()).toBeUndefined();
  });

  it('trains a network', () => {
    const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2));
    const optimizer = new Adam(model.parameters(), { lr: 0.05 });
    const x = tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
    const y = tensor([0, 1, 1, 0], { dtype: 'int32' });
    const losses = Array.from({ length: 120 }, () =>
      scope(() => {
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(x), y);
        loss.backward();
        optimizer.step();
        return loss.item();
      }),
    );
    expect(losses[119]).toBeLessThan(0.05);
    optimizer.dispose();
    model.dispose();
  });

  it.each(Object.keys(optimizers) as OptimizerName[])(
    'of %s leaves nothing behind but state that dispose frees',
    (name) => {
      const params = name === 'Muon' ? parameters([[2, 3]]) : parameters();
      const optimizer = makeOptimizer(name, params, {});
      const before = memory().tensors;
      const run = (t: number): number => {
        scope(() => {
          takeStep(optimizer, params, t);
          for (const param of params) param.grad = null;
        });
        return memory().tensors;
      };
      const after = run(0);
      const held = [...optimizer.state.values()]
        .flatMap((state) => Object.values(state))
        .filter((v) => typeof v === 'object');
      expect(after - before).toBe(held.length);
      for (let t = 1; t < 3; t++) expect(run(t)).toBe(after);
      optimizer.dispose();
      expect(memory().tensors).toBe(before);
      expect(optimizer.state.size).toBe(0);
    },
  );

  it('makes a backward pass through values it has changed fail, naming the optimizer', () => {
    const w = weights(1, 2);
    const y = w.square().sum();
    const optimizer = new SGD([withGradient(w, 1, 1)]);
    optimizer.step();
    expect(() => y.backward()).toThrow('was overwritten by SGD');
  });

  it('is taken as a whole or not at all', () => {
    const [a, b] = [withGradient(weights(1), 1), weights(1, 1)];
    b.grad = tensor([1]);
    const optimizer = new SGD([a, b]);
    expect(() => optimizer.step()).toThrow('the gradient of a parameter [2]');
    expect(a.item()).toBe(1);
  });
});

describe('hooks', () => {
  it('run before and after each step, without recording, until they are removed', () => {
    const w = withGradient(weights(1, 1), 1, 1);
    const optimizer = new SGD([w], { lr: 0.5 });
    const seen: string[] = [];
    const before = optimizer.registerStepPreHook((o) => seen.push(`before ${o.name} ${o.paramGroups[0]?.momentum}`));
    const mask = tensor([1, 0]);
    const after = optimizer.registerStepPostHook(() => w.mul_(mask));
    const twice = optimizer.registerStepPostHook(() => seen.push('after'));
    optimizer.step();
    expect(valuesOf([w])).toEqual([0.5, 0]);
    before.remove();
    after.remove();
    after.remove();
    optimizer.step();
    expect(valuesOf([w])).toEqual([0, -0.5]);
    twice.remove();
    optimizer.step();
    expect(seen).toEqual(['before SGD 0', 'after', 'after']);
  });
});

describe('zeroGrad', () => {
  it('frees gradients, or keeps them at 0', () => {
    const w = withGradient(weights(1, 2), 3, 4);
    const optimizer = new SGD([w]);
    const { grad } = w;
    optimizer.zeroGrad({ setToNone: false });
    expect(w.grad).toBe(grad);
    expect(w.grad?.toArray()).toEqual([0, 0]);
    optimizer.zeroGrad();
    expect(w.grad).toBeNull();
    expect(grad?.disposed).toBe(true);
  });
});

describe('state dicts', () => {
  const trained = (): { adam: Adam; params: Tensor[] } => {
    const params = parameters();
    const adam = new Adam(params, { weightDecay: 0.1 });
    takeStep(adam, params, 0);
    return { adam, params };
  };

  it('have PyTorch’s shape and copies of the tensors', () => {
    const { adam, params } = trained();
    const saved = adam.stateDict();
    expect(saved.param_groups).toEqual([
      { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.1, amsgrad: false, maximize: false, params: [0, 1] },
    ]);
    expect(Object.keys(saved.state)).toEqual(['0', '1']);
    const average = saved.state['0']?.exp_avg as Tensor;
    expect(average.shape).toEqual([2, 3]);
    const values = valuesOf([average]);
    takeStep(adam, params, 1);
    expect(valuesOf([average])).toEqual(values);
    adam.dispose();
  });

  it('are refused, with nothing changed, where they do not fit', () => {
    const { adam, params } = trained();
    const saved = adam.stateDict();
    const before = valuesOf([adam.state.get(params[0] as Tensor)?.exp_avg as Tensor]);
    const bad = (change: (copy: typeof saved) => unknown): (() => void) => {
      const copy = { state: { ...saved.state }, param_groups: saved.param_groups.map((group) => ({ ...group })) };
      change(copy);
      return () => adam.loadStateDict(copy);
    };
    const group = saved.param_groups[0] as (typeof saved.param_groups)[0];
    expect(bad((s) => s.param_groups.push(group))).toThrow('has 2 parameter groups, this optimizer 1');
    expect(bad((s) => Object.assign(s.param_groups[0] ?? {}, { params: [0] }))).toThrow('has 1 parameters in group 0');
    expect(bad((s) => Object.assign(s.param_groups[0] ?? {}, { lr: -1 }))).toThrow('lr must be a number ≥ 0');
    expect(bad((s) => Object.assign(s.state, { 0: { ...s.state['0'], exp_avg: tensor([1]) } }))).toThrow(
      'exp_avg must be a tensor [2, 3] like its parameter, got [1]',
    );
    expect(bad((s) => Object.assign(s.state, { 1: { step: 1, exp_avg: tensor([1, 2, 3]) } }))).toThrow(
      'lacks exp_avg_sq',
    );
    expect(bad((s) => Object.assign(s.state, { 0: { ...s.state['0'], exp_avg: 3 } }))).toThrow(
      'exp_avg must be a tensor',
    );
    expect(bad((s) => Object.assign(s.state, { 0: { ...s.state['0'], step: tensor([1, 2]) } }))).toThrow(
      'step must be a number, got [2]',
    );
    expect(() => adam.loadStateDict({} as never)).toThrow('expected a state dict');
    expect(valuesOf([adam.state.get(params[0] as Tensor)?.exp_avg as Tensor])).toEqual(before);
    adam.dispose();
  });

  it('keep what schedulers and other versions put into groups', () => {
    const w = weights(1);
    const sgd = new SGD([w]);
    const saved = sgd.stateDict();
    Object.assign(saved.param_groups[0] ?? {}, { initial_lr: 0.5, foreach: null });
    sgd.loadStateDict(saved);
    expect(sgd.paramGroups[0]).toMatchObject({ initialLr: 0.5, foreach: null });
    expect(sgd.stateDict().param_groups[0]).toMatchObject({ initial_lr: 0.5 });
    expect(sgd.paramGroups[0]?.params[0]).toBe(w);
  });
});

describe('an optimizer of one’s own', () => {
  class Signed extends Optimizer<{ lr: number }, { count: number }> {
    constructor(params: Iterable<Tensor>, options: { lr?: number } = {}) {
      super(params, options, { lr: 0.1 });
    }

    protected blank() {
      return { count: 0 };
    }

    protected update(param: Tensor, grad: Tensor, state: { count: number }, group: { lr: number }): void {
      state.count++;
      noGrad(() => param.sub_(grad.sign().mul(group.lr)));
    }
  }

  it('says what its state begins as and how one parameter is updated', () => {
    const w = withGradient(weights(1, 1), -3, 2);
    const optimizer = new Signed([w], { lr: 0.5 });
    optimizer.step();
    expect(valuesOf([w])).toEqual([1.5, 0.5]);
    expect(optimizer.stateDict().state).toEqual({ 0: { count: 1 } });
  });

  it('steps outside of a captured step, which could follow neither its settings nor its counts', () => {
    const w = withGradient(weights(1, 1), -3, 2);
    const optimizer = new Signed([w]);
    const step = capture((x: Tensor) => {
      optimizer.step();
      return x.neg();
    });
    step(tensor([1]));
    expect(() => step(tensor([1]))).toThrow('Signed: a captured step cannot follow its settings');
    expect(optimizer.stateDict().state).toEqual({ 0: { count: 1 } });
    step.dispose();
  });
});
