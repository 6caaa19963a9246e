// Worker threads of a DataLoader and of a DataParallel in Chromium, from code that was bundled.
//
//   node .ci/check-loader.mjs esbuild FOLDER   the worker's module is the program's own, since esbuild does not follow addresses
//   node .ci/check-loader.mjs vite FOLDER      Vite finds fettle's module itself
//
// FOLDER has the package installed; what is bundled and served stands below it.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withChromium } from '../test/runtimes/chromium.mjs';
import { serve } from './serve.mjs';

const [bundler, folder] = process.argv.slice(2);

/** Reads as a program does; `worker` says how its threads start, if not by themselves. */
const program = (worker, replica) => `
import { crossEntropy, manualSeed, randint, randn } from 'fettle';
import { Linear, ReLU, Sequential } from 'fettle/nn';
import { DataParallel } from 'fettle/parallel';
import { DataLoader, Digits, fromModule, RandomAffine, Subset } from 'fettle/data';

const worker = ${worker};
async function read(dataset, numWorkers) {
  const loader = new DataLoader(dataset, { batchSize: 32, shuffle: true, seed: 1, numWorkers, ...worker });
  const seen = [];
  for await (const [x, y] of loader) seen.push(...x.dataSync(), ...y.dataSync());
  loader.dispose();
  return seen;
}

globalThis.same = async () => {
  const images = new Digits({ transform: RandomAffine(20, { interpolation: 'bilinear' }) });
  const part = new Subset(images, Int32Array.from({ length: 200 }, (_, i) => i));
  const [here, there] = [await read(part, 0), await read(part, 2)];
  return [crossOriginIsolated, here.length, here.every((x, i) => x === there[i])];
};

// A thread that closes is noticed, and one that never answers too.
const module = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
const failure = async (text, options) => {
  const dataset = await fromModule(module('export default () => ({ length: 8, get(i) { if (i === 5) ' + text + ' return i; } })'));
  const loader = new DataLoader(dataset, { numWorkers: 2, ...worker, ...options });
  const seen = [];
  try {
    for await (const x of loader) seen.push(x.item());
    return [seen];
  } catch (error) {
    return [seen, error.message];
  } finally {
    loader.dispose();
  }
};

// The loss, and the largest difference of its gradients from those of one thread.
globalThis.trains = async () => {
  manualSeed(1);
  const model = new Sequential(new Linear(6, 16), new ReLU(), new Linear(16, 4));
  const parallel = new DataParallel(model, { workers: 2, loss: 'crossEntropy', ...${replica} });
  const [x, y] = [randn([9, 6]), randint(0, 4, [9])];
  const { loss } = await parallel.backward([x, y]);
  const grads = model.parameters().map(({ grad }) => grad.dataSync());
  await parallel.close();
  model.zeroGrad();
  const own = crossEntropy(model.forward(x), y);
  own.backward();
  const differences = model.parameters().flatMap(({ grad }, i) => [...grad.dataSync()].map((g, k) => Math.abs(g - grads[i][k])));
  return [Math.abs(loss - own.item()) < 1e-5, Math.max(...differences) < 1e-5];
};
globalThis.failures = async () => [
  await failure("throw new Error('torn');"),
  await failure('{ self.close(); return new Promise(() => {}); }'),
  await failure('for (;;);', { timeout: 5000 }),
];
`;

const page =
  '<!doctype html><title>fettle</title><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>';

const bundlers = {
  async esbuild(source, out) {
    const { build } = await import('esbuild');
    const own = (name) => `{ worker: () => new Worker(new URL('./${name}.js', import.meta.url), { type: 'module' }) }`;
    writeFileSync(join(source, 'main.js'), program(own('reader'), own('replica')));
    writeFileSync(
      join(source, 'replica.js'),
      "import { serveParallel } from 'fettle/parallel';\nawait serveParallel();\n",
    );
    writeFileSync(
      join(source, 'reader.js'),
      "import * as data from 'fettle/data';\nawait data.serveLoader({ ...data, ...data.transforms });\n",
    );
    await build({
      entryPoints: ['main.js', 'reader.js', 'replica.js'].map((name) => join(source, name)),
      outdir: out,
      bundle: true,
      format: 'esm',
      minify: true,
      logLevel: 'error',
    });
    writeFileSync(join(out, 'index.html'), page);
    const binaries = join(folder, 'node_modules/fettle/dist/runtime');
    for (const name of readdirSync(binaries)) if (name.endsWith('.wasm')) cpSync(join(binaries, name), join(out, name));
  },

  async vite(source, out) {
    const { build } = await import('vite');
    writeFileSync(join(source, 'main.js'), program('{}', '{}'));
    writeFileSync(join(source, 'index.html'), page);
    await build({ root: source, logLevel: 'error', build: { outDir: out, target: 'esnext' } });
  },
};

/** Serves a folder; `isolated` pages have shared memory. */
const serveFolder = (root, isolated, use) =>
  serve((path, response) => {
    if (isolated) {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
    }
    return join(root, path === '/' ? 'index.html' : path);
  }, use);

const source = join(folder, `loader-${bundler}`);
const out = join(source, 'dist');
mkdirSync(out, { recursive: true });
await bundlers[bundler](source, out);
await withChromium(async (open) => {
  for (const isolated of [true, false]) {
    await serveFolder(out, isolated, async (url) => {
      const { evaluate, problems } = await open(url);
      // The program waits for its binaries while it is loaded.
      const begun = await evaluate(`new Promise((resolve) => {
        const look = (left) => (globalThis.same || left === 0 ? resolve(!!globalThis.same) : setTimeout(look, 20, left - 1));
        look(500);
      })`);
      assert.ok(begun, `the program runs: ${problems.join('; ')}`);
      assert.deepEqual(await evaluate('same()'), [isolated, 200 * 65, true], problems.join('; '));
      assert.deepEqual(problems, []);
      // Without shared memory gradients are sent, of which the page is told.
      assert.deepEqual(await evaluate('trains()'), [true, true], problems.join('; '));
      const [torn, closed, endless] = await evaluate('failures()');
      const five = [0, 1, 2, 3, 4];
      assert.deepEqual(torn, [five, 'DataLoader: sample 5 could not be read: torn']);
      assert.deepEqual(closed[0], five);
      assert.match(closed[1], /2 worker threads ended while they read samples 5: it closed/);
      assert.deepEqual(endless[0], five);
      assert.match(endless[1], /samples 5 did not arrive within 5000 ms/);
    });
  }
});
console.log(`worker threads read the same batches and gave the same gradients in the browser, bundled by ${bundler}`);
