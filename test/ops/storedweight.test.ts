import { noGrad, randn, type Tensor, tensor } from 'fettle';
import { expect, test } from 'vitest';
import { storeWeights } from '../../src/compress/quantization/weights.js';
import { Generator } from '../../src/core/random.js';
import { type StoredFormat, type StoredMatrix, storedLinear, storedRows } from '../../src/ops/storedweight.js';

const random = new Generator(23);
const whole = (low: number, high: number): number => low + Math.floor(random.uniform() * (high - low));
const FORMATS: readonly StoredFormat[] = ['int8', 'int4', 'float16', 'bfloat16'];
/** Bits that a weight's magnitude keeps. */
const ERROR = { int8: 1 / 126, int4: 1 / 6, float16: 2 ** -11, bfloat16: 2 ** -8 };

function store(
  source: Float32Array,
  rows: number,
  format: StoredFormat,
  group: number,
  symmetric: boolean,
): StoredMatrix {
  const { bytes, scales, zeros } = storeWeights('w', source, rows, { format, group, symmetric });
  const columns = source.length / rows;
  const groups = [rows, Math.ceil(columns / group)];
  const isGrouped = scales.length > 0;
  return {
    format,
    rows,
    columns,
    group,
    weight: tensor(bytes, { dtype: 'uint8' }) as Tensor<'uint8'>,
    scale: isGrouped ? tensor(scales, groups) : null,
    zero: isGrouped ? tensor(zeros, groups) : null,
  };
}

test.each(FORMATS)('%s: rows come back within half a step, whatever their length', (format) => {
  for (const symmetric of [true, false]) {
    for (let run = 0; run < 30; run++) {
      const [rows, columns, group] = [whole(1, 9), whole(1, 150), 32 * whole(1, 4)];
      const source = randn([rows, columns]).add(symmetric ? 0 : 0.5);
      const values = source.dataSync();
      const matrix = store(values, rows, format, group, symmetric);
      const wide = storedRows(matrix).dataSync();
      for (let row = 0; row < rows; row++) {
        for (let first = 0; first < columns; first += group) {
          const at = row * columns + first;
          const part = values.subarray(at, row * columns + Math.min(columns, first + group));
          const top = part.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
          part.forEach((v, i) => {
            const bound = format.startsWith('int') ? ERROR[format] * top : ERROR[format] * Math.abs(v);
            expect(Math.abs((wide[at + i] as number) - v)).toBeLessThanOrEqual(bound * 1.001 + 1e-7);
          });
        }
      }
      const index = Int32Array.from({ length: 7 }, () => whole(0, rows));
      const picked = storedRows(matrix, tensor(index)).dataSync();
      index.forEach((row, i) => {
        expect([...picked.subarray(i * columns, (i + 1) * columns)]).toEqual([
          ...wide.subarray(row * columns, (row + 1) * columns),
        ]);
      });
    }
  }
});

test.each(FORMATS)('%s: products with few rows are those of the widened weights', (format) => {
  for (const symmetric of [true, false]) {
    for (let run = 0; run < 40; run++) {
      const [m, n, k, group] = [whole(1, 9), whole(1, 20), whole(1, 300), 32 * whole(1, 9)];
      const values = randn([n, k])
        .add(symmetric ? 0 : 1)
        .dataSync();
      const matrix = store(values, n, format, Math.min(group, 256), symmetric);
      const wide = storedRows(matrix).dataSync();
      const x = randn([m, k]).add(run % 2);
      const bias = run % 3 === 0 ? null : randn([n]);
      const relu = run % 4 === 0;
      const y = noGrad(() => storedLinear(x, matrix, bias, relu ? 'relu' : null)).dataSync();
      const xs = x.dataSync();
      for (let i = 0; i < m; i++) {
        const row = xs.subarray(i * k, (i + 1) * k);
        const top = row.reduce((t, v) => Math.max(t, Math.abs(v)), 0);
        for (let j = 0; j < n; j++) {
          let [sum, size, sizeOfW] = [bias?.dataSync()[j] ?? 0, 0, 0];
          row.forEach((v, l) => {
            const w = wide[j * k + l] as number;
            sum += v * w;
            size += Math.abs(v * w);
            sizeOfW += Math.abs(w);
          });
          const expected = relu ? Math.max(0, sum) : sum;
          const rounding = format.startsWith('int') ? (top / 65534) * sizeOfW : 0;
          expect(Math.abs((y[i * n + j] as number) - expected)).toBeLessThanOrEqual(rounding + 3e-6 * size + 1e-6);
        }
      }
    }
  }
});

test('the largest group with the largest numbers stays within int32', () => {
  for (const [format, low] of [
    ['int8', -1],
    ['int4', 0],
  ] as const) {
    const values = new Float32Array(256).fill(1);
    if (low < 0) values[0] = -1e-3;
    const matrix = store(values, 1, format, 256, false);
    const wide = storedRows(matrix).dataSync();
    const x = tensor(new Float32Array(256).fill(3), [1, 256]);
    const exact = 3 * wide.reduce((a, b) => a + b, 0);
    expect(Math.abs(storedLinear(x, matrix, null).item() / exact - 1)).toBeLessThan(1e-5);
    const other = storedLinear(tensor(new Float32Array(256).fill(-3), [1, 256]), matrix, null).item();
    expect(Math.abs(other / -exact - 1)).toBeLessThan(1e-5);
  }
});

test('NaN and infinity of an input reach its own row alone; zeros are exact', () => {
  const matrix = store(randn([3, 40]).dataSync(), 3, 'int8', 32, true);
  const x = randn([3, 40]).dataSync();
  x[0] = NaN;
  x[41] = Infinity;
  x.fill(0, 80);
  const y = storedLinear(tensor(x, [3, 40]), matrix, null).dataSync();
  expect([...y].map(Number.isNaN)).toEqual([true, true, true, true, true, true, false, false, false]);
  expect([...y.subarray(6)]).toEqual([0, 0, 0]);
  expect([...storedRows(store(new Float32Array(64), 2, 'int4', 32, false)).dataSync()]).toEqual(Array(64).fill(0));
});

test('an index out of range, and what float16 cannot hold', () => {
  const matrix = store(randn([3, 40]).dataSync(), 3, 'int8', 32, true);
  expect(() => storedRows(matrix, tensor([3], { dtype: 'int32' }))).toThrow('index 3 is out of range');
  expect(() => store(Float32Array.of(1e5), 1, 'float16', 32, true)).toThrow('w holds 100000, which float16 cannot');
  expect(storedRows(store(Float32Array.of(1e5), 1, 'bfloat16', 32, true)).item()).toBe(99840);
});
