import { type Tensor, tensor } from 'fettle';
import { Adam, GD, type OptimizerStateDict, SGD } from 'fettle/optim';
import { afterEach, describe, expect, it } from 'vitest';
import { distance, golden, makeOptimizer, type OptimizerCase, parameters, takeStep, valuesOf } from './problem.js';

/** Last places that rounding may differ by after 50 steps. */
const TRAJECTORY = 8;

const opened: { dispose(): void }[] = [];

afterEach(() => {
  for (const optimizer of opened.splice(0)) optimizer.dispose();
});

function open(params: readonly Tensor[], { optimizer: name, options, groups }: OptimizerCase) {
  const optimizer = makeOptimizer(
    name,
    groups?.map((group, p) => ({ params: params[p], ...group })) ?? params,
    options,
  );
  opened.push(optimizer);
  return optimizer;
}

function plain(value: Tensor | number): number | number[] {
  return typeof value === 'number' ? value : [...value.dataSync()];
}

const title = ({ optimizer, options, groups }: OptimizerCase): string =>
  `${optimizer} ${JSON.stringify(options)}${groups ? ` groups ${JSON.stringify(groups)}` : ''}`;

describe('optimizers follow PyTorch', () => {
  it.each(golden.optimizers.map((one) => [title(one), one] as const))('%s', (_, one) => {
    const params = parameters(one.shapes);
    const optimizer = open(params, one);
    for (const [t, expected] of one.steps.entries()) {
      takeStep(optimizer, params, t);
      expect(distance(valuesOf(params), expected), `parameters after step ${t}`).toBeLessThan(TRAJECTORY);
    }
    const { state } = optimizer.stateDict();
    expect(Object.keys(state)).toEqual(Object.keys(one.state));
    for (const [index, expected] of Object.entries(one.state)) {
      const got = state[index] ?? {};
      expect(Object.keys(got).sort()).toEqual(Object.keys(expected).sort());
      for (const [key, value] of Object.entries(expected)) {
        const found = [plain(got[key] as Tensor | number)].flat();
        expect(distance(found, [value].flat() as number[]), `state ${index}.${key}`).toBeLessThan(TRAJECTORY);
      }
    }
  });
});

describe('state', () => {
  it.each(golden.optimizers.map((one) => [title(one), one] as const))('goes on to the same bits: %s', (_, one) => {
    const [through, first, second] = [parameters(one.shapes), parameters(one.shapes), parameters(one.shapes)];
    const whole = open(through, one);
    const before = open(first, one);
    for (let t = 0; t < 20; t++) {
      takeStep(whole, through, t);
      takeStep(before, first, t);
    }
    const saved = before.stateDict();
    for (const [p, param] of second.entries()) {
      param.storage.device.write(
        param.storage,
        0,
        new Uint8Array((first[p] as Tensor).dataSync().buffer as ArrayBuffer),
      );
    }
    // What is loaded comes from the state alone, hyper-parameters included.
    const after = open(second, { ...one, options: {}, ...(one.groups && { groups: one.groups.map(() => ({})) }) });
    after.loadStateDict(saved);
    // Neither a step of the old optimizer nor the loss of its state touches the new one.
    takeStep(before, first, 20);
    before.dispose();
    for (let t = 20; t < 30; t++) {
      takeStep(whole, through, t);
      takeStep(after, second, t);
    }
    expect(valuesOf(second)).toEqual(valuesOf(through));
  });

  it("goes on from PyTorch's own state dict", () => {
    const { start, end, saved } = golden.resumed;
    const params = parameters();
    for (const [p, param] of params.entries()) {
      param.storage.device.write(param.storage, 0, new Uint8Array(Float32Array.from(start[p] ?? []).buffer));
    }
    const adam = new Adam(params);
    opened.push(adam);
    const state = Object.entries(saved.state).map(([index, values]) => [
      index,
      // PyTorch's step is a tensor of no dimensions; this one is left a number, the other becomes a tensor.
      Object.fromEntries(
        Object.entries(values).map(([key, value]) => [
          key,
          typeof value === 'number' && index === '1' ? value : tensor(value),
        ]),
      ),
    ]);
    adam.loadStateDict({
      state: Object.fromEntries(state),
      param_groups: saved.param_groups,
    } as unknown as OptimizerStateDict);
    expect(adam.paramGroups[0]).toMatchObject({ lr: 0.02, amsgrad: true, weightDecay: 0.01, betas: [0.9, 0.999] });
    for (let t = 25; t < 50; t++) takeStep(adam, params, t);
    expect(distance(valuesOf(params), end)).toBeLessThan(TRAJECTORY);
  });
});

describe('options that one PyTorch lacks', () => {
  it.each(['NAdam', 'RAdam'] as const)('%s maximizes by descending against the gradient', (name) => {
    const [up, down] = [parameters(), parameters()];
    const maximizing = makeOptimizer(name, up, { maximize: true });
    const minimizing = makeOptimizer(name, down, {});
    opened.push(maximizing, minimizing);
    for (let t = 0; t < 12; t++) {
      takeStep(maximizing, up, t);
      for (const [p, param] of down.entries()) param.grad = up[p]?.grad?.neg() ?? null;
      minimizing.step();
    }
    expect(valuesOf(up)).toEqual(valuesOf(down));
  });

  it.each(['NAdam', 'RAdam'] as const)('%s shrinks weights by themselves with decoupledWeightDecay', (name) => {
    const [decayed, shrunk] = [parameters(), parameters()];
    const [lr, weightDecay] = [0.01, 0.25];
    const decoupled = makeOptimizer(name, decayed, { lr, weightDecay, decoupledWeightDecay: true });
    const plainly = makeOptimizer(name, shrunk, { lr });
    opened.push(decoupled, plainly);
    plainly.registerStepPreHook(() => {
      for (const param of shrunk) if (param.grad !== null) param.mul_(1 - lr * weightDecay);
    });
    for (let t = 0; t < 12; t++) {
      takeStep(decoupled, decayed, t);
      takeStep(plainly, shrunk, t);
    }
    expect(distance(valuesOf(decayed), valuesOf(shrunk))).toBeLessThan(TRAJECTORY);
  });
});

describe('GD', () => {
  it('takes the steps of SGD without momentum', () => {
    const [a, b] = [parameters(), parameters()];
    const options = { lr: 0.05, weightDecay: 0.1 };
    const gd = new GD(a, options);
    const sgd = new SGD(b, options);
    for (let t = 0; t < 10; t++) {
      takeStep(gd, a, t);
      takeStep(sgd, b, t);
    }
    expect(valuesOf(a)).toEqual(valuesOf(b));
    expect(gd.stateDict()).toEqual({
      state: {},
      param_groups: [{ lr: 0.05, weight_decay: 0.1, maximize: false, params: [0, 1] }],
    });
  });
});
