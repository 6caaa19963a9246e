/**
 * `npm run papers`: repeats experiments of papers on MNIST, each within its budget of minutes, and prints the paper's figures
 * against ours; writes bench/results/papers.json. MNIST is read from ../shared/data/mnist.
 *
 *   --only hinton2015,snip   some of the papers        --seeds 3      the median of so many runs. Default 1
 *   --minutes 5              of processor time, each run --data DIR     MNIST's IDX files, gzipped or not
 *
 * A paper is a file of this folder that exports `title`, `minutes` (its budget) and `run`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadMnist } from './data.mjs';
import { summarize, table } from './table.mjs';

/**
 * @typedef {object} Task
 * @property {number} seed
 * @property {import('./data.mjs').Mnist} data
 * @property {number} minutes
 * @property {(line: string) => void} log
 *
 * @typedef {{ name: string, title: string, minutes: number, run(task: Task): import('./table.mjs').Row[] | Promise<import('./table.mjs').Row[]> }} Paper
 */

/** What stands in this folder and is no paper. */
const OTHERS = new Set(['data', 'nets', 'run', 'table', 'training']);
const RESULTS = fileURLToPath(new URL('../results/papers.json', import.meta.url));

const known = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .filter((name) => !OTHERS.has(name))
  .sort();

/**
 * @param {string} line
 * @returns {never}
 */
function refuse(line) {
  console.error(line);
  process.exit(2);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', default: known.join(',') },
        seeds: { type: 'string', default: '1' },
        minutes: { type: 'string' },
        data: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    return refuse(`${/** @type {Error} */ (error).message} Options: --only, --seeds, --minutes, --data.`);
  }
}

const options = readOptions();
const wanted = options.only.split(',').filter((name) => name !== '');
for (const name of wanted)
  if (!known.includes(name)) refuse(`there is no paper '${name}'. There are: ${known.join(', ')}.`);
const seeds = Number(options.seeds);
if (!Number.isInteger(seeds) || seeds < 1) refuse(`--seeds must be a whole number ≥ 1, got ${options.seeds}.`);
const limit = options.minutes === undefined ? undefined : Number(options.minutes);
if (limit !== undefined && !(limit > 0)) refuse(`--minutes must be above 0, got ${options.minutes}.`);

const data = await loadMnist(options.data);
if (data === null) {
  console.log(
    `The papers need MNIST, and ${options.data ?? '../shared/data/mnist'} is not there: nothing was run. ` +
      'Name the folder of its IDX files: npm run papers -- --data DIR',
  );
  process.exit(0);
}

/**
 * Puts what came of a paper in its place among the results, which other runs may have written to meanwhile.
 *
 * @param {string} name
 * @param {object} result
 */
function save(name, result) {
  /** @type {{ papers: Record<string, unknown> }} */
  const { papers } = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : { papers: {} };
  papers[name] = result;
  const sorted = Object.fromEntries(Object.entries(papers).sort(([a], [b]) => (a < b ? -1 : 1)));
  mkdirSync(new URL('../results/', import.meta.url), { recursive: true });
  // Lists of numbers on one line, as the formatter has them.
  const text = JSON.stringify({ papers: sorted }, null, 2).replace(
    /\[\s+([-\d.e,\s]+?)\s+\]/g,
    (_, list) => `[${list.split(/,\s+/).join(', ')}]`,
  );
  writeFileSync(RESULTS, `${text}\n`);
}

/** @type {string[]} */
const tables = [];
for (const name of wanted) {
  /** @type {Paper} */
  const paper = await import(new URL(`${name}.mjs`, import.meta.url).href);
  const minutes = limit ?? paper.minutes;
  console.log(`${name}: ${paper.title}; ${seeds} × ${minutes} minutes`);
  try {
    const started = performance.now();
    const runs = [];
    for (let seed = 0; seed < seeds; seed++) {
      const began = performance.now();
      /** @param {string} line */
      const log = (line) =>
        console.log(`${name} seed ${seed} ${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);
      runs.push(await paper.run({ seed, data, minutes, log }));
    }
    const rows = summarize(runs);
    const seconds = Math.round((performance.now() - started) / 1000);
    save(name, {
      ...{ title: paper.title, seeds, minutes, seconds },
      ...{ runtime: `Node ${process.version}`, processor: cpus()[0]?.model ?? 'unknown' },
      rows,
    });
    tables.push(table(paper.title, rows));
    console.log(`\n${tables.at(-1)}`);
  } catch (error) {
    process.exitCode = 1;
    console.error(`${name} failed:`, error);
  }
}
if (tables.length > 1) console.log(`\n${tables.join('\n')}`);
