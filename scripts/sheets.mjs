/** The data sheets of the ops, for the scripts that write documentation from them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './stages.mjs';

/**
 * What a script reads of a sheet; src/ops/sheet.ts has it all.
 *
 * @typedef {{ name: string, family: string, doc: string, dtypes: readonly string[], differentiable: readonly boolean[] }} Sheet
 */

/**
 * Every export of src/ops that has a sheet, by its name. The sources are bundled and run; no kernel is called, and no binary
 * is read.
 *
 * @returns {Promise<Map<string, Sheet>>}
 */
export async function readSheets() {
  const { build } = await import('esbuild');
  const file = join(root, 'build', `sheets-${process.pid}.mjs`);
  try {
    await build({
      entryPoints: [join(root, 'src/ops/index.ts')],
      outfile: file,
      bundle: true,
      format: 'esm',
      platform: 'node',
      alias: { '#binary': join(root, 'src/runtime/binary.node.ts') },
      logLevel: 'error',
    });
    /** @type {Record<string, unknown>} */
    const ops = await import(pathToFileURL(file).href);
    /** @type {Map<string, Sheet>} */
    const sheets = new Map();
    for (const [name, value] of Object.entries(ops)) {
      if (typeof value === 'function' && 'op' in value) sheets.set(name, /** @type {Sheet} */ (value.op));
    }
    return sheets;
  } finally {
    rmSync(file, { force: true });
  }
}
