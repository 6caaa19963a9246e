/**
 * Keeps assembly/parts/, the lists of what the parts of the binary export, in step with the kernels: the exported functions of
 * assembly/ that have the signature of one. Which part a kernel belongs to is decided in the lists, by hand. Run this after a
 * kernel has come or gone: a new one joins those of its file, and one of a new file is asked for.
 *
 *   node scripts/list-kernels.mjs
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { report, root, StageError } from './stages.mjs';

const folder = join(root, 'assembly');
const lists = join(folder, 'parts');

/** @param {string} file */
const read = (file) => readFileSync(file, 'utf8');

/** The kernels of each file, in the order in which they stand there. */
function kernels() {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));
  return new Map(
    files.sort().map((file) => {
      const found = read(join(folder, file)).matchAll(
        /^export function (\w+)\(r: usize, begin: i32, end: i32\): void/gm,
      );
      return [file.slice(0, -3), [...found].map(([, name = '']) => name)];
    }),
  );
}

/**
 * The text that each list must have. Throws where a kernel stands in several, or where its part cannot be told.
 *
 * @returns {Map<string, string>} by the part
 */
export function listKernels() {
  const parts = readdirSync(lists).map((file) => ({ part: file.slice(0, -3), text: read(join(lists, file)) }));
  const problems = [];
  /** @type {Map<string, string[]>} */
  const lines = new Map(parts.map(({ part }) => [part, []]));
  for (const [file, names] of kernels()) {
    const of = new Map(parts.map(({ part, text }) => [part, listed(text, file)]));
    const home = [...of].filter(([, own]) => own.length > 0).map(([part]) => part);
    /** @type {Map<string, string[]>} */
    const shares = new Map();
    for (const name of names) {
      const found = home.filter((part) => of.get(part)?.includes(name));
      const [part] = found.length > 0 ? found : home;
      if (found.length > 1 || (found.length === 0 && home.length !== 1) || part === undefined) {
        problems.push(`${name} of assembly/${file}.ts stands in ${found.length} lists: it belongs into one`);
      } else shares.set(part, [...(shares.get(part) ?? []), name]);
    }
    for (const [part, own] of shares) lines.get(part)?.push(exportOf(own, `'../${file}'`));
  }
  if (problems.length > 0) throw new StageError('assembly/parts/ has to be mended by hand', problems.join('\n'));
  return new Map(
    parts.map(({ part, text }) => {
      const head = text.slice(0, text.indexOf('export'));
      const replay = text.match(/^export .* from '\.\.\/launch';\n/m)?.[0] ?? '';
      return [part, `${head}${replay}${lines.get(part)?.join('\n')}\n`];
    }),
  );
}

/**
 * What a list takes from a file.
 *
 * @param {string} text
 * @param {string} file
 */
function listed(text, file) {
  const [, names = ''] = text.match(new RegExp(`export \\{([^}]*)\\} from '\\.\\./${file}';`)) ?? [];
  return names.split(',').flatMap((name) => name.trim() || []);
}

/**
 * @param {string[]} names
 * @param {string} from
 */
function exportOf(names, from) {
  const line = `export { ${names.join(', ')} } from ${from};`;
  return line.length <= 120 ? line : `export {\n${names.map((name) => `  ${name},\n`).join('')}} from ${from};`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await report(async () => {
    for (const [part, text] of listKernels()) writeFileSync(join(lists, `${part}.ts`), text);
  });
}
