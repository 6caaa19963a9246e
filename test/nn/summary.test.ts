import { type Tensor, zeros } from 'fettle';
import * as nn from 'fettle/nn';
import { expect, test } from 'vitest';

/** The table of a model: shapes, parameters, multiplications, bytes. */

class Net extends nn.Module {
  features = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4), new nn.ReLU());
  head = new nn.Linear(4, 2);
  again = this.head;
  unused = new nn.Linear(3, 3, { bias: false });

  forward(x: Tensor): [Tensor, Tensor] {
    const pooled = this.features.forward(x).mean([2, 3]);
    return [this.head.forward(pooled), pooled];
  }
}

test('summary counts every layer once', () => {
  const net = new Net();
  net.head.weight.requiresGrad = false;
  const found = nn.summary(net, [2, 1, 6, 5]);
  const row = (name: string) => found.rows.find((one) => one.name === name);
  expect(found.rows.map(({ name }) => name)).toEqual(
    net.namedModules({ removeDuplicate: false }).map(([name]) => name),
  );
  expect(row('')?.outputShapes).toEqual([
    [2, 2],
    [2, 4],
  ]);
  // 2 × 4 × 4 × 3 elements of 9 products each.
  expect(row('features.0')).toEqual({
    name: 'features.0',
    type: 'Conv2d',
    depth: 2,
    outputShapes: [[2, 4, 4, 3]],
    parameters: 40,
    trainable: 40,
    multiplyAdds: 864,
    bytes: 160,
    isShared: false,
  });
  // Two parameters, two statistics and a counter.
  expect(row('features.1')).toMatchObject({ parameters: 8, bytes: 68, multiplyAdds: 0 });
  expect(row('head')).toMatchObject({ parameters: 10, trainable: 2, multiplyAdds: 16 });
  expect(row('again')).toMatchObject({ parameters: 0, multiplyAdds: 0, isShared: true });
  expect(row('unused')).toMatchObject({ parameters: 9, outputShapes: [], multiplyAdds: 0 });
  expect(found).toMatchObject({ parameters: 67, trainable: 59, multiplyAdds: 880, bytes: 160 + 68 + 40 + 36 });
  expect(net.training).toBe(true);
  expect(net.features.at(1)).toMatchObject({ training: true });
  expect((net.features.at(1) as nn.BatchNorm2d).numBatchesTracked?.item()).toBe(0);
  expect(Object.hasOwn(net.head, 'forward')).toBe(false);
  net.dispose();
});

test('summary prints as a table', () => {
  const net = new nn.Sequential(new nn.Linear(400, 300), new nn.ReLU());
  expect(String(nn.summary(net, zeros([1, 400])))).toBe(
    [
      'Layer        Output    Parameters  Trainable  Multiply-adds    Bytes',
      '────────────────────────────────────────────────────────────────────',
      'Sequential   [1, 300]           –          –              –        –',
      '  0: Linear  [1, 300]     120,300    120,300        120,000  481,200',
      '  1: ReLU    [1, 300]           –          –              –        –',
      '────────────────────────────────────────────────────────────────────',
      'Total                     120,300    120,300        120,000  481,200',
    ].join('\n'),
  );
  expect(nn.summary(net, [1, 400], { depth: 0 }).rows).toHaveLength(1);
  expect(() => nn.summary(net, [1, 400], { deep: 1 } as never)).toThrow(/no option 'deep'/);
  expect(() => nn.summary(net, 'x' as never)).toThrow(/expected a tensor, a shape/);
  net.dispose();
});

test('summary takes several inputs', () => {
  const layer = new nn.Bilinear(3, 2, 4);
  const found = nn.summary(layer, [
    [5, 3],
    [5, 2],
  ]);
  expect(found).toMatchObject({ parameters: 28, multiplyAdds: 5 * 4 * 6 });
  layer.dispose();
});
