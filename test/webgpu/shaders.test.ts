import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { shaders } from '../../src/backend/webgpu/shaders/index.js';

/** The kernels of wasm, by the lists of its binary's parts. */
function kernels(): string[] {
  const folder = new URL('../../assembly/parts/', import.meta.url);
  return readdirSync(folder).flatMap((file) =>
    [...readFileSync(new URL(file, folder), 'utf8').matchAll(/export \{([^}]*)\}/g)]
      .flatMap(([, names = '']) => names.split(','))
      .map((name) => name.trim())
      .filter((name) => name !== '' && name !== 'replay'),
  );
}

test('every kernel has a shader', () => {
  const missing = kernels().filter((name) => !shaders.has(name));
  expect(missing).toEqual([]);
});

test('every shader is that of a kernel', () => {
  const known = new Set(kernels());
  expect([...shaders.keys()].filter((name) => !known.has(name))).toEqual([]);
});
