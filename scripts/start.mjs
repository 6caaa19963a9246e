/**
 * `npm start`: installs and builds what is missing, then runs the command line. `npm start -- --quick` is the demo with
 * arguments, `npm start -- eval FILE` another command.
 */
import { spawn } from 'node:child_process';
import { install, needNode, report, root, stage } from './stages.mjs';

/**
 * What ends or interrupts the command. Each may arrive twice, since both the terminal and npm send it.
 *
 * @type {NodeJS.Signals[]}
 */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const SAME_SIGNAL_MS = 300;

needNode('fettle', 20, 0);
await report(async () => {
  await install();
  const { build } = await import('./build.mjs');
  await build({ stage });
  run(process.argv.slice(2));
});

/** @param {string[]} args */
function run(args) {
  const command = args[0] === undefined || args[0].startsWith('-') ? ['demo', ...args] : args;
  // A process group of its own keeps the terminal's Ctrl-C from reaching the command beside the one that is passed on here.
  const grouped = process.platform !== 'win32';
  const main = `${root}dist/node/cli/main.js`;
  const child = spawn(process.execPath, [main, ...command], { stdio: 'inherit', detached: grouped });

  for (const signal of FORWARDED) {
    let last = Number.NEGATIVE_INFINITY;
    process.on(signal, () => {
      const now = performance.now();
      if (grouped && now - last > SAME_SIGNAL_MS) child.kill(signal);
      last = now;
    });
  }
  if (grouped) {
    process.on('SIGWINCH', () => child.kill('SIGWINCH'));
    process.on('SIGCONT', () => child.kill('SIGCONT'));
    process.on('SIGTSTP', () => {
      child.kill('SIGSTOP');
      process.kill(process.pid, 'SIGSTOP');
    });
  }
  // Between npm and this process stands a shell, which dies of a SIGTERM without passing it on.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.env.npm_execpath && process.ppid !== parent) child.kill('SIGTERM');
  }, 500);

  child.on('exit', (code, signal) => {
    clearInterval(watch);
    if (signal === null) process.exit(code ?? 1);
    // Dying of the same signal tells a shell how the command ended.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
