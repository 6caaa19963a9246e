/** Runs and type-checks every example of the documentation: README.md, docs/, and the docstrings of src/. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { type Example, examplesOfDocstrings, examplesOfMarkdown, moduleOf } from './support/examples.js';
import { shows } from './support/shows.js';

const root = fileURLToPath(new URL('..', import.meta.url));
// Inside the repository, so that aliases and types are found, and in a folder that version control ignores.
const folder = `${root}build/examples-${process.pid}`;

const list = (path: string, extension: string): string[] =>
  readdirSync(root + path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => `${path}/${name.replaceAll('\\', '/')}`)
    .sort();

const read = (path: string): string => readFileSync(root + path, 'utf8');
const pages = ['README.md', ...list('docs', '.md')].filter((path) => existsSync(root + path));
const examples: Example[] = [
  ...pages.flatMap((path) => examplesOfMarkdown(path, read(path))),
  ...list('src', '.ts').flatMap((path) => examplesOfDocstrings(path, read(path))),
];
const fileOf = (example: Example): string => `${folder}/${example.name.replace(/\W+/g, '-')}.ts`;

/** Names that each entry point exports; what is all of them in one module is left out. */
async function exportedNames(): Promise<Record<string, string[]>> {
  const entries = Object.entries(manifest.exports).flatMap(([entry, target]) =>
    typeof target !== 'string' && 'node' in target ? [entry] : [],
  );
  const pairs = entries.map(async (entry) => {
    const file = entry === '.' ? 'src/index.ts' : `src/${entry.slice(2)}/index.ts`;
    const module = (await import(/* @vite-ignore */ pathToFileURL(root + file).href)) as object;
    return [entry.replace('.', 'fettle'), Object.keys(module)] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}

describe.runIf(examples.length > 0)('documentation', () => {
  beforeAll(async () => {
    const exported = await exportedNames();
    mkdirSync(folder, { recursive: true });
    for (const example of examples) writeFileSync(fileOf(example), moduleOf(example, exported));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('type-checks', () => {
    const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile) as { config: object };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    // An example shows names without using each, and may be a few lines that are no module by themselves.
    const relaxed = { ...options, incremental: false, noUnusedLocals: false, noUnusedParameters: false };
    const program = ts.createProgram(examples.map(fileOf), relaxed);
    const problems = examples.flatMap((example) => {
      const file = program.getSourceFile(fileOf(example));
      return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
        ({ messageText }) => `${example.name}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      );
    });
    expect(problems).toEqual([]);
  }, 60_000);

  for (const example of examples) {
    const { name, skipped } = example;
    it.skipIf(skipped !== undefined)(
      skipped === undefined ? name : `${name} (${skipped})`,
      async () => {
        await import(/* @vite-ignore */ pathToFileURL(fileOf(example)).href);
      },
      120_000,
    );
  }
});

describe('the reader of examples', () => {
  it('finds the ts blocks of Markdown and why some are not run', () => {
    const text = 'a\n```ts\nlet x = 1;\n```\n```sh\nls\n```\n```ts no-run: needs a browser\ndocument;\n```\n';
    expect(examplesOfMarkdown('a.md', text)).toEqual([
      { name: 'a.md:2', code: 'let x = 1;\n', skipped: undefined },
      { name: 'a.md:8', code: 'document;\n', skipped: 'needs a browser' },
    ]);
    expect(() => examplesOfMarkdown('a.md', '```ts no-run\n1;\n```\n')).toThrow(
      'a.md:1: expected ```ts or ```ts no-run: WHY',
    );
  });

  it('finds the examples of docstrings, bare and fenced', () => {
    const text = [
      '/** Nothing. */',
      '/**',
      ' * Adds.',
      ' * @example',
      ' * add(1, 2); // → 3',
      ' * @throws never',
      ' *',
      ' * @example',
      ' * ```ts',
      ' * add(2, 2);',
      ' * ```',
      ' */',
    ].join('\n');
    const found = examplesOfDocstrings('a.ts', text).map(({ name, code }) => [name, code.trim()]);
    expect(found).toEqual([
      ['a.ts:4', 'add(1, 2); // → 3'],
      ['a.ts:8', 'add(2, 2);'],
    ]);
  });

  it('imports what an example names, unless it imports by itself', () => {
    const exported = { fettle: ['tensor', 'relu', 'zeros'], 'fettle/nn': ['Linear'], 'fettle/io': [] };
    const module = (code: string) => moduleOf({ name: '', code, skipped: undefined }, exported);
    expect(module('const zeros = 1; relu(tensor(1)); new nn.Linear(1, 2);')).toContain(
      "import { tensor, relu } from 'fettle'; import * as nn from 'fettle/nn'; const zeros",
    );
    expect(module("import { tensor } from 'fettle';\nrelu(tensor(1));")).not.toContain('relu }');
  });

  it('compares the values behind arrows, and leaves prose alone', () => {
    const lines = (code: string) => moduleOf({ name: '', code, skipped: undefined }, {}).split('\n');
    const code = ['x.relu(); // → [0, 1]', "const y = f(1); // → 'a'", 'y // → -Infinity', 'g(); // → a tensor'].join(
      '\n',
    );
    expect(lines(code)[0]).toContain('__shows(x.relu(), "[0, 1]");');
    expect(lines(code)[1]).toBe('const y = f(1); __shows(y, "\'a\'");');
    expect(lines(code)[2]).toBe('__shows(y, "-Infinity");');
    expect(lines(code)[3]).toBe('g(); // → a tensor');
  });

  it('compares to the decimals that are shown', () => {
    shows(Float32Array.of(1 / 3, -0), '[0.333, 0]');
    shows({ toArray: () => [[Number.NaN], [Number.POSITIVE_INFINITY]] }, '[[NaN], [Infinity]]');
    shows('float32', "'float32'");
    expect(() => shows([1 / 3], '[0.334]')).toThrow();
    expect(() => shows([Number.NaN], '[0]')).toThrow();
    expect(() => shows([1, 2], '[1]')).toThrow();
  });
});
