// Checks the folder that the main job wrote: report.json says what the files say, and each model, loaded again, scores the same.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const EXPECTED = ['teacher', 'pruned', 'pruned-activation', 'shrunk', 'student', 'student-alone', 'int8'];

const isFraction = (x) => typeof x === 'number' && x >= 0 && x <= 1;
const isPositive = (x) => typeof x === 'number' && Number.isFinite(x) && x > 0;

assert.equal(report.version, manifest.version);
assert.equal(typeof report.seed, 'number');
for (const key of ['data', 'device', 'runtime']) assert.ok(report[key], `report.json has ${key}`);
assert.ok(isPositive(report.seconds));
const names = report.variants.map((variant) => variant.name);
assert.equal(new Set(names).size, names.length, 'variants have different names');
for (const name of EXPECTED) assert.ok(names.includes(name), `report.json has the variant ${name}`);
assert.ok(names.includes(report.recommended), 'the recommended variant is one of them');

for (const { name, method, accuracy, parameters, nonzero, bytes, latencyMs, file } of report.variants) {
  assert.equal(typeof method, 'string', `${name} says how it was made`);
  assert.ok(isFraction(accuracy.validation) && isFraction(accuracy.test), `${name} has accuracies`);
  assert.ok(Number.isInteger(parameters) && nonzero > 0 && nonzero <= parameters, `${name} has counts`);
  assert.ok(isPositive(latencyMs.batch1) && isPositive(latencyMs.batch64), `${name} has latencies`);
  assert.equal(bytes, statSync(join(folder, file)).size, `${name}: bytes are those of the file`);

  const printed = execFileSync(process.execPath, ['dist/node/cli/main.js', 'eval', join(folder, file), '--json'], {
    encoding: 'utf8',
  });
  const again = JSON.parse(printed).accuracy;
  assert.equal(again, accuracy.test, `${name} scores the same again`);
  console.log(`${name}: ${bytes} bytes, accuracy ${again} then and now`);
}
const html = readFileSync(join(folder, 'report.html'), 'utf8');
for (const name of names) assert.ok(html.includes(name), `report.html tells of ${name}`);
assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//, 'report.html is self-contained');
