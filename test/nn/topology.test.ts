import { sparse, type Tensor, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { expect, test } from 'vitest';

/** Layers that a file holds although they take more than one tensor of fractions; test/train/modelfile.test.ts has the others. */

const layers: readonly [() => nn.Module, readonly Tensor[]][] = [
  [() => new nn.Bilinear(2, 3, 4, { bias: false }), [tensor([[1, 2]]), tensor([[1, 2, 3]])]],
  [
    () => new nn.EmbeddingBag(5, 3, { paddingIdx: 1, mode: 'sum' }),
    [
      tensor(
        [
          [0, 1],
          [4, 1],
        ],
        { dtype: 'int32' },
      ),
    ],
  ],
  [
    () => new nn.SparseInputLinear(4, 2),
    [sparse.csr([0, 1, 3], [1, 0, 3], tensor([1, 2, 3]), [2, 4]) as unknown as Tensor],
  ],
  [() => new nn.Embedding(5, 3, { paddingIdx: 1 }), [tensor([0, 1, 4], { dtype: 'int32' })]],
];

test.each(layers)('%s', (make, inputs) => {
  const layer = make();
  const data = JSON.parse(JSON.stringify(nn.describe(layer))) as nn.Topology;
  const copy = nn.construct(data);
  copy.loadStateDict(layer.stateDict());
  expect(String(copy)).toBe(String(layer));
  const run = (module: nn.Module): unknown => (module.forward(...(inputs as never[])) as Tensor).toArray();
  expect(run(copy)).toEqual(run(layer));
  layer.dispose();
  copy.dispose();
});

test('a ModuleDict keeps its names', () => {
  const dict = new nn.ModuleDict({ b: new nn.ReLU({ inplace: true }), a: new nn.Dropout(0.5, true) });
  expect(String(nn.construct(nn.describe(dict)))).toBe(String(dict));
});

test('a module that stands twice in a container does so in its structure', () => {
  const act = new nn.ReLU();
  expect(nn.describe(new nn.Sequential(act, new nn.Tanh(), act)).children).toHaveLength(3);
});

test('layers are known by their class, whatever a minifier has called it, and not by its name', () => {
  const original = Object.getOwnPropertyDescriptor(nn.Linear, 'name') as PropertyDescriptor;
  try {
    Object.defineProperty(nn.Linear, 'name', { value: 'e', configurable: true });
    const model = new nn.Sequential(new nn.Linear(2, 3));
    expect(nn.describe(model).children?.[0]?.[1].type).toBe('Linear');
    model.dispose();
  } finally {
    Object.defineProperty(nn.Linear, 'name', original);
  }
  class Linear extends nn.Module {
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  expect(() => nn.describe(new Linear())).toThrow("'Linear' is not a known layer type");
});
