import { FAILED, READY, STATE, TEXT } from './messages.js';

/** Writes an answer into shared memory, where the tests' thread waits for it: bytes, or the text of an error. */
export function answer(to: SharedArrayBuffer, bytes: Uint8Array, failed: boolean): void {
  const words = new Int32Array(to);
  words[1] = bytes.length;
  new Uint8Array(to, TEXT).set(bytes.subarray(0, to.byteLength - TEXT));
  Atomics.store(words, STATE, failed ? FAILED : READY);
  Atomics.notify(words, STATE);
}

export const text = (error: unknown): Uint8Array =>
  new TextEncoder().encode(String(error instanceof Error ? error.message : error));
