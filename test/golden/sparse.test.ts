import { readFileSync } from 'node:fs';
import { autograd, sparse, type Tensor, tensor } from 'fettle';
import { describe, expect, test } from 'vitest';

/** Sparse products against PyTorch's: sparse.py made the numbers, all of them multiples of 1/8 whose sums are exact. */

interface Golden {
  readonly shape: readonly [number, number];
  readonly n: number;
  readonly indices: number[][];
  readonly values: number[];
  readonly x: number[];
  readonly g: number[];
  readonly y: number[];
  readonly dense: number[];
  readonly gradValues: number[];
  readonly gradX: number[];
  readonly crow: number[];
  readonly col: number[];
  readonly csrValues: number[];
  readonly csrProduct: number[];
}

const { cases } = JSON.parse(readFileSync(new URL('sparse.json', import.meta.url), 'utf8')) as { cases: Golden[] };

const floats = (numbers: number[]): Float32Array<ArrayBuffer> => Float32Array.from(numbers, (x) => x + 0);
const zeroed = (x: Tensor): number[] => Array.from(x.dataSync() as Float32Array, (value) => value + 0);
const plain = (numbers: number[]): number[] => numbers.map((value) => value + 0);

describe.each(cases)('$shape, $values.length values, $n columns', (golden) => {
  const { shape, n } = golden;
  const make = (): { s: sparse.SparseTensor; x: Tensor; g: Tensor } => ({
    s: sparse.coo(golden.indices, tensor(floats(golden.values), { requiresGrad: true }), shape),
    x: tensor(floats(golden.x), [shape[1], n], { requiresGrad: true }),
    g: tensor(floats(golden.g), [shape[0], n]),
  });

  test('coordinates: the product and both gradients', () => {
    const { s, x, g } = make();
    expect(zeroed(s.toDense())).toEqual(plain(golden.dense));
    const y = sparse.matmul(s, x);
    expect(zeroed(y)).toEqual(plain(golden.y));
    const [dv, dx] = autograd.grad([y], [s.values, x], g) as [Tensor, Tensor];
    expect(zeroed(dv)).toEqual(plain(golden.gradValues));
    expect(zeroed(dx)).toEqual(plain(golden.gradX));
  });

  test('compressed rows: indices, values and the product', () => {
    const { s, x } = make();
    const rows = s.to('csr');
    expect([...rows.crowIndices]).toEqual(golden.crow);
    expect([...rows.colIndices]).toEqual(golden.col);
    expect(zeroed(rows.values)).toEqual(plain(golden.csrValues));
    expect(zeroed(rows.matmul(x))).toEqual(plain(golden.csrProduct));
    const given = sparse.csr(golden.crow, golden.col, tensor(floats(golden.csrValues)), shape);
    expect(zeroed(given.matmul(x))).toEqual(plain(golden.csrProduct));
  });
});
