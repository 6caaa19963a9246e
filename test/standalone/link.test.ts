import { describe, expect, it } from 'vitest';
import * as binary from '../../src/runtime/binary.node.js';
import { Part } from '../../src/runtime/part.js';
import { type Call, link } from '../../src/standalone/wasm/link.js';
import { parseModule, type WasmModule } from '../../src/standalone/wasm/module.js';

const parts = Object.values(binary).filter((one) => one instanceof Part);
const modulesOf = (arithmetic: 'strict' | 'relaxed') =>
  parts.map(({ binaries }) => parseModule(binaries[arithmetic]() as Uint8Array));

const callOf = (module: number, kernel: string): Call => ({ module, kernel, record: 262144, work: 0, checks: true });
const memory = { image: [], scratch: 300_000, bytes: 400_000 };

const kernelsOf = ({ exports }: WasmModule): string[] => [...exports.keys()].filter((name) => name !== 'replay');

describe('link', () => {
  it.each(['strict', 'relaxed'] as const)('takes any one kernel of the %s parts', (arithmetic) => {
    const modules = modulesOf(arithmetic);
    expect(modules.length).toBeGreaterThan(10);
    let kernels = 0;
    modules.forEach((module) => {
      for (const kernel of kernelsOf(module)) {
        const bytes = link({ modules: [module], programs: { run: [callOf(0, kernel)] }, ...memory });
        // Compiling it checks every type and index.
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
        expect(Object.keys(exports), kernel).toEqual(['memory', 'run']);
        kernels++;
      }
    });
    expect(kernels).toBeGreaterThan(250);
  });

  it('puts all parts into one module', () => {
    const modules = modulesOf('strict');
    const run = modules.flatMap((module, m) => kernelsOf(module).map((kernel) => callOf(m, kernel)));
    const bytes = link({ modules, programs: { run, again: run.slice(0, 3) }, ...memory });
    const exports = WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name);
    expect(exports).toEqual(['memory', 'run', 'again']);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([]);
    // Little is left out where all is wanted, and little is added.
    const whole = parts.reduce((sum, { binaries }) => sum + (binaries.strict() as Uint8Array).length, 0);
    expect(bytes.length / whole).toBeGreaterThan(0.8);
    expect(bytes.length / whole).toBeLessThan(1.1);
  });

  it('leaves out what cannot be reached', () => {
    const [core] = modulesOf('strict') as [WasmModule];
    const sizeOf = (kernel: string) =>
      link({ modules: [core], programs: { run: [callOf(0, kernel)] }, ...memory }).length;
    expect(sizeOf('relu_f32')).toBeLessThan(6000);
  });

  it('computes through the table, with static data, what the part computes', () => {
    // Arithmetic of integers finds its loops in the table.
    const [core] = modulesOf('strict') as [WasmModule];
    const values = Int32Array.of(3, -4, 5, 6);
    const at = 262144;
    // y, a, b, then what assembly/zip.ts reads: dimensions, sizes and strides.
    const record = Int32Array.of(0, 4, 4, 0, at + 256, at + 512, at + 512, 1, 4, 1, 1, 1);
    const image = [
      { at, bytes: new Uint8Array(record.buffer) },
      { at: at + 512, bytes: new Uint8Array(values.buffer) },
    ];
    const call = { module: 0, kernel: 'mul_i32', record: at, work: 4, checks: false };
    const bytes = link({ modules: [core], programs: { run: [call] }, image, scratch: 300_000, bytes: 400_000 });
    const { run, memory: heap } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as {
      run: () => number;
      memory: WebAssembly.Memory;
    };
    expect(run()).toBe(0);
    expect(new Int32Array(heap.buffer, at + 256, 4)).toEqual(Int32Array.of(9, 16, 25, 36));
  });

  it('refuses a kernel that is not there, and bytes of another kind', () => {
    const modules = modulesOf('strict');
    expect(() => link({ modules, programs: { run: [callOf(0, 'nonsense_f32')] }, ...memory })).toThrow('nonsense_f32');
    const threads = (parts[0] as Part).binaries.strict() as Uint8Array;
    expect(() => parseModule(threads.subarray(0, 900))).toThrow('cut short');
    const foreign = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 2, 7, 1, 1, 97, 1, 98, 0, 0);
    expect(() => parseModule(foreign)).toThrow("an import 'b'");
  });
});
