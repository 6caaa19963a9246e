/**
 * What fails elsewhere, and what is said then: each story sets something up as it goes wrong for users, and checks that they are
 * told what to do, or that it does not go wrong here.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { importMap, PAGE } from './browsers.mjs';
import { withChromium } from './chromium.mjs';
import { nodeOf } from './servers.mjs';
import { serve } from './site.mjs';
import { must, tool } from './workshop.mjs';

const BINARY = '/node_modules/fettle/dist/runtime/core.relaxed.wasm';

/**
 * Throws unless a text holds all of these.
 *
 * @param {string} text
 * @param {...(string | RegExp)} parts
 */
function tells(text, ...parts) {
  const missing = parts.filter((part) => (typeof part === 'string' ? !text.includes(part) : !part.test(text)));
  if (missing.length > 0) throw new Error(`expected ${missing.join(' and ')} in:\n${text}`);
}

/**
 * Runs a program as Node would, in a folder where the package is installed, and gives what it printed.
 *
 * @param {import('./workshop.mjs').Workshop} shop
 * @param {string} program
 * @param {{ flags?: string[], node?: string }} [options]
 */
async function node(shop, program, { flags = [], node = process.execPath } = {}) {
  const file = shop.path('story.mjs');
  writeFileSync(file, program);
  return (await must(node, [...flags, file], { cwd: shop.folder })).output;
}

/**
 * What expressions give in a page that finds the package through an import map, and what its console said.
 *
 * @param {import('./workshop.mjs').Workshop} shop
 * @param {Partial<Parameters<typeof serve>[0]>} site
 * @param {(page: import('./chromium.mjs').Page, url: string) => Promise<void>} use
 */
function inPage(shop, { pages = {}, ...site }, use) {
  const map = `<script type="importmap">${importMap(shop)}</script>`;
  const all = { folder: shop.folder, pages: { '/': `${PAGE}${map}`, ...pages }, ...site };
  return serve(all, (url) => withChromium(async (open) => use(await open(url), url)));
}

const PRODUCT = "import('fettle').then(({ tensor }) => tensor([[1, 2]]).matmul(tensor([[3], [4]])).item())";

/** @param {unknown} product */
function checkProduct(product) {
  if (product !== 11) throw new Error(`expected the product 11, got ${product}`);
}

/** What an expression that must fail in a page says. @type {(page: import('./chromium.mjs').Page, expression: string) => Promise<string>} */
const failure = async (page, expression) =>
  String(await page.evaluate(`(${expression}).then((value) => 'it gave ' + value, (error) => error.message)`));

/** @type {Record<string, (shop: import('./workshop.mjs').Workshop) => Promise<unknown>>} */
const told = {
  'a server that does not know .wasm': (shop) =>
    inPage(shop, { types: { '.wasm': 'text/plain' } }, async (page) => checkProduct(await page.evaluate(PRODUCT))),

  'a page in place of the binary': (shop) =>
    inPage(shop, { pages: { [BINARY]: '<!doctype html>the start page' } }, async (page, url) => {
      const said = await failure(page, PRODUCT);
      tells(said, new URL(BINARY, url).href, 'status 200, content type text/html', 'Serve the .wasm files');
    }),

  'no binary': (shop) =>
    inPage(shop, { missing: [BINARY] }, async (page, url) => {
      tells(await failure(page, PRODUCT), new URL(BINARY, url).href, 'status 404, content type text/html');
    }),

  'a page without isolation headers': (shop) =>
    inPage(shop, {}, async (page) => {
      const threads = await page.evaluate(
        "import('fettle').then(async ({ setThreads }) => [await setThreads(2), await setThreads(3), await setThreads('auto')].join())",
      );
      if (threads !== '1,1,1') throw new Error(`expected one thread each time, got ${threads}`);
      if (page.problems.length !== 1) throw new Error(`expected it to be said once:\n${page.problems.join('\n')}`);
      const said = String(page.problems[0]);
      tells(said, 'Cross-Origin-Opener-Policy: same-origin', 'Cross-Origin-Embedder-Policy: require-corp');
      checkProduct(await page.evaluate(PRODUCT));
    }),

  'a page that goes offline': (shop) =>
    inPage(shop, {}, async (page, url) => {
      await page.evaluate(PRODUCT);
      await page.call('Network.enable');
      const nothing = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
      await page.call('Network.emulateNetworkConditions', { offline: true, ...nothing });
      // What has been imported computes; what would have to be fetched says so, and leaves all as it was.
      checkProduct(await page.evaluate(PRODUCT));
      const said = await failure(page, "import('fettle').then(({ deterministic }) => deterministic(true))");
      tells(said, `${url}node_modules/fettle/dist/runtime/`, '.strict.wasm', 'no answer');
      checkProduct(await page.evaluate(PRODUCT));
    }),

  async 'a processor without SIMD'(shop) {
    const program =
      "const { tensor } = await import('fettle');\ntry { tensor([1]); } catch (error) { console.log(error.code, error.message); }";
    const flags = process.arch === 'x64' ? ['--no-enable-sse4-1'] : [];
    const stub = flags.length > 0 ? '' : 'WebAssembly.validate = () => false;\n';
    tells(
      await node(shop, stub + program, { flags }),
      'device fettle needs WebAssembly SIMD, which this runtime lacks',
    );
  },

  async 'a disk that must not be written'(shop) {
    const program = `import { tensor } from 'fettle';
import { Linear } from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { saveModel } from 'fettle/train';
const model = new Linear(2, 1);
const optimizer = new SGD(model.parameters(), { lr: 0.1 });
model.forward(tensor([[1, 2]])).sum().backward();
optimizer.step();
const said = await saveModel('/model.safetensors', model).then(() => 'it was written', (error) => error.name + ' ' + error.message);
console.log(said);
`;
    const file = shop.path('story.mjs');
    const expected = ['FettleError /model.safetensors: cannot be written'];
    tells(
      await node(shop, program, { node: await nodeOf('24.21.0'), flags: ['--permission', '--allow-fs-read=*'] }),
      ...expected,
    );
    const deno = join(await tool('deno', { deno: '2.9.6' }), 'node_modules/.bin/deno');
    const { output } = await must(deno, ['run', '--allow-read', '--allow-env', file], { cwd: shop.folder });
    tells(output, ...expected);
  },

  async 'no permission to read the environment'(shop) {
    const deno = join(await tool('deno', { deno: '2.9.6' }), 'node_modules/.bin/deno');
    const file = shop.path('story.mjs');
    writeFileSync(
      file,
      "import { tensor } from 'fettle';\nconsole.log(tensor([[1, 2]]).matmul(tensor([[3], [4]])).item());\n",
    );
    const { output } = await must(deno, ['run', '--no-prompt', '--allow-read', file], { cwd: shop.folder });
    tells(output, /^11$/m);
  },

  async 'a second copy of the package'(shop) {
    const said = await node(
      shop,
      `import * as one from 'fettle';
import * as nn from 'fettle/nn';
import * as other from 'fettle/inline';
const tries = {
  'an operand': () => one.add(one.tensor([1]), other.tensor([2])),
  'a method': () => one.tensor([1]).mul(other.tensor([2])),
  'an input': () => one.relu(other.tensor([2])),
  'data': () => one.tensor(other.tensor([2])),
  'a layer': () => new nn.Linear(1, 1).forward(other.tensor([[2]])),
  'parameters': () => new other.optim.SGD(new nn.Linear(1, 1).parameters(), { lr: 1 }),
  'a list': () => one.cat([one.tensor([1]), other.tensor([2])]),
};
for (const [name, attempt] of Object.entries(tries)) {
  try { attempt(); console.log(name + ': nothing was said'); } catch (error) { console.log(name + ': ' + error.name + ' ' + error.message); }
}
// Each by itself works.
console.log(one.tensor([1]).add(1).item() + other.tensor([2]).add(1).item());
`,
    );
    const silent = said.split('\n').filter((line) => /: /.test(line) && !/another copy of fettle/.test(line));
    if (silent.length > 0) throw new Error(`expected a word of another copy:\n${silent.join('\n')}`);
    tells(said, /^5$/m);
  },

  async 'a page that is only simulated'(shop) {
    // As tests of user interfaces have it: the globals of a browser, in Node.
    const folder = await tool('jsdom', { jsdom: '26.1.0' });
    const program = `import { createRequire } from 'node:module';
const { JSDOM } = createRequire(${JSON.stringify(join(folder, 'package.json'))})('jsdom');
const { window } = new JSDOM('<!doctype html><p>a page', { url: 'http://localhost/' });
for (const name of ['window', 'document', 'navigator', 'location', 'Event', 'Blob', 'File', 'HTMLElement'])
  Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name], configurable: true });
const { library } = await import('./installed.mjs');
const { smoke } = await import('./smoke.mjs');
const wrong = Object.entries(await smoke(library)).filter(([, said]) => said !== '');
console.log(wrong.length === 0 ? 'all is well' : JSON.stringify(wrong, null, 1));
process.exit();
`;
    tells(await node(shop, program), 'all is well');
  },

  async 'threads that end in the middle of an op'(shop) {
    const said = await node(
      shop,
      `import { Worker } from 'node:worker_threads';
const workers = [];
const { postMessage } = Worker.prototype;
Worker.prototype.postMessage = function (...args) { if (!workers.includes(this)) workers.push(this); return postMessage.apply(this, args); };
const { matmul, rand, setThreads, getThreads } = await import('fettle');
console.log('threads ' + (await setThreads(3)));
const x = rand([700, 700]);
const before = matmul(x, x).sum().item();
// They are told to end, and do while products are shared with them: the thread that launches goes on by itself, and says so if one
// was ended in the middle of its share.
const ends = workers.map((worker) => worker.terminate());
const product = () => {
  try {
    return matmul(x, x).sum().item();
  } catch (error) {
    if (!/has ended or hangs in the middle of an operation/.test(error.message)) throw error;
    return before;
  }
};
for (let i = 0; i < 20; i++) if (product() !== before) throw new Error('another product');
await Promise.all(ends);
if (matmul(x, x).sum().item() !== before) throw new Error('another product afterwards');
console.log('the same products, on ' + getThreads());
await setThreads(2);
if (matmul(x, x).sum().item() !== before) throw new Error('another product with new threads');
console.log('and with new threads');
await setThreads(1);
`,
    );
    tells(said, 'threads 3', 'the same products', 'and with new threads');
  },

  async 'modules that are replaced while they run'(shop) {
    // A development server: the page keeps a tensor over an edit of the module that made it.
    const tools = await tool('vite', { vite: '7.3.8' });
    const folder = shop.path('hot');
    mkdirSync(folder, { recursive: true });
    const program = (/** @type {number} */ times) => `import { tensor } from 'fettle';
const kept = import.meta.hot.data.kept ?? tensor([1, 2]);
import.meta.hot.data.kept = kept;
globalThis.said = [...(globalThis.said ?? []), String(kept.mul(tensor([${times}, ${times}])).toArray())];
import.meta.hot.accept();
`;
    writeFileSync(join(folder, 'index.html'), `${PAGE}<script type="module" src="/main.js"></script>`);
    writeFileSync(join(folder, 'main.js'), program(1));
    const { createServer } = await import(
      createRequire(join(tools, 'package.json'))
        .resolve('vite')
        .replace(/index\.cjs$/, 'dist/node/index.js')
    );
    const server = await createServer({
      root: folder,
      configFile: false,
      logLevel: 'silent',
      server: { port: 0, host: '127.0.0.1' },
    });
    try {
      await server.listen();
      const [url] = server.resolvedUrls.local;
      await withChromium(async (open) => {
        const page = await open(url);
        const until = (/** @type {number} */ count) =>
          page.evaluate(`new Promise((resolve) => {
            const end = Date.now() + 15_000;
            const look = () => (globalThis.said?.length >= ${count} || Date.now() > end ? resolve(String(globalThis.said?.join(' '))) : setTimeout(look, 50));
            look();
          })`);
        const first = await until(1);
        writeFileSync(join(folder, 'main.js'), program(3));
        const second = await until(2);
        if (second !== '1,2 3,6')
          throw new Error(`expected 1,2 3,6, got ${first}, then ${second}\n${page.problems.join('\n')}`);
      });
    } finally {
      await server.close();
    }
  },
};

/** @type {import('./run.mjs').Target[]} */
export const stories = Object.entries(told).map(([name, tell]) => ({
  name: `story: ${name}`,
  run: async (shop) => {
    await tell(shop);
    return { told: '' };
  },
}));
