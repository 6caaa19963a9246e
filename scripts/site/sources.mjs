/**
 * The sources as typedoc shall read them: a copy of src/ in which constants that are functions say so, since ops are made by
 * families and typedoc would show them as variables, and in which entry points have their names. Every addition stays on its
 * line, so that "Defined in" tells the true place.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../stages.mjs';

/**
 * Marks each constant that is exported; typedoc asks the compiler whether it can be called. A comment of its own is right above.
 *
 * @type {(text: string) => string}
 */
const markFunctions = (text) =>
  text.replace(/^(.*)\*\/\n(?=export const )|^(?=export const )/gm, (_, above) =>
    above === undefined ? '/** @function */ ' : `${above} @function */\n`,
  );

const FILE_COMMENT = /^\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\n/m;

/**
 * A comment with an empty line behind it is about the file, and not about what comes next: it is said at the beginning, where
 * typedoc looks for what it tells of a namespace.
 *
 * @type {(text: string) => string}
 */
function aboutFile(text) {
  const about = FILE_COMMENT.exec(text)?.[1];
  if (about === undefined) return text;
  const sentence = about.replace(/\s*\n \* ?/g, ' ').trim();
  return `/** ${sentence} @module */ ${text.replace(FILE_COMMENT, (comment) => comment.replace('/**', '/*'))}`;
}

/**
 * Gives an entry point its name.
 *
 * @param {string} text
 * @param {string} name  'fettle/nn'
 */
function nameModule(text, name) {
  const about = /^\/\*\*([\s\S]*?)\*\//.exec(text);
  const doc = (about?.[1] ?? '').replace(new RegExp(`^[\\s*]*${name}:\\s*`), '').trim();
  const sentence = doc === '' ? '' : doc[0]?.toUpperCase() + doc.slice(1);
  return `/** ${sentence} @module ${name} */${about === null ? '\n' : ''}${text.slice(about?.[0].length ?? 0)}`;
}

/**
 * Writes the copy and a tsconfig.json beside it.
 *
 * @param {string} folder  is emptied
 * @param {Record<string, string>} entries  the file of each entry point, relative to the repository, by its name
 */
export function copySources(folder, entries) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true });
  const named = new Map(Object.entries(entries).map(([name, file]) => [file, name]));
  for (const path of readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })) {
    const file = `src/${path.replaceAll('\\', '/')}`;
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    const name = named.get(file);
    const kept = name === undefined ? aboutFile(text) : nameModule(text, name);
    writeFileSync(join(folder, file), /^src\/(ops\/|tensor\.ts$)/.test(file) ? markFunctions(kept) : kept);
  }
  const tsconfig = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { paths: { '#binary': ['./src/runtime/binary.node.ts'] }, incremental: false },
    include: ['src'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
}
