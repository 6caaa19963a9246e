/** `#binary` on Node, Deno and Bun: the binaries are files beside this module, read when they are wanted. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { type Binary, hasRelaxedSimd, type Variant } from './variant.js';

// Node 20 has relaxed SIMD behind a flag that takes effect at run time, in worker threads too. Later versions need none.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

// Run from the source tree, as the tests are, this module is TypeScript, and the build leaves the binaries in build/.
const source = import.meta.url.endsWith('.ts');

function read(name: Variant | 'turbo', beside: URL): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(source ? new URL(`../../build/${name}.wasm`, import.meta.url) : beside));
}

/**
 * The binary with the kernels for 256-bit vectors, or why there is none. V8 widens what it compiles from now on, in the whole
 * process.
 */
export function turboBinary(): Binary | string {
  const { node = '' } = process.versions;
  const isNode = !('deno' in process.versions) && !('bun' in process.versions);
  if (!isNode || Number.parseInt(node, 10) < 24) return `it needs Node 24 or later, and this is ${runtimeName()}`;
  if (process.arch !== 'x64') return `it needs an x64 processor, and this is ${process.arch}`;
  setFlagsFromString('--experimental-wasm-revectorize');
  return read('turbo', new URL('./turbo.wasm', import.meta.url));
}

function runtimeName(): string {
  const { deno, bun, node } = process.versions as { deno?: string; bun?: string; node?: string };
  return deno !== undefined ? `Deno ${deno}` : bun !== undefined ? `Bun ${bun}` : `Node ${node}`;
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
