import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { listKernels } from '../../scripts/list-kernels.mjs';

test('assembly/index.ts exports every kernel; node scripts/list-kernels.mjs writes it', () => {
  expect(readFileSync(new URL('../../assembly/index.ts', import.meta.url), 'utf8')).toBe(listKernels());
});
