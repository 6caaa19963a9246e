/**
 * `node bench/demo.mjs`: runs the demonstration for seeds 0 to 4 and prints, as the README shows it, the median of each
 * figure. Takes about five minutes. `node bench/demo.mjs DIR` reads the reports of runs that are already in DIR/0 … DIR/4.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SEEDS = [0, 1, 2, 3, 4];
const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'fettle-'));
const main = fileURLToPath(new URL('../dist/node/cli/main.js', import.meta.url));

/** @typedef {import('../src/cli/report/report.js').Report} Report */

/** @type {Report[]} */
const reports = SEEDS.map((seed) => {
  const out = join(folder, String(seed));
  const file = join(out, 'report.json');
  if (!existsSync(file)) {
    const { status } = spawnSync(process.execPath, [main, 'demo', '--seed', String(seed), '--out', out], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) throw new Error(`the run with seed ${seed} failed`);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
});

/** @type {(values: number[]) => number} */
const median = (values) => /** @type {number} */ (values.sort((a, b) => a - b)[values.length >> 1]);

console.log('| network | test accuracy | parameters | nonzero | on disk | batch 1 | batch 64 |');
console.log('|---|---|---|---|---|---|---|');
for (const { name } of /** @type {Report} */ (reports[0]).variants) {
  const runs = reports.map(
    (report) => /** @type {Report['variants'][number]} */ (report.variants.find((v) => v.name === name)),
  );
  const accuracy = median(runs.map((v) => v.accuracy.test));
  const spread = runs.map((v) => v.accuracy.test).sort((a, b) => a - b);
  const range = `${(Number(spread[0]) * 100).toFixed(1)}–${(Number(spread.at(-1)) * 100).toFixed(1)}`;
  const cells = [
    name,
    `${(accuracy * 100).toFixed(2)} % (${range})`,
    median(runs.map((v) => v.parameters)).toLocaleString('en'),
    median(runs.map((v) => v.nonzero)).toLocaleString('en'),
    `${(median(runs.map((v) => v.bytes)) / 1000).toFixed(1)} kB`,
    `${median(runs.map((v) => v.latencyMs.batch1)).toFixed(3)} ms`,
    `${median(runs.map((v) => v.latencyMs.batch64)).toFixed(2)} ms`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
const seconds = median(reports.map((report) => report.seconds));
console.log(
  `\n${seconds.toFixed(0)} s a run; ${/** @type {Report} */ (reports[0]).device}, ${/** @type {Report} */ (reports[0]).runtime}`,
);
