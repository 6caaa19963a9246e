/** Chromium: the package as it lies in node_modules, found through an import map, and in workers, bundled. */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { withChromium } from './chromium.mjs';
import { serve } from './site.mjs';

/** What a page has to send to be given shared memory. */
export const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
/** Nothing but the page's own scripts, and WebAssembly. */
const STRICT = {
  'content-security-policy':
    "default-src 'none'; script-src 'self' 'nonce-map' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:",
};

export const PAGE = '<!doctype html><title>fettle</title><link rel="icon" href="data:,">';

/** @param {import('./workshop.mjs').Workshop} shop */
export function importMap(shop) {
  const { exports, imports } = JSON.parse(readFileSync(shop.path('node_modules/fettle/package.json'), 'utf8'));
  const at = (/** @type {string} */ file) => file.replace('.', '/node_modules/fettle');
  const entries = Object.entries(exports).flatMap(([name, target]) =>
    target.default === undefined ? [] : [[name.replace('.', 'fettle'), at(target.default)]],
  );
  return JSON.stringify({ imports: { ...Object.fromEntries(entries), '#binary': at(imports['#binary'].default) } });
}

/**
 * What `expression` gives in a page.
 *
 * @param {string} url
 * @param {string} expression
 * @returns {Promise<Record<string, string>>}
 */
export function inPage(url, expression) {
  return withChromium(async (open) => {
    const { evaluate, problems } = await open(url);
    try {
      const results = /** @type {Record<string, string>} */ (await evaluate(expression));
      return { ...results, quiet: problems.join('\n') };
    } catch (error) {
      throw new Error([/** @type {Error} */ (error).message, ...problems].join('\n'));
    }
  });
}

/**
 * The same of the start page of a site.
 *
 * @param {Parameters<typeof serve>[0]} site
 * @param {string} expression
 */
export const inSite = (site, expression) => serve(site, (url) => inPage(url, expression));

/**
 * @param {string} name
 * @param {Record<string, string>} headers
 * @returns {import('./run.mjs').Target}
 */
const page = (name, headers) => ({
  name,
  run(shop) {
    const map = `<script type="importmap" nonce="map">${importMap(shop)}</script>`;
    const pages = { '/': `${PAGE}${map}` };
    return inSite({ folder: shop.folder, pages, headers }, "import('/page.mjs').then(() => results)");
  },
});

/** @type {import('./run.mjs').Target[]} */
export const browsers = [
  page('Chromium', {}),
  page('Chromium, isolated', ISOLATION),
  page('Chromium, strict CSP', STRICT),
  {
    name: 'Chromium, worker',
    async run(shop) {
      // esbuild leaves the addresses of binaries as they are: they are copied beside the bundle.
      const outdir = shop.path('worker');
      await build({
        entryPoints: [shop.path('worker.mjs')],
        ...{
          outdir,
          bundle: true,
          format: 'esm',
          minify: true,
          conditions: ['browser'],
          outExtension: { '.js': '.mjs' },
        },
      });
      const runtime = shop.path('node_modules/fettle/dist/runtime');
      for (const file of readdirSync(runtime))
        if (file.endsWith('.wasm')) cpSync(`${runtime}/${file}`, `${outdir}/${file}`);
      cpSync(shop.path('lenet5.wasm'), `${outdir}/lenet5.wasm`);
      return inSite(
        { folder: outdir, pages: { '/': PAGE } },
        `new Promise((resolve, reject) => {
          const worker = new Worker('/worker.mjs', { type: 'module' });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
        })`,
      );
    },
  },
  {
    name: 'Chromium, service worker',
    async run(shop) {
      const outdir = shop.path('service');
      // A service worker may await nothing while it starts, so it takes the module that fetches nothing.
      await build({
        entryPoints: [shop.path('service.mjs')],
        ...{ outdir, bundle: true, format: 'esm', minify: true, outExtension: { '.js': '.mjs' } },
      });
      return inSite(
        { folder: outdir, pages: { '/': PAGE } },
        `(async () => {
          await navigator.serviceWorker.register('/service.mjs', { type: 'module' });
          const { active } = await navigator.serviceWorker.ready;
          const { port1, port2 } = new MessageChannel();
          const answer = new Promise((resolve) => { port1.onmessage = ({ data }) => resolve(data); });
          active.postMessage('go', [port2]);
          return answer;
        })()`,
      );
    },
  },
];
