import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FettleError, Generator, memory, type Tensor, tensor } from 'fettle';
import { loadFile, parse, saveFile, serialize } from 'fettle/io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** A file with this header and so many bytes behind it. */
function file(header: unknown, data: number | Uint8Array = 0, length?: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

const headerOf = (bytes: Uint8Array): string => {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return new TextDecoder().decode(bytes.subarray(8, 8 + length));
};

const samples = (): Record<string, Tensor> => ({
  'fc1.weight': tensor([
    [1.5, -2, Number.NaN],
    [Number.POSITIVE_INFINITY, -0, 1e-40],
  ]),
  half: tensor([1, 65504, 2 ** -24], { dtype: 'float16' }),
  'bn.num_batches_tracked': tensor(Int32Array.of(-(2 ** 31)), []),
  codes: tensor(Int8Array.of(-128, 0, 127)),
  bytes: tensor(Uint8Array.of(0, 255), [2, 1]),
  mask: tensor([true, false, true]),
  empty: tensor(new Float32Array(0), [0, 3]),
});

const bits = (x: Tensor): unknown => {
  const data = x.dataSync();
  return data instanceof Float32Array ? [...new Uint32Array(data.buffer, data.byteOffset, data.length)] : [...data];
};

const look = (tensors: Record<string, Tensor>): unknown =>
  Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, [x.dtype, x.shape, bits(x)]]));

describe('safetensors', () => {
  it('keep every dtype, shape and bit', async () => {
    const bytes = await serialize(samples(), { format: 'pt', note: 'ä "quoted"' });
    const { tensors, metadata } = parse(bytes);
    const byName = (a: [string, unknown], b: [string, unknown]): number => (a[0] < b[0] ? -1 : 1);
    const sorted = (value: unknown) => Object.fromEntries(Object.entries(value as object).sort(byName));
    expect(sorted(look(tensors))).toEqual(sorted(look(samples())));
    expect(metadata).toEqual({ format: 'pt', note: 'ä "quoted"' });
  });

  it('are written as the format says: sorted by width and name, aligned, without gaps', async () => {
    const bytes = await serialize({ b: tensor([1, 2]), a: tensor(Uint8Array.of(7)), c: tensor([3]) });
    const header = headerOf(bytes);
    expect(header.length % 8).toBe(0);
    expect(header.trimEnd()).toBe(
      '{"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"c":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},' +
        '"a":{"dtype":"U8","shape":[1],"data_offsets":[12,13]}}',
    );
    expect([...bytes.subarray(8 + header.length)]).toEqual([0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 7]);
  });

  it('read what the reference implementation writes', () => {
    // safetensors 0.8.0, in Python: save({'w': torch.arange(4).reshape(2, 2), 'b': torch.tensor([1.5], dtype=torch.bfloat16),
    // 'f': torch.tensor([[1.0, -2.0]]), 'h': torch.tensor([0.5], dtype=torch.float16), 'm': torch.tensor([True, False])},
    // {'k': 'v'})
    const golden = Buffer.from(
      'OAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJrIjoidiJ9LCJ3Ijp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOlsyLDJdLCJkYXRhX29mZnNldHMiOlsw' +
        'LDMyXX0sImYiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzEsMl0sImRhdGFfb2Zmc2V0cyI6WzMyLDQwXX0sImIiOnsiZHR5cGUiOiJCRjE2Iiwi' +
        'c2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbNDAsNDJdfSwiaCI6eyJkdHlwZSI6IkYxNiIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzQy' +
        'LDQ0XX0sIm0iOnsiZHR5cGUiOiJCT09MIiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbNDQsNDZdfX0gICAgICAAAAAAAAAAAAEAAAAAAAAA' +
        'AgAAAAAAAAADAAAAAAAAAAAAgD8AAADAwD8AOAEA',
      'base64',
    );
    const { tensors, metadata } = parse(golden);
    expect(Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, [x.dtype, x.toArray()]]))).toEqual({
      w: [
        'int32',
        [
          [0, 1],
          [2, 3],
        ],
      ],
      f: ['float32', [[1, -2]]],
      b: ['float32', [1.5]],
      h: ['float16', [0.5]],
      m: ['bool', [true, false]],
    });
    expect(metadata).toEqual({ k: 'v' });
    const wide = (dtype: string, data: Uint8Array, shape: number[]) =>
      parse(file({ x: { dtype, shape, data_offsets: [0, data.length] } }, data)).tensors.x?.toArray();
    expect(wide('F64', new Uint8Array(Float64Array.of(0.1).buffer), [1])).toEqual([Math.fround(0.1)]);
    expect(wide('U16', Uint8Array.of(255, 255), [])).toBe(65535);
    expect(wide('I16', Uint8Array.of(255, 255), [])).toBe(-1);
    expect(wide('BOOL', Uint8Array.of(0, 1, 255), [3])).toEqual([false, true, true]);
    expect(() => wide('I64', Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0), [1])).toThrow(
      '4294967296, which int32 cannot hold',
    );
    expect(() => wide('U32', Uint8Array.of(255, 255, 255, 255), [1])).toThrow('which int32 cannot hold');
  });

  it('hold views as they look', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const { tensors } = parse(await serialize({ turned: x.T, row: x.select(0, 1), column: x.select(1, 2) }));
    expect(tensors.turned?.toArray()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(tensors.row?.toArray()).toEqual([4, 5, 6]);
    expect(tensors.column?.toArray()).toEqual([3, 6]);
  });

  it('are a snapshot of the moment they are asked for', async () => {
    const x = tensor([1, 2]);
    const promise = serialize({ x, turned: tensor([[1, 2]]).T });
    x.dispose();
    expect(parse(await promise).tensors.x?.toArray()).toEqual([1, 2]);
  });

  it('take names that are special in JavaScript, and maps', async () => {
    const bytes = await serialize(
      new Map([
        ['__proto__', tensor([1])],
        ['constructor', tensor([2])],
        ['', tensor([3])],
      ]),
    );
    const { tensors } = parse(bytes);
    expect(Object.keys(tensors).sort()).toEqual(['', '__proto__', 'constructor']);
    expect(
      Object.entries(tensors)
        .map(([, x]) => x.item())
        .sort(),
    ).toEqual([1, 2, 3]);
    await expect(serialize({ __metadata__: tensor([1]) })).rejects.toThrow('no tensor can be called __metadata__');
    await expect(serialize({ x: 3 as unknown as Tensor })).rejects.toThrow("'x' must be a Tensor");
    await expect(serialize({}, { a: 1 as unknown as string })).rejects.toThrow('metadata must be texts');
    expect(parse(await serialize({})).tensors).toEqual({});
  });
});

const f32 = (shape: unknown, begin: unknown, end: unknown, dtype: unknown = 'F32'): unknown => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('malformed safetensors', () => {
  it.each([
    ['nothing', new Uint8Array(0), '0 bytes are too few'],
    ['seven bytes', new Uint8Array(7), '7 bytes are too few'],
    ['a header of 2^63 bytes', file('{}', 0, 2 ** 53), 'at most 100000000'],
    ['a header longer than the file', file('{}', 0, 3), 'the header takes 3 bytes, 2 are there'],
    ['an empty header', file('', 0), 'must begin with {'],
    ['an array', file('[]', 0), 'must begin with {'],
    ['a space before the header', file(' {}', 0), 'must begin with {'],
    ['broken JSON', file('{"a":', 0), 'not JSON in UTF-8'],
    ['broken UTF-8', file('{"\u00e9":1}', 0).map((b) => (b === 0xc3 ? 0xff : b)), 'not JSON in UTF-8'],
    ['JSON ten thousand deep', file(`{"a":${'['.repeat(10_000)}`, 0), 'not JSON'],
    ['no object', file({ a: 1 }), "tensor 'a': expected an object"],
    ['no dtype', file({ a: { shape: [], data_offsets: [0, 4] } }, 4), 'unknown dtype undefined'],
    ['an unknown dtype', file({ a: f32([1], 0, 4, 'F8_E4M3') }, 4), 'unknown dtype "F8_E4M3". Known are F64'],
    ['a dtype of Object.prototype', file({ a: f32([1], 0, 4, 'constructor') }, 4), 'unknown dtype "constructor"'],
    ['a negative size', file({ a: f32([-1], 0, 4) }, 4), 'shape must be'],
    ['a fraction', file({ a: f32([0.5], 0, 2) }, 2), 'shape must be'],
    ['a size beyond 2^53', file({ a: f32([2 ** 60], 0, 4) }, 4), 'shape must be'],
    ['sizes whose product is beyond 2^53', file({ a: f32([2 ** 30, 2 ** 30], 0, 4) }, 4), 'takes'],
    ['a product beyond all bounds', file({ a: f32(new Array(8).fill(2 ** 52), 0, 4) }, 4), 'takes 6.769'],
    ['nine dimensions', file({ a: f32(new Array(9).fill(1), 0, 4) }, 4), 'at most 8 dimensions'],
    ['no offsets', file({ a: { dtype: 'F32', shape: [1] } }, 4), 'data_offsets must be'],
    ['three offsets', file({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 4] } }, 4), 'data_offsets must be'],
    ['offsets that are text', file({ a: f32([1], '0', '4') }, 4), 'data_offsets must be'],
    ['offsets the wrong way round', file({ a: f32([1], 4, 0) }, 4), 'its offsets 4 … 0 have -4'],
    [
      'offsets that do not fit the shape',
      file({ a: f32([2], 0, 4) }, 4),
      'F32 [2] takes 8 bytes, its offsets 0 … 4 have 4',
    ],
    ['a file that is cut', file({ a: f32([2], 0, 8) }, 7), 'cut short: its tensors take'],
    ['a file that goes on', file({ a: f32([1], 0, 4) }, 5), '1 bytes follow the last tensor'],
    [
      'tensors that overlap',
      file({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
      "tensor 'b' overlaps the one before it",
    ],
    ['twice the same place', file({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4), 'overlaps'],
    ['a gap', file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), "tensor 'b' leaves a gap of 4 bytes"],
    ['a gap at the beginning', file({ a: f32([1], 4, 8) }, 8), 'leaves a gap of 4 bytes'],
    [
      'a name given twice',
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        8,
      ),
      'leaves a gap',
    ],
    ['metadata that is no object', file({ __metadata__: [] }), '__metadata__ must be an object'],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), '__metadata__.a must be a text, got number'],
  ])('%s', (_what, bytes, message) => {
    const before = memory();
    const run = (): unknown => parse(bytes, 'x.safetensors');
    expect(run).toThrow(FettleError);
    expect(run).toThrow(message);
    expect(run).toThrow('x.safetensors');
    expect(memory().tensors).toBe(before.tensors);
    expect(memory().heapBytes).toBe(before.heapBytes);
  });

  it('never crash and never take more memory than the file has', async () => {
    const random = new Generator(2);
    const whole = await serialize(samples(), { format: 'pt' });
    const header = headerOf(whole);
    const data = whole.subarray(8 + header.length);
    const tokens = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '-1',
      '1e99',
      '99999999999',
      'null',
      '"F64"',
      '[0,8]',
      '"BOOL"',
      'true',
      '\\u0000',
      ' ',
    ];
    const pick = (text: string): number => random.below(text.length + 1);
    let read = 0;
    const before = memory();
    for (let round = 0; round < 1200; round++) {
      let bytes: Uint8Array;
      const kind = round % 4;
      if (kind === 0) {
        // Bytes anywhere in the file, its length included.
        bytes = whole.slice();
        for (let k = 0; k <= random.below(4); k++) bytes[random.below(bytes.length)] = random.below(256);
      } else if (kind === 1) {
        bytes = whole.subarray(0, random.below(whole.length + 1));
      } else {
        // The header's text, with its length set right again, so that the mutation is seen by what reads the header.
        const at = pick(header);
        const token = tokens[random.below(tokens.length)] as string;
        const digits = [...header.matchAll(/\d+/g)];
        const digit = digits[random.below(digits.length)] as RegExpExecArray;
        const text =
          kind === 2
            ? header.slice(0, at) + token + header.slice(at + random.below(4))
            : header.slice(0, digit.index) + String(random.below(50)) + header.slice(digit.index + digit[0].length);
        bytes = file(text, data);
      }
      const heap = memory();
      try {
        const { tensors } = parse(bytes);
        expect(memory().bytes - heap.bytes).toBeLessThanOrEqual(2 * bytes.length);
        for (const x of Object.values(tensors)) x.dispose();
        read++;
      } catch (error) {
        expect(error).toBeInstanceOf(FettleError);
      }
      expect(memory().bytes).toBe(heap.bytes);
    }
    // Some mutations change a name or a value and nothing else; most are found.
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(600);
    expect(memory().tensors).toBe(before.tensors);
  });
});

describe('safetensors files', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fettle-io-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('are written and read', async () => {
    const path = join(folder, 'model.safetensors');
    await saveFile(path, samples(), { a: 'b' });
    const { tensors, metadata } = await loadFile(path);
    expect(look({ codes: tensors.codes as Tensor })).toEqual(look({ codes: samples().codes as Tensor }));
    expect(Object.keys(tensors).length).toBe(7);
    expect(metadata).toEqual({ a: 'b' });
    await saveFile(path, { x: tensor([1]) });
    expect(Object.keys((await loadFile(path)).tensors)).toEqual(['x']);
  });

  it('stay what they were when writing fails, and nothing is left behind', async () => {
    const path = join(folder, 'kept.safetensors');
    await saveFile(path, { x: tensor([1]) });
    await expect(saveFile(path, { __metadata__: tensor([2]) })).rejects.toThrow(FettleError);
    expect((await loadFile(path)).tensors.x?.toArray()).toEqual([1]);
    await mkdir(join(folder, 'taken'));
    await expect(saveFile(join(folder, 'taken'), { x: tensor([1]) })).rejects.toThrow('taken: cannot be written');
    await expect(saveFile(join(folder, 'no', 'where'), {})).rejects.toThrow('there is no such file or folder');
    await expect(loadFile(join(folder, 'none'))).rejects.toThrow(
      'none: cannot be read: there is no such file or folder',
    );
    await expect(loadFile(folder)).rejects.toThrow('it is a folder');
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('are whole at any moment', async () => {
    const path = join(folder, 'busy.safetensors');
    const x = tensor(new Float32Array(100_000).fill(1));
    const y = tensor(new Float32Array(100_000).fill(2));
    await saveFile(path, { x });
    let writing = true;
    const writer = Promise.all([saveFile(path, { x: y }), saveFile(path, { x }), saveFile(path, { x: y })]).then(() => {
      writing = false;
    });
    while (writing) {
      const values = parse(await readFile(path)).tensors.x?.dataSync() as Float32Array;
      expect(new Set(values).size).toBe(1);
    }
    await writer;
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('name the file that is broken', async () => {
    const path = join(folder, 'broken.safetensors');
    await writeFile(path, 'not tensors at all');
    await expect(loadFile(path)).rejects.toThrow(`${path}: not a safetensors file`);
  });
});
