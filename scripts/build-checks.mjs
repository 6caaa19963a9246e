/** What must hold of a build before it replaces the last one. */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { importsOf } from './imports.mjs';
import { StageError } from './stages.mjs';
import { endOfData } from './wasm.mjs';

/**
 * What package.json says about files.
 *
 * @typedef {{ exports: Record<string, string | { default: string }>, imports: unknown, types: string, bin: Record<string, string> }} Manifest
 */

/** The heap begins after the first page of memory; src/runtime/module.ts says so too. */
const HEAP_START = 65536;

/** @param {string[]} problems */
function throwIfAny(problems) {
  if (problems.length > 0) throw new StageError(`the build has ${problems.length} problems`, problems.join('\n'));
}

/**
 * The binaries may share one memory, so the static data of each must end before that of the next begins, and all of it
 * before the heap.
 *
 * @param {{ name: string, base: number, file: string }[]} binaries
 */
export function checkMemoryBases(binaries) {
  const bases = [...binaries.map(({ base }) => base), HEAP_START];
  throwIfAny(
    binaries.flatMap(({ name, base, file }) => {
      const limit = Math.min(...bases.filter((other) => other > base));
      const end = endOfData(readFileSync(file));
      return end > limit
        ? [`${name}: static data ends at ${end}, past ${limit}: move memoryBase in asconfig.json`]
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
    if (file !== target && !present.has(file)) problems.push(`package.json names ${target}, which is not there`);
  }

  const own = files.filter((name) => name.endsWith('.js') && !/^(vendor|node)\//.test(name));
  for (const file of own) {
    const source = readFileSync(join(src, file.replace(/\.js$/, '.ts')), 'utf8');
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
