import {
  add,
  capture,
  deterministic,
  FettleError,
  linear,
  matmul,
  memory,
  noGrad,
  relu,
  setDevice,
  sum,
  type Tensor,
  tensor,
  zeros,
} from 'fettle';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentDevice, useDevice } from '../../src/backend/current.js';
import { WebGpuDevice } from '../../src/backend/webgpu/device.js';
import type { Chip } from '../../src/backend/webgpu/executor.js';
import { folded } from '../../src/backend/webgpu/pass.js';
import { sizeClass } from '../../src/backend/webgpu/pool.js';
import { request } from '../../src/backend/webgpu/request.js';
import type { Device } from '../../src/core/device.js';
import { scope } from '../../src/core/scoping.js';
import { FakeExecutor } from './fake.js';

/** What the planner decides without a GPU: buffers, programs, limits, and what it says where it cannot go on. */

let executor: FakeExecutor;
let before: Device;

beforeEach(() => {
  before = currentDevice();
  executor = new FakeExecutor();
  useDevice(new WebGpuDevice(executor));
});

afterEach(() => {
  useDevice(before.name === 'wasm' ? null : before);
});

function message(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(FettleError);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('memory', () => {
  it('comes from a pool: a buffer that is free serves again', () => {
    scope(() => zeros([100]));
    const made = executor.buffers.size;
    for (let i = 0; i < 20; i++) scope(() => void relu(tensor([1, 2, 3])));
    expect(executor.buffers.size).toBeLessThanOrEqual(made + 2);
  });

  it('is counted', () => {
    const { tensors, bytes } = memory();
    const x = zeros([10]);
    expect(memory().tensors - tensors).toBe(1);
    expect(memory().bytes - bytes).toBe(40);
    x.dispose();
    expect(memory().bytes).toBe(bytes);
  });

  it('wastes a fifth of a buffer at most', () => {
    for (let bytes = 300; bytes < 1e9; bytes = Math.ceil(bytes * 1.37)) {
      const size = sizeClass(bytes);
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size).toBeLessThanOrEqual(bytes * 1.25);
      expect(size % 4).toBe(0);
    }
  });

  it('refuses a tensor that no shader could see', () => {
    expect(message(() => zeros([1 << 20]))).toContain(`${4 << 20} bytes is larger than the largest`);
  });

  it('keeps the bytes around those that are written', async () => {
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8], { dtype: 'uint8' });
    expect([...(await x.data())]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...(await x.narrow(0, 3, 3).data())]).toEqual([4, 5, 6]);
  });
});

describe('programs', () => {
  const programs = (): number => new Set(executor.dispatches.map(({ program }) => program.id)).size;

  it('are shared by launches of one structure, whatever their sizes', () => {
    relu(tensor([1, 2]));
    relu(tensor([1, 2, 3, 4, 5]));
    expect(programs()).toBe(1);
  });

  it('bind a buffer once, whatever looks at it', () => {
    const x = tensor([1, 2]);
    add(x, x);
    const [last] = executor.dispatches.slice(-1);
    expect(new Set(last?.buffers).size).toBe(last?.buffers.length);
    expect(last?.program.access).toEqual(['write', 'read']);
  });

  it('write in place through one binding', () => {
    const x = tensor([1, 2]);
    currentDevice().launch({ kernel: 'neg_f32', work: 2, writes: [x], reads: [x], ints: [1, 2, 1] });
    const [last] = executor.dispatches.slice(-1);
    expect(last?.buffers.length).toBe(1);
    expect(last?.program.access).toEqual(['write']);
  });

  it('name a kernel that has no shader', () => {
    const device = currentDevice();
    const x = tensor([1]);
    const text = message(() => device.launch({ kernel: 'nonsense_f32', work: 1, writes: [x], reads: [] }));
    expect(text).toMatch(/^nonsense_f32: the device 'webgpu' has no such kernel/);
  });
});

describe('workgroups', () => {
  it('fold into more dimensions where one does not hold them', () => {
    for (const groups of [1, 7, 65535, 65536, 1e6, 5e9]) {
      const [x, y, z] = folded(groups, executor.chip);
      expect(x * y * z).toBeGreaterThanOrEqual(groups);
      expect(Math.max(x, y, z)).toBeLessThanOrEqual(65535);
      expect(x * y * z - groups).toBeLessThan(x * y);
    }
  });
});

describe('reading', () => {
  it('at once is refused, with what to do', () => {
    const x = tensor([1]);
    for (const act of [() => x.item(), () => x.dataSync(), () => x.toArray(), () => x.to('wasm')]) {
      expect(message(act)).toContain('await x.data()');
    }
  });

  it('brings what a kernel has refused, once', async () => {
    const x = tensor([1, 2, 3]);
    executor.onDispatch = ({ program, buffers }) => {
      if (program.name === 'inRange_i32') executor.write(buffers[0] as number, 0, Uint8Array.of(1, 0, 0, 0));
    };
    const y = x.indexSelect(0, tensor([5], { dtype: 'int32' }));
    await expect(y.data()).rejects.toThrow(/index.* out of range/);
    executor.onDispatch = null;
    await expect(y.data()).resolves.toHaveLength(1);
  });
});

describe('what lasts', () => {
  const bound = (): number[] => executor.dispatches.map(({ buffers }) => buffers.length);

  it('is written under a guard behind a check, until a read has told what came of it', async () => {
    const [x, at] = [zeros([4]), tensor([1], { dtype: 'int32' })];
    const write = (y: Tensor): number[] => {
      executor.dispatches.length = 0;
      noGrad(() => y.copy_(x));
      return bound();
    };
    const [before, check] = [zeros([4]), (): Tensor => x.indexSelect(0, at)];
    expect(write(before)).toEqual([2]);
    check();
    expect(write(before)).toEqual([3]);
    const [last] = executor.dispatches;
    expect(last?.program.code).toContain('if (!held)');
    expect(last?.program.access).toEqual(['write', 'read', 'read']);
    // What has been made since then comes from the check, or has nothing to do with it.
    expect(write(zeros([4]))).toEqual([2]);
    await check().data();
    expect(write(before)).toEqual([2]);
  });

  it('is so in a captured step, before the check too, which the run before may have come to', () => {
    const [x, sum] = [tensor([1], { dtype: 'int32' }), zeros([4])];
    const step = capture((x: Tensor) => {
      currentDevice().launch({ kernel: 'neg_f32', work: 4, writes: [sum], reads: [sum], ints: [1, 4, 1] });
      const y = sum.mul(2).exp();
      noGrad(() => sum.add_(1));
      return y.indexSelect(0, x);
    });
    step(x);
    step(x);
    const held = executor.prepared.flatMap((command) =>
      command.do === 'dispatch' && command.program.code.includes('if (!held)') ? [command.program] : [],
    );
    expect(held.map(({ name }) => name)).toEqual(['fused', 'copy_b4']);
    // Of the three that the first writes, the one that was there before the step.
    expect(held[0]?.code.match(/if \(!held\)/g)).toHaveLength(1);
    expect(held[0]?.access).toEqual(['write', 'write', 'write', 'read']);
    step.dispose();
  });
});

describe('a captured step', () => {
  /** Names of the programs of the step. */
  const recorded = (f: (x: Tensor) => Tensor, x: Tensor): string[] => {
    const step = capture(f);
    step(x);
    step(x);
    step.dispose();
    return executor.prepared.map((command) => (command.do === 'dispatch' ? command.program.name : 'copy'));
  };

  it('joins elementwise kernels, and writes what is seen alone', () => {
    const x = zeros([100]);
    expect(recorded((x) => x.mul(x).add(x).exp().sub(x), x)).toEqual(['fused']);
    const [command] = executor.prepared;
    expect(command?.do === 'dispatch' && command.program.access).toEqual(['read', 'write']);
  });

  it('writes what is looked at later, too', () => {
    const x = zeros([10, 10]);
    const names = recorded((x) => {
      const y = x.mul(x);
      return y.exp().add(y.sum());
    }, x);
    expect(names).toEqual(['fused', 'sum_f32 x-y', 'add_f32']);
    const [first] = executor.prepared;
    expect(first?.do === 'dispatch' && first.program.access.filter((use) => use === 'write')).toHaveLength(2);
  });

  it('joins nothing where an element meets another', () => {
    const x = zeros([100]);
    const shifted = (x: Tensor): Tensor => {
      const y = x.mul(x);
      return y.narrow(0, 0, 50).add(y.narrow(0, 50, 50));
    };
    expect(recorded(shifted, x)).toEqual(['mul_f32', 'add_f32']);
    const reversed = (x: Tensor): Tensor => x.exp().reshape([10, 10]).T.mul(2);
    expect(recorded(reversed, x)).toEqual(['exp_f32', 'affine_f32']);
  });

  it('refuses a read', () => {
    const step = capture((x: Tensor) => x.mul(x.dataSync().length));
    expect(message(() => step(zeros([2])))).toContain('await x.data()');
  });
});

describe('a tensor of another device', () => {
  it('is refused by either', () => {
    const here = tensor([1, 2]);
    useDevice(null);
    const there = tensor([1, 2]);
    expect(message(() => add(here, there))).toContain('Use .to(device)');
    expect(message(() => here.storage.pointer)).toContain('meets one on wasm');
  });

  it('is copied there by to(), which gradients do not follow', async () => {
    const gpu = currentDevice();
    useDevice(null);
    const x = tensor([1, 2, 3], { requiresGrad: true });
    useDevice(gpu);
    const y = x.to('webgpu');
    expect(y.device).toBe('webgpu');
    expect(y.requiresGrad).toBe(true);
    expect([...(await y.data())]).toEqual([1, 2, 3]);
    useDevice(null);
    const z = x.mul(2);
    useDevice(gpu);
    expect(message(() => z.to('webgpu'))).toContain('detach()');
  });
});

describe('a GPU that is lost', () => {
  it('says so to whoever uses it, and what to do', async () => {
    const x = tensor([1]);
    executor.lose('the driver was reset');
    await executor.lost;
    await Promise.resolve();
    expect(message(() => relu(x))).toContain('the GPU is gone: the driver was reset');
    expect(message(() => zeros([1]))).toContain('load the last checkpoint');
    await expect(x.data()).rejects.toThrow('the GPU is gone');
    x.dispose();
  });
});

describe('where there is no GPU', () => {
  const reason = async (gpu: unknown): Promise<string> => {
    try {
      await request(gpu as GPU | undefined);
    } catch (error) {
      expect(error).toBeInstanceOf(FettleError);
      return (error as Error).message;
    }
    throw new Error('a GPU was found');
  };

  it('says what to install', async () => {
    expect(await reason(undefined)).toContain('npm install webgpu');
  });

  it('says what to look at', async () => {
    expect(await reason({ requestAdapter: async () => null })).toContain('driver');
  });

  it('refuses a device of another name', async () => {
    await expect(setDevice('gpu' as 'webgpu')).rejects.toThrow("expected 'wasm', 'webgpu' or 'auto', got 'gpu'");
  });
});

describe('16-bit arithmetic', () => {
  const products = (chip: Partial<Chip>, act: () => unknown): string[] => {
    executor = new FakeExecutor(chip);
    useDevice(new WebGpuDevice(executor));
    scope(() => void act());
    return executor.dispatches.filter(({ program }) => program.name === 'gemm_f32').map(({ program }) => program.code);
  };

  const half = (...shape: number[]): Tensor => zeros(shape, { dtype: 'float16' });

  it('is that of products of float16 by float16, where it was asked for', async () => {
    const [code = ''] = products({ f16: true }, () => matmul(half(40, 36), half(36, 8)));
    expect(code).toMatch(/^enable f16;\n/);
    expect(code).toContain('array<vec4<f16>>');
    expect(code).toContain('var<workgroup> tile_a: array<vec4<f16>,');
    // No copies in float32 are made of the operands: that of the result is cast alone.
    expect(executor.dispatches.filter(({ program }) => program.name.startsWith('cast'))).toHaveLength(1);
    const [few = ''] = products({ f16: true }, () => linear(half(3, 5), half(7, 5), half(7)));
    expect(few).toContain('array<f16>');
  });

  it('is none of products with float32, of gradients, of devices that were not asked, with deterministic(true)', async () => {
    const x = () => half(4, 8);
    const plain = [
      products({}, () => matmul(x(), half(8, 4))),
      products({ f16: true }, () => matmul(zeros([4, 8]), zeros([8, 4]))),
    ];
    await deterministic(true);
    plain.push(products({ f16: true }, () => matmul(x(), half(8, 4))));
    await deterministic(false);
    for (const codes of plain) {
      expect(codes).toHaveLength(1);
      expect(codes.join()).not.toMatch(/\bf16\b/);
    }
    const [forward = '', ...gradients] = products({ f16: true }, () => {
      const [a, b] = [zeros([4, 8]), zeros([8, 4])];
      a.requiresGrad = true;
      b.requiresGrad = true;
      sum(matmul(a.to('float16'), b.to('float16')).to('float32')).backward();
    });
    expect(forward).toMatch(/^enable f16;/);
    expect(gradients).toHaveLength(2);
    for (const code of gradients) expect(code).not.toMatch(/\bf16\b/);
  });

  it('is refused with what to do where the GPU has none, before a device is requested', async () => {
    let requested = 0;
    const features = new Set<string>();
    const limits = {};
    const requestDevice = async (): Promise<never> => {
      requested++;
      throw new Error('this one gives none');
    };
    const gpu = { requestAdapter: async () => ({ features, limits, info: {}, requestDevice }) } as unknown as GPU;
    const refused = /configure\(\{ f16: true \}\) asks for 16-bit arithmetic.*Call configure\(\{ f16: false \}\)/;
    await expect(request(gpu, { f16: true })).rejects.toThrow(refused);
    const device = { features, limits } as unknown as GPUDevice;
    await expect(request(gpu, { f16: true, device })).rejects.toThrow(/requiredFeatures: \['shader-f16'\]/);
    expect(requested).toBe(0);
    features.add('shader-f16');
    await expect(request(gpu, { f16: true })).rejects.toThrow('this one gives none');
  });
});
