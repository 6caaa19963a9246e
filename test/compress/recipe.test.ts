import { FettleError, manualSeed, noGrad, rand } from 'fettle';
import { maskOf, memoryStore, prune, recipe, type Step } from 'fettle/compress';
import { Linear, type Module, Sequential } from 'fettle/nn';
import { afterEach, describe, expect, it } from 'vitest';
import { example, plane, planeNet } from './choosing.js';
import { release, tracked } from './modules.js';

afterEach(release);

const bits = (model: Module) =>
  Object.fromEntries(Object.entries(model.stateDict()).map(([name, x]) => [name, Array.from(x.dataSync())]));

describe('recipe', () => {
  it('applies its steps to a copy and reports on each', async () => {
    const data = plane();
    const model = planeNet();
    const taught = await recipe([{ retrain: { epochs: 8, lr: 0.01 } }]).run(model, data);
    const teacher = tracked(taught.model);
    expect(taught.original.metric).toBeLessThan(0.8);
    expect(taught.steps[0]?.metric).toBeGreaterThan(0.95);
    const before = bits(teacher);
    const made = await recipe([
      { prune: { sparsity: 0.5, granularity: 'neuron', epochs: 2, lr: 0.005 } },
      { shrink: {} },
      { distill: { epochs: 2, lr: 0.005 } },
      { quantize: {} },
    ]).run(teacher, data);
    tracked(made.model);
    expect(bits(teacher)).toEqual(before);
    expect(made.steps.map(({ label }) => label)).toEqual(['prune 50 % of neurons', 'shrink', 'distill', 'int8']);
    const [pruned, shrunk, distilled, int8] = made.steps;
    expect(pruned?.parameters).toBe(made.original.parameters);
    expect(pruned?.nonzero).toBeLessThan(made.original.nonzero);
    expect(shrunk?.parameters).toBeLessThan(made.original.parameters * 0.6);
    expect(shrunk?.metric).toBe(pruned?.metric);
    expect(shrunk?.multiplyAdds).toBeLessThan(made.original.multiplyAdds * 0.6);
    expect(distilled?.parameters).toBe(shrunk?.parameters);
    expect(int8?.bytes).toBeLessThan((distilled?.bytes ?? 0) - (distilled?.parameters ?? 0));
    expect(int8?.metric).toBeGreaterThan(0.9);
    expect(int8?.drop).toBeCloseTo(made.original.metric - (int8?.metric ?? 0), 12);
    const lines = String(made).split('\n');
    expect(lines).toHaveLength(2 + 5);
    expect(lines[6]).toMatch(/^int8 /);
  });

  it('takes a loader alone, keeps the masks of what it is given, and holds them while training', async () => {
    const { train } = plane();
    const model = planeNet();
    prune.l1Unstructured(model.getSubmodule('fc2'), 'weight', 0.5);
    const { model: made } = await recipe([{ retrain: { epochs: 1 } }, { prune: { sparsity: 0.8, rounds: 2 } }]).run(
      model,
      train,
    );
    tracked(made);
    const weight = made.getParameter('fc2.weight');
    expect(maskOf(weight)).not.toBeNull();
    const kept = maskOf(model.getParameter('fc2.weight'))?.dataSync() as Float32Array;
    weight.dataSync().forEach((value, i) => {
      if (kept[i] === 0) expect(value).toBe(0);
    });
  });

  it('gives the same model for a seed, whatever random numbers are drawn around it', async () => {
    const data = plane();
    const steps: Step[] = [
      { prune: { sparsity: 0.6, importance: 'magnitude', rounds: 2 } },
      { distill: { mixtures: 1, epochs: 1 } },
    ];
    const runs = [];
    for (const draw of [0, 7]) {
      const model = planeNet();
      for (let i = 0; i < draw; i++) rand([3]);
      runs.push(bits(tracked((await recipe(steps).run(model, data, { seed: 5 })).model)));
    }
    expect(runs[0]).toEqual(runs[1]);
    const model = planeNet(2);
    manualSeed(3);
    const expected = rand([2]).dataSync();
    manualSeed(3);
    tracked((await recipe([{ retrain: {} }]).run(model, data)).model);
    expect(rand([2]).dataSync()).toEqual(expected);
  });

  it('trains and evaluates by functions of one’s own', async () => {
    const seen: string[] = [];
    const made = await recipe([
      { prune: { sparsity: 0.5, rounds: 2, epochs: 3 } },
      {
        custom: function halve(model) {
          noGrad(() => model.getParameter('fc3.bias').mul_(0.5));
        },
      },
      { custom: () => tracked(new Sequential(new Linear(2, 3))) },
    ]).run(planeNet(), {
      exampleInputs: example(),
      evaluate: (model) => model.parameters().length,
      retrain: (_, { name, epochs }) => {
        seen.push(`${name}: ${epochs}`);
      },
    });
    expect(seen).toEqual(['prune 1/2: 3', 'prune 2/2: 3']);
    expect(made.steps.map(({ label, metric }) => [label, metric])).toEqual([
      ['prune 50 %', 8],
      ['halve', 8],
      ['custom', 2],
    ]);
  });

  it('goes on behind the last step that was kept, to the same model', async () => {
    const data = plane();
    const model = planeNet();
    const steps: Step[] = [
      { prune: { sparsity: 0.5, epochs: 1 } },
      { prune: { sparsity: 0.8, epochs: 1 } },
      { quantize: {} },
    ];
    const whole = await recipe(steps).run(model, data, { seed: 2 });
    const store = memoryStore();
    const abort = new AbortController();
    const stopped = recipe(steps).run(model, data, {
      seed: 2,
      store,
      signal: abort.signal,
      onProgress: ({ step, training }) => {
        if (step === 2 && training?.done === 3) abort.abort(new Error('stopped'));
      },
    });
    await expect(stopped).rejects.toThrow('stopped');
    const done: string[] = [];
    const rest = await recipe(steps).run(model, data, {
      seed: 2,
      store,
      onProgress: ({ label, report }) => {
        if (report !== undefined) done.push(label);
      },
    });
    expect(done).toEqual(['prune 80 %', 'int8']);
    expect(bits(tracked(rest.model))).toEqual(bits(tracked(whole.model)));
    expect(rest.steps.map(({ metric, bytes }) => [metric, bytes])).toEqual(
      whole.steps.map(({ metric, bytes }) => [metric, bytes]),
    );
    await expect(recipe([{ quantize: {} }]).run(model, data, { store })).rejects.toThrow('another recipe');
  });

  it('quantizes in every mode', async () => {
    const data = plane();
    const model = tracked((await recipe([{ retrain: { epochs: 8, lr: 0.01 } }]).run(planeNet(), data)).model);
    const modes: Step[] = [
      { quantize: { mode: 'static', observer: 'mse' } },
      { quantize: { mode: 'dynamic' } },
      { quantize: { mode: 'qat', epochs: 1 } },
      { quantize: { mode: 'weightOnly', dtype: 'int4', groupSize: 32 } },
      { quantize: { mode: 'halve' } },
    ];
    const made = [];
    for (const step of modes) made.push(await recipe([step]).run(model, data));
    for (const { model: copy } of made) tracked(copy);
    const labels = ['int8', 'dynamic int8', 'int8, trained', 'int4 weights', 'float16 weights'];
    expect(made.map(({ steps }) => steps[0]?.label)).toEqual(labels);
    for (const { original, steps } of made) {
      expect(steps[0]?.metric).toBeGreaterThan(0.9);
      // A float takes at least two bytes less; what describes the layers takes some.
      expect(steps[0]?.bytes).toBeLessThan(original.bytes - original.parameters);
    }
  });

  it('factorizes, clusters and makes sparse', async () => {
    const { steps, original, model } = await recipe([
      { factorize: { ratio: 0.5, epochs: 1 } },
      { prune: { sparsity: 0.5, epochs: 1 } },
      { cluster: { bits: 4, epochs: 1 } },
      { sparsify: { measure: false } },
    ]).run(planeNet(), plane());
    tracked(model);
    const [factorized, pruned, clustered] = steps;
    expect(factorized?.multiplyAdds).toBeLessThan(original.multiplyAdds);
    expect(pruned?.nonzero).toBeLessThan((factorized?.nonzero ?? 0) * 0.7);
    expect(clustered?.nonzero).toBeLessThanOrEqual(pruned?.nonzero ?? 0);
    expect(steps.map(({ label }) => label)).toEqual([
      'factorize to 50 %',
      'prune 50 %',
      '4-bit codebooks',
      'sparse layers',
    ]);
  });

  it('prunes by criteria that look at data, and to other targets', async () => {
    const data = plane();
    const { steps, model } = await recipe([
      { prune: { sparsity: 0.5, importance: 'taylor', epochs: 0 } },
      { prune: { target: { parameters: 0.4 }, importance: 'activation', epochs: 0 } },
    ]).run(planeNet(), data);
    tracked(model);
    expect(steps.map(({ label }) => label)).toEqual(['prune 50 %', 'prune to parameters 0.4']);
    expect(steps[1]?.nonzero).toBeLessThanOrEqual(0.4 * (steps[1]?.parameters ?? 0));
  });

  const wrong: [steps: unknown, message: string][] = [
    [{ prune: { sparsity: 0.5 } }, 'expected an array of steps'],
    [[{}], 'step 1 must be an object with one method'],
    [[{ prune: { sparsity: 0.5 }, shrink: {} }], 'got 2 keys'],
    [[{ shave: {} }], "there is no method 'shave'. There are prune"],
    [[{ prune: {} }], 'expected sparsity, a share'],
    [[{ prune: { sparsity: 1 } }], 'sparsity must be a share in [0, 1), got 1'],
    [[{ prune: { sparsity: 0.5, epoch: 1 } }], "no option 'epoch'"],
    [[{ prune: { sparsity: 0.5, epochs: 1.5 } }], 'epochs must be a whole number ≥ 0'],
    [[{ prune: { sparsity: 0.5, rounds: 0 } }], 'rounds must be a whole number ≥ 1'],
    [[{ prune: { sparsity: 0.5, importance: 'beauty' } }], 'importance must be'],
    [[{ shrink: {} }, { quantize: { mode: 'int3' } }], 'recipe: step 2 (quantize): mode must be one of'],
    [[{ quantize: { rank: 3 } }], "no option 'rank'"],
    [[{ factorize: {} }], 'expected one of rank, energy and ratio'],
    [[{ sparsify: { rows: 3 } }], "no option 'rows'"],
    [[{ distill: { temperature: 0 } }], 'temperature must be above 0'],
    [[{ distill: { student: 3 } }], 'student must be a model'],
    [[{ retrain: { lr: -1 } }], 'lr must be above 0'],
    [[{ custom: 3 }], 'expected a function of the model'],
    [[{ shrink: 3 }], 'options must be an object'],
  ];
  it.each(wrong)('refuses %j before anything is changed', async (steps, message) => {
    const model = planeNet();
    const before = bits(model);
    const run = async () => recipe(steps as Step[]).run(model, plane());
    await expect(run()).rejects.toThrow(message);
    await expect(run()).rejects.toThrow(FettleError);
    expect(bits(model)).toEqual(before);
  });

  it.each([
    ['nothing', {}, 'needs validation batches'],
    ['a number', 3 as unknown as object, 'data must be batches'],
    ['another field', { test: [] }, "no option 'test'"],
    ['no batch', [], 'gives no batch'],
    ['batches that can be read once', [1].values(), 'once only'],
    ['no inputs', { evaluate: (): number => 1 }, 'needs exampleInputs'],
    ['nothing to train on', { evaluate: (): number => 1, exampleInputs: 0 }, 'needs data.train'],
  ])('refuses data of %s', async (_, data, message) => {
    const given = data as object;
    const full = typeof given === 'object' && 'exampleInputs' in given ? { ...given, exampleInputs: example() } : given;
    await expect(recipe([{ prune: { sparsity: 0.5 } }]).run(planeNet(), full as never)).rejects.toThrow(message);
  });
});
