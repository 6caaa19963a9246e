import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FettleError, Generator, memory, tensor } from 'fettle';
import { loadNpy, parseNpy, saveNpy, serializeNpy } from 'fettle/io';
import { describe, expect, it } from 'vitest';

/** A file with this header, padded as NumPy does, and these elements. */
function npy(header: string, elements: ArrayLike<number>, version = 1): Uint8Array {
  const lead = version === 1 ? 10 : 12;
  const start = Math.ceil((lead + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + elements.length).fill(0x20, 0, start);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, (start - lead) & 255, (start - lead) >> 8]);
  if (version > 1) bytes.set([0, 0], 10);
  bytes.set(new TextEncoder().encode(header), lead);
  bytes[start - 1] = 0x0a;
  bytes.set(elements, start);
  return bytes;
}

const header = (descr: string, shape: string, order = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

describe('npy', () => {
  it('keeps dtype, shape and elements', async () => {
    for (const x of [
      tensor([
        [1.5, Number.NaN],
        [-0, 1e-40],
      ]),
      tensor([1, 2, 3], { dtype: 'float16' }),
      tensor(Int32Array.of(-1), []),
      tensor(Int8Array.of(-128, 127)),
      tensor(Uint8Array.of(0, 255), [1, 2]),
      tensor([true, false]),
      tensor(new Float32Array(0), [0, 5]),
    ]) {
      const bytes = await serializeNpy(x);
      const y = parseNpy(bytes);
      expect([y.dtype, y.shape, [...y.dataSync()]]).toEqual([x.dtype, x.shape, [...x.dataSync()]]);
    }
  });

  it('is written to the letter', async () => {
    const bytes = await serializeNpy(tensor([1, 2]));
    expect(bytes.length).toBe(128 + 8);
    expect([...bytes]).toEqual([...npy(header('<f4', '(2,)'), [0, 0, 128, 63, 0, 0, 0, 64])]);
  });

  it('reads either byte order, either order of dimensions, and wider types', () => {
    expect(parseNpy(npy(header('>f4', '(2,)'), [63, 128, 0, 0, 64, 0, 0, 0])).toArray()).toEqual([1, 2]);
    expect(parseNpy(npy(header('<i8', '()'), [255, 255, 255, 255, 255, 255, 255, 255])).item()).toBe(-1);
    expect(parseNpy(npy(header('|b1', '(2,)'), [1, 0])).toArray()).toEqual([true, false]);
    expect(parseNpy(npy(header('<u2', '(1,)'), [0, 1], 2)).toArray()).toEqual([256]);
    const fortran = parseNpy(npy(header('|u1', '(2, 3)', 'True'), [1, 4, 2, 5, 3, 6]));
    expect(fortran.isContiguous()).toBe(true);
    expect(fortran.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  it.each([
    ['text', new TextEncoder().encode('something else'), 'not an npy file'],
    ['nothing', new Uint8Array(0), 'not an npy file'],
    ['a later version', npy(header('<f4', '(1,)'), [0, 0, 0, 0], 4), 'version 4'],
    ['a header that is cut', npy(header('<f4', '(1,)'), []).subarray(0, 40), 'cut short within the header'],
    ['objects', npy(header('|O', '(1,)'), [0]), 'unknown header'],
    ['records', npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", [0]), 'unknown header'],
    ['complex numbers', npy(header('<c8', '(1,)'), new Uint8Array(8)), "unknown type 'c8'"],
    ['too few elements', npy(header('<f4', '(2,)'), [0, 0, 0, 0]), 'cut short: F32 [2]'],
    ['too many elements', npy(header('<f4', '(1,)'), new Uint8Array(8)), 'too long'],
    ['a huge shape', npy(header('<f4', '(99999999999, 99999999999)'), [0]), 'cut short'],
    ['nine dimensions', npy(header('|u1', '(1,1,1,1,1,1,1,1,1)'), [0]), 'at most 8 dimensions'],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => parseNpy(bytes, 'x.npy')).toThrow(FettleError);
    expect(() => parseNpy(bytes, 'x.npy')).toThrow(message);
  });

  it('takes no damage from damaged files', async () => {
    const random = new Generator(3);
    const whole = await serializeNpy(tensor([[1, 2, 3]]));
    for (let round = 0; round < 400; round++) {
      const bytes = whole.slice(0, random.below(3) === 0 ? random.below(whole.length) : whole.length);
      for (let k = 0; k <= random.below(3); k++) bytes[random.below(90)] = random.below(256);
      const before = memory().bytes;
      try {
        const x = parseNpy(bytes);
        expect(memory().bytes - before).toBeLessThanOrEqual(4 * bytes.length);
        x.dispose();
      } catch (error) {
        expect(error).toBeInstanceOf(FettleError);
      }
    }
  });

  it('goes through files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fettle-npy-'));
    try {
      await saveNpy(join(folder, 'x.npy'), tensor([[1, 2]]));
      expect((await loadNpy(join(folder, 'x.npy'))).toArray()).toEqual([[1, 2]]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
