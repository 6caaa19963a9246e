// Looks at a page in Chromium.
//
//   node .ci/check-page.mjs report FILE [FOLDER]   the report renders in light and dark, wide and narrow; screenshots go to FOLDER
//   node .ci/check-page.mjs library                dist/ computes in a browser, and says what is wrong when a binary is missing
import assert from 'node:assert/strict';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withChromium } from './chromium.mjs';

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
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };
const PAGE = `<!doctype html><title>fettle</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: { ...entries, '#binary': '/dist/runtime/binary.web.js' } })}</script>`;

/** Serves dist/, with `alter` a chance to answer differently. */
async function serve(alter, use) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const file = join(root, pathname);
    if (alter(pathname, response)) return;
    if (pathname === '/') response.setHeader('content-type', 'text/html').end(PAGE);
    else if (!pathname.startsWith('/dist/') || !existsSync(file))
      response.writeHead(404, { 'content-type': 'text/html' }).end('no');
    else createReadStream(file).pipe(response.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain'));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  try {
    return await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function checkLibrary(open) {
  const program = `import('fettle').then(({ tensor }) => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    x.mul(x).sum().backward();
    return x.grad.toArray();
  })`;
  const asked = [];
  const note = (path) => void (path.endsWith('.wasm') && asked.push(path));

  await serve(note, async (url) => {
    const { evaluate, problems } = await open(url);
    assert.deepEqual(await evaluate(program), [2, 4, 6]);
    for (const entry of Object.keys(entries)) await evaluate(`import('${entry}').then(() => true)`);
    assert.deepEqual(problems, []);
  });
  assert.deepEqual(asked, ['/dist/runtime/relaxed.wasm'], 'one binary is fetched, the fastest');

  // A server that does not know the type of .wasm still works.
  const untyped = (path, response) => {
    if (!path.endsWith('.wasm')) return false;
    createReadStream(join(root, path)).pipe(response.setHeader('content-type', 'application/octet-stream'));
    return true;
  };
  await serve(untyped, async (url) => assert.deepEqual(await (await open(url)).evaluate(program), [2, 4, 6]));

  // One that answers every address with its start page gets told of it.
  const startPage = (path, response) => {
    if (!path.endsWith('.wasm')) return false;
    response.setHeader('content-type', 'text/html').end('<!doctype html>');
    return true;
  };
  await serve(startPage, async (url) => {
    const failure = (await open(url)).evaluate(program);
    await assert.rejects(failure, /relaxed\.wasm.*status 200, content type text\/html/);
  });
  console.log(`the library computes in the browser, and ${Object.keys(entries).join(', ')} load`);
}

const [what, file, folder] = process.argv.slice(2);
await withChromium((open) => (what === 'report' ? checkReport(open, file, folder) : checkLibrary(open)));
