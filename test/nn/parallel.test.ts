import { ones, randn, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { expect, test } from 'vitest';

test('a residual block adds what goes around it', () => {
  const body = new nn.Linear(3, 3);
  const x = randn([2, 3]);
  expect(new nn.Residual(body).forward(x).toArray()).toEqual(x.add(body.forward(x)).toArray());
  const shortcut = new nn.Linear(3, 3);
  const block = new nn.Residual(body, shortcut);
  expect(block.forward(x).toArray()).toEqual(shortcut.forward(x).add(body.forward(x)).toArray());
  expect(Object.keys(block.stateDict())).toEqual(['body.weight', 'body.bias', 'shortcut.weight', 'shortcut.bias']);
  block.dispose();
});

test('branches are joined one behind another, by their sum, or by their product', () => {
  const x = tensor([[1, -2]]);
  const branches = { same: new nn.Identity(), positive: new nn.ReLU(), flat: new nn.Tanh() };
  const joined = (options?: nn.ParallelOptions): unknown => new nn.Parallel(branches, options).forward(x).toArray();
  const [a, b] = tensor([1, -2]).tanh().dataSync();
  expect(joined()).toEqual([[1, -2, 1, 0, a, b]]);
  expect(joined({ dim: 0 })).toEqual([
    [1, -2],
    [1, 0],
    [a, b],
  ]);
  expect(joined({ join: 'add' })).toEqual([[Math.fround(2 + Number(a)), Math.fround(-2 + Number(b))]]);
  // (−2 · 0) · tanh(−2)
  expect(joined({ join: 'mul' })).toEqual([[a, 0]]);
});

test('gradients reach every branch', () => {
  const model = new nn.Residual(new nn.Parallel([new nn.Linear(2, 2), new nn.Linear(2, 2)], { join: 'mul' }));
  model
    .forward(ones([1, 2]))
    .sum()
    .backward();
  expect(model.parameters().every(({ grad }) => grad !== null && grad.abs().sum().item() > 0)).toBe(true);
  model.dispose();
});

test('what cannot be joined is refused', () => {
  expect(() => new nn.Parallel([])).toThrow('expected one branch or more');
  expect(() => new nn.Parallel([new nn.ReLU()], { join: 'sum' as 'add' })).toThrow(
    "join must be 'cat', 'add' or 'mul'",
  );
  expect(() => new nn.Parallel([3 as never])).toThrow("'0' must be a Module");
  expect(() => new nn.Residual(3 as never)).toThrow('body must be a Module');
});
