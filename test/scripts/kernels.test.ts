import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { listKernels } from '../../scripts/list-kernels.mjs';
import { parts } from '../../scripts/parts.mjs';

test('each kernel stands in one list of assembly/parts; node scripts/list-kernels.mjs adds new ones', () => {
  const lists = listKernels();
  expect([...lists.keys()].sort()).toEqual([...parts].sort());
  for (const [part, text] of lists) {
    expect(readFileSync(new URL(`../../assembly/parts/${part}.ts`, import.meta.url), 'utf8'), part).toBe(text);
  }
});
