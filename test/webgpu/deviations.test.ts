import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { deviations } from '../support/deviations.js';

const guide = readFileSync(new URL('../../docs/guides/webgpu.md', import.meta.url), 'utf8');
const source = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test('what suites pass over on a GPU stands in the guide', () => {
  const rows = guide.split('## Numbers')[1]?.match(/^\| [^|]+ (?=\|)/gm) ?? [];
  const names = rows.map((row) => row.slice(2).trim());
  expect(deviations.map(({ row }) => row).filter((row) => !names.includes(row))).toEqual([]);
});

test('what is passed over is there', () => {
  const text = source('autograd/capture.test.ts');
  for (const title of deviations.flatMap(({ tests = [] }) => tests)) expect(text).toContain(`'${title}'`);
  const cases = deviations.flatMap(({ golden = {} }) => Object.keys(golden));
  const golden = ['covariance', 'reduce'].flatMap(
    (family) => (JSON.parse(source(`golden/ops/${family}.json`)) as { cases: { op: string; grad?: unknown }[] }).cases,
  );
  for (const name of cases) {
    const [op, number] = name.split(' ');
    expect(golden.filter((one) => one.op === op)[Number(number) - 1]?.grad, name).toBeDefined();
  }
});
