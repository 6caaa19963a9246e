import type { Executor, Program } from '../../../src/backend/webgpu/executor.js';
import { text } from './answers.js';
import type { Command } from './messages.js';

/** Gives bytes back to whoever waits for them, or the text of what went wrong. */
export type Answer = (bytes: Uint8Array, failed: boolean) => void;

/** Carries out commands that come from elsewhere on an executor that lies here. */
export class Server {
  private readonly programs = new Map<number, Program>();
  private readonly sequences = new Map<number, number>();
  private broken: Uint8Array | null = null;

  constructor(private readonly executor: Executor) {}

  /** `answer` is called for reads alone. Whoever waits for one is told what went wrong on the way. */
  take(command: Command, answer: Answer): void {
    try {
      this.carryOut(command, answer);
    } catch (error) {
      this.broken ??= text(error);
    }
    if (this.broken !== null && command.do === 'read') answer(this.broken, true);
  }

  private carryOut(command: Command, answer: Answer): void {
    const { executor, programs, sequences } = this;
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
          (bytes) => answer(bytes, false),
          (error) => answer(text(error), true),
        );
        break;
      case 'close':
        executor.close();
    }
  }
}
