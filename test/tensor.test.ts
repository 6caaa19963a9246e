import { tensor, zeros } from 'fettle';
import { expect, test } from 'vitest';

/** What PyTorch's tensors can be asked, beside ops. */

test('sizes, strides and elements', () => {
  const x = zeros([2, 3, 4]).transpose(0, 1).narrow(0, 1, 2);
  expect([x.dim(), x.size(), x.size(0), x.size(-1), x.nelement()]).toEqual([3, [2, 2, 4], 2, 4, 16]);
  expect([x.stride(), x.stride(0), x.stride(-1), x.storageOffset()]).toEqual([[4, 12, 1], 4, 1, 4]);
  expect([x.isContiguous(), x.elementSize(), x.isFloatingPoint()]).toEqual([false, 4, true]);
  expect(() => x.size(3)).toThrow(/size: dim must be in \[-3, 2\]/);
  expect(() => tensor(1).size(0)).toThrow(/without dimensions/);
  expect(tensor([[1, 2]]).tolist()).toEqual([[1, 2]]);
});

test('dtypes', () => {
  const x = tensor([1, 2]);
  const names = [x.float(), x.half(), x.int(), x.long(), x.char(), x.byte(), x.bool()].map((y) => y.dtype);
  expect(names).toEqual(['float32', 'float16', 'int32', 'int32', 'int8', 'uint8', 'bool']);
  expect([x.typeAs(x.int()).dtype, x.to(x.half()).dtype, x.type(), x.type('int8').dtype]).toEqual([
    'int32',
    'float16',
    'float32',
    'int8',
  ]);
  const there = x.to('wasm');
  expect(there.cpu()).toBe(there);
  expect(x.int().isFloatingPoint()).toBe(false);
});

test('shapes of another', () => {
  const [x, y] = [tensor([1, 2, 3, 4]), zeros([2, 2])];
  expect([x.viewAs(y).shape, x.reshapeAs(y).shape, tensor([1, 2]).expandAs(y).toArray()]).toEqual([
    [2, 2],
    [2, 2],
    [
      [1, 2],
      [1, 2],
    ],
  ]);
  expect(zeros([5, 2, 3]).mT.shape).toEqual([5, 3, 2]);
  expect(() => x.mT).toThrow(/at least 2 dimensions/);
});

test('new tensors of a kind', () => {
  const x = tensor([1, 2], { dtype: 'int32' });
  expect([x.newZeros(2).toArray(), x.newOnes([1, 2]).toArray(), x.newFull([2], 7).toArray()]).toEqual([
    [0, 0],
    [[1, 1]],
    [7, 7],
  ]);
  expect([x.newZeros(2).dtype, x.newEmpty(2, 3).shape, x.newTensor([3]).dtype]).toEqual(['int32', [2, 3], 'int32']);
  expect(x.newOnes(2, { dtype: 'float32' }).dtype).toBe('float32');
});

test('iteration over the first dimension', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  expect([...x].map((row) => row.toArray())).toEqual([
    [1, 2],
    [3, 4],
  ]);
  const [first] = x;
  first?.mul_(10);
  expect(x.toArray()).toEqual([
    [10, 20],
    [3, 4],
  ]);
  expect([...tensor(1)]).toEqual([]);
});

test('pairs of results by name, by place and in a row', () => {
  const x = tensor([
    [1, 5, 2],
    [7, 0, 3],
  ]);
  const found = x.max(1);
  expect([found.values, found[0], [...found][0]].map((y) => y?.toArray())).toEqual([
    [5, 7],
    [5, 7],
    [5, 7],
  ]);
  expect([found.indices, x.topk(1, 1)[1].squeeze(1), x.min(1)[1]].map((y) => y.toArray())).toEqual([
    [1, 0],
    [1, 0],
    [0, 1],
  ]);
  expect(x.aminmax({ dim: 1 })[1].toArray()).toEqual([5, 7]);
});

test('a number put where subscripts point', () => {
  const x = tensor([
    [1, 5],
    [7, 0],
  ]);
  x.indexPut_(x.gt(4), -1).indexPut_([':', 1], 9);
  expect(x.toArray()).toEqual([
    [1, 9],
    [-1, 9],
  ]);
  expect(tensor([1, 2], { dtype: 'int32' }).indexPut([0], 5, true).toArray()).toEqual([6, 2]);
  expect(() => x.indexPut([0], 'x' as never)).toThrow(/values must be a Tensor, got a string/);
});

test('where JavaScript wants a number or text', () => {
  const [x, one] = [tensor([1, 2]), tensor([2.5])];
  const loose = (value: unknown) => value as number;
  expect([Number(one), Math.sqrt(loose(tensor(4))), loose(one) > 2, `${tensor([true])}`]).toEqual([
    2.5,
    2,
    true,
    'tensor([true], shape=[1], dtype=bool)',
  ]);
  expect(JSON.stringify({ x, one: one.mul(2).requiresGrad_() })).toBe('{"x":[1,2],"one":[5]}');
  for (const wrong of [() => loose(x) * 2, () => loose(one) + 1, () => loose(x) > 0]) {
    expect(wrong).toThrow(/operators do not take tensors.*x\.add\(y\)/);
  }
});
