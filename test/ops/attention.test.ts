import { manualSeed, memory, noGrad, randn, scaledDotProductAttention, scope, type Tensor, tensor } from 'fettle';
import { beforeEach, describe, expect, test } from 'vitest';
import { attention } from '../../src/ops/attention.js';
import { causal, seeingWeights } from '../../src/ops/attentionweights.js';
import { isFusable } from '../../src/ops/fusedattention.js';
import { matmul } from '../../src/ops/matmul.js';

/** Attention in one kernel against attention composed of ops, over the edges of blocks of queries, keys and tiles. */

beforeEach(() => {
  manualSeed(4);
});

/** [batch, heads, length, size] that lies in memory as [batch, length, heads, size], as heads do. */
function heads(batch: number, count: number, length: number, size: number): Tensor {
  const leaf = randn([batch, length, count, size]);
  leaf.requiresGrad = true;
  return leaf;
}

const turned = (x: Tensor): Tensor => x.transpose(1, 2);

function expectClose(got: Tensor, want: Tensor, what: string): void {
  expect(got.shape).toEqual(want.shape);
  const [a, b] = [got.dataSync(), want.dataSync()] as [Float32Array, Float32Array];
  const largest = b.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
  for (const [i, v] of b.entries()) {
    if (!(Math.abs((a[i] as number) - v) <= 3e-6 * largest)) throw new Error(`${what}, element ${i}: ${a[i]} for ${v}`);
  }
}

/** Holds result and gradients against those of the composition. */
function check([length, keys, size, width]: readonly number[], mask: Tensor | null, isCausal: boolean): void {
  const shape = { L: length as number, S: keys as number, E: size as number, W: width as number };
  const leaves = [heads(2, 3, shape.L, shape.E), heads(2, 3, shape.S, shape.E), heads(2, 3, shape.S, shape.W)];
  const dy = randn([2, 3, shape.L, shape.W]);
  const results = [true, false].map((fused) => {
    const [q, k, v] = leaves.map(turned) as [Tensor, Tensor, Tensor];
    const shift = isCausal ? causal(q, shape.L, shape.S) : mask;
    if (fused) expect(isFusable(q, k, v, mask)).toBe(true);
    const y = fused
      ? attention(q, k, v, { mask, isCausal, scale: 0.3 }, 0)
      : matmul(seeingWeights(q, k, shift, 0.3), v);
    y.backward(dy);
    const grads = leaves.map((leaf) => (leaf.grad as Tensor).clone());
    for (const leaf of leaves) leaf.grad = null;
    return [y, ...grads];
  });
  const [got, want] = results as [Tensor[], Tensor[]];
  ['result', 'dq', 'dk', 'dv'].forEach((what, i) => expectClose(got[i] as Tensor, want[i] as Tensor, what));
}

/** A mask that hides every third key, and everything from the second query. */
function hiding(length: number, keys: number): Tensor {
  const values = Float32Array.from({ length: length * keys }, (_, i) =>
    (i % keys) % 3 === 1 || Math.floor(i / keys) === 1 ? Number.NEGATIVE_INFINITY : (i % 7) / 7,
  );
  return tensor(values, [length, keys], { dtype: 'float32' });
}

describe.each([
  [4, 1, 1, 1],
  [5, 3, 2, 7],
  [6, 9, 5, 3],
  [63, 64, 16, 16],
  [65, 129, 8, 12],
  [70, 300, 9, 33],
  [130, 127, 20, 8],
])('%i queries, %i keys of %i, values of %i', (...sizes) => {
  const [length, keys] = sizes;
  test('plain', () => check(sizes, null, false));
  test('causal', () => check(sizes, null, true));
  test('masked', () => check(sizes, hiding(length, keys), false));
  test('a mask for each head, the same for all queries', () => check(sizes, randn([3, 1, keys]), false));
  test('one number for each query', () => check(sizes, randn([2, 1, length, 1]), false));
});

test('leading dimensions broadcast, and their gradients are summed', () => {
  const [q, k, v] = [randn([5, 2, 8, 4]), randn([2, 6, 4]), randn([5, 1, 6, 3])];
  for (const x of [q, k, v]) x.requiresGrad = true;
  const dy = randn([5, 2, 8, 3]);
  const gradients = (y: Tensor): Tensor[] => {
    y.backward(dy);
    return [q, k, v].map((x) => {
      const g = (x.grad as Tensor).clone();
      x.grad = null;
      return g;
    });
  };
  const got = gradients(scaledDotProductAttention(q, k, v));
  const want = gradients(matmul(seeingWeights(q, k, null, 0.5), v));
  got.forEach((g, i) => expectClose(g, want[i] as Tensor, `operand ${i}`));
});

test('a score that is NaN or infinite spoils its query alone', () => {
  const q = randn([8, 4]);
  const bad = q.clone();
  noGrad(() => bad.select(0, 2).fill_(Number.NaN));
  const [k, v] = [randn([9, 4]), randn([9, 5])];
  const [clean, spoiled] = [q, bad].map((x) => scaledDotProductAttention(x, k, v).dataSync()) as [
    Float32Array,
    Float32Array,
  ];
  for (const [i, value] of spoiled.entries()) {
    if (Math.floor(i / 5) === 2) expect(value).toBeNaN();
    else expect(value).toBe(clean[i]);
  }
});

test('memory grows with the length and not with its square', () => {
  const used = (length: number): number => {
    const x = heads(1, 1, length, 16);
    return scope(() => {
      const before = memory().bytes;
      const y = scaledDotProductAttention(turned(x), turned(x), turned(x));
      return memory().bytes - before + 0 * y.numel();
    });
  };
  expect(used(1024)).toBeLessThan(2.5 * used(512));
});
