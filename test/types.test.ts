import { add, argmax, matmul, relu, reshape, sum, type Tensor, tensor } from 'fettle';
import { expect, expectTypeOf, test } from 'vitest';

/**
 * What the compiler knows of results: dtypes and ranks follow from those of the operands. `npm run check` checks this file's
 * types; run, it shows that the values are what the types say.
 */

const matrix = (): Tensor<'float32', 2> => tensor([1, 2, 3, 4, 5, 6], [2, 3]) as Tensor<'float32', 2>;

test('ranks and dtypes of methods', () => {
  const x = matrix();
  expectTypeOf(x.shape).toEqualTypeOf<readonly [number, number]>();
  expectTypeOf(x.exp()).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(x.gt(0)).toEqualTypeOf<Tensor<'bool', 2>>();
  expectTypeOf(x.sum()).toEqualTypeOf<Tensor<'float32', 0>>();
  expectTypeOf(x.sum(1)).toEqualTypeOf<Tensor<'float32', 1>>();
  expectTypeOf(x.sum(1, true)).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(x.mean({ dim: 0, keepdim: true })).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(x.argmax(1)).toEqualTypeOf<Tensor<'int32', 1>>();
  expectTypeOf(x.argmax()).toEqualTypeOf<Tensor<'int32', 0>>();
  expectTypeOf(x.argmax().item()).toEqualTypeOf<number>();
  expectTypeOf(x.T).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(x.unsqueeze(0)).toEqualTypeOf<Tensor<'float32', 3>>();
  expectTypeOf(x.select(0, 1)).toEqualTypeOf<Tensor<'float32', 1>>();
  expectTypeOf(x.reshape(1, 2, 3)).toEqualTypeOf<Tensor<'float32', 3>>();
  expectTypeOf(x.reshape([6])).toEqualTypeOf<Tensor<'float32', 1>>();
  expectTypeOf(x.int()).toEqualTypeOf<Tensor<'int32', 2>>();
  expectTypeOf(x.add(1)).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(x.mul(x.sum(0))).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(x.sum(0).mul({ other: x })).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(x.matmul(x.T).shape).toEqualTypeOf<readonly [number, number]>();
  expectTypeOf(x.matmul(x.sum(0)).shape).toEqualTypeOf<readonly [number]>();
  for (const [y, rank] of [
    [x.sum(1), 1],
    [x.argmax(), 0],
    [x.unsqueeze(0), 3],
    [x.mul(x.sum(0)), 2],
    [x.matmul(x.sum(0)), 1],
    [x.reshape(1, 2, 3), 3],
  ] as const) {
    expect(y.ndim).toBe(rank);
  }
});

test('ranks and dtypes of functions', () => {
  const x = matrix();
  expectTypeOf(relu(x)).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(argmax(x, 0)).toEqualTypeOf<Tensor<'int32', 1>>();
  expectTypeOf(sum(x, { dim: 0 })).toEqualTypeOf<Tensor<'float32', 1>>();
  expectTypeOf(sum(x.gt(0))).toEqualTypeOf<Tensor<'int32', 0>>();
  expectTypeOf(reshape(x, [3, 2])).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(add(2, x)).toEqualTypeOf<Tensor<'float32', 2>>();
  expectTypeOf(matmul(x, x.T).shape).toEqualTypeOf<readonly [number, number]>();
  expect(sum(x.gt(0)).dtype).toBe('int32');
  expect(add(2, x).dtype).toBe('float32');
});

test('a tensor of unknown rank and dtype stays one', () => {
  const x: Tensor = matrix();
  expectTypeOf(x.exp()).toEqualTypeOf<Tensor>();
  expectTypeOf(x.sum(1).shape).toEqualTypeOf<readonly number[]>();
  expectTypeOf(x.mul(2)).toEqualTypeOf<Tensor>();
  expectTypeOf(x.gt(0).dtype).toEqualTypeOf<'bool'>();
});

test('wrong options do not compile', () => {
  const x = matrix();
  // @ts-expect-error there is no keepdims
  expect(() => x.sum(1, { keepdims: true })).toThrow("there is no option 'keepdims'");
  // @ts-expect-error alpha is a number
  expect(() => x.add(1, { alpha: 'two' })).toThrow();
  // @ts-expect-error a matrix has no third index
  expect(x.shape[2]).toBeUndefined();
  // @ts-expect-error softmax has no dims
  expect(() => x.softmax({ dims: 1 })).toThrow("there is no option 'dims'");
});
