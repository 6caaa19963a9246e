import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { FettleError, memory, type Tensor, tensor } from 'fettle';
import { loadNpz, parseNpz, saveNpz, serializeNpz } from 'fettle/io';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../support/errors.js';

/** Archives of numpy.savez and savez_compressed (test/golden/npz.py). */
const golden = JSON.parse(readFileSync(new URL('../golden/npz.json', import.meta.url), 'utf8')) as {
  stored: string;
  compressed: string;
  listed: string;
  bzip2: string;
  arrays: Record<string, { shape: number[]; values: number[] }>;
};

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'base64'));
const stored = bytesOf(golden.stored);
const compressed = bytesOf(golden.compressed);

/** Name, dtype, shape and values of tensors. */
const shown = (tensors: Record<string, Tensor>): unknown[] =>
  Object.entries(tensors).map(([name, x]) => [name, x.dtype, x.shape, [...x.dataSync()]]);

/** Where a signature stands, counted from the end for a negative `n`. */
function find(bytes: Uint8Array, signature: number, n = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at++) if (view.getUint32(at, true) === signature) places.push(at);
  return places.at(n) as number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

/** A copy with numbers written over it: [place, width, value]. */
function changed(
  bytes: Uint8Array,
  ...writes: (readonly [at: number, width: 2 | 4, value: number])[]
): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice() as Uint8Array<ArrayBuffer>;
  const view = new DataView(copy.buffer);
  for (const [at, width, value] of writes) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  }
  return copy;
}

describe('npz', () => {
  it.each([
    ['numpy.savez', stored],
    ['numpy.savez_compressed', compressed],
  ])('reads what %s writes', async (_what, bytes) => {
    const tensors = await parseNpz(bytes);
    expect(Object.keys(tensors)).toEqual(Object.keys(golden.arrays));
    for (const [name, { shape, values }] of Object.entries(golden.arrays)) {
      const x = tensors[name] as Tensor;
      expect([name, x.shape, [...x.dataSync()].map(Number)]).toEqual([name, shape, values]);
    }
    expect([tensors.weight?.dtype, tensors.labels?.dtype, tensors.mask?.dtype]).toEqual(['float32', 'int32', 'bool']);
  });

  it('reads the arrays that are asked for', async () => {
    expect(Object.keys(await parseNpz(stored, 'x.npz', { names: ['mask', 'weight'] }))).toEqual(['mask', 'weight']);
    const { message, code } = await errorOf(parseNpz(bytesOf(golden.listed), 'x.npz', { names: ['weight'] }));
    expect([code, message]).toEqual(['argument', "x.npz: there is no array 'weight'. It has arr_0, arr_1."]);
  });

  it.each([false, true])('keeps names, dtypes, shapes and elements, compressed: %s', async (compressed) => {
    const tensors = {
      'layer.weight': tensor([
        [1.5, Number.NaN],
        [-0, 1e-40],
      ]),
      half: tensor([1, 2, 3], { dtype: 'float16' }),
      one: tensor(Int32Array.of(-1), []),
      small: tensor(Int8Array.of(-128, 127)),
      yes: tensor([true, false]),
      none: tensor(new Float32Array(0), [0, 5]),
      größe: tensor(new Float32Array(3000), [3000]),
    };
    const bytes = await serializeNpz(tensors, { compressed });
    expect(bytes.length).toBeGreaterThan(compressed ? 500 : 12_000);
    expect(compressed ? bytes.length : 0).toBeLessThan(3000);
    expect(shown(await parseNpz(bytes))).toEqual(shown(tensors));
    expect(shown(await parseNpz(bytes.buffer))).toEqual(shown(tensors));
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    expect(shown(await parseNpz(shared))).toEqual(shown(tensors));
  });

  it('takes Maps, and lists as numpy does', async () => {
    const x = tensor([1, 2]);
    expect(shown(await parseNpz(await serializeNpz(new Map([['__proto__', x]]))))).toEqual([
      ['__proto__', 'float32', [2], [1, 2]],
    ]);
    expect(Object.keys(await parseNpz(await serializeNpz([x, x])))).toEqual(['arr_0', 'arr_1']);
    expect(await parseNpz(await serializeNpz({}))).toEqual({});
    const { message } = await errorOf(serializeNpz({ x: [1] as unknown as Tensor }));
    expect(message).toBe("serializeNpz: 'x' must be a Tensor.");
  });

  it('writes what an unzip of others accepts, the same bytes every time', async () => {
    const write = (): Promise<Uint8Array<ArrayBuffer>> => serializeNpz({ a: tensor([1]), b: tensor([2]) });
    const bytes = await write();
    expect([...(await write())]).toEqual([...bytes]);
    // Header by header, from the specification: two members, the directory, its record.
    const view = new DataView(bytes.buffer);
    const end = find(bytes, END);
    expect([view.getUint16(end + 10, true), view.getUint32(end + 16, true)]).toEqual([2, find(bytes, CENTRAL)]);
    expect(end + 22).toBe(bytes.length);
    expect(find(bytes, LOCAL, 1)).toBe(view.getUint32(find(bytes, CENTRAL, 1) + 42, true));
  });

  it('lets tensors be changed and disposed while they are written', async () => {
    const x = tensor([1, 2]);
    const writing = serializeNpz({ x }, { compressed: true });
    x.dispose();
    expect(shown(await parseNpz(await writing))).toEqual([['x', 'float32', [2], [1, 2]]]);
  });

  it('goes through files, and leaves nothing else behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fettle-npz-'));
    try {
      const path = join(folder, 'x.npz');
      await saveNpz(path, { x: tensor([1, 2]), y: tensor([3]) }, { compressed: true });
      expect(shown(await loadNpz(path, { names: ['y'] }))).toEqual([['y', 'float32', [1], [3]]]);
      expect(await readdir(folder)).toEqual(['x.npz']);
      expect((await errorOf(loadNpz(join(folder, 'y.npz')))).message).toMatch(/y\.npz: cannot be read/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('reads sizes from the fields of zip64', async () => {
    const bytes = await serializeNpz({ x: tensor([1, 2, 3]) });
    const at = find(bytes, CENTRAL);
    const end = find(bytes, END);
    const view = new DataView(bytes.buffer);
    const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    // The same archive with its numbers in wide fields: an extra field of three, the wide record and its locator.
    const extra = new Uint8Array(28);
    const fields = new DataView(extra.buffer);
    fields.setUint16(0, 1, true);
    fields.setUint16(2, 24, true);
    [size, packed, 0].forEach((value, i) => {
      fields.setBigUint64(4 + 8 * i, BigInt(value), true);
    });
    const directory = Buffer.concat([
      changed(bytes.subarray(at, end), [20, 4, 0xffffffff], [24, 4, 0xffffffff], [42, 4, 0xffffffff], [30, 2, 28]),
      extra,
    ]);
    const record = Buffer.alloc(56 + 20);
    record.writeUInt32LE(0x06064b50);
    record.writeBigUInt64LE(1n, 32);
    record.writeBigUInt64LE(BigInt(directory.length), 40);
    record.writeBigUInt64LE(BigInt(at), 48);
    record.writeUInt32LE(0x07064b50, 56);
    record.writeBigUInt64LE(BigInt(at + directory.length), 64);
    const tail = changed(
      bytes.subarray(end),
      [8, 2, 0xffff],
      [10, 2, 0xffff],
      [12, 4, 0xffffffff],
      [16, 4, 0xffffffff],
    );
    const wide = Buffer.concat([bytes.subarray(0, at), directory, record, tail]);
    expect(shown(await parseNpz(wide))).toEqual([['x', 'float32', [3], [1, 2, 3]]]);
    const odd = Buffer.from(wide);
    odd.fill(255, at + directory.length + 40, at + directory.length + 48);
    expect((await errorOf(parseNpz(odd))).message).toMatch(/tells an impossible size/);
  });
});

describe('a broken npz', () => {
  const at = find(stored, CENTRAL);

  it.each([
    ['nothing', new Uint8Array(0), 'not a zip archive'],
    ['text', new TextEncoder().encode('something else, longer than the record'), 'not a zip archive'],
    [
      'a member that is too long',
      changed(compressed, [find(compressed, CENTRAL) + 24, 4, 1 << 30]),
      "'weight.npy': 1073741824 bytes are promised",
    ],
    [
      'members larger than the file',
      changed(stored, [at + 20, 4, 1 << 30], [at + 24, 4, 1 << 30]),
      'more bytes than the file',
    ],
    ['a member that is too short', changed(stored, [at + 24, 4, 100]), 'bytes are stored, and 100 are promised'],
    ['a wrong checksum', changed(stored, [at + 16, 4, 1]), "'weight.npy': damaged: its checksum"],
    ['a place outside', changed(stored, [at + 42, 4, 0xfffffff0]), 'no member begins at byte 4294967280'],
    ['an encrypted member', changed(stored, [at + 8, 2, 1]), 'is encrypted'],
    ['too many members', changed(stored, [find(stored, END) + 10, 2, 5000]), 'its directory of 5000 members'],
    [
      'a directory elsewhere',
      changed(stored, [find(stored, END) + 16, 4, 3]),
      'no member 0 of the directory at byte 3',
    ],
    ['a directory outside', changed(stored, [find(stored, END) + 12, 4, 1 << 30]), 'does not fit'],
    [
      'a member of another kind',
      changed(stored, [at + 46 + 'weight.n'.length, 2, 0x7878]),
      "member 'weight.nxx' is no array",
    ],
    ['bzip2', bytesOf(golden.bzip2), 'packed with bzip2'],
  ])('%s is refused', async (_what, bytes, message) => {
    const before = memory().tensors;
    const error = await errorOf(parseNpz(bytes, 'x.npz'));
    expect([error.code, error.message]).toEqual(['format', expect.stringContaining(message)]);
    expect(error.message).toMatch(/^x\.npz: /);
    expect(memory().tensors).toBe(before);
  });

  it('says when two members have one name', async () => {
    const twice = Buffer.from(await serializeNpz({ a: tensor([1]), b: tensor([2]) }));
    twice[find(twice, CENTRAL, 1) + 46] = 'a'.charCodeAt(0);
    expect((await errorOf(parseNpz(twice))).message).toMatch(/two members have the name 'a\.npy'/);
  });

  it('is refused wherever it is cut off', async () => {
    const bytes = await serializeNpz({ a: tensor([1, 2]), b: tensor([3]) }, { compressed: true });
    for (let length = 0; length < bytes.length; length++) {
      expect((await errorOf(parseNpz(bytes.subarray(0, length)))).code).toBe('format');
    }
  });

  it.each([
    ['stored', stored],
    ['compressed', compressed],
  ])('%s, damaged anywhere, gives arrays or an error', async (_what, whole) => {
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const bytes = whole.slice();
        for (const [place, value] of changes) bytes[place] = value;
        try {
          for (const x of Object.values(await parseNpz(bytes))) x.dispose();
        } catch (error) {
          expect(error).toBeInstanceOf(FettleError);
        }
      }),
      { numRuns: 400 },
    );
  });
});
