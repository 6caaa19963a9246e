/** `#binary` on Node, Deno and Bun: the binaries are files beside this module, read when they are wanted. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { type Binary, hasRelaxedSimd, type Variant } from './variant.js';

// Node 20 has relaxed SIMD behind a flag that takes effect at run time, in worker threads too. Later versions need none.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

// Run from the source tree, as the tests are, this module is TypeScript, and the build leaves the binaries in build/.
const source = import.meta.url.endsWith('.ts');

function read(variant: Variant, beside: URL): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(source ? new URL(`../../build/${variant}.wasm`, import.meta.url) : beside));
}

// The file names stand here as literals because that is the form in which bundlers find files to carry along.
export const binaries: Readonly<Record<Variant, () => Binary>> = {
  strict: () => read('strict', new URL('./strict.wasm', import.meta.url)),
  relaxed: () => read('relaxed', new URL('./relaxed.wasm', import.meta.url)),
  'strict-shared': () => read('strict-shared', new URL('./strict-shared.wasm', import.meta.url)),
  'relaxed-shared': () => read('relaxed-shared', new URL('./relaxed-shared.wasm', import.meta.url)),
};

/** Makes sure that `binaries` can give this variant at once; here it always can. */
export async function prepare(_variant: Variant): Promise<void> {}
