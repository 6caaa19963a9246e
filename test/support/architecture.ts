import { posix } from 'node:path';
import ts from 'typescript';
import { importsOf } from '../../scripts/imports.mjs';
import { inlined } from '../../scripts/vendor.mjs';

/**
 * The floors of the house from the ground up, siblings on one line. A module imports from its own floor and from those
 * below it, and siblings never import one another. `src/tensor.ts` is a floor by itself; `src/index.ts` shows the floors up
 * to there and counts as part of it.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  ['runtime'],
  ['backend'],
  ['autograd'],
  ['ops'],
  ['tensor'],
  ['nn'],
  ['optim', 'data', 'io'],
  ['compress', 'onnx'],
  ['train'],
  ['parallel', 'standalone', 'webgpu'],
  ['mpi'],
  ['single'],
  ['cli'],
];

/** Modules besides `*.node.ts` and cli/ that may use what Node has built in; they import it lazily. */
const NODE_ONLY: readonly string[] = [];

/** Source text by path, the paths relative to the repository: `src/core/shape.ts`. */
export type Sources = ReadonlyMap<string, string>;

function floorOf(path: string): string {
  const name = path.split('/')[1] ?? '';
  return name === 'index.ts' ? 'tensor' : name.replace(/\.ts$/, '');
}

const heightOf = (floor: string): number => FLOORS.findIndex((siblings) => siblings.includes(floor));

function mayUseNode(path: string): boolean {
  return path.endsWith('.node.ts') || path.startsWith('src/cli/') || NODE_ONLY.includes(path);
}

function needsNode(path: string, text: string): boolean {
  return importsOf(path, text).some(({ from, erased, lazy }) => from.startsWith('node:') && !erased && !lazy);
}

function resolve(path: string, from: string): string {
  return posix.join(posix.dirname(path), from.replace(/\.js$/, '.ts'));
}

/** What is wrong with the imports of src/, one line each. */
export function importViolations(sources: Sources): string[] {
  const found: string[] = [];
  const graph = new Map<string, string[]>();
  // Modules that no browser can load: only `#binary`, which is another module in browsers, and the cli may lead to them.
  const bound = new Set([...sources].filter(([path, text]) => needsNode(path, text)).map(([path]) => path));
  for (const [path, text] of sources) {
    const needs: string[] = [];
    graph.set(path, needs);
    const floor = floorOf(path);
    const height = heightOf(floor);
    if (height < 0) found.push(`${path}: '${floor}' is no floor of the house`);
    for (const { from, line, erased, lazy, url } of importsOf(path, text)) {
      const at = `${path}:${line}`;
      if (from.startsWith('node:')) {
        if (!mayUseNode(path)) found.push(`${at} imports ${from}, which browsers lack: put it in a *.node.ts`);
      } else if (!from.startsWith('.')) {
        if (from !== '#binary' && !inlined.includes(from)) found.push(`${at} imports ${from}, which is not inlined`);
      } else if (/\.(ts|js)$/.test(from)) {
        const target = resolve(path, from);
        const below = floorOf(target);
        if (!sources.has(target)) found.push(`${at} imports ${from}, which is not there`);
        else if (heightOf(below) > height) found.push(`${at} imports upward, ${floor} from ${below}`);
        else if (heightOf(below) === height && below !== floor)
          found.push(`${at} imports a sibling, ${floor} from ${below}`);
        else if (bound.has(target) && !mayUseNode(path) && !erased && !lazy) {
          found.push(`${at} imports ${from}, which loads what only Node has at once: import one of the two lazily`);
        }
        // Types are gone at run time, and within a floor two of them may well name one another.
        if (!erased && !url) needs.push(target);
      }
    }
  }
  return [...found, ...cycles(graph)];
}

/** One line for each circle of imports, by depth-first search: an edge to a module still being visited closes one. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const begin = trail.indexOf(path);
    if (begin >= 0) found.push(`circular import: ${[...trail.slice(begin), path].join(' → ')}`);
    if (begin >= 0 || done.has(path)) return;
    trail.push(path);
    for (const next of graph.get(path) ?? []) visit(next);
    trail.pop();
    done.add(path);
  };
  for (const path of graph.keys()) visit(path);
  return found;
}

/** What is wrong with the words of any TypeScript file, one line each: ways to switch the checks off. */
export function wordViolations(sources: Sources): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const report = (node: ts.Node, what: string): void => {
      found.push(`${path}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1} ${what}`);
    };
    const visit = (node: ts.Node): void => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) report(node, 'says any: say unknown, or the type');
      if (ts.isPropertyAccessExpression(node) && node.name.text === 'only' && isTestFunction(node.expression)) {
        report(node, 'says .only: the other tests would not run');
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    for (const [directive] of text.matchAll(/(?:\/\/|\/\*)\s*(?:@ts-(?:ignore|nocheck)|biome-ignore-(?:all|start))/g)) {
      found.push(`${path} says ${directive}`);
    }
  }
  return found;
}

function isTestFunction(node: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(node)) return isTestFunction(node.expression);
  return ts.isIdentifier(node) && ['it', 'test', 'describe', 'bench', 'suite'].includes(node.text);
}
