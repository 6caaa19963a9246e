import type { Copy, Dispatch, Program, Command as Step } from '../../../src/backend/webgpu/executor.js';

/** What goes from the tests' thread to the GPU's. */
/** A dispatch whose program has been sent. */
export type Sent = Omit<Dispatch, 'program'> & { readonly program: number };

export type Command =
  | { readonly do: 'create'; readonly buffer: number; readonly bytes: number }
  | { readonly do: 'destroy'; readonly buffer: number }
  | { readonly do: 'write'; readonly buffer: number; readonly offset: number; readonly data: Uint8Array }
  | ({ readonly do: 'copy' } & Copy)
  | { readonly do: 'program'; readonly program: Program }
  | ({ readonly do: 'dispatch' } & Sent)
  | { readonly do: 'prepare'; readonly sequence: number; readonly commands: readonly Step[] }
  | {
      readonly do: 'replay';
      readonly sequence: number;
      readonly changes: readonly { readonly at: number; readonly words: Uint32Array }[];
    }
  | { readonly do: 'forget'; readonly sequence: number }
  | { readonly do: 'flush' }
  | {
      readonly do: 'read';
      readonly buffer: number;
      readonly offset: number;
      readonly bytes: number;
      readonly to: SharedArrayBuffer;
    }
  | { readonly do: 'close' };

/** An answer: its state, the bytes in it, and from byte TEXT on those. */
export const STATE = 0;
export const TEXT = 8;
export const READY = 1;
export const FAILED = 2;
