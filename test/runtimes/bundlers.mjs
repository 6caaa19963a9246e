/** The package through bundlers, as their own documentation has it, and what they made in a page of Chromium. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inPage, inSite } from './browsers.mjs';
import { must, tool } from './workshop.mjs';

const PAGE = '<!doctype html><title>fettle</title><link rel="icon" href="data:,"><body>';

const QUIET = ['--no-audit', '--no-fund', '--no-package-lock', '--silent'];

/** The page has loaded before a module that awaits its binaries has run. */
const RESULTS = `new Promise((resolve, reject) => {
  const end = Date.now() + 20_000;
  const look = () => {
    if ('results' in globalThis) resolve(results);
    else if (Date.now() > end) reject(new Error('the program did not run'));
    else setTimeout(look, 20);
  };
  look();
})`;

/**
 * @param {string} folder
 * @param {Record<string, string>} files
 */
function write(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/**
 * The address that a server prints when it listens. What it prints later is read too: a stream that nobody reads any more is
 * closed, and the server ends at its next line.
 *
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, null>} server
 * @returns {Promise<string>}
 */
function addressOf(server) {
  return new Promise((resolve, reject) => {
    let printed = '';
    server.stdout.on('data', (text) => {
      printed += text;
      const address = /http:\/\/localhost:\d+/.exec(printed)?.[0];
      if (address !== undefined) resolve(address);
    });
    server.once('error', reject);
    server.once('close', () => reject(new Error(`the server ended:\n${printed}`)));
  });
}

/** @type {import('./run.mjs').Target[]} */
export const bundlers = [
  {
    name: 'Vite',
    async run(shop) {
      const tools = await tool('vite', { vite: '7.3.8' });
      const folder = shop.path('vite');
      write(folder, {
        'index.html': `${PAGE}<script type="module" src="/main.js"></script>`,
        'main.js': "import '../page.mjs';\n",
      });
      await must(join(tools, 'node_modules/.bin/vite'), ['build', folder, '--logLevel', 'warn'], { cwd: folder });
      return inSite({ folder: join(folder, 'dist') }, RESULTS);
    },
  },
  {
    name: 'webpack',
    async run(shop) {
      const tools = await tool('webpack', { webpack: '5.112.2' });
      const folder = shop.path('webpack');
      write(folder, {
        'build.mjs': `import { createRequire } from 'node:module';
const webpack = createRequire(${JSON.stringify(join(tools, 'package.json'))})('webpack');
webpack({ mode: 'production', context: ${JSON.stringify(folder)}, entry: '../page.mjs', performance: false }, (error, stats) => {
  const problems = error ? String(error) : stats.hasErrors() || stats.hasWarnings() ? stats.toString('errors-warnings') : '';
  if (problems !== '') { console.log(problems); process.exitCode = 1; }
});
`,
        'dist/index.html': `${PAGE}<script src="/main.js"></script>`,
      });
      await must(process.execPath, ['build.mjs'], { cwd: folder });
      return inSite({ folder: join(folder, 'dist') }, RESULTS);
    },
  },
  {
    name: 'Rollup',
    async run(shop) {
      const tools = await tool('rollup', {
        rollup: '4.68.7',
        '@rollup/plugin-node-resolve': '16.0.3',
        '@web/rollup-plugin-import-meta-assets': '2.3.3',
      });
      const folder = shop.path('rollup');
      write(folder, {
        'build.mjs': `import { createRequire } from 'node:module';
const require = createRequire(${JSON.stringify(join(tools, 'package.json'))});
const { rollup } = require('rollup');
const { nodeResolve } = require('@rollup/plugin-node-resolve');
const { importMetaAssets } = await import(require.resolve('@web/rollup-plugin-import-meta-assets'));
const bundle = await rollup({
  input: '../page.mjs',
  plugins: [nodeResolve({ browser: true }), importMetaAssets()],
  onwarn(warning) { throw new Error(warning.message); },
});
await bundle.write({ dir: 'dist', format: 'es' });
`,
        'dist/index.html': `${PAGE}<script type="module" src="/page.js"></script>`,
      });
      await must(process.execPath, ['build.mjs'], { cwd: folder });
      return inSite({ folder: join(folder, 'dist') }, RESULTS);
    },
  },
  {
    name: 'Next',
    async run(shop) {
      // Next looks for itself among the packages of the project.
      await must('npm', ['install', ...QUIET, 'next@16.4.6', 'react@19.2.3', 'react-dom@19.2.3'], { cwd: shop.folder });
      const folder = shop.path('next');
      write(folder, {
        'package.json': '{ "private": true, "type": "module" }',
        'app/layout.jsx': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>;\n',
        'app/icon.svg': '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>',
        'app/page.jsx': `'use client';
import { useEffect } from 'react';
export default function Page() {
  useEffect(() => void import('../../page.mjs'), []);
  return <p>fettle</p>;
}
`,
        'app/api/route.js': `import { library } from '../../../installed.mjs';
import { smoke } from '../../../smoke.mjs';
export const dynamic = 'force-dynamic';
export const GET = async () => Response.json(await smoke(library));
`,
      });
      await must(shop.path('node_modules/.bin/next'), ['build'], {
        cwd: folder,
        env: { NEXT_TELEMETRY_DISABLED: '1' },
      });
      const server = spawn(shop.path('node_modules/.bin/next'), ['start', '--port', '0'], {
        ...{ cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } },
      });
      try {
        const url = await addressOf(server);
        const answered = await (await fetch(`${url}/api`)).json();
        const shown = await inPage(url, RESULTS);
        return Object.fromEntries(Object.keys(shown).map((check) => [check, answered[check] || shown[check] || '']));
      } finally {
        server.kill();
      }
    },
  },
];
