/**
 * Threads on any runtime: worker_threads on Node, Deno and Bun, which tell when one of them ends; Web Workers in browsers.
 * What is asked of a thread goes through Comlink, to which a `Thread` is an endpoint.
 */
import { fail } from '../core/errors.js';
import { type Endpoint, type Ready, readiness, type Thread } from './thread.js';
import { nodeParent, startNodeThread, wrapNodeWorker } from './worker.node.js';

export type { Endpoint, Thread } from './thread.js';

/**
 * The module that a thread runs. It is named twice, as bundlers follow the literal text of the first and servers read the
 * second:
 *
 *     { web: () => new Worker(new URL('./reader.js', import.meta.url), { type: 'module' }),
 *       file: () => new URL(/* @vite-ignore *\/ /* webpackIgnore: true *\/ './reader.js', import.meta.url) }
 *
 * The build finds it by that text, puts it into dist/node too, and bundles it for the tests (scripts/workers.mjs).
 */
export interface WorkerFile {
  readonly web: () => Worker;
  readonly file: () => URL;
}

/** What a thread can be made from: a module of fettle's, the address of one, or a function that starts a worker. */
export type WorkerSource = WorkerFile | URL | (() => unknown);

/** Whether threads are worker_threads here. */
function onServer(): boolean {
  return typeof process === 'object' && typeof process.versions?.node === 'string';
}

/** Why this runtime has no threads; undefined where it has. */
export function threadsMissing(): string | undefined {
  // workerd may say that it is Node, whose worker_threads it has in name alone.
  const isEdge = typeof navigator === 'object' && navigator.userAgent === 'Cloudflare-Workers';
  if (!isEdge && (onServer() || typeof Worker === 'function')) return undefined;
  return 'this runtime has no worker threads';
}

/** Starts a thread. Throws, code 'unsupported', where there are none; one whose module cannot be loaded ends at once. */
export async function startThread(source: WorkerSource): Promise<Thread> {
  const missing = threadsMissing();
  if (missing !== undefined) fail('unsupported', `${missing}.`);
  if (typeof source === 'function') return wrapWorker(await source());
  if (onServer()) return startNodeThread(source instanceof URL ? source : source.file());
  return wrapWebWorker(source instanceof URL ? new Worker(source, { type: 'module' }) : source.web());
}

/** A thread that somebody else has started: a Web Worker, or a Worker of worker_threads. */
function wrapWorker(worker: unknown): Thread {
  if (typeof worker === 'object' && worker !== null && 'postMessage' in worker) {
    if ('on' in worker) return wrapNodeWorker(worker);
    if ('addEventListener' in worker) return wrapWebWorker(worker as Worker);
  }
  return fail('argument', `worker: expected a function that gives a Worker, it gave ${String(worker)}.`);
}

function wrapWebWorker(worker: Worker): Thread {
  const endpoint: Endpoint = {
    postMessage: (message, transfer = []) => worker.postMessage(message, transfer),
    addEventListener: (...args) => worker.addEventListener(...args),
    removeEventListener: (...args) => worker.removeEventListener(...args),
  };
  const heard = readiness(endpoint);
  const ended = new Promise<Error>((resolve) => {
    worker.addEventListener('error', (event) => {
      event.preventDefault?.();
      // A worker whose module cannot be loaded says no more than that.
      const { message, filename, lineno } = event as Partial<ErrorEvent>;
      const at = filename ? ` (${filename}:${lineno})` : '';
      resolve(new Error(message ? message + at : 'its module could not be loaded'));
      // In browsers a worker goes on behind an error that nobody caught, in what state nobody knows.
      worker.terminate();
    });
    worker.addEventListener('messageerror', () => resolve(new Error('it sent what cannot be received')));
    // Of Bun's workers; browsers say nothing of a worker's end, but give its locks to whom waits for them.
    worker.addEventListener('close', () => resolve(new Error('it closed')));
    heard.then(({ lock }) => {
      if (lock !== undefined) navigator.locks.request(lock, () => resolve(new Error('it closed'))).catch(() => {});
    });
  });
  return {
    ...endpoint,
    ready: heard.then(() => {}),
    ended,
    hold: (on) => {
      const server = worker as Partial<Record<'ref' | 'unref', () => void>>;
      if (on) server.ref?.();
      else server.unref?.();
    },
    terminate: () => worker.terminate(),
  };
}

/**
 * Within a thread: lets `serve` listen to the thread that started it, and then says so. A thread's module may wait for other
 * modules while it is loaded, and a browser hands out messages in the meantime.
 */
export async function serveParent(serve: (parent: Endpoint) => void): Promise<void> {
  const parent = onServer() ? await nodeParent() : undefined;
  const endpoint = parent ?? (globalThis as unknown as Endpoint);
  serve(endpoint);
  const lock = parent === undefined ? await holdLock() : undefined;
  endpoint.postMessage({ listens: true, ...(lock === undefined ? {} : { lock }) } satisfies Ready);
}

/** The name of a lock that is free again only when this thread has ended; undefined where there are no locks. */
function holdLock(): Promise<string | undefined> {
  if (typeof navigator !== 'object' || navigator.locks === undefined) return Promise.resolve(undefined);
  const name = `fettle-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;
  return new Promise((resolve) => {
    const held = (): Promise<never> => {
      resolve(name);
      return new Promise(() => {});
    };
    navigator.locks.request(name, held).catch(() => resolve(undefined));
  });
}
