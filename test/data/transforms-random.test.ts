/** Transforms with random parameters: what they draw, how often they act, and that a sample does not depend on its batch. */
import { Generator, type Tensor, tensor } from 'fettle';
import * as data from 'fettle/data';
import { describe, expect, it } from 'vitest';
import { constructionOf } from '../../src/data/transforms/transform.js';

const T = data.transforms;
const streams = (n: number, seed = 0): Generator[] => Array.from({ length: n }, (_, i) => new Generator(seed).fork(i));

/** Bytes of `count` pictures [channels, height, width], all different. */
function pictures(count: number, channels: number, height: number, width: number): Tensor {
  const stream = new Generator(count + 10 * channels + 100 * height);
  const size = count * channels * height * width;
  return tensor(
    Uint8Array.from({ length: size }, (_, i) => (i % width) * 5 + 60 * Math.sin(i / 50) ** 2 + stream.below(90)),
    [count, channels, height, width],
  );
}

/** Fails where two arrays differ, and says where first. A matcher of arrays would take its time over so many. */
function same(values: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(values.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    if (values[i] !== wanted[i]) expect(values[i], `element ${i}`).toBe(wanted[i]);
  }
}

/** Every transform, with parameters that make it act. */
const all: readonly data.Transform[] = [
  T.Resize(17),
  T.Resize([20, 31], { interpolation: 'bicubic' }),
  T.Resize([9, 13], { interpolation: 'nearest' }),
  T.Resize([25, 40], { interpolation: 'bicubic', antialias: false }),
  T.CenterCrop(19),
  T.Pad([1, 2, 3, 4], { paddingMode: 'reflect' }),
  T.RandomCrop(18, { padding: 3 }),
  T.RandomCrop([40, 45], { padIfNeeded: true, paddingMode: 'symmetric' }),
  T.RandomResizedCrop(16),
  T.RandomResizedCrop([30, 20], { interpolation: 'nearest-exact' }),
  T.RandomHorizontalFlip(),
  T.RandomVerticalFlip(),
  T.RandomRotation(40, { interpolation: 'bilinear', fill: [9, 99, 199] }),
  T.RandomAffine(30, { translate: [0.2, 0.2], scale: [0.7, 1.4], shear: 10, interpolation: 'bilinear' }),
  T.RandomPerspective(),
  T.ElasticTransform({ alpha: 20, sigma: 2 }),
  T.ColorJitter({ brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.3 }),
  T.Grayscale(),
  T.Grayscale(3),
  T.RandomGrayscale(0.5),
  T.GaussianBlur([5, 7]),
  T.RandomErasing({ value: [1, 2, 3] }),
  T.RandomInvert(),
  T.RandomPosterize(3),
  T.RandomSolarize(1),
  T.RandomAdjustSharpness(3),
  T.RandomAutocontrast(),
  T.RandomEqualize(),
  T.RandomApply([T.GaussianBlur(3), T.RandomInvert()], 0.5),
  T.RandomChoice([T.RandomInvert(1), T.GaussianBlur(3), T.RandomRotation(90)], [1, 2, 3]),
  T.RandomOrder([T.RandomPosterize(2, 1), T.GaussianBlur(5), T.ColorJitter({ brightness: 0.5 })]),
  T.AutoAugment(),
  T.AutoAugment('cifar10', { fill: 128 }),
  T.AutoAugment('svhn', { interpolation: 'bilinear' }),
  T.RandAugment({ numOps: 3, magnitude: 15 }),
  T.TrivialAugment(),
  T.TrivialAugmentWide({ numMagnitudeBins: 11 }),
  T.AugMix(),
  T.Compose([T.RandomRotation(15), T.RandomResizedCrop(24), T.RandomHorizontalFlip()]),
];

const named = all.map((transform, i) => [`${constructionOf(transform)?.type} ${i}`, transform] as const);

describe('every transform', () => {
  it.each(named)('%s: a sample does not depend on its batch', (_name, transform) => {
    for (const dtype of ['uint8', 'float32'] as const) {
      const bytes = pictures(6, 3, 32, 37);
      const x = dtype === 'uint8' ? bytes : bytes.float().div(255);
      const batch = transform.forward(x, streams(6));
      expect(batch.dtype).toBe(dtype);
      const size = batch.numel() / 6;
      const values = batch.dataSync();
      const order = [4, 2, 5, 0, 3, 1];
      const other = transform.forward(
        x.indexSelect(0, tensor(Int32Array.from(order))),
        order.map((n) => streams(6)[n] as Generator),
      );
      const others = other.dataSync();
      order.forEach((n, place) => {
        const own = values.slice(n * size, (n + 1) * size);
        same(others.slice(place * size, (place + 1) * size), own);
        const alone = transform.forward(x.select(0, n), streams(6).slice(n, n + 1));
        expect(alone.shape).toEqual(batch.shape.slice(1));
        same(alone.dataSync(), own);
      });
    }
  });

  it.each(named)('%s: can be made anew from what it was made by', (_name, transform) => {
    const { type, args } = constructionOf(transform) ?? { type: '', args: [] };
    const make = (data as unknown as Record<string, new (...args: readonly unknown[]) => data.Transform>)[type];
    const again = new (make as NonNullable<typeof make>)(...args);
    const x = pictures(4, 3, 32, 37);
    same(again.forward(x, streams(4)).dataSync(), transform.forward(x, streams(4)).dataSync());
  });

  it.each(named)('%s: leaves its input alone, and takes any layout', (_name, transform) => {
    const x = pictures(3, 3, 32, 37);
    const before = x.dataSync();
    const y = transform.forward(x, streams(3)).dataSync();
    same(x.dataSync(), before);
    const channelsLast = x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
    same(transform.forward(channelsLast, streams(3)).dataSync(), y);
  });

  it('does not send functions to other threads', () => {
    const lambda = T.Lambda((x) => x.mul(2));
    expect(constructionOf(lambda)).toBeUndefined();
    expect(lambda.forward(tensor([[[1, 2]]])).toArray()).toEqual([[[2, 4]]]);
    expect(() => T.Lambda(() => 1 as unknown as Tensor).forward(tensor([[[1]]]))).toThrow('must return a Tensor');
  });

  it('that changes nothing costs nothing', () => {
    const x = pictures(2, 3, 8, 9);
    const still = [
      T.Resize([8, 9]),
      T.CenterCrop([8, 9]),
      T.RandomCrop([8, 9]),
      T.RandomHorizontalFlip(0),
      T.RandomRotation([0, 0]),
      T.ColorJitter(),
      T.RandomErasing({ p: 0 }),
      T.RandomPerspective({ p: 0 }),
      T.RandomApply([T.Grayscale()], 0),
      T.Pad(0),
    ];
    for (const transform of still) expect(transform.forward(x)).toBe(x);
  });
});

describe('what is drawn', () => {
  const plane = { height: 60, width: 90 };

  it('RandomResizedCrop: areas and shapes in their ranges, anywhere in the image', () => {
    const transform = T.RandomResizedCrop(10, { scale: [0.2, 0.6], ratio: [1.2, 2] });
    const boxes = streams(2000).map((stream) => transform.parameters(stream, plane));
    const areas = boxes.map(([, , h, w]) => (h * w) / 5400);
    const ratios = boxes.map(([, , h, w]) => Math.log2(w / h));
    expect(Math.min(...areas)).toBeGreaterThan(0.19);
    expect(Math.max(...areas)).toBeLessThan(0.62);
    expect(Math.min(...ratios)).toBeLessThan(0.32);
    expect(Math.max(...ratios)).toBeGreaterThan(0.95);
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(Math.abs(mean(areas) - 0.4)).toBeLessThan(0.02);
    for (const [top, left, h, w] of boxes) {
      expect(top >= 0 && left >= 0 && top + h <= 60 && left + w <= 90).toBe(true);
    }
    // Where a box begins is uniform in the room it has.
    const places = boxes.filter(([, , h]) => h < 55).map(([top, , h]) => top / (60 - h));
    expect(Math.abs(mean(places) - 0.5)).toBeLessThan(0.03);
  });

  it('RandomResizedCrop: falls back to the middle when nothing fits', () => {
    const wide = T.RandomResizedCrop(10, { scale: [1, 1], ratio: [1, 1] });
    expect(wide.parameters(new Generator(0), plane)).toEqual([0, 15, 60, 60]);
    expect(wide.parameters(new Generator(0), { height: 90, width: 60 })).toEqual([15, 0, 60, 60]);
  });

  it('RandomCrop: every place, equally often', () => {
    const x = tensor(
      Uint8Array.from({ length: 20 }, (_, i) => i),
      [1, 4, 5],
    );
    const batch = x.expand([1500, 1, 4, 5]);
    const corners = T.RandomCrop([2, 3]).forward(batch, streams(1500)).select(3, 0).select(2, 0).dataSync();
    const counts = new Map<number, number>();
    for (const corner of corners) counts.set(corner, (counts.get(corner) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 5, 6, 7, 10, 11, 12]);
    for (const count of counts.values()) expect(Math.abs(count - 1500 / 9)).toBeLessThan(60);
    expect(() => T.RandomCrop(6).forward(x)).toThrow('larger than the images, 4 × 5');
    expect(T.RandomCrop(6, { padIfNeeded: true, fill: 9 }).forward(x, streams(1)).shape).toEqual([1, 6, 6]);
  });

  it.each([
    ['RandomPerspective', T.RandomPerspective({ p: 0.3, distortionScale: 0.9 })],
    ['RandomErasing', T.RandomErasing({ p: 0.3, value: 255 })],
    ['RandomGrayscale', T.RandomGrayscale(0.3)],
    ['RandomInvert', T.RandomInvert(0.3)],
    ['RandomPosterize', T.RandomPosterize(1, 0.3)],
    ['RandomSolarize', T.RandomSolarize(100, 0.3)],
    ['RandomAdjustSharpness', T.RandomAdjustSharpness(4, 0.3)],
    ['RandomAutocontrast', T.RandomAutocontrast(0.3)],
    ['RandomEqualize', T.RandomEqualize(0.3)],
    ['RandomApply', T.RandomApply([T.RandomInvert(1)], 0.3)],
    ['RandomVerticalFlip', T.RandomVerticalFlip(0.3)],
  ])('%s acts with its probability', (_name, transform) => {
    const x = pictures(1, 3, 20, 20);
    const batch = x.expand([1000, 3, 20, 20]).contiguous();
    const y = transform.forward(batch, streams(1000));
    const touched = y.ne(batch).reshape([1000, -1]).any(1).sum().item();
    expect(Math.abs(Number(touched) - 300)).toBeLessThan(60);
  });

  it('RandomPerspective: corners move inwards, no further than they may', () => {
    const transform = T.RandomPerspective({ distortionScale: 0.4 });
    for (const stream of streams(300)) {
      const { startPoints, endPoints } = transform.parameters(stream, plane);
      expect(startPoints).toEqual([
        [0, 0],
        [89, 0],
        [89, 59],
        [0, 59],
      ]);
      endPoints.forEach(([x, y], i) => {
        const [sx, sy] = startPoints[i] as readonly [number, number];
        expect(Math.abs(x - sx)).toBeLessThanOrEqual(18);
        expect(Math.abs(y - sy)).toBeLessThanOrEqual(12);
        expect(x >= 0 && x < 90 && y >= 0 && y < 60).toBe(true);
      });
    }
  });

  it('ColorJitter: factors in their ranges, in every order', () => {
    const transform = T.ColorJitter({ brightness: 0.4, contrast: [0.5, 0.9], saturation: 2, hue: 0.1 });
    const orders = new Map<string, number>();
    for (const stream of streams(2400)) {
      const program = transform.parameters(stream);
      const order = program.map(([operation]) => operation).join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
      for (const [operation, a] of program) {
        const [least, most] = [[], [0.6, 1.4], [0.5, 0.9], [0, 3], [-0.1, 0.1]][operation] as [number, number];
        expect(a >= least && a <= most).toBe(true);
      }
    }
    expect(orders.size).toBe(24);
    for (const count of orders.values()) expect(Math.abs(count - 100)).toBeLessThan(45);
  });

  it('RandomErasing: boxes in their ranges, filled with one value a channel or with noise', () => {
    const transform = T.RandomErasing({ p: 1, scale: [0.1, 0.2], ratio: [0.5, 2] });
    for (const stream of streams(500)) {
      const [top, left, h, w] = transform.parameters(stream, plane);
      expect(top + h <= 60 && left + w <= 90).toBe(true);
      expect((h * w) / 5400).toBeGreaterThan(0.09);
      expect((h * w) / 5400).toBeLessThan(0.215);
      expect(h / w).toBeGreaterThan(0.45);
      expect(h / w).toBeLessThan(2.2);
    }
    const x = pictures(1, 3, 60, 90).float().div(-1).sub(10);
    const y = T.RandomErasing({ p: 1, value: 'random', scale: [0.3, 0.33] }).forward(x, streams(1));
    const noise = Array.from(y.dataSync() as ArrayLike<number>).filter((v) => v > -9);
    const mean = noise.reduce((a, b) => a + b, 0) / noise.length;
    const variance = noise.reduce((a, b) => a + (b - mean) ** 2, 0) / noise.length;
    expect(noise.length).toBeGreaterThan(3 * 0.28 * 5400);
    expect(Math.abs(mean)).toBeLessThan(0.1);
    expect(Math.abs(variance - 1)).toBeLessThan(0.1);
    expect(() => T.RandomErasing({ p: 1, value: 'random' }).forward(pictures(1, 3, 9, 9))).toThrow('normal noise');
  });

  it('RandomChoice: in proportion to its weights, never with weight 0', () => {
    const add = (value: number): data.Transform => T.Lambda((x) => x.add(value));
    const x = tensor(new Float32Array(4000), [4000, 1, 1, 1]);
    const y = T.RandomChoice([add(1), add(2), add(3)], [1, 0, 3])
      .forward(x, streams(4000))
      .dataSync();
    const count = (value: number): number => y.filter((v) => v === value).length;
    expect(count(2)).toBe(0);
    expect(Math.abs(count(3) - 3000)).toBeLessThan(120);
    expect(count(1) + count(3)).toBe(4000);
    expect(() => T.RandomChoice([add(1)], [0])).toThrow('a weight ≥ 0');
    expect(() => T.RandomChoice([T.Resize(2), T.Resize(3)]).forward(pictures(20, 1, 5, 5), streams(20))).toThrow(
      'give one size',
    );
  });

  it('RandomOrder: every order', () => {
    const step = (k: number): data.Transform => T.Lambda((x) => x.mul(4).add(k));
    const x = tensor(new Float32Array(1200), [1200, 1, 1, 1]);
    const y = T.RandomOrder([step(1), step(2), step(3)])
      .forward(x, streams(1200))
      .dataSync();
    const counts = new Map<number, number>();
    for (const v of y) counts.set(v, (counts.get(v) ?? 0) + 1);
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(60);
  });

  it('ElasticTransform: smooth, as far as alpha says, and still with alpha 0', () => {
    const ramp = tensor(
      Float32Array.from({ length: 64 * 64 }, (_, i) => i % 64),
      [1, 64, 64],
    );
    expect(T.ElasticTransform({ alpha: 0 }).forward(ramp).dataSync()).toEqual(ramp.dataSync());
    const moved = T.ElasticTransform({ alpha: 100, sigma: 4, fill: 30 }).forward(ramp, streams(1)).sub(ramp).dataSync();
    const inner = Array.from({ length: 32 * 32 }, (_, i) => moved[(16 + (i >> 5)) * 64 + 16 + (i & 31)] as number);
    const most = Math.max(...inner.map(Math.abs));
    // Noise of variance 1/3, averaged over about 4 π σ² pixels, times alpha / 2 pixels.
    const expected = (50 * Math.sqrt(1 / 3)) / Math.sqrt(4 * Math.PI * 16);
    expect(most).toBeGreaterThan(expected);
    expect(most).toBeLessThan(5 * expected);
    for (let i = 1; i < 32; i++) {
      expect(Math.abs((inner[i] as number) - (inner[i - 1] as number))).toBeLessThan(expected);
    }
    expect(() => T.ElasticTransform({ sigma: 5 }).forward(pictures(1, 1, 8, 8))).toThrow('Resize the images first');
  });
});

describe('bad parameters', () => {
  it.each([
    [() => T.Resize(0), 'size must be a whole number > 0'],
    [() => T.Resize(8, { maxSize: 8 }), 'maxSize must be > size'],
    [() => T.Resize(8, { interpolation: 'lanczos' as 'bilinear' }), 'interpolation must be one of nearest'],
    [() => T.RandomResizedCrop(8, { scale: [1, 0.5] }), 'scale must be [least, most]'],
    [() => T.Pad([1, 2, 3] as unknown as number), 'padding must be 1, 2 or 4'],
    [() => T.Pad(9, { paddingMode: 'reflect' }).forward(pictures(1, 1, 5, 5)), 'mirrors at most 4'],
    [() => T.Pad(1, { paddingMode: 'wrap' as 'edge' }), 'paddingMode must be one of'],
    [() => T.ColorJitter({ hue: 0.6 }), 'hue must lie within [-0.5, 0.5]'],
    [() => T.ColorJitter({ brightness: 0.1 }).forward(pictures(1, 2, 5, 5)), '1 or 3 channels, got 2'],
    [() => T.GaussianBlur(4), 'kernelSize must be odd'],
    [() => T.GaussianBlur(3, 0), 'sigma must be > 0'],
    [() => T.GaussianBlur(11).forward(pictures(1, 1, 5, 9)), 'needs images larger than 5 × 5'],
    [() => T.RandomErasing({ scale: [0.5, 1.5] }), 'scale must be [least, most] within [0, 1]'],
    [() => T.RandomPosterize(9), 'bits must be 0 … 8'],
    [() => T.RandomSolarize(2).forward(pictures(1, 1, 5, 5).float()), 'the threshold must be ≤ 1 for float32'],
    [() => T.AutoAugment('mnist' as 'svhn'), 'policy must be imagenet, cifar10 or svhn'],
    [() => T.RandAugment({ magnitude: 31 }), 'magnitude must be < numMagnitudeBins'],
    [() => T.RandomRotation([10, 80], { expand: true }).forward(pictures(2, 1, 90, 5), streams(2)), 'one by one'],
    [() => T.RandomRotation(5, { fill: [1, 2] }).forward(pictures(1, 3, 5, 5)), 'one for each of 3 channels'],
    [() => T.functional.erase(pictures(1, 1, 5, 5), 3, 3, 3, 1, 0), 'must lie within the image, 5 × 5'],
    [() => T.functional.elastic(pictures(2, 1, 5, 5), tensor([0])), 'expected a displacement [1, 5, 5, 2]'],
    [
      () =>
        T.functional.perspective(
          pictures(1, 1, 5, 5),
          [
            [0, 0],
            [4, 0],
            [4, 4],
            [0, 4],
          ],
          [
            [0, 0],
            [1, 1],
            [2, 2],
            [0, 4],
          ],
        ),
      'no three of the end points',
    ],
  ])('%s', (make, message) => {
    expect(make).toThrow(message);
  });
});
