/**
 * Gathers the modules of dist/ into few for runtimes that load them from files, in dist/node/: opening a module costs more
 * there than reading it, and importing `fettle` would open two hundred. What several entry points share stands in files of
 * its own, so that all of them share one Tensor. Bundlers take the single modules, of which they can leave most out.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { build, transform } from 'esbuild';
import { isForBrowsers, withAddresses } from './workers.mjs';

/** The folder within dist/. */
export const GATHERED = 'node';

/**
 * Bundles the entry points of `manifest`, and what threads run, into `dist`/node. `#binary` stays an import, as it lies beside
 * the binaries.
 *
 * @param {string} dist
 * @param {string[]} modules  what threads run, relative to dist/
 * @param {{ exports: Record<string, string | { default: string, node?: string }>, bin: Record<string, string> }} manifest
 */
export async function gather(dist, modules, { exports, bin }) {
  const entries = Object.values(exports).flatMap((target) =>
    typeof target === 'string' || target.node === undefined ? [] : [target.default],
  );
  const commands = Object.values(bin).map((file) => file.replace(`/${GATHERED}/`, '/'));
  const threads = modules.filter((module) => !isForBrowsers(module));
  // Those of browsers stay where they are.
  const places = [...threads, ...modules.filter(isForBrowsers).map((module) => `../${module}`)];
  const { outputFiles } = await build({
    entryPoints: [...entries, ...commands, ...threads].map((file) => join(dist, file.replace('./dist/', ''))),
    outbase: dist,
    outdir: join(dist, GATHERED),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['#binary'],
    chunkNames: 'shared-[hash]',
    // Nothing is to be left out here, least of all what a module does when it is loaded.
    ignoreAnnotations: true,
    logLevel: 'error',
    write: false,
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    const file = relative(join(dist, GATHERED), path).replaceAll(sep, '/');
    // Reading is most of what importing costs, so no space is read. Names stay what they are: messages and files hold them.
    const { code } = await transform(withAddresses(file, withNames(text), places), {
      format: 'esm',
      minifyWhitespace: true,
      minifySyntax: true,
    });
    writeFileSync(path, code);
  }
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
