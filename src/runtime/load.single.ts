/**
 * How a program in one file comes by a part of the binary: somebody gives it, be it the file itself, which carries the binaries
 * as text, or whoever has a way of his own to bring them. Nothing is fetched, so that such a program can be a service worker, a
 * page without a server, or run where WebAssembly is compiled before the program starts.
 */
import { fail } from '../core/errors.js';
import { Part } from './part.js';
import type { Binary, Variant } from './variant.js';

/** Binaries by file, without its extension: `core.strict`, `core.relaxed`, `convolution.strict` … */
const given = new Map<string, Binary>();

/**
 * Gives fettle its binaries, by the names under which the package has them, `fettle/core.strict.wasm`, with or without `.wasm`:
 * compiled modules or bytes. Parts that are not given cannot be used; where a part is given strict alone, its strict kernels serve for relaxed
 * arithmetic as well. Call it before the first tensor is made; `fettle/inline` needs no call.
 *
 * @example
 * // import { init, tensor } from 'fettle/bare';
 * // import core from 'fettle/core.strict.wasm';
 * // init({ 'core.strict': core });
 */
export function init(
  binaries: Readonly<Record<string, WebAssembly.Module | ArrayBuffer | Uint8Array<ArrayBuffer>>>,
): void {
  const named = Object.entries(binaries).map(([file, binary]): [string, Binary] => {
    const name = file.replace(/\.wasm$/, '');
    if (binary instanceof WebAssembly.Module || binary instanceof Uint8Array) return [name, binary];
    if (binary instanceof ArrayBuffer) return [name, new Uint8Array(binary)];
    return fail(
      'argument',
      `init: '${file}' must be a WebAssembly.Module or bytes, got ${String(binary)}. Await what is still on its way.`,
    );
  });
  for (const [name, binary] of named) given.set(name, binary);
}

function find(part: string, variant: Variant): Binary {
  const binary = given.get(`${part}.${variant}`);
  if (binary !== undefined) return binary;
  const strict = variant === 'relaxed' ? given.get(`${part}.strict`) : undefined;
  return (
    strict ??
    fail(
      'device',
      `fettle: the binary '${part}.${variant}' is not here. Give it with init({ '${part}.${variant}': … }) before the first tensor, ` +
        'or import fettle/inline, which carries the strict and the relaxed binaries of all parts.',
    )
  );
}

/** The part of this name. */
// @__NO_SIDE_EFFECTS__
export function part(name: string, index: number): Part {
  return new Part(name, index, {
    strict: () => find(name, 'strict'),
    relaxed: () => find(name, 'relaxed'),
    'strict-shared': () => find(name, 'strict-shared'),
    'relaxed-shared': () => find(name, 'relaxed-shared'),
  });
}

/** The decoder of JPEGs, for runtimes that have none of their own. It is not carried along. */
export async function jpegBinary(): Promise<Binary> {
  return (
    given.get('mozjpeg_dec') ??
    fail(
      'device',
      "fettle: the decoder of JPEGs is not here. Give it with init({ mozjpeg_dec: … }), from the package's " +
        'dist/vendor/mozjpeg_dec.wasm, or import fettle/data, which brings it itself.',
    )
  );
}

/** Begins to fetch what is awaited later; here nothing has to be fetched. */
export const ahead = (): undefined => undefined;

/** Why there are no kernels for 256-bit vectors here. */
export function turboBinary(): ((shared: boolean) => Binary) | string {
  return 'it needs fettle itself, and this is fettle in one file';
}

/** What shares launches among threads. */
export function poolBinary(): Binary {
  return given.get('pool') ?? withoutThreads();
}

/** Fetches a binary of all parts; here nothing is fetched, and those for threads are not carried along. */
export function fetchVariant(variant: Variant): undefined {
  if (variant.endsWith('-shared') && !given.has(`core.${variant}`)) withoutThreads();
}

function withoutThreads(): never {
  return fail(
    'device',
    "fettle: the binaries for threads are not here. Give those whose names end in '-shared', and 'pool', with init(), or import " +
      'fettle itself.',
  );
}
