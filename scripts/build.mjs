/**
 * Builds what is stale: the WebAssembly binaries from assembly/ (scripts/parts.mjs names them), and dist/ from src/, one
 * ECMAScript module and one declaration for each source module. What was built from which contents stands in
 * build/stamp.json; both outputs are made aside and moved into place, so that an interrupted build leaves no half of one.
 *
 *   node scripts/build.mjs          everything that is stale
 *   node scripts/build.mjs wasm     the binaries alone
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
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
import { Worker } from 'node:worker_threads';
import { jobs, sourcesOf } from './parts.mjs';
import { quietly, report, root, StageError, stage } from './stages.mjs';

/** @type {(...parts: string[]) => string} */
const path = (...parts) => join(root, ...parts);

/**
 * Hashes of the contents that the outputs were built from, and the files of dist/.
 *
 * @typedef {{ wasm?: Record<string, string>, dist?: string, files?: string[] }} Stamp
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

/** @param {string} name */
const binary = (name) => path('build', `${name}.wasm`);

/** The files that come of a job: where the code is the same on a memory that threads share, that binary is derived from it. */
const outputsOf = (/** @type {import('./parts.mjs').Job} */ { name, target }) =>
  target === 'pool' ? [name] : [name, `${name}-shared`];

/** What still has to be compiled to WebAssembly, each with the hash of what it is compiled from. */
function staleWasm() {
  const { wasm = {} } = readStamp();
  const tools = ['asconfig.json', 'node_modules/assemblyscript/package.json'];
  const scripts = ['parts', 'compile', 'wasm'].map((name) => `scripts/${name}.mjs`);
  return jobs
    .map((job) => ({ job, key: fingerprint(...sourcesOf(job.entry), ...tools, ...scripts) }))
    .filter(({ job, key }) => wasm[job.name] !== key || !outputsOf(job).every((name) => existsSync(binary(name))));
}

/** The same for dist/. The lockfile stands for the compiler and for the packages that are inlined. */
function staleDist() {
  const inputs = ['src', 'assembly', 'asconfig.json', 'scripts', 'tsconfig.json', 'tsconfig.build.json'];
  const key = fingerprint(...inputs, 'package.json', 'package-lock.json');
  const { dist, files = [] } = readStamp();
  return dist === key && files.every((file) => existsSync(path('dist', file))) ? undefined : key;
}

/**
 * Compiles binaries into a folder, on as many threads as there are cores.
 *
 * @param {import('./parts.mjs').Job[]} wanted
 * @param {string} folder  relative to the repository
 */
async function compile(wanted, folder) {
  // The largest first, so that no thread is left alone with one at the end: the list has it before all others.
  const queue = [...wanted];
  const serve = async () => {
    const worker = new Worker(path('scripts/compile.mjs'));
    try {
      for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
        worker.postMessage({ job, outFile: `${folder}/${job.name}.wasm` });
        const [failure] = await once(worker, 'message');
        if (failure !== null) throw new StageError(`cannot compile ${job.name}`, failure);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), queue.length) }, serve));
}

/** @param {{ job: import('./parts.mjs').Job, key: string }[]} stale */
async function buildWasm(stale) {
  const { checkData } = await import('./build-checks.mjs');
  const { withSharedMemory } = await import('./wasm.mjs');
  /** @type {{ targets: Record<string, { initialMemory?: number, maximumMemory?: number }> }} */
  const { targets } = JSON.parse(readFileSync(path('asconfig.json'), 'utf8'));
  const folder = `build/wasm-${process.pid}`;
  /** @param {string} name */
  const made = (name) => path(folder, `${name}.wasm`);

  // Without atomic operations in the sources, a shared memory makes no difference to the code, only to the declaration of the
  // memory: half of the compiler's time is saved. .ci/run lets the compiler make them too, and compares. What names atomic
  // operations stands apart in assembly/pool/, and is there for a shared memory alone.
  const threaded = filesIn(path('assembly')).some(
    (file) =>
      !file.startsWith('pool/') && /\batomic\.|ASC_FEATURE_THREADS/.test(readFileSync(path('assembly', file), 'utf8')),
  );
  if (threaded) throw new StageError('the sources name atomic operations: the shared binaries have to be compiled');
  try {
    const wanted = stale.map(({ job }) => job);
    await compile(wanted, folder);
    checkData(wanted.map((job) => ({ ...job, file: made(job.name) })));
    for (const { job, key } of stale) {
      const [name, shared] = outputsOf(job);
      if (shared !== undefined) {
        const { initialMemory = 1, maximumMemory = 65536 } = targets[`${job.target}-shared`] ?? targets.pool ?? {};
        writeFileSync(made(shared), withSharedMemory(readFileSync(made(job.name)), { initialMemory, maximumMemory }));
      }
      for (const output of outputsOf(job)) renameSync(made(output), binary(output));
      writeStamp({ wasm: { ...readStamp().wasm, [String(name)]: key } });
    }
  } finally {
    rmSync(path(folder), { recursive: true, force: true });
  }
}

/** Bundles what the threads of tests run, from the source tree. */
export async function buildWorkers() {
  const { bundleWorkers } = await import('./workers.mjs');
  await bundleWorkers(filesIn(path('src')));
}

/** @param {string} key */
async function buildDist(key) {
  const { writeBinaries } = await import('./binary.mjs');
  const { checkDist } = await import('./build-checks.mjs');
  const { document } = await import('./document.mjs');
  const { gather } = await import('./gather.mjs');
  const { writeJsr } = await import('./jsr.mjs');
  const { shake } = await import('./shake.mjs');
  const { writeSingle } = await import('./single.mjs');
  const { workerModules } = await import('./workers.mjs');
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
    for (const name of jobs.flatMap(outputsOf)) cpSync(binary(name), join(aside, 'runtime', `${name}.wasm`));
    writeBinaries(aside);
    await document(aside, filesIn(aside));
    shake(aside, filesIn(aside));
    await vendor(aside, filesIn(aside));

    /** @type {import('./build-checks.mjs').Manifest} */
    const manifest = JSON.parse(readFileSync(path('package.json'), 'utf8'));
    const threads = workerModules(aside, filesIn(aside));
    await gather(aside, threads, manifest);
    await writeSingle(aside, threads);
    writeJsr(aside, filesIn(aside));

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
  const stale = [staleWasm().length > 0 && 'the kernels', wantsDist && staleDist() && 'the library'].filter(Boolean);
  if (stale.length === 0) return;
  await show(`building ${stale.join(' and ')}`, () =>
    locked(async () => {
      // Asked again, because another process may have built it in the meantime.
      const wasm = staleWasm();
      if (wasm.length > 0) await buildWasm(wasm);
      const dist = wantsDist ? staleDist() : undefined;
      if (dist) await buildDist(dist);
    }),
  );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await report(() => build({ only: process.argv[2], stage }));
}
