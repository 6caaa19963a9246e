/**
 * Writes src/methods.ts: every op that takes a tensor first, as a method of Tensor, with its documentation and with the types
 * of its function. Run it after an op has come, gone or changed its arguments.
 *
 *   node scripts/list-methods.mjs
 */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { readSheets } from './sheets.mjs';
import { root } from './stages.mjs';

const file = join(root, 'src/methods.ts');

/** Ops whose method has another name, because a function cannot have it. */
const RENAMED = new Map([['variance', 'var']]);

/** Ops that take a tensor first and are no methods: src/tensor.ts has the method's own form, or there is none. */
const WITHOUT = new Set(['cast', 'unfold', 'where']);

const HEAD = `import type { DType } from './core/dtype.js';
import type { Tensor } from './core/tensor.js';
import * as ops from './ops/index.js';
`;

const TABLE = `
/** The ops that are methods, by the method's name. Written by scripts/list-methods.mjs, as is the rest of this file. */
export const methods = {
`;

const INTERFACE = `
/** The methods, on a tensor of dtype D and rank R. */
export interface Methods<D extends DType, R extends number> {
`;

/**
 * A method: its name, its op's, and its declaration.
 *
 * @typedef {{ name: string, op: string, text: string }} Method
 */

/** The program of the sources, with the checker that knows the types of all ops. */
function load() {
  const path = join(root, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: ['src'] }, ts.sys, root);
  return ts.createProgram([join(root, 'src/ops/index.ts')], { ...options, incremental: false, noEmit: true });
}

/** The text that src/methods.ts must have, before it is formatted. */
export async function listMethods() {
  const sheets = await readSheets();
  const program = load();
  const checker = program.getTypeChecker();
  const index = program.getSourceFile(join(root, 'src/ops/index.ts'));
  const module = index && checker.getSymbolAtLocation(index);
  if (!index || !module) throw new Error('src/ops/index.ts exports nothing');

  /** @type {Map<string, Set<string>>} */
  const imports = new Map();
  /** @type {Method[]} */
  const methods = [];
  /** @type {string[]} */
  const undocumented = [];
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    if (
      !(symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Variable)) ||
      WITHOUT.has(exported.name) ||
      exported.name.endsWith('Like')
    )
      continue;
    const type = checker.getTypeOfSymbolAtLocation(symbol, index);
    const signatures = type.getCallSignatures().filter((signature) => takesTensor(checker, signature, index));
    if (signatures.length === 0) continue;
    const name = RENAMED.get(exported.name) ?? exported.name;
    const written = ts.displayPartsToString(symbol.getDocumentationComment(checker));
    const doc = sheets.get(exported.name)?.doc ?? written;
    if (!doc) {
      undocumented.push(exported.name);
      continue;
    }
    const lines = signatures.map((signature) => `  ${declaration(checker, name, signature, index, imports)}`);
    // A comment stands before each overload, since an editor shows that of the overload it has chosen.
    const text = lines.map((line) => `${comment(doc)}${line}`).join('\n');
    methods.push({ name, op: exported.name, text });
  }
  if (undocumented.length > 0) throw new Error(`without documentation: ${undocumented.join(', ')}`);
  methods.sort((a, b) => (a.name < b.name ? -1 : 1));

  const table = methods.map(({ name, op }) => `  ${name}: ops.${op},\n`).join('');
  const body = methods.map(({ text }) => text).join('\n');
  const places = [...imports].flatMap(([from, names]) => [...names].map((name) => ({ name, from })));
  const twice = places.filter(({ name }, i) => places.findIndex((other) => other.name === name) !== i);
  if (twice.length > 0) {
    throw new Error(`two types have one name: ${twice.map(({ name, from }) => `${name} of ${from}`).join(', ')}`);
  }
  const used = [...imports]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([from, names]) => `import type { ${[...names].sort().join(', ')} } from '${from}';\n`)
    .join('');
  return `${HEAD}${used}${TABLE}${table}} as const;\n${INTERFACE}${body}\n}\n`;
}

/** @param {string} text */
function comment(text) {
  const lines = text.trim().split('\n');
  if (lines.length === 1) return `  /** ${lines[0]} */\n`;
  return `  /**\n${lines.map((line) => `   * ${line}`.trimEnd()).join('\n')}\n   */\n`;
}

/**
 * Whether a signature's first parameter is a tensor, or something that may be one.
 *
 * @param {ts.TypeChecker} checker
 * @param {ts.Signature} signature
 * @param {ts.Node} where
 */
function takesTensor(checker, signature, where) {
  const [first] = signature.parameters;
  if (!first) return false;
  const type = checker.getTypeOfSymbolAtLocation(first, where);
  const own = type.flags & ts.TypeFlags.TypeParameter ? checker.getBaseConstraintOfType(type) : type;
  const parts = own?.isUnion() ? own.types : [own];
  return parts.some((part) => part?.getSymbol()?.name === 'Tensor');
}

/**
 * A method's declaration: the function's signature without its first parameter, whose dtype and rank are the interface's.
 *
 * @param {ts.TypeChecker} checker
 * @param {string} name
 * @param {ts.Signature} signature
 * @param {ts.Node} where
 * @param {Map<string, Set<string>>} imports  filled with the names that the declaration uses, by module
 */
function declaration(checker, name, signature, where, imports) {
  const [self, ...rest] = signature.parameters;
  const selfType = self && checker.getTypeOfSymbolAtLocation(self, where);
  /** @type {Map<string, string>} */
  const own = new Map();
  if (selfType && selfType.flags & ts.TypeFlags.TypeParameter) own.set(selfType.symbol.name, 'this');
  else {
    const parts = selfType?.isUnion() ? selfType.types : [selfType];
    const tensor = parts.find((part) => part?.getSymbol()?.name === 'Tensor');
    const given = tensor ? checker.getTypeArguments(/** @type {ts.TypeReference} */ (tensor)) : [];
    for (const [i, argument] of given.slice(0, 2).entries()) {
      if (argument.flags & ts.TypeFlags.TypeParameter) own.set(argument.symbol.name, i === 0 ? 'D' : 'R');
    }
  }
  const flags =
    ts.NodeBuilderFlags.NoTruncation |
    ts.NodeBuilderFlags.UseAliasDefinedOutsideCurrentScope |
    ts.NodeBuilderFlags.IgnoreErrors;
  const printer = ts.createPrinter({ removeComments: true });
  const source = where.getSourceFile();
  /** @param {ts.Type} type */
  const show = (type) => {
    const node = checker.typeToTypeNode(type, undefined, flags);
    const text = node ? printer.printNode(ts.EmitHint.Unspecified, node, source) : 'unknown';
    return text
      .replace(/\b([A-Z]\w*)\b/g, (word) => own.get(word) ?? word)
      .replaceAll('Tensor<DType, number>', 'Tensor')
      .replace(/\s+/g, ' ');
  };
  /** @param {ts.Type} type */
  const collect = (type) => collectNames(checker, type, imports, new Set());

  const parameters = rest.map((parameter) => {
    const type = checker.getTypeOfSymbolAtLocation(parameter, where);
    const node = parameter.valueDeclaration;
    const isRest = node && ts.isParameter(node) && node.dotDotDotToken !== undefined;
    const isOptional =
      !isRest &&
      ((node && ts.isParameter(node) && checker.isOptionalParameter(node)) ||
        (parameter.flags & ts.SymbolFlags.Optional) !== 0);
    collect(type);
    const text = show(type);
    // What a family of ops without further arguments says.
    if (isRest && text === '[]') return '';
    // An object that the function takes apart has no name of its own.
    const label = parameter.name.startsWith('__') ? 'options' : parameter.name;
    return `${isRest ? '...' : ''}${label}${isOptional ? '?' : ''}: ${text}`;
  });
  const result = checker.getReturnTypeOfSignature(signature);
  collect(result);
  const generics = (signature.typeParameters ?? [])
    .filter((parameter) => !own.has(parameter.symbol.name))
    .map((parameter) => {
      const constraint = parameter.getConstraint();
      if (constraint) collect(constraint);
      return `${parameter.symbol.name}${constraint ? ` extends ${show(constraint)}` : ''}`;
    });
  return `${name}${generics.length > 0 ? `<${generics.join(', ')}>` : ''}(${parameters.filter(Boolean).join(', ')}): ${show(result)};`;
}

/**
 * Notes where the named types within `type` come from.
 *
 * @param {ts.TypeChecker} checker
 * @param {ts.Type} type
 * @param {Map<string, Set<string>>} imports
 * @param {Set<ts.Type>} seen
 */
function collectNames(checker, type, imports, seen) {
  if (seen.has(type)) return;
  seen.add(type);
  const symbol = type.aliasSymbol ?? type.getSymbol();
  const from = symbol?.declarations?.[0]?.getSourceFile().fileName;
  const named = symbol && symbol.name !== '__type' && symbol.name !== '__function';
  if (from && named && from.startsWith(join(root, 'src')) && !(type.flags & ts.TypeFlags.TypeParameter)) {
    const path = `./${relative(join(root, 'src'), from).replace(/\.ts$/, '.js')}`;
    if (!['Tensor', 'DType'].includes(symbol.name)) {
      const names = imports.get(path) ?? new Set();
      imports.set(path, names.add(symbol.name));
    }
  }
  for (const argument of type.aliasTypeArguments ?? []) collectNames(checker, argument, imports, seen);
  if (type.aliasSymbol) return;
  if (type.isUnionOrIntersection()) for (const part of type.types) collectNames(checker, part, imports, seen);
  if (type.flags & ts.TypeFlags.Object && /** @type {ts.ObjectType} */ (type).objectFlags & ts.ObjectFlags.Reference) {
    const reference = /** @type {ts.TypeReference} */ (type);
    for (const argument of checker.getTypeArguments(reference)) collectNames(checker, argument, imports, seen);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(file, await listMethods());
}
