/**
 * How workerd and edge runtimes come by a part of the binary: they refuse to compile WebAssembly at run time, so the module
 * of a part imports its binaries, and the runtime compiles them when it starts. One that it could not compile would keep the
 * whole program from starting, so only the two that every such runtime knows are imported; it has no workers that a shared
 * memory would serve.
 */
import { fail } from '../core/errors.js';
import { Part } from './part.js';
import type { Binary, Variant } from './variant.js';

function withoutThreads(): never {
  return fail('device', 'fettle: this runtime has no worker threads. Leave setThreads() at 1 here.');
}

/** The part of this name. */
// @__NO_SIDE_EFFECTS__
export function part(name: string, index: number, strict: Binary, relaxed: Binary): Part {
  return new Part(name, index, {
    strict: () => strict,
    relaxed: () => relaxed,
    'strict-shared': withoutThreads,
    'relaxed-shared': withoutThreads,
  });
}

/** Begins to fetch what is awaited later; here nothing has to be fetched. */
export const ahead = (): undefined => undefined;

/** Why there are no kernels for 256-bit vectors here. */
export function turboBinary(): ((shared: boolean) => Binary) | string {
  return 'it needs Node 24 or later, and this is no Node';
}

/** What would share launches among threads. */
export const poolBinary = withoutThreads;

/** Fetches a binary of all parts; here nothing has to be fetched. */
export function fetchVariant(variant: Variant): undefined {
  if (variant.endsWith('-shared')) withoutThreads();
}
