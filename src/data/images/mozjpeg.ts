import factory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import { jpegBinary } from '#binary';
import { fail } from '../../core/errors.js';
import type { JpegHeader } from './jpeg.js';
import type { Pixels } from './pixels.js';

/**
 * MozJPEG's decoder, compiled to WebAssembly (jSquash, https://github.com/jamsinclair/jSquash): the same arithmetic as
 * libjpeg-turbo's, whose pictures PIL shows, to the bit.
 */
interface Decoder {
  /** The picture as red, green, blue and 255; it throws where libjpeg gives up. */
  decode(bytes: Uint8Array, preserveOrientation: boolean): { readonly data: Uint8ClampedArray };
  readonly HEAPU8: Uint8Array;
}

type Factory = (options: object) => Promise<Decoder>;

/** A decoder's memory only grows. One that a large picture has blown up beyond this is let go. */
const LARGEST_HEAP = 1 << 27;

/** What the decoder makes its result with; browsers have one, and it has to be there on other runtimes. */
class Picture {
  constructor(readonly data: Uint8ClampedArray) {}
}

/** libjpeg's words about the file at hand. */
let said: string[] = [];
let decoder: Decoder | null = null;
let loading: Promise<WebAssembly.Module> | undefined;

async function compiled(): Promise<WebAssembly.Module> {
  const binary = await jpegBinary();
  return binary instanceof WebAssembly.Module ? binary : WebAssembly.compile(binary);
}

async function makeDecoder(): Promise<Decoder> {
  loading ??= compiled();
  const module = await loading.catch((cause: unknown) => {
    loading = undefined;
    throw cause;
  });
  return (factory as unknown as Factory)({
    noInitialRun: true,
    instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
      void WebAssembly.instantiate(module, imports).then(done);
      return {};
    },
    print: () => {},
    printErr: (line: string) => said.push(line),
  });
}

/** Calls `body` while the global ImageData is the decoder's own; nothing else runs in between. */
function withPicture<T>(body: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'ImageData');
  Object.defineProperty(globalThis, 'ImageData', { value: Picture, configurable: true, writable: true });
  try {
    return body();
  } finally {
    if (before) Object.defineProperty(globalThis, 'ImageData', before);
    else Reflect.deleteProperty(globalThis, 'ImageData');
  }
}

/** The picture in a file of one or three components that was found whole. */
export async function decodeWithLibrary(
  name: string,
  bytes: Uint8Array,
  { width, height, components }: JpegHeader,
): Promise<Pixels> {
  const own = decoder ?? (await makeDecoder());
  // Whether several were made at once while the first was awaited, one is kept.
  decoder = own;
  said = [];
  let data: Uint8ClampedArray;
  try {
    ({ data } = withPicture(() => own.decode(bytes, true)));
  } catch (cause) {
    // libjpeg left in the middle: what it had taken is lost within this memory.
    decoder = null;
    const reason = said.at(-1) ?? (cause instanceof Error ? cause.message : 'out of memory');
    return fail('data', `${name}: damaged: ${reason}.`, cause);
  }
  if (own.HEAPU8.length > LARGEST_HEAP) decoder = null;
  if (data.length !== width * height * 4) {
    fail('data', `${name}: damaged: ${data.length / 4} pixels came out, and its header says ${width} × ${height}.`);
  }
  return { width, height, channels: components, step: 4, data };
}
