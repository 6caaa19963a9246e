import { FettleError, manualSeed, noGrad, randint, randn, type Tensor, zeros } from 'fettle';
import { coupleUnits, maskOf, setMask, shrink, silence, type UnitGroup } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';
import { Classifier, Flexible, Mixed, Mobile, Tagger } from './nets.js';

beforeEach(() => {
  manualSeed(4);
});
afterEach(release);

/** The slices of a group in a line each: role, where, along which dimension, how many places a unit has. */
const told = ({ slices }: UnitGroup): string[] =>
  slices.map(({ role, path, property, dim, places }) => `${role} ${path}.${property} ${dim} ${places[0]?.length}`);

const named = (groups: readonly UnitGroup[]): unknown[] => groups.map(({ name, kind, units }) => [name, kind, units]);

describe('groups tell what makes, scales and reads their units', () => {
  test('channels, with norms, gates and depthwise convolutions between', () => {
    const { groups } = coupleUnits(tracked(new Mobile()), randn([2, 3, 12, 12]));
    expect(named(groups)).toEqual([
      ['stem', 'channel', 4],
      ['a.body.0', 'channel', 12],
      ['a.squeeze', 'neuron', 4],
      ['b.body.0', 'channel', 12],
      ['b.squeeze', 'neuron', 4],
      ['grouped', 'channel', 4],
    ]);
    const norm = (path: string): string[] =>
      ['weight', 'bias', 'runningMean', 'runningVar'].map((property) => `scales ${path}.${property} 0 1`);
    expect(told(groups[1] as UnitGroup).sort()).toEqual(
      [
        'makes a.body.0.weight 0 1',
        ...norm('a.body.1'),
        'scales a.body.3.weight 0 1',
        ...norm('a.body.4'),
        'reads a.squeeze.weight 1 1',
        'makes a.excite.weight 0 1',
        'makes a.excite.bias 0 1',
        'reads a.project.weight 1 1',
      ].sort(),
    );
  });

  test('heads: rows of three projections, and columns of the one that joins them', () => {
    const { groups } = coupleUnits(tracked(new Classifier(12, 4)), randint(0, 13, [2, 5]));
    const first = 'encoder.layers.0.self_attn';
    expect(named(groups).slice(0, 2)).toEqual([
      [first, 'head', 4],
      ['encoder.layers.0.linear1', 'neuron', 12],
    ]);
    const [heads] = groups as [UnitGroup];
    expect(told(heads)).toEqual([
      `makes ${first}.inProjWeight 0 12`,
      `makes ${first}.inProjBias 0 12`,
      `reads ${first}.out_proj.weight 1 4`,
    ]);
    expect(heads.slices[0]?.places[1]).toEqual([4, 5, 6, 7, 20, 21, 22, 23, 36, 37, 38, 39]);
    expect(heads.slices[2]?.places[1]).toEqual([4, 5, 6, 7]);
  });

  test('hidden units: rows of all gates, the columns that carry them on, and who reads them', () => {
    const { groups } = coupleUnits(tracked(new Tagger(nn.LSTM, 6, 8)), randint(0, 11, [2, 5]));
    expect(named(groups)).toEqual([
      ['words', 'embedding', 6],
      ['rnn', 'hidden', 8],
    ]);
    expect(told(groups[0] as UnitGroup)).toEqual(['makes words.weight 1 1', 'reads rnn.weight_ih_l0 1 1']);
    expect(groups[1]?.slices.find(({ property }) => property === 'weight_ih_l0')?.places[3]).toEqual([3, 11, 19, 27]);
  });

  test('weights that two modules share stand there for both', () => {
    const model = tracked(new Flexible(8, 4));
    const { groups } = coupleUnits(model, randint(0, 9, [2, 5]));
    const words = groups.find(({ name }) => name === 'words') as UnitGroup;
    expect(told(words)).toContain('makes words.weight 1 1');
    expect(told(words)).toContain('reads head.weight 1 1');
    const values = words.slices.filter(({ path }) => path === 'words' || path === 'head').map(({ value }) => value);
    expect(new Set(values).size).toBe(1);
    silence(words, new Set([2, 5]));
    shrink(model, randint(0, 9, [2, 5]));
    expect(model.words.weight).toBe(model.head.weight);
    expect([model.words.embeddingDim, model.head.inFeatures]).toEqual([6, 6]);
  });

  test('two halves of what was put side by side, in whole groups of a norm', () => {
    const { groups } = coupleUnits(tracked(new Mixed(8, 4, 6, 8)), randn([2, 2, 9]));
    expect(named(groups)).toEqual([
      ['narrow', 'channel', 4],
      ['wide', 'channel', 2],
      ['halves', 'channel', 6],
      ['fc', 'neuron', 8],
    ]);
    expect(groups[1]?.slices.find(({ path }) => path === 'gn')?.places).toEqual([
      [8, 9],
      [10, 11],
    ]);
  });
});

test('looking changes nothing: parameters, masks, statistics, modes and what is learned stay', () => {
  const model = tracked(new Mobile());
  model.train();
  model.a.eval();
  model.stem.requiresGrad_(false);
  setMask(
    model.head.weight,
    Array.from({ length: model.head.weight.numel() }, (_, i) => i % 2),
  );
  const state = (): unknown => ({
    values: Object.entries(model.stateDict()).map(([name, value]) => [name, Array.from(value.dataSync(), Number)]),
    modes: model.modules().map(({ training }) => training),
    learned: model.parameters().map(({ requiresGrad }) => requiresGrad),
    mask: [...(maskOf(model.head.weight)?.dataSync() ?? [])],
    text: String(model),
  });
  const before = state();
  const parameters = model.parameters();
  coupleUnits(model, randn([2, 3, 12, 12]));
  expect(state()).toEqual(before);
  expect(model.parameters().every((p, i) => p === parameters[i])).toBe(true);
  expect(model.parameters().every(({ grad }) => grad === null)).toBe(true);
});

test('hooks of the user are called, and what they change counts', () => {
  const model = tracked(new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 2)));
  let calls = 0;
  const handle = model.at(1).registerForwardHook((_, __, y) => {
    calls++;
    return (y as Tensor).softmax(1);
  });
  const { uncoupled } = coupleUnits(model, randn([2, 3]));
  expect(calls).toBeGreaterThan(0);
  expect(uncoupled[0]).toEqual({ name: '0', reason: 'softmax() in 1 works across its units' });
  handle.remove();
  expect(coupleUnits(model, randn([2, 3])).uncoupled.map(({ name }) => name)).toEqual(['2']);
});

class Counting extends nn.Module {
  readonly fc1 = new nn.Linear(3, 4);
  readonly fc2 = new nn.Linear(4, 2);
  readonly seen = new nn.Buffer(zeros([1]));

  override forward({ shape }: Tensor, x: Tensor): { shape: readonly number[]; scores: Tensor } {
    noGrad(() => this.seen.add_(1));
    this.seen.mul_(1);
    return { shape, scores: this.fc2.forward(this.fc1.forward(x).relu()) };
  }
}

test('several inputs, outputs in an object, and a buffer that forward writes', () => {
  const model = tracked(new Counting());
  const inputs = [randn([1]), randn([2, 3])];
  const [group] = coupleUnits(model, inputs).groups as [UnitGroup];
  expect([group.name, group.units]).toEqual(['fc1', 4]);
  expect(model.seen.item()).toBe(0);
  silence(group, new Set([1]));
  shrink(model, inputs);
  expect(model.fc2.inFeatures).toBe(3);
  expect(model.seen.item()).toBe(0);
});

class Random extends nn.Module {
  readonly fc1 = new nn.Linear(3, 4);
  readonly fc2 = new nn.Linear(4, 2);

  override forward(x: Tensor): Tensor {
    return this.fc2.forward(this.fc1.forward(x).relu()).add(randn([1]));
  }
}

test('what cannot be checked is not touched', () => {
  const model = tracked(new Random());
  const { groups, uncoupled } = coupleUnits(model, randn([2, 3]));
  expect(groups).toEqual([]);
  expect(uncoupled[0]).toEqual({ name: 'fc1', reason: 'without one of its units the model gives something else' });
});

test('an empty example is refused', () => {
  const model = tracked(new nn.Sequential(new nn.Linear(3, 4), new nn.Linear(4, 2)));
  expect(() => coupleUnits(model, randn([0, 3]))).toThrow(FettleError);
  expect(() => coupleUnits(model, randn([0, 3]))).toThrow('expected inputs with elements');
});

test('values that something other than a mask binds stay', () => {
  const model = tracked(new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 2)));
  const bound = (model.at(0) as nn.Linear).weight;
  bound.constraint = { apply: () => undefined, dispose: () => undefined };
  expect(coupleUnits(model, randn([2, 3])).uncoupled[0]).toEqual({
    name: '0',
    reason: 'the values of 0.weight are bound to something other than a mask',
  });
});
