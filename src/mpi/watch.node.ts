/**
 * Milliseconds between the last words of a rank and its end. Launchers hand on what a rank has printed, but as soon as one of them
 * ends all, MPICH's drops what it has not handed on yet: why it ended.
 */
export const LAST_WORDS = 300;

/**
 * What another thread does while a call of MPI holds this one: looks at the clock, and ends the process. Modules are had from the
 * runtime, since a program that is ending waits for no import; the message goes past the streams, which belong to the thread that
 * is held.
 */
const WATCH = `
  const { getBuiltinModule } = process;
  const { workerData: { milliseconds, message } } = getBuiltinModule('node:worker_threads');
  setTimeout(() => {
    getBuiltinModule('node:fs').writeSync(2, message + '\\n');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${LAST_WORDS});
  }, milliseconds);
`;

/** The longest that timers take. */
const LONGEST = 2 ** 31 - 1;

/** Does `work`, which nothing can break off; if it takes longer than so many milliseconds, the process says `message` and is killed. */
export function doWithin(milliseconds: number, message: string, work: () => void): void {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const workerData = { milliseconds: Math.min(milliseconds, LONGEST), message };
  const watch = new Worker(WATCH, { eval: true, execArgv: [], workerData });
  try {
    work();
  } finally {
    void watch.terminate();
  }
}
