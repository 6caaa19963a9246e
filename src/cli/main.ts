#!/usr/bin/env node
import { FettleError } from '../core/errors.js';
import { readArguments } from './arguments.js';
import { type DemoOptions, runDemo } from './demo/demo.js';
import { printResults } from './demo/results.js';
import { evalFile } from './eval.js';
import { createProgress } from './progress.js';
import { formatPercent } from './table.js';
import { HELP, shortPath, typed, UsageError } from './usage.js';
import { version } from './version.js';

/** Exit codes: 0 done, 1 failed, 2 bad arguments; 128 + the signal's number after an interrupt, as shells do. */
const FAILED = 1;
const MISUSED = 2;
const INTERRUPTED = 130;
const UNHEARD = 141;
const TERMINATED = 143;

/** Thrown between two batches after a signal. */
class Interrupted extends Error {
  constructor(
    readonly exitCode: number,
    readonly options: DemoOptions,
  ) {
    super('interrupted');
  }

  /** What goes on with the run. */
  get command(): string {
    const { resume, out } = this.options;
    const folder = typeof resume === 'string' ? resume : out;
    return typed('demo', folder === null ? '--resume' : `--resume ${shortPath(folder)}`);
  }
}

// A reader that has heard enough, as `head`, is no failure; the run stops as if it had been interrupted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(UNHEARD);
});

async function demo(options: DemoOptions, json: boolean): Promise<void> {
  const progress = createProgress({ stream: process.stdout, json });
  const abort = new AbortController();
  const stop = (code: number) => (): void => {
    // A second signal does not wait for the batch to end.
    if (abort.signal.aborted) process.exit(code);
    abort.abort(new Interrupted(code, options));
  };
  process.on('SIGINT', stop(INTERRUPTED)).on('SIGTERM', stop(TERMINATED));
  try {
    const result = await runDemo(options, progress, abort.signal);
    progress.close();
    printResults(result, { json, stream: process.stdout });
  } catch (error) {
    progress.close();
    throw error;
  }
}

async function main(argv: readonly string[]): Promise<void> {
  const command = readArguments(argv);
  switch (command.name) {
    case 'help':
      process.stdout.write(HELP);
      break;
    case 'version':
      process.stdout.write(`${version}\n`);
      break;
    case 'demo':
      await demo(command.options, command.json);
      break;
    case 'eval': {
      const score = await evalFile(command.file, command.data);
      const text = `${shortPath(score.file)}: ${formatPercent(score.accuracy)} of ${score.samples} test images of ${score.data} right`;
      process.stdout.write(command.json ? `${JSON.stringify(score)}\n` : `${text}\n`);
      break;
    }
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`fettle: ${error.message}\n`);
    process.exitCode = MISUSED;
  } else if (error instanceof Interrupted) {
    process.stderr.write(`fettle: stopped; go on with: ${error.command}\n`);
    process.exitCode = error.exitCode;
  } else {
    const isExpected = error instanceof FettleError || (error as NodeJS.ErrnoException).code !== undefined;
    process.stderr.write(
      `fettle: ${isExpected ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`,
    );
    process.exitCode = FAILED;
  }
}
