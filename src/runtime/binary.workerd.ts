/**
 * `#binary` on workerd and edge runtimes, which refuse to compile WebAssembly at run time: the binaries are imported, and
 * the runtime compiles them when it starts. One that it could not compile would keep the whole program from starting, so only
 * the two that every such runtime knows are imported; it has no workers that a shared memory would serve.
 */

import { fail } from '../core/errors.js';
import relaxed from './relaxed.wasm';
import strict from './strict.wasm';
import type { Binary, Variant } from './variant.js';

function withoutThreads(): never {
  return fail('device', 'fettle: this runtime has no worker threads. Leave setThreads() at 1 here.');
}

export const binaries: Readonly<Record<Variant, () => Binary>> = {
  strict: () => strict,
  relaxed: () => relaxed,
  'strict-shared': withoutThreads,
  'relaxed-shared': withoutThreads,
};

/** Makes sure that `binaries` can give this variant at once; here it always can. */
export async function prepare(_variant: Variant): Promise<void> {}

/** Why there are no kernels for 256-bit vectors here. */
export function turboBinary(): Binary | string {
  return 'it needs Node 24 or later, and this is no Node';
}
