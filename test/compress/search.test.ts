import { FettleError, noGrad, tensor } from 'fettle';
import { type Method, memoryStore, recipe, type SearchOptions, type SearchResult, search } from 'fettle/compress';
import type { Module } from 'fettle/nn';
import { afterEach, describe, expect, it } from 'vitest';
import { plane, planeNet } from './choosing.js';
import { release, tracked } from './modules.js';

afterEach(release);

const bits = (model: Module) =>
  Object.fromEntries(Object.entries(model.stateDict()).map(([name, x]) => [name, Array.from(x.dataSync())]));

async function taught() {
  return tracked((await recipe([{ retrain: { epochs: 10, lr: 0.01 } }]).run(planeNet(), plane())).model);
}

/** What must be the same for the same seed. */
function figures({ trials, best, pareto, cuts, model }: SearchResult) {
  return {
    trials: trials.map(({ id, metric, bytes, parameters, nonzero, multiplyAdds, drop, error }) => {
      return { id, metric, bytes, parameters, nonzero, multiplyAdds, drop, error };
    }),
    best: best.id,
    pareto: pareto.map(({ id }) => id),
    cuts,
    model: bits(model),
  };
}

/** A method whose steps do nothing but say how strong they are: evaluate reads it off the bias of the last layer. */
function pretended(name: string, order: number, strengths: readonly number[], more: Partial<Method> = {}): Method {
  const step = (strength: number) => ({
    custom: (model: Module) => {
      const bias = model.getParameter('fc3.bias');
      const told = Array.from(bias.dataSync(), (value, i) => (i === order - 1 ? strength : value));
      noGrad(() => bias.copy_(tensor(told)));
    },
  });
  return {
    name,
    order,
    rungs: strengths.map((value) => ({ label: `${name} ${value}`, value, steps: [step(value)] })),
    ...more,
  };
}

describe('search', () => {
  it('finds a smaller model that keeps its accuracy, and shows what it weighed', async () => {
    const data = plane();
    const model = await taught();
    const before = bits(model);
    const found = await search(model, data, { maxAccuracyDrop: 0.02, budget: { trials: 14 }, epochs: 1, lr: 0.005 });
    tracked(found.model);
    expect(bits(model)).toEqual(before);
    expect(found.trials[0]).toBe(found.original);
    expect(found.trials.length).toBeLessThanOrEqual(15);
    expect(found.best.drop).toBeLessThanOrEqual(0.02 + 1e-9);
    expect(found.best.bytes).toBeLessThan(found.original.bytes / 2);
    for (const trial of found.trials) {
      if (trial.error === null && trial.drop <= 0.02) expect(trial.bytes).toBeGreaterThanOrEqual(found.best.bytes);
    }
    // Along the front both rise.
    found.pareto.slice(1).forEach((trial, i) => {
      expect(trial.bytes).toBeGreaterThan(found.pareto[i]?.bytes ?? 0);
      expect(trial.metric).toBeGreaterThan(found.pareto[i]?.metric ?? 0);
    });
    expect(found.pareto[0]).toBe(found.best);
    const again = await recipe(found.steps).run(model, data);
    expect(tracked(again.model).toString()).toBe(found.model.toString());
    const text = found.table();
    expect(text).toContain(`* ${found.best.label}`);
    expect(text).toContain(`${found.trials.length - 1} chains tried`);
    const svg = found.svg();
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg.match(/<circle/g)).toHaveLength(found.trials.filter(({ error }) => error === null).length);
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg).not.toMatch(/NaN|Infinity|undefined|https?:(?!\/\/www\.w3\.org\/2000\/svg)/);
  }, 60_000);

  it('finds the same for the same seed, and goes on where it was stopped, to the same end', async () => {
    const data = plane();
    const model = await taught();
    const options: SearchOptions = { maxAccuracyDrop: 0.03, budget: { trials: 7 }, epochs: 1, seed: 4 };
    const whole = await search(model, data, options);
    tracked(whole.model);
    const store = memoryStore();
    const abort = new AbortController();
    const stopped = search(model, data, {
      ...options,
      store,
      signal: abort.signal,
      onProgress: ({ trials, training }) => {
        if (trials >= 4 && training?.done === 2) abort.abort(new Error('stopped'));
      },
    });
    await expect(stopped).rejects.toThrow('stopped');
    const tried: string[] = [];
    const rest = await search(model, data, {
      ...options,
      store,
      onProgress: ({ training, label }) => {
        if (training !== undefined && !tried.includes(label)) tried.push(label);
      },
    });
    tracked(rest.model);
    expect(figures(rest)).toEqual(figures(whole));
    expect(tried.length).toBeLessThan(whole.trials.length - 3);
    // More budget takes it further along the same way.
    const more = await search(model, data, { ...options, budget: { trials: 9 }, store });
    tracked(more.model);
    expect(more.trials.slice(0, 8).map(({ id }) => id)).toEqual(whole.trials.map(({ id }) => id));
    expect(more.trials).toHaveLength(10);
    await expect(search(model, data, { ...options, store, seed: 5 })).rejects.toThrow('holds another search');
    await expect(search(planeNet(7), data, { ...options, store })).rejects.toThrow('holds another search');
  }, 60_000);
});

describe('the tree', () => {
  /** Searches with methods that only pretend: evaluate and costs follow from the strengths that a chain reached. */
  async function pretend(methods: Method[], worth: (strengths: number[]) => number, options: SearchOptions = {}) {
    const model = planeNet();
    noGrad(() => model.getParameter('fc3.bias').mul_(0));
    const found = await search(
      model,
      {
        train: plane().train,
        evaluate: (copy) => worth(Array.from(copy.getParameter('fc3.bias').dataSync())),
      },
      { methods, maxAccuracyDrop: 0.1, ...options },
    );
    tracked(found.model);
    return found;
  }

  it('bisects ladders, and says which branches it cut and why', async () => {
    const method = pretended('cut', 1, [1, 2, 3, 4, 5, 6, 7]);
    const found = await pretend([method], ([a = 0]) => (a > 5 ? 0.5 : 1 - 0.02 * a));
    expect(found.trials.map(({ label }) => label)).toEqual(['original', 'cut 4', 'cut 6', 'cut 5']);
    const deep = await pretend([method, pretended('again', 2, [1])], ([a = 0, b = 0]) =>
      a > 5 ? 0.5 : 1 - 0.02 * a - 0.01 * b,
    );
    expect(deep.trials.map(({ label }) => label)).toContain('cut 4 → again 1');
    expect(deep.cuts).toContainEqual({ label: 'cut 6', reason: 'it loses too much for training to bring back' });
  });

  it('goes on when a method cannot be applied, and keeps the reason', async () => {
    const broken: Method = {
      name: 'broken',
      order: 1,
      rungs: [
        {
          label: 'broken',
          value: 0,
          steps: [
            {
              custom: () => {
                throw new FettleError('unsupported', 'not this model');
              },
            },
          ],
        },
      ],
    };
    const found = await pretend([broken, pretended('cut', 2, [1])], ([, b = 0]) => 1 - 0.01 * b);
    const trial = found.trials.find(({ label }) => label === 'broken');
    expect(trial?.error).toContain('not this model');
    expect(found.pareto).not.toContain(trial);
    expect(found.table()).toContain('1 could not be applied');
    expect(found.cuts[0]).toMatchObject({ label: 'broken' });
  });

  it('gives a copy of the model where nothing is good enough', async () => {
    const found = await pretend([pretended('cut', 1, [1])], ([a = 0]) => 1 - a);
    expect(found.best).toBe(found.original);
    expect(found.steps).toEqual([]);
    expect(found.table()).toContain('No chain lowers the size');
    expect(found.svg()).toContain('<svg');
  });

  it('stops when its budget is used up', async () => {
    const methods = [pretended('a', 1, [1, 2, 3]), pretended('b', 2, [1, 2, 3])];
    const found = await pretend(methods, () => 1, { budget: { trials: 2 } });
    // Each ladder has been looked at once before any is looked at twice.
    expect(found.trials.map(({ label }) => label)).toEqual(['original', 'a 2', 'b 2']);
    const timed = await pretend(methods, () => 1, { budget: { seconds: 1e-9 } });
    expect(timed.trials).toHaveLength(1);
  });

  it.each([
    [{ maxAccuracyDrop: -1 }, 'maxAccuracyDrop must be a number ≥ 0'],
    [{ objective: 'speed' }, "objective must be one of size, latency, flops, got 'speed'"],
    [{ methods: ['magic'] }, "there is no method 'magic'. There are"],
    [{ methods: ['prune', 'prune'] }, "'prune' is given twice"],
    [{ methods: [] }, 'at least one method'],
    [{ methods: [{ name: 'mine' }] }, 'a method of your own must be'],
    [{ budget: { minutes: 3 } }, "no option 'minutes'"],
    [{ budget: { trials: 0 } }, 'budget.trials must be a whole number ≥ 1'],
    [{ budget: { seconds: 0 } }, 'budget.seconds must be above 0'],
    [{ depth: 0 }, 'depth must be a whole number ≥ 1'],
    [{ resume: true }, "no option 'resume'"],
  ])('refuses %j', async (options, message) => {
    await expect(search(planeNet(), plane(), options as SearchOptions)).rejects.toThrow(message);
    await expect(search(planeNet(), plane(), options as SearchOptions)).rejects.toThrow(FettleError);
  });
});
