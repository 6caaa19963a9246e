/**
 * Writes assembly/index.ts, the list of what the binary exports: every exported function of assembly/ that has the signature
 * of a kernel. Run it after a kernel has come or gone.
 *
 *   node scripts/list-kernels.mjs
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './stages.mjs';

const folder = join(root, 'assembly');

const HEAD = `/**
 * The ABI on one page: every kernel of the binary. A kernel computes the work items [begin, end) of a launch record; see
 * launch.ts for the record, and the kernel's own file for its slots.
 */
export { replay, setScratch, takeRefusal } from './launch';
`;

/** The text that assembly/index.ts must have. */
export function listKernels() {
  const lines = readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && file !== 'index.ts')
    .sort()
    .flatMap((file) => {
      const source = readFileSync(join(folder, file), 'utf8');
      const names = [...source.matchAll(/^export function (\w+)\(r: usize, begin: i32, end: i32\): void/gm)].map(
        ([, name]) => name,
      );
      return names.length === 0 ? [] : [exportOf(names, `'./${file.slice(0, -3)}'`)];
    });
  return `${HEAD}${lines.join('\n')}\n`;
}

/**
 * @param {(string | undefined)[]} names
 * @param {string} from
 */
function exportOf(names, from) {
  const line = `export { ${names.join(', ')} } from ${from};`;
  return line.length <= 120 ? line : `export {\n${names.map((name) => `  ${name},\n`).join('')}} from ${from};`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(join(folder, 'index.ts'), listKernels());
}
