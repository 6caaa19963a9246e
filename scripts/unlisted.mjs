/**
 * Takes files out of a bundler's output that hold nothing but names of other files: who imports them imports those others
 * instead. The bundler puts such lists into files of their own, and opening one costs a runtime a millisecond.
 */
import { posix } from 'node:path';
import ts from 'typescript';

/**
 * What a file imports: from which file which of its names, and what they are called here.
 *
 * @typedef {{ start: number, end: number, from: string, items: { name: string, local: string }[] }} Import
 * @typedef {{ imports: Import[], code: boolean, exports: Map<string, string>, text: string }} File
 */

/**
 * @param {ReadonlyMap<string, string>} texts  by path, relative to their folder
 * @returns {Map<string, string>} the same without lists
 */
export function withoutLists(texts) {
  const files = new Map([...texts].map(([path, text]) => [path, read(path, text)]));
  // What is imported later is named by a string, and stays.
  const named = new Set(
    [...texts.values()].flatMap((text) => [...text.matchAll(/\bimport\("([^"]+)"/g)].map(([, to]) => to)),
  );
  const isList = (/** @type {string} */ path) => {
    const file = files.get(path);
    return (
      /^shared-/.test(path) && file !== undefined && !file.code && ![...named].some((to) => to?.endsWith(`/${path}`))
    );
  };
  /**
   * Where a name that a file exports comes from, past all lists.
   *
   * @type {(path: string, name: string) => { from: string, name: string }}
   */
  const origin = (path, name) => {
    const file = isList(path) ? files.get(path) : undefined;
    const local = file?.exports.get(name);
    const source = file?.imports.find(({ items }) => items.some((item) => item.local === local));
    const item = source?.items.find((each) => each.local === local);
    return source === undefined || item === undefined ? { from: path, name } : origin(source.from, item.name);
  };
  /**
   * The files that have to be loaded where this one is imported.
   *
   * @type {(path: string) => string[]}
   */
  const loads = (path) => (isList(path) ? (files.get(path)?.imports ?? []).flatMap(({ from }) => loads(from)) : [path]);

  const kept = [...files].filter(([path]) => !isList(path));
  return new Map(
    kept.map(([path, { imports, text }]) => {
      /** @type {Map<string, Map<string, string>>} */
      const sources = new Map();
      const take = (/** @type {string} */ from) => sources.get(from) ?? sources.set(from, new Map()).get(from);
      for (const { from, items } of imports) {
        for (const file of loads(from)) take(file);
        for (const item of items) {
          const { from: file, name } = origin(from, item.name);
          take(file)?.set(item.local, name);
        }
      }
      const rest = imports.reduceRight((left, { start, end }) => left.slice(0, start) + left.slice(end), text);
      const statements = [...sources].map(([from, items]) => statement(path, from, items)).join('\n');
      // What a shell reads of a command stays its first line.
      const shebang = ts.getShebang(rest) ?? '';
      return [path, `${shebang}${shebang && '\n'}${statements}${rest.slice(shebang.length)}`];
    }),
  );
}

/**
 * @param {string} path
 * @param {string} from
 * @param {ReadonlyMap<string, string>} items  from local names to those of `from`
 */
function statement(path, from, items) {
  const near = posix.relative(posix.join('/', posix.dirname(path)), posix.join('/', from));
  const specifier = JSON.stringify(near.startsWith('.') ? near : `./${near}`);
  const list = [...items].map(([local, name]) => (local === name ? local : `${name} as ${local}`));
  return list.length === 0 ? `import ${specifier};` : `import { ${list.join(', ')} } from ${specifier};`;
}

/**
 * @param {string} path
 * @param {string} text
 * @returns {File}
 */
function read(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false);
  /** @type {File} */
  const file = { imports: [], code: false, exports: new Map(), text };
  for (const node of source.statements) {
    if (
      ts.isImportDeclaration(node) &&
      ts.isStringLiteral(node.moduleSpecifier) &&
      /^\./.test(node.moduleSpecifier.text)
    ) {
      const from = posix.join(posix.dirname(path), node.moduleSpecifier.text);
      const { namedBindings, name } = node.importClause ?? {};
      if (name !== undefined || (namedBindings !== undefined && !ts.isNamedImports(namedBindings))) {
        throw new Error(`${path} imports all of ${from} at once`);
      }
      const items = (namedBindings?.elements ?? []).map((item) => ({
        name: (item.propertyName ?? item.name).text,
        local: item.name.text,
      }));
      file.imports.push({ start: node.getStart(source), end: node.end, from, items });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier === undefined && node.exportClause !== undefined) {
      if (!ts.isNamedExports(node.exportClause)) continue;
      for (const { name, propertyName } of node.exportClause.elements) {
        file.exports.set(name.text, (propertyName ?? name).text);
      }
    } else {
      file.code = true;
    }
  }
  return file;
}
