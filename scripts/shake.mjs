/**
 * Makes the modules of dist/ fall apart into what a bundle uses, so that a program which takes one op does not carry them all.
 *
 * - Bundlers drop an unused `const sqrt = unary(…)` only where the call itself is marked as free of side effects; not all of
 *   them see the mark at the function's declaration. The sources mark declarations, and here every call gets its own mark.
 * - The sheet of an op (its documentation, oracle, samples) serves tests and tools that run on the sources. Nothing
 *   that computes reads it, so it stays behind.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** What an entry tells its family only for the sheet. */
const FOR_THE_SHEET = ['doc', 'scalar', 'oracle', 'samples', 'domain', 'tolerance'];

/** Where `op(compute, sheet)` stands. */
const OP_MODULE = 'ops/op.js';

/**
 * A replacement of the text between two places.
 *
 * @typedef {{ start: number, end: number, text: string }} Edit
 */

/**
 * Rewrites modules and declarations of the folder `dist` in place.
 *
 * @param {string} dist
 * @param {string[]} files  relative to it, with forward slashes
 */
export function shake(dist, files) {
  /** @type {Map<string, ts.SourceFile>} */
  const modules = new Map();
  for (const file of files.filter((name) => name.endsWith('.js'))) {
    modules.set(file, ts.createSourceFile(file, readFileSync(join(dist, file), 'utf8'), ts.ScriptTarget.Latest, true));
  }
  const pure = new Map([...modules].map(([file, source]) => [file, pureFunctions(source)]));

  for (const [file, source] of modules) {
    // Local names of functions without side effects: those that are declared here, and those imported from their modules.
    const names = new Set(pure.get(file));
    /** @type {string | undefined} */
    let op = file === OP_MODULE ? 'op' : undefined;
    for (const { local, imported, target } of namedImports(file, source)) {
      if (pure.get(target)?.has(imported)) names.add(local);
      if (target === OP_MODULE && imported === 'op') op = local;
    }
    if (names.size > 0) write(dist, file, source.text, editsOf(source, names, op));
  }

  const declaration = OP_MODULE.replace(/\.js$/, '.d.ts');
  if (files.includes(declaration)) withoutSheet(dist, declaration);
}

/** @param {ts.SourceFile} source */
function pureFunctions(source) {
  const names = source.statements
    .filter(ts.isFunctionDeclaration)
    .filter((node) =>
      (ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? []).some((range) =>
        /[@#]__NO_SIDE_EFFECTS__/.test(source.text.slice(range.pos, range.end)),
      ),
    )
    .map((node) => node.name?.text ?? '');
  return new Set(names);
}

/**
 * @param {string} file
 * @param {ts.SourceFile} source
 */
function namedImports(file, source) {
  return source.statements.filter(ts.isImportDeclaration).flatMap(({ moduleSpecifier, importClause }) => {
    const bindings = importClause?.namedBindings;
    if (!bindings || !ts.isNamedImports(bindings) || !ts.isStringLiteral(moduleSpecifier)) return [];
    const target = posix.join(posix.dirname(file), moduleSpecifier.text);
    return bindings.elements.map(({ name, propertyName }) => ({
      local: name.text,
      imported: (propertyName ?? name).text,
      target,
    }));
  });
}

/**
 * @param {ts.SourceFile} source
 * @param {ReadonlySet<string>} pure  names of functions without side effects
 * @param {string | undefined} op     name of the function that joins an op and its sheet
 */
function editsOf(source, pure, op) {
  /** @type {Edit[]} */
  const edits = [];
  /** @type {(node: ts.Node, runsOnLoad: boolean) => void} */
  const visit = (node, runsOnLoad) => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && pure.has(node.expression.text)) {
      const start = node.getStart();
      const marked = /__PURE__\s*\*\/\s*$/.test(source.text.slice(node.getFullStart(), start));
      if (runsOnLoad && !marked) edits.push({ start, end: start, text: '/* @__PURE__ */ ' });
      const [first, ...rest] = node.arguments;
      if (first && node.expression.text === op) edits.push({ start: first.end, end: node.arguments.end, text: '' });
      else for (const entry of rest.filter(ts.isObjectLiteralExpression)) edits.push(...removals(entry));
    }
    ts.forEachChild(node, (child) => visit(child, runsOnLoad && !ts.isFunctionLike(node)));
  };
  visit(source, true);
  return edits;
}

/**
 * Takes the properties that serve the sheet out of an entry.
 *
 * @param {ts.ObjectLiteralExpression} entry
 * @returns {Edit[]}
 */
function removals({ properties }) {
  return properties.flatMap((property, i) => {
    if (!property.name || !ts.isIdentifier(property.name) || !FOR_THE_SHEET.includes(property.name.text)) return [];
    return [{ start: property.getFullStart(), end: properties[i + 1]?.getFullStart() ?? properties.end, text: '' }];
  });
}

/**
 * An op's type loses the sheet as its value did: `Op<F> = F & { readonly op: Sheet }` becomes `Op<F> = F`.
 *
 * @param {string} dist
 * @param {string} file
 */
function withoutSheet(dist, file) {
  const source = ts.createSourceFile(file, readFileSync(join(dist, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const edits = source.statements
    .filter(ts.isTypeAliasDeclaration)
    .filter(({ name }) => name.text === 'Op')
    .map(({ type, typeParameters }) => ({
      start: type.getStart(),
      end: type.end,
      text: typeParameters?.[0]?.name.text ?? type.getText(),
    }));
  write(dist, file, source.text, edits);
}

/**
 * @param {string} dist
 * @param {string} file
 * @param {string} text
 * @param {Edit[]} edits
 */
function write(dist, file, text, edits) {
  let [result, at] = ['', 0];
  for (const { start, end, text: inserted } of edits.sort((a, b) => a.start - b.start)) {
    // An edit within a stretch that is taken out has gone with it.
    if (start < at) continue;
    result += text.slice(at, start) + inserted;
    at = end;
  }
  if (edits.length > 0) writeFileSync(join(dist, file), result + text.slice(at));
}
