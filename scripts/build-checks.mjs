/** What must hold of a build before it replaces the last one. */
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { importsOf } from './imports.mjs';
import { DATA_ROOM } from './parts.mjs';
import { StageError } from './stages.mjs';
import { endOfData } from './wasm.mjs';

/**
 * What package.json says about files.
 *
 * @typedef {{ exports: Record<string, string | { default: string, node?: string }>, imports: unknown, types: string, bin: Record<string, string> }} Manifest
 */

/** @param {string[]} problems */
function throwIfAny(problems) {
  if (problems.length > 0) throw new StageError(`the build has ${problems.length} problems`, problems.join('\n'));
}

/**
 * All binaries may work on one memory, where each has room for its static data, so the data of none may be longer.
 *
 * @param {{ name: string, base: number, file: string }[]} binaries
 */
export function checkData(binaries) {
  throwIfAny(
    binaries.flatMap(({ name, base, file }) => {
      const end = endOfData(readFileSync(file));
      return end > base + DATA_ROOM
        ? [`${name}: ${end - base} bytes of static data, and there is room for ${DATA_ROOM} (scripts/parts.mjs)`]
        : [];
    }),
  );
}

/**
 * dist/ must stand on its own: each module imports only its neighbours, what the runtime has built in, and `#binary`; no
 * declaration names a package; every file that package.json names is there; and what tells bundlers that a call has no
 * effects has survived.
 *
 * @param {string} dist
 * @param {string} src
 * @param {string[]} files  of dist/, relative to it, with forward slashes
 * @param {Manifest} manifest
 */
export function checkDist(dist, src, files, manifest) {
  const present = new Set(files);
  const problems = [];

  for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
    const declares = file.endsWith('.d.ts');
    for (const { from } of importsOf(file, readFileSync(join(dist, file), 'utf8'))) {
      if (from.startsWith('.')) {
        const target = posix.join(posix.dirname(file), declares ? from.replace(/\.js$/, '.d.ts') : from);
        if (!present.has(target)) problems.push(`dist/${file} imports ${from}, which is not there`);
      } else if (!from.startsWith('node:') && from !== '#binary') {
        problems.push(
          `dist/${file} imports ${from}, which is not shipped${declares ? ': a public type names it' : ''}`,
        );
      }
    }
  }

  for (const target of pathsIn([manifest.exports, manifest.imports, manifest.bin, manifest.types])) {
    const file = target.replace('./dist/', '');
    // A star stands for the files of all names.
    const [start = '', end] = file.split('*');
    const isThere =
      end === undefined ? present.has(file) : [...present].some((name) => name.startsWith(start) && name.endsWith(end));
    if (file !== target && !isThere) problems.push(`package.json names ${target}, which is not there`);
  }

  // What has no source is written by the build itself.
  const sourceOf = (/** @type {string} */ file) => join(src, file.replace(/\.js$/, '.ts'));
  const own = files.filter(
    (name) => name.endsWith('.js') && !/^(vendor|node)\//.test(name) && existsSync(sourceOf(name)),
  );
  for (const file of own) {
    const source = readFileSync(sourceOf(file), 'utf8');
    const kept = annotations(readFileSync(join(dist, file), 'utf8'));
    if (kept < annotations(source)) {
      problems.push(`dist/${file} has ${kept} of the ${annotations(source)} annotations that its source has`);
    }
  }
  throwIfAny(problems);
}

/** @param {string} text */
const annotations = (text) => text.match(/\/[/*]\s*[@#]__(PURE|NO_SIDE_EFFECTS)__/g)?.length ?? 0;

/**
 * Every path in a value made of objects and strings.
 *
 * @param {unknown} value
 * @returns {string[]}
 */
function pathsIn(value) {
  if (typeof value === 'string') return [value];
  return value && typeof value === 'object' ? Object.values(value).flatMap(pathsIn) : [];
}
