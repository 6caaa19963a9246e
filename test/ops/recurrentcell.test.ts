import { gradcheck, gradgradcheck, manualSeed, randn, type Tensor, tensor } from 'fettle';
import { beforeEach, describe, expect, test } from 'vitest';
import { gruCell, lstmCell } from '../../src/ops/recurrentcell.js';

/** The fused steps of LSTM and GRU: kernel against float64, and the gradient's kernel against its composition. */

beforeEach(() => {
  manualSeed(12);
});

const sigma = (v: number): number => 1 / (1 + Math.exp(-v));

/** The step of one unit in float64, from its gates of x and s. */
type Unit = (x: number[], s: number[], before: number) => number[];

const lstm: Unit = (x, s, before) => {
  const [i, f, g, o] = x.map((v, k) => v + (s[k] as number)) as [number, number, number, number];
  const c = sigma(f) * before + sigma(i) * Math.tanh(g);
  return [sigma(o) * Math.tanh(c), c];
};
const gru: Unit = (x, s, before) => {
  const [r, z] = [0, 1].map((k) => sigma((x[k] as number) + (s[k] as number))) as [number, number];
  const n = Math.tanh((x[2] as number) + r * (s[2] as number));
  return [n + z * (before - n)];
};

const STEPS = {
  lstmCell: { step: (x: Tensor, s: Tensor, before: Tensor): Tensor[] => lstmCell(x, s, before), unit: lstm, gates: 4 },
  gruCell: { step: (x: Tensor, s: Tensor, before: Tensor): Tensor[] => [gruCell(x, s, before)], unit: gru, gates: 3 },
};

describe.each(Object.entries(STEPS))('%s', (_name, { step, unit, gates }) => {
  const operands = (rows: number, hidden: number): [Tensor, Tensor, Tensor] => [
    randn([rows, gates * hidden]),
    randn([rows, gates * hidden]),
    randn([rows, hidden]),
  ];

  /** Fails where a step is not what float64 makes of it. */
  function check([x, s, before]: [Tensor, Tensor, Tensor], got: readonly Tensor[]): void {
    const [rows, hidden] = before.shape as readonly [number, number];
    const [xs, ss, bs] = [x, s, before].map((t) => t.dataSync()) as [Float32Array, Float32Array, Float32Array];
    const results = got.map((t) => t.dataSync());
    for (let row = 0; row < rows; row++) {
      for (let h = 0; h < hidden; h++) {
        const pick = (all: Float32Array): number[] =>
          Array.from({ length: gates }, (_, k) => all[row * gates * hidden + k * hidden + h] as number);
        const want = unit(pick(xs), pick(ss), bs[row * hidden + h] as number);
        want.forEach((value, k) => {
          const actual = results[k]?.[row * hidden + h] as number;
          if (Number.isFinite(value)) expect(Math.abs(actual - value)).toBeLessThanOrEqual(1e-6);
          else expect(actual).toBe(value);
        });
      }
    }
  }

  test.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 17])('%d units', (hidden) => {
    for (const rows of [0, 1, 3]) {
      const inputs = operands(rows, hidden);
      check(inputs, step(...inputs));
    }
  });

  test('values that bite', () => {
    const values = [Number.NaN, Infinity, -Infinity, 0, -0, 20, -20, 1e-40];
    const all = values.flatMap((a) => values.map((b): [number, number] => [a, b]));
    const column = (k: number): number[] => all.map((pair, i) => ((i + k) % 3 === 0 ? pair[0] : pair[1]));
    const x = tensor(all.map((_, i) => Array.from({ length: gates }, (_, k) => column(k)[i] as number)));
    const s = tensor(all.map(([, b]) => new Array<number>(gates).fill(Number.isFinite(b) ? b : 0.5)));
    const before = tensor(all.map(([a]) => [a]));
    check([x, s, before], step(x, s, before));
  });

  test('strided operands', () => {
    const inputs = operands(3, 5);
    const turned = inputs.map((t) => t.T.contiguous().T) as [Tensor, Tensor, Tensor];
    check(inputs, step(...turned));
  });

  test.each([1, 3, 4, 6])('the same gradient in one pass and composed: %d units', (hidden) => {
    const weights = randn([2, hidden]);
    for (const outputs of gates === 4 ? [[0], [1], [0, 1]] : [[0]]) {
      const [fused, composed] = [false, true].map((createGraph) => {
        manualSeed(3);
        const inputs = operands(2, hidden).map((t) => t.requiresGrad_()) as [Tensor, Tensor, Tensor];
        const results = step(...inputs);
        const loss = outputs.map((k) => (results[k] as Tensor).mul(weights).sum()).reduce((a, b) => a.add(b));
        loss.backward(null, { createGraph });
        return inputs.flatMap((t) => [...(t.grad as Tensor).dataSync()]);
      }) as [number[], number[]];
      fused.forEach((value, i) => {
        expect(Math.abs(value - (composed[i] as number))).toBeLessThanOrEqual(1e-6);
      });
    }
  });

  test('derivatives against difference quotients', () => {
    const inputs = operands(2, 3).map((t) => t.requiresGrad_());
    const fn = (...xs: Tensor[]): Tensor => (step as (...all: Tensor[]) => Tensor[])(...xs).reduce((a, b) => a.add(b));
    gradcheck(fn, inputs);
    gradgradcheck(fn, inputs, { atol: 1e-2, rtol: 1e-2 });
  });
});
