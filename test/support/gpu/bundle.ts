import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

/** Where the module of the GPU's thread stands, bundled. */
export const THREAD = path('build/gputhread.mjs');

/** Where the driver is started: one in software looks for its settings in the working directory. */
export const DRIVER = path('build/gpudriver');

/** Bundles it: a thread cannot run TypeScript. */
export async function bundleThread(): Promise<void> {
  const { build } = await import('esbuild');
  await mkdir(DRIVER, { recursive: true });
  // One thread: shaders of tests are so small that several would wait for one another most of the time.
  await writeFile(join(DRIVER, 'SwiftShader.ini'), '[Processor]\nThreadCount=1\n');
  await build({
    entryPoints: [path('test/support/gpu/thread.ts')],
    outfile: THREAD,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['webgpu'],
    logLevel: 'error',
  });
}
