import { backward, grad, noGrad, scope, type Tensor, tensor } from 'fettle';
import { expect, test } from 'vitest';

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });

test('hooks come in order, before grad, and may replace the gradient', () => {
  const x = leaf([1, 2]);
  const seen: unknown[] = [];
  x.registerHook((g) => {
    seen.push(g.toArray());
    return g.mul(2);
  });
  const last = x.registerHook((g) => void seen.push(g.toArray()));
  x.mul(3).sum().backward();
  expect([seen, x.grad?.toArray()]).toEqual([
    [
      [3, 3],
      [6, 6],
    ],
    [6, 6],
  ]);
  last.remove();
  last.remove();
  x.mul(3).sum().backward();
  expect(seen.length).toBe(3);
});

test('a gradient that a hook keeps outlives the pass, and stays as it is', () => {
  const x = leaf([1, 2]);
  const kept: Tensor[] = [];
  x.registerHook((g) => void kept.push(g));
  x.mul(3).sum().backward();
  x.mul(4).sum().backward();
  expect(kept.map((g) => g.toArray())).toEqual([
    [3, 3],
    [4, 4],
  ]);
});

test('hooks run for grad() too, and after what is retained comes last', () => {
  const x = leaf([1, 2]);
  const y = x.mul(2);
  y.retainGrad();
  y.registerHook((g) => g.mul(10));
  const [g] = grad(y.mul(3).sum(), [x]);
  expect([g.toArray(), y.grad?.toArray(), y.retainsGrad, x.retainsGrad]).toEqual([[60, 60], [30, 30], true, false]);
});

test('after a write, hooks see what the tensor was when they came', () => {
  const x = leaf([1, 2]);
  const y = x.mul(2);
  const seen: unknown[] = [];
  y.registerHook((g) => void seen.push(['before', g.toArray()]));
  y.mul_(3);
  y.registerHook((g) => void seen.push(['after', g.toArray()]));
  y.mul(5).sum().backward();
  expect(seen).toEqual([
    ['after', [5, 5]],
    ['before', [15, 15]],
  ]);
});

test('a hook must keep the shape', () => {
  const x = leaf([1, 2]);
  x.registerHook((g) => g.sum());
  expect(() => x.mul(3).sum().backward()).toThrow(/must keep the gradient's shape \[2\], it returned \[\]/);
});

test('after accumulation a leaf can be told', () => {
  const x = leaf([1, 2]);
  const seen: unknown[] = [];
  const handle = x.registerPostAccumulateGradHook((p) => {
    seen.push(p.grad?.toArray());
    p.grad = null;
  });
  x.mul(3).sum().backward();
  x.mul(4).sum().backward();
  handle.remove();
  x.mul(5).sum().backward();
  expect([seen, x.grad?.toArray()]).toEqual([
    [
      [3, 3],
      [4, 4],
    ],
    [5, 5],
  ]);
  expect(() => x.mul(2).registerPostAccumulateGradHook(() => undefined)).toThrow(/expected a leaf/);
});

test('a leaf that is waited for has its gradient before those of earlier layers are computed', () => {
  const [x, w1, w2] = [leaf([1, 2]), leaf([3, 4]), leaf([5, 6])];
  const seen: string[] = [];
  const hidden = x.mul(w1);
  hidden.registerHook(() => void seen.push('hidden'));
  w1.registerPostAccumulateGradHook(() => void seen.push('w1'));
  w2.registerPostAccumulateGradHook(() => void seen.push('w2'));
  hidden.mul(w2).add(w2.mul(3)).sum().backward();
  expect(seen).toEqual(['w2', 'hidden', 'w1']);
  expect(w2.grad?.toArray()).toEqual([6, 11]);
  expect(x.grad?.toArray()).toEqual([15, 24]);
});

test('a hook that changes the gradient of its leaf changes no other', () => {
  const [a, b, c] = [leaf([1, 2]), leaf([1, 2]), leaf([1, 2])];
  a.registerPostAccumulateGradHook((t) => void (t.grad as Tensor).mul_(100));
  // The gradient of a sum is that of its terms, one tensor for all of them.
  a.add(b.mul(2)).add(c).sum().backward();
  expect([a, b, c].map((t) => t.grad?.toArray())).toEqual([
    [100, 100],
    [2, 2],
    [1, 1],
  ]);
});

test('backward of several tensors, with gradients, into some', () => {
  const [x, w] = [leaf([1, 2]), leaf([3, 4])];
  const y = x.mul(w);
  backward([y, x.sum()], [tensor([1, 10]), null], { inputs: [x] });
  expect([x.grad?.toArray(), w.grad]).toEqual([[4, 41], null]);
  const z = x.mul(2);
  z.square().sum().backward({ inputs: z });
  expect([z.grad?.toArray(), x.grad?.toArray()]).toEqual([
    [4, 8],
    [4, 41],
  ]);
  expect(() => backward([y], [null, null])).toThrow(/1 outputs and 2 gradients/);
  expect(() => x.sum().backward({ inputs: [] })).toThrow(/at least one tensor/);
});

test('arguments by position, by name, and mixed', () => {
  const x = leaf([1, 2]);
  const y = x.square();
  y.backward(tensor([1, 1]), true);
  y.backward({ gradient: tensor([1, 1]), retainGraph: true });
  y.backward(tensor([1, 1]), { retainGraph: false });
  expect(x.grad?.toArray()).toEqual([6, 12]);
  const z = x.square();
  expect(grad(z, [x], tensor([1, 2]), true)[0].toArray()).toEqual([2, 8]);
  expect(grad([z], x, { gradOutputs: [tensor([1, 2])] })[0]?.toArray()).toEqual([2, 8]);
  expect(() => x.sum().backward({ retain: true } as never)).toThrow(/no option 'retain'/);
});

test('unused inputs as null or zeros', () => {
  const [x, w] = [leaf([1, 2]), leaf([3])];
  const [, none] = grad(x.sum(), [x, w], { allowUnused: true });
  const [, zero] = grad(x.sum(), [x, w], { materializeGrads: true });
  expect([none, zero.toArray()]).toEqual([null, [0]]);
});

test('guards switch recording for code that awaits', async () => {
  const x = leaf([1]);
  const guard = noGrad();
  await Promise.resolve();
  expect(x.mul(2).requiresGrad).toBe(false);
  guard.end();
  guard.end();
  expect(x.mul(2).requiresGrad).toBe(true);
});

test('a buffer written in scopes keeps its graph', () => {
  const w = leaf([1, 2]);
  const buffer = tensor([
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  for (let i = 0; i < 3; i++) {
    scope(() => {
      buffer.select(0, i).copy_(w.mul(i + 1).exp());
    });
  }
  scope(() => buffer.log().sum().backward());
  expect((w.grad as Tensor).toArray()).toEqual([6, 6]);
});

test('a tensor written in a scope keeps its graph, and a float16 leaf gets float16', () => {
  const h = tensor([1, 2], { dtype: 'float16', requiresGrad: true });
  const y = h.float();
  scope(() => y.exp_());
  y.sum().backward();
  expect(h.grad?.dtype).toBe('float16');
  y.detach().exp();
  h.float().sum().backward();
  expect(((h.grad as Tensor).toArray() as number[]).map((v) => Math.round(v * 10))).toEqual([37, 84]);
});

test('refusals name both ops, the view and what to do', () => {
  const x = leaf([1, 2]);
  const y = x.mul(1);
  const z = y.sigmoid();
  z.mul_(2);
  expect(() => z.sum().backward()).toThrow(/sigmoid: a value it saved for its gradient was overwritten by mul_/);
  expect(() => x.narrow(0, 0, 1).add_(1)).toThrow(/is a view of a leaf that requires a gradient.*noGrad/s);
  expect(() => noGrad(() => y.narrow(0, 0, 1)).add_(1)).toThrow(/was made within noGrad\(\)/);
  expect(() => y.expand(2, 2).add_(1)).toThrow(/share memory.*clone\(\)/s);
  expect(() => y.split(1)[0]?.add_(1)).toThrow(/one of several that split\(\) gave/);
});
