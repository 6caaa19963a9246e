import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { listMethods } from '../../scripts/list-methods.mjs';

test('src/tensor/methods.ts has every op that takes a tensor first; node scripts/list-methods.mjs writes it', async () => {
  const file = fileURLToPath(new URL('../../src/tensor/methods.ts', import.meta.url));
  const biome = fileURLToPath(new URL('../../node_modules/@biomejs/biome/bin/biome', import.meta.url));
  const formatted = execFileSync(process.execPath, [biome, 'check', '--write', `--stdin-file-path=${file}`], {
    input: await listMethods(),
    encoding: 'utf8',
    maxBuffer: 1 << 25,
  });
  expect(formatted).toBe(readFileSync(file, 'utf8'));
}, 60_000);
