import { add, cat, mul, type Tensor, tensor } from 'fettle';
import { Adam, LBFGS, lrScheduler, Muon, type Optimizer, SAM, SGD } from 'fettle/optim';
import { afterEach, describe, expect, it } from 'vitest';
import { elements } from '../golden/inputs.js';
import { type ClosureCase, distance, golden, parameters, valuesOf } from './problem.js';

/** Optimizers that evaluate the loss themselves, on the problem that test/golden/optim.py describes. */

const opened: Optimizer[] = [];

afterEach(() => {
  for (const optimizer of opened.splice(0)) optimizer.dispose();
});

const matrix = elements(701, { shape: [8, 9], low: -1, high: 1 });
const target = elements(702, { shape: [8], low: -1, high: 1 });

function closureOf(params: readonly Tensor[], optimizer: () => Optimizer): () => Tensor {
  const a = tensor(matrix, [8, 9], { dtype: 'float32' });
  const b = tensor(target, [8], { dtype: 'float32' });
  return () => {
    optimizer().zeroGrad();
    const x = cat(params.map((p) => p.reshape([-1])));
    const squares = a.mv(x).sub(b).square().sum();
    const loss = add(squares, add(mul(x.sin().sum(), 0.3), mul(x.pow(4).sum(), 0.05)));
    loss.backward();
    return loss;
  };
}

function make({ optimizer: name, options }: Pick<ClosureCase, 'optimizer' | 'options'>, params: Tensor[]): Optimizer {
  const optimizer = name === 'SAM' ? new SAM(params, SGD, options) : new LBFGS(params, options);
  opened.push(optimizer);
  return optimizer;
}

const title = ({ optimizer, options }: ClosureCase): string => `${optimizer} ${JSON.stringify(options)}`;
const cases = golden.closures.map((one) => [title(one), one] as const);

/** Differences of losses cancel near the minimum, so that rounding decides how far the last steps go. */
const ROUNDING = 500;

describe('steps follow PyTorch', () => {
  it.each(cases)('%s', (_, one) => {
    const params = parameters();
    const optimizer = make(one, params);
    const closure = closureOf(params, () => optimizer);
    for (const [t, expected] of one.steps.entries()) {
      const loss = optimizer.step(closure);
      expect(Math.abs(loss.item() - (one.losses[t] as number))).toBeLessThan(
        1e-4 * Math.abs(one.losses[t] as number) + 1e-5,
      );
      expect(distance(valuesOf(params), expected), `parameters after step ${t}`).toBeLessThan(ROUNDING);
    }
  });

  it.each(cases)('goes on from its state: %s', (_, one) => {
    const [through, first, second] = [parameters(), parameters(), parameters()];
    const whole = make(one, through);
    const before = make(one, first);
    for (let t = 0; t < 3; t++) {
      whole.step(closureOf(through, () => whole));
      before.step(closureOf(first, () => before));
    }
    for (const [p, param] of second.entries()) {
      const bytes = new Uint8Array((first[p] as Tensor).dataSync().buffer as ArrayBuffer);
      param.storage.device.write(param.storage, 0, bytes);
    }
    const after = make({ ...one, options: {} }, second);
    after.loadStateDict(before.stateDict());
    before.dispose();
    for (let t = 0; t < 3; t++) {
      whole.step(closureOf(through, () => whole));
      after.step(closureOf(second, () => after));
    }
    expect(valuesOf(second)).toEqual(valuesOf(through));
  });
});

describe('LBFGS', () => {
  it('counts evaluations as PyTorch does', () => {
    for (const one of golden.closures.filter(({ optimizer }) => optimizer === 'LBFGS').slice(0, 4)) {
      const params = parameters();
      const optimizer = make(one, params);
      for (const _ of one.steps) optimizer.step(closureOf(params, () => optimizer));
      expect(optimizer.stateDict().state['0']).toMatchObject(one.state as object);
    }
  });

  it('saves what PyTorch saves', () => {
    const params = parameters();
    const optimizer = make({ optimizer: 'LBFGS', options: { maxIter: 3 } }, params);
    optimizer.step(closureOf(params, () => optimizer));
    const { state, param_groups } = optimizer.stateDict();
    const names = [
      'H_diag',
      'd',
      'func_evals',
      'n_iter',
      'old_dirs',
      'old_stps',
      'prev_flat_grad',
      'prev_loss',
      'ro',
      't',
    ];
    expect(Object.keys(state['0'] ?? {}).sort()).toEqual(names);
    expect(param_groups[0]).toMatchObject({ max_iter: 3, max_eval: 3, line_search_fn: null, history_size: 100 });
  });

  it('leaves gradients of the last evaluation, and nothing else', () => {
    const params = parameters();
    const optimizer = make({ optimizer: 'LBFGS', options: { maxIter: 3 } }, params);
    optimizer.step(closureOf(params, () => optimizer));
    for (const { grad } of params) expect(grad?.disposed).toBe(false);
  });

  it.each([
    ['no closure', () => make({ optimizer: 'LBFGS', options: {} }, parameters()).step(), 'needs a closure'],
    ['two groups', () => new LBFGS(parameters().map((params) => ({ params }))), 'one parameter group'],
    [
      'another search',
      () => new LBFGS(parameters(), { lineSearchFn: 'armijo' as never }),
      "must be 'strong_wolfe' or null",
    ],
    [
      'a closure without a loss',
      () => make({ optimizer: 'LBFGS', options: {} }, parameters()).step(() => undefined),
      'return the loss',
    ],
    ['an unknown option', () => new LBFGS(parameters(), { momentum: 1 } as object), "no option 'momentum'"],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  it('refuses state of another size', () => {
    const params = parameters();
    const optimizer = make({ optimizer: 'LBFGS', options: { maxIter: 3 } }, params);
    optimizer.step(closureOf(params, () => optimizer));
    const [single] = parameters();
    const other = make({ optimizer: 'LBFGS', options: {} }, [single as Tensor]);
    expect(() => other.loadStateDict(optimizer.stateDict())).toThrow('parameters');
  });
});

describe('SAM', () => {
  it('steps in two halves as with a closure', () => {
    const [a, b] = [parameters(), parameters()];
    const [whole, halves] = [
      new SAM(new SGD(a, { lr: 0.02 }), { rho: 0.3 }),
      new SAM(new SGD(b, { lr: 0.02 }), { rho: 0.3 }),
    ];
    opened.push(whole, halves);
    const closure = closureOf(b, () => halves);
    for (let t = 0; t < 3; t++) {
      whole.step(closureOf(a, () => whole));
      closure();
      halves.firstStep(true);
      closure();
      halves.secondStep(true);
    }
    expect(valuesOf(a)).toEqual(valuesOf(b));
  });

  it('shares its groups with the optimizer that it wraps', () => {
    const adam = new Adam(parameters(), { lr: 0.1 });
    const sam = new SAM(adam, { rho: 0.2 });
    opened.push(sam);
    new lrScheduler.StepLR(sam, 1, 0.5);
    (sam.paramGroups[0] as { lr: number }).lr = 0.25;
    expect(adam.paramGroups[0]).toMatchObject({ lr: 0.25, rho: 0.2, betas: [0.9, 0.999] });
  });

  it.each([
    ['no closure', () => new SAM(new SGD(parameters())).step(), 'needs a closure'],
    ['a negative rho', () => new SAM(new SGD(parameters()), { rho: -1 }), 'rho must be a number ≥ 0'],
    ['no optimizer', () => new SAM(parameters() as never, {} as never), 'expected an optimizer'],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('Muon', () => {
  it('refuses what is no matrix, and unknown rules', () => {
    expect(() => new Muon(parameters())).toThrow('parameters must be matrices, got one of [3]');
    expect(() => new Muon(parameters([[2, 3]]), { adjustLrFn: 'none' as never })).toThrow("must be 'original'");
  });
});
