import { FettleError, manualSeed, randn, type Tensor, tensor } from 'fettle';
import { describe, expect, test } from 'vitest';
import { type Packed, unpackSparse } from '../../src/compress/storing/bitmask.js';

/** The bits of a float32 array: −0, NaN and 0 all differ. */
const bits = (x: Tensor): number[] => [...new Uint32Array((x.dataSync() as Float32Array).buffer)];

function sparse(size: number, share: number): Float32Array {
  manualSeed(size);
  return (randn([size]).dataSync() as Float32Array).map((v, i) => ((i * 7919) % 1000 < share * 1000 ? 0 : v));
}

/** What version 1 wrote for a tensor with many zeros. */
function packed(w: Tensor): Packed {
  const values = w.dataSync();
  const mask = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, i) => {
    if (!Object.is(value, 0)) mask[i >>> 3] = (mask[i >>> 3] as number) | (1 << (i & 7));
  });
  const kept = Float32Array.from(values.filter((value) => !Object.is(value, 0)));
  return { tensors: { 'w#mask': tensor(mask, { dtype: 'uint8' }), 'w#values': tensor(kept) }, shapes: { w: w.shape } };
}

describe('a tensor comes back to the bit', () => {
  test.each([64, 65, 71, 72, 1000, 4097])('of %i weights, most of them 0', (size) => {
    const w = tensor(sparse(size, 0.9));
    expect(bits(unpackSparse(packed(w)).w as Tensor)).toEqual(bits(w));
  });

  test('of zeros alone', () => {
    const w = tensor(new Float32Array(100), [10, 10]);
    const back = unpackSparse(packed(w)).w as Tensor;
    expect(back.shape).toEqual([10, 10]);
    expect(bits(back)).toEqual(bits(w));
  });

  test('of NaN, infinities and −0, which are values and not zeros', () => {
    const w = tensor(
      sparse(80, 0.8).map((v, i) => [NaN, Infinity, -Infinity, -0][i] ?? v),
      [8, 10],
    );
    expect(bits(unpackSparse(packed(w)).w as Tensor)).toEqual(bits(w));
  });

  test('among tensors that are as they are', () => {
    const dense = tensor(sparse(360, 0));
    const { tensors, shapes } = packed(tensor(sparse(360, 0.5), [4, 10, 3, 3]));
    const back = unpackSparse({ tensors: { dense, ...tensors }, shapes });
    expect(back.dense).toBe(dense);
    expect(back.w?.shape).toEqual([4, 10, 3, 3]);
  });
});

describe('corrupt parts are refused', () => {
  const whole = (): Packed => packed(tensor(sparse(100, 0.9)));
  const damage: [string, (p: Packed) => unknown][] = [
    ['no mask', (p) => ({ tensors: { 'w#values': p.tensors['w#values'] }, shapes: p.shapes })],
    ['no values', (p) => ({ tensors: { 'w#mask': p.tensors['w#mask'] }, shapes: p.shapes })],
    ['another shape', (p) => ({ ...p, shapes: { w: [10, 11] } })],
    ['a gigantic shape', (p) => ({ ...p, shapes: { w: [2 ** 40] } })],
    ['a negative shape', (p) => ({ ...p, shapes: { w: [-10, -10] } })],
    ['a shape of texts', (p) => ({ ...p, shapes: { w: ['100'] } })],
    ['no shape', (p) => ({ ...p, shapes: { w: null } })],
    ['too few values', (p) => ({ ...p, tensors: { ...p.tensors, 'w#values': tensor([1, 2]) } })],
    ['too many values', (p) => ({ ...p, tensors: { ...p.tensors, 'w#values': tensor(new Float32Array(50)) } })],
    ['values of another dtype', (p) => ({ ...p, tensors: { ...p.tensors, 'w#values': tensor(new Int32Array(10)) } })],
    ['a mask of another dtype', (p) => ({ ...p, tensors: { ...p.tensors, 'w#mask': tensor(new Float32Array(13)) } })],
  ];
  test.each(damage)('%s', (_, spoil) => {
    const spoilt = spoil(whole()) as Packed;
    expect(() => unpackSparse(spoilt)).toThrow(FettleError);
    expect(() => unpackSparse(spoilt)).toThrow("sparse tensor 'w'");
  });
});
