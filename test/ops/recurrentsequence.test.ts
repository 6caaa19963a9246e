import { grad, manualSeed, noGrad, randn, type Tensor } from 'fettle';
import { GRU, LSTM } from 'fettle/nn';
import { beforeEach, describe, expect, test } from 'vitest';
import { recurrences, unroll } from '../../src/ops/recurrent.js';
import { recurrentSequence } from '../../src/ops/recurrentsequence.js';

/** A sequence as one op against the same sequence step by step, and through layers whose inputs depend on their weights. */

beforeEach(() => {
  manualSeed(8);
});

function expectClose(got: Tensor, want: Tensor, what: string): void {
  expect(got.shape, what).toEqual(want.shape);
  const [a, b] = [got.dataSync(), want.dataSync()] as [Float32Array, Float32Array];
  for (const [i, v] of b.entries()) {
    if (!(Math.abs((a[i] as number) - v) <= 2e-6 * (1 + Math.abs(v)))) {
      throw new Error(`${what}, element ${i}: ${a[i]} for ${v}`);
    }
  }
}

const wanting = (x: Tensor): Tensor => {
  x.requiresGrad = true;
  return x;
};

describe.each(['LSTM', 'GRU'] as const)('%s', (mode) => {
  const { step, gates } = recurrences[mode];

  test.each([
    [1, 1, 1],
    [1, 3, 5],
    [4, 2, 7],
    [9, 5, 8],
  ])('%i times, %i sequences, %i units', (times, batch, size) => {
    for (const reverse of [false, true]) {
      const x = wanting(randn([times * batch, gates * size]));
      const initial = (mode === 'LSTM' ? [0, 1] : [0]).map(() => wanting(randn([batch, size])));
      const hidden = wanting(randn([gates * size, size]));
      const bias = mode === 'GRU' ? wanting(randn([gates * size])) : null;
      const inputs = [x, ...initial, hidden, ...(bias === null ? [] : [bias])];
      const sizes = new Array<number>(times).fill(batch);
      const steps = (): Tensor[] => {
        const weights = { hidden, hiddenBias: bias, projection: null };
        const { output, final } = unroll(step, x, sizes, initial, weights, reverse);
        return [output, ...final];
      };
      const whole = recurrentSequence({ mode, batch, reverse }, x, initial, hidden, bias, steps);
      const flows = whole.map((y) => randn(y.shape));
      const parts = steps();
      whole.forEach((y, i) => expectClose(y, parts[i] as Tensor, `output ${i}`));
      // Gradients of all outputs, and of each alone.
      for (const chosen of [whole.map((_, i) => i), ...whole.map((_, i) => [i])]) {
        const [got, want] = [whole, parts].map((ys) =>
          grad(
            chosen.map((i) => ys[i] as Tensor),
            inputs,
            { gradOutputs: chosen.map((i) => flows[i] as Tensor), retainGraph: true, materializeGrads: true },
          ),
        ) as [Tensor[], Tensor[]];
        got.forEach((g, i) => expectClose(g, want[i] as Tensor, `gradient ${i} of outputs ${chosen}`));
      }
    }
  });

  test('a layer that takes its own output counts each share of the weights once, in second derivatives too', () => {
    const layer = mode === 'LSTM' ? new LSTM(3, 3) : new GRU(3, 3);
    const x = randn([4, 2, 3]);
    const weight = layer.weight_hh_l0 as Tensor;
    const loss = (): Tensor => {
      const [first] = layer.forward(x);
      const [second] = layer.forward(first as Tensor);
      return (second as Tensor).square().sum();
    };
    const slope = (createGraph: boolean): Tensor => grad(loss(), weight, { createGraph })[0];
    expectClose(slope(true), slope(false), 'gradient');
    const way = randn(weight.shape);
    const [curve] = grad(slope(true).mul(way).sum(), weight);
    const moved = (by: number): Tensor => {
      noGrad(() => void weight.add_(way, { alpha: by }));
      const g = slope(false).clone();
      noGrad(() => void weight.add_(way, { alpha: -by }));
      return g;
    };
    const quotient = moved(5e-3).sub(moved(-5e-3)).div(1e-2);
    const error = curve.sub(quotient).abs().max().item();
    expect(error).toBeLessThan(2e-2 * (1 + curve.abs().max().item()));
    layer.dispose();
  });
});
