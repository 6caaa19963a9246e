/** The stages that `npm start` and `npm test` share: each is one line on the terminal, and does only what is missing. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Says what failed, and holds what the failing command printed. */
export class StageError extends Error {
  /**
   * @param {string} message
   * @param {string} log
   */
  constructor(message, log = '') {
    super(message);
    this.log = log;
  }
}

/**
 * Exits with one line on a Node that is too old.
 *
 * @param {string} who
 * @param {number} wantedMajor
 * @param {number} wantedMinor
 */
export function needNode(who, wantedMajor, wantedMinor) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  const wanted = `${wantedMajor}.${wantedMinor}`;
  console.error(
    `${who} needs Node ${wanted} or newer, and this is Node ${process.versions.node}. Get one at nodejs.org.`,
  );
  process.exit(1);
}

/**
 * Prints "name … 12 s" around some work. The line goes to the error stream, which leaves standard output to the command
 * that is started, `--json` included.
 *
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 */
export async function stage(name, work) {
  const began = performance.now();
  process.stderr.write(`${name} … `);
  try {
    const result = await work();
    const seconds = (performance.now() - began) / 1000;
    process.stderr.write(`${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} s\n`);
    return result;
  } catch (error) {
    process.stderr.write('failed\n');
    throw error;
  }
}

/**
 * Runs a command silently; when it fails, throws with what it printed.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ shell?: boolean }} options
 * @returns {Promise<void>}
 */
export function quietly(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let log = '';
    // Both streams in the order in which they arrive, as a terminal would show them.
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        log += text;
      });
    }
    const name = [command, ...args].join(' ');
    child.on('error', (error) => reject(new StageError(`cannot run ${name}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new StageError(`${name} ended with ${signal ?? `exit code ${code}`}`, log.trimEnd()));
    });
  });
}

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} LockedPackages */

/** Whether node_modules holds what package-lock.json asks for; npm leaves a lockfile of its own in there. */
function installed() {
  /** @type {LockedPackages} */
  let present;
  try {
    present = JSON.parse(readFileSync(`${root}node_modules/.package-lock.json`, 'utf8')).packages;
  } catch {
    return false;
  }
  /** @type {LockedPackages} */
  const { '': _root, ...wanted } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = present[path];
    // Optional packages are those of other platforms, and are rightly absent.
    return found ? found.version === version && found.integrity === integrity : optional === true;
  });
}

/** `npm ci`, where it is needed. The package's own `prepare` script stays out of it: building is a stage of its own. */
export async function install() {
  if (installed()) return;
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  // Under `npm start` this is the npm that was called; on Windows npm is a shell script.
  const npm = process.env.npm_execpath;
  await stage('installing', () =>
    npm?.endsWith('npm-cli.js')
      ? quietly(process.execPath, [npm, ...args])
      : quietly('npm', args, { shell: process.platform === 'win32' }),
  );
}

/**
 * Runs `main`; when one of its stages fails, prints its log and what failed, and exits with 1.
 *
 * @param {() => Promise<void>} main
 */
export async function report(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof StageError)) throw error;
    // Some tools say what is wrong first and then much else, others do it the other way round.
    const lines = error.log.split('\n');
    if (lines.length > 50) lines.splice(20, lines.length - 50, `(${lines.length - 50} lines left out)`);
    if (error.log !== '') console.error(lines.join('\n'));
    console.error(error.message);
    process.exitCode = 1;
  }
}
