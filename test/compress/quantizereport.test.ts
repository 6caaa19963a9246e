import { manualSeed, memory, randn, type Tensor, tensor } from 'fettle';
import { quantize } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';
import { Forked, type Net, resnet, run, settle, sqnr } from './quantizedmodels.js';

beforeEach(() => {
  manualSeed(4);
});
afterEach(release);

describe('the report', () => {
  test('says of each layer what it takes and what it loses', async () => {
    const batches = [randn([8, 3, 6, 6]), randn([8, 3, 6, 6])];
    const model = tracked(resnet());
    settle(model, batches);
    const int8 = tracked(await quantize.static(model, batches));
    const { layers, kept, ...all } = await quantize.report(model, int8, batches);
    expect(layers.map(({ name, type }) => [name, type])).toEqual([
      ['stem', 'QuantizedConv2d'],
      ['block.conv1', 'QuantizedConv2d'],
      ['block.conv2', 'QuantizedConv2d'],
      ['fc', 'QuantizedLinear'],
    ]);
    expect(kept).toEqual([]);
    for (const layer of layers) {
      expect(layer.weightSqnr).toBeGreaterThan(35);
      expect(layer.outputSqnr).toBeGreaterThan(20);
      expect(layer.dtype).toBe('int8');
    }
    // 6 · 3 · 9 weights a byte each, with a scale of 4 bytes for each of 6 channels, the input's scale and zero point.
    const [stem] = layers;
    expect(stem?.bits).toBeCloseTo((8 * (162 + 6 * 4 + 8)) / 162, 10);
    expect(stem?.bytesAfter).toBe(162 + 6 * 4 + 6 * 4 + 8);
    expect(stem?.bytesBefore).toBe(162 * 4 + 6 * 4 * 4 + 4);
    model.eval();
    const x = batches[0] as Tensor;
    const first = await quantize.report(model, int8, [x]);
    expect(first.sqnr).toBeCloseTo(sqnr(run(model, x), run(int8, x)), 2);
    expect(all.bytesAfter).toBeLessThan(all.bytesBefore);
    expect(all.bytesAfter).toBe(layers.reduce((sum, layer) => sum + layer.bytesAfter, 0));
  });

  test('says why a layer stayed', async () => {
    class Odd extends nn.Module {
      readonly forked = new Forked();
      readonly groups = new nn.Conv2d(3, 3, 1, { groups: 3 });
      readonly custom = new (class Mine extends nn.Linear {})(4, 4);
      readonly never = new nn.Linear(2, 2);
      readonly norm = new nn.LayerNorm([4]);
      forward(x: Tensor): Tensor {
        return this.norm.forward(this.custom.forward(this.groups.forward(this.forked.forward(x))));
      }
    }
    const model = tracked(new Odd());
    const x = randn([2, 3, 4, 4]);
    settle(model, [x]);
    expect(model.training).toBe(true);
    const { kept } = await quantize.report(model, tracked(await quantize.static(model, [x])), [x]);
    expect(model.training).toBe(true);
    expect(kept.map(({ name, reason }) => [name, reason])).toEqual([
      ['forked.bn', 'it was not seen to take the output of one layer alone, into which it could be folded'],
      ['groups', 'its channels are in 3 groups'],
      ['custom', 'Mine extends a layer, and may compute something else'],
      ['never', 'no calibration reached it, it was skipped, or this method leaves layers of its type'],
      ['norm', 'there is no such layer in fewer bits'],
    ]);
  });

  test('mistakes', async () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(3, 3) }));
    const small = tracked(quantize.dynamic(model));
    await expect(quantize.report(model, small, [])).rejects.toThrow('there was no batch');
    const other = tracked(new nn.Sequential({ fc2: new nn.Linear(3, 3) }));
    await expect(quantize.report(other, small, [randn([1, 3])])).rejects.toThrow("'fc' is not in the float model");
  });
});

describe('mixed precision', () => {
  /** A model whose second layer needs all its bits, and a score that shows it. */
  function problem(): { model: nn.Sequential; x: Tensor; evaluate: (m: Net) => number } {
    const model = tracked(
      new nn.Sequential({ wide: new nn.Linear(64, 64), act: new nn.Tanh(), exact: new nn.Linear(64, 8) }),
    );
    const x = randn([200, 64]);
    const target = run(model, x);
    const evaluate = (m: Net): number => -100 / 10 ** (Math.min(100, sqnr(target, run(m, x)) || 0) / 20);
    return { model, x, evaluate };
  }

  test('the model is as small as the drop allows, and what is reported is what is', async () => {
    const { model, x, evaluate } = problem();
    const sizes: number[] = [];
    for (const maxDrop of [0, 0.2, 3, 100]) {
      const before = memory().tensors;
      const result = await quantize.mixed(model, { calibration: [x], evaluate, maxDrop });
      tracked(result.model);
      expect(result.scoreBefore - result.score).toBeLessThanOrEqual(maxDrop);
      expect(evaluate(result.model)).toBeCloseTo(result.score, 6);
      const { bytesAfter } = await quantize.report(model, result.model, [x]);
      expect(result.bytes).toBe(bytesAfter);
      for (const { format, trials } of result.layers) {
        expect(trials.map((trial) => trial.format)).toEqual(['float32', 'float16', 'int8', 'int4']);
        if (maxDrop === 100) expect(format).toBe('int4');
        if (maxDrop === 0) expect(['float32', 'float16']).toContain(format);
      }
      sizes.push(result.bytes);
      expect(memory().tensors).toBeGreaterThan(before);
    }
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(sizes[3]).toBeLessThan((sizes[0] as number) / 2);
  });

  test('or as good as its size allows', async () => {
    const { model, x, evaluate } = problem();
    const bytes = 7000;
    const result = await quantize.mixed(model, { calibration: [x], evaluate, bytes });
    tracked(result.model);
    expect(result.bytes).toBeLessThanOrEqual(bytes);
    await expect(quantize.mixed(model, { calibration: [x], evaluate, bytes: 100 })).rejects.toThrow(
      'the model cannot be smaller than',
    );
  });

  test('layers that are skipped stay, convolutions and tables take part', async () => {
    const model = tracked(
      new nn.Sequential({
        conv: new nn.Conv2d(2, 4, 3),
        grouped: new nn.Conv2d(4, 4, 3, { groups: 4 }),
        flatten: new nn.Flatten(),
        fc: new nn.Linear(4 * 4, 3),
      }),
    );
    const x = randn([4, 2, 6, 6]);
    const result = await quantize.mixed(model, { calibration: [[x, tensor([0])]], evaluate: () => 1, skip: ['fc'] });
    tracked(result.model);
    expect(result.model.getSubmodule('fc')).toBeInstanceOf(nn.Linear);
    expect(result.layers.map(({ name, format }) => [name, format === 'float32'])).toEqual([
      ['conv', false],
      ['grouped', false],
    ]);
    expect(run(result.model, x).length).toBe(12);
  });

  test('mistakes', async () => {
    const { model, x } = problem();
    const before = memory().tensors;
    await expect(quantize.mixed(model, { calibration: [x], evaluate: () => NaN })).rejects.toThrow('evaluate gave NaN');
    await expect(quantize.mixed(model, { calibration: [], evaluate: () => 1 })).rejects.toThrow('no batch');
    await expect(quantize.mixed(model, { calibration: [x], evaluate: () => 1, maxDrop: -1 })).rejects.toThrow('≥ 0');
    expect(memory().tensors).toBe(before);
  });
});
