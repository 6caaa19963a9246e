import { enableGrad, grad, noGrad, type Tensor, tensor } from 'fettle';
import { expect, test } from 'vitest';

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });
const gradOf = (x: Tensor): unknown => (x.grad as Tensor).toArray();

test('gradients accumulate over calls', () => {
  const x = leaf([1, 2]);
  x.mul(3).sum().backward();
  x.mul(x).sum().backward();
  expect(gradOf(x)).toEqual([5, 7]);
});

test('a leaf used twice gets the sum', () => {
  const x = leaf([2]);
  x.mul(x).add(x).sum().backward();
  expect(gradOf(x)).toEqual([5]);
});

test('two leaves of one sum do not share their gradient', () => {
  const [a, b] = [leaf([1, 2]), leaf([3, 4])];
  a.add(b).sum().backward();
  expect((a.grad as Tensor).storage).not.toBe((b.grad as Tensor).storage);
  a.mul(2).sum().backward();
  expect(gradOf(a)).toEqual([3, 3]);
  expect(gradOf(b)).toEqual([1, 1]);
});

test('the gradient given to backward() is not taken over', () => {
  const x = leaf([1, 2]);
  const g = tensor([1, 10]);
  x.add(0).backward(g);
  x.mul(1).sum().backward();
  expect(g.toArray()).toEqual([1, 10]);
  expect(gradOf(x)).toEqual([2, 11]);
});

test('a second backward() through the same graph is refused, unless it was retained', () => {
  const x = leaf([1, 2]);
  const y = x.exp().sum();
  y.backward(null, { retainGraph: true });
  y.backward();
  expect(() => y.backward()).toThrow(/exp: the values this op saved have been freed.*retainGraph/s);
});

test('a value overwritten after it was saved is refused, naming both ops', () => {
  const x = leaf([1, 2]);
  const y = x.exp();
  const z = y.mul(y).sum();
  noGrad(() => y.add_(1));
  expect(() => z.backward()).toThrow(/mul: a value it saved for its gradient was overwritten by add_/);
});

test('a leaf that requires a gradient cannot be written while ops are recorded', () => {
  const x = leaf([1, 2]);
  expect(() => x.add_(1)).toThrow(/add_: this tensor \[2\] is a leaf that requires a gradient/);
  noGrad(() => x.add_(1));
  expect(x.toArray()).toEqual([2, 3]);
});

test('backward() needs one element, or a gradient of the shape', () => {
  const x = leaf([1, 2]);
  expect(() => x.mul(2).backward()).toThrow(/expected an output with one element, got \[2\]/);
  expect(() => x.mul(2).backward(tensor([1]))).toThrow(/shape \[2\], got \[1\]/);
  expect(() => tensor([1]).backward()).toThrow(/does not require a gradient/);
});

test('noGrad records nothing, enableGrad inside it does', () => {
  const x = leaf([1]);
  expect(noGrad(() => x.mul(2)).requiresGrad).toBe(false);
  expect(noGrad(() => enableGrad(() => x.mul(2))).requiresGrad).toBe(true);
  expect(() => noGrad(async () => x)).toThrow(/must be synchronous/);
});

test('detach() cuts the graph', () => {
  const x = leaf([3]);
  x.mul(x.detach()).sum().backward();
  expect(gradOf(x)).toEqual([3]);
});

test('grad() gives derivatives of any order and leaves .grad alone', () => {
  const x = leaf([2]);
  const y = x.mul(x).mul(x).sum();
  const [first] = grad(y, [x], { createGraph: true });
  const [second] = grad(first.sum(), [x], { createGraph: true });
  const [third] = grad(second.sum(), [x]);
  expect([first.item(), second.item(), third.item()]).toEqual([12, 12, 6]);
  expect(x.grad).toBeNull();
});

test('grad() of an input that does not matter is an error, or null', () => {
  const [x, z] = [leaf([1]), leaf([1])];
  expect(() => grad(x.mul(2).sum(), [x, z])).toThrow(/do not depend on input 1/);
  const [, none] = grad(x.mul(2).sum(), [x, z], { allowUnused: true });
  expect(none).toBeNull();
});

test('broadcast operands get gradients of their own shape', () => {
  const row = tensor([[1, 2, 3]], { requiresGrad: true });
  const column = tensor([[1], [2]], { requiresGrad: true });
  row.mul(column).sum().backward();
  expect(gradOf(row)).toEqual([[3, 3, 3]]);
  expect(gradOf(column)).toEqual([[6], [6]]);
});

test('a graph of a thousand ops does not exhaust the stack', () => {
  const x = leaf([1]);
  let y: Tensor = x;
  for (let i = 0; i < 20000; i++) y = y.add(1);
  y.sum().backward();
  expect(gradOf(x)).toEqual([1]);
});
