/**
 * Makes one module of all of fettle, dist/inline.js with the binaries of all parts in it as base64, and dist/bare.js without:
 * src/single says what they export. And one of what a loader's threads run in browsers, with the binaries.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { GATHERED } from './gather.mjs';
import { arithmetics, parts } from './parts.mjs';
import { isForBrowsers, withAddresses } from './workers.mjs';

/** @param {string[]} all */
const lines = (...all) => `${all.join('\n')}\n`;

const binary = lines(
  "import { part } from './load.single.js';",
  "export { ahead, fetchVariant, jpegBinary, poolBinary, turboBinary } from './load.single.js';",
  ...parts.map((p, i) => `export const ${p} = /* @__PURE__ */ part('${p}', ${i});`),
);

/**
 * @param {string} dist
 * @param {string} program  what is said beside
 */
function carried(dist, program) {
  const files = parts.flatMap((part) => arithmetics.map((variant) => `${part}.${variant}`));
  const texts = files.map((file) => [file, readFileSync(join(dist, `runtime/${file}.wasm`)).toString('base64')]);
  return lines(
    `import { init } from ${JSON.stringify(join(dist, 'runtime/load.single.js'))};`,
    program,
    `const carried = ${JSON.stringify(Object.fromEntries(texts))};`,
    'const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));',
    'init(Object.fromEntries(Object.entries(carried).map(([file, text]) => [file, bytes(text)])));',
  );
}

/**
 * Writes them into the folder `dist`.
 *
 * @param {string} dist
 * @param {string[]} modules  what threads run, relative to dist/
 */
export async function writeSingle(dist, modules) {
  const threads = modules.filter(isForBrowsers);
  // The pool's is the same in browsers and on servers.
  const isAnywhere = (/** @type {string} */ module) => isForBrowsers(module) || module.startsWith('runtime/');
  const places = modules.map((module) => (isAnywhere(module) ? module : `${GATHERED}/${module}`));
  const all = "export * from './single/index.js';";
  const programs = {
    'inline.js': carried(dist, all),
    'bare.js': `${all}\n`,
    ...Object.fromEntries(threads.map((name) => [name, carried(dist, readFileSync(join(dist, name), 'utf8'))])),
  };
  for (const [name, contents] of Object.entries(programs)) {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: dirname(join(dist, name)), sourcefile: basename(name) },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      // Names alone are shortened: bundlers that take such a file along heed what comments tell them of its imports, and other
      // minifying puts the name of a module in place, or leaves the comments out.
      minifyIdentifiers: true,
      // Of classes and functions: messages hold them.
      keepNames: true,
      legalComments: 'inline',
      logLevel: 'error',
      write: false,
      plugins: [
        {
          name: 'binary',
          setup(context) {
            context.onResolve({ filter: /^#binary$/ }, () => ({ path: 'binary', namespace: 'single' }));
            context.onLoad({ filter: /.*/, namespace: 'single' }, () => ({
              contents: binary,
              resolveDir: join(dist, 'runtime'),
            }));
            // Threads start none, and a bundler would follow the address of their own file in it.
            if (threads.includes(name)) {
              context.onLoad({ filter: /[\\/]workers[\\/]crew\.js$/ }, () => ({
                contents: 'export const Crew = null;',
              }));
            }
          },
        },
      ],
    });
    for (const { text } of outputFiles) writeFileSync(join(dist, name), withAddresses(name, text, places));
  }
}
