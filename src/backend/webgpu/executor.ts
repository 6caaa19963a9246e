/**
 * What a GPU is asked to do, in so few words that anything can carry it out: the browser's device, or one that lives on another
 * thread. The planner (device.ts) knows tensors and launches; an executor knows numbered buffers and programs alone.
 */

/** How a program uses a buffer. */
export type Access = 'read' | 'write';

/** A shader, compiled when it is first dispatched. */
export interface Program {
  readonly id: number;
  /** What it is called in messages and captures. */
  readonly name: string;
  /** WGSL. Binding 0 is `words` 32-bit numbers in uniform memory; the buffers follow from binding 1 on. */
  readonly code: string;
  readonly words: number;
  readonly access: readonly Access[];
}

/** What shaders are cut to. */
export interface Chip {
  /** What the driver calls it. */
  readonly name: string;
  /** The largest buffer, and the largest part of one that a shader can see. */
  readonly bufferBytes: number;
  readonly bindingBytes: number;
  /** Buffers that a shader can see at once. */
  readonly buffers: number;
  /** Memory that the invocations of a workgroup share. */
  readonly sharedBytes: number;
  /** Invocations of a workgroup, and workgroups along a dimension. */
  readonly invocations: number;
  readonly groups: number;
  /** Whether shaders may compute in 16-bit floats: the GPU can, and the program has asked for it. */
  readonly f16: boolean;
  /** Invocations of its largest subgroups, within which they see one another's values; 0 where shaders may not use that. */
  readonly subgroups: number;
  /** Whether a shader's language has products of four bytes packed into a word. */
  readonly packedDot: boolean;
}

/** A program on buffers, each of which is named once. */
export interface Dispatch {
  readonly program: Program;
  readonly buffers: readonly number[];
  readonly words: Uint32Array;
  readonly groups: readonly number[];
}

/** Bytes from one buffer to another; places and lengths are multiples of 4. */
export interface Copy {
  readonly target: number;
  readonly targetOffset: number;
  readonly source: number;
  readonly sourceOffset: number;
  readonly bytes: number;
}

export type Command = ({ readonly do: 'dispatch' } & Dispatch) | ({ readonly do: 'copy' } & Copy);

/** Numbers of a command of a sequence that are others in its next run. */
export interface Change {
  readonly at: number;
  readonly words: Uint32Array;
}

export interface Executor {
  readonly chip: Chip;
  /** Makes a buffer of so many bytes, a multiple of 4, zeros all. */
  create(buffer: number, bytes: number): void;
  destroy(buffer: number): void;
  /** Writes bytes, which are copied at once. Places and lengths are multiples of 4 here and below. */
  write(buffer: number, offset: number, data: Uint8Array): void;
  copy(copy: Copy): void;
  dispatch(dispatch: Dispatch): void;
  /** Writes commands down to be given again, as one submission: gives the number of the sequence. */
  prepare(commands: readonly Command[]): number;
  /** Gives the commands of a sequence, those named in `changes` with the words that stand there now. */
  replay(sequence: number, changes: readonly Change[]): void;
  forget(sequence: number): void;
  /** Sends off what has gathered. */
  flush(): void;
  /** Bytes of a buffer, when all that was asked for before has been done. Rejects with what went wrong since the last read. */
  read(buffer: number, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The same at once, where that can be had. */
  readonly readSync?: (buffer: number, offset: number, bytes: number) => Uint8Array<ArrayBuffer>;
  /** Kept when the device is lost or has been let go, with the reason. */
  readonly lost: Promise<string>;
  /** Lets the device go. */
  close(): void;
}
