import { affineGrid, gradcheck, gradgradcheck, gridSample, interpolate, type Tensor, tensor } from 'fettle';
import { describe, expect, test } from 'vitest';
import { spread } from '../../src/ops/sheet.js';

/** Derivatives of every way to sample, at places between the pixels; and what sampling and resizing have in common. */

const image = (shape: number[]): Tensor => tensor(spread(shape).data, shape, { dtype: 'float32' });

/** Places [1, 2, 3, 2] between the pixels of an image of 4 × 5, three of them outside. */
const pixels = [
  [0.4, 1.5],
  [3.6, 2.4],
  [1.55, 0.6],
  [-1.5, 1.4],
  [2.5, 4.45],
  [6.4, -0.55],
];

function grid(alignCorners: boolean): Tensor {
  const places = pixels.map((place) =>
    place.map((p, i) => {
      const size = [5, 4][i] as number;
      return alignCorners ? (2 * p) / (size - 1) - 1 : (2 * p + 1) / size - 1;
    }),
  );
  return tensor(places).reshape(1, 2, 3, 2).contiguous();
}

describe.each(['bilinear', 'bicubic'] as const)('%s', (mode) => {
  describe.each(['zeros', 'border', 'reflection'] as const)('%s', (paddingMode) => {
    test.each([true, false])('aligned corners: %s', (alignCorners) => {
      const inputs = [image([1, 2, 4, 5]).requiresGrad_(), grid(alignCorners).detach().requiresGrad_()];
      const sample = (x: Tensor, g: Tensor): Tensor => gridSample(x, g, { mode, paddingMode, alignCorners });
      gradcheck(sample as never, inputs, { atol: 5e-3, rtol: 5e-3 });
      gradgradcheck(sample as never, inputs, { atol: 2e-2, rtol: 2e-2 });
    });
  });
});

test.each([true, false])('the identity samples as interpolate does, corners aligned: %s', (alignCorners) => {
  const x = image([2, 3, 4, 5]);
  const theta = tensor([1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0]).reshape(2, 2, 3);
  const options = { mode: 'bilinear', paddingMode: 'border', alignCorners } as const;
  const sampled = gridSample(x, affineGrid(theta, [2, 3, 7, 9], alignCorners), options);
  const resized = interpolate(x, { size: [7, 9], mode: 'bilinear', alignCorners });
  expect(sampled.sub(resized).abs().max().item()).toBeLessThan(2e-6);
});
