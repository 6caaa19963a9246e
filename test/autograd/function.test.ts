import {
  AutogradFunction,
  autograd,
  type FunctionContext,
  grad,
  gradcheck,
  gradgradcheck,
  type Tensor,
  tensor,
} from 'fettle';
import { expect, test } from 'vitest';

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });

class Cube extends AutogradFunction {
  static forward(ctx: FunctionContext, x: Tensor): Tensor {
    ctx.saveForBackward(x);
    return x.mul(x).mul(x);
  }

  static backward(ctx: FunctionContext, g: Tensor): Tensor {
    const [x] = ctx.savedTensors as [Tensor];
    return g.mul(x).mul(x).mul(3);
  }
}

class Exp extends AutogradFunction {
  static forward(ctx: FunctionContext, x: Tensor): Tensor {
    const y = x.exp();
    ctx.saveForBackward(y);
    return y;
  }

  static backward(ctx: FunctionContext, g: Tensor): Tensor {
    return g.mul(ctx.savedTensors[0] as Tensor);
  }
}

test('forward and backward, once and twice', () => {
  const x = leaf([0.5, -0.75]);
  gradcheck((v) => Cube.apply(v), [x]);
  gradgradcheck((v) => Cube.apply(v), [x]);
  gradgradcheck((v) => Exp.apply(v), [x]);
});

test('PyTorch’s name is in the namespace', () => {
  expect(autograd.Function).toBe(AutogradFunction);
});

test('arguments that are no tensors, stored values, and who needs a gradient', () => {
  const seen: (readonly boolean[])[] = [];
  class Scale extends AutogradFunction {
    static forward(ctx: FunctionContext, x: Tensor, factor: number, y: Tensor): Tensor {
      ctx.factor = factor;
      return x.mul(factor).add(y);
    }

    static backward(ctx: FunctionContext, g: Tensor): (Tensor | null)[] {
      seen.push(ctx.needsInputGrad);
      return [g.mul(ctx.factor as number), null, null];
    }
  }
  const x = leaf([1, 2]);
  const y = Scale.apply(x, 3, tensor([1, 1]));
  expect([y.toArray(), y.gradFn?.name]).toEqual([[4, 7], 'Scale']);
  y.sum().backward();
  expect([x.grad?.toArray(), seen]).toEqual([[3, 3], [[true, false, false]]]);
  expect(Scale.apply(tensor([1]), 3, tensor([1])).requiresGrad).toBe(false);
});

test('several outputs, one without gradient, unused ones as zeros or null', () => {
  const got: unknown[] = [];
  class Parts extends AutogradFunction {
    static forward(ctx: FunctionContext, x: Tensor, materialize: boolean): [Tensor, Tensor, Tensor] {
      ctx.setMaterializeGrads(materialize);
      const sign = x.sign();
      ctx.markNonDifferentiable(sign);
      return [x.mul(2), x.mul(3), sign];
    }

    static backward(_: FunctionContext, a: Tensor, b: Tensor | null): (Tensor | null)[] {
      got.push(b === null ? null : b.toArray());
      return [a.mul(2), null];
    }
  }
  const x = leaf([1, -2]);
  for (const materialize of [true, false]) {
    const [a, , sign] = Parts.apply(x, materialize);
    expect(sign.requiresGrad).toBe(false);
    a.sum().backward();
  }
  expect(got).toEqual([[0, 0], null]);
  expect(x.grad?.toArray()).toEqual([4, 4]);
});

test('an input written in place and returned', () => {
  class Double extends AutogradFunction {
    static forward(ctx: FunctionContext, x: Tensor): Tensor {
      ctx.markDirty(x);
      return x.mul_(2);
    }

    static backward(_: FunctionContext, g: Tensor): Tensor {
      return g.mul(2);
    }
  }
  const x = leaf([1, 2]);
  const y = x.mul(1);
  const z = Double.apply(y);
  expect(z).toBe(y);
  y.square().sum().backward();
  expect(x.grad?.toArray()).toEqual([8, 16]);
});

test('an input returned as it is becomes a tensor of its own', () => {
  class Reverse extends AutogradFunction {
    static forward(_: FunctionContext, x: Tensor): Tensor {
      return x;
    }

    static backward(_: FunctionContext, g: Tensor): Tensor {
      return g.neg();
    }
  }
  const x = leaf([1, 2]);
  Reverse.apply(x).sum().backward();
  expect([x.isLeaf, x.grad?.toArray()]).toEqual([true, [-1, -1]]);
});

test('mistakes are named', () => {
  class Empty extends AutogradFunction {}
  expect(() => (Empty as unknown as typeof Cube).apply(leaf([1]))).toThrow(/Empty: a function needs static forward/);
  class Wrong extends AutogradFunction {
    static forward(ctx: FunctionContext, x: Tensor, kind: string): Tensor {
      ctx.kind = kind;
      return x.mul(2);
    }

    static backward(ctx: FunctionContext, g: Tensor): Tensor | Tensor[] {
      return ctx.kind === 'few' ? g : ctx.kind === 'shape' ? [g.sum(), g] : [g, g];
    }
  }
  const x = leaf([1, 2]);
  expect(() => Wrong.apply(x, 'few').sum().backward()).toThrow(
    /Wrong: backward\(\) must give one gradient for each of the 2/,
  );
  expect(() => Wrong.apply(x, 'other').sum().backward()).toThrow(/a gradient for argument 1, which is no tensor/);
  expect(() => Wrong.apply(x, 'shape').sum().backward()).toThrow(/gradient \[\] for argument 0, which is \[2\]/);
  const v = x.mul(1);
  const y = Cube.apply(v);
  v.add_(1);
  expect(() => grad(y.sum(), [x])).toThrow(/Cube: a value it saved for its gradient was overwritten by add_/);
});
