/**
 * Gives the declarations of ops their documentation, so that an editor shows it: an op that a family makes has none of its own
 * in the sources, but a line in its sheet.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSheets } from './sheets.mjs';

/**
 * Rewrites declarations of the folder `dist` in place.
 *
 * @param {string} dist
 * @param {string[]} files  relative to it, with forward slashes
 */
export async function document(dist, files) {
  const sheets = await readSheets();
  for (const file of files.filter((name) => /^ops\/.*\.d\.ts$/.test(name))) {
    const text = readFileSync(join(dist, file), 'utf8');
    // A comment above the line may be the file's, which is not about this op.
    const documented = text.replace(/^export declare const (\w+):/gm, (line, name) => {
      const doc = sheets.get(name)?.doc;
      return doc === undefined ? line : `/** ${doc} */\n${line}`;
    });
    if (documented !== text) writeFileSync(join(dist, file), documented);
  }
}
