/**
 * Writes src/tensor/methods.ts: every op that takes a tensor first, as a method of Tensor, with its documentation and with the types
 * of its function. Run it after an op has come, gone or changed its arguments.
 *
 *   node scripts/list-methods.mjs
 */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { readSheets } from './sheets.mjs';
import { quietly, root } from './stages.mjs';

const file = join(root, 'src/tensor/methods.ts');

/** Ops whose method has another name, because a function cannot have it. */
const RENAMED = new Map([['variance', 'var']]);

/** Ops that take a tensor first and are no methods: src/tensor.ts has the method's own form, another name makes it, or there is none. */
const WITHOUT = new Set(['cast', 'unfold', 'var', 'where']);

const HEAD = `import type { DType } from '../core/dtype.js';
import type { Tensor } from '../core/tensor.js';
import * as ops from '../ops/index.js';
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

/** The text that src/tensor/methods.ts must have, before it is formatted. */
export async function listMethods() {
  const sheets = await readSheets();
  const program = load();
  const checker = program.getTypeChecker();
  const index = program.getSourceFile(join(root, 'src/ops/index.ts'));
  const module = index && checker.getSymbolAtLocation(index);
  if (!index || !module) throw new Error('src/ops/index.ts exports nothing');

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
    const doc = sheets.get(exported.name)?.doc || written || inPlaceOf(exported.name);
    if (!doc) {
      undocumented.push(exported.name);
      continue;
    }
    const lines = signatures.map((signature) => `  ${declaration(checker, name, signature, index)}`);
    // A comment stands before each overload, since an editor shows that of the overload it has chosen.
    const text = lines.map((line) => `${comment(doc)}${line}`).join('\n');
    methods.push({ name, op: exported.name, text });
  }
  if (undocumented.length > 0) throw new Error(`without documentation: ${undocumented.join(', ')}`);
  methods.sort((a, b) => (a.name < b.name ? -1 : 1));

  const table = methods.map(({ name, op }) => `  ${name}: ops.${op},\n`).join('');
  const body = methods.map(({ text }) => text).join('\n');
  const used = importsOf(body, declaredTypes(program));
  return `${HEAD}${used}${TABLE}${table}} as const;\n${INTERFACE}${body}\n}\n`;
}

/**
 * What an op in place does beside the op itself.
 *
 * @param {string} name
 */
function inPlaceOf(name) {
  return name.endsWith('_') ? `As ${name.slice(0, -1)}(), into this tensor, which it returns.` : undefined;
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
 */
function declaration(checker, name, signature, where) {
  const [self, ...rest] = signature.parameters;
  const selfType = self && checker.getTypeOfSymbolAtLocation(self, where);
  /** @type {Map<string, string>} */
  const own = new Map();
  if (selfType && selfType.flags & ts.TypeFlags.TypeParameter) {
    // What returns its argument returns this tensor; what may be a number too is seen as the tensor it is here.
    const isAlone = checker.getBaseConstraintOfType(selfType)?.isUnion() !== true;
    own.set(selfType.symbol.name, isAlone ? 'this' : 'Tensor<D, R>');
  } else {
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

  const parameters = rest.map((parameter) => {
    const type = checker.getTypeOfSymbolAtLocation(parameter, where);
    const node = parameter.valueDeclaration;
    const isRest = node && ts.isParameter(node) && node.dotDotDotToken !== undefined;
    const isOptional =
      !isRest &&
      ((node && ts.isParameter(node) && checker.isOptionalParameter(node)) ||
        (parameter.flags & ts.SymbolFlags.Optional) !== 0);
    const text = show(type);
    // What a family of ops without further arguments says.
    if (isRest && text === '[]') return '';
    // An object that the function takes apart has no name of its own.
    const label = parameter.name.startsWith('__') ? 'options' : parameter.name;
    return `${isRest ? '...' : ''}${label}${isOptional ? '?' : ''}: ${text}`;
  });
  const result = checker.getReturnTypeOfSignature(signature);
  const generics = (signature.typeParameters ?? [])
    .filter((parameter) => !own.has(parameter.symbol.name))
    .map((parameter) => {
      const constraint = parameter.getConstraint();
      const node = parameter.symbol.declarations?.find(ts.isTypeParameterDeclaration);
      const isConst = node?.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ConstKeyword);
      return `${isConst ? 'const ' : ''}${parameter.symbol.name}${constraint ? ` extends ${show(constraint)}` : ''}`;
    });
  return `${name}${generics.length > 0 ? `<${generics.join(', ')}>` : ''}(${parameters.filter(Boolean).join(', ')}): ${show(result)};`;
}

/** What a declaration names without an import. */
const AMBIENT = new Set([
  ...['D', 'R', 'DType', 'Tensor', 'Partial', 'Required', 'Readonly', 'Pick', 'Omit', 'Record', 'Exclude', 'Extract'],
  ...['NonNullable', 'Iterable', 'Promise', 'Int32Array', 'Float32Array', 'Generator'],
]);

/**
 * The imports of the types that `text` names.
 *
 * @param {string} text
 * @param {Map<string, string[]>} types
 */
function importsOf(text, types) {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/'[^']*'|"[^"]*"/g, '');
  const generics = new Set([...code.matchAll(/[<,]\s*(?:const )?([A-Z]\w*) extends/g)].map(([, name]) => name));
  /** @type {Map<string, string[]>} */
  const imports = new Map();
  for (const name of new Set([...code.matchAll(/(?<![.\w])[A-Z]\w*/g)].map(([word]) => word))) {
    const places = types.get(name) ?? [];
    if (places.length === 0 && (AMBIENT.has(name) || generics.has(name))) continue;
    if (AMBIENT.has(name) && name !== 'Generator') continue;
    if (places.length !== 1) {
      const why = places.length === 0 ? 'is not exported' : `stands in ${places.join(' and ')}`;
      throw new Error(`the type ${name}, which a method names, ${why}`);
    }
    const from = /** @type {string} */ (places[0]);
    imports.set(from, [...(imports.get(from) ?? []), name]);
  }
  return [...imports]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([from, names]) => `import type { ${names.sort().join(', ')} } from '${from}';\n`)
    .join('');
}

/**
 * Where the types of src/core and src/ops are declared that can be imported, by name.
 *
 * @param {ts.Program} program
 */
function declaredTypes(program) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const source of program.getSourceFiles()) {
    const path = relative(join(root, 'src'), source.fileName);
    if (!/^(core|ops|autograd)\//.test(path)) continue;
    for (const node of source.statements) {
      const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isClassDeclaration(node);
      if (!isType || !node.name || !node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
      const name = node.name.text;
      found.set(name, [...(found.get(name) ?? []), `../${path.replace(/\.ts$/, '.js')}`]);
    }
  }
  return found;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(file, await listMethods());
  await quietly(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '--write', file]);
}
