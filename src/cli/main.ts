#!/usr/bin/env node
import { setThreads } from '../backend/threads.js';
import { FettleError } from '../core/errors.js';
import { type Command, entryOf, readArguments } from './arguments.js';
import { createProgress } from './progress.js';
import { HELP, UsageError } from './usage.js';
import { version } from './version.js';

/** Exit codes: 0 done, 1 failed, 2 bad arguments; 128 + the signal's number after an interrupt, as shells do. */
const FAILED = 1;
const MISUSED = 2;
const INTERRUPTED = 130;
const UNHEARD = 141;
const TERMINATED = 143;

/** Thrown between two batches after a signal. */
class Interrupted extends Error {
  constructor(readonly exitCode: number) {
    super('interrupted');
  }
}

// A reader that has heard enough, as `head`, is no failure; the run stops as if it had been interrupted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(UNHEARD);
});

/** Whether this process is one of several that work together. */
let isRank = false;

/** Runs a command until it is done or a signal comes; the second signal does not wait for the batch to end. */
async function run(command: Exclude<Command, { name: 'help' | 'version' }>): Promise<void> {
  const { json, machine } = command;
  const stream = process.stdout;
  isRank = 'distributed' in command && command.distributed;
  // A launcher may give ranks a terminal of their own, where there is none behind it.
  const progress = createProgress({ stream, json, ...(isRank ? { env: { ...process.env, TERM: 'dumb' } } : {}) });
  const abort = new AbortController();
  const stop = (code: number) => (): void => {
    if (abort.signal.aborted) process.exit(code);
    abort.abort(new Interrupted(code));
  };
  process.on('SIGINT', stop(INTERRUPTED)).on('SIGTERM', stop(TERMINATED));
  const entry = entryOf(command.name);
  try {
    if (machine.threads !== null) await setThreads(machine.threads);
    await entry.run(command, { stream, json, device: machine.device, progress, signal: abort.signal });
    progress.close();
  } catch (error) {
    progress.close();
    if (!(error instanceof Interrupted)) throw error;
    const further = entry.goOn?.(command);
    process.stderr.write(
      `fettle: stopped; ${further === undefined ? 'nothing was written' : `go on with: ${further}`}\n`,
    );
    process.exitCode = error.exitCode;
  }
}

async function main(argv: readonly string[]): Promise<void> {
  const command = readArguments(argv);
  if (command.name === 'help') process.stdout.write(HELP);
  else if (command.name === 'version') process.stdout.write(`${version}\n`);
  else await run(command);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`fettle: ${error.message}\n`);
    process.exitCode = MISUSED;
  } else {
    const isExpected = error instanceof FettleError || (error as NodeJS.ErrnoException).code !== undefined;
    process.stderr.write(
      `fettle: ${isExpected ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`,
    );
    process.exitCode = FAILED;
    // What it had begun with the others does not come to an end, and they have to be told.
    if (isRank) process.exit();
  }
}
