/**
 * What JSR needs of dist/ besides: modules that say where their types are, and `#binary` as modules that carry the binaries as
 * text, in dist/jsr/, since what is imported from there has no files beside it. jsr.json names them; npm does not get them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, posix, relative } from 'node:path';
import ts from 'typescript';
import { importsOf } from './imports.mjs';
import { arithmetics, parts } from './parts.mjs';
import { root } from './stages.mjs';

/** @param {string[]} all */
const lines = (...all) => `${all.join('\n')}\n`;

const BYTES = 'const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));';

/**
 * The declaration that gives tensors their methods, from outside of the module that declares tensors: JSR refuses such, so there
 * that module has it.
 */
const AUGMENTATION = /declare module '\.\/core\/tensor\.js' \{\n([\s\S]*?)\n\}\n/;

/**
 * Declarations as JSR takes them, where those of the build are not.
 *
 * @param {(file: string) => string} read
 * @returns {Record<string, string>}
 */
function declarations(read) {
  const outer = read('tensor.d.ts');
  const [block, body] = AUGMENTATION.exec(outer) ?? [];
  if (block === undefined || body === undefined) throw new Error('tensor.d.ts gives tensors no methods');
  const inner = lines(
    "import { type Conveniences } from '../tensor/conveniences.js';",
    "import { type Methods } from '../tensor/methods.js';",
    read('core/tensor.d.ts'),
    body.replace(/^ {4}interface/, 'export interface'),
  );
  return { 'tensor.js': outer.replace(block, ''), 'core/tensor.js': inner };
}

/**
 * Files whose declarations those of the entry points lead to. JSR keeps what the public types need, name by name, and looks at the
 * whole of every file that it comes by; so a file must not be said to tell types if others name nothing of it but functions that
 * are not public: what it imports would be missing.
 *
 * @param {string} dist
 * @param {string[]} entries
 */
function reached(dist, entries) {
  const program = ts.createProgram(
    entries.map((file) => join(dist, file)),
    {
      ...{ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, types: [] },
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
    },
  );
  const checker = program.getTypeChecker();
  const resolved = (/** @type {ts.Symbol} */ symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const exportsOf = (/** @type {string} */ file) => {
    const source = program.getSourceFile(join(dist, file));
    const module = source && checker.getSymbolAtLocation(source);
    return module === undefined ? [] : checker.getExportsOfModule(module);
  };
  const needed = new Set(entries.flatMap(exportsOf).map(resolved));
  /** @param {ts.Node} node */
  const visit = (node) => {
    const symbol = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined;
    if (symbol !== undefined) needed.add(resolved(symbol));
    ts.forEachChild(node, visit);
  };
  // Grows while it is walked.
  for (const symbol of needed) {
    for (const declaration of symbol.declarations ?? []) {
      if (relative(dist, declaration.getSourceFile().fileName).startsWith('..')) continue;
      // Of a module that is taken as one, all that it has.
      if (ts.isSourceFile(declaration)) for (const one of checker.getExportsOfModule(symbol)) needed.add(resolved(one));
      else visit(declaration);
    }
  }
  const TYPES = ts.SymbolFlags.Type | ts.SymbolFlags.Namespace;
  const found = new Set(entries);
  for (const file of found) {
    for (const { from, names } of importsOf(file, readFileSync(join(dist, file), 'utf8'))) {
      if (!from.startsWith('.')) continue;
      const target = posix.join(posix.dirname(file), from.replace(/\.js$/, '.d.ts'));
      const taken = exportsOf(target).filter(({ name }) => names.includes('*') || names.includes(name));
      if (taken.map(resolved).some((symbol) => needed.has(symbol) || symbol.flags & TYPES)) found.add(target);
    }
  }
  return found;
}

/**
 * Writes them into the folder `dist`.
 *
 * @param {string} dist
 * @param {string[]} files  relative to it, with forward slashes
 */
export function writeJsr(dist, files) {
  const { exports } = JSON.parse(readFileSync(join(root, 'jsr.json'), 'utf8'));
  const entries = Object.values(exports).map((file) => file.replace('./dist/', '').replace(/\.js$/, '.d.ts'));
  const named = reached(dist, entries);
  const others = declarations((file) => readFileSync(join(dist, file), 'utf8'));
  for (const [file, text] of Object.entries(others)) writeFileSync(join(dist, file.replace(/js$/, 'jsr.d.ts')), text);
  for (const file of files.filter((name) => name.endsWith('.js') && named.has(name.replace(/js$/, 'd.ts')))) {
    const types = file.replace(/js$/, file in others ? 'jsr.d.ts' : 'd.ts');
    const text = readFileSync(join(dist, file), 'utf8');
    writeFileSync(join(dist, file), `/* @ts-self-types="./${basename(types)}" */\n${text}`);
  }
  const base64 = (/** @type {string} */ file) => JSON.stringify(readFileSync(join(dist, file)).toString('base64'));
  const binaries = parts.flatMap((part) => arithmetics.map((variant) => `${part}.${variant}`));
  mkdirSync(join(dist, 'jsr'), { recursive: true });
  const load = '../runtime/load.single.js';
  writeFileSync(
    join(dist, 'jsr/binary.js'),
    lines(
      `import { init, part } from '${load}';`,
      `export { ahead, fetchVariant, poolBinary, turboBinary } from '${load}';`,
      BYTES,
      ...binaries.map((name) => `init({ '${name}': bytes(${base64(`runtime/${name}.wasm`)}) });`),
      ...parts.map((name, i) => `export const ${name} = part('${name}', ${i});`),
      "export const jpegBinary = async () => (await import('./jpeg.js')).decoder;",
    ),
  );
  writeFileSync(
    join(dist, 'jsr/jpeg.js'),
    lines(BYTES, `export const decoder = bytes(${base64('vendor/mozjpeg_dec.wasm')});`),
  );
}
