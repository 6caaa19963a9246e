/**
 * Builds what is stale: the WebAssembly binaries from assembly/ (asconfig.json names them), and dist/ from src/, one
 * ECMAScript module and one declaration for each source module. What was built from which contents stands in
 * build/stamp.json; both outputs are made aside and moved into place, so that an interrupted build leaves no half of one.
 *
 *   node scripts/build.mjs          everything that is stale
 *   node scripts/build.mjs wasm     the binaries alone
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { quietly, report, root, StageError, stage } from './stages.mjs';

/** @type {(...parts: string[]) => string} */
const path = (...parts) => join(root, ...parts);

/**
 * A target of an asconfig.json. Outputs are named relative to the repository.
 *
 * @typedef {object} Target
 * @property {string} outFile
 * @property {number} memoryBase
 * @property {boolean} [sharedMemory]
 * @property {number} [initialMemory]
 * @property {number} [maximumMemory]
 */

/** The four main binaries, and those with a few kernels that stand in for theirs. */
const variants = ['asconfig.json', 'assembly/turbo/asconfig.json'].flatMap((config) => {
  /** @type {{ targets: Record<string, Target> }} */
  const { targets } = JSON.parse(readFileSync(path(config), 'utf8'));
  return Object.entries(targets).map(([name, target]) => ({ name, config, ...target }));
});

/**
 * Hashes of the contents that the outputs were built from, and the files of dist/.
 *
 * @typedef {{ wasm?: string, dist?: string, files?: string[] }} Stamp
 */
const stampFile = path('build/stamp.json');

/** @returns {Stamp} */
function readStamp() {
  return existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {};
}

/** @param {Stamp} part */
function writeStamp(part) {
  writeFileSync(stampFile, JSON.stringify({ ...readStamp(), ...part }, null, 1));
}

/**
 * All files below a folder, as paths relative to it with forward slashes, in a fixed order.
 *
 * @param {string} folder
 * @returns {string[]}
 */
function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? filesIn(join(folder, entry.name)).map((file) => `${entry.name}/${file}`) : [entry.name],
    )
    .sort();
}

/**
 * A hash of the contents of files and folders, given relative to the repository.
 *
 * @param {string[]} names
 */
function fingerprint(...names) {
  const hash = createHash('sha256');
  for (const name of names) {
    const files = statSync(path(name)).isDirectory() ? filesIn(path(name)).map((file) => `${name}/${file}`) : [name];
    for (const file of files)
      hash
        .update(`${file}\0`)
        .update(readFileSync(path(file)))
        .update('\0');
  }
  return hash.digest('hex');
}

/** The hash of what still has to be compiled to WebAssembly, or undefined where the binaries are up to date. */
function staleWasm() {
  const key = fingerprint('assembly', 'asconfig.json', 'node_modules/assemblyscript/package.json', 'scripts/build.mjs');
  return readStamp().wasm === key && variants.every(({ outFile }) => existsSync(path(outFile))) ? undefined : key;
}

/** The same for dist/. The lockfile stands for the compiler and for the packages that are inlined. */
function staleDist() {
  const inputs = ['src', 'assembly', 'asconfig.json', 'scripts', 'tsconfig.json', 'tsconfig.build.json'];
  const key = fingerprint(...inputs, 'package.json', 'package-lock.json');
  const { dist, files = [] } = readStamp();
  return dist === key && files.every((file) => existsSync(path('dist', file))) ? undefined : key;
}

/**
 * Does the work of each item, as many at a time as there are cores.
 *
 * @template T
 * @param {T[]} items
 * @param {(item: T) => Promise<void>} work
 */
async function inParallel(items, work) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

/** @param {string} key */
async function buildWasm(key) {
  const { checkMemoryBases } = await import('./build-checks.mjs');
  const { withSharedMemory } = await import('./wasm.mjs');
  const aside = path('build', `wasm-${process.pid}`);
  /** @param {string} name */
  const fileOf = (name) => join(aside, `${name}.wasm`);

  // Without atomic operations in the sources, a shared memory makes no difference to the code, only to the declaration of the
  // memory: half of the compiler's time is saved. .ci/run lets the compiler make them too, and compares.
  const threaded = filesIn(path('assembly')).some((file) =>
    /\batomic\.|ASC_FEATURE_THREADS/.test(readFileSync(path('assembly', file), 'utf8')),
  );
  const derived = variants.filter(({ sharedMemory = false }) => sharedMemory && !threaded);
  const compiled = variants.filter((variant) => !derived.includes(variant));
  try {
    await inParallel(compiled, ({ name, config }) =>
      quietly(process.execPath, [
        path('node_modules/assemblyscript/bin/asc.js'),
        ...['--config', path(config), '--target', name, '--outFile', fileOf(name)],
      ]),
    );
    for (const { name, initialMemory = 1, maximumMemory = 65536 } of derived) {
      const bytes = readFileSync(fileOf(name.replace('-shared', '')));
      writeFileSync(fileOf(name), withSharedMemory(bytes, { initialMemory, maximumMemory }));
    }
    checkMemoryBases(variants.map(({ name, memoryBase }) => ({ name, base: memoryBase, file: fileOf(name) })));
    for (const { name, outFile } of variants) renameSync(fileOf(name), path(outFile));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  writeStamp({ wasm: key });
}

/** @param {string} key */
async function buildDist(key) {
  const { checkDist } = await import('./build-checks.mjs');
  const { document } = await import('./document.mjs');
  const { gather } = await import('./gather.mjs');
  const { shake } = await import('./shake.mjs');
  const { vendor } = await import('./vendor.mjs');
  const aside = path('build', `dist-${process.pid}`);
  try {
    await quietly(process.execPath, [
      path('node_modules/typescript/bin/tsc'),
      ...['-p', path('tsconfig.build.json'), '--outDir', aside],
    ]);
    // Whatever in src/ is not TypeScript (embedded data, templates) goes along as it is.
    for (const file of filesIn(path('src'))) {
      if (!file.endsWith('.ts')) cpSync(path('src', file), join(aside, file));
    }
    for (const { name, outFile } of variants) cpSync(path(outFile), join(aside, 'runtime', `${name}.wasm`));
    await document(aside, filesIn(aside));
    shake(aside, filesIn(aside));
    await vendor(aside, filesIn(aside));

    /** @type {import('./build-checks.mjs').Manifest} */
    const manifest = JSON.parse(readFileSync(path('package.json'), 'utf8'));
    await gather(aside, manifest);

    const files = filesIn(aside);
    checkDist(aside, path('src'), files, manifest);
    for (const file of Object.values(manifest.bin)) chmodSync(join(aside, file.replace('./dist/', '')), 0o755);

    rmSync(path('dist'), { recursive: true, force: true });
    renameSync(aside, path('dist'));
    writeStamp({ dist: key, files });
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/**
 * Waits until no other process builds, and builds. The folder is the lock, since making one is atomic.
 *
 * @param {() => Promise<void>} work
 */
async function locked(work) {
  const lock = path('build/lock');
  const ownerFile = join(lock, 'pid');
  mkdirSync(path('build'), { recursive: true });
  for (let waited = 0; !tryToMake(lock); waited += 100) {
    // A process that was killed while it built has left its lock behind, perhaps before it wrote its number.
    const owner = numberIn(ownerFile);
    const abandoned = owner === undefined ? waited > 5000 : !isAlive(owner);
    if (abandoned) rmSync(lock, { recursive: true, force: true });
    else await sleep(100);
  }
  try {
    writeFileSync(ownerFile, String(process.pid));
    await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** @param {string} file */
function numberIn(file) {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param {string} folder */
function tryToMake(folder) {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * Builds what is stale: the binaries and, unless `only` is 'wasm', dist/. `stage` prints a line around the work; without it
 * the build is silent.
 *
 * @param {{ only?: string | undefined, stage?: (name: string, work: () => Promise<void>) => Promise<void> }} options
 */
export async function build({ only, stage: show = (_name, work) => work() } = {}) {
  if (!existsSync(path('node_modules/assemblyscript'))) {
    throw new StageError('building needs the development dependencies: run npm ci');
  }
  const wantsDist = only !== 'wasm';
  const parts = [staleWasm() && 'the kernels', wantsDist && staleDist() && 'the library'].filter(Boolean);
  if (parts.length === 0) return;
  await show(`building ${parts.join(' and ')}`, () =>
    locked(async () => {
      // Asked again, because another process may have built it in the meantime.
      const wasm = staleWasm();
      if (wasm) await buildWasm(wasm);
      const dist = wantsDist ? staleDist() : undefined;
      if (dist) await buildDist(dist);
    }),
  );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await report(() => build({ only: process.argv[2], stage }));
}
