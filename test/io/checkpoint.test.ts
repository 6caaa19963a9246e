import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FettleError, memory, tensor } from 'fettle';
import { StandardScaler } from 'fettle/data';
import {
  loadCheckpoint,
  parse,
  parseCheckpoint,
  saveCheckpoint,
  saveFile,
  serialize,
  serializeCheckpoint,
} from 'fettle/io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromExactJson, toExactJson } from '../../src/io/exact.js';

describe('exact JSON', () => {
  const back = (value: unknown): unknown => fromExactJson(toExactJson(value), 'state');

  it('keeps every number and everything else JSON has', () => {
    const value = {
      numbers: [
        0,
        -0,
        1 / 3,
        Number.MAX_VALUE,
        Number.MIN_VALUE,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
      ],
      text: 'a "b" \u0000 \ud83d\ude00',
      nested: { list: [[], [{}], [null, true, false]] },
      $number: 'NaN',
      $$number: { $number: 'Infinity' },
      ['__proto__']: 1,
    };
    const restored = back(value) as typeof value;
    expect(restored).toStrictEqual(value);
    expect(Object.is(restored.numbers[1], -0)).toBe(true);
    for (const v of [Number.NaN, -0, null, 'x', [], 5e-324])
      expect(Object.is(back(v), v) || Array.isArray(v)).toBe(true);
  });

  it('leaves out what is undefined, and asks objects for their JSON', () => {
    expect(back({ a: undefined, b: 1 })).toEqual({ b: 1 });
    const scaler = new StandardScaler().fit([[1], [3]]);
    expect(StandardScaler.fromJSON(back(scaler)).mean).toEqual(scaler.mean);
    expect(back(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 });
  });

  it('refuses what it would lose, and says where', () => {
    const own: Record<string, unknown> = {};
    own.self = [own];
    for (const [value, message] of [
      [{ a: [1, undefined] }, 'state.a[1]: only numbers'],
      [{ a: 1n }, 'state.a: only numbers, texts, booleans, null, arrays and plain objects can be saved, got bigint'],
      [{ f: () => 1 }, 'got function'],
      [{ m: new Map() }, 'state.m: a Map cannot be saved as state. Give it a toJSON().'],
      [
        { x: Float32Array.of(1) },
        'a Float32Array cannot be saved as state. Use Array.from(), or put it among the tensors.',
      ],
      [own, 'state.self[0]: contains itself'],
      // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested.
      [[1, , 2], 'state[1]'],
    ] as const) {
      expect(() => toExactJson(value)).toThrow(message);
    }
    const shared = { a: 1 };
    expect(back([shared, shared])).toEqual([shared, shared]);
    expect(() => fromExactJson('{"$number":"1"}', 'file')).toThrow('file: 1 is no number');
    expect(() => fromExactJson('{', 'file')).toThrow('file: not JSON');
  });
});

describe('checkpoints', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fettle-checkpoint-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('bring back tensors and state', async () => {
    const state = {
      epoch: 3,
      best: Number.NEGATIVE_INFINITY,
      loader: { seed: 1, epoch: 3, position: 12, samples: 20 },
    };
    const path = join(folder, 'run.safetensors');
    await saveCheckpoint(path, { tensors: { 'model.w': tensor([1, 2]), 'optimizer.0.step': tensor([5]) }, state });
    const loaded = await loadCheckpoint<typeof state>(path);
    expect(loaded.state).toEqual(state);
    expect(loaded.tensors['model.w']?.toArray()).toEqual([1, 2]);
    const bytes = await serializeCheckpoint({ tensors: {}, state: null });
    expect(parseCheckpoint(bytes)).toEqual({ tensors: {}, state: null });
    expect(parse(bytes).metadata.format).toBe('fettle-checkpoint');
  });

  it('are told from other files', async () => {
    const before = memory().tensors;
    const model = await serialize({ x: tensor([1]) });
    expect(() => parseCheckpoint(model)).toThrow('not a checkpoint: tensors without a training state. Use loadFile().');
    const later = await serialize({ x: tensor([1]) }, { format: 'fettle-checkpoint', version: '9', state: 'null' });
    expect(() => parseCheckpoint(later)).toThrow('a checkpoint of version 9');
    const torn = await serialize({}, { format: 'fettle-checkpoint', version: '1', state: '{' });
    expect(() => parseCheckpoint(torn, 'run')).toThrow('run: state: not JSON');
    expect(memory().tensors - before).toBe(2);
    const path = join(folder, 'model.safetensors');
    await saveFile(path, {});
    await expect(loadCheckpoint(path)).rejects.toThrow(FettleError);
    await expect(saveCheckpoint(path, { tensors: {}, state: 1n })).rejects.toThrow('got bigint');
  });
});
