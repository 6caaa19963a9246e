/**
 * Gathers the modules of dist/ into few for runtimes that load them from files, in dist/node/: opening a module costs more
 * there than reading it, and importing `fettle` would open two hundred. What several entry points share stands in files of
 * its own, so that all of them share one Tensor. Bundlers take the single modules, of which they can leave most out.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

/** The folder within dist/. */
export const GATHERED = 'node';

/**
 * Bundles the entry points of `manifest` into `dist`/node. `#binary` stays an import, as it lies beside the binaries.
 *
 * @param {string} dist
 * @param {{ exports: Record<string, string | { default: string }>, bin: Record<string, string> }} manifest
 */
export async function gather(dist, { exports, bin }) {
  const entries = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [] : [target.default]));
  const commands = Object.values(bin).map((file) => file.replace(`/${GATHERED}/`, '/'));
  const { outputFiles } = await build({
    entryPoints: [...entries, ...commands].map((file) => join(dist, file.replace('./dist/', ''))),
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
    writeFileSync(path, withNames(text));
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
