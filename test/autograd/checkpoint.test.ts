import {
  checkpoint,
  checkpointSequential,
  dropout,
  grad,
  manualSeed,
  memory,
  noGrad,
  type Tensor,
  tensor,
} from 'fettle';
import { expect, test } from 'vitest';

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });
const gradOf = (x: Tensor): unknown => (x.grad as Tensor).toArray();

/** Gradients of x and w with `fn` checkpointed, and without. */
function both(fn: (x: Tensor, w: Tensor) => Tensor): [unknown, unknown] {
  const run = (through: boolean): unknown => {
    const [x, w] = [leaf([0.5, -1, 2]), leaf([1, 2, 3])];
    const y = through ? checkpoint(fn, x, w) : fn(x, w);
    y.square().sum().backward();
    return [y.toArray(), gradOf(x), gradOf(w)];
  };
  return [run(true), run(false)];
}

test('gradients are those without a checkpoint', () => {
  const [a, b] = both((x, w) => x.mul(w).sigmoid().mul(x.exp()));
  expect(a).toEqual(b);
});

test('a checkpoint in a checkpoint', () => {
  const [a, b] = both((x, w) => checkpoint((v: Tensor) => v.sigmoid().mul(w).exp(), x.mul(w)).mul(x));
  expect(a).toEqual(b);
});

test('writes in place inside', () => {
  const [a, b] = both((x, w) => x.mul(w).add_(w).exp_());
  expect(a).toEqual(b);
});

test('several inputs and outputs, one of them unused', () => {
  const [x, w] = [leaf([1, 2]), leaf([3, 4])];
  const [y] = checkpoint((a: Tensor, b: Tensor) => [a.mul(b), a.exp()] as const, x, w);
  y.sum().backward();
  expect([gradOf(x), gradOf(w)]).toEqual([
    [3, 4],
    [1, 2],
  ]);
});

test('tensors from outside get their gradients too', () => {
  const [x, w] = [leaf([1, 2]), leaf([3, 4])];
  checkpoint((v: Tensor) => v.mul(w).square(), x)
    .sum()
    .backward();
  expect(gradOf(w)).toEqual([6, 32]);
});

test('dropout drops the same elements, and the stream goes on as without', () => {
  const run = (through: boolean): unknown => {
    manualSeed(3);
    const x = leaf(Array.from({ length: 40 }, (_, i) => i / 10));
    const fn = (v: Tensor): Tensor => dropout(v.exp(), 0.5).square();
    const y = through ? checkpoint(fn, x) : fn(x);
    y.sum().backward();
    return [y.toArray(), gradOf(x), dropout(tensor([1, 1, 1, 1, 1, 1])).toArray()];
  };
  expect(run(true)).toEqual(run(false));
});

test('second derivatives pass through', () => {
  const x = leaf([0.5, 2]);
  const y = checkpoint((v: Tensor) => v.pow(3).exp(), x).sum();
  const z = x.pow(3).exp().sum();
  const second = (out: Tensor): unknown => {
    const [g] = grad(out, [x], { createGraph: true });
    return grad(g.sum(), [x])[0].toArray();
  };
  expect(second(y)).toEqual(second(z));
});

test('the graph may be kept and used again', () => {
  const x = leaf([1, 2]);
  const y = checkpoint((v: Tensor) => v.square().square(), x).sum();
  y.backward({ retainGraph: true });
  y.backward();
  expect(gradOf(x)).toEqual([8, 64]);
  expect(() => y.backward()).toThrow(/have been freed/);
});

test('what would be saved is not held in between', () => {
  const x = leaf(new Array(1000).fill(0.5));
  const before = memory().bytes;
  const y = checkpoint((v: Tensor) => v.exp().sin().exp().sin().exp().sum(), x);
  expect(memory().bytes - before).toBeLessThan(1000);
  const held = x.exp().sin().exp().sin().exp().sum();
  expect(memory().bytes - before).toBeGreaterThan(16000);
  y.add(held).backward();
});

test('inputs overwritten in between are refused', () => {
  const x = leaf([1, 2]);
  const v = x.mul(1);
  const y = checkpoint((u: Tensor) => u.exp(), v).sum();
  v.add_(1);
  expect(() => y.backward()).toThrow(/checkpoint: a value it saved for its gradient was overwritten by add_/);
});

test('a function that does something else the second time is refused', () => {
  const x = leaf([1, 2]);
  let calls = 0;
  const y = checkpoint((v: Tensor) => (calls++ === 0 ? v.exp() : v.exp().exp()), x).sum();
  expect(() => y.backward()).toThrow(/1 ops that save values when it ran first, and 2/);
});

test('nothing is kept where nothing is recorded', () => {
  const x = leaf([1, 2]);
  expect(noGrad(() => checkpoint((v: Tensor) => v.exp(), x)).requiresGrad).toBe(false);
  expect(checkpoint((v: Tensor) => v.exp(), tensor([1])).requiresGrad).toBe(false);
});

test('a sequence in segments', () => {
  const parts = [
    (v: Tensor) => v.exp(),
    { forward: (v: Tensor) => v.sin() },
    (v: Tensor) => v.square(),
    (v: Tensor) => v.mul(2),
  ];
  const [x, z] = [leaf([1, 2]), leaf([1, 2])];
  checkpointSequential(parts, 2, x).sum().backward();
  z.exp().sin().square().mul(2).sum().backward();
  expect(gradOf(x)).toEqual(gradOf(z));
  expect(() => checkpointSequential(parts, 5, x)).toThrow(/segments must be in \[1, 4\]/);
});
