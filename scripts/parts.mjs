/**
 * The binary comes in parts, so that a program carries and starts only the kernels that its ops name. assembly/parts/ lists
 * what each part exports. A part is compiled for each arithmetic; the same code on a memory that threads share makes two more.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { root } from './stages.mjs';

const list = readFileSync(join(root, 'src/runtime/binary.node.ts'), 'utf8');

/** In this order they have their places in the function table and in memory. */
export const parts = [...list.matchAll(/^export const (\w+) = .* part\(/gm)].map(([, name = '']) => name);

export const arithmetics = ['strict', 'relaxed'];

/** The four binaries of a part. */
export const variants = [...arithmetics, ...arithmetics.map((name) => `${name}-shared`)];

/** Bytes that a binary has for its static data. */
export const DATA_ROOM = 4096;

/**
 * A binary to be compiled.
 *
 * @typedef {object} Job
 * @property {string} name    of the file, without its extension
 * @property {string} entry   relative to the repository
 * @property {string} target  of asconfig.json
 * @property {number} base    where its static data begins in the memory that all share
 */

/**
 * All that is compiled: every part in both arithmetics, the binary with the few kernels that stand in for theirs, and what shares
 * launches among threads.
 *
 * @type {Job[]}
 */
export const jobs = [
  ...parts.flatMap((part, i) =>
    arithmetics.map((target, j) => ({
      name: `${part}.${target}`,
      entry: `assembly/parts/${part}.ts`,
      target,
      base: DATA_ROOM * (1 + 2 * i + j),
    })),
  ),
  { name: 'turbo', entry: 'assembly/turbo/index.ts', target: 'turbo', base: DATA_ROOM * (1 + 2 * parts.length) },
  { name: 'pool', entry: 'assembly/pool/index.ts', target: 'pool', base: DATA_ROOM * (2 + 2 * parts.length) },
];

/**
 * The files that a binary is compiled from: its entry and whatever that imports.
 *
 * @param {string} entry  relative to the repository, as are the results
 * @param {Set<string>} [found]
 * @returns {Set<string>}
 */
export function sourcesOf(entry, found = new Set()) {
  if (found.has(entry)) return found;
  found.add(entry);
  for (const [, from = ''] of readFileSync(join(root, entry), 'utf8').matchAll(/ from '(\.[^']*)';/g)) {
    sourcesOf(`${posix.join(posix.dirname(entry), from)}.ts`, found);
  }
  return found;
}

/**
 * What asc is told to compile a job.
 *
 * @param {Job} job
 * @param {string} outFile  relative to the repository
 */
export function argumentsOf({ entry, target, base }, outFile) {
  return [entry, '--baseDir', root, '--target', target, '--memoryBase', String(base), '--outFile', outFile];
}
