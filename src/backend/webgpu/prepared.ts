import type { Change, Command, Copy } from './executor.js';
import type { Pipeline, Pipelines } from './pipelines.js';

/** Usage bits, by the names that WebGPU gives them. */
const COPY_DST = 8;
const UNIFORM = 64;

/** A command of a sequence, as far as it can be made ready. */
export type Step =
  | ({ readonly do: 'copy' } & Copy)
  | {
      readonly do: 'dispatch';
      readonly compiled: Pipeline;
      readonly group: GPUBindGroup;
      /** Where its numbers stand, as the dynamic offset. */
      readonly at: readonly [number];
      readonly groups: readonly number[];
    };

interface Sequence {
  readonly steps: readonly Step[];
  readonly places: readonly number[];
  readonly numbers: GPUBuffer;
  readonly staged: Uint8Array<ArrayBuffer>;
}

export const bytesOf = (words: Uint32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/**
 * Sequences of commands that are given again and again, as those of captured steps: with their bind groups, and all their numbers in
 * one buffer, of which a run writes the part that has changed.
 */
export class Prepared {
  private readonly sequences = new Map<number, Sequence>();
  private readonly alignment: number;

  constructor(
    private readonly device: GPUDevice,
    private readonly pipelines: Pipelines,
    private readonly groupOf: (compiled: Pipeline, buffers: readonly number[], numbers: GPUBuffer) => GPUBindGroup,
  ) {
    this.alignment = device.limits.minUniformBufferOffsetAlignment;
  }

  make(sequence: number, commands: readonly Command[]): void {
    const places: number[] = [];
    let size = 0;
    for (const command of commands) {
      places.push(size);
      if (command.do === 'dispatch') size += Math.ceil(command.words.byteLength / this.alignment) * this.alignment;
    }
    const staged = new Uint8Array(Math.max(size, 16));
    const numbers = this.device.createBuffer({
      label: 'numbers of a step',
      size: staged.length,
      usage: UNIFORM | COPY_DST,
    });
    const steps = commands.flatMap((command, i): Step[] => {
      if (command.do === 'copy') return [command];
      const { program, buffers, words, groups } = command;
      const compiled = this.pipelines.now(program);
      if (compiled === null) return [];
      const at = places[i] as number;
      staged.set(bytesOf(words), at);
      return [{ do: 'dispatch', compiled, group: this.groupOf(compiled, buffers, numbers), at: [at], groups }];
    });
    this.device.queue.writeBuffer(numbers, 0, staged);
    this.sequences.set(sequence, { steps, places, numbers, staged });
  }

  /** Sets the numbers of the next run, and gives its steps. What reads those of the run before has been sent off. */
  run(sequence: number, changes: readonly Change[]): readonly Step[] {
    const { steps, places, numbers, staged } = this.sequences.get(sequence) as Sequence;
    if (changes.length > 0) {
      let [low, high] = [staged.length, 0];
      for (const { at, words } of changes) {
        const place = places[at] as number;
        staged.set(bytesOf(words), place);
        low = Math.min(low, place);
        high = Math.max(high, place + words.byteLength);
      }
      this.device.queue.writeBuffer(numbers, low, staged, low, high - low);
    }
    return steps;
  }

  forget(sequence: number): void {
    this.sequences.get(sequence)?.numbers.destroy();
    this.sequences.delete(sequence);
  }
}
