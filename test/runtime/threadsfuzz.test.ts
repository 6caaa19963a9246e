import fc from 'fast-check';
import {
  batchNorm,
  conv2d,
  crossEntropy,
  deterministic,
  Generator,
  layerNorm,
  randint,
  randn,
  scaledDotProductAttention,
  scope,
  setThreads,
  type Tensor,
} from 'fettle';
import { afterAll, describe, expect, it } from 'vitest';

/** A computation of shapes that were drawn: all numbers that come of it, gradients included. */
interface Case {
  readonly op: string;
  readonly sizes: readonly number[];
  readonly seed: number;
}

type Make = (shape: number[]) => Tensor;

/** By name: what is computed of tensors that `make` makes, of sizes 1 … 40 and more. */
const ops: Readonly<
  Record<string, (sizes: readonly [number, number, number], make: Make, generator: Generator) => Tensor>
> = {
  matmul: ([a, b, c], make) => make([a * 4, b * 3]).matmul(make([b * 3, c * 5])),
  product: ([a, b, c], make) => make([a % 5, b * 2 + 1, c]).matmul(make([a % 5, c, b + 3])),
  chain: ([a, b, c], make) =>
    make([a, b * c])
      .tanh()
      .mul(make([1, b * c]))
      .exp()
      .sqrt()
      .add(make([a, 1])),
  reduce: ([a, b, c], make) =>
    make([a, b, c * 9])
      .sum(1)
      .add(make([a, c * 9]).mean(0)),
  softmax: ([a, b, c], make) =>
    make([a * 3, b, c * 4])
      .softmax(2)
      .logsumexp(1),
  conv: ([a, b, c], make) =>
    conv2d(make([1 + (a % 4), 3, b + 4, c + 4]), make([5, 3, 3, 3]), make([5]), { padding: 1 }),
  norm: ([a, b, c], make) => batchNorm(make([a + 1, 6, b, c]), null, null, { training: true }).mul(2),
  layer: ([a, b, c], make) => layerNorm(make([a * 5, b, c * 6]), [c * 6]),
  attention: ([a, b, c], make) => {
    const shape = [2, 1 + (a % 3), b + 1, 4 + (c % 3) * 4];
    return scaledDotProductAttention(make(shape), make(shape), make(shape));
  },
  entropy: ([a, b, c], make, generator) =>
    crossEntropy(make([a * b + 1, c + 1]), randint(0, c + 1, [a * b + 1], { generator })),
  movement: ([a, b, c], make) =>
    make([a, b, c])
      .transpose(0, 2)
      .reshape([c * b, a])
      .flip(0)
      .cumsum(1),
  index: ([a, b, c], make, generator) => make([a * b, c]).indexSelect(0, randint(0, a * b, [b * 7], { generator })),
};

const cases: readonly Case[] = fc.sample(
  fc.record({
    op: fc.constantFrom(...Object.keys(ops)),
    sizes: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
    seed: fc.integer({ min: 1, max: 1e6 }),
  }),
  { seed: 7, numRuns: 150 },
);

/** The bits of a result and of the gradients of all that went in. */
function bitsOf({ op, sizes, seed }: Case): string {
  return scope(() => {
    const generator = new Generator(seed);
    const inputs: Tensor[] = [];
    const make: Make = (shape) => {
      const x = randn(
        shape.map((size) => Math.max(size, 1)),
        { generator, requiresGrad: true },
      );
      inputs.push(x);
      return x;
    };
    const y = ops[op]?.(sizes as [number, number, number], make, generator) as Tensor;
    y.sum().backward();
    const all = [y, ...inputs.flatMap(({ grad }) => (grad === null ? [] : [grad]))];
    return all.map((x) => [...new Int32Array(Float32Array.from(x.dataSync()).buffer)].join()).join(';');
  });
}

afterAll(async () => {
  await setThreads(1);
  await deterministic(false);
});

describe('shapes drawn at random', () => {
  it('give the same bits on 2, 3 and 4 threads as on one', async () => {
    await deterministic(true);
    const alone = cases.map(bitsOf);
    for (const threads of [2, 3, 4]) {
      expect(await setThreads(threads)).toBe(threads);
      cases.forEach((one, i) => {
        expect(bitsOf(one) === alone[i], `${threads} threads: ${JSON.stringify(one)}`).toBe(true);
      });
    }
  }, 120_000);
});
