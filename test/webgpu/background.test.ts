import { beforeEach, describe, expect, it } from 'vitest';
import type { Program } from '../../src/backend/webgpu/executor.js';
import { GpuExecutor } from '../../src/backend/webgpu/gpu.js';

/** Programs are compiled in the background: what the executor does meanwhile, on a device that only notes what it is asked. */

/** What was asked of the device, in order. */
let log: string[];
/** Ends the compiling of a program, well or with an error. */
let arrive: Map<string, (error?: Error) => void>;
let compiled: [string, number, number][];
let executor: GpuExecutor;

const program = (id: number, name: string): Program => ({ id, name, code: name, words: 4, access: ['write'] });
const [first, second] = [program(0, 'first'), program(1, 'second')];
const dispatch = (of: Program) => ({ program: of, buffers: [1], words: new Uint32Array(4), groups: [1, 1, 1] });
/** Until promises that are kept have been heard of. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** As much of a GPUDevice as an executor asks for. */
function device(): GPUDevice {
  const limits = {
    maxBufferSize: 1 << 28,
    maxStorageBufferBindingSize: 1 << 28,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupsPerDimension: 65535,
    minUniformBufferOffsetAlignment: 256,
  };
  let pipeline = '';
  const pass = {
    setPipeline: ({ label }: { label: string }) => {
      pipeline = label;
    },
    setBindGroup: () => {},
    dispatchWorkgroups: () => log.push(`dispatch ${pipeline}`),
    end: () => {},
  };
  const encoder = {
    beginComputePass: () => pass,
    copyBufferToBuffer: () => log.push('copy'),
    finish: () => ({}),
  };
  const made = {
    limits,
    features: new Set(),
    lost: new Promise(() => {}),
    createBuffer: ({ size }: { size: number }) => ({
      size,
      destroy: () => log.push('destroy'),
      mapAsync: async () => {},
      getMappedRange: () => new ArrayBuffer(size),
    }),
    createCommandEncoder: () => encoder,
    createBindGroup: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({ getCompilationInfo: async () => ({ messages: [] }) }),
    createComputePipelineAsync: ({ label }: { label: string }) =>
      new Promise((resolve, reject) => {
        arrive.set(label, (error) => (error === undefined ? resolve({ label }) : reject(error)));
      }),
    createComputePipeline: ({ label }: { label: string }) => {
      log.push(`wait for ${label}`);
      return { label };
    },
    queue: { writeBuffer: () => log.push('write'), submit: () => log.push('submit') },
  };
  return made as unknown as GPUDevice;
}

beforeEach(() => {
  log = [];
  arrive = new Map();
  compiled = [];
  executor = new GpuExecutor(device(), 'a device of notes', undefined, (...told) => compiled.push(told));
  executor.create(1, 256);
});

describe('programs on their way', () => {
  it('are compiled at once, and hold back what comes behind the first', async () => {
    executor.dispatch(dispatch(first));
    executor.dispatch(dispatch(second));
    executor.write(1, 0, new Uint8Array(4));
    const read = executor.read(1, 0, 4);
    expect([...arrive.keys()]).toEqual(['first', 'second']);
    arrive.get('second')?.();
    await turn();
    expect(log).toEqual([]);
    arrive.get('first')?.();
    await read;
    expect(log.filter((entry) => entry.startsWith('dispatch'))).toEqual(['dispatch first', 'dispatch second']);
    expect(log.indexOf('copy')).toBeGreaterThan(log.indexOf('dispatch second'));
    expect(compiled).toEqual([
      ['second', 1, 1],
      ['first', 2, 0],
    ]);
  });

  it('let what needs none of them go on up to the first that does', async () => {
    executor.dispatch(dispatch(first));
    executor.destroy(1);
    executor.create(1, 256);
    executor.dispatch(dispatch(second));
    arrive.get('first')?.();
    await turn();
    expect(log).toContain('dispatch first');
    expect(log).toContain('destroy');
    expect(log).not.toContain('dispatch second');
    arrive.get('second')?.();
    await turn();
    executor.flush();
    expect(log).toContain('dispatch second');
  });

  it('are waited for where a loop never awaits', () => {
    for (let i = 0; i < 5000; i++) executor.dispatch(dispatch(i % 2 === 0 ? first : second));
    expect(log.filter((entry) => entry.startsWith('wait'))).toEqual(['wait for first', 'wait for second']);
    expect(log.filter((entry) => entry.startsWith('dispatch'))).toHaveLength(5000);
  });

  it('of a captured step hold back its first run, with the numbers that it had', async () => {
    const words = Uint32Array.of(1, 0, 0, 0);
    const sequence = executor.prepare([{ do: 'dispatch', ...dispatch(first), words }]);
    executor.replay(sequence, [{ at: 0, words }]);
    words[0] = 2;
    executor.replay(sequence, [{ at: 0, words }]);
    executor.forget(sequence);
    expect(log).toEqual([]);
    arrive.get('first')?.();
    await turn();
    expect(log.filter((entry) => entry === 'dispatch first')).toHaveLength(2);
    expect(log[log.length - 1]).toBe('destroy');
  });

  it('that the driver refuses are told of with the next read, and the rest goes on', async () => {
    executor.dispatch(dispatch(first));
    executor.dispatch(dispatch(second));
    arrive.get('first')?.(new Error('no such thing'));
    arrive.get('second')?.();
    await expect(executor.read(1, 0, 4)).rejects.toThrow('the device reports: first: no such thing');
    expect(log).not.toContain('dispatch first');
    expect(log).toContain('dispatch second');
    await expect(executor.read(1, 0, 4)).resolves.toHaveLength(4);
  });
});
