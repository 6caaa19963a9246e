/** Programs as users write them, bundled as users bundle them, and what the bundles weigh. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A program that uses two ops. */
export const TWO_OPS = "import { relu, zeros } from 'fettle/ops'; console.log(relu(zeros([2])).dataSync());";

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
  ...['nn', 'optim', 'compress', 'data', 'train', 'io', 'standalone'].map((name) => `fettle/${name}`),
];
const EVERYTHING = ENTRIES.map((entry, i) => `export * as e${i} from '${entry}';`).join('\n');

/** Gzipped bytes, as a web server sends them. @param {Uint8Array} bytes */
export const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;

/**
 * A program as a user's build has it: by the package's own exports, not by this repository's aliases to its sources.
 *
 * @param {string} program
 * @param {string} folder  from which the package is found
 */
export const bundle = (program, folder) =>
  build({
    stdin: { contents: program, resolveDir: folder, loader: 'js' },
    bundle: true,
    tsconfigRaw: '{}',
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    outdir: 'out',
    loader: { '.wasm': 'file' },
    logLevel: 'silent',
  });

/**
 * Gzipped bytes of a program in a browser: its script, and the wasm files that it refers to. A browser fetches those of one
 * arithmetic.
 *
 * @param {string} program
 */
async function weigh(program) {
  const { outputFiles } = await bundle(program, root);
  const script = outputFiles.filter((file) => file.path.endsWith('.js'));
  const bytes = script.reduce((sum, file) => sum + gzipped(file.contents), 0);
  const text = script.map((file) => file.text).join('');
  const names = [...new Set(text.match(/[\w.-]+\.wasm/g) ?? [])].filter((name) => !name.includes('shared'));
  const folder = `${root}dist/runtime/`;
  /** @type {Record<string, number>} */
  const wasm = {};
  for (const name of names) {
    const file = [folder + name, ...readdirSync(folder).map((f) => folder + f)].find((f) => f.endsWith(`/${name}`));
    if (file !== undefined && existsSync(file)) wasm[name] = gzipped(readFileSync(file));
  }
  return { script: bytes, wasm };
}

/**
 * Which wasm files a browser with relaxed SIMD fetches: all but the strict ones, where there is a choice.
 *
 * @param {Record<string, number>} wasm
 */
function fetched(wasm) {
  const names = Object.keys(wasm);
  const relaxed = names.some((name) => /relaxed/.test(name));
  return names.filter((name) => !relaxed || !/strict/.test(name)).map((name) => [name, Number(wasm[name])]);
}

/** @returns {Promise<import('../size.mjs').Figure[]>} */
export async function bundles() {
  const programs = {
    'bundle of two ops': TWO_OPS,
    'bundle that trains an MLP': TRAINER,
    'the same by functions': FUNCTIONS,
  };
  const figures = [];
  for (const [name, program] of Object.entries({ ...programs, 'bundle of everything': EVERYTHING })) {
    const { script, wasm } = await weigh(program);
    const binaries = /** @type {[string, number][]} */ (fetched(wasm));
    const kernels = binaries.reduce((sum, [, bytes]) => sum + bytes, 0);
    const note = `gzip; script ${(script / 1000).toFixed(1)}, kernels ${(kernels / 1000).toFixed(1)} in ${binaries.length} parts`;
    figures.push({ name, value: script + kernels, unit: 'bytes', note });
  }
  return figures;
}
