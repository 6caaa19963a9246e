import {
  adaptiveAvgPool2d,
  batchNorm,
  conv2d,
  convTranspose2d,
  FettleError,
  layerNorm,
  matmul,
  maxPool2d,
  rand,
  scaledDotProductAttention,
  sum,
  type Tensor,
} from 'fettle';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { currentDevice, useDevice } from '../../src/backend/current.js';
import { WebGpuDevice } from '../../src/backend/webgpu/device.js';
import type { Chip } from '../../src/backend/webgpu/executor.js';
import type { Device } from '../../src/core/device.js';
import { scope } from '../../src/core/scoping.js';
import { canHold, dtypesOf, lay, sheets } from '../support/sheets.js';
import { FakeExecutor } from './fake.js';

/** What every shader may take of a GPU that gives no more than WebGPU promises: looked up in the texts, on no GPU. */

const BYTES: Readonly<Record<string, number>> = {
  f32: 4,
  i32: 4,
  u32: 4,
  atomic: 4,
  vec2: 8,
  vec3: 16,
  vec4: 16,
  'vec4<f16>': 8,
};

/** Bytes of a text's workgroup memory. */
function sharedBytes(code: string): number {
  let total = 0;
  for (const [line, type = '', count] of code.matchAll(
    /var<workgroup> \w+: (?:array<)?(\w+(?:<\w+>)?)(?:, (\d+)>)?;/g,
  )) {
    const bytes = BYTES[type] ?? BYTES[type.replace(/<.*/, '')];
    if (bytes === undefined) throw new Error(`the size of '${line}' is not known`);
    total += bytes * Number(count ?? 1);
  }
  expect(code.match(/var<workgroup>/g)?.length ?? 0, 'all declarations are understood').toBe(
    [...code.matchAll(/var<workgroup> \w+: (?:array<)?(\w+)(?:<\w+>)?(?:, (\d+)>)?;/g)].length,
  );
  return total;
}

/** Runs what may read, which a GPU does not answer at once. */
function unlessRead(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof FettleError) || !['device', 'unsupported'].includes(error.code)) throw error;
  }
}

/** A GPU of which shaders take no more than all have, and one of which they take what some have. */
const chips: Readonly<Record<string, Partial<Chip>>> = {
  'that has nothing more': {},
  'with subgroups and 16-bit arithmetic': { subgroups: 128, f16: true },
};

describe.each(Object.entries(chips))('a GPU %s', (_, chip) => {
  let before: Device;
  let executor: FakeExecutor;
  const seen = new Set<string>();

  beforeAll(() => {
    before = currentDevice();
    executor = new FakeExecutor({ bufferBytes: 1 << 28, bindingBytes: 1 << 28, ...chip });
    executor.onDispatch = ({ program, buffers }) => {
      if (seen.has(program.code)) return;
      seen.add(program.code);
      const size = Number(/@workgroup_size\((\d+)\)/.exec(program.code)?.[1]);
      expect(size, program.name).toBeLessThanOrEqual(256);
      expect(sharedBytes(program.code), program.name).toBeLessThanOrEqual(16384);
      expect(buffers.length, program.name).toBeLessThanOrEqual(8);
    };
    useDevice(new WebGpuDevice(executor));
  });

  afterAll(() => {
    useDevice(before.name === 'wasm' ? null : before);
  });

  test('ops of the table, and their gradients', () => {
    for (const [, op] of sheets) {
      for (const dtype of op.op.dtypes) {
        for (const sample of op.op.samples()) {
          const dtypes = dtypesOf(dtype, sample.inputs.length);
          if (!sample.inputs.every((a, i) => canHold(dtypes[i] as never, a))) continue;
          unlessRead(() =>
            scope(() => {
              const inputs = sample.inputs.map((a, i) => lay(a, dtypes[i] as never, 'contiguous'));
              for (const x of inputs) if (x.dtype === 'float32' && x.isLeaf) x.requiresGrad = true;
              const y = op(...inputs, ...(sample.args ?? [])) as Tensor;
              if (y.requiresGrad) sum(y).backward();
            }),
          );
        }
      }
    }
    expect(seen.size).toBeGreaterThan(300);
  }, 120_000);

  test('tiles of all sizes', () => {
    const made = seen.size;
    const leaf = (...shape: number[]): Tensor => {
      const x = rand(shape);
      x.requiresGrad = true;
      return x;
    };
    for (const channels of [4, 24, 40, 128]) {
      for (const groups of [1, 4]) {
        scope(() => {
          const x = leaf(16, 16, 33, 32);
          const y = conv2d(x, leaf(channels, 16 / groups, 3, 3), leaf(channels), { groups, stride: 2, padding: 1 });
          sum(convTranspose2d(y, leaf(channels, 16, 2, 2), null, { stride: 2 })).backward();
        });
      }
    }
    scope(() => sum(conv2d(leaf(16, 16, 32, 32), leaf(128, 16, 1, 1))).backward());
    scope(() => sum(matmul(leaf(512, 300), leaf(300, 4096))).backward());
    const halves = (...shape: number[]): Tensor => rand(shape).to('float16');
    for (const m of [8, 60, 512]) scope(() => void matmul(halves(m, 300), halves(300, 4096)));
    expect([...seen].some((code) => code.startsWith('enable f16;'))).toBe(chip.f16 === true);
    expect([...seen].some((code) => code.includes('enable subgroups;'))).toBe(chip.subgroups !== undefined);
    for (const size of [8, 64, 128, 300]) {
      scope(() => sum(scaledDotProductAttention(leaf(2, 70, size), leaf(2, 70, size), leaf(2, 70, size))).backward());
    }
    for (const cols of [3, 100, 5000]) scope(() => sum(layerNorm(leaf(300, cols), [cols], leaf(cols))).backward());
    for (const shape of [
      [200, 40],
      [8, 4, 70, 70],
    ]) {
      scope(() => sum(batchNorm(leaf(...shape), null, null, null, null, { training: true })).backward());
    }
    scope(() => sum(adaptiveAvgPool2d(leaf(2, 3, 40, 40), 1)).backward());
    scope(() => sum(maxPool2d(leaf(2, 3, 40, 40), 3, { stride: 2 })).backward());
    expect(seen.size).toBeGreaterThan(made);
  });
});
