/**
 * How browsers come by a part of the binary: the module of a part that a program uses fetches, while it is imported, the one
 * binary that the browser runs fastest, compiling it while it arrives, so that the first tensor computes without a call to
 * wait for.
 */
import { fail } from '../core/errors.js';
import { Part } from './part.js';
import { type Binary, hasRelaxedSimd, type Variant } from './variant.js';

/** Where the binaries of a part are. */
export type Files = Readonly<Record<Variant, () => URL>>;

const FASTEST: Variant = hasRelaxedSimd() ? 'relaxed' : 'strict';

const fetched = new Map<string, Promise<WebAssembly.Module>>();

/** The parts that the program has, with those of their binaries that are here. */
const present = new Map<Files, Map<Variant, WebAssembly.Module>>();
/** The binaries that each part is to have. */
const wanted = new Set<Variant>([FASTEST]);

/**
 * Vite's development server bundles packages beforehand, into node_modules/.vite/deps, and copies none of the files that they name by
 * their own address. They are where they were installed.
 */
function installed({ href }: URL): string {
  return href.replace(
    /\/\.vite\/(?:[^?]*\/)?(deps\w*|vendor)\/(?=[\w.-]+$)/,
    (_, folder: string) => `/fettle/dist/${folder === 'vendor' ? folder : 'runtime'}/`,
  );
}

/** The WebAssembly at an address, compiled while it arrives. */
export async function compile(at: URL): Promise<WebAssembly.Module> {
  const url = installed(at);
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
      `fettle: expected WebAssembly at ${url}, but got ${came} (${cause instanceof Error ? cause.message : String(cause)}). ` +
        'Serve the .wasm files of the package beside its JavaScript, or let a bundler that follows new URL(…, import.meta.url) copy them.',
      cause,
    );
  }
}

/** The binary at an address, being fetched from now on at the latest. */
function from(url: URL): Promise<WebAssembly.Module> {
  const module = fetched.get(url.href) ?? compile(url);
  fetched.set(url.href, module);
  return module;
}

async function add(files: Files, variant: Variant): Promise<void> {
  present.get(files)?.set(variant, await from(files[variant]()));
}

/** The part of this name, when it is here. */
export async function part(name: string, index: number, files: Files): Promise<Part> {
  const here = new Map<Variant, WebAssembly.Module>();
  present.set(files, here);
  await Promise.all([...wanted].map((variant) => add(files, variant)));
  const give = (variant: Variant) => (): Binary =>
    here.get(variant) ??
    fail(
      'device',
      `fettle: the ${variant} binary of '${name}' has not been fetched. Await what asks for it: ` +
        'await deterministic(true), await setThreads(2).',
    );
  return new Part(name, index, {
    strict: give('strict'),
    relaxed: give('relaxed'),
    'strict-shared': give('strict-shared'),
    'relaxed-shared': give('relaxed-shared'),
  });
}

/** Fetches this binary of all parts, also of those that are imported later; undefined where it is here already. */
export function fetchVariant(variant: Variant): Promise<void> | undefined {
  wanted.add(variant);
  const missing = [...present].filter(([, here]) => !here.has(variant));
  if (missing.length === 0) return undefined;
  return Promise.all(missing.map(([files]) => add(files, variant))).then(() => {});
}

/** What shares launches among threads. */
export function poolBinary(): Promise<WebAssembly.Module> {
  return from(new URL('./pool.wasm', import.meta.url));
}

/** Begins to fetch parts that are awaited later, one after the other in a bundle: so they travel at the same time. */
export function begin(parts: readonly Files[]): undefined {
  // One that fails is reported where it is awaited.
  for (const files of parts) from(files[FASTEST]()).catch(() => {});
}

/** Why there are no kernels for 256-bit vectors here. */
export function turboBinary(): ((shared: boolean) => Binary) | string {
  return 'it needs Node 24 or later, and this is no Node';
}
