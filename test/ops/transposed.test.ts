import { add, manualSeed, maximum, memory, noGrad, randn, relu, type Tensor, where } from 'fettle';
import { expect, test } from 'vitest';

/** Large enough that elementwise kernels are given a contiguous copy of what is transposed. */
const SIZE = 80;

test('elementwise ops of large transposed operands compute the same, and leave no copies behind', () => {
  manualSeed(2);
  const [x, y] = [randn([SIZE, SIZE]), randn([SIZE, SIZE])];
  const [xt, yt] = [x.t(), y.t()];
  const [xc, yc] = [xt.contiguous(), yt.contiguous()];
  const ops: ((a: Tensor, b: Tensor) => Tensor)[] = [
    (a) => relu(a),
    (a, b) => add(a, b),
    (a, b) => maximum(b, a),
    (a, b) => where(a.gt(0), a, b),
  ];
  noGrad(() => {
    for (const op of ops) {
      const wanted = Array.from(op(xc, yc).dataSync());
      expect(Array.from(op(xt, yt).dataSync())).toEqual(wanted);
      expect(Array.from(op(xt, yc).dataSync())).toEqual(wanted);
    }
    const before = memory().tensors;
    const sum = add(xt, yt);
    expect(memory().tensors).toBe(before + 1);
    sum.dispose();
  });
});
