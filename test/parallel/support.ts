import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Bundles a module of test/parallel/modules for threads, which cannot run TypeScript, and gives its address. */
export async function threadModule(name: string): Promise<URL> {
  const outfile = `${root}build/workers/test-${name}.js`;
  await build({
    entryPoints: [`${root}test/parallel/modules/${name}.ts`],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    ignoreAnnotations: true,
    logLevel: 'error',
  });
  return new URL(`file://${outfile}`);
}
