import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { expect, it } from 'vitest';

/** Does nothing but hold the thread for so long, under watch, and says when it is done. */
function run(milliseconds: number, held: number): ReturnType<typeof spawnSync> {
  const module = fileURLToPath(new URL('../../src/mpi/watch.node.ts', import.meta.url));
  const contents = `
    import { doWithin } from ${JSON.stringify(module)};
    const until = performance.now() + ${held};
    doWithin(${milliseconds}, 'it took too long', () => {
      while (performance.now() < until);
    });
    console.log('done');
  `;
  const stdin = { contents, resolveDir: '.', loader: 'ts' } as const;
  const [file] = buildSync({ stdin, bundle: true, format: 'esm', platform: 'node', write: false }).outputFiles;
  return spawnSync(process.execPath, ['--input-type=module', '-e', String(file?.text)], { encoding: 'utf8' });
}

it('leaves alone what ends in time, and ends a process that is held longer', () => {
  const well = run(60_000, 100);
  expect([well.status, well.stdout, well.stderr]).toEqual([0, 'done\n', '']);
  const held = run(200, 20_000);
  expect([held.signal, held.stdout, held.stderr]).toEqual(['SIGKILL', '', 'it took too long\n']);
}, 60_000);
