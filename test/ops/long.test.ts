/**
 * Sequences longer than what a workgroup of a GPU, or a share of a thread, takes at once, against plain JavaScript in float64: sorting,
 * scanning, scattering, transforming. They run on whatever device the tests run.
 */
import * as ops from 'fettle';
import { tensor } from 'fettle';
import { describe, expect, it } from 'vitest';

/** Numbers in [−1, 1) that repeat after a long time, and whole ones below `n`. */
function numbers(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
const whole = (count: number, n: number): Int32Array =>
  Int32Array.from(numbers(count, 7), (v) => Math.floor(((v + 1) / 2) * n) % n);

function near(got: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  expect(got.length).toBe(wanted.length);
  let size = 1e-30;
  for (let i = 0; i < wanted.length; i++) size = Math.max(size, Math.abs(wanted[i] as number));
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) worst = Math.max(worst, Math.abs((got[i] as number) - (wanted[i] as number)));
  expect(worst).toBeLessThanOrEqual(tolerance * size);
}

describe('sorting', () => {
  for (const n of [1023, 1025, 5000]) {
    for (const descending of [false, true]) {
      it(`${n} numbers of which many are equal, ${descending ? 'falling' : 'rising'}: stable`, () => {
        const values = whole(n, 97);
        const order = Array.from(values, (_, i) => i).sort((a, b) => {
          const difference = (values[a] as number) - (values[b] as number);
          return (descending ? -difference : difference) || a - b;
        });
        const { indices } = ops.sort(tensor(values, [n]), 0, descending);
        expect(Array.from(indices.dataSync())).toEqual(order);
      });
    }
  }

  it('columns, of which the first few are wanted, with NaN and both zeros among them', () => {
    const [n, columns, k] = [3000, 3, 5];
    const values = numbers(n * columns);
    values.set([Number.NaN, 0, -0, Number.POSITIVE_INFINITY, Number.NaN], 2000);
    const { values: got, indices } = ops.topk(tensor(values, [n, columns]), k, 0);
    const places = indices.dataSync();
    for (let c = 0; c < columns; c++) {
      const column = Array.from({ length: n }, (_, i) => i).sort((a, b) => {
        const [x, y] = [values[a * columns + c] as number, values[b * columns + c] as number];
        if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(y)) - Number(Number.isNaN(x)) || a - b;
        return y - x || a - b;
      });
      expect(Array.from({ length: k }, (_, i) => places[i * columns + c])).toEqual(column.slice(0, k));
    }
    expect(got.shape).toEqual([k, columns]);
  });
});

describe('scanning', () => {
  const [outer, n, inner] = [2, 2500, 3];
  const values = numbers(outer * n * inner);
  const x = () => tensor(values, [outer, n, inner]);
  const scanned = (start: number, step: (total: number, v: number, i: number) => number): Float64Array => {
    const y = new Float64Array(values.length);
    for (let o = 0; o < outer; o++) {
      for (let c = 0; c < inner; c++) {
        let total = start;
        for (let i = 0; i < n; i++) {
          const at = (o * n + i) * inner + c;
          total = step(total, values[at] as number, i);
          y[at] = total;
        }
      }
    }
    return y;
  };

  it('sums', () =>
    near(
      ops.cumsum(x(), 1).dataSync(),
      scanned(0, (a, v) => a + v),
      1e-7,
    ));
  it('products', () => {
    const grown = tensor(
      values.map((v) => 1 + v / 8),
      [outer, n, inner],
    );
    const wanted = scanned(1, (a, v) => a * Math.fround(1 + v / 8));
    near(ops.cumprod(grown, 1).dataSync(), wanted, 2e-7);
  });
  it('logarithms of sums of exponentials', () =>
    near(
      ops.logcumsumexp(x(), 1).dataSync(),
      scanned(-Infinity, (a, v) => Math.log(Math.exp(a) + Math.exp(v))),
      1e-6,
    ));
  it('places of the largest so far', () => {
    const { values: largest } = ops.cummax(x(), 1);
    near(
      largest.dataSync(),
      scanned(-Infinity, (a, v) => Math.max(a, v)),
      0,
    );
  });
  it('a sum that would drift', () => {
    const y = ops.cumsum(ops.full([70000], 0.1), 0).dataSync();
    expect(Math.abs((y[69999] as number) - 70000 * Math.fround(0.1))).toBeLessThan(4e-4);
  });
});

describe('scattering', () => {
  for (const [n, rows] of [
    [4000, 5],
    [4000, 3000],
    [3000, 1],
  ] as const) {
    it(`${n} numbers to ${rows} places`, () => {
      const [index, source] = [whole(n, rows), numbers(n)];
      const [sums, products, last, largest] = [0, 1, 2, -Infinity].map((v) => new Float64Array(rows).fill(v));
      index.forEach((to, i) => {
        const v = source[i] as number;
        (sums as Float64Array)[to] = ((sums as Float64Array)[to] as number) + v;
        (products as Float64Array)[to] = ((products as Float64Array)[to] as number) * Math.fround(1 + v / 64);
        (last as Float64Array)[to] = v;
        (largest as Float64Array)[to] = Math.max((largest as Float64Array)[to] as number, v);
      });
      const [at, x] = [tensor(index, [n]), tensor(source, [n])];
      const made = (value: number) => ops.full([rows], value);
      near(ops.scatterAdd(made(0), 0, at, x).dataSync(), sums as Float64Array, 2e-6);
      near(ops.scatter(made(2), 0, at, x).dataSync(), last as Float64Array, 0);
      const wide = tensor(
        source.map((v) => 1 + v / 64),
        [n],
      );
      near(ops.scatterReduce(made(1), 0, at, wide, 'prod').dataSync(), products as Float64Array, 3e-5);
      near(
        ops.scatterReduce(made(-2), 0, at, x, 'amax').dataSync(),
        (largest as Float64Array).map((v) => Math.max(v, -2)),
        0,
      );
    });
  }

  it('rows of a table, the same at every run', () => {
    const [n, rows, features] = [3000, 40, 5];
    const [index, source] = [whole(n, rows), numbers(n * features)];
    const sums = new Float64Array(rows * features);
    index.forEach((row, i) => {
      for (let f = 0; f < features; f++) {
        const at = row * features + f;
        sums[at] = (sums[at] as number) + (source[i * features + f] as number);
      }
    });
    const gradient = (): Float32Array => {
      const table = ops.zeros([rows, features], { requiresGrad: true });
      ops
        .mul(ops.embedding(tensor(index, [n]), table), tensor(source, [n, features]))
        .sum()
        .backward();
      return table.grad?.dataSync() as Float32Array;
    };
    const first = gradient();
    near(first, sums, 2e-6);
    expect(gradient()).toEqual(first);
  });
});

describe('transforming', () => {
  for (const n of [60, 1009, 2048]) {
    it(`${n} numbers, there and back`, () => {
      const values = numbers(n);
      const spectrum = ops.rfft(tensor(values, [n]));
      const bins = spectrum.dataSync();
      const scale = Math.sqrt(n);
      for (const k of [0, 1, Math.floor(n / 3)]) {
        let [re, im] = [0, 0];
        values.forEach((v, j) => {
          const angle = (-2 * Math.PI * ((j * k) % n)) / n;
          re += v * Math.cos(angle);
          im += v * Math.sin(angle);
        });
        expect(Math.abs((bins[2 * k] as number) - re)).toBeLessThan(2e-6 * scale);
        expect(Math.abs((bins[2 * k + 1] as number) - im)).toBeLessThan(2e-6 * scale);
      }
      near(ops.irfft(spectrum, n).dataSync(), values, 1e-6);
    });
  }
});
