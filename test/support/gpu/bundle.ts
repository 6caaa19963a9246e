import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

/** Where the modules stand, bundled: that of the GPU's thread, and those of one that hands on to a GPU elsewhere. */
export const THREAD = path('build/gputhread.mjs');
export const RELAY = path('build/gpurelay.mjs');
export const HOST = path('build/gpuhost.mjs');

/** Where the driver is started: one in software looks for its settings in the working directory. */
export const DRIVER = path('build/gpudriver');

/** Bundles them: a thread cannot run TypeScript. */
export async function bundleThread(): Promise<void> {
  const { build } = await import('esbuild');
  await mkdir(DRIVER, { recursive: true });
  // One thread: shaders of tests are so small that several would wait for one another most of the time.
  await writeFile(join(DRIVER, 'SwiftShader.ini'), '[Processor]\nThreadCount=1\n');
  const bundles = { thread: THREAD, relay: RELAY, host: HOST };
  for (const [name, outfile] of Object.entries(bundles)) {
    await build({
      entryPoints: [path(`test/support/gpu/${name}.ts`)],
      outfile,
      bundle: true,
      format: 'esm',
      platform: name === 'host' ? 'browser' : 'node',
      target: 'es2022',
      external: ['webgpu'],
      logLevel: 'error',
    });
  }
}
