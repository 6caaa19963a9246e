import { manualSeed, type Tensor, tensor } from 'fettle';
import { Flatten, Linear, Sequential } from 'fettle/nn';
import { describe, expect, test } from 'vitest';
import { PIXELS, place, select } from '../../bench/papers/data.mjs';
import { lenet5, lenet300 } from '../../bench/papers/nets.mjs';
import { median, summarize, table } from '../../bench/papers/table.mjs';
import { countErrors, logitsOf, predictions, train } from '../../bench/papers/training.mjs';

/** Images of one bright pixel, in the row that their class says. */
function rowsOfLight(count: number): { images: Uint8Array; labels: Uint8Array; length: number } {
  const images = new Uint8Array(count * PIXELS);
  const labels = Uint8Array.from({ length: count }, (_, n) => n % 10);
  labels.forEach((label, n) => {
    images[n * PIXELS + (2 * label + 4) * 28 + 14] = 255;
  });
  return { images, labels, length: count };
}

describe('the table of the papers', () => {
  test('holds targets against medians', () => {
    const rows = (value: number) => [
      { case: 'error', paper: '1.6 %', unit: '%', digits: 1, atMost: 2, value },
      { case: 'gap', paper: '91 %', atLeast: 85, value: 100 - value },
      { case: 'seen', paper: '–', value },
    ];
    const summaries = summarize([rows(1.5), rows(30), rows(1.75)]);
    expect(summaries.map(({ median: middle, reached }) => [middle, reached])).toEqual([
      [1.75, true],
      [98.25, true],
      [1.75, null],
    ]);
    expect(summarize([rows(2.01)])[0]?.reached).toBe(false);
    expect(summarize([[{ case: 'none', paper: '', atLeast: 0, value: NaN }]])[0]?.reached).toBe(false);
    expect(table('Paper', summaries)).toContain('| error | 1.6 %          | ≤ 2.0  | 1.8 (1.5–30.0) % | yes     |');
  });

  test('the median of an even number lies between two', () => {
    expect(median([4, 1, 3, 10])).toBe(3.5);
  });
});

describe('images of the papers', () => {
  test.each([
    [0, 0],
    [2, 1],
    [-2, 2],
    [1, -2],
  ])('move %i to the right and %i down', (right, down) => {
    const images = Uint8Array.from({ length: 2 * PIXELS }, (_, i) => (i * 7) % 251);
    const batch = new Uint8Array(3 * PIXELS).fill(9);
    place(images, 1, batch, 2, right, down);
    for (let y = 0; y < 28; y++) {
      for (let x = 0; x < 28; x++) {
        const [fromX, fromY] = [x - right, y - down];
        const isInside = fromX >= 0 && fromX < 28 && fromY >= 0 && fromY < 28;
        expect(batch[2 * PIXELS + y * 28 + x]).toBe(isInside ? images[PIXELS + fromY * 28 + fromX] : 0);
      }
    }
    expect(batch.subarray(0, 2 * PIXELS).every((v) => v === 9)).toBe(true);
  });

  test('are picked by class', () => {
    const all = rowsOfLight(30);
    const some = select(all, (label) => label !== 3);
    expect(some.length).toBe(27);
    expect([...new Set(some.labels)]).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9]);
    expect(some.images.subarray(3 * PIXELS, 4 * PIXELS)).toEqual(all.images.subarray(4 * PIXELS, 5 * PIXELS));
  });
});

describe('training of the papers', () => {
  test('has the nets with their numbers of parameters', () => {
    for (const [make, expected] of [
      [lenet300, 266_610],
      [lenet5, 431_080],
    ] as const) {
      const model = make();
      expect(model.parameters().reduce((n, p) => n + p.numel(), 0)).toBe(expected);
      model.dispose();
    }
  });

  test('learns, says the same for a seed, and frees what it made', () => {
    const data = rowsOfLight(240);
    const run = (): number[] => {
      manualSeed(2);
      const model = new Sequential({ flatten: new Flatten(), fc: new Linear(PIXELS, 10) });
      const epochs: number[] = [];
      const steps: number[] = [];
      const done = train(model, {
        ...{ data, epochs: 20, batch: 50, shift: 0, seed: 5 },
        onEpoch: (epoch) => epochs.push(epoch),
        onStep: (step) => steps.push(step),
      });
      expect([done, epochs.length, steps.at(-1)]).toEqual([20, 20, 80]);
      expect(countErrors(model, data)).toBe(0);
      const logits = [...logitsOf(model, data)];
      expect(predictions(Float32Array.from(logits))).toEqual(data.labels);
      expect(model.training).toBe(true);
      model.dispose();
      return logits;
    };
    expect(run()).toEqual(run());
  });

  test('hands rows along with their images', () => {
    const data = rowsOfLight(60);
    const values = Float32Array.from({ length: 120 }, (_, i) => (data.labels[i >> 1] as number) + (i % 2));
    const model = new Sequential({ flatten: new Flatten(), fc: new Linear(PIXELS, 10) });
    let worst = 0;
    train(model, {
      ...{ data, epochs: 2, batch: 20, extra: [{ values, width: 2 }] },
      loss: (x, y, [rows]) => {
        const expected = y
          .float()
          .unsqueeze(1)
          .add(tensor([0, 1]));
        return model
          .forward(x)
          .square()
          .mean()
          .add((rows as Tensor).sub(expected).abs().max());
      },
      onEpoch: (_, loss) => {
        worst = Math.max(worst, loss);
      },
    });
    expect(worst).toBeLessThan(0.5);
    model.dispose();
  });
});
