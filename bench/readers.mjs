/**
 * Reading tables of a million rows: rows a second and what the process holds, beside a parser that splits the whole text, and,
 * where there is python3 with pandas, beside that. Each in a process of its own, checked by the sum of a column.
 *
 *   node bench/readers.mjs [rows, default 1000000]
 */
import { execFileSync } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CSVDataset, SparseDataset } from '../dist/data/index.js';

const COLUMNS = 10;

/** @param {string} path @param {number} rows @param {(i: number) => string} line @param {string} [head] */
async function write(path, rows, line, head = '') {
  const out = createWriteStream(path);
  let text = head;
  for (let i = 0; i < rows; i++) {
    text += line(i);
    if (text.length > 1 << 20) {
      if (!out.write(text)) await new Promise((done) => out.once('drain', () => done(undefined)));
      text = '';
    }
  }
  await new Promise((done) => out.end(text, () => done(undefined)));
}

/** @type {Record<string, (path: string) => Promise<number> | number>} */
const JOBS = {
  'csv: CSVDataset.load': async (path) => {
    const { features } = await CSVDataset.load(path);
    let sum = 0;
    for (let i = 0; i < features.length; i += COLUMNS) sum += /** @type {number} */ (features[i]);
    return sum;
  },
  'csv: split of the whole text': (path) => {
    const lines = readFileSync(path, 'utf8').split('\n');
    const features = new Float32Array((lines.length - 2) * COLUMNS);
    /** @type {string[]} */
    const targets = [];
    for (let i = 1; i + 1 < lines.length; i++) {
      const fields = /** @type {string} */ (lines[i]).split(',');
      for (let f = 0; f < COLUMNS; f++) features[(i - 1) * COLUMNS + f] = Number(fields[f]);
      targets.push(/** @type {string} */ (fields[COLUMNS]));
    }
    let sum = 0;
    for (let i = 0; i < features.length; i += COLUMNS) sum += /** @type {number} */ (features[i]);
    return sum;
  },
  'libsvm: SparseDataset.load': async (path) => {
    const data = await SparseDataset.load(path);
    return data.length;
  },
};

const PANDAS = `
import sys, time, resource
import numpy as np, pandas as pd
since = time.time()
t = pd.read_csv(sys.argv[1])
s = float(t.iloc[:, 0].to_numpy(np.float32).astype(float).sum())
print(time.time() - since, s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
`;

const [mode, path] = process.argv.slice(2);
if (mode !== undefined && mode in JOBS) {
  const since = performance.now();
  const sum = await /** @type {(path: string) => Promise<number>} */ (JOBS[mode])(/** @type {string} */ (path));
  console.log((performance.now() - since) / 1000, sum, process.resourceUsage().maxRSS / 1024);
} else {
  const rows = Number(mode ?? 1_000_000);
  const [csv, svm] = ['csv', 'svm'].map((kind) => join(tmpdir(), `fettle-readers-${process.pid}.${kind}`));
  const number = (/** @type {number} */ i) => (((i * 2654435761) % 1000003) / 1000 - 500).toFixed(3);
  const names = Array.from({ length: COLUMNS }, (_, f) => `x${f}`);
  await write(
    /** @type {string} */ (csv),
    rows,
    (i) => `${names.map((_, f) => number(i * 31 + f)).join(',')},${i % 3 === 0 ? 'yes' : 'no'}\n`,
    `${names.join(',')},label\n`,
  );
  await write(
    /** @type {string} */ (svm),
    rows / 10,
    (i) => `${(i % 2) * 2 - 1} ${names.map((_, f) => `${1 + f * 1000 + (i % 997)}:${number(i + f)}`).join(' ')}\n`,
  );
  console.log(`| reader | rows a second | peak memory |\n|---|---|---|`);
  const tell = (/** @type {string} */ name, /** @type {string} */ out, /** @type {number} */ count) => {
    const [seconds, sum, peak] = out.trim().split(' ').map(Number);
    console.log(
      `| ${name} (check: ${sum?.toFixed(1)}) | ${(count / /** @type {number} */ (seconds) / 1000).toFixed(0)} k | ${peak?.toFixed(0)} MiB |`,
    );
  };
  for (const name of Object.keys(JOBS)) {
    const isCsv = name.startsWith('csv');
    const file = /** @type {string} */ (isCsv ? csv : svm);
    const out = execFileSync(process.execPath, [...process.execArgv, process.argv[1] ?? '', name, file], {
      encoding: 'utf8',
    });
    tell(name, out, isCsv ? rows : rows / 10);
  }
  try {
    const out = execFileSync('/usr/bin/python3', ['-c', PANDAS, /** @type {string} */ (csv)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    tell('csv: pandas.read_csv', out, rows);
  } catch {
    console.log('| csv: pandas.read_csv | not here | |');
  }
  await Promise.all([csv, svm].map((file) => rm(/** @type {string} */ (file))));
}
