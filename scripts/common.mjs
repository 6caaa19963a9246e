/**
 * Which modules of dist/ all entry points have in common, for the one file that scripts/gather.mjs makes of them. Left to itself
 * a bundler makes a file for each set of entry points that share something, and opening a file costs a runtime more than
 * reading a few kB too many.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { build } from 'esbuild';
import { importsOf } from './imports.mjs';

/** What `#binary` is where files are read. */
export const BINARY = 'runtime/binary.node.js';

/** The module whose loading gives tensors their methods: who imports it has them, and who does not, has not. */
const METHODS = 'tensor.js';

/**
 * A module: what it imports, and whether it holds nothing but the names of others.
 *
 * @typedef {{ imports: { to: string, names: string[], lazy: boolean }[], lists: boolean }} Module
 */

/**
 * Where an import of a module leads, relative to dist/; undefined for what the runtime has built in.
 *
 * @param {string} file
 * @param {string} from
 */
export function targetOf(file, from) {
  if (from === '#binary') return BINARY;
  return from.startsWith('.') ? posix.join(posix.dirname(file), from) : undefined;
}

/**
 * @param {string} dist
 * @param {string} file
 * @returns {Module}
 */
function read(dist, file) {
  const text = readFileSync(join(dist, file), 'utf8');
  const imports = importsOf(file, text).flatMap(({ from, names, lazy, url }) => {
    const to = url ? undefined : targetOf(file, from);
    return to === undefined ? [] : [{ to, names, lazy }];
  });
  // Comments aside, a list of names has nothing but `export … from` and `import …` in it. One that makes an object of names has code.
  const rest = text
    .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    .replace(/\b(export|import)\b(?! \* as)[^;'"]*['"][^'"]*['"]\s*;/g, '');
  return { imports, lists: /^(\s|export \{\};)*$/.test(rest) };
}

/**
 * All modules that `entries` reach.
 *
 * @param {string} dist
 * @param {string[]} entries  relative to it
 */
export function modulesFrom(dist, entries) {
  /** @type {Map<string, Module>} */
  const modules = new Map();
  const queue = [...entries];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (modules.has(file)) continue;
    const module = read(dist, file);
    modules.set(file, module);
    queue.push(...module.imports.map(({ to }) => to));
  }
  return modules;
}

/**
 * What is loaded together with a module.
 *
 * @param {ReadonlyMap<string, Module>} modules
 * @param {string} entry
 */
export function loadedWith(modules, entry) {
  const loaded = new Set([entry]);
  for (const file of loaded) {
    for (const { to, lazy } of modules.get(file)?.imports ?? []) if (!lazy) loaded.add(to);
  }
  return loaded;
}

/**
 * What is loaded with `entry`, without what gives methods.
 *
 * @param {ReadonlyMap<string, Module>} modules
 * @param {string} entry
 */
export function commonOf(modules, entry) {
  const all = [...loadedWith(modules, entry)];
  return new Set(all.filter((file) => !modules.get(file)?.lists && !loadedWith(modules, file).has(METHODS)));
}

/**
 * Under which names the file in common exports what the others take of it: for each of its modules, from the module's names to
 * the file's.
 *
 * @param {string} dist
 * @param {ReadonlyMap<string, Module>} modules
 * @param {ReadonlySet<string>} common
 * @param {string[]} entries  of which all is taken
 */
export async function namesOf(dist, modules, common, entries) {
  /** @type {Map<string, Set<string>>} */
  const wanted = new Map();
  for (const entry of entries.filter((file) => common.has(file)))
    wanted.set(entry, new Set(await exportsOf(dist, entry)));
  for (const [file, { imports }] of modules) {
    if (common.has(file)) continue;
    for (const { to, names } of imports.filter((each) => common.has(each.to))) {
      const all = wanted.get(to) ?? new Set();
      wanted.set(to, all);
      for (const name of names.includes('*') ? await exportsOf(dist, to) : names) all.add(name);
    }
  }
  const taken = new Set();
  /** @param {string} name */
  const free = (name) => {
    let alias = name;
    for (let i = 2; taken.has(alias); i++) alias = `${name}${i}`;
    taken.add(alias);
    return alias;
  };
  return new Map(
    [...wanted].map(([file, names]) => [file, new Map([...names].sort().map((name) => [name, free(name)]))]),
  );
}

/**
 * @param {string} dist
 * @param {string} file
 */
async function exportsOf(dist, file) {
  const { metafile } = await build({
    entryPoints: [join(dist, file)],
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['#binary'],
    ignoreAnnotations: true,
    logLevel: 'error',
    write: false,
    metafile: true,
    outdir: dist,
  });
  return Object.values(metafile.outputs).flatMap(({ exports }) => exports);
}
