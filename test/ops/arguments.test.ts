import { conv2d, maxPool2d, ones, pad, scope, sum, tensor } from 'fettle';
import { BatchNorm2d, Conv2d, Linear, MaxPool2d } from 'fettle/nn';
import { expect, test } from 'vitest';

const x = () => ones([2, 1, 8, 8]);

test('arguments go by position, as in PyTorch, or by name', () => {
  const w = ones([4, 1, 3, 3]);
  expect(conv2d(x(), w, null, 2, 1).shape).toEqual([2, 4, 4, 4]);
  expect(conv2d(x(), w, null, { stride: 2, padding: 1 }).shape).toEqual([2, 4, 4, 4]);
  expect(maxPool2d(x(), 2, 1).shape).toEqual([2, 1, 7, 7]);
  expect(maxPool2d(x(), 2, 1, { padding: 1 }).shape).toEqual([2, 1, 9, 9]);
  expect(sum(ones([2, 3]), 1, true).shape).toEqual([2, 1]);
  expect(pad(ones([1]), [1, 0], 'constant', { value: 3 }).toArray()).toEqual([3, 1]);
  scope(() => {
    const layers = [new Conv2d(1, 4, 3, 2, 1), new Linear(3, 4, false), new BatchNorm2d(3, 1e-3, 0.2)];
    const [conv, linear, norm] = layers as [Conv2d, Linear, BatchNorm2d];
    expect([conv.stride, conv.padding, linear.bias, norm.eps, norm.momentum]).toEqual([
      [2, 2],
      [1, 1],
      null,
      1e-3,
      0.2,
    ]);
    for (const layer of layers) layer.dispose();
  });
  expect(new MaxPool2d(2, 1).forward(x()).shape).toEqual([2, 1, 7, 7]);
});

test('an option that is not there is an error, with the one that was meant', () => {
  const wrong = (options: object) => options as never;
  expect(() => ones([2]).sum(wrong({ dims: 1 }))).toThrow(/no option 'dims'. Options are dim, keepdim/);
  expect(() => ones([2]).sum(wrong({ dim: 0, keepDim: true }))).toThrow(/Did you mean keepdim/);
  expect(() => ones([2]).sum(wrong({ correction: 0 }))).toThrow(/no option 'correction'/);
  expect(ones([2]).var({ dim: 0, correction: 0 }).item()).toBe(0);
  expect(() => ones([2]).norm(wrong({ dims: 0 }))).toThrow(/norm: there is no option 'dims'/);
  expect(() => new Linear(3, 4, wrong({ biass: false }))).toThrow(/Linear: there is no option 'biass'/);
  expect(() => conv2d(x(), ones([1, 1, 3, 3]), null, wrong({ strides: 2 }))).toThrow(/no option 'strides'/);
});

test('operands that are neither tensors nor numbers are refused', () => {
  for (const operand of [undefined, null, 'a', {}]) {
    expect(() => tensor([1]).mul(operand as never)).toThrow(/(operands must be Tensors or numbers|other is missing)/);
    expect(() => tensor([1]).add(operand as never)).toThrow(/(operands must be Tensors or numbers|other is missing)/);
  }
});

test('a layer says which of its sizes is wrong', () => {
  expect(() => new Linear(3, undefined as never)).toThrow(/Linear: outFeatures must be a whole number/);
});
