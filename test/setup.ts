/**
 * Around every test and every test file: a scope, and an account of memory.
 *
 * Each test runs in a scope of its own, and each file in one around them, as user code runs in the scope of a training step:
 * what a test makes is freed at its end. When a file is done, memory must hold exactly what it held before its first test.
 * What is left over escaped every scope: a storage that an op or a backward pass retained and never released, or a tensor
 * that was kept.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { leakReport, memory, trackLeaks, useDevice } from '../src/backend/current.js';
import type { MemoryUse } from '../src/core/device.js';
import { openScope, type Scope } from '../src/core/scope.js';

/** Files that run code written for a reader, whose constants live as long as their module. */
const EXEMPT = ['test/docs.test.ts', 'test/examples.test.ts'];

const namesLines = process.env.FETTLE_LEAKS === 'lines';

/** FETTLE_TEST_DEVICE=webgpu runs tests on a GPU, which lives on a thread of its own so that tests may read at once. */
if (process.env.FETTLE_TEST_DEVICE === 'webgpu') {
  const { RemoteExecutor } = await import('./support/gpu/remote.js');
  const { WebGpuDevice } = await import('../src/backend/webgpu/device.js');
  useDevice(new WebGpuDevice(new RemoteExecutor()));
}

let before: MemoryUse;
let fileScope: Scope;
let testScope: Scope;

beforeAll(() => {
  if (namesLines) trackLeaks();
  before = memory();
  fileScope = openScope();
});

beforeEach(() => {
  testScope = openScope();
});

afterEach(() => {
  testScope.end();
});

afterAll(() => {
  fileScope.end();
  const after = memory();
  const tensors = after.tensors - before.tensors;
  const bytes = after.bytes - before.bytes;
  const file = expect.getState().testPath?.replaceAll('\\', '/') ?? '';
  if ((tensors === 0 && bytes === 0) || EXEMPT.some((name) => file.endsWith(name))) return;
  const what = tensors > 0 || bytes > 0 ? 'leaks' : 'frees what it did not make:';
  const hint = namesLines ? '' : '\nSet FETTLE_LEAKS=lines to see the lines that made them.';
  throw new Error(
    `this test file ${what} ${tensors} tensors, ${bytes} bytes. Alive now:\n  ${leakReport().join('\n  ')}${hint}`,
  );
});
