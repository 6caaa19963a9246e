import { autograd, crossEntropy, FettleError, randn, scope, sparse, type Tensor, tensor, zeros } from 'fettle';
import { Embedding } from 'fettle/nn';
import { Adagrad, Adam, clipGradNorm, GD, type Optimizer, SGD, SparseAdam } from 'fettle/optim';
import { describe, expect, it } from 'vitest';
import { Generator } from '../../src/core/random.js';

/** Gradients of which only some rows are held: nobody but the clock may notice. */

const COLUMNS = 5000;
const random = new Generator(11);

/** A few entries among many columns. */
function scattered(rows: number): sparse.SparseTensor {
  const heads = [0];
  const places: number[] = [];
  for (let r = 0; r < rows; r++) {
    const own = new Set(Array.from({ length: 5 }, () => random.below(COLUMNS)));
    places.push(...[...own].sort((a, b) => a - b));
    heads.push(places.length);
  }
  const values = Float32Array.from(places, () => random.normal());
  return sparse.csr(heads, places, tensor(values), [rows, COLUMNS]);
}

const numbers = (x: Tensor | null): number[] => Array.from((x as Tensor).dataSync());

function near(a: Tensor | null, b: Tensor | null): void {
  const [x, y] = [numbers(a), numbers(b)];
  expect(x.length).toBe(y.length);
  let worst = 0;
  x.forEach((v, i) => {
    worst = Math.max(worst, Math.abs(v - (y[i] as number)));
  });
  expect(worst).toBeLessThan(1e-5);
}

describe('a gradient by rows', () => {
  it('is the gradient, as soon as somebody reads it', () => {
    const s = scattered(4);
    for (const shape of [[COLUMNS, 3], [COLUMNS]] as const) {
      const w = randn([...shape], { requiresGrad: true });
      const y = s.matmul(w);
      const g = randn(y.shape);
      const [whole] = autograd.grad([y.mul(g).sum()], [w]);
      s.matmul(w).mul(g).sum().backward();
      expect(w.rowGrad?.rows.length).toBe(new Set(s.colIndices).size);
      expect([...(w.rowGrad?.rows ?? [])]).toEqual([...new Set(s.colIndices)].sort((a, b) => a - b));
      near(w.grad, whole);
      expect(w.grad?.shape).toEqual([...shape]);
      expect(w.rowGrad).toBe(null);
    }
  });

  it('adds up over passes, with others by rows and with whole ones, in either order', () => {
    const [s, t] = [scattered(4), scattered(6)];
    const w = randn([COLUMNS, 2], { requiresGrad: true });
    const one = (): Tensor => s.matmul(w).sum();
    const two = (): Tensor => t.matmul(w).mul(3).sum();
    const three = (): Tensor => w.mul(w).sum();
    for (const parts of [[one], [one, two], [two, one, two], [three, one], [one, three], [one, three, two]]) {
      const [wanted] = autograd.grad([parts.map((part) => part()).reduce((a, b) => a.add(b))], [w]);
      for (const part of parts) part().backward();
      near(w.grad, wanted);
      w.grad?.dispose();
      w.grad = null;
      // All in one graph.
      parts
        .map((part) => part())
        .reduce((a, b) => a.add(b))
        .backward();
      near(w.grad, wanted);
      w.grad = null;
    }
  });

  it('is whole where it is watched or differentiated', () => {
    const s = scattered(3);
    const w = randn([COLUMNS, 2], { requiresGrad: true });
    const seen: number[] = [];
    const handle = w.registerHook((g) => void seen.push(g.numel()));
    s.matmul(w).sum().backward();
    expect(seen).toEqual([2 * COLUMNS]);
    expect(w.rowGrad).toBe(null);
    handle.remove();
    w.grad = null;
    s.matmul(w).sum().backward({ createGraph: true });
    expect(w.rowGrad).toBe(null);
    w.grad = null;
    s.matmul(w)
      .sum()
      .backward({ inputs: [w] });
    expect(w.rowGrad).toBe(null);
    // What is no leaf has a gradient like any other.
    w.grad = null;
    s.matmul(w.mul(2)).sum().backward();
    expect(w.rowGrad).toBe(null);
    const table = randn([100, 4], { requiresGrad: true });
    const values = s.withValues(s.values.detach());
    values.values.requiresGrad = true;
    expect(
      autograd.gradcheck(
        (x: Tensor) =>
          sparse
            .coo([[0], [1]], [2], [2, 100])
            .matmul(x)
            .sin(),
        [table],
      ),
    ).toBe(true);
  });

  it('lives as long as its leaf, and is freed with it', () => {
    const w = randn([COLUMNS, 2], { requiresGrad: true }).keep();
    scope(() => scattered(3).matmul(w).sum().backward());
    expect(w.rowGrad?.values.disposed).toBe(false);
    expect(numbers(w.grad).some((x) => x !== 0)).toBe(true);
    w.grad?.dispose();
    scope(() => scattered(3).matmul(w).sum().backward());
    w.grad = null;
    w.dispose();
  });
});

describe('optimizers', () => {
  const kinds: [string, (w: Tensor) => Optimizer, boolean][] = [
    ['SGD', (w) => new SGD([w], { lr: 0.1 }), true],
    ['SGD with momentum', (w) => new SGD([w], { lr: 0.1, momentum: 0.9 }), false],
    ['SGD with decay', (w) => new SGD([w], { lr: 0.1, weightDecay: 0.1 }), false],
    ['GD', (w) => new GD([w], { lr: 0.1 }), true],
    ['Adagrad', (w) => new Adagrad([w], { lr: 0.1 }), true],
    ['Adam', (w) => new Adam([w], { lr: 0.1 }), false],
  ];

  it.each(kinds)('%s makes the same steps as with whole gradients', (_name, make, byRows) => {
    const start = Float32Array.from({ length: 2 * COLUMNS }, () => random.normal());
    const [a, b] = [start, start].map((x) => tensor(x.slice(), [COLUMNS, 2], { requiresGrad: true })) as [
      Tensor,
      Tensor,
    ];
    const [fast, slow] = [make(a), make(b)];
    for (let step = 0; step < 3; step++) {
      const s = scattered(6);
      for (const [w, optimizer] of [
        [a, fast],
        [b, slow],
      ] as const) {
        optimizer.zeroGrad();
        s.matmul(w).pow(2).sum().backward();
        // Reading the gradient makes it whole.
        if (w === b) expect(w.grad).not.toBe(null);
        expect(w.rowGrad !== null).toBe(w === a);
        optimizer.step();
        if (w === a) expect(w.rowGrad !== null).toBe(byRows);
      }
      near(a, b);
    }
    fast.dispose();
    slow.dispose();
  });

  it('SparseAdam refuses whole gradients before anything changes', () => {
    const w = randn([10, 2], { requiresGrad: true });
    const before = numbers(w);
    const optimizer = new SparseAdam([w]);
    w.sum().backward();
    expect(() => optimizer.step()).toThrow(FettleError);
    expect(() => optimizer.step()).toThrow('Use Adam for it');
    expect(numbers(w)).toEqual(before);
    const layer = new Embedding(10, 2, { sparse: true, paddingIdx: 1 });
    const rows = new SparseAdam(layer.parameters(), { lr: 0.5 });
    const table = numbers(layer.weight);
    layer
      .forward(tensor([1, 3, 3], { dtype: 'int32' }))
      .sum()
      .backward();
    rows.step();
    const changed = numbers(layer.weight).flatMap((x, i) => (x === table[i] ? [] : [i]));
    expect(changed).toEqual([6, 7]);
    clipGradNorm(layer.parameters(), 1);
    expect(layer.weight.rowGrad).toBe(null);
    for (const owner of [optimizer, rows, layer]) owner.dispose();
  });

  it('free gradients by rows', () => {
    const w = zeros([COLUMNS, 2], { requiresGrad: true });
    const optimizer = new SGD([w], { lr: 1 });
    const s = scattered(2);
    const loss = (): Tensor => crossEntropy(s.matmul(w), tensor([0, 1], { dtype: 'int32' }));
    loss().backward();
    const { values } = w.rowGrad as NonNullable<typeof w.rowGrad>;
    optimizer.zeroGrad();
    expect([values.disposed, w.rowGrad, w.grad]).toEqual([true, null, null]);
    loss().backward();
    optimizer.zeroGrad({ setToNone: false });
    expect(numbers(w.grad).every((x) => x === 0)).toBe(true);
  });
});
