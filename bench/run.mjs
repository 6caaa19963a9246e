/**
 * `npm run bench`: checks and times every case, prints a table and writes build/bench.json. Figures of one run can be
 * compared with one another; those of another machine, or another hour, cannot.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { deterministic } from 'fettle';
import { Bench } from 'tinybench';
import { cases } from './cases.mjs';

const quick = process.argv.includes('--quick');
/** @type {{ arithmetic: string, name: string, milliseconds: number, rate: number, unit: string, samples: number }[]} */
const rows = [];
for (const arithmetic of ['strict', 'relaxed']) {
  deterministic(arithmetic === 'strict');
  const bench = new Bench({ time: quick ? 50 : 400, warmupTime: quick ? 20 : 150 });
  const list = cases();
  for (const { name, run, check } of list) {
    check();
    bench.add(name, run);
  }
  await bench.run();
  for (const { name, work, unit } of list) {
    const result = bench.getTask(name)?.result;
    if (result === undefined || !('latency' in result)) throw new Error(`${name} was not timed`);
    const { p50, samplesCount } = result.latency;
    rows.push({ arithmetic, name, milliseconds: p50, rate: work / p50 / 1e6, unit, samples: samplesCount });
  }
}
for (const { arithmetic, name, milliseconds, rate, unit } of rows) {
  console.log(
    `${arithmetic.padEnd(8)} ${name.padEnd(40)} ${milliseconds.toFixed(4).padStart(10)} ms ${rate.toFixed(2).padStart(8)} ${unit}`,
  );
}
mkdirSync(new URL('../build/', import.meta.url), { recursive: true });
writeFileSync(
  new URL('../build/bench.json', import.meta.url),
  `${JSON.stringify({ node: process.version, rows }, null, 1)}\n`,
);
