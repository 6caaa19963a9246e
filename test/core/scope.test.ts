import { crossEntropy, keep, memory, noGrad, scope, type Tensor, tensor } from 'fettle';
import { Linear } from 'fettle/nn';
import { expect, test } from 'vitest';

const live = (): number => memory().tensors;

test('a scope frees what it made and nothing that came before', () => {
  const x = tensor([1, 2, 3]);
  const before = live();
  scope(() => {
    x.mul(2).add(1).exp();
  });
  expect(live()).toBe(before);
  expect(x.toArray()).toEqual([1, 2, 3]);
});

test('what a scope returns, alone or within arrays and objects, goes to the scope around it', () => {
  const before = live();
  scope(() => {
    const inner = scope(() => ({ a: tensor([1]), list: [tensor([2])], other: tensor([3]).add(1) }));
    expect(inner.a.item() + (inner.list[0] as Tensor).item() + inner.other.item()).toBe(7);
    expect(live()).toBe(before + 3);
  });
  expect(live()).toBe(before);
});

test('keep() outlives every scope until dispose()', () => {
  const before = live();
  const kept = scope(() => scope(() => keep(tensor([1, 2]))));
  expect(kept.toArray()).toEqual([1, 2]);
  kept.dispose();
  expect(live()).toBe(before);
});

test('a returned tensor takes along what its gradient needs', () => {
  const before = live();
  const x = tensor([1, 2, 3], { requiresGrad: true });
  const y = scope(() => x.exp().mul(x).sum());
  y.backward();
  expect((x.grad as Tensor).toArray()).toEqual(
    [1, 2, 3].map((v) => Math.fround(Math.fround(Math.exp(v)) * (1 + v))).map((v) => expect.closeTo(v, 3)),
  );
  x.dispose();
  y.dispose();
  x.grad?.dispose();
  expect(live()).toBe(before);
});

test('a scope that ends without backward() frees what the graph saved', () => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  const before = live();
  scope(() => {
    x.exp().mul(x).tanh().sum();
  });
  expect(live()).toBe(before);
});

test('backward() frees what the graph saved, and only gradients stay', () => {
  const x = tensor([[1, 2, 3]], { requiresGrad: true });
  const before = live();
  scope(() => {
    const loss = crossEntropy(x.exp().tanh(), tensor(new Int32Array([1])));
    loss.backward();
  });
  expect(live()).toBe(before + 1);
});

test('an error closes the scope', () => {
  const before = live();
  expect(() =>
    scope(() => {
      tensor([1])
        .add(tensor([1, 2, 3]).reshape(3))
        .matmul(tensor([1, 2]));
    }),
  ).toThrow(/matmul: inner sizes differ/);
  expect(live()).toBe(before);
});

test('an asynchronous scope lasts until its promise settles', async () => {
  const before = live();
  const value = await scope(async () => {
    const x = tensor([1, 2]);
    await Promise.resolve();
    return x.sum().item();
  });
  expect(value).toBe(3);
  expect(live()).toBe(before);
});

test('an explicit scope ends where it is told to', () => {
  const before = live();
  const opened = scope();
  tensor([1]).add(1);
  opened.end();
  opened.end();
  expect(live()).toBe(before);
});

test('parameters and their module survive the scope they were made in', () => {
  const layer = scope(() => new Linear(2, 3));
  expect(noGrad(() => layer.forward(tensor([[1, 2]]))).shape).toEqual([1, 3]);
  layer.dispose();
});

test('using a disposed tensor says so', () => {
  const x = tensor([1]);
  x.dispose();
  expect(() => x.add(1)).toThrow(/add: this tensor \[1\] has been disposed/);
});

test('views share memory, which is freed with the last of them', () => {
  const before = live();
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  const row = x.select(0, 1);
  x.dispose();
  expect(row.toArray()).toEqual([3, 4]);
  row.dispose();
  // select goes by way of other views, which the test's scope still holds.
  expect(live()).toBeLessThanOrEqual(before + 1);
});

test('a layer made outside of any scope leaves nothing but its parameters', () => {
  const before = live();
  const layer = new Linear(3, 4);
  expect(live()).toBe(before + 2);
  layer.dispose();
  expect(live()).toBe(before);
});
