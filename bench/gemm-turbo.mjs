/**
 * The turbo kernel, compiled and checked: `node bench/gemm-turbo.mjs` (on Node ≥ 24; --bare leaves V8's flag out). Builds
 * assembly/turbo/ and the narrow kernel aside, holds every product against float64 at odd sizes, and prints how many times as
 * fast as the narrow kernel it is, with the register-only ceiling of 128 bits that the same run measures beside it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = `${root}build/turbo`;
mkdirSync(folder, { recursive: true });

/** @type {(entry: string, name: string, level: string, relaxed: boolean) => Uint8Array} */
function compile(entry, name, level, relaxed) {
  const file = `${folder}/${name}.wasm`;
  execFileSync(process.execPath, [
    `${root}node_modules/assemblyscript/bin/asc.js`,
    ...[entry, level, '--noAssert', '--runtime', 'stub', '--importMemory', '--config', 'none'],
    ...[
      '--enable',
      relaxed ? 'simd,relaxed-simd' : 'simd',
      '--disableWarning',
      '112',
      '--memoryBase',
      '1024',
      '-o',
      file,
    ],
  ]);
  return readFileSync(file);
}

/** A loop of nothing but multiply-adds on registers: eleven sums, four factors. */
const ceiling = (/** @type {boolean} */ relaxed) => {
  const sums = Array.from({ length: 11 }, (_, i) => `s${i}`);
  const add = relaxed
    ? (/** @type {string} */ s) => `${s} = f32x4.relaxed_madd(${s}, x, y);`
    : (/** @type {string} */ s) => `${s} = f32x4.add(f32x4.mul(${s}, x), y);`;
  writeFileSync(
    `${folder}/ceiling.ts`,
    `export function run(n: i32, a: f32, b: f32): f32 {
  const x = f32x4.splat(a), y = f32x4.splat(b);
  let ${sums.map((s, i) => `${s} = f32x4.splat(${i})`).join(', ')};
  for (; n > 0; n--) { ${Array.from({ length: 4 }, () => sums.map(add).join(' ')).join('\n    ')} }
  return f32x4.extract_lane(${sums.reduce((x, y) => `f32x4.add(${x}, ${y})`)}, 0);
}
`,
  );
  return compile(`build/turbo/ceiling.ts`, `ceiling-${relaxed}`, '-O3', relaxed);
};
const FLOPS = 4 * 11 * 8;

writeFileSync(
  `${folder}/narrow.ts`,
  "export { setScratch } from '../../assembly/launch';\nexport { gemm_f32 } from '../../assembly/gemm';\n",
);
process.chdir(root);
const sources = ['strict', 'relaxed'].map((arithmetic) => {
  const relaxed = arithmetic === 'relaxed';
  return {
    arithmetic,
    narrow: compile('build/turbo/narrow.ts', `narrow-${arithmetic}`, '-O3', relaxed),
    turbo: compile('assembly/turbo/index.ts', `turbo-${arithmetic}`, '-O1', relaxed),
    ceiling: ceiling(relaxed),
  };
});

const wide = !process.argv.includes('--bare') && Number(process.versions.node.split('.')[0]) >= 24;
if (wide) v8.setFlagsFromString('--experimental-wasm-revectorize');

/** @typedef {{ setScratch: (base: number) => void, gemm_f32: (r: number, begin: number, end: number) => void }} Kernels */

const memory = new WebAssembly.Memory({ initial: 512 });
const floats = new Float32Array(memory.buffer);
const ints = new Int32Array(memory.buffer);
const [RECORD, A, B, C, SCRATCH] = [65536, 2 ** 20, 2 ** 23, 2 ** 24, 3 * 2 ** 23];

/** @type {(bytes: Uint8Array) => WebAssembly.Exports} */
const start = (bytes) =>
  new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), { env: { memory, abort: () => undefined } })
    .exports;
/** @type {(bytes: Uint8Array) => Kernels} */
const kernels = (bytes) => /** @type {Kernels} */ (/** @type {unknown} */ (start(bytes)));

/** @type {(kernel: Kernels, m: number, n: number, k: number, tA: number, tB: number) => void} */
function multiply(kernel, m, n, k, tA, tB) {
  kernel.setScratch(SCRATCH);
  ints.set([C, A, B, 0], RECORD / 4 + 4);
  floats[RECORD / 4 + 8] = 0;
  ints.set([m, n, k, tA ? m : k, tB ? k : n, n, tA, tB, 1, 0, 0, 0, 0, 0], RECORD / 4 + 9);
  kernel.gemm_f32(RECORD, 0, m >= n ? m : Math.ceil(n / 16));
}

/** @type {(kernel: Kernels, m: number, n: number, k: number, tA: number, tB: number) => number} */
function worstError(kernel, m, n, k, tA, tB) {
  multiply(kernel, m, n, k, tA, tB);
  let worst = 0;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let [sum, size] = [0, 1];
      for (let l = 0; l < k; l++) {
        const p =
          Number(floats[A / 4 + (tA ? l * m + i : i * k + l)]) * Number(floats[B / 4 + (tB ? j * k + l : l * n + j)]);
        sum += p;
        size += Math.abs(p);
      }
      worst = Math.max(worst, Math.abs(sum - Number(floats[C / 4 + i * n + j])) / size);
    }
  }
  return worst;
}

/** The upper quartile of the rates of each of some runs, taken in turns. @type {(runs: { work: number, run: () => void }[]) => number[]} */
function rates(runs) {
  const list = runs.map(({ work, run }) => {
    const until = performance.now() + 100;
    let n = 0;
    for (; performance.now() < until; n++) run();
    return { work, run, times: Math.max(1, Math.round(n / 100)), seen: /** @type {number[]} */ ([]) };
  });
  for (let i = 0; i < 25; i++) {
    for (const { work, run, times, seen } of list) {
      const t = performance.now();
      for (let j = 0; j < times; j++) run();
      seen.push((work * times) / (performance.now() - t) / 1e6);
    }
  }
  return list.map(({ seen }) => Number(seen.sort((x, y) => x - y)[18]));
}

console.log(`${process.version}, 256 bits ${wide ? 'asked for' : 'not asked for'}`);
for (const { arithmetic, ...source } of sources) {
  const [narrow, turbo] = [kernels(source.narrow), kernels(source.turbo)];
  const top = /** @type {(n: number, a: number, b: number) => number} */ (start(source.ceiling).run);
  for (let i = 0; i < 2 ** 20; i++) floats[A / 4 + i] = ((i * 7919) % 2003) / 1000 - 1;
  for (let i = 0; i < 2 ** 20; i++) floats[B / 4 + i] = ((i * 104729) % 1999) / 1000 - 1;
  let [worst, differing] = [0, 0];
  for (const [m, n, k] of /** @type {const} */ ([
    [9, 13, 1],
    [17, 33, 5],
    [61, 47, 300],
    [67, 130, 257],
    [121, 29, 513],
  ])) {
    for (const [tA, tB] of /** @type {const} */ ([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ])) {
      worst = Math.max(worst, worstError(turbo, m, n, k, tA, tB));
      const bits = ints.slice(C / 4, C / 4 + m * n);
      multiply(narrow, m, n, k, tA, tB);
      differing += bits.filter((bit, i) => bit !== ints[C / 4 + i]).length;
    }
  }
  if (!(worst < 1e-6)) throw new Error(`${arithmetic}: the relative error is ${worst}`);
  console.log(
    `${arithmetic}: worst relative error ${worst.toExponential(1)}, ${differing} numbers differ from the narrow kernel's`,
  );
  for (const size of [64, 128, 256, 512]) {
    const work = 2 * size ** 3;
    const [slow, fast, most] = /** @type {[number, number, number]} */ (
      rates([
        { work, run: () => multiply(narrow, size, size, size, 0, 0) },
        { work, run: () => multiply(turbo, size, size, size, 0, 0) },
        { work: FLOPS * 1000, run: () => void top(1000, 0.5, 1) },
      ])
    );
    console.log(
      `${arithmetic} ${size}³: ${(fast / slow).toFixed(2)} × the narrow kernel; of the 128-bit ceiling ${(fast / most).toFixed(2)} and ${(slow / most).toFixed(2)}`,
    );
  }
}
