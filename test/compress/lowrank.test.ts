import { readFileSync } from 'node:fs';
import { FettleError, Generator, manualSeed, memory, noGrad, randn, type Tensor } from 'fettle';
import { factorize, pack, prune, unpack } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cp, cpError } from '../../src/compress/lowrank/cp.js';
import { symmetricEigen } from '../../src/compress/lowrank/eigen.js';
import { leadingSvd, multiply, svd, transpose } from '../../src/compress/lowrank/svd.js';
import { spectra, tucker2 } from '../../src/compress/lowrank/tucker.js';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(0);
});
afterEach(release);

interface Case {
  name: string;
  shape: [number, number];
  a: number[];
  sigma: number[];
  eigenvalues?: number[];
}
const cases = JSON.parse(readFileSync(new URL('../golden/svd.json', import.meta.url), 'utf8')) as Case[];

const random = new Generator(5);
const normal = (size: number): Float64Array => Float64Array.from({ length: size }, () => random.normal());
const norm = (a: ArrayLike<number>): number => Math.sqrt(Array.from(a).reduce((sum, v) => sum + v * v, 0));
const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0);

/** How far rows are from being orthogonal and of length 1. */
function fromOrthonormal(rows: Float64Array, count: number, width: number): number {
  const product = multiply(rows, transpose(rows, count, width), count, width, count);
  return farthest(
    product,
    Array.from(product, (_, at) => Number(Math.floor(at / count) === at % count)),
  );
}

describe('eigenvalues', () => {
  test.each(cases.flatMap((one) => (one.eigenvalues === undefined ? [] : [[one.name, one] as const])))(
    'are numpy’s: %s',
    (_, { a, shape: [n], eigenvalues = [] }) => {
      const matrix = Float64Array.from(a, (v, at) => (v + (a[(at % n) * n + Math.floor(at / n)] as number)) / 2);
      const { values, vectors } = symmetricEigen(matrix, n);
      const largest = Math.max(...eigenvalues.map(Math.abs), 1e-300);
      expect(farthest(values, eigenvalues) / largest).toBeLessThan(1e-13);
      expect(fromOrthonormal(vectors, n, n)).toBeLessThan(1e-13);
      // A v = λ v for each of them.
      const images = multiply(vectors, matrix, n, n, n);
      const scaled = vectors.map((v, at) => v * (values[Math.floor(at / n)] as number));
      expect(farthest(images, scaled) / largest).toBeLessThan(1e-13);
    },
  );

  test('of a larger matrix hold together', () => {
    const n = 90;
    const b = normal(n * n);
    const matrix = b.map((v, at) => v + (b[(at % n) * n + Math.floor(at / n)] as number));
    const { values, vectors } = symmetricEigen(matrix, n);
    const back = multiply(
      transpose(vectors, n, n).map((v, at) => v * (values[at % n] as number)),
      vectors,
      n,
      n,
      n,
    );
    expect(farthest(back, matrix)).toBeLessThan(1e-11);
    expect([...values]).toEqual([...values].sort((x, y) => y - x));
  });
});

describe('singular values', () => {
  test.each(cases.map((one) => [one.name, one] as const))('are numpy’s: %s', (_, { a, shape: [m, n], sigma }) => {
    const found = svd(Float64Array.from(a), m, n);
    // Squaring leaves half of the digits to the smallest.
    const largest = Math.max(sigma[0] as number, 1e-300);
    expect(farthest(found.sigma, sigma) / largest).toBeLessThan(3e-8);
    const rank = Math.min(m, n);
    const left = transpose(found.left, rank, m).map((v, at) => v * (found.sigma[at % rank] as number));
    expect(farthest(multiply(left, found.right, m, rank, n), a) / largest).toBeLessThan(1e-7);
  });

  test('a few of a large matrix are found by sampling', () => {
    const [m, n, rank] = [1030, 1100, 6];
    // Of rank 6, and noise beside it.
    const a = multiply(normal(m * rank), normal(rank * n), m, rank, n);
    const noise = new Generator(3);
    for (let at = 0; at < a.length; at++) a[at] = (a[at] as number) + 0.01 * noise.normal();
    const { sigma, left, right } = leadingSvd(a, m, n, rank);
    expect(fromOrthonormal(left, rank, m)).toBeLessThan(1e-7);
    expect(fromOrthonormal(right, rank, n)).toBeLessThan(1e-7);
    const scaled = transpose(left, rank, m).map((v, at) => v * (sigma[at % rank] as number));
    const error = norm(multiply(scaled, right, m, rank, n).map((v, at) => v - (a[at] as number)));
    // Nothing of rank 6 comes nearer than the noise, of which a little goes along.
    expect(error / (0.01 * Math.sqrt(m * n))).toBeLessThan(1);
    expect(error / (0.01 * Math.sqrt(m * n))).toBeGreaterThan(0.98);
  });
});

describe('Tucker-2', () => {
  const sizes = [8, 7, 9] as const;
  const back = ({ out, core, into }: ReturnType<typeof tucker2>, [r, s]: readonly [number, number]): Float64Array => {
    const [o, i, taps] = sizes;
    return Float64Array.from({ length: o * i * taps }, (_, at) => {
      const [x, y, z] = [Math.floor(at / (i * taps)), Math.floor(at / taps) % i, at % taps];
      let sum = 0;
      for (let p = 0; p < r; p++)
        for (let q = 0; q < s; q++)
          sum += (out[x * r + p] as number) * (core[(p * s + q) * taps + z] as number) * (into[q * i + y] as number);
      return sum;
    });
  };

  test('finds ranks that are there', () => {
    const made = back({ out: normal(8 * 3), core: normal(3 * 2 * 9), into: normal(2 * 7) }, [3, 2]);
    const found = tucker2(made, sizes, [3, 2]);
    expect(farthest(back(found, [3, 2]), made) / norm(made)).toBeLessThan(1e-7);
    const [out, into] = spectra(made, sizes);
    expect(out.filter((v) => v > 1e-9 * (out[0] as number))).toHaveLength(3);
    expect(into.filter((v) => v > 1e-9 * (into[0] as number))).toHaveLength(2);
  });

  test('is no worse than the leading directions on each side, and no better than either side allows', () => {
    const w = normal(8 * 7 * 9);
    const [outs, ins] = spectra(w, sizes);
    const tail = (values: Float64Array, rank: number): number => values.slice(rank).reduce((a, b) => a + b, 0);
    const lost = norm(w.map((v, at) => v - (back(tucker2(w, sizes, [4, 3]), [4, 3])[at] as number))) ** 2;
    expect(lost).toBeLessThanOrEqual(tail(outs, 4) + tail(ins, 3));
    expect(lost).toBeGreaterThanOrEqual(Math.max(tail(outs, 4), tail(ins, 3)));
  });
});

describe('CP', () => {
  test('finds a sum of products that is there', () => {
    const shape = [6, 5, 3, 3];
    const made = shape.map((size) => normal(size * 3));
    const w = Float64Array.from({ length: 270 }, (_, at) => {
      const places = [Math.floor(at / 45), Math.floor(at / 9) % 5, Math.floor(at / 3) % 3, at % 3];
      return [0, 1, 2].reduce(
        (sum, r) => sum + made.reduce((product, f, d) => product * (f[(places[d] as number) * 3 + r] as number), 1),
        0,
      );
    });
    expect(cpError(w, shape, made, 3)).toBeLessThan(1e-12);
    expect(cpError(w, shape, cp(w, shape, 3), 3)).toBeLessThan(1e-3);
  });

  test('gets nearer with every component, to nothing', () => {
    const shape = [4, 3, 2, 2];
    const w = normal(48);
    const errors = [1, 3, 6, 12].map((rank) => cpError(w, shape, cp(w, shape, rank), rank));
    expect(errors).toEqual([...errors].sort((a, b) => b - a));
    expect(errors[3]).toBeLessThan(1e-3);
  });
});

type Net = nn.Sequential;

const run = (model: Net, x: Tensor): Float32Array => noGrad(() => model.forward(x)).dataSync() as Float32Array;

/** The share of its output that a model's changes by, at a layer's most. */
function change(model: Net, x: Tensor, act: () => void): number {
  const before = run(model, x).slice();
  act();
  const after = run(model, x);
  return norm(after.map((v, i) => v - (before[i] as number))) / norm(before);
}

describe('factorize', () => {
  const CONVS: [string, () => nn.Conv2d][] = [
    ['plain', () => new nn.Conv2d(6, 8, 3)],
    [
      'strided, padded, dilated',
      () => new nn.Conv2d(6, 8, [3, 5], { stride: [2, 1], padding: [1, 2], dilation: [1, 2] }),
    ],
    [
      'same, mirrored, without bias',
      () => new nn.Conv2d(6, 8, 3, { padding: 'same', paddingMode: 'reflect', bias: false }),
    ],
    ['circular', () => new nn.Conv2d(6, 8, [5, 3], { padding: [2, 1], paddingMode: 'circular' })],
  ];
  const TAPS = [3 * 3, 3 * 5, 3 * 3, 5 * 3];

  /** Weights of rank 2 in every sense, so that rank 2 loses nothing. */
  function thin(conv: nn.Conv2d): void {
    const [o, i, height, width] = conv.weight.shape as [number, number, number, number];
    const parts = [o, i, height, width].map((size) => normal(size * 2));
    const values = Float32Array.from({ length: o * i * height * width }, (_, at) => {
      const places = [
        Math.floor(at / (i * height * width)),
        Math.floor(at / (height * width)) % i,
        Math.floor(at / width) % height,
        at % width,
      ];
      return [0, 1].reduce(
        (sum, r) => sum + parts.reduce((product, f, d) => product * (f[(places[d] as number) * 2 + r] as number), 1),
        0,
      );
    });
    noGrad(() => conv.weight.copy_(randn(conv.weight.shape).mul(0)));
    conv.weight.storage.device.write(conv.weight.storage, 0, new Uint8Array(values.buffer));
  }

  for (const method of ['tucker', 'svd', 'cp'] as const) {
    test.each(CONVS.map(([name, make], i) => [name, make, TAPS[i] as number] as const))(
      `by ${method} keeps what a convolution of that rank computes: %s`,
      (_, make, taps) => {
        const conv = make();
        thin(conv);
        const bias = conv.bias === null ? 0 : 8;
        const model = tracked(new nn.Sequential({ conv, relu: new nn.ReLU() }));
        const x = randn([2, 6, 11, 12]);
        let report: ReturnType<typeof factorize> | undefined;
        const changed = change(model, x, () => {
          report = factorize(model, { rank: 2, method });
        });
        expect(changed).toBeLessThan(2e-3);
        expect(report?.kept).toEqual([]);
        const [layer] = report?.layers ?? [];
        expect(layer).toMatchObject({ name: 'conv', method, rank: method === 'tucker' ? [2, 2] : [2] });
        expect(layer?.error).toBeLessThan(2e-3);
        expect(layer?.before).toBe(48 * taps + bias);
        expect(layer?.after).toBe(model.parameters().reduce((n, p) => n + p.numel(), 0));
        expect(layer?.cost).toBeLessThan(1);
        const copy = tracked(unpack(pack(model)).model) as Net;
        expect(run(copy, x)).toEqual(run(model.eval(), x));
      },
    );
  }

  test('by svd, a linear layer is off by what its singular values say', () => {
    const model = tracked(
      new nn.Sequential({ fc: new nn.Linear(60, 40), act: new nn.Tanh(), out: new nn.Linear(40, 3) }),
    );
    const w = Float64Array.from(model.getParameter('fc.weight').dataSync());
    const { sigma } = svd(w, 40, 60);
    const report = factorize(model, { rank: { fc: 7 } });
    expect(report.layers).toHaveLength(1);
    expect(report.layers[0]?.error).toBeCloseTo(norm(sigma.slice(7)) / norm(sigma), 6);
    expect(report.kept).toEqual([{ name: 'out', reason: 'no rank is given for it' }]);
    const [first, second] = ['fc.0.weight', 'fc.1.weight'].map((name) =>
      Float64Array.from(model.getParameter(name).dataSync()),
    ) as [Float64Array, Float64Array];
    const error = norm(multiply(second, first, 40, 7, 60).map((v, at) => v - (w[at] as number))) / norm(w);
    expect(error).toBeCloseTo(report.layers[0]?.error as number, 5);
    expect([report.before, report.after]).toEqual([40 * 61 + 123, 7 * 100 + 40 + 123]);
    // Halves of the same size train alike.
    expect(norm(first) / norm(second)).toBeCloseTo(1, 3);
  });

  test('energy keeps at least that share, with the smallest rank', () => {
    const weights = normal(30 * 50);
    const { sigma } = svd(weights, 30, 50);
    const share = (rank: number): number => (norm(sigma.slice(0, rank)) / norm(sigma)) ** 2;
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(50, 30), out: new nn.Linear(30, 2) }));
    const { weight } = model.get<nn.Linear>('fc');
    weight.storage.device.write(weight.storage, 0, new Uint8Array(Float32Array.from(weights).buffer));
    const rank = factorize(model, { energy: 0.6, layers: ['fc'] }).layers[0]?.rank[0] as number;
    expect(share(rank)).toBeGreaterThanOrEqual(0.6);
    expect(share(rank - 1)).toBeLessThan(0.6);
  });

  test('ratio takes the largest ranks within it', () => {
    const model = tracked(
      new nn.Sequential({ conv: new nn.Conv2d(16, 32, 3), flatten: new nn.Flatten(), fc: new nn.Linear(288, 64) }),
    );
    const { layers } = factorize(model, { ratio: 0.5 });
    expect(layers.map(({ name }) => name)).toEqual(['conv', 'fc']);
    for (const { cost } of layers) {
      expect(cost).toBeLessThanOrEqual(0.5);
      expect(cost).toBeGreaterThan(0.45);
    }
  });

  test('leaves what would not be less, and says why', () => {
    const shared = new nn.Linear(20, 20);
    const tied = new nn.Linear(20, 20);
    tied.weight.dispose();
    tied.weight = shared.weight;
    const model = tracked(
      new nn.Sequential({
        grouped: new nn.Conv2d(8, 8, 3, { groups: 4 }),
        pruned: new nn.Linear(20, 20),
        shared,
        tied,
        small: new nn.Linear(20, 20),
        watched: new nn.Linear(20, 20),
        mixed: new nn.TransformerEncoderLayer(20, 2, { dimFeedforward: 16 }) as never,
      }),
    );
    prune.l1Unstructured(model.getSubmodule('pruned'), 'weight', 0.5);
    model.getSubmodule('watched').registerForwardHook(() => undefined);
    const before = String(model);
    const { layers, kept } = factorize(model, { rank: (name) => (name === 'small' ? 12 : 2) });
    expect(layers).toEqual([]);
    expect(String(model)).toBe(before);
    expect(Object.fromEntries(kept.map(({ name, reason }) => [name, reason]))).toEqual({
      grouped: 'its 4 groups do not see one another',
      pruned: 'it is pruned or clustered, which dense factors undo',
      shared: 'another layer shares its weights',
      tied: 'another layer shares its weights',
      small: 'rank 12 would take 1.20 of its multiplications',
      watched: 'hooks watch it',
      'mixed.self_attn.out_proj': 'MultiheadAttention reads its weights itself',
      'mixed.linear1': 'TransformerEncoderLayer reads its weights itself',
      'mixed.linear2': 'TransformerEncoderLayer reads its weights itself',
    });
    const alone = tracked(new nn.Linear(9, 9));
    expect(factorize(alone, { rank: 1 }).kept[0]?.reason).toMatch('the model is this layer');
  });

  test('puts a layer that stands twice in a model there twice', () => {
    const fc = new nn.Linear(20, 20);
    const model = tracked(new nn.Sequential({ fc, act: new nn.Tanh(), again: fc }));
    factorize(model, { rank: 3 });
    expect(model.get('again')).toBe(model.get('fc'));
    expect(model.parameters()).toHaveLength(3);
  });

  test('takes over what was frozen and the mode, and frees the old weights', () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(20, 20) })).eval();
    model.getParameter('fc.weight').requiresGrad = false;
    const { bytes } = memory();
    factorize(model, { rank: 3 });
    expect(memory().bytes).toBe(bytes - 4 * (400 - 120));
    expect(model.parameters().map((p) => p.requiresGrad)).toEqual([false, false, true]);
    expect(model.modules().every((m) => !m.training)).toBe(true);
  });

  test('does all or nothing', () => {
    const model = tracked(new nn.Sequential({ a: new nn.Linear(20, 20), b: new nn.Linear(20, 20) }));
    nn.init.constant_(model.getParameter('b.weight'), Infinity);
    const { tensors } = memory();
    expect(() => factorize(model, { rank: 3 })).toThrow("the weights of 'b' hold Infinity");
    expect(memory().tensors).toBe(tensors);
    expect(model.get('a')).toBeInstanceOf(nn.Linear);
  });

  test('of a layer of zeros', () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(20, 20) }));
    nn.init.zeros_(model.getParameter('fc.weight'));
    expect(factorize(model, { energy: 0.9 }).layers[0]).toMatchObject({ rank: [1], error: 0 });
  });

  test.each([
    [{}, 'expected one of rank, energy, ratio, got 0'],
    [{ rank: 2, energy: 0.5 }, 'got 2 of them'],
    [{ rank: 0 }, "the rank of 'fc' must be"],
    [{ rank: [1, 2, 3] as never }, "the rank of 'fc' must be"],
    [{ energy: 0 }, 'energy must be in'],
    [{ energy: 1.1 }, 'energy must be in'],
    [{ ratio: 1 }, 'ratio must be in'],
    [{ rank: 2, method: 'qr' as 'cp' }, 'method must be one of'],
    [{ energy: 0.5, method: 'cp' as const }, 'CP has no singular values'],
    [{ rank: 2, layers: ['fd'] }, "there is no linear layer or convolution 'fd'"],
    [{ rank: { fd: 2 } }, "there is no linear layer or convolution 'fd'"],
  ])('refuses %o', (options, message) => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(20, 20) }));
    expect(() => factorize(model, options)).toThrow(message);
    expect(() => factorize(model, options)).toThrow(FettleError);
  });
});
