/**
 * The modules that threads run. Sources name one by its address, `new URL('./reader.js', import.meta.url)`, and by that text
 * they are found here: for dist/node/, where files of the gathered library have other places than its modules, and for the
 * tests, whose threads cannot run TypeScript.
 */
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { build } from 'esbuild';
import { importsOf } from './imports.mjs';
import { root } from './stages.mjs';

/**
 * Whether a module is what threads run in browsers alone, which its name tells: `webreader.js`.
 *
 * @param {string} module
 */
export const isForBrowsers = (module) => basename(module).startsWith('web');

/**
 * The modules among `files` that are named by their address, relative to `folder`.
 *
 * @param {string} folder
 * @param {string[]} files  relative to it, with forward slashes
 */
export function workerModules(folder, files) {
  const found = files
    .filter((file) => /(?<!\.d)\.(ts|js)$/.test(file))
    .flatMap((file) => addressesIn(file, readFileSync(join(folder, file), 'utf8')))
    .map(({ target }) => target);
  const modules = [...new Set(found)].sort();
  // Each is found again by its name alone.
  const twice = modules.find((module, i) => modules.some((other, k) => k < i && basename(other) === basename(module)));
  if (twice !== undefined) throw new Error(`two modules of threads are called ${basename(twice)}: rename one`);
  return modules;
}

/**
 * @param {string} file
 * @param {string} text
 */
function addressesIn(file, text) {
  return importsOf(file, text)
    .filter(({ url, from }) => url && from.endsWith('.js'))
    .map((address) => ({ ...address, target: posix.join(posix.dirname(file), address.from) }));
}

/**
 * The text of a gathered file with the addresses in it leading to where the modules of threads stand now.
 *
 * @param {string} file       relative to the folder of gathered files
 * @param {string} text
 * @param {string[]} modules  relative to the same folder
 */
export function withAddresses(file, text, modules) {
  let rewritten = text;
  // From the last to the first, so that the places of those before stay right.
  for (const { start, end, from } of addressesIn(file, text).reverse()) {
    const module = modules.find((candidate) => basename(candidate) === basename(from));
    if (module === undefined) throw new Error(`${file} names ${from}, which is no module of a thread`);
    // From a root of their own: relative paths would be taken to begin where the build runs, whose folder may be called as theirs.
    const to = posix.relative(posix.join('/dist/node', posix.dirname(file)), posix.join('/dist/node', module));
    rewritten = `${rewritten.slice(0, start)}'${to.startsWith('.') ? to : `./${to}`}'${rewritten.slice(end)}`;
  }
  return rewritten;
}

/**
 * Bundles the modules of threads from src/ into build/workers/, for tests, which run on the source tree.
 *
 * @param {string[]} files  of src/, relative to it, with forward slashes
 */
export async function bundleWorkers(files) {
  const modules = workerModules(join(root, 'src'), files).filter((module) => !isForBrowsers(module));
  if (modules.length === 0) return;
  const folder = join(root, 'build/workers');
  const aside = `${folder}-${process.pid}`;
  try {
    await build({
      entryPoints: modules.map((module) => join(root, 'src', module.replace(/\.js$/, '.ts'))),
      outdir: aside,
      entryNames: '[name]',
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      ignoreAnnotations: true,
      logLevel: 'error',
    });
    mkdirSync(folder, { recursive: true });
    for (const module of modules) renameSync(join(aside, basename(module)), join(folder, basename(module)));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
