import { Generator, manualSeed, type Tensor, tensor } from 'fettle';
import {
  affine,
  Compose,
  DataLoader,
  Digits,
  Normalize,
  RandomAffine,
  RandomHorizontalFlip,
  RandomRotation,
  RandomVerticalFlip,
  ToTensor,
  TransformDataset,
  transforms,
} from 'fettle/data';
import { describe, expect, it } from 'vitest';
import golden from './golden/warps.json' with { type: 'json' };

const image = (): Tensor => tensor(Float32Array.from(golden.image), golden.shape);
const streams = (n: number, seed = 0): Generator[] => Array.from({ length: n }, (_, i) => new Generator(seed).fork(i));
type AffineParameters = Parameters<typeof affine>[1];
type Interpolation = 'nearest' | 'bilinear';

function close(got: Tensor, wanted: readonly number[], tolerance: number): void {
  const data = got.dataSync();
  expect(data.length).toBe(wanted.length);
  data.forEach((v, i) => {
    expect(Math.abs(v - (wanted[i] as number)), `pixel ${i}: ${v}, expected ${wanted[i]}`).toBeLessThanOrEqual(
      tolerance,
    );
  });
}

describe('affine', () => {
  it.each(golden.cases)('is torchvision’s: $interpolation $parameters', ({ interpolation, parameters, y }) => {
    const got = affine(image(), parameters as unknown as AffineParameters, {
      interpolation: interpolation as Interpolation,
    });
    close(got, y, interpolation === 'nearest' ? 0 : 1e-5);
  });

  it('fills what lies outside', () => {
    const parameters = { angle: 30, translate: [2, 1], scale: 0.8, shear: [0, 0] } as const;
    close(affine(image(), parameters, { fill: 0.5 }), golden.filled, 0);
  });

  it('rounds whole-number images back', () => {
    const x = tensor(Uint8Array.of(0, 10, 20, 31), [1, 2, 2]);
    const half = { angle: 0, translate: [0, 0], scale: 2, shear: [0, 0] } as const;
    const y = affine(x, half, { interpolation: 'bilinear' });
    expect(y.dtype).toBe('uint8');
    // A quarter of a pixel in from each corner: 3.8125, 11.3125, 18.8125, 27.0625 … in float32.
    expect(y.toArray()).toEqual(affine(x.float(), half, { interpolation: 'bilinear' }).round().toArray());
  });

  it('refuses what is no image', () => {
    const parameters = { angle: 0, translate: [0, 0], scale: 1, shear: [0, 0] } as const;
    expect(() => affine(tensor([1]), parameters)).toThrow('expected images [C, H, W] or [N, C, H, W], got [1]');
    expect(() => affine(image(), { ...parameters, scale: 0 })).toThrow('scale must be > 0');
  });
});

describe('random transforms', () => {
  it.each(golden.rotate.cases)(
    'rotate as torchvision does: $degrees, $interpolation',
    ({ degrees, interpolation, y }) => {
      const rotate = RandomRotation([degrees, degrees], { interpolation: interpolation as Interpolation });
      const x = tensor(Float32Array.from(golden.rotate.image), golden.rotate.shape);
      close(rotate.forward(x), y, interpolation === 'nearest' ? 0 : 1e-5);
    },
  );

  it('draw within their ranges', () => {
    const transform = RandomAffine([-10, 20], { translate: [0.2, 0.1], scale: [0.9, 1.2], shear: [-1, 2, 3, 4] });
    const seen = streams(500).map((stream) => transform.parameters(stream, { height: 20, width: 10 }));
    const range = (pick: (p: (typeof seen)[number]) => number): [number, number] => {
      const values = seen.map(pick);
      return [Math.min(...values), Math.max(...values)];
    };
    const within = ([low, high]: [number, number], least: number, most: number): void => {
      expect(low).toBeGreaterThanOrEqual(least);
      expect(high).toBeLessThanOrEqual(most);
      expect(high - low).toBeGreaterThan(0.9 * (most - least));
    };
    within(
      range((p) => p.angle),
      -10,
      20,
    );
    within(
      range((p) => p.translate[0]),
      -2,
      2,
    );
    within(
      range((p) => p.translate[1]),
      -2,
      2,
    );
    within(
      range((p) => p.scale),
      0.9,
      1.2,
    );
    within(
      range((p) => p.shear[0]),
      -1,
      2,
    );
    within(
      range((p) => p.shear[1]),
      3,
      4,
    );
    for (const { translate } of seen) expect(translate.every(Number.isInteger)).toBe(true);
  });

  it('treat each image by its own stream, whatever batch it is in', () => {
    const x = tensor(Float32Array.from([...golden.image, ...golden.image, ...golden.image]), [3, ...golden.shape]);
    const transform = RandomAffine(30, { translate: [0.2, 0.2], scale: [0.8, 1.2], interpolation: 'bilinear' });
    const batch = transform.forward(x, streams(3));
    const alone = Array.from({ length: 3 }, (_, n) =>
      transform.forward(image(), streams(3).slice(n, n + 1)).dataSync(),
    );
    expect([...batch.dataSync()]).toEqual(alone.flatMap((one) => [...one]));
    expect(alone[0]).not.toEqual(alone[1]);
    expect(() => transform.forward(x, streams(2))).toThrow('a stream for each of 3 images, got 2');
  });

  it('draw from the default generator without streams', () => {
    const transform = RandomRotation(40);
    manualSeed(3);
    const first = transform.forward(image()).dataSync();
    const second = transform.forward(image()).dataSync();
    manualSeed(3);
    expect(transform.forward(image()).dataSync()).toEqual(first);
    expect(second).not.toEqual(first);
  });

  it('flip whole images, with probability p', () => {
    const x = tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [1, 2, 3]);
    expect(RandomHorizontalFlip(1).forward(x).toArray()).toEqual([
      [
        [3, 2, 1],
        [6, 5, 4],
      ],
    ]);
    expect(RandomVerticalFlip(1).forward(x).toArray()).toEqual([
      [
        [4, 5, 6],
        [1, 2, 3],
      ],
    ]);
    expect(RandomHorizontalFlip(0).forward(x).toArray()).toEqual(x.toArray());
    const many = tensor(
      Float32Array.from({ length: 2000 }, (_, i) => i % 2),
      [1000, 1, 1, 2],
    );
    const flipped = RandomHorizontalFlip().forward(many, streams(1000)).dataSync();
    const count = flipped.filter((v, i) => i % 2 === 0 && v === 1).length;
    expect(Math.abs(count - 500)).toBeLessThan(80);
  });

  it('refuse parameters that mean nothing', () => {
    expect(() => RandomAffine(-1)).toThrow('degrees must be ≥ 0');
    expect(() => RandomAffine([2, 1])).toThrow('[least, most]');
    expect(() => RandomAffine(1, { translate: [0, 2] })).toThrow('two fractions');
    expect(() => RandomAffine(1, { scale: [0, 1] })).toThrow('0 < least ≤ most');
    expect(() => RandomHorizontalFlip(2)).toThrow('p must be in [0, 1]');
  });
});

describe('the others', () => {
  it('Normalize is torchvision’s', () => {
    const { mean, std, y } = golden.normalize;
    close(Normalize(mean, std).forward(image()), y, 1e-6);
    expect(() => Normalize([0, 0, 0], [1, 1, 1]).forward(image())).toThrow('images have 2 channels');
    expect(() => Normalize([0], [0])).toThrow('std must be > 0');
  });

  it('ToTensor brings bytes to 0 … 1', () => {
    expect([
      ...ToTensor()
        .forward(tensor(Uint8Array.of(0, 51, 255), [1, 1, 3]))
        .dataSync(),
    ]).toEqual([0, Math.fround(0.2), 1]);
    const x = image();
    expect(ToTensor().forward(x)).toBe(x);
  });

  it('Compose chains, with streams of their own for each', () => {
    const chain = Compose([RandomRotation(20), RandomHorizontalFlip(), Normalize([0.5], [0.5])]);
    const one = chain.forward(image(), streams(1));
    expect(chain.forward(image(), streams(1)).dataSync()).toEqual(one.dataSync());
    expect(chain.forward(image(), streams(1, 5)).dataSync()).not.toEqual(one.dataSync());
    const rotated = RandomRotation(20).forward(
      image(),
      streams(1).map((stream) => stream.fork(0)),
    );
    const flipped = RandomHorizontalFlip().forward(
      rotated,
      streams(1).map((stream) => stream.fork(1)),
    );
    expect(Normalize([0.5], [0.5]).forward(flipped).dataSync()).toEqual(one.dataSync());
  });

  it('are made with and without new', () => {
    expect(new transforms.Compose([])).toBeInstanceOf(transforms.Compose);
    expect(transforms.RandomRotation(5)).toBeInstanceOf(RandomRotation);
    expect(RandomRotation.name).toContain('RandomRotation');
  });
});

describe('transforms of a dataset', () => {
  const transform = RandomAffine(15, { translate: [0.1, 0.1], interpolation: 'bilinear' });

  /** What becomes of each sample in one epoch, by its label's place: samples 0 … 9 are the digits 0 … 9. */
  async function epochOf(
    batchSize: number,
    shuffle: boolean,
    epoch: number,
    wrap: boolean,
  ): Promise<Map<number, number[]>> {
    const plain = new Digits(wrap ? {} : { transform });
    const first = { length: 10, get: plain.get.bind(plain), getBatch: plain.getBatch.bind(plain) };
    const dataset = wrap ? new TransformDataset<[Tensor<'float32'>, Tensor<'int32'>]>(first, transform) : first;
    const loader = new DataLoader(dataset, { batchSize, shuffle, seed: 4 });
    loader.setEpoch(epoch);
    const seen = new Map<number, number[]>();
    for await (const [x, y] of loader) {
      const pixels = [...x.dataSync()];
      y.dataSync().forEach((label, n) => {
        seen.set(label, pixels.slice(n * 64, (n + 1) * 64));
      });
    }
    return seen;
  }

  it('do the same to a sample in any batch and order, and another thing in each epoch', async () => {
    const wanted = await epochOf(10, false, 1, false);
    expect(wanted.size).toBe(10);
    expect(await epochOf(3, true, 1, false)).toEqual(wanted);
    expect(await epochOf(1, true, 1, true)).toEqual(wanted);
    expect(await epochOf(10, false, 2, false)).not.toEqual(wanted);
  });
});
