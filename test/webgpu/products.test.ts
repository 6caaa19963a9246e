import { manualSeed, randn, scope, type Tensor, zeros } from 'fettle';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentDevice, useDevice } from '../../src/backend/current.js';
import { WebGpuDevice } from '../../src/backend/webgpu/device.js';
import type { Pass } from '../../src/backend/webgpu/pass.js';
import { Planner } from '../../src/backend/webgpu/planner.js';
import { BufferPool } from '../../src/backend/webgpu/pool.js';
import type { Device } from '../../src/core/device.js';
import { FakeExecutor } from './fake.js';

/** Products that are cut along K, where they have few tiles: how they are cut, on no GPU, and what they give, on one. */

interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch?: number;
  readonly ta?: 0 | 1;
  readonly tb?: 0 | 1;
  readonly beta?: number;
  readonly biasMode?: 0 | 1 | 2;
  readonly relu?: 0 | 1;
}

/** C = act(op(A) op(B) + beta C + bias), by the slots of assembly/gemm.ts. */
function launch(given: Product, a: Tensor, b: Tensor, c: Tensor, bias: Tensor | null): void {
  const { m, n, k, batch = 1, ta = 0, tb = 0, beta = 0, biasMode = 0, relu = 0 } = given;
  const ints = [m, n, k, ta ? m : k, tb ? k : n, n, ta, tb, batch, m * k, k * n, m * n, biasMode, relu];
  currentDevice().launch({
    kernel: 'gemm_f32',
    work: m * batch,
    writes: [c],
    reads: [a, b, bias],
    floats: [beta],
    ints,
  });
}

function operands({ m, n, k, batch = 1, biasMode = 0 }: Product): [Tensor, Tensor, Tensor, Tensor | null] {
  manualSeed(4);
  const all = [randn([batch * m * k]), randn([batch * k * n]), randn([batch * m * n])] as const;
  return [...all, biasMode === 0 ? null : randn([biasMode === 1 ? n : m])];
}

describe('dispatches', () => {
  let before: Device;
  let executor: FakeExecutor;

  beforeEach(() => {
    before = currentDevice();
    executor = new FakeExecutor({ bufferBytes: 1 << 26, bindingBytes: 1 << 26 });
    useDevice(new WebGpuDevice(executor));
  });

  afterEach(() => {
    useDevice(before.name === 'wasm' ? null : before);
  });

  const groups = (given: Product): number[] => {
    const { m, n, k, batch = 1 } = given;
    const [a, b, c] = [zeros([batch * m * k]), zeros([batch * k * n]), zeros([batch * m * n])];
    executor.dispatches.length = 0;
    launch(given, a, b, c, null);
    return executor.dispatches.map(({ groups: [x = 1, y = 1, z = 1] }) => x * y * z);
  };

  it('are more where tiles are few and K is long', () => {
    // One tile of 64 × 64 and 16 slices of 256; the sums, 256 a workgroup.
    expect(groups({ m: 64, n: 64, k: 4096 })).toEqual([16, 16]);
    // What is left of K is no slice of its own where it is short.
    expect(groups({ m: 64, n: 64, k: 1000 })).toEqual([3, 16]);
  });

  it('are one where there is enough to do, or little of K', () => {
    expect(groups({ m: 1024, n: 1024, k: 1024 })).toHaveLength(1);
    expect(groups({ m: 64, n: 64, k: 511 })).toHaveLength(1);
    expect(groups({ m: 64, n: 64, k: 512, batch: 128 })).toHaveLength(1);
  });

  it('are none of nothing, one where K is nothing, and whole numbers for all sizes', () => {
    // A product over no K writes zeros, or beta C and the bias: it has its tiles, and is not cut.
    expect(groups({ m: 3, n: 5, k: 0 })).toEqual([1]);
    expect(groups({ m: 130, n: 130, k: 0, ta: 1, tb: 1 })).toEqual([9]);
    expect(groups({ m: 0, n: 5, k: 4 })).toEqual([]);
    expect(groups({ m: 3, n: 0, k: 4096 })).toEqual([]);
    const sizes = [0, 1, 2, 17, 65, 512, 2049];
    for (const m of sizes) {
      for (const n of sizes) {
        for (const k of sizes) {
          const found = scope(() => groups({ m, n, k, batch: 2 }));
          expect(found.length === 0, `${m} × ${n} × ${k}`).toBe(m * n === 0);
          for (const count of found) expect(Number.isInteger(count) && count > 0, `${m} × ${n} × ${k}`).toBe(true);
        }
      }
    }
  });

  it('are refused where their count is none', () => {
    const planner = new Planner(currentDevice(), executor);
    const pool = new BufferPool(executor, 1 << 20);
    const around = { pool, scratches: new Map(), flags: pool.own(4), refusals: 0 };
    const plan = (of: Partial<Pass>) => () =>
      planner.dispatchOf({ name: 'made_f32', structure: '', bind: {}, text: () => ({ body: '' }), ...of }, around);
    for (const count of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5]) {
      expect(plan({ groups: count })).toThrow(`made_f32: its shader was planned for ${count}`);
      expect(plan({ items: count })).toThrow(`made_f32: its shader was planned for ${count}`);
    }
    expect(plan({ groups: 0 })().groups).toEqual([0, 1, 1]);
    expect(plan({ items: 257 })().groups).toEqual([2, 1, 1]);
  });
});

describe.runIf(process.env.FETTLE_TEST_DEVICE === 'webgpu')('on a GPU', { timeout: 240_000 }, () => {
  /** In float64. */
  function expected(given: Product, a: Float32Array, b: Float32Array, c: Float32Array, bias?: Float32Array): number[] {
    const { m, n, k, ta = 0, tb = 0, beta = 0, biasMode = 0, relu = 0 } = given;
    return Array.from(c, (old, e) => {
      const [item, i, j] = [Math.floor(e / (m * n)), Math.floor(e / n) % m, e % n];
      let sum = 0;
      for (let p = 0; p < k; p++) {
        const x = a[item * m * k + (ta ? p * m + i : i * k + p)] as number;
        sum += x * (b[item * k * n + (tb ? j * k + p : p * n + j)] as number);
      }
      const y = sum + beta * old + (biasMode === 0 ? 0 : (bias?.[biasMode === 1 ? j : i] as number));
      return relu ? Math.max(y, 0) : y;
    });
  }

  const products: Readonly<Record<string, Product>> = {
    'that is plain': { m: 40, n: 36, k: 1100 },
    'of a gradient': { m: 10, n: 65, k: 2050, ta: 1, beta: 1 },
    'of few rows, with bias and relu': { m: 3, n: 70, k: 777, tb: 1, biasMode: 1, relu: 1 },
    'of a batch, with a bias for each row': { m: 20, n: 8, k: 600, batch: 3, biasMode: 2, beta: 0.5 },
  };

  for (const [name, given] of Object.entries(products)) {
    it(`a product ${name} is what it is in double precision, the same on every run`, () => {
      const [a, b, c, bias] = operands(given);
      const old = c.dataSync() as Float32Array;
      const want = expected(
        given,
        a.dataSync() as Float32Array,
        b.dataSync() as Float32Array,
        old,
        bias?.dataSync() as Float32Array,
      );
      const again = c.clone();
      launch(given, a, b, c, bias);
      launch(given, a, b, again, bias);
      const got = c.dataSync();
      expect([...again.dataSync()]).toEqual([...got]);
      want.forEach((y, i) => {
        expect(Math.abs((got[i] as number) - y)).toBeLessThan(2e-6 * given.k);
      });
    });
  }
});
