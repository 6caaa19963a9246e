import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importViolations, type Sources, wordViolations } from './support/architecture.js';

const root = fileURLToPath(new URL('..', import.meta.url));

function read(...folders: string[]): Sources {
  const paths = folders
    .filter((folder) => existsSync(root + folder))
    .flatMap((folder) =>
      readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !path.includes('/node_modules/'));
  return new Map(paths.sort().map((path) => [path, readFileSync(root + path, 'utf8')]));
}

describe('the source tree', () => {
  it('imports downward only, in no circle, and nothing that is not shipped', () => {
    const sources = read('src');
    expect(sources.size).toBeGreaterThan(20);
    expect(importViolations(sources)).toEqual([]);
  });

  it('switches no check off', () => {
    expect(wordViolations(read('src', 'test', 'bench', 'examples'))).toEqual([]);
  });
});

describe('the checker', () => {
  /** Violations of a tree given as path and text, with the modules that it needs beside it. */
  const check = (tree: Record<string, string>): string[] => {
    const files = [
      'core/shape',
      'runtime/module',
      'ops/op',
      'nn/linear',
      'optim/sgd',
      'data/loader',
      'cli/main',
      'tensor',
    ];
    const rest = Object.fromEntries(files.map((file) => [`src/${file}.ts`, '']));
    return importViolations(new Map(Object.entries({ ...rest, ...tree })));
  };

  it.each([
    ['from the floor below', 'src/ops/op.ts', "import { a } from '../core/shape.js';"],
    ['from its own floor', 'src/ops/unary.ts', "export { a } from './op.js';"],
    ['of a floor two storeys down, lazily', 'src/cli/main.ts', "const a = await import('../data/loader.js');"],
    ['of the public surface', 'src/index.ts', "export * from './tensor.js'; export * from './ops/op.js';"],
    ['of a package that is inlined', 'src/runtime/module.ts', "import { wrap } from 'comlink';"],
    ['of the binary', 'src/runtime/module.ts', "import { core } from '#binary';"],
    ['of Node where Node is', 'src/data/files.node.ts', "import { readFileSync } from 'node:fs';"],
    ['in a string', 'src/core/shape.ts', 'const text = "import { a } from \'../cli/main.js\'";'],
  ])('allows an import %s', (_what, path, text) => {
    expect(check({ [path]: text })).toEqual([]);
  });

  it.each([
    ['an upward import', 'src/core/shape.ts', "import { a } from '../ops/op.js';", 'upward, core from ops'],
    ['an upward re-export', 'src/nn/linear.ts', "export * from '../cli/main.js';", 'upward, nn from cli'],
    ['an upward lazy import', 'src/ops/op.ts', "const a = await import('../nn/linear.js');", 'upward, ops from nn'],
    ['an upward type', 'src/ops/op.ts', "import type { A } from '../tensor.js';", 'upward, ops from tensor'],
    ['an upward type within a type', 'src/ops/op.ts', "type A = import('../nn/linear.js').A;", 'upward, ops from nn'],
    ['an upward worker', 'src/core/shape.ts', "new Worker(new URL('../cli/main.js', import.meta.url))", 'upward, core'],
    ['an import above the surface', 'src/index.ts', "export * from './nn/linear.js';", 'upward, tensor from nn'],
    ['a sibling', 'src/optim/sgd.ts', "import { a } from '../data/loader.js';", 'a sibling, optim from data'],
    ['Node in the core', 'src/core/shape.ts', "import { readFileSync } from 'node:fs';", 'node:fs'],
    ['a package that is not inlined', 'src/core/shape.ts', "import ts from 'typescript';", 'typescript'],
    ['a package by its own name', 'src/nn/linear.ts', "import { tensor } from 'fettle';", 'fettle'],
    ['an unknown floor', 'src/attic/box.ts', '', 'attic'],
    ['a module that is not there', 'src/core/shape.ts', "import { a } from './box.js';", 'not there'],
    [
      'itself',
      'src/core/shape.ts',
      "import { a } from './shape.js';",
      'circular import: src/core/shape.ts → src/core/shape.ts',
    ],
  ])('finds %s', (_what, path, text, message) => {
    const found = check({ [path]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  it('finds a module for Node in the way of a browser, unless it is fetched lazily', () => {
    const lead = (importing: string, node: string) =>
      check({ 'src/data/csv.ts': importing, 'src/data/files.node.ts': node });
    const now = "import { readFile } from './files.node.js';";
    expect(lead(now, "import { readFile } from 'node:fs';")).toEqual([expect.stringContaining('what only Node has')]);
    expect(lead(now, "const fs = await import('node:fs');")).toEqual([]);
    expect(lead("const files = await import('./files.node.js');", "import { readFile } from 'node:fs';")).toEqual([]);
    expect(lead("import type { File } from './files.node.js';", "import { readFile } from 'node:fs';")).toEqual([]);
  });

  it('finds a circle of imports, and lets types name one another', () => {
    const circle = (importing: string) =>
      check({
        'src/ops/op.ts': `${importing} { a } from './unary.js';`,
        'src/ops/unary.ts': `${importing} { a } from './reduce.js';`,
        'src/ops/reduce.ts': `${importing} { a } from './op.js';`,
      });
    expect(circle('import')).toEqual([
      'circular import: src/ops/op.ts → src/ops/unary.ts → src/ops/reduce.ts → src/ops/op.ts',
    ]);
    expect(circle('import type')).toEqual([]);
  });

  it.each([
    ['any', 'let x: any;', 'src/a.ts:1 says any'],
    ['any within a type', '\nfunction f(x: Map<string, any[]>) {}', 'src/a.ts:2 says any'],
    ['.only', "it.only('works', () => {});", 'src/a.ts:1 says .only'],
    ['.only behind another', "describe.skip.only('works', () => {});", 'src/a.ts:1 says .only'],
    ['a silenced line', `// ${'@ts'}-ignore\nconst x = 1;`, `src/a.ts says // ${'@ts'}-ignore`],
    ['a silenced file', `/* ${'@ts'}-nocheck */`, `src/a.ts says /* ${'@ts'}-nocheck`],
  ])('finds %s', (_what, text, message) => {
    const found = wordViolations(new Map([['src/a.ts', text]]));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  it('lets words be where they mean something else', () => {
    const text = "// any of them\nconst only = { only: 'any' }; only.only; const any = 1;";
    expect(wordViolations(new Map([['src/a.ts', text]]))).toEqual([]);
  });
});
