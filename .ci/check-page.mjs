// Looks at a page in Chromium.
//
//   node .ci/check-page.mjs report FILE [FOLDER]   the report renders in light and dark, wide and narrow; screenshots go to FOLDER
//   node .ci/check-page.mjs library                dist/ computes in a browser, and says what is wrong when a binary is missing
import assert from 'node:assert/strict';
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inflateSync } from 'node:zlib';
import { parts } from '../scripts/parts.mjs';
import { withChromium } from '../test/runtimes/chromium.mjs';
import { serve } from './serve.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

async function checkReport(open, file, folder) {
  const { call, evaluate, problems } = await open(pathToFileURL(resolve(file)).href);
  const { variants } = JSON.parse(readFileSync(join(file, '../report.json'), 'utf8'));

  const text = await evaluate('document.body.innerText');
  for (const { name } of variants) assert.ok(text.includes(name), `the page shows ${name}`);
  assert.doesNotMatch(text, /\b(NaN|undefined|\[object )/, 'no value failed to be written');
  // Curves, size against accuracy, sparsity by layer, and the confusion matrix.
  const drawn = await evaluate(
    `[...document.querySelectorAll('svg')].filter((svg) => svg.getBoundingClientRect().width > 50).length`,
  );
  assert.ok(drawn >= 4, `expected at least 4 drawings, found ${drawn}`);
  assert.equal(
    await evaluate(`document.querySelectorAll('svg [d*="NaN"], svg [x="NaN"], svg [y="NaN"], svg [cx="NaN"]').length`),
    0,
  );

  const backgrounds = new Set();
  for (const scheme of ['light', 'dark']) {
    for (const width of [1280, 390]) {
      await call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
      await call('Emulation.setDeviceMetricsOverride', {
        width,
        height: 900,
        deviceScaleFactor: 1,
        mobile: width < 500,
      });
      const overflow = await evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      assert.ok(overflow <= 0, `at ${width} pixels the page is ${overflow} pixels too wide`);
      backgrounds.add(
        await evaluate(
          'getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor',
        ),
      );
      if (folder) {
        const { data } = await call('Page.captureScreenshot', { captureBeyondViewport: true });
        writeFileSync(join(folder, `report-${scheme}-${width}.png`), Buffer.from(data, 'base64'));
      }
    }
  }
  assert.equal(backgrounds.size, 2, 'light and dark differ');
  assert.deepEqual(problems, []);
  console.log(`the report renders: ${drawn} drawings, ${variants.length} variants, light and dark, wide and narrow`);
}

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.fromEntries(
  Object.entries(exports)
    .filter(([, target]) => target.default)
    .map(([name, target]) => [name.replace('.', 'fettle'), target.default.slice(1)]),
);
const PAGE = `<!doctype html><title>fettle</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: { ...entries, '#binary': '/dist/runtime/binary.web.js' } })}</script>`;

/** Serves dist/, with `alter` a chance to answer differently. */
const serveLibrary = (alter, use) =>
  serve((path, response) => {
    if (alter(path, response)) return null;
    if (path !== '/') return path.startsWith('/dist/') ? join(root, path) : '';
    response.setHeader('content-type', 'text/html').end(PAGE);
    return null;
  }, use);

/**
 * Pictures are those of PIL in a browser too: a PNG to the bit, a JPEG within two correct decoders' difference by the browser's
 * own decoder, and as on Node by the library where the browser's is missing.
 */
async function checkImages(open) {
  const { cases } = JSON.parse(readFileSync(join(root, 'test/data/golden/images.json'), 'utf8'));
  const files = cases.flatMap(({ name, file, modes }) =>
    Object.entries(modes).map(([mode, { data, wide }]) => {
      const bytes = inflateSync(Buffer.from(data, 'base64'));
      const want = wide ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : bytes;
      return { name, file, mode, want: [...want] };
    }),
  );
  const program = `import('fettle/data').then(async ({ decodeImage }) => {
    const worst = [];
    for (const { name, file, mode, want } of ${JSON.stringify(files)}) {
      const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
      const { data } = await decodeImage(new Blob([bytes]), { mode });
      let most = data.length === want.length ? 0 : Infinity;
      for (let i = 0; i < want.length; i++) most = Math.max(most, Math.abs(want[i] - data[i]));
      worst.push([name, most]);
    }
    return worst;
  })`;
  const decoders = [];
  const note = (path) => void (path.includes('mozjpeg_dec.wasm') && decoders.push(path));
  await serveLibrary(note, async (url) => {
    const { evaluate, problems } = await open(url);
    for (const library of [false, true]) {
      if (library) await evaluate('delete globalThis.OffscreenCanvas');
      const worst = await evaluate(program);
      const limit = (name) => (name.startsWith('png') ? 0 : library || name.startsWith('cmyk') ? 2 : 3);
      const odd = worst.filter(([name, most]) => !(most <= limit(name)));
      assert.deepEqual(odd, [], library ? 'by the library' : 'by the browser');
      assert.equal(decoders.length, Number(library), 'the library is fetched where the browser has no decoder');
    }
    assert.deepEqual(problems, []);
  });
  console.log(`${files.length} pictures decoded in the browser as PIL does`);
}

async function checkLibrary(open) {
  const program = `import('fettle').then(({ tensor }) => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    x.mul(x).sum().backward();
    return x.grad.toArray();
  })`;
  const asked = [];
  const note = (path) => void (path.endsWith('.wasm') && asked.push(path));

  await serveLibrary(note, async (url) => {
    const { evaluate, problems } = await open(url);
    assert.deepEqual(await evaluate(program), [2, 4, 6]);
    for (const entry of Object.keys(entries)) await evaluate(`import('${entry}').then(() => true)`);
    assert.deepEqual(problems, []);
  });
  const wanted = parts.map((part) => `/dist/runtime/${part}.relaxed.wasm`);
  assert.deepEqual(asked.sort(), wanted.sort(), 'each part is fetched once, the fastest binary of it');

  // Threads share a memory where the page is cross-origin isolated, and are said to be missing where it is not.
  const threads = `import('fettle').then(async ({ getThreads, rand, setThreads, noGrad }) => {
    const [a, b] = [rand([300, 300]), rand([300, 300])];
    const product = () => noGrad(() => Array.from(a.matmul(b).dataSync()).join());
    const alone = product();
    const counts = [await setThreads(3), getThreads()];
    for (let i = 0; i < 200; i++) a.matmul(b).dispose();
    const same = product() === alone;
    return [...counts, same, await setThreads(1), product() === alone];
  })`;
  const isolated = (_path, response) => {
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    return false;
  };
  await serveLibrary(isolated, async (url) => {
    const { evaluate, problems } = await open(url);
    assert.deepEqual(await evaluate(threads), [3, 3, true, 1, true]);
    assert.deepEqual(problems, []);
  });
  await serveLibrary(
    () => false,
    async (url) => {
      const { evaluate, problems } = await open(url);
      assert.deepEqual(await evaluate(threads), [1, 1, true, 1, true]);
      assert.equal(problems.length, 1);
      assert.match(problems[0], /setThreads: one thread works: this page is not cross-origin isolated/);
    },
  );

  // A server that does not know the type of .wasm still works.
  const untyped = (path, response) => {
    if (!path.endsWith('.wasm')) return false;
    createReadStream(join(root, path)).pipe(response.setHeader('content-type', 'application/octet-stream'));
    return true;
  };
  await serveLibrary(untyped, async (url) => assert.deepEqual(await (await open(url)).evaluate(program), [2, 4, 6]));

  // One that answers every address with its start page gets told of it.
  const startPage = (path, response) => {
    if (!path.endsWith('.wasm')) return false;
    response.setHeader('content-type', 'text/html').end('<!doctype html>');
    return true;
  };
  await serveLibrary(startPage, async (url) => {
    const failure = (await open(url)).evaluate(program);
    await assert.rejects(failure, /runtime\/\w+\.relaxed\.wasm.*status 200, content type text\/html/);
  });
  await checkImages(open);
  console.log(`the library computes in the browser, and ${Object.keys(entries).join(', ')} load`);
}

const [what, file, folder] = process.argv.slice(2);
await withChromium((open) => (what === 'report' ? checkReport(open, file, folder) : checkLibrary(open)));
