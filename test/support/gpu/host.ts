/**
 * A GPU in a page or in Deno, bundled by bundle.ts: asks relay.ts for commands, carries them out, and sends answers back. It ends when
 * nobody gives it commands any more.
 */
import { request } from '../../../src/backend/webgpu/request.js';
import { text } from './answers.js';
import type { Command } from './messages.js';
import { Server } from './serve.js';
import { decode } from './wire.js';

const [base = ''] = (globalThis as { Deno?: { args: string[] } }).Deno?.args ?? [];

const send = async (id: number | 'hello', bytes: Uint8Array, failed: boolean): Promise<void> => {
  const body = bytes.slice() as Uint8Array<ArrayBuffer>;
  await fetch(`${base}/answer?id=${id}&failed=${failed}`, { method: 'POST', body });
};

try {
  const executor = await request(navigator.gpu);
  const server = new Server(executor);
  await send('hello', new TextEncoder().encode(JSON.stringify(executor.chip)), false);
  for (;;) {
    const answered = await fetch(`${base}/commands`);
    for (const command of decode(await answered.text()) as (Command & { readonly id: number })[]) {
      server.take(command, (bytes, failed) => void send(command.id, bytes, failed));
    }
  }
} catch (error) {
  await send('hello', text(error), true).catch(() => {});
}
