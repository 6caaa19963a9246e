/**
 * Ops on a device that does not answer at once, as a GPU does not: what can be done without looking at values gives the same as
 * elsewhere, and what cannot says so by its name. The device is wasm, made deaf.
 */
import * as ops from 'fettle';
import { type Tensor, tensor } from 'fettle';
import { describe, expect, it } from 'vitest';
import { useDevice } from '../../src/backend/current.js';
import { WasmDevice } from '../../src/backend/wasm.js';

const deaf = new WasmDevice();
const readSync = deaf.readSync.bind(deaf);
Object.defineProperties(deaf, {
  answersAtOnce: { value: false },
  read: { value: async (...args: Parameters<typeof readSync>) => readSync(...args) },
  readSync: {
    value: () => {
      throw new Error('a value was read at once');
    },
  },
});

/** What `body` gives on the deaf device. */
async function unheard(body: () => readonly Tensor[]): Promise<number[][]> {
  useDevice(deaf);
  try {
    return await Promise.all(body().map(async (y) => Array.from(await y.data(), Number)));
  } finally {
    useDevice(null);
  }
}

const line = [0.5, -2, 0, 3, 1.5, 0, -1, 0.25];
const withNaN = [3, Number.NaN, 1, 2, 2, 5, Number.NaN, -1, 7, 4, 0, 6];

/** The gradient of `of` at x, weighed by element. */
function gradient(x: Tensor, of: (x: Tensor) => Tensor): Tensor {
  x.requiresGrad = true;
  const y = of(x);
  y.mul(
    tensor(
      Array.from({ length: y.numel() }, (_, i) => i - 1.5),
      [...y.shape],
    ),
  )
    .sum()
    .backward();
  return x.grad as Tensor;
}

const matrix = (data = line): Tensor => tensor(data, [2, data.length / 2]);
const table = (): Tensor => tensor([3, 4, 1, 0, -6, 8, 0, 0.5], [4, 2]);
const whole = (...data: number[]): Tensor => tensor(data, [data.length], { dtype: 'int32' });
const steps = (): Tensor => ops.zeros([4, 2, 3]);
const places = (): Tensor => tensor([2, 0, 2, 1], [4], { dtype: 'int32' });

const cases: Record<string, () => readonly Tensor[]> = {
  'prod, its gradient beside zeros': () => [gradient(matrix(), (x) => x.prod(1)), gradient(matrix(), (x) => x.prod())],
  'prod, its gradient without': () => [gradient(tensor([1, 2, -3]), (x) => x.prod())],
  'cumprod, its gradient beside zeros': () => [
    gradient(matrix(), (x) => x.cumprod(1)),
    gradient(matrix(), (x) => x.cumprod(0)),
  ],
  'cumprod, its gradient without': () => [gradient(tensor([1, 2, -3]), (x) => x.cumprod(0))],
  'logcumsumexp, its gradient': () => [gradient(matrix(), (x) => x.logcumsumexp(1))],
  'embedding with maxNorm': () => {
    const weight = table();
    return [ops.embedding(places(), weight, { maxNorm: 2 }), weight];
  },
  'embedding, its gradient by frequency': () => [
    gradient(table(), (w) => ops.embedding(places(), w, { scaleGradByFreq: true, paddingIdx: 1 })),
  ],
  'embedding, its gradient by rows': () => [gradient(table(), (w) => ops.embedding(places(), w, { sparse: true }))],
  embeddingBag: () => [ops.embeddingBag(places().reshape([2, 2]), table(), { mode: 'mean' })],
  'take, put and indexFill': () => {
    const at = tensor([-1, 2], [2], { dtype: 'int32' });
    return [
      matrix().take(at),
      ops.put(matrix(), at, tensor([9, 8])),
      ops.indexFill(matrix(), 1, at, 7),
      gradient(matrix(), (x) => x.take(at)),
    ];
  },
  'index by tensors': () => {
    const [rows, columns] = [tensor([0, -1], [2], { dtype: 'int32' }), tensor([[1], [-2]], { dtype: 'int32' })];
    return [
      ops.index(matrix(), [rows, columns]),
      ops.index(matrix(), [null, columns]),
      ops.index(matrix(), [[1, 0]]),
      gradient(matrix(), (x) => ops.index(x, [rows, columns])),
    ];
  },
  medians: () =>
    [line, withNaN].flatMap((data) => {
      const [a, b] = [ops.median(matrix(data), 1), ops.nanmedian(matrix(data), 0)];
      return [ops.median(matrix(data)), ops.nanmedian(matrix(data)), a.values, a.indices, b.values, b.indices];
    }),
  kthvalue: () => {
    const { values, indices } = ops.kthvalue(matrix(), 2, 1, true);
    return [values, indices, ops.kthvalue(tensor(5), 1).values];
  },
  quantiles: () =>
    (['linear', 'lower', 'higher', 'midpoint', 'nearest'] as const).flatMap((interpolation) =>
      [line, withNaN].flatMap((data) => [
        ops.quantile(matrix(data), 0.3, 1, false, { interpolation }),
        ops.nanquantile(matrix(data), 0.7, { interpolation }),
      ]),
    ),
  oneHot: () => [ops.oneHot(places(), 3)],
  'gaussianNllLoss and bce': () => [
    ops.gaussianNllLoss(tensor([1, 2]), tensor([0, 2.5]), tensor([0.5, 2])),
    ops.bce(tensor([0.25, 0.5]), tensor([1, 0])),
  ],
  cov: () => [ops.cov(matrix())],
  'ctcLoss, of rows': () => spellings(() => tensor([1, 2, 2, 3, 9, 9, 1, 1, 9, -7, 9, 9], [4, 3], { dtype: 'int32' })),
  'ctcLoss, of labels in one line': () => spellings(() => tensor([1, 2, 2, 3, 1, 1], [6], { dtype: 'int32' })),
  'ctcLoss, of more labels than there are steps': () => [
    ops.ctcLoss(tensor(line, [4, 1, 2]), whole(1, 1, 1, 1, 1, 1, 1), whole(4), whole(7), { reduction: 'none' }),
    ops.ctcLoss(tensor(line, [8, 1]), whole(), whole(8), whole(0)),
  ],
};

/** Losses and gradients of four sequences, with lengths as tensors and as arrays. */
function spellings(targets: () => Tensor): readonly Tensor[] {
  const [times, counts] = [
    [5, 4, 5, 0],
    [3, 1, 2, 0],
  ] as const;
  const scores = (): Tensor => ops.logSoftmax(ops.sin(ops.arange(0, 80, 1)).reshape([5, 4, 4]), 2);
  return (['none', 'mean'] as const).flatMap((reduction) =>
    [
      [whole(...times), whole(...counts)],
      [whole(...times), counts],
      [times, whole(...counts)],
      [times, counts],
    ].flatMap(([inputLengths, targetLengths]) => {
      const loss = (x: Tensor): Tensor =>
        ops.ctcLoss(x, targets(), inputLengths as Tensor, targetLengths as Tensor, { reduction });
      return [loss(scores()), gradient(scores(), loss)];
    }),
  );
}

describe('without values', () => {
  for (const [name, body] of Object.entries(cases)) {
    it(name, async () => {
      const wanted = body().map((y) => Array.from(y.dataSync(), Number));
      const got = await unheard(body);
      expect(got.length).toBe(wanted.length);
      got.forEach((numbers, i) => {
        const expected = wanted[i] as number[];
        expect(numbers.length).toBe(expected.length);
        numbers.forEach((value, k) => {
          const right = expected[k] as number;
          if (Number.isNaN(right)) expect(value).toBeNaN();
          else if (!Number.isFinite(right)) expect(value).toBe(right);
          else expect(Math.abs(value - right)).toBeLessThan(2e-6 * Math.max(1, Math.abs(right)));
        });
      });
    });
  }
});

describe('what is out of range is refused all the same', () => {
  const bad: Record<string, () => unknown> = {
    index: () => ops.index(matrix(), [tensor([2], [1], { dtype: 'int32' })]),
    oneHot: () => ops.oneHot(places(), 2),
    gaussianNllLoss: () => ops.gaussianNllLoss(tensor([1]), tensor([0]), tensor([-1])),
    bernoulli: () => ops.bernoulli(tensor([1.5])),
    bce: () => ops.bce(tensor([1.5]), tensor([1])),
    'ctcLoss: inputLengths': () => ops.ctcLoss(steps(), whole(1, 2), whole(4, 5), whole(1, 1)),
    'ctcLoss: targetLengths': () => ops.ctcLoss(steps(), whole(1, 2), [4, 4], whole(3, -1)),
    'ctcLoss: targetLengths add up': () => ops.ctcLoss(steps(), whole(1, 2), [4, 4], whole(2, 1)),
    'ctcLoss: a label': () => ops.ctcLoss(steps(), whole(1, 3), [4, 4], whole(1, 1)),
  };
  for (const [name, body] of Object.entries(bad)) {
    it(name, async () => {
      await expect(unheard(() => [body() as Tensor])).rejects.toThrow(name.includes(':') ? name : `${name}: `);
    });
  }
});

describe('what needs values says so', () => {
  const needy: Record<string, () => unknown> = {
    nonzero: () => ops.nonzero(matrix()),
    maskedSelect: () => ops.maskedSelect(matrix(), matrix().gt(0)),
    unique: () => ops.unique(matrix()),
    uniqueConsecutive: () => ops.uniqueConsecutive(matrix()),
    isin: () => ops.isin(matrix(), 3),
    mode: () => ops.mode(matrix()),
    bincount: () => ops.bincount(whole(1, 2)),
    histc: () => ops.histc(matrix()),
    searchsorted: () => ops.searchsorted(tensor([1, 2]), matrix()),
    repeatInterleave: () => ops.repeatInterleave(tensor([1, 2]), whole(1, 2)),
    tensorSplit: () => ops.tensorSplit(matrix(), whole(1), 1),
    allclose: () => ops.allclose(matrix(), matrix()),
    equal: () => ops.equal(matrix(), matrix()),
    poisson: () => ops.poisson(matrix()),
    multinomial: () => ops.multinomial(tensor([1, 2]), 1),
    multiMarginLoss: () => ops.multiMarginLoss(matrix(), whole(0, 1)),
    oneHot: () => ops.oneHot(places()),
  };
  for (const [name, body] of Object.entries(needy)) {
    it(name, () => {
      useDevice(deaf);
      try {
        expect(body).toThrow(new RegExp(`^${name}: needs the values of a tensor .* a GPU .*download`));
      } finally {
        useDevice(null);
      }
    });
  }
});
