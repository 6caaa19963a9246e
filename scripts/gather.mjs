/**
 * Gathers the modules of dist/ into few for runtimes that load them from files, in dist/node/: opening a module costs more
 * there than reading it, and importing `fettle` would open two hundred. What `fettle` itself loads stands in one file, of which
 * all entry points take what they need (scripts/common.mjs); what several others share stands in files of its own; so all of
 * them share one Tensor. Bundlers take the single modules, of which they can leave most out.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { build, transform } from 'esbuild';
import { BINARY, commonOf, loadedWith, modulesFrom, namesOf, targetOf } from './common.mjs';
import { skimmed } from './skimmed.mjs';
import { withoutLists } from './unlisted.mjs';
import { isForBrowsers, withAddresses } from './workers.mjs';

/** The folder within dist/. */
export const GATHERED = 'node';

/** Before the path of a file in dist/ that has the same name wherever it is named, until the place of who names it is known. */
const ANYWHERE = 'dist:';

const COMMON = `${ANYWHERE}${GATHERED}/common.js`;

/** What a module that computes has to load. */
const COMPUTES = 'core/tensor.js';

/** @type {import('esbuild').BuildOptions} */
const options = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'shared-[hash]',
  // Nothing is to be left out here, least of all what a module does when it is loaded.
  ignoreAnnotations: true,
  logLevel: 'error',
  write: false,
};

/**
 * Bundles the entry points of `manifest`, and what threads run, into `dist`/node.
 *
 * @param {string} dist
 * @param {string[]} modules  what threads run, relative to dist/
 * @param {{ exports: Record<string, string | { default: string, node?: string }>, bin: Record<string, string> }} manifest
 */
export async function gather(dist, modules, { exports, bin }) {
  const entries = Object.values(exports).flatMap((target) =>
    typeof target === 'string' || target.node === undefined ? [] : [target.default.replace('./dist/', '')],
  );
  const commands = Object.values(bin).map((file) => file.replace(`./dist/${GATHERED}/`, ''));
  const threads = modules.filter((module) => !isForBrowsers(module));
  // Those of browsers stay where they are.
  const places = [...threads, ...modules.filter(isForBrowsers).map((module) => `../${module}`)];

  // A thread that makes no tensors starts sooner with the little that it needs, in a file of its own.
  const all = modulesFrom(dist, threads);
  const alone = threads.filter((module) => !loadedWith(all, module).has(COMPUTES));
  const starts = [...entries, ...commands, ...threads.filter((module) => !alone.includes(module))];
  const graph = modulesFrom(dist, starts);
  const common = commonOf(graph, String(entries[0]));
  const names = await namesOf(dist, graph, common, starts);
  // What the file in common loads later is none of it.
  const later = [...common].flatMap((file) => graph.get(file)?.imports ?? []).filter(({ lazy }) => lazy);
  const starting = new Set([...starts, ...later.map(({ to }) => to).filter((file) => !common.has(file))]);

  const inDist = (/** @type {Iterable<string>} */ files) =>
    [...files].map((file) => ({ in: join(dist, file), out: file.replace(/\.js$/, '') }));
  const outdir = join(dist, GATHERED);
  const binary = binaryOf(dist);
  const built = await Promise.all([
    build({
      ...options,
      stdin: { contents: listOf(names), resolveDir: dist, sourcefile: join(dist, 'common.js') },
      outfile: join(dist, COMMON.slice(ANYWHERE.length)),
      plugins: [within(dist, common), binary],
    }),
    build({
      ...options,
      entryPoints: inDist(starting),
      outdir,
      splitting: true,
      plugins: [beyond(dist, names), binary],
    }),
    build({ ...options, entryPoints: inDist(alone), outdir, plugins: [binary] }),
  ]);
  const files = built.flatMap(({ outputFiles }) => outputFiles ?? []);
  const texts = withoutLists(
    new Map(files.map(({ path, text }) => [pathIn(outdir, path), withPlaces(pathIn(outdir, path), text)])),
  );
  for (const [file, text] of texts) {
    const path = join(outdir, file);
    mkdirSync(dirname(path), { recursive: true });
    // Reading is most of what importing costs, so no space is read. Names stay what they are: messages and files hold them.
    const { code } = await transform(withAddresses(file, withNames(text), places), {
      format: 'esm',
      minifyWhitespace: true,
      minifySyntax: true,
      // An error that nobody catches shows the line that threw it.
      lineLimit: 160,
    });
    writeFileSync(path, skimmed(code));
  }
}

/**
 * Resolves `#binary` to the module for Node, whose addresses of binaries lead there from wherever it comes to stand.
 *
 * @param {string} dist
 * @returns {import('esbuild').Plugin}
 */
const binaryOf = (dist) => ({
  name: 'binary',
  setup(build) {
    build.onResolve({ filter: /^#binary$/ }, () => ({ path: join(dist, BINARY) }));
    build.onLoad({ filter: /[\\/]binary\.node\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(
        /new URL\('([^']+)'/g,
        (_, to) => `new URL('${ANYWHERE}${posix.join(posix.dirname(BINARY), to)}'`,
      ),
    }));
  },
});

/**
 * Keeps the file in common to its own modules and to lists of names; what these load later is imported from where it stands.
 *
 * @param {string} dist
 * @param {ReadonlySet<string>} common
 * @returns {import('esbuild').Plugin}
 */
const within = (dist, common) => ({
  name: 'within the file in common',
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ path, importer, kind }) => {
      const target = targetOf(pathIn(dist, importer), path);
      if (target === undefined || kind !== 'dynamic-import' || common.has(target)) return undefined;
      return { path: `${ANYWHERE}${GATHERED}/${target}`, external: true };
    });
  },
});

/**
 * Puts, for a module that stands in the file in common, what that file exports of it.
 *
 * @param {string} dist
 * @param {ReadonlyMap<string, ReadonlyMap<string, string>>} names
 * @returns {import('esbuild').Plugin}
 */
const beyond = (dist, names) => ({
  name: 'beyond the file in common',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path, importer, kind }) => {
      const target = kind === 'entry-point' ? pathIn(dist, path) : targetOf(pathIn(dist, importer), path);
      if (target === undefined || !names.has(target)) return undefined;
      // Taken as one object it is another module, so that nobody else loads that object.
      return { path: target, namespace: 'common', suffix: kind === 'dynamic-import' ? '?object' : '' };
    });
    build.onLoad({ filter: /.*/, namespace: 'common' }, ({ path }) => {
      const items = [...(names.get(path) ?? [])].map(([name, alias]) => `${alias} as ${name}`);
      return { contents: `export { ${items.join(', ')} } from '${COMMON}';` };
    });
    build.onResolve({ filter: /^dist:/ }, ({ path }) => ({ path, external: true }));
  },
});

/**
 * @param {string} dist
 * @param {string} path
 */
const pathIn = (dist, path) => relative(dist, path).replaceAll(sep, '/');

/**
 * A module that exports what others take of the file in common.
 *
 * @param {ReadonlyMap<string, ReadonlyMap<string, string>>} names
 */
function listOf(names) {
  const lines = [...names].map(([file, taken]) => {
    const items = [...taken].map(([name, alias]) => `${name} as ${alias}`);
    return `export { ${items.join(', ')} } from ${JSON.stringify(`./${file}`)};`;
  });
  return lines.join('\n');
}

/**
 * @param {string} file  relative to the folder of gathered files
 * @param {string} text
 */
function withPlaces(file, text) {
  return text.replaceAll(/(["'])dist:([^"']+)\1/g, (_, quote, to) => {
    const near = posix.relative(posix.join('/', GATHERED, posix.dirname(file)), posix.join('/', to));
    return `${quote}${near.startsWith('.') ? near : `./${near}`}${quote}`;
  });
}

/**
 * A class that names itself within its body is made `var X = class _X` by the bundler, and its name, which messages show and
 * model files hold, would be _X.
 *
 * @param {string} text
 */
function withNames(text) {
  return text.replace(/^(var (\w+) = class _\2(?: extends [\w.]+)? \{)$/gm, '$1\n  static name = "$2";');
}
