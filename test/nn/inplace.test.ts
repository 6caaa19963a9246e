import { type Tensor, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { expect, test } from 'vitest';

/** Layers that work in place have the gradients of those that do not. */

type Layer = nn.Module & { forward(x: Tensor): Tensor };

const pairs: readonly (readonly [Layer, Layer])[] = [
  [new nn.ReLU(true), new nn.ReLU()],
  [new nn.LeakyReLU(0.2, true), new nn.LeakyReLU(0.2)],
  [new nn.ELU(1, true), new nn.ELU()],
  [new nn.SiLU(true), new nn.SiLU()],
  [new nn.Dropout(1, true), new nn.Dropout(1)],
];

test.each(pairs)('%s', (inPlace, plain) => {
  const gradients = [inPlace, plain].map((layer) => {
    const x = tensor([-1, -0.5, 0.5, 2]).requiresGrad_();
    const hidden = x.mul(2);
    const y = layer.forward(hidden);
    expect(y === hidden).toBe(layer === inPlace);
    y.mul(tensor([1, 2, 3, 4]))
      .sum()
      .backward();
    return (x.grad as Tensor).toArray();
  });
  expect(gradients[0]).toEqual(gradients[1]);
});
