/**
 * `node bench/size.mjs`: bytes of bundles (esbuild, minified, gzip -9, the wasm included that a bundle carries), and what
 * starting costs: from `import` to the first product, and resident memory, over bare Node. Prints a table with the budgets
 * and writes build/size.json.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const PROCESSES = process.argv.includes('--quick') ? 5 : 20;

/** @type {(values: number[]) => number} */
const median = (values) => Number([...values].sort((a, b) => a - b)[values.length >> 1]);

/** A program that trains an MLP. */
const TRAINER = `
import { crossEntropy, scope, tensor } from 'fettle';
import { Linear, ReLU, Sequential } from 'fettle/nn';
import { Adam } from 'fettle/optim';
const model = new Sequential(new Linear(784, 256), new ReLU(), new Linear(256, 10));
const optimizer = new Adam(model.parameters());
export function step(x, y) {
  return scope(() => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(tensor(x)), tensor(y, { dtype: 'int32' }));
    loss.backward();
    optimizer.step();
    return loss.item();
  });
}
`;

/** The same without methods: only what makes tensors brings those along. */
const FUNCTIONS = TRAINER.replace(
  "import { crossEntropy, scope, tensor } from 'fettle';",
  "import { backward, crossEntropy, scope } from 'fettle';\nimport { tensor } from 'fettle/ops';",
).replace('loss.backward()', 'backward(loss)');

const ENTRIES = [
  'fettle',
  'fettle/ops',
  ...['nn', 'optim', 'compress', 'data', 'train', 'io'].map((name) => `fettle/${name}`),
];
const EVERYTHING = ENTRIES.map((entry, i) => `export * as e${i} from '${entry}';`).join('\n');

/**
 * Gzipped bytes of a program in a browser: its script, and the wasm files that it refers to. A browser fetches those of one
 * arithmetic; the smaller and the larger choice are given.
 *
 * @param {string} program
 */
async function bundle(program) {
  const result = await build({
    stdin: { contents: program, resolveDir: root, loader: 'js' },
    bundle: true,
    // As a user's build has it: by the package's own exports, not by this repository's aliases to its sources.
    tsconfigRaw: '{}',
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    outdir: 'out',
    loader: { '.wasm': 'file' },
    logLevel: 'silent',
  });
  const script = result.outputFiles.filter((file) => file.path.endsWith('.js'));
  const bytes = script.reduce((sum, file) => sum + gzipSync(file.contents, { level: 9 }).length, 0);
  const text = script.map((file) => file.text).join('');
  const names = [...new Set(text.match(/[\w.-]+\.wasm/g) ?? [])].filter((name) => !name.includes('shared'));
  const folder = `${root}dist/runtime/`;
  /** @type {Record<string, number>} */
  const wasm = {};
  for (const name of names) {
    const file = [folder + name, ...readdirSync(folder).map((f) => folder + f)].find((f) => f.endsWith(`/${name}`));
    if (file !== undefined && existsSync(file)) wasm[name] = gzipSync(readFileSync(file), { level: 9 }).length;
  }
  return { script: bytes, wasm };
}

/** Runs a program in a new Node, several times; it prints numbers as JSON.
 *
 * @type {(program: string) => number[][]}
 */
function processes(program) {
  return Array.from({ length: PROCESSES }, () => {
    const args = ['--input-type=module', '-e', program];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  });
}

const PRODUCT = `
const from = performance.now();
const { tensor } = await import('fettle');
const y = tensor([[1, 2], [3, 4]]).matmul(tensor([[1], [1]])).dataSync();
const ms = performance.now() - from;
if (y[0] !== 3 || y[1] !== 7) throw new Error('a wrong product');
console.log(JSON.stringify([ms, process.memoryUsage().rss]));`;
const BARE = `console.log(JSON.stringify([0, process.memoryUsage().rss]));`;

const [trainer, functions, everything] = [await bundle(TRAINER), await bundle(FUNCTIONS), await bundle(EVERYTHING)];
const started = processes(PRODUCT);
const bare = processes(BARE);
/** @type {(runs: number[][], i: number) => number} */
const middle = (runs, i) => median(runs.map((run) => Number(run[i])));

/** Which wasm files a browser with relaxed SIMD fetches: all but the strict ones, where there is a choice.
 *
 * @param {{ script: number, wasm: Record<string, number> }} sizes
 */
function fetched({ script, wasm }) {
  const names = Object.keys(wasm);
  const chosen = names.filter((name) => !/strict/.test(name) || !names.some((other) => /relaxed/.test(other)));
  return script + chosen.reduce((sum, name) => sum + Number(wasm[name]), 0);
}

/** @type {{ name: string, value: number, unit: string, budget: number, note?: string }[]} */
const rows = [
  { name: 'bundle that trains an MLP', value: fetched(trainer) / 1000, unit: 'kB', budget: 40, note: parts(trainer) },
  { name: 'the same by functions', value: fetched(functions) / 1000, unit: 'kB', budget: 40, note: parts(functions) },
  { name: 'bundle of everything', value: fetched(everything) / 1000, unit: 'kB', budget: 120, note: parts(everything) },
  { name: 'import to first product', value: middle(started, 0), unit: 'ms', budget: 8 },
  { name: 'resident over bare Node', value: (middle(started, 1) - middle(bare, 1)) / 1e6, unit: 'MB', budget: 15 },
];

/** @param {{ script: number, wasm: Record<string, number> }} sizes */
function parts({ script, wasm }) {
  const files = Object.entries(wasm).map(([name, bytes]) => `${name} ${(bytes / 1000).toFixed(1)}`);
  return [`script ${(script / 1000).toFixed(1)}`, ...files].join(', ');
}

for (const { name, value, unit, budget, note = '' } of rows) {
  const verdict = value <= budget ? 'within' : 'over';
  console.log(
    `${name.padEnd(28)} ${value.toFixed(1).padStart(7)} ${unit}  ${verdict.padEnd(6)} ${budget} ${unit}  ${note}`,
  );
}
mkdirSync(`${root}build`, { recursive: true });
writeFileSync(`${root}build/size.json`, `${JSON.stringify({ node: process.version, rows }, null, 1)}\n`);
