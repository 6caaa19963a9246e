import { FettleError, memory, noGrad, scope, type Tensor, tensor } from 'fettle';
import { DataLoader, TensorDataset } from 'fettle/data';
import * as nn from 'fettle/nn';
import { type Classifier, evaluate, latency } from 'fettle/train';
import { afterEach, describe, expect, test } from 'vitest';
import { release, tracked } from '../compress/modules.js';

afterEach(release);

/** Gives its inputs as logits. */
class Parrot extends nn.Module {
  readonly modes: boolean[] = [];
  constructor(private readonly broken = false) {
    super();
  }
  forward(x: Tensor): Tensor {
    if (this.broken) throw new Error('broken');
    this.modes.push(this.training);
    return x;
  }
}

function loader(logits: number[][], labels: number[], batchSize = 2): DataLoader<[Tensor, Tensor], [Tensor, Tensor]> {
  return new DataLoader(new TensorDataset(tensor(logits), tensor(new Int32Array(labels))), { batchSize });
}

describe('evaluate', () => {
  const logits = [
    [2, 0, 0],
    [0, 1, 3],
    [0, 4, 0],
    [1, 1, 0],
    [0, 0, 5],
  ];
  const labels = [0, 1, 1, 1, 2];

  test('gives the figures of a small known case', async () => {
    const model = new Parrot();
    const { loss, accuracy, samples, confusion, predictions } = await evaluate(model, loader(logits, labels));
    const softmax = (row: number[]): number[] => {
      const total = row.reduce((sum, v) => sum + Math.exp(v), 0);
      return row.map((v) => Math.exp(v) / total);
    };
    const expected = logits.reduce((sum, row, i) => sum - Math.log(softmax(row)[labels[i] as number] as number), 0) / 5;
    expect(loss).toBeCloseTo(expected, 6);
    expect(accuracy).toBe(3 / 5);
    expect(samples).toBe(5);
    expect(confusion).toEqual([
      [1, 0, 0],
      [1, 1, 1],
      [0, 0, 1],
    ]);
    // Of equal logits the first class is chosen.
    expect(predictions.map((p) => [p.label, p.predicted])).toEqual([
      [0, 0],
      [1, 2],
      [1, 1],
      [1, 0],
      [2, 2],
    ]);
    predictions.forEach((p, i) =>
      expect(p.confidence).toBeCloseTo(softmax(logits[i] as number[])[p.predicted] as number, 6),
    );
    expect(model.modes).toEqual([false, false, false]);
    expect(model.training).toBe(true);
  });

  test('does not depend on how samples are batched', async () => {
    const by = async (n: number) => evaluate(new Parrot(), loader(logits, labels, n));
    const [one, five] = [await by(1), await by(5)];
    expect(one.predictions).toEqual(five.predictions);
    expect(one.loss).toBeCloseTo(five.loss, 6);
  });

  test('tells classes apart whose probabilities round to the same number', async () => {
    const close = [Math.fround(80 - 7.7e-6), 80, 0];
    const { accuracy } = await evaluate(new Parrot(), loader([close], [1]));
    expect(accuracy).toBe(1);
  });

  test('of no samples there is no figure', async () => {
    const { loss, accuracy, samples } = await evaluate(new Parrot(), (async function* () {})());
    expect([loss, accuracy, samples]).toEqual([NaN, NaN, 0]);
  });

  test('a model in evaluation mode stays in it, also when it fails, and nothing is left behind', async () => {
    const before = memory().tensors;
    const s = scope();
    const model = new Parrot();
    model.eval();
    await evaluate(model, loader(logits, labels));
    expect(model.training).toBe(false);
    const broken = new Parrot(true);
    await expect(evaluate(broken, loader(logits, labels))).rejects.toThrow('broken');
    expect(broken.training).toBe(true);
    s.end();
    expect(memory().tensors).toBe(before);
  });
});

describe('latency', () => {
  test('is positive, grows with the work, and changes nothing', () => {
    const square = (n: number): Classifier => tracked(new nn.Sequential(new nn.Linear(n, n), new nn.Dropout(0.5)));
    const [small, large] = [square(16), square(512)];
    const [x, y] = [tensor(new Float32Array(64 * 16), [64, 16]), tensor(new Float32Array(64 * 512), [64, 512])];
    const before = memory().tensors;
    const [fast, slow] = [latency(small, x, { budgetMs: 20 }), latency(large, y, { budgetMs: 20 })];
    expect(fast).toBeGreaterThan(0);
    expect(slow).toBeGreaterThan(fast * 3);
    expect(small.training).toBe(true);
    expect(memory().tensors).toBe(before);
  });

  test('is about the time that a pass takes', () => {
    const model = tracked(new nn.Sequential(new nn.Linear(512, 512)));
    const x = tensor(new Float32Array(64 * 512), [64, 512]);
    const claimed = latency(model, x, { budgetMs: 50 });
    const times = Array.from({ length: 30 }, () => {
      const start = performance.now();
      scope(() => {
        noGrad(() => model.forward(x));
      });
      return performance.now() - start;
    }).sort((a, b) => a - b);
    expect(claimed).toBeGreaterThan((times[2] as number) * 0.5);
    expect(claimed).toBeLessThan((times[27] as number) * 2);
  });

  test('keeps to its numbers of runs', () => {
    let runs = 0;
    class Counting extends nn.Module {
      forward(x: Tensor): Tensor {
        runs++;
        return x;
      }
    }
    const x = tensor([[1]]);
    latency(new Counting(), x, { minRuns: 7, maxRuns: 9, budgetMs: 1000 });
    expect(runs).toBe(7 + 9);
    runs = 0;
    latency(new Counting(), x, { minRuns: 7, budgetMs: 0 });
    expect(runs).toBe(7 + 7);
    expect(() => latency(new Counting(), x, { minRuns: 0 })).toThrow(FettleError);
    expect(() => latency(new Counting(), x, { minRuns: 5, maxRuns: 4 })).toThrow(
      'expected 1 ≤ minRuns ≤ maxRuns, got 5 and 4',
    );
    const broken = new Parrot(true);
    expect(() => latency(broken, x)).toThrow('broken');
    expect(broken.training).toBe(true);
  });
});
