/**
 * `npm run bench`: checks every case against float64 and times it in both arithmetics, next to what the machine gives at most
 * at that moment; prints a table and writes build/bench.json. Ratios can be compared between runs, times cannot.
 *
 *   --quick           shorter                        --filter TEXT     cases whose group or name has it (several: a,b)
 *   --full            2048³ too                      --json            JSON alone, on standard output
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { deterministic, scope } from 'fettle';
import { Bench } from 'tinybench';
import { check } from './cases/case.mjs';
import { fields } from './cases/fields.mjs';
import { memory } from './cases/memory.mjs';
import { networks } from './cases/networks.mjs';
import { products } from './cases/products.mjs';
import { ceilings } from './ceiling.mjs';
import { overheads } from './overhead.mjs';

/** @typedef {import('./cases/case.mjs').Case} Case */
/** @typedef {{ arithmetic: 'strict' | 'relaxed', group: string, name: string, milliseconds: number, rate: number, unit: string, elements?: number, ceiling: number, ratio: number, samples: number }} Row */

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    filter: { type: 'string' },
  },
});
const filters = options.filter?.toLowerCase().split(',');
const [time, warmupTime, rounds] = options.quick ? [12, 10, 3] : [40, 30, 5];

/** @type {(values: number[]) => number} */
const median = (values) => Number([...values].sort((a, b) => a - b)[values.length >> 1]);

/** @type {(text: string) => boolean} */
const wanted = (text) => filters === undefined || filters.some((filter) => text.toLowerCase().includes(filter));

/** @type {(line?: string) => void} */
const print = (line = '') => void (options.json || console.log(line));

/** @param {Row} row */
function show({ arithmetic, group, name, milliseconds, rate, unit, elements, ceiling, ratio }) {
  const each = elements === undefined ? '' : `${elements.toFixed(2)}/ns`;
  print(
    `${arithmetic.padEnd(8)}${group.padEnd(16)} ${name.padEnd(52)} ${milliseconds.toPrecision(3).padStart(9)} ms ` +
      `${rate.toFixed(1).padStart(6)} ${unit.padEnd(8)} ${each.padStart(8)} ${(100 * ratio).toFixed(0).padStart(4)} % of ${ceiling.toFixed(1)}`,
  );
}

const limits = await ceilings();
/** @type {Row[]} */
const rows = [];

/**
 * Times a case and its ceiling in turn, several rounds, in both arithmetics.
 *
 * @param {Case} entry
 */
async function measure(entry) {
  const { group, name, kind, work, elements, run } = entry;
  for (const arithmetic of /** @type {const} */ (['strict', 'relaxed'])) {
    deterministic(arithmetic === 'strict');
    check(entry);
    const limit =
      kind === 'flops' ? limits.arithmetic(arithmetic === 'relaxed') : limits.traffic(work, kind === 'reads');
    /** @type {{ own: number, limit: number, samples: number }[]} */
    const timed = [];
    for (let round = 0; round < rounds; round++) {
      const bench = new Bench({ time, iterations: 1, warmupTime: round === 0 ? warmupTime : 0, warmupIterations: 1 });
      bench.add('limit', limit.run).add('own', run);
      await bench.run();
      /** @type {(task: string) => { p50: number, samples: number }} */
      const read = (task) => {
        const result = bench.getTask(task)?.result;
        if (result === undefined || !('latency' in result)) throw new Error(`${name} was not timed`);
        return { p50: result.latency.p50, samples: result.latency.samplesCount };
      };
      const [own, top] = [read('own'), read('limit')];
      timed.push({ own: own.p50, limit: limit.work / top.p50 / 1e6, samples: own.samples });
    }
    const milliseconds = median(timed.map((round) => round.own));
    const row = {
      ...{ arithmetic, group, name, milliseconds, rate: work / milliseconds / 1e6 },
      unit: kind === 'flops' ? 'GFLOP/s' : 'GB/s',
      ...(elements === undefined ? {} : { elements: elements / milliseconds / 1e6 }),
      ceiling: median(timed.map((round) => round.limit)),
      ratio: median(timed.map((round) => work / round.own / 1e6 / round.limit)),
      samples: timed.reduce((n, round) => n + round.samples, 0),
    };
    rows.push(row);
    show(row);
  }
}

for (const make of [
  ...products(options.full),
  ...fields(options.full),
  ...memory(options.full),
  ...networks(options.full),
]) {
  // What a case keeps lives as long as its inputs are wanted: a scope cannot free it, the end of the process does.
  for (const entry of [scope(() => make())].flat()) {
    if (wanted(`${entry.group} ${entry.name}`)) await measure(entry);
  }
}

const around = wanted('overhead') ? overheads() : [];
for (const { name, value, unit, target } of around) {
  print(
    `${'overhead'.padEnd(24)} ${name.padEnd(60)} ${value.toFixed(value < 10 ? 2 : 0).padStart(9)} ${unit}${target === undefined ? '' : ` (at most ${target})`}`,
  );
}

const machine = {
  cpu: String(cpus()[0]?.model).trim(),
  node: process.version,
  date: new Date().toISOString().slice(0, 10),
};
const json = `${JSON.stringify({ ...machine, rows, overheads: around }, null, 1)}\n`;
mkdirSync(new URL('../build/', import.meta.url), { recursive: true });
writeFileSync(new URL('../build/bench.json', import.meta.url), json);
if (options.json) process.stdout.write(json);
