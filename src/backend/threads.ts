import { fetchVariant, poolBinary } from '#binary';
import { FettleError, fail, warnOnce } from '../core/errors.js';
import { MOST_WORKERS } from '../runtime/control.js';
import type { Engine } from '../runtime/engine.js';
import { chooseVariant } from '../runtime/module.js';
import { POOL_WORKER, Pool } from '../runtime/pool.js';
import { startThread, threadsMissing } from '../runtime/worker.js';
import { isMainThread, nodeProcessors, startNodeThreadNow } from '../runtime/worker.node.js';
import { currentDevice, isDeterministic } from './current.js';
import { atStart } from './starting.js';
import { WasmDevice } from './wasm.js';

/** Threads within an op: how many there are. */

const MOST = MOST_WORKERS + 1;

/** Changes of the number of threads, one at a time. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Shares the work of each op among `count` threads, this one among them; 'auto' takes as many as there are processors. Gives the
 * number of threads that work from now on. FETTLE_THREADS in the environment does the same from the first tensor on.
 *
 * Tensors and captured steps work on, and results stay what they are, to the bit: threads compute items that do not depend on one
 * another. Small ops run on one thread. The threads share one memory, so a browser's page has to be cross-origin isolated
 * (Cross-Origin-Opener-Policy: same-origin, Cross-Origin-Embedder-Policy: require-corp). Where threads cannot be had, the reason is
 * said once, and one thread works. They never keep a process alive; setThreads(1) ends them.
 *
 * @example
 * await setThreads(2);
 * const y = rand([512, 512]).matmul(rand([512, 512]));
 * await setThreads(1);
 */
export async function setThreads(count: number | 'auto'): Promise<number> {
  const wanted = numberOf('setThreads', count);
  const change = turn.then(() => become(wanted));
  turn = change.catch(() => {});
  return change;
}

/** Threads that share the work of an op now. */
export function getThreads(): number {
  const device = currentDevice();
  const team = device instanceof WasmDevice ? device.engine.team : null;
  return team instanceof Pool ? team.serving : 1;
}

/** What was asked for, as a number. */
function numberOf(name: string, count: unknown): number {
  if (count === 'auto') return Math.min(processors(), MOST);
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= MOST) return count;
  return fail('argument', `${name}: expected a whole number from 1 to ${MOST}, or 'auto', got ${String(count)}.`);
}

/** How many threads can work at the same time here. */
export function processors(): number {
  const told = typeof navigator === 'object' ? navigator.hardwareConcurrency : undefined;
  return Math.max(1, told ?? (typeof process === 'object' ? nodeProcessors() : undefined) ?? 1);
}

/** Why threads cannot share a memory here; undefined where they can. */
function missing(): string | undefined {
  if (typeof crossOriginIsolated === 'boolean' && !crossOriginIsolated && typeof document === 'object') {
    return (
      'this page is not cross-origin isolated. Serve it with Cross-Origin-Opener-Policy: same-origin and ' +
      'Cross-Origin-Embedder-Policy: require-corp'
    );
  }
  if (typeof SharedArrayBuffer === 'undefined') return 'this runtime has no shared memory';
  return threadsMissing();
}

/**
 * Moves the heap to a memory that other threads can be handed, where it is not there already: tensors and captured steps work on.
 * Gives the reason where that cannot be.
 */
export function shareHeap(): Promise<string | undefined> {
  const change = turn.then(moveHeap);
  turn = change.catch(() => {});
  return change;
}

async function moveHeap(): Promise<string | undefined> {
  const device = currentDevice();
  if (!(device instanceof WasmDevice)) return `tensors are on the device '${device.name}'`;
  const reason = missing();
  if (reason !== undefined) return reason;
  try {
    await fetchVariant(chooseVariant({ shared: true, strict: isDeterministic() }));
    device.engine.share();
    return undefined;
  } catch (error) {
    if (!(error instanceof FettleError)) throw error;
    return error.message;
  }
}

/** Says why one thread works. */
function alone(reason: string): number {
  warnOnce(`setThreads: one thread works: ${reason.replace(/\.$/, '')}.`);
  return 1;
}

async function become(wanted: number): Promise<number> {
  const device = currentDevice();
  if (!(device instanceof WasmDevice)) return 1;
  const { engine } = device;
  const { team } = engine;
  if (team instanceof Pool) {
    if (team.size === wanted && (await team.ready) === null) return wanted;
    await team.close();
  }
  if (wanted === 1) return 1;
  const reason = missing();
  if (reason !== undefined) return alone(reason);
  await Pool.parting;
  let pool: Pool;
  try {
    await fetchVariant(chooseVariant({ shared: true, strict: isDeterministic() }));
    pool = new Pool(engine, wanted - 1, await poolBinary());
  } catch (error) {
    if (!(error instanceof FettleError)) throw error;
    return alone(error.message);
  }
  const started = await Promise.allSettled(Array.from({ length: wanted - 1 }, () => startMember(pool)));
  const [refused] = started.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  const failure = refused === undefined ? await pool.ready : String(refused.reason?.message ?? refused.reason);
  if (failure === null) return wanted;
  await pool.close();
  return alone(failure);
}

/** Starts a thread and has `pool` hire it when it listens. They come in any order: no result depends on who computes what. */
async function startMember(pool: Pool): Promise<void> {
  const thread = await startThread(POOL_WORKER);
  // Until it serves, the process waits for it, as whoever called does.
  thread.hold(true);
  await Promise.race([thread.ready, thread.ended]);
  pool.hire(thread);
}

/** What FETTLE_THREADS says. A program that may not read its environment, as Deno has it, asks for nothing. */
function wantedText(): string | undefined {
  try {
    return typeof process === 'object' ? process.env?.FETTLE_THREADS : undefined;
  } catch {
    return undefined;
  }
}

/** Does what FETTLE_THREADS asks for: at once, because a program that never waits is served too. Threads join in when they are there. */
function startWanted(engine: Engine): void {
  const text = wantedText();
  // A thread of a DataLoader has an engine of its own, and many of them more processors than there are.
  if (!text || !isMainThread()) return;
  const wanted = numberOf('FETTLE_THREADS', text === 'auto' ? text : Number(text));
  if (wanted === 1) return;
  const reason = missing();
  if (reason !== undefined) {
    alone(reason);
    return;
  }
  const pool = new Pool(engine, wanted - 1, poolBinary());
  for (let i = 1; i < wanted; i++) pool.hire(startNodeThreadNow(POOL_WORKER.file()));
  turn = pool.ready.then((failure) => (failure === null ? undefined : pool.close().then(() => alone(failure))));
}

atStart.push(startWanted);
