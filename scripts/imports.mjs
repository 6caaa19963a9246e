/** Which modules a module names, read from its syntax tree: for the build, which rewrites some, and for the import test. */
import ts from 'typescript';

/**
 * @typedef {object} Import
 * @property {string} from     the specifier as written
 * @property {number} start    where the specifier's literal begins, quote included
 * @property {number} end      where it ends
 * @property {number} line     its line, from 1
 * @property {boolean} erased  whether it is gone at run time, being about types alone
 * @property {boolean} lazy    whether it is carried out only when the program gets there: `import('./x')`
 * @property {boolean} url     whether it is no import but the address of a neighbour: `new URL('./x', import.meta.url)`
 * @property {string[]} names  what is taken: exported names, or '*' for the whole module
 */

/**
 * Lists the imports, re-exports, dynamic imports, type imports, augmentations and neighbour addresses of a module.
 *
 * @param {string} fileName  its extension says whether the text is JavaScript or TypeScript
 * @param {string} text
 * @returns {Import[]} in order of appearance
 */
export function importsOf(fileName, text) {
  const file = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, false);
  /** @type {Import[]} */
  const found = [];

  /** @type {(literal: ts.Node | undefined, rest: { erased?: boolean, lazy?: boolean, url?: boolean, names?: string[] }) => void} */
  const add = (literal, { erased = false, lazy = false, url = false, names = ['*'] }) => {
    if (!literal || !ts.isStringLiteralLike(literal)) return;
    const start = literal.getStart(file);
    const line = file.getLineAndCharacterOfPosition(start).line + 1;
    found.push({ from: literal.text, start, end: literal.end, line, erased, lazy, url, names });
  };

  /** @type {(node: ts.Node) => void} */
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      add(node.moduleSpecifier, { erased: clause?.isTypeOnly ?? false, names: clause ? namesOfImport(clause) : [] });
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, { erased: node.isTypeOnly, names: namesOfExport(node.exportClause) });
    } else if (ts.isImportTypeNode(node)) {
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, { erased: true });
    } else if (ts.isModuleDeclaration(node)) {
      if (node.name.text.startsWith('.')) add(node.name, { erased: true });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], { lazy: true });
    } else if (ts.isNewExpression(node) && node.arguments?.length === 2 && isImportMetaUrl(node.arguments[1])) {
      add(node.arguments[0], { url: true });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** @param {ts.ImportClause} clause */
function namesOfImport(clause) {
  const names = clause.name ? ['default'] : [];
  const bindings = clause.namedBindings;
  if (!bindings) return names;
  if (ts.isNamespaceImport(bindings)) return [...names, '*'];
  return [...names, ...bindings.elements.map((element) => (element.propertyName ?? element.name).text)];
}

/** @param {ts.NamedExportBindings | undefined} clause */
function namesOfExport(clause) {
  if (!clause || ts.isNamespaceExport(clause)) return ['*'];
  return clause.elements.map((element) => (element.propertyName ?? element.name).text);
}

/** @param {ts.Node | undefined} node */
function isImportMetaUrl(node) {
  return (
    node !== undefined &&
    ts.isPropertyAccessExpression(node) &&
    node.name.text === 'url' &&
    ts.isMetaProperty(node.expression)
  );
}
