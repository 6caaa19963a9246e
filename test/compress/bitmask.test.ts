import { FettleError, manualSeed, randn, type Tensor, tensor } from 'fettle';
import { describe, expect, test } from 'vitest';
import { type Packed, packSparse, unpackSparse } from '../../src/compress/bitmask.js';

/** The bits of a float32 array: −0, NaN and 0 all differ. */
const bits = (x: Tensor): number[] => [...new Uint32Array((x.dataSync() as Float32Array).buffer)];

function sparse(size: number, share: number): Float32Array {
  manualSeed(size);
  return (randn([size]).dataSync() as Float32Array).map((v, i) => ((i * 7919) % 1000 < share * 1000 ? 0 : v));
}

describe('a round trip changes no bit', () => {
  test.each([64, 65, 71, 72, 1000, 4097])('of %i weights, most of them 0', (size) => {
    const w = tensor(sparse(size, 0.9));
    const packed = packSparse({ w });
    expect(Object.keys(packed.tensors)).toEqual(['w#mask', 'w#values']);
    expect(packed.tensors['w#mask']?.numel()).toBe(Math.ceil(size / 8));
    expect(bits(unpackSparse(packed).w as Tensor)).toEqual(bits(w));
  });

  test('of zeros alone', () => {
    const w = tensor(new Float32Array(100), [10, 10]);
    const packed = packSparse({ w });
    expect(packed.tensors['w#values']?.shape).toEqual([0]);
    const back = unpackSparse(packed).w as Tensor;
    expect(back.shape).toEqual([10, 10]);
    expect(bits(back)).toEqual(bits(w));
  });

  test('of NaN, infinities and −0, which are values and not zeros', () => {
    const w = tensor(
      sparse(80, 0.8).map((v, i) => [NaN, Infinity, -Infinity, -0][i] ?? v),
      [8, 10],
    );
    const packed = packSparse({ w });
    expect(packed.shapes).toEqual({ w: [8, 10] });
    expect(bits(unpackSparse(packed).w as Tensor)).toEqual(bits(w));
  });

  test('of four dimensions, among tensors that are passed on as they are', () => {
    const state = {
      conv: tensor(sparse(360, 0.5), [4, 10, 3, 3]),
      dense: tensor(sparse(360, 0)),
      small: tensor([0, 0, 0]),
      counter: tensor(new Int32Array(100)),
      scalar: tensor(0),
    };
    const packed = packSparse(state);
    expect(packed.shapes).toEqual({ conv: [4, 10, 3, 3] });
    for (const name of ['dense', 'small', 'counter', 'scalar'] as const) expect(packed.tensors[name]).toBe(state[name]);
    const back = unpackSparse(packed);
    expect(Object.keys(back).sort()).toEqual(Object.keys(state).sort());
    expect(back.conv?.shape).toEqual([4, 10, 3, 3]);
    expect(bits(back.conv as Tensor)).toEqual(bits(state.conv));
  });
});

test('90 % zeros take an eighth of the bytes', () => {
  const { tensors } = packSparse({ w: tensor(sparse(100_000, 0.9)) });
  const bytes = (tensors['w#mask']?.numel() ?? 0) + 4 * (tensors['w#values']?.numel() ?? 0);
  expect(bytes / 400_000).toBeLessThan(0.133);
});

describe('corrupt parts are refused', () => {
  const whole = (): Packed => packSparse({ w: tensor(sparse(100, 0.9)) });
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
