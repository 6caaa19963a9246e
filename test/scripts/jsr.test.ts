import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));

it('is told to JSR as it is to npm', () => {
  const [jsr, npm] = [read('jsr.json'), read('package.json')];
  expect(jsr.version).toBe(npm.version);
  expect(jsr.license).toBe(npm.license);
  // Everything in one module is of no use where every module is carried along.
  const entries = Object.entries<{ default: string; node?: string }>(npm.exports).filter(([, target]) => target.node);
  expect(jsr.exports).toEqual(Object.fromEntries(entries.map(([name, target]) => [name, target.default])));
});
