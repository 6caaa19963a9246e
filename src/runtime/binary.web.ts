/**
 * `#binary` in browsers: importing the package fetches the one binary that the browser runs fastest, compiling it while it
 * arrives, so that the first tensor computes without a call to wait for.
 */
import { fail } from '../core/errors.js';
import { type Binary, hasRelaxedSimd, type Variant } from './variant.js';

// The file names stand here as literals because that is the form in which bundlers find files to carry along.
const urls: Readonly<Record<Variant, () => URL>> = {
  strict: () => new URL('./strict.wasm', import.meta.url),
  relaxed: () => new URL('./relaxed.wasm', import.meta.url),
  'strict-shared': () => new URL('./strict-shared.wasm', import.meta.url),
  'relaxed-shared': () => new URL('./relaxed-shared.wasm', import.meta.url),
};

const modules = new Map<Variant, WebAssembly.Module>();

async function compile(url: URL): Promise<WebAssembly.Module> {
  let response: Response | undefined;
  try {
    response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const type = response.headers.get('content-type') ?? '';
    // Compiling from the stream insists on this type; a server that does not know .wasm sends another.
    if (type.startsWith('application/wasm')) return await WebAssembly.compileStreaming(response);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    const came = response
      ? `status ${response.status}, content type ${response.headers.get('content-type') ?? 'missing'}`
      : 'no answer';
    return fail(
      'device',
      `fettle: expected WebAssembly at ${url.href}, but got ${came} (${cause instanceof Error ? cause.message : String(cause)}). ` +
        'Serve the .wasm files of the package beside its JavaScript, or let a bundler that follows new URL(…, import.meta.url) copy them.',
      cause,
    );
  }
}

/** Fetches a variant unless that was done, so that `binaries` can give it at once. */
export async function prepare(variant: Variant): Promise<void> {
  if (!modules.has(variant)) modules.set(variant, await compile(urls[variant]()));
}

function prepared(variant: Variant): Binary {
  return (
    modules.get(variant) ??
    fail(
      'device',
      `fettle: the ${variant} binary was not fetched. A browser cannot wait for it here: prepare it first.`,
    )
  );
}

export const binaries: Readonly<Record<Variant, () => Binary>> = {
  strict: () => prepared('strict'),
  relaxed: () => prepared('relaxed'),
  'strict-shared': () => prepared('strict-shared'),
  'relaxed-shared': () => prepared('relaxed-shared'),
};

/** Why there are no kernels for 256-bit vectors here. */
export function turboBinary(): Binary | string {
  return 'it needs Node 24 or later, and this is no Node';
}

await prepare(hasRelaxedSimd() ? 'relaxed' : 'strict');
