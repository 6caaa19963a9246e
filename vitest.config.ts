import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  resolve: {
    // The same three aliases stand in tsconfig.json. Tests import the package by name and get the source tree.
    alias: [
      { find: /^#binary$/, replacement: path('src/runtime/binary.node.ts') },
      { find: /^fettle$/, replacement: path('src/index.ts') },
      { find: /^fettle\/(.+)$/, replacement: path('src/$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/global-setup.ts',
    setupFiles: 'test/setup.ts',
    // Processes rather than threads: each has a WebAssembly memory of up to 4 GiB to itself, V8's flags are per process, and
    // one that runs out of memory takes no other test file with it.
    pool: 'forks',
    // A GPU in software compiles a shader for as long as a whole test takes elsewhere.
    testTimeout: process.env.FETTLE_TEST_DEVICE === 'webgpu' ? 180_000 : 20_000,
    hookTimeout: 60_000,
  },
});
