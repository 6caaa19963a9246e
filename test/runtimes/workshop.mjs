/** A folder to try the package in, as it would be published, and the runtimes and bundlers to try it with. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
export const root = fileURLToPath(new URL('../..', import.meta.url));
/** Runtimes and bundlers stay here from one run to the next: some of them are large. */
const tools = join(root, 'build/runtimes');

/** What a program may take before it is ended, and taken for hung. */
const PATIENCE = 900_000;

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string> }} [options]
 * @returns {Promise<{ code: number | null, output: string }>}  what it printed, on both streams
 */
export function run(command, args, { cwd = root, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const slow = setTimeout(() => {
      output += `\nstill running after ${PATIENCE / 1000} s`;
      child.kill('SIGKILL');
    }, PATIENCE);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => {
      clearTimeout(slow);
      resolve({ code, output });
    });
  });
}

/**
 * Runs a program that must succeed.
 *
 * @type {typeof run}
 */
export async function must(command, args, options) {
  const ended = await run(command, args, options);
  if (ended.code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${ended.code}:\n${ended.output.slice(-3000)}`);
  return ended;
}

/**
 * Installs packages of the registry into a folder of their own.
 *
 * @param {string} name
 * @param {Record<string, string>} packages  versions by name
 * @returns {Promise<string>} the folder
 */
export async function tool(name, packages) {
  const folder = join(tools, name);
  const wanted = JSON.stringify({ private: true, dependencies: packages });
  const manifest = join(folder, 'package.json');
  const note = join(folder, 'installed');
  if (existsSync(note) && readFileSync(note, 'utf8') === wanted) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(manifest, wanted);
  await must('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-package-lock']);
  writeFileSync(note, wanted);
  return folder;
}

/** The folder in which the package is installed from its tarball, beside the programs. */
export class Workshop {
  tarball = '';
  folder = mkdtempSync(join(tmpdir(), 'fettle-runtimes-'));

  /** Packs the package and installs it. */
  async open() {
    const { output } = await must('npm', ['pack', '--silent', '--pack-destination', this.folder]);
    const tarball = readdirSync(this.folder).find((name) => name.endsWith('.tgz'));
    if (tarball === undefined) throw new Error(`npm pack left no package: ${output}`);
    this.tarball = this.path(tarball);
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
    await must('npm', ['install', '--no-audit', '--no-fund', '--offline', `./${tarball}`], { cwd: this.folder });
    cpSync(join(here, 'programs'), this.folder, { recursive: true });
    await must(process.execPath, ['export.mjs'], { cwd: this.folder });
  }

  /** @param {string[]} names */
  path(...names) {
    return join(this.folder, ...names);
  }

  close() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * What a program of programs/ printed for the table.
 *
 * @param {{ code: number | null, output: string }} ended
 * @returns {Record<string, string>}
 */
export function resultsOf({ code, output }) {
  const line = /^RESULTS (.*)$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`no results, ended with ${code}:\n${output.slice(-3000)}`);
  const results = JSON.parse(line);
  if (code !== 0) throw new Error(`ended with ${code} after its results:\n${output.slice(-3000)}`);
  return results;
}
