/**
 * `npm run playground`: the page that trains the digits network in a browser, on WebGPU and on WebAssembly. Prints its address and
 * serves it until it is stopped.
 *
 *   npm run playground -- [--port 8080]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { serve } from '../test/runtimes/site.mjs';
import { root } from './stages.mjs';

/** Where the entry points of the library are served. */
function importMap() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.entries(exports).flatMap(([name, target]) =>
    typeof target === 'string' ? [] : [[name.replace('.', 'fettle'), target.default.slice(1)]],
  );
  return JSON.stringify({ imports: { ...Object.fromEntries(entries), '#binary': '/dist/runtime/binary.web.js' } });
}

/**
 * Serves the page while `use` runs with its address. The library is dist/ as it was built; only what draws the curve is bundled.
 *
 * @template T
 * @param {(url: string) => Promise<T>} use
 * @param {number} [port]   Default: any that is free.
 * @returns {Promise<T>}
 */
export async function servePlayground(use, port) {
  await build({
    entryPoints: [join(root, 'playground/main.js')],
    outfile: join(root, 'build/playground/main.js'),
    bundle: true,
    format: 'esm',
    external: ['fettle', 'fettle/*'],
    logLevel: 'error',
  });
  const page = readFileSync(join(root, 'playground/index.html'), 'utf8')
    .replace('{}', () => importMap())
    .replace('"style.css"', '"/playground/style.css"')
    .replace('"main.js"', '"/build/playground/main.js"');
  // Isolated, so that threads can share memory.
  const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
  return serve({ folder: root, pages: { '/': page }, headers, ...(port === undefined ? {} : { port }) }, use);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });
  await servePlayground((url) => {
    console.log(`Playground ${url} (Ctrl-C ends it)`);
    return new Promise((resolve) => process.once('SIGINT', resolve));
  }, Number(values.port));
}
