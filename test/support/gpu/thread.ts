/**
 * A GPU on a thread of its own, bundled for it by test/support/gpu/bundle.ts: carries out what remote.ts sends, and writes answers
 * into shared memory, so that the tests' thread may wait for them without giving up its turn.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { nodeGpu } from '../../../src/backend/webgpu/node.node.js';
import { request } from '../../../src/backend/webgpu/request.js';
import { answer, text } from './answers.js';
import type { Command } from './messages.js';
import { Server } from './serve.js';

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

const { hello } = workerData as { hello: SharedArrayBuffer };
try {
  const executor = await request(await nodeGpu(FLAGS));
  const server = new Server(executor);
  answer(hello, new TextEncoder().encode(JSON.stringify(executor.chip)), false);
  parentPort?.on('message', (commands: Command[]) => {
    for (const command of commands) {
      server.take(command, (bytes, failed) => {
        if (command.do === 'read') answer(command.to, bytes, failed);
      });
    }
  });
} catch (error) {
  answer(hello, text(error), true);
}
