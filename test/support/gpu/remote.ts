import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Chip, Copy, Dispatch, Executor, Command as Step } from '../../../src/backend/webgpu/executor.js';
import { fail } from '../../../src/core/errors.js';
import { DRIVER, HOST, RELAY, THREAD } from './bundle.js';
import { type Command, FAILED, READY, STATE, TEXT } from './messages.js';

/** Commands that are sent together, at most. */
const TOGETHER = 256;

/** Room for the text of an error. */
const ROOM = 8192;

/** Waits until an answer is there. */
function wait(to: SharedArrayBuffer, what: string): Uint8Array<ArrayBuffer> {
  const words = new Int32Array(to);
  if (Atomics.wait(words, STATE, 0, 120_000) === 'timed-out')
    throw new Error(`the GPU's thread does not answer: ${what}`);
  const bytes = new Uint8Array(to, TEXT, Math.min(words[1] as number, to.byteLength - TEXT)).slice();
  if (words[STATE] === FAILED) return fail('device', new TextDecoder().decode(bytes));
  if (words[STATE] !== READY) throw new Error(`the GPU's thread answers ${words[STATE]}`);
  return bytes as Uint8Array<ArrayBuffer>;
}

/**
 * An executor that lives on a thread of its own and answers reads while this one waits: on it, tests that read at once run as
 * they are. For tests alone; a program that waited so would stop the page it runs in.
 */
export class RemoteExecutor implements Executor {
  readonly chip: Chip;
  readonly lost = new Promise<string>(() => {});
  private readonly worker: Worker;
  private readonly sent = new Set<number>();
  private commands: Command[] = [];
  private sequences = 0;

  constructor() {
    const hello = new SharedArrayBuffer(ROOM);
    const { FETTLE_TEST_GPU: where } = process.env;
    if (![undefined, 'node', 'chromium', 'deno'].includes(where)) {
      throw new Error(`FETTLE_TEST_GPU: expected node, chromium or deno, got ${where}`);
    }
    const isHere = where === undefined || where === 'node';
    this.worker = new Worker(isHere ? THREAD : RELAY, {
      workerData: { hello, host: HOST, deno: where === 'deno' ? (process.env.DENO ?? 'deno') : null },
    });
    this.worker.unref();
    const folder = process.cwd();
    if (existsSync(DRIVER)) process.chdir(DRIVER);
    try {
      this.chip = JSON.parse(new TextDecoder().decode(wait(hello, 'start')));
    } finally {
      process.chdir(folder);
    }
  }

  create(buffer: number, bytes: number): void {
    this.say({ do: 'create', buffer, bytes });
  }

  destroy(buffer: number): void {
    this.say({ do: 'destroy', buffer });
  }

  write(buffer: number, offset: number, data: Uint8Array): void {
    this.say({ do: 'write', buffer, offset, data: data.slice() });
  }

  copy(copy: Copy): void {
    this.say({ do: 'copy', ...copy });
  }

  dispatch({ program, words, ...rest }: Dispatch): void {
    if (!this.sent.has(program.id)) {
      this.sent.add(program.id);
      this.say({ do: 'program', program });
    }
    // Copied now: the words of a captured step change before what has gathered is sent.
    this.say({ do: 'dispatch', program: program.id, words: words.slice(), ...rest });
  }

  prepare(commands: readonly Step[]): number {
    this.say({ do: 'prepare', sequence: this.sequences, commands });
    return this.sequences++;
  }

  replay(sequence: number, changes: readonly { readonly at: number; readonly words: Uint32Array }[]): void {
    // Sent at once: what is sent is copied, and the words change with the next run.
    this.say({ do: 'replay', sequence, changes });
    this.send();
  }

  forget(sequence: number): void {
    this.say({ do: 'forget', sequence });
  }

  flush(): void {
    this.say({ do: 'flush' });
    this.send();
  }

  async read(buffer: number, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.readSync(buffer, offset, bytes);
  }

  readSync(buffer: number, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
    const to = new SharedArrayBuffer(TEXT + Math.max(Math.ceil(bytes / 4) * 4, ROOM));
    this.say({ do: 'read', buffer, offset, bytes, to });
    this.send();
    return wait(to, 'read');
  }

  close(): void {
    this.say({ do: 'close' });
    this.send();
  }

  private say(command: Command): void {
    this.commands.push(command);
    if (this.commands.length >= TOGETHER) this.send();
  }

  private send(): void {
    this.worker.postMessage(this.commands);
    this.commands = [];
  }
}
