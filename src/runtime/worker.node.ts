/** Threads of Node, Deno and Bun. */
import type * as WorkerThreads from 'node:worker_threads';
import { type Endpoint, readiness, type Thread } from './thread.js';

/**
 * worker_threads, fetched when it is first used. The name of the module is not a literal, so that bundlers for browsers do not
 * look for it.
 */
function workerThreads(): Promise<typeof WorkerThreads> {
  const name = ['node:worker', 'threads'].join('_');
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name) as Promise<typeof WorkerThreads>;
}

/**
 * Run from the source tree, as the tests are, this module is TypeScript, which a thread cannot run: the modules of threads
 * then stand in build/workers/, bundled (scripts/workers.mjs). Their address is made of text, since bundlers look for files
 * where they see one that is relative to a module.
 */
function runnable(file: URL): URL {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) return file;
  const name = file.pathname.replace(/^.*\//, '');
  return new URL(here.replace(/\/src\/runtime\/[^/]*$/, `/build/workers/${name}`));
}

/** Options of the process that say what the program is, and that no thread accepts, with their value where they have one. */
const PROGRAM = /^(--input-type(=.*)?|-e|--eval|-p|-pe|--print)$/;

/** The process's own options, such as loaders of TypeScript, without those that name its program. */
function threadArguments(): string[] {
  const given = process.execArgv ?? [];
  return given.filter((arg, i) => !PROGRAM.test(arg) && !/^(-e|--eval|-p|-pe|--print)$/.test(given[i - 1] ?? ''));
}

/** A thread for `file`. It has the process's options; those of V8, which are the process's alone, it may not be told again. */
function startWorker(Worker: typeof WorkerThreads.Worker, file: URL): WorkerThreads.Worker {
  const execArgv = threadArguments();
  if (execArgv.length === process.execArgv?.length) return new Worker(runnable(file));
  try {
    return new Worker(runnable(file), { execArgv });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error;
    const { message } = error as Error;
    return new Worker(runnable(file), { execArgv: execArgv.filter((arg) => !message.includes(arg)) });
  }
}

/** Starts a thread that runs the module `file`. */
export async function startNodeThread(file: URL): Promise<Thread> {
  const { Worker } = await workerThreads();
  return wrapNodeWorker(startWorker(Worker, file));
}

/** The same at once, for a program that never waits. */
export function startNodeThreadNow(file: URL): Thread {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  return wrapNodeWorker(startWorker(Worker, file));
}

/** Whether this is the thread that the process began with. */
export function isMainThread(): boolean {
  return process.getBuiltinModule('node:worker_threads').isMainThread;
}

/** Processors that this process may use. */
export function nodeProcessors(): number {
  return process.getBuiltinModule('node:os').availableParallelism();
}

/** What Workers and their parents' ports have in common. */
interface Port {
  postMessage(message: unknown, transfer?: readonly WorkerThreads.Transferable[]): void;
  on(event: 'message', listener: (data: unknown) => void): unknown;
  off(event: 'message', listener: (data: unknown) => void): unknown;
}

/** Listeners there get the data alone, and Comlink's expect an event. */
function endpointOf(port: Port): Endpoint {
  const heard = new Map<EventListenerOrEventListenerObject, (data: unknown) => void>();
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer as WorkerThreads.Transferable[] | undefined),
    addEventListener: (_type, listener) => {
      const hear = (data: unknown): void => {
        const event = { data } as MessageEvent;
        if (typeof listener === 'function') listener(event);
        else listener.handleEvent(event);
      };
      heard.set(listener, hear);
      port.on('message', hear);
    },
    removeEventListener: (_type, listener) => {
      const hear = heard.get(listener);
      if (hear !== undefined) port.off('message', hear);
      heard.delete(listener);
    },
  };
}

/** A Worker of worker_threads as a thread. */
export function wrapNodeWorker(started: object): Thread {
  const worker = started as WorkerThreads.Worker;
  worker.unref();
  const ended = new Promise<Error>((resolve) => {
    worker.on('error', (cause) => resolve(cause instanceof Error ? cause : new Error(String(cause))));
    worker.on('messageerror', resolve);
    worker.on('exit', (code) => resolve(new Error(`it ended with exit code ${code}`)));
  });
  const endpoint = endpointOf(worker);
  return {
    ...endpoint,
    ready: readiness(endpoint).then(() => {}),
    ended,
    hold: (on) => (on ? worker.ref() : worker.unref()),
    terminate: () => {
      worker.terminate();
    },
  };
}

/** The way from a thread to the one that started it; undefined where this is no thread of worker_threads. */
export async function nodeParent(): Promise<Endpoint | undefined> {
  const { parentPort } = await workerThreads();
  return parentPort === null ? undefined : endpointOf(parentPort);
}
