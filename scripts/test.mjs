/**
 * `npm test`: installs and builds what is missing, then checks format, lint and types, then runs the tests.
 * `npm test -- matmul` runs the tests whose file names match, and nothing else.
 */
import { spawnSync } from 'node:child_process';
import { install, needNode, report, root, StageError, stage } from './stages.mjs';

/**
 * Runs a script of node_modules, or of the repository, in full view.
 *
 * @param {string} script
 * @param {string[]} args
 */
function check(script, ...args) {
  const { status, signal } = spawnSync(process.execPath, [`${root}${script}`, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new StageError(`${script} ${args.join(' ')} failed (${signal ?? `exit code ${status}`})`);
}

needNode("fettle's test suite", 20, 19);
await report(async () => {
  const filters = process.argv.slice(2);
  await install();
  const { build } = await import('./build.mjs');
  await build({ stage });
  if (filters.length === 0) {
    check('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings');
    check('scripts/format-assembly.mjs');
    check('node_modules/typescript/bin/tsc', '-p', '.');
  }
  check('node_modules/vitest/vitest.mjs', 'run', ...filters);
});
