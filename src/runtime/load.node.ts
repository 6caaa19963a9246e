/** How Node, Deno and Bun come by a part of the binary: its files lie beside this module and are read when they are wanted. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Part } from './part.js';
import { type Binary, hasRelaxedSimd, type Variant } from './variant.js';

// Node 20 has relaxed SIMD behind a flag that takes effect at run time, in worker threads too. Later versions need none.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

/** Where a file of a part is. */
export type Files = Readonly<Record<Variant, (part: string) => URL>>;

/** The binary in a file. */
export function read(file: URL): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(file));
}

/** The part of this name. */
// @__NO_SIDE_EFFECTS__
export function part(name: string, index: number, files: Files): Part {
  return new Part(name, index, {
    strict: () => read(files.strict(name)),
    relaxed: () => read(files.relaxed(name)),
    'strict-shared': () => read(files['strict-shared'](name)),
    'relaxed-shared': () => read(files['relaxed-shared'](name)),
  });
}

/** Begins to fetch what is awaited later, where anything has to be fetched. */
export const ahead = (): undefined => undefined;

/**
/**
 * The binary with the kernels for 256-bit vectors, for a memory that threads share or do not, or why there is none. V8 widens what
 * it compiles from now on, in the whole process.
 */
export function loadTurbo(files: {
  readonly private: () => URL;
  readonly shared: () => URL;
}): ((shared: boolean) => Binary) | string {
  const { node = '' } = process.versions;
  const isNode = !('deno' in process.versions) && !('bun' in process.versions);
  if (!isNode || Number.parseInt(node, 10) < 24) return `it needs Node 24 or later, and this is ${runtimeName()}`;
  if (process.arch !== 'x64') return `it needs an x64 processor, and this is ${process.arch}`;
  setFlagsFromString('--experimental-wasm-revectorize');
  return (shared) => read(shared ? files.shared() : files.private());
}

/** Fetches a binary of all parts, where any has to be fetched. */
export const fetchVariant = (_: Variant): Promise<void> | undefined => undefined;

function runtimeName(): string {
  const { deno, bun, node } = process.versions as { deno?: string; bun?: string; node?: string };
  return deno !== undefined ? `Deno ${deno}` : bun !== undefined ? `Bun ${bun}` : `Node ${node}`;
}
