import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { FettleError, manualSeed, memory, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import { cluster, maskOf, pack, packReport, prune, unpack } from 'fettle/compress';
import { parse } from 'fettle/io';
import * as nn from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decode, encode, type Form } from '../../src/compress/storing/form.js';
import { release, tracked } from './modules.js';
import { join, reseal, split } from './sealing.js';

beforeEach(() => {
  manualSeed(0);
});
afterEach(release);

type Net = nn.Module & { forward(x: Tensor): Tensor };

const bitsOf = (x: Tensor): number[] => [...new Uint8Array(x.dataSync().buffer)];
const stateOf = (model: nn.Module) =>
  Object.entries(model.stateDict()).map(([name, x]) => [name, x.dtype, x.shape, bitsOf(x)]);
const unpacked = (bytes: Uint8Array): Net => tracked(unpack(bytes).model) as Net;

function net(): nn.Sequential {
  return tracked(
    new nn.Sequential({
      conv: new nn.Conv2d(3, 20, 3),
      bn: new nn.BatchNorm2d(20),
      relu: new nn.ReLU(),
      flatten: new nn.Flatten(),
      fc: new nn.Linear(320, 40),
      out: new nn.Linear(40, 10),
    }),
  );
}

function pruned(amount = 0.9): nn.Sequential {
  const model = net();
  for (const name of ['conv', 'fc', 'out']) prune.l1Unstructured(model.getSubmodule(name), 'weight', amount);
  return model;
}

describe('elements come back to the bit', () => {
  /** Float32 of every kind: few values or many, zeros in rows, columns or anywhere, and what is no ordinary number. */
  const tensors = fc
    .record({
      rows: fc.integer({ min: 20, max: 80 }),
      columns: fc.integer({ min: 0, max: 60 }),
      values: fc.integer({ min: 1, max: 300 }),
      density: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
      by: fc.constantFrom('any', 'rows', 'columns'),
      seed: fc.integer({ min: 1, max: 1e6 }),
      odd: fc.boolean(),
    })
    .map(({ rows, columns, values, density, by, seed, odd }) => {
      let state = seed;
      const next = (): number => {
        state = (state * 48271) % 2147483647;
        return state / 2147483647;
      };
      const lines = Array.from({ length: by === 'rows' ? rows : columns }, () => next() < density);
      const data = Float32Array.from({ length: rows * columns }, (_, i) => {
        const lives = by === 'any' ? next() < density : lines[by === 'rows' ? Math.floor(i / columns) : i % columns];
        const value = Math.fround(Math.floor(next() * values) / 7 - 3);
        return lives ? value : 0;
      });
      if (odd) data.set([NaN, -0, Infinity, -Infinity, 1e-45].slice(0, data.length));
      return { shape: [rows, columns], data };
    });

  test('in whatever form', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(tensors, ({ shape, data }) => {
        const bytes = new Uint8Array(data.buffer);
        const found = encode(bytes, shape, 'F32', { worth: 0, half: false });
        if (found === null) return;
        const { form, stream } = JSON.parse(JSON.stringify({ form: found.form })) as { form: Form; stream: never };
        expect(stream).toBeUndefined();
        seen.add(`${form.places?.as} ${form.places?.turned} ${form.codebook !== undefined}`);
        expect(found.stream.length).toBeLessThanOrEqual(bytes.length);
        expect([...decode('tensor', form, found.stream)]).toEqual([...bytes]);
      }),
      { numRuns: 400, seed: 7 },
    );
    // Every kind of form was there, so that none is untested.
    for (const form of [
      'gaps undefined true',
      'gaps true true',
      'undefined undefined true',
      'mask undefined true',
      'mask true true',
    ])
      expect([...seen]).toContain(form);
  });

  test.each([
    ['F16', 2],
    ['I8', 1],
    ['I32', 4],
  ] as const)('of %s', (dtype, width) => {
    const bytes = Uint8Array.from({ length: 4000 * width }, (_, i) => (i % (5 * width) < width ? (i * 7) % 9 : 0));
    const { form, stream } = encode(bytes, [40, 100], dtype, { worth: 0, half: false }) as NonNullable<
      ReturnType<typeof encode>
    >;
    expect(stream.length).toBeLessThan(bytes.length / 4);
    expect([...decode('tensor', form, stream)]).toEqual([...bytes]);
  });

  test('of zeros alone, of which each takes some bits all the same', () => {
    const { form, stream } = encode(new Uint8Array(4e6), [1000, 1000], 'F32', { worth: 0, half: false }) as NonNullable<
      ReturnType<typeof encode>
    >;
    expect(stream.length).toBeLessThan(700);
    expect(stream.length * 8 * 255).toBeGreaterThan(1e6 - 256);
    expect(decode('zeros', form, stream).every((byte) => byte === 0)).toBe(true);
    // So a file cannot claim what is not there.
    expect(() => decode('bomb', { ...form, shape: [20_000, 20_000] }, stream)).toThrow('bomb: ');
  });
});

describe('a model comes back', () => {
  test('to the bit, with its structure, in evaluation mode', () => {
    for (const model of [net(), pruned()]) {
      const bytes = pack(model, { about: { classes: ['a', 'b'] } });
      const { model: copy, about } = unpack(bytes);
      tracked(copy);
      expect(about).toEqual({ classes: ['a', 'b'] });
      expect(copy.training).toBe(false);
      expect(String(copy)).toBe(String(model));
      expect(stateOf(copy)).toEqual(stateOf(model));
    }
  });

  test('from the same bytes each time, wherever they lie', () => {
    const model = pruned();
    const bytes = pack(model);
    expect(pack(model)).toEqual(bytes);
    const within = new Uint8Array(bytes.length + 3);
    within.set(bytes, 3);
    expect(stateOf(unpacked(within.subarray(3)))).toEqual(stateOf(model));
    expect(stateOf(tracked(unpack(bytes.buffer).model))).toEqual(stateOf(model));
  });

  test('with the masks it had, which hold in training', () => {
    const copy = unpacked(pack(pruned()));
    expect(prune.isPruned(copy)).toBe(true);
    const weight = copy.getParameter('fc.weight');
    expect(maskOf(weight)?.sum().item()).toBe(1280);
    const optimizer = new SGD(copy.parameters(), { lr: 0.1 });
    copy
      .train()
      .forward(randn([4, 3, 6, 6]))
      .square()
      .sum()
      .backward();
    optimizer.step();
    expect(weight.dataSync().filter((value) => value !== 0)).toHaveLength(1280);
    optimizer.dispose();
    copy.zeroGrad();
  });

  test('with codebooks, which hold in training', () => {
    const model = pruned(0.8);
    cluster(model, { bits: { conv: 6, fc: 4 } });
    const copy = unpacked(pack(model));
    expect(stateOf(copy)).toEqual(stateOf(model));
    const before = stateOf(copy);
    for (const parameter of copy.parameters()) parameter.constraint?.apply();
    expect(stateOf(copy)).toEqual(before);
    const optimizer = new SGD(copy.parameters(), { lr: 0.01 });
    copy
      .train()
      .forward(randn([4, 3, 6, 6]))
      .square()
      .sum()
      .backward();
    optimizer.step();
    const values = copy.getParameter('fc.weight').dataSync();
    expect(new Set(values.filter((value) => value !== 0)).size).toBeLessThanOrEqual(16);
    expect(stateOf(copy)).not.toEqual(before);
    optimizer.dispose();
    copy.zeroGrad();
  });

  test('with modules and parameters that stand in it twice', () => {
    const fc = new nn.Linear(30, 30);
    const tied = new nn.Linear(30, 30);
    tied.weight.dispose();
    tied.weight = fc.weight;
    const act = new nn.ReLU();
    const model = tracked(new nn.Sequential({ fc, act, again: fc, act2: act, tied, inner: new nn.Sequential(fc) }));
    const bytes = pack(model);
    // The weight is there once.
    expect(bytes.length).toBeLessThan(4 * 900 + 2 * 4 * 30 + 1100);
    const copy = unpacked(bytes) as unknown as nn.Sequential;
    expect(copy.get('again')).toBe(copy.get('fc'));
    expect(copy.get('act2')).toBe(copy.get('act'));
    expect(copy.get<nn.Sequential>('inner').at(0)).toBe(copy.get('fc'));
    expect(copy.get<nn.Linear>('tied').weight).toBe(copy.get<nn.Linear>('fc').weight);
    expect(copy.parameters()).toHaveLength(3);
    expect(stateOf(copy)).toEqual(stateOf(model));
  });

  test('from the first version of the format', () => {
    const { file, state } = JSON.parse(
      readFileSync(new URL('../golden/modelfile-1.json', import.meta.url), 'utf8'),
    ) as {
      file: string;
      state: Record<string, number[]>;
    };
    const { model, about } = unpack(Uint8Array.from(Buffer.from(file, 'base64')));
    tracked(model);
    expect(about).toEqual({ a: 1 });
    expect(
      Object.fromEntries(Object.entries(model.stateDict()).map(([k, v]) => [k, [...(v.dataSync() as Float32Array)]])),
    ).toEqual(state);
  });
});

describe('what is lost is what was asked for', () => {
  test('float16', () => {
    const model = net();
    nn.init.constant_(model.getParameter('bn.bias'), 1e5);
    const bytes = pack(model, { floats: 'float16' });
    expect(bytes.length).toBeLessThan(0.56 * pack(model).length);
    const copy = unpacked(bytes);
    for (const [name, value] of Object.entries(model.stateDict())) {
      const expected = name === 'bn.bias' || value.dtype !== 'float32' ? value : value.to('float16').to('float32');
      expect(bitsOf(copy.stateDict()[name] as Tensor)).toEqual(bitsOf(expected));
    }
    expect(() => pack(model, { floats: 'bfloat16' as 'float16' })).toThrow("floats must be 'float32' or 'float16'");
  });

  test('bits, of a model that stays as it is', () => {
    const model = pruned(0.5);
    const before = stateOf(model);
    const copy = unpacked(pack(model, { bits: (name) => (name === 'conv' ? 6 : 3) }));
    expect(stateOf(model)).toEqual(before);
    const distinct = (name: string): number =>
      new Set(
        copy
          .getParameter(name)
          .dataSync()
          .filter((v) => v !== 0),
      ).size;
    expect([distinct('conv.weight'), distinct('fc.weight')]).toEqual([64, 8]);
    cluster(model, { bits: { conv: 6, fc: 3, out: 3 } });
    expect(stateOf(copy)).toEqual(stateOf(model));
    expect(() => pack(net(), { bits: 17 })).toThrow(
      "pack: bits of 'conv.weight' must be a whole number in [1, 12], got 17",
    );
  });
});

describe('size', () => {
  test('a tensor of few values that is nine tenths zeros takes less than a bit for each of them', () => {
    const model = pruned();
    cluster(model, { bits: 4 });
    const report = packReport(pack(model));
    const fc = report.tensors.find(({ name }) => name === 'fc.weight');
    expect(fc?.kept).toBe(1280);
    expect(fc?.method).toMatch(/^gaps of \d bits \(Huffman\), codebook of 16 F32/);
    expect(fc?.bitsPerWeight).toBeLessThan(0.95);
    expect(report.bytes).toBe(pack(model).length);
    expect(report.tensors.reduce((n, { bytes }) => n + bytes, report.overhead)).toBe(report.bytes);
    const dense = Object.values(model.stateDict()).reduce((n, x) => n + 4 * x.numel(), 0);
    expect(report.denseBytes).toBe(dense);
    expect(report.ratio).toBe(dense / report.bytes);
  });

  test('whole columns that are gone cost little', () => {
    const one = (dim: number): number => {
      const model = tracked(new nn.Sequential(new nn.Linear(200, 200)));
      prune.lnStructured(model.getSubmodule('0'), 'weight', 0.9, { n: 2, dim });
      cluster(model, { bits: 2 });
      return packReport(pack(model)).tensors.find(({ name }) => name === '0.weight')?.bytes ?? NaN;
    };
    expect(Math.abs(one(0) - one(1))).toBeLessThan(20);
    expect(one(1)).toBeLessThan(4000 / 3 + 400);
  });

  test('float16 is counted against float32', () => {
    const report = packReport(pack(net(), { floats: 'float16' }));
    expect(report.tensors.find(({ name }) => name === 'fc.weight')).toMatchObject({ method: 'F16', bitsPerWeight: 16 });
    expect(report.ratio).toBeGreaterThan(1.8);
  });
});

test('any reader of safetensors opens it', () => {
  const model = net();
  const { tensors, metadata } = parse(pack(model));
  expect(metadata.format).toBe('fettle-model');
  expect(bitsOf(tensors['fc.weight'] as Tensor)).toEqual(bitsOf(model.getParameter('fc.weight')));
});

test('a model of one’s own needs its types', () => {
  class Own extends nn.Module {
    constructor(readonly fc: nn.Linear) {
      super();
    }
    forward(x: Tensor): Tensor {
      return this.fc.forward(x).relu();
    }
  }
  const model = tracked(new Own(new nn.Linear(2, 2)));
  expect(() => pack(model)).toThrow("'Own' is not a known layer type");
  const types = {
    Own: {
      isContainer: true,
      describe: () => [],
      build: (_: unknown, [fc]: readonly (readonly [string, nn.Module])[]) => new Own(fc?.[1] as nn.Linear),
    },
  };
  const before = memory().tensors;
  const copy = tracked(unpack(pack(model, { types }), { types }).model) as Own;
  expect(memory().tensors).toBe(before + 2);
  expect(copy.forward(tensor([[1, 2]])).toArray()).toEqual(model.forward(tensor([[1, 2]])).toArray());
});

describe('a broken file', () => {
  /** What unpacking does: 'unpacked', or the code of its error; anything but a FettleError fails. Nothing may stay. */
  function outcome(bytes: Uint8Array): string {
    const before = memory();
    const s = scope();
    try {
      unpack(bytes).model.dispose();
      return 'unpacked';
    } catch (error) {
      if (!(error instanceof FettleError)) throw error;
      return error.code;
    } finally {
      s.end();
      expect([memory().tensors, memory().bytes]).toEqual([before.tensors, before.bytes]);
    }
  }

  function whole(): Uint8Array {
    const model = tracked(
      new nn.Sequential({
        fc: new nn.Linear(60, 50),
        relu: new nn.ReLU(),
        wide: new nn.Linear(50, 40),
        bn: new nn.BatchNorm1d(40),
      }),
    );
    prune.l1Unstructured(model.getSubmodule('fc'), 'weight', 0.9);
    cluster(model, { bits: { fc: 3, wide: 5 } });
    return pack(model);
  }

  test('cut short, or with anything behind it', () => {
    const bytes = whole();
    for (let length = 0; length < bytes.length; length += 13) expect(outcome(bytes.subarray(0, length))).toBe('format');
    expect(outcome(Uint8Array.of(...bytes, 0))).toBe('format');
  });

  test('with any bit changed', () => {
    const bytes = whole();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ (1 << bit);
        expect(outcome(changed)).toBe('format');
      }),
      { numRuns: 500 },
    );
  });

  test('that says its checksum is right', () => {
    const bytes = whole();
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const changed = bytes.slice();
          for (const [at, byte] of changes) changed[at] = byte;
          const found = outcome(reseal(changed));
          seen.add(found);
          expect(found).toMatch(/^(unpacked|format|memory)$/);
        },
      ),
      { numRuns: 500 },
    );
    expect(seen).toContain('format');
  });

  interface Described {
    topology: { children: [string, { type: string; args: unknown[] }][]; [key: string]: unknown };
    tensors: Record<string, { shape: unknown; places: Record<string, unknown>; codebook: Record<string, unknown> }>;
    [key: string]: unknown;
  }

  /** The file with another description, whose checksum is right. */
  function described(change: (d: Described) => void): Uint8Array {
    const { header, data } = split(whole());
    const description = JSON.parse(header.__metadata__.model as string) as Described;
    change(description);
    header.__metadata__.model = JSON.stringify(description);
    return join({ header, data });
  }

  test('an unchanged description unpacks', () => {
    expect(outcome(described(() => {}))).toBe('unpacked');
  });

  const formOf = (d: Described, name = 'fc.weight') => d.tensors[name] as Described['tensors'][string];
  const layerOf = (d: Described, i: number) =>
    (d.topology.children[i] as [string, { type: string; args: unknown[] }])[1];
  test.each<[string, (d: Described) => void]>([
    ['more zeros than are there', (d) => (formOf(d).shape = [50_000, 60_000])],
    ['a shape beyond numbers', (d) => (formOf(d).shape = [2 ** 31, 2 ** 31, 2 ** 31])],
    ['a negative shape', (d) => (formOf(d).shape = [-50, -60])],
    ['another shape of as many', (d) => (formOf(d).shape = [60, 50])],
    ['fewer weights than are there', (d) => (formOf(d).places.kept = 200)],
    ['more weights than are there', (d) => (formOf(d).places.kept = 310)],
    ['more weights than places', (d) => (formOf(d).places.kept = 1e9)],
    ['gaps of another width', (d) => (formOf(d).places.width = 8)],
    ['gaps of no width', (d) => (formOf(d).places.width = 0)],
    ['places of no kind', (d) => (formOf(d).places.as = 'list')],
    ['no places', (d) => delete (formOf(d) as Partial<Described['tensors'][string]>).places],
    ['a codebook of another size', (d) => (formOf(d, 'wide.weight').codebook.entries = 31)],
    ['a codebook of any size', (d) => (formOf(d, 'wide.weight').codebook.entries = 1e9)],
    ['a codebook of none', (d) => (formOf(d, 'wide.weight').codebook.entries = 0)],
    ['no codebook', (d) => delete (formOf(d, 'wide.weight') as Partial<Described['tensors'][string]>).codebook],
    ['another dtype', (d) => Object.assign(formOf(d), { dtype: 'I8' })],
    ['an unknown dtype', (d) => Object.assign(formOf(d), { dtype: 'F7' })],
    ['no form', (d) => delete d.tensors['fc.weight']],
    ['a form of nothing', (d) => (d.tensors['bn.weight'] = formOf(d))],
    ['no forms', (d) => Object.assign(d, { tensors: null })],
    ['a layer as large as memory', (d) => (layerOf(d, 2).args = [50_000, 40_000])],
    ['a larger layer', (d) => (layerOf(d, 2).args = [5000, 4000])],
    ['a module that is not there', (d) => Object.assign(layerOf(d, 2), { same: 'fd' })],
    ['a module that is itself', (d) => Object.assign(layerOf(d, 2), { same: '' })],
    ['ties to nothing', (d) => (d.topology.ties = [['wide.weight', 'fd.weight']])],
    ['ties of other shapes', (d) => (d.topology.ties = [['wide.weight', 'fc.weight']])],
    ['ties that are none', (d) => (d.topology.ties = [['wide.weight']])],
    ['masks of nothing', (d) => (d.pruned = ['fd.weight'])],
    ['masks that are none', (d) => (d.pruned = 3)],
    ['codebooks that move otherwise', (d) => (d.clustered = { 'fc.weight': 'up' })],
    ['codebooks of nothing', (d) => (d.clustered = { 'fd.weight': 'mean' })],
    ['shared tensors that are none', (d) => (d.shared = { 'fc.weight': 'x' })],
  ])('with %s', (_, change) => {
    expect(outcome(described(change))).toMatch(/^(format|memory)$/);
  });

  test('memory stays within what the file is worth', () => {
    const bytes = described((d) => (layerOf(d, 2).args = [20_000, 20_000]));
    const before = memory().heapBytes;
    expect(outcome(bytes)).toBe('memory');
    expect(memory().heapBytes - before).toBeLessThan(8e6);
  });

  test('that another program has written anew', () => {
    const { header, data } = split(whole());
    const text = new TextEncoder().encode(
      JSON.stringify({ ...header, __metadata__: { a: '1', ...header.__metadata__ } }),
    );
    const bytes = new Uint8Array(8 + text.length + data.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    bytes.set(data, 8 + text.length);
    expect(() => unpack(bytes)).toThrow('its checksum is not where fettle puts it');
    expect(() => packReport(bytes)).toThrow('its checksum is not where fettle puts it');
  });
});

test('nothing of packing stays', () => {
  const model = pruned();
  const before = memory();
  const bytes = noGrad(() => pack(model));
  expect(memory().tensors).toBe(before.tensors);
  unpack(bytes).model.dispose();
  expect([memory().tensors, memory().bytes]).toEqual([before.tensors, before.bytes]);
});
