/**
 * `npm run test:runtimes`: packs the package, installs it into a clean folder, and runs the same checks in every runtime and
 * through every bundler; prints a table, runtime × check, and ends with 1 where one failed.
 *
 *   --only node,bun    those whose names begin so        --json    prints the results as JSON
 */
import { parseArgs } from 'node:util';
import { browsers } from './browsers.mjs';
import { bundlers } from './bundlers.mjs';
import { edges } from './edges.mjs';
import { manifests } from './manifests.mjs';
import { servers } from './servers.mjs';
import { stories } from './stories.mjs';
import { Workshop } from './workshop.mjs';

/**
 * A place where the package has to work.
 *
 * @typedef {object} Target
 * @property {string} name
 * @property {(shop: Workshop) => Promise<Record<string, string>>} run   gives what went wrong, by check
 */

const targets = [...manifests, ...servers, ...browsers, ...edges, ...bundlers, ...stories];

function readOptions() {
  try {
    const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'boolean', default: false } } });
    const only = values.only?.toLowerCase().split(',');
    const chosen = targets.filter(({ name }) => only?.some((start) => name.toLowerCase().startsWith(start)) ?? true);
    if (chosen.length === 0)
      throw new Error(`--only ${values.only} names none of ${targets.map(({ name }) => name).join(', ')}.`);
    return { chosen, json: values.json };
  } catch (error) {
    console.error(/** @type {Error} */ (error).message);
    return process.exit(2);
  }
}

/** @param {{ name: string, results: Record<string, string> }[]} rows */
function table(rows) {
  const checks = [...new Set(rows.flatMap(({ results }) => Object.keys(results)))].filter((check) => check !== 'start');
  const width = Math.max(...rows.map(({ name }) => name.length));
  const cell = (/** @type {string | undefined} */ wrong) => (wrong === undefined ? '–' : wrong === '' ? '✓' : '✗');
  return [
    `${' '.repeat(width)}  ${checks.join('  ')}`,
    ...rows.map(({ name, results }) => {
      const marks = checks.map((check) => cell(results.start ? results.start : results[check]).padEnd(check.length));
      return `${name.padEnd(width)}  ${marks.join('  ')}`.trimEnd();
    }),
  ].join('\n');
}

const { chosen, json } = readOptions();
const shop = new Workshop();
/** @type {{ name: string, results: Record<string, string> }[]} */
const rows = [];
try {
  await shop.open();
  for (const { name, run } of chosen) {
    const began = performance.now();
    // What keeps the program from starting at all stands in the place of all checks.
    const results = await run(shop).catch((error) => ({ start: /** @type {Error} */ (error).message }));
    rows.push({ name, results });
    if (!json) console.log(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
} finally {
  shop.close();
}

const failures = rows.flatMap(({ name, results }) =>
  Object.entries(results).flatMap(([check, wrong]) => (wrong === '' ? [] : [`${name}, ${check}: ${wrong}`])),
);
console.log(json ? JSON.stringify(rows) : `\n${table(rows)}\n`);
for (const failure of failures) console.error(failure);
process.exitCode = failures.length === 0 ? 0 : 1;
