/**
 * A GPU on a thread of its own, bundled for it by test/support/gpu/bundle.ts: carries out what remote.ts sends, and writes answers
 * into shared memory, so that the tests' thread may wait for them without giving up its turn.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Program } from '../../../src/backend/webgpu/executor.js';
import type { GpuExecutor } from '../../../src/backend/webgpu/gpu.js';
import { nodeGpu } from '../../../src/backend/webgpu/node.node.js';
import { request } from '../../../src/backend/webgpu/request.js';
import { type Command, FAILED, READY, STATE, TEXT } from './messages.js';

const programs = new Map<number, Program>();
const sequences = new Map<number, number>();

/** Writes an answer: bytes, or the text of an error. */
function answer(to: SharedArrayBuffer, state: number, bytes: Uint8Array): void {
  const words = new Int32Array(to);
  words[1] = bytes.length;
  new Uint8Array(to, TEXT).set(bytes.subarray(0, to.byteLength - TEXT));
  Atomics.store(words, STATE, state);
  Atomics.notify(words, STATE);
}

const text = (error: unknown): Uint8Array =>
  new TextEncoder().encode(String(error instanceof Error ? error.message : error));

function carryOut(executor: GpuExecutor, command: Command): void {
  switch (command.do) {
    case 'create':
      executor.create(command.buffer, command.bytes);
      break;
    case 'destroy':
      executor.destroy(command.buffer);
      break;
    case 'write':
      executor.write(command.buffer, command.offset, command.data);
      break;
    case 'copy':
      executor.copy(command);
      break;
    case 'program':
      programs.set(command.program.id, command.program);
      break;
    case 'dispatch':
      executor.dispatch({ ...command, program: programs.get(command.program) as Program });
      break;
    case 'prepare':
      sequences.set(command.sequence, executor.prepare(command.commands));
      break;
    case 'replay':
      executor.replay(sequences.get(command.sequence) as number, command.changes);
      break;
    case 'forget':
      executor.forget(sequences.get(command.sequence) as number);
      break;
    case 'flush':
      executor.flush();
      break;
    case 'read':
      executor.read(command.buffer, command.offset, command.bytes).then(
        (bytes) => answer(command.to, READY, bytes),
        (error) => answer(command.to, FAILED, text(error)),
      );
      break;
    case 'close':
      executor.close();
  }
}

/**
 * A driver in software takes ten times as long to compile a shader that first sets its workgroup's memory to zeros, as WGSL has it.
 * No shader here relies on zeros, so that what is tested is the stricter case.
 */
const FLAGS = ['enable-dawn-features=disable_workgroup_init'];

/** Dawn asks for answers again and again while it waits: a rest now and then leaves the processor to a driver in software. */
const RESTS = 4;
let asked = 0;
const ask = globalThis.setImmediate;
Object.assign(globalThis, {
  setImmediate: (fn: () => void) => (++asked % RESTS === 0 ? setTimeout(fn, 1) : ask(fn)),
});

let broken: Uint8Array | null = null;
const { hello } = workerData as { hello: SharedArrayBuffer };
try {
  const executor = await request(await nodeGpu(FLAGS));
  answer(hello, READY, new TextEncoder().encode(JSON.stringify(executor.chip)));
  parentPort?.on('message', (commands: Command[]) => {
    for (const command of commands) {
      try {
        carryOut(executor, command);
      } catch (error) {
        broken ??= text(error);
      }
      // Whoever waits for an answer is told what went wrong on the way.
      if (broken !== null && command.do === 'read') answer(command.to, FAILED, broken);
    }
  });
} catch (error) {
  answer(hello, FAILED, text(error));
}
