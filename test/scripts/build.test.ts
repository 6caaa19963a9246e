import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkData, checkDist } from '../../scripts/build-checks.mjs';
import { gather } from '../../scripts/gather.mjs';
import { importsOf } from '../../scripts/imports.mjs';
import { shake } from '../../scripts/shake.mjs';
import { skimmed } from '../../scripts/skimmed.mjs';
import { StageError } from '../../scripts/stages.mjs';
import { withoutLists } from '../../scripts/unlisted.mjs';
import { vendor } from '../../scripts/vendor.mjs';
import { endOfData, withSharedMemory } from '../../scripts/wasm.mjs';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fettle-build-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Writes files into the folder, and returns their names. */
function write(files: Record<string, string | Uint8Array>): string[] {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return Object.keys(files);
}

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('importsOf', () => {
  it('finds every way of naming a module, and what is taken of it', () => {
    const text = [
      "import a, { b as c } from './1.js';",
      "import * as d from './2.js';",
      "import type { E } from './3.js';",
      "export { f } from './4.js';",
      "export * from './5.js';",
      "import './6.js';",
      "const g = await import('./7.js');",
      "type H = import('./8.js').H;",
      "new URL('./9.js', import.meta.url);",
      "new URL('./10.js', 'https://example.org'); // import './11.js'",
    ].join('\n');
    const found = importsOf('a.ts', text).map(({ from, line, erased, lazy, url, names }) => {
      const how = [erased && 'erased', lazy && 'lazy', url && 'url'].filter(Boolean).join();
      return [from, line, how, names.join()];
    });
    expect(found).toEqual([
      ['./1.js', 1, '', 'default,b'],
      ['./2.js', 2, '', '*'],
      ['./3.js', 3, 'erased', 'E'],
      ['./4.js', 4, '', 'f'],
      ['./5.js', 5, '', '*'],
      ['./6.js', 6, '', ''],
      ['./7.js', 7, 'lazy', '*'],
      ['./8.js', 8, 'erased', '*'],
      ['./9.js', 9, 'url', '*'],
    ]);
  });
});

describe('vendor', () => {
  it('turns imports of packages towards a copy of what is used of them', async () => {
    const files = write({
      'a.js': "import { extent } from 'd3-array';\nexport const x = extent([3, 1, 2]);\n",
      'cli/b.js': 'export { extent as e } from "d3-array";\nimport { y } from "../c.js";\n',
      'c.js': "export const y = 'd3-array';\n",
    });
    await vendor(folder, files);
    expect(read('a.js')).toContain("import { extent } from './vendor/d3-array.js';");
    expect(read('cli/b.js')).toContain(
      'export { extent as e } from \'../vendor/d3-array.js\';\nimport { y } from "../c.js";',
    );
    expect(read('c.js')).toBe("export const y = 'd3-array';\n");
    expect(read('vendor/d3-array.js')).toContain('extent');
    expect(read('vendor/d3-array.js')).not.toContain('cumsum');
  });
});

describe('shake', () => {
  const op = '// @__NO_SIDE_EFFECTS__\nexport function op(compute, sheet) {}\nexport function empty() {}\n';

  it('marks the calls that are made on loading, and leaves sheets behind', () => {
    const files = write({
      'ops/op.js': op,
      'ops/op.d.ts':
        'export type Op<F extends object> = F & {\n    readonly op: Sheet;\n};\nexport type Other<F> = F & { a: 1 };\n',
      'ops/families.js':
        "import { op, empty } from './op.js';\n/** Makes one. */\n/* @__NO_SIDE_EFFECTS__ */\n" +
        'export function unary(name, entry) { return op(() => empty(), { oracle: entry.scalar, }); }\n',
      'ops/unary.js':
        "import { unary as u } from './families.js';\nimport { empty } from './op.js';\n" +
        "export const abs = u('abs', { doc: 'It is.', scalar: Math.abs, save: ['x'], grad: () => u('inner', {}) });\n" +
        'export const marked = /* @__PURE__ */ u("b", { scalar: 1 }), other = empty();\n',
    });
    shake(folder, files);
    expect(read('ops/op.js')).toBe(op);
    expect(read('ops/op.d.ts')).toBe('export type Op<F extends object> = F;\nexport type Other<F> = F & { a: 1 };\n');
    expect(read('ops/families.js')).toContain('{ return op(() => empty()); }');
    expect(read('ops/unary.js').split('\n').slice(2, 4)).toEqual([
      "export const abs = /* @__PURE__ */ u('abs', { save: ['x'], grad: () => u('inner', {}) });",
      'export const marked = /* @__PURE__ */ u("b", { }), other = empty();',
    ]);
  });
});

describe('gather', () => {
  it('makes few modules of many, which share what entry points have in common and do all that those do on loading', async () => {
    write({
      'package.json': '{ "sideEffects": false, "type": "module" }',
      'core/tensor.js':
        "import { part } from '#binary';\nexport class Tensor {\n  static make() { return new Tensor(); }\n}\n" +
        "export const file = part;\nexport const later = () => import('../nn/later.js');\n",
      'runtime/binary.node.js': "export const part = new URL('./core.wasm', import.meta.url).href;\n",
      'ops/index.js': "export { Tensor } from '../core/tensor.js';\n",
      'tensor.js':
        "import { Tensor } from './core/tensor.js';\nTensor.prototype.add = () => 'added';\nexport { Tensor };\n",
      'index.js': "export * from './ops/index.js';\nexport { file, later } from './core/tensor.js';\n",
      'nn/index.js':
        "import { Tensor } from '../tensor.js';\nexport const make = () => Tensor.make();\nexport { place } from './pool.js';\n",
      'nn/later.js': "import { Tensor } from '../core/tensor.js';\nexport const type = Tensor;\n",
      'nn/pool.js': "export const place = () => new URL('./worker.js', import.meta.url).href;\n",
      'nn/worker.js':
        "import { Tensor } from '../tensor.js';\nexport const here = import.meta.url + new Tensor().add();\n",
      'nn/apart.js': 'export const alone = import.meta.url;\n',
      'cli/main.js':
        "#!/usr/bin/env node\nimport '#binary';\nimport { make } from '../nn/index.js';\nconsole.log(make());\n",
    });
    await gather(folder, ['nn/apart.js', 'nn/worker.js'], {
      exports: {
        '.': { node: './dist/node/index.js', default: './dist/index.js' },
        './ops': { node: './dist/node/ops/index.js', default: './dist/ops/index.js' },
        './nn': { node: './dist/node/nn/index.js', default: './dist/nn/index.js' },
        // Of one module already.
        './inline': { default: './dist/inline.js' },
        './package.json': './package.json',
      },
      bin: { command: './dist/node/cli/main.js' },
    });
    const load = async (name: string) => (await import(/* @vite-ignore */ join(folder, 'node', name))) as object;
    const { Tensor, file, later } = (await load('index.js')) as {
      Tensor: new () => object;
      file: string;
      later: () => Promise<{ type: unknown }>;
    };
    // What it loads stands in one file, which knows where the binaries are.
    expect(importsOf('index.js', read('node/index.js')).map(({ from }) => from)).toEqual(['./common.js']);
    expect(file).toBe(pathToFileURL(join(folder, 'runtime/core.wasm')).href);
    expect((await later()).type).toBe(Tensor);
    // Methods come with what imports them, and not with the file in common.
    expect(await load('ops/index.js')).toHaveProperty('Tensor', Tensor);
    expect(new Tensor()).not.toHaveProperty('add');
    const { make, place } = (await load('nn/index.js')) as { make: () => { add(): string }; place: () => string };
    // The module that a thread runs is one of the files, and the address of it leads there.
    const { here } = (await import(/* @vite-ignore */ place())) as { here: string };
    expect(here).toBe(`${pathToFileURL(join(folder, 'node/nn/worker.js')).href}added`);
    expect(make()).toBeInstanceOf(Tensor);
    expect(make().add()).toBe('added');
    expect(Tensor.name).toBe('Tensor');
    expect(read('node/cli/main.js')).toMatch(/^#!\/usr\/bin\/env node\nimport/);
    // A thread that makes no tensors loads none of it.
    expect(importsOf('apart.js', read('node/nn/apart.js'))).toEqual([]);
  });
});

describe('skimmed', () => {
  const evaluate = (text: string): unknown => new Function('given', `return ${skimmed(text)}`)((x: unknown) => x);

  it('makes outer arrow functions ordinary ones that do the same', () => {
    const text =
      'given({ sum: (a, { b = 2 } = {}, ...rest) => { return [a, b, ...rest].map((x) => { return 2 * x; }); } })';
    expect(skimmed(text)).toContain('sum: function(a,{ b = 2 } = {},...rest){ return [a, b, ...rest].map((x) => {');
    const { sum } = evaluate(text) as { sum: (...args: unknown[]) => number[] };
    expect(sum(1, {}, 3)).toEqual([2, 4, 6]);
    expect([sum.length, sum.name]).toEqual([1, 'sum']);
  });

  it.each([
    ['names this', 'given(() => { return this; })'],
    ['names arguments', 'given(() => { return arguments; })'],
    ['waits', 'given(async () => { await 1; })'],
    ['is an expression', 'given((x) => x)'],
  ])('leaves one that %s', (_what, text) => {
    expect(skimmed(text)).toBe(text);
  });
});

describe('withoutLists', () => {
  it('takes files out that hold nothing but names, and leads those who import them past them', () => {
    const texts = {
      'common.js': 'var a = 1, b = 2;\nexport { a, b as c };',
      'shared-1.js': 'import { a, c } from "./common.js";\nexport { a as first, c };',
      'shared-2.js': 'import { first } from "./shared-1.js";\nexport { first as second };',
      'shared-3.js': 'import { a } from "./common.js";\nexport { a };',
      'nn/index.js':
        'import { second as mine } from "../shared-2.js";\nimport { c } from "../shared-1.js";\n' +
        'import "node:fs";\nvar x = [mine, c, import("../shared-3.js")];\nexport { x };',
    };
    const left = withoutLists(new Map(Object.entries(texts)));
    expect([...left.keys()]).toEqual(['common.js', 'shared-3.js', 'nn/index.js']);
    const text = String(left.get('nn/index.js'));
    expect(importsOf('index.js', text).map(({ from, names }) => [from, ...names])).toEqual([
      ['../common.js', 'a', 'c'],
      ['node:fs'],
      ['../shared-3.js', '*'],
    ]);
    expect(text).toContain('a as mine');
  });
});

describe('checkDist', () => {
  const manifest = {
    exports: { '.': { default: './dist/index.js' } },
    imports: {},
    types: './dist/index.d.ts',
    bin: {},
  };
  const good = {
    'index.js': "import { a } from './a.js';\nimport '#binary';\nimport 'node:fs';\n",
    'index.d.ts': "export { a } from './a.js';\n",
    'a.js': 'export const a = /* @__PURE__ */ f();\n',
    'a.d.ts': 'export declare const a: number;\n',
  };

  /** The problems of a build whose sources are the good ones. */
  const problems = (files: Record<string, string>): string => {
    const dist = join(folder, 'dist');
    write(Object.fromEntries(Object.entries(good).map(([name, text]) => [`src/${name.replace('.js', '.ts')}`, text])));
    write(Object.fromEntries(Object.entries(files).map(([name, text]) => [`dist/${name}`, text])));
    try {
      checkDist(dist, join(folder, 'src'), Object.keys(files), manifest);
      return '';
    } catch (error) {
      return error instanceof StageError ? error.log : String(error);
    }
  };

  it('passes what stands on its own', () => {
    expect(problems(good)).toBe('');
  });

  it.each([
    [
      'a package',
      { ...good, 'a.js': "import 'd3-array';\n/* @__PURE__ */" },
      'dist/a.js imports d3-array, which is not shipped',
    ],
    [
      'a package in a type',
      { ...good, 'a.d.ts': "import('comlink').Remote<1>;" },
      'not shipped: a public type names it',
    ],
    [
      'a missing module',
      { ...good, 'a.d.ts': "export * from './b.js';" },
      'dist/a.d.ts imports ./b.js, which is not there',
    ],
    ['a lost annotation', { ...good, 'a.js': 'export const a = f();' }, 'dist/a.js has 0 of the 1 annotations'],
    ['a missing entry', { 'a.js': good['a.js'] }, 'package.json names ./dist/index.js, which is not there'],
  ])('finds %s', (_what, files, message) => {
    expect(problems(files)).toContain(message);
  });
});

describe('checkData', () => {
  /** A module with one data segment of `length` bytes at `address`. */
  const binary = (address: number, length: number): Uint8Array => {
    const leb = (x: number): number[] => [(x & 127) | 128, ((x >> 7) & 127) | 128, (x >> 14) & 127];
    const segment = [1, 0, 0x41, ...leb(address), 0x0b, ...leb(length), ...new Array<number>(length).fill(7)];
    return Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 11, ...leb(segment.length), ...segment]);
  };

  it('reads where static data ends', () => {
    expect(endOfData(binary(1024, 300))).toBe(1324);
    expect(endOfData(binary(32768, 1))).toBe(32769);
  });

  it('finds data that is longer than its room', () => {
    const check = (length: number) => () => {
      write({ 'a.wasm': binary(8192, length) });
      checkData([{ name: 'a', base: 8192, file: join(folder, 'a.wasm') }]);
    };
    expect(check(4096)).not.toThrow();
    expect(check(4097)).toThrow(StageError);
  });
});

describe('withSharedMemory', () => {
  it('gives a module that runs on a shared memory, and computes the same', () => {
    // (module (import "env" "n" (global (mut i32))) (import "env" "memory" (memory 1))
    //   (func (export "f") (result i32) (i32.load (global.get 0))))
    const bytes = Uint8Array.from([
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127],
      ...[2, 24, 2, 3, 101, 110, 118, 1, 110, 3, 127, 1, 3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2, 0, 1],
      ...[3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 9, 1, 7, 0, 35, 0, 40, 2, 0, 11],
    ]);
    const run = (module: Uint8Array<ArrayBuffer>, shared: boolean): unknown => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared });
      const n = new WebAssembly.Global({ value: 'i32', mutable: true }, 8);
      new Int32Array(memory.buffer)[2] = 42;
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory, n } });
      return (exports.f as () => number)();
    };
    const shared = withSharedMemory(bytes, { initialMemory: 1, maximumMemory: 65536 });
    expect(run(bytes, false)).toBe(42);
    expect(run(shared, true)).toBe(42);
    expect(() => run(shared, false)).toThrow(WebAssembly.LinkError);
    expect(() => run(bytes, true)).toThrow(WebAssembly.LinkError);
  });
});
