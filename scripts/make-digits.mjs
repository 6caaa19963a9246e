/**
 * Packs the handwritten digits into src/data/digits-packed.ts. data/README.md says what they are and where they are from.
 *
 *   node scripts/make-digits.mjs digits.csv
 *
 * The CSV has no header; a line is 64 pixels of 0 … 16, row by row, and the label.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './stages.mjs';

const [file] = process.argv.slice(2);
if (!file) {
  console.error('Which file? node scripts/make-digits.mjs digits.csv');
  process.exit(2);
}

const rows = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(',').map(Number));
for (const [i, row] of rows.entries()) {
  const right = row.length === 65 && row.every((v, k) => Number.isInteger(v) && v >= 0 && v <= (k < 64 ? 16 : 9));
  if (!right) throw new Error(`${file}:${i + 1}: expected 64 pixels of 0 … 16 and a label of 0 … 9`);
}
const labels = Uint8Array.from(rows, (row) => row[64] ?? 0);
const images = Uint8Array.from(rows.flatMap((row) => row.slice(0, 64)));

// The coder is the one that unpacks them, compiled on the way.
const { outputFiles } = await build({
  entryPoints: [join(root, 'src/data/digits-codec.ts')],
  bundle: true,
  format: 'esm',
  write: false,
});
/** @type {typeof import('../src/data/digits-codec.js')} */
const { codeDigits, encoder } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? '')}`);

const { code, finish } = encoder();
codeDigits(code, labels, images);
const text = Buffer.from(finish())
  .toString('base64')
  .replace(/.{120}/g, '$&\n');

writeFileSync(
  join(root, 'src/data/digits-packed.ts'),
  `// Made by scripts/make-digits.mjs. The data are from the UCI repository, CC BY 4.0: data/README.md has the credit.

/** How many images there are. */
export const COUNT = ${rows.length};

/** Labels and images as digits-codec.ts packs them, in base 64 with line breaks. */
export const PACKED = \`
${text}
\`;
`,
);
