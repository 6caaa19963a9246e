/** Kernels of images computed in shares of every kind come to the same bits as whole: so they may be given to threads. */
import { deterministic, Generator, scope, tensor } from 'fettle';
import { transforms as T, type Transform } from 'fettle/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentDevice } from '../../src/backend/current.js';
import type { WasmDevice } from '../../src/backend/wasm.js';
import { nameOf } from '../../src/runtime/part.js';

const device = currentDevice() as WasmDevice;
const launch = device.launch.bind(device);
/** Work items of a share, and the kernels that were run in several. */
let length = Number.POSITIVE_INFINITY;
const shared = new Set<string>();

beforeAll(() => {
  device.launch = (launched) => {
    const entry = device.engine.kernel(launched.kernel) as {
      run: (record: number, begin: number, end: number) => void;
    };
    if (launched.work <= length) return launch(launched);
    shared.add(nameOf(launched.kernel));
    const { run } = entry;
    entry.run = (record, begin, end) => {
      // The last first, in an order that no thread would take them in.
      const last = begin + Math.floor((end - 1 - begin) / length) * length;
      for (let at = last; at >= begin; at -= length) run(record, at, Math.min(end, at + length));
    };
    try {
      launch(launched);
    } finally {
      entry.run = run;
    }
  };
});

afterAll(() => {
  device.launch = launch;
  deterministic(false);
});

const list: readonly (readonly [string, Transform])[] = [
  ['resize', T.RandomResizedCrop(18)],
  ['resize', T.RandomResizedCrop(33, { interpolation: 'bicubic' })],
  ['pick', T.RandomCrop(20, { padding: 4, paddingMode: 'reflect' })],
  ['erase', T.RandomErasing({ p: 1, value: 1 })],
  ['warpAffine', T.RandomRotation(50, { interpolation: 'bilinear' })],
  ['warpAffine', T.RandomRotation(50)],
  ['warpProjective', T.RandomPerspective({ p: 1 })],
  ['warpField', T.ElasticTransform({ alpha: 10, sigma: 1 })],
  ['blur', T.GaussianBlur([5, 3])],
  ['color', T.ColorJitter({ brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.2 })],
  ['color', T.RandomAdjustSharpness(3, 1)],
];

describe.each([true, false])('strict: %s', (strict) => {
  beforeAll(() => deterministic(strict));

  it.each(list)('%s', (kernel, transform) => {
    const stream = new Generator(2);
    const bytes = Uint8Array.from({ length: 3 * 3 * 23 * 29 }, () => stream.below(256));
    for (const dtype of ['uint8', 'float32'] as const) {
      const outcome = (): number[] =>
        scope(() => {
          const x = tensor(bytes, [3, 3, 23, 29]);
          const streams = [0, 1, 2].map((n) => new Generator(9).fork(n));
          return Array.from(transform.forward(dtype === 'uint8' ? x : x.float().div(255), streams).dataSync());
        });
      length = Number.POSITIVE_INFINITY;
      const whole = outcome();
      shared.clear();
      for (const share of [1, 2, 5, 40]) {
        length = share;
        const parts = outcome();
        expect(parts.findIndex((v, i) => !Object.is(v, whole[i]))).toBe(-1);
      }
      expect([...shared].some((name) => name.startsWith(`${kernel}_`))).toBe(true);
    }
  });
});
