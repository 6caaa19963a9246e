/**
 * Stands where thread.ts does, for GPUs of other runtimes: hands commands on to a page in Chromium or to Deno (FETTLE_TEST_GPU), over
 * HTTP, since both have that, and writes their answers into shared memory.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { answer, text } from './answers.js';
import type { Command } from './messages.js';
import { encode } from './wire.js';

const { hello, host, deno } = workerData as {
  readonly hello: SharedArrayBuffer;
  /** The bundle of host.ts. */
  readonly host: string;
  /** The command, where it is Deno that has the GPU; else Chromium has. */
  readonly deno: string | null;
};

/** What has been asked for and not been fetched, and who waits to fetch it. */
let queue: (Command & { readonly id: number })[] = [];
let waiting: ServerResponse | null = null;
/** Who waits for an answer, by the command's number. */
const asked = new Map<string, SharedArrayBuffer>([['hello', hello]]);
let last = 0;

function giveCommands(): void {
  if (waiting === null || queue.length === 0) return;
  waiting.end(encode(queue));
  waiting = null;
  queue = [];
}

async function takeAnswer(incoming: IncomingMessage, url: URL): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const id = url.searchParams.get('id') ?? '';
  const to = asked.get(id);
  asked.delete(id);
  if (to !== undefined) answer(to, Buffer.concat(parts), url.searchParams.get('failed') === 'true');
}

const server = createServer(async (incoming, response) => {
  const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
  if (url.pathname === '/commands') {
    waiting = response;
    giveCommands();
  } else if (url.pathname === '/answer') {
    await takeAnswer(incoming, url);
    response.end();
  } else if (url.pathname === '/host.mjs') {
    response.setHeader('Content-Type', 'text/javascript').end(readFileSync(host));
  } else {
    response
      .setHeader('Content-Type', 'text/html')
      .end('<!doctype html><script type="module" src="/host.mjs"></script>');
  }
});

/** Chromium ends with the pipes over which it might be driven, Deno when nobody answers any more. */
function start(url: string): ChildProcess {
  if (deno !== null) return spawn(deno, ['run', '--allow-net', '--unstable-webgpu', host, url], { stdio: 'ignore' });
  const profile = mkdtempSync(join(tmpdir(), 'fettle-gpu-'));
  const flags = ['--headless', '--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-sync'];
  const gpu = ['--enable-unsafe-webgpu', '--remote-debugging-pipe', `--user-data-dir=${profile}`];
  // The shell is there when this process is not, and takes away what the browser has remembered.
  const command = ['-c', '"$@"; rm -rf "$0"', profile, 'chromium', ...flags, ...gpu, url];
  return spawn('sh', command, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
}

server.listen(0, '127.0.0.1', () => {
  const child = start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  child.unref();
  child.on('error', (error) => answer(hello, text(error), true));
});

parentPort?.on('message', (commands: Command[]) => {
  for (const command of commands) {
    const id = last++;
    if (command.do === 'read') asked.set(`${id}`, command.to);
    queue.push({ ...command, id });
  }
  giveCommands();
});
