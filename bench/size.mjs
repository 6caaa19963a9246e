/**
 * `node bench/size.mjs`: what fettle weighs and what starting it costs, against the last release, whose figures stand in
 * bench/results/size.json. Bytes must not grow by more than SLACK without somebody saying so; times and memory are shown, and
 * depend on the machine.
 *
 *   --check   ends with 1 where bytes have grown too much; fewer processes
 *   --save    writes the figures down: with a release, or with a change that is worth its bytes
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bundles, root } from './size/bundles.mjs';
import { binaries, exported, packed } from './size/files.mjs';
import { starts } from './size/starts.mjs';

/** @typedef {{ name: string, value: number, unit: string, note?: string }} Figure */

/** By how much bytes may grow: compressors differ a little from one version of Node to the next. */
const SLACK = 0.02;

const { values } = parseArgs({
  options: { check: { type: 'boolean' }, save: { type: 'boolean' } },
});
const file = `${root}bench/results/size.json`;

/** @type {{ release: string, figures: Record<string, number> }} */
const last = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { release: 'none', figures: {} };
const weighed = [...packed(), ...(await bundles()), ...binaries(), ...(await exported())];
/** @type {Figure[]} */
const figures = [...weighed, ...starts(values.check ? 5 : 20)];

/** @type {(figure: Figure, value: number) => string} */
const shown = ({ unit }, value) =>
  unit === 'bytes' ? `${(value / 1000).toFixed(1)} kB` : `${value.toFixed(1)} ${unit}`;

const problems = [];
console.log(`${''.padEnd(26)} ${'now'.padStart(10)} ${last.release.padStart(10)}  change`);
for (const figure of figures) {
  const { name, value, unit, note = '' } = figure;
  const before = last.figures[name];
  const change = before === undefined ? NaN : value / before - 1;
  const tells = Number.isNaN(change) ? 'new' : `${change < 0 ? '−' : '+'}${(100 * Math.abs(change)).toFixed(1)} %`;
  const row = [name.padEnd(26), shown(figure, value).padStart(10), before === undefined ? '' : shown(figure, before)];
  console.log(`${row[0]} ${row[1]} ${String(row[2]).padStart(10)}  ${tells.padStart(7)}  ${note}`.trimEnd());
  if (unit !== 'bytes') continue;
  if (before === undefined) problems.push(`${name} is not in bench/results/size.json`);
  else if (change > SLACK) problems.push(`${name} has grown by ${value - before} bytes, ${tells}`);
}
for (const name of Object.keys(last.figures)) {
  if (!figures.some((figure) => figure.name === name)) problems.push(`${name} is no longer measured`);
}

if (values.save) {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const rounded = figures.map(({ name, value, unit }) => [name, unit === 'bytes' ? value : Number(value.toFixed(1))]);
  const written = { release: version, node: process.version, figures: Object.fromEntries(rounded) };
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`);
} else if (problems.length > 0) {
  console.error(`\n${problems.join('\n')}\nIf that is worth it: node bench/size.mjs --save`);
  if (values.check) process.exitCode = 1;
}
