/** Places that run functions: workerd, which refuses to compile WebAssembly, and a serverless handler in one file. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { resultsOf, run, tool } from './workshop.mjs';

/**
 * What a child of this process had in memory at most, where the system says so.
 *
 * @param {string} program
 */
function mostResident(program) {
  for (const pid of existsSync('/proc/self/status') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const field = (/** @type {string} */ name) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
      if (field('Name') === program && field('PPid') === String(process.pid))
        return `${(Number(field('VmHWM')) / 1024).toFixed(0)} MB`;
    } catch {
      // It has ended meanwhile.
    }
  }
  return 'an unknown number of MB';
}

/** @type {import('./run.mjs').Target[]} */
export const edges = [
  {
    name: 'workerd',
    async run(shop) {
      const folder = await tool('miniflare', { miniflare: '4.20260426.0' });
      const { Miniflare } = createRequire(join(folder, 'package.json'))('miniflare');
      /** The binaries that the program imports, by the names that they have beside it. @type {Map<string, string>} */
      const binaries = new Map();
      const { outputFiles } = await build({
        entryPoints: [shop.path('edge.mjs')],
        ...{ bundle: true, format: 'esm', minify: true, write: false, conditions: ['workerd'] },
        plugins: [
          {
            // As wrangler does: binaries become modules beside the program.
            name: 'wasm',
            setup(context) {
              context.onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
                binaries.set(basename(path), join(resolveDir, path));
                return { path: `./${basename(path)}`, external: true };
              });
            },
          },
        ],
      });
      const began = performance.now();
      const worker = new Miniflare({
        compatibilityDate: '2026-01-01',
        modules: [
          { type: 'ESModule', path: 'edge.mjs', contents: outputFiles[0]?.text },
          ...[...binaries].map(([path, file]) => ({ type: 'CompiledWasm', path, contents: readFileSync(file) })),
        ],
      });
      try {
        await (await worker.dispatchFetch('http://localhost/started')).text();
        const started = performance.now() - began;
        const results = await (await worker.dispatchFetch('http://localhost/')).json();
        console.log(`workerd: started in ${started.toFixed(0)} ms, at most ${mostResident('workerd')} resident`);
        return results;
      } finally {
        await worker.dispose();
      }
    },
  },
  {
    name: 'serverless handler',
    async run(shop) {
      const outfile = shop.path('handler/index.mjs');
      await build({
        entryPoints: [shop.path('handler.mjs')],
        ...{ outfile, bundle: true, format: 'esm', platform: 'node', minify: true },
      });
      const ended = await run(process.execPath, [outfile]);
      const figures = /^FIGURES (.*)$/m.exec(ended.output)?.[1];
      console.log(`serverless handler: one file of ${(statSync(outfile).size / 1e6).toFixed(1)} MB, ${figures}`);
      return resultsOf(ended);
    },
  },
];
