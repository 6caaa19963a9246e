import { manualSeed, noGrad, randn, type Tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { afterEach, describe, expect, it } from 'vitest';

const made: { dispose(): void }[] = [];
function own<T extends { dispose(): void }>(thing: T): T {
  made.push(thing);
  return thing;
}
afterEach(() => {
  for (const thing of made.splice(0)) thing.dispose();
});

/** Batch norms whose statistics are not those they begin with. */
function seen(model: nn.Sequential, x: Tensor): nn.Sequential {
  noGrad(() => own(model.forward(x)));
  return model.eval();
}

const image = (): Tensor => own(randn([3, 4, 9, 7]));
const CASES: Readonly<Record<string, () => [nn.Sequential, Tensor]>> = {
  'Linear, ReLU': () => [
    new nn.Sequential(new nn.Linear(7, 5), new nn.ReLU(), new nn.Linear(5, 3)),
    own(randn([4, 7])),
  ],
  'Conv2d, ReLU': () => [new nn.Sequential(new nn.Conv2d(4, 6, 3, { padding: 1 }), new nn.ReLU(true)), image()],
  'Conv2d, BatchNorm2d': () => [
    new nn.Sequential(new nn.Conv2d(4, 6, 3, { stride: 2, bias: false }), new nn.BatchNorm2d(6)),
    image(),
  ],
  'Conv2d, BatchNorm2d, ReLU, and another': () => [
    new nn.Sequential(
      new nn.Conv2d(4, 6, 3, { groups: 2 }),
      new nn.BatchNorm2d(6),
      new nn.ReLU(),
      new nn.Conv2d(6, 2, 3, { padding: 2, dilation: 2 }),
      new nn.BatchNorm2d(2, { affine: false }),
      new nn.ReLU(),
      new nn.Flatten(),
    ),
    image(),
  ],
  'layers that do not fit': () => [
    new nn.Sequential(
      new nn.Conv2d(4, 4, 3, { padding: 1, paddingMode: 'circular' }),
      new nn.ReLU(),
      new nn.Conv2d(4, 4, 1),
      new nn.BatchNorm2d(4, { trackRunningStats: false }),
      new nn.ReLU6(),
    ),
    image(),
  ],
};

describe('a Sequential without gradients', () => {
  it.each(Object.entries(CASES))('%s: computes what its layers do one by one', (_name, make) => {
    manualSeed(8);
    const [net, x] = make();
    const model = seen(own(net), x);
    const wanted = own(model.forward(x)).detach();
    const got = noGrad(() => own(model.forward(x)));
    expect(got.shape).toEqual(wanted.shape);
    const values = own(wanted).dataSync();
    Array.from(got.dataSync()).forEach((value, i) => expect(value).toBeCloseTo(values[i] as number, 5));
  });

  it('takes no layer along that is watched, trained or overridden', () => {
    manualSeed(9);
    const [net, x] = (CASES['Conv2d, BatchNorm2d, ReLU, and another'] as () => [nn.Sequential, Tensor])();
    const model = seen(own(net), x);
    const calls: number[] = [];
    const watch = (place: number) => model.at(place).registerForwardHook(() => void calls.push(place));
    const handles = [watch(1), watch(2), watch(3)];
    noGrad(() => own(model.forward(x)));
    expect(calls).toEqual([1, 2, 3]);
    for (const handle of handles) handle.remove();

    model.train();
    const before = (model.at(1) as nn.BatchNorm2d).numBatchesTracked?.item() as number;
    noGrad(() => own(model.forward(x)));
    expect((model.at(1) as nn.BatchNorm2d).numBatchesTracked?.item()).toBe(before + 1);

    class Doubled extends nn.Linear {
      override forward(input: Tensor): Tensor {
        return super.forward(input).mul(2);
      }
    }
    const layer = new Doubled(7, 5);
    const doubled = own(new nn.Sequential(layer, new nn.ReLU()));
    const row = own(randn([1, 7]));
    noGrad(() => expect(own(doubled.forward(row)).toArray()).toEqual(own(own(layer.forward(row)).relu()).toArray()));
  });
});
