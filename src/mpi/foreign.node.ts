/** Calls of C libraries: through koffi on Node, and through what Deno and Bun have themselves. */
import type * as Modules from 'node:module';
import { FettleError, fail } from '../core/errors.js';

/** How a parameter is passed: a C int; an address or handle as wide as a pointer; or memory, whose address the call gets. */
export type Parameter = 'int' | 'address' | 'memory';

/** A function of C that returns an int. Memory may also be given as an address, 0n for none. */
export type ForeignFunction = (...given: (number | bigint | ArrayBufferView)[]) => number;

/** A library that has been loaded. */
export interface ForeignLibrary {
  /** The address of what has that name; null if nothing has. */
  symbol(name: string): bigint | null;
  /** The function of that name. */
  func(name: string, parameters: readonly Parameter[]): ForeignFunction;
}

/** Loads the library `file`, so that libraries which it loads in turn find what it defines; null if there is no such library. */
export type Loader = (file: string) => ForeignLibrary | null;

/** dlopen's flags: everything at once, and for all to see. */
const NOW = 2;
const isMac = (): boolean => process.platform === 'darwin';
const globalFlags = (): number => NOW | (isMac() ? 0x8 : 0x100);

/** Where dlopen and dlsym stand: in the C library itself today, in one of their own before glibc 2.34. */
const C_LIBRARIES = ['libc.so.6', 'libdl.so.2', 'libSystem.B.dylib', 'libc.so'];

const text = (name: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`${name}\0`);

const missing = (name: string): never =>
  fail('unsupported', `mpi: the MPI library has no ${name}. It is too old, or no MPI.`);

/** As much of koffi as is used here. */
interface Koffi {
  load(file: string, options: { global: boolean; lazy: boolean }): KoffiLibrary;
  address(value: unknown): bigint;
}

interface KoffiLibrary {
  func(name: string, result: string, parameters: readonly string[]): ForeignFunction;
  symbol(name: string, type: string): unknown;
}

/** koffi, from beside fettle or, where fettle is linked in from elsewhere, from beside the program. */
async function importKoffi(): Promise<Koffi> {
  // No literal, so that bundlers leave out what is there for some programs alone.
  const name = ['ko', 'ffi'].join('');
  try {
    return ((await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as { default: Koffi }).default;
  } catch (cause) {
    const { createRequire }: Pick<typeof Modules, 'createRequire'> = process.getBuiltinModule('node:module');
    try {
      return createRequire(`${process.cwd()}/program.js`)(name) as Koffi;
    } catch {
      return fail(
        'unsupported',
        'mpi: Node calls MPI through the package koffi, which is not installed. Type npm install koffi; Deno and Bun need none.',
        cause,
      );
    }
  }
}

async function koffiLoader(): Promise<Loader> {
  const koffi = await importKoffi();
  const types: Readonly<Record<Parameter, string>> = { int: 'int', address: 'intptr_t', memory: 'void *' };
  return (file) => {
    let library: KoffiLibrary;
    try {
      library = koffi.load(file, { global: true, lazy: false });
    } catch {
      return null;
    }
    return {
      symbol(name) {
        try {
          return koffi.address(library.symbol(name, 'void *'));
        } catch {
          return null;
        }
      },
      func: (name, parameters) => {
        try {
          return library.func(
            name,
            'int',
            parameters.map((parameter) => types[parameter]),
          );
        } catch {
          return missing(name);
        }
      },
    };
  };
}

/** dlopen and dlsym, with addresses as numbers of 64 bits. */
interface Linker {
  open(name: Uint8Array<ArrayBuffer>, flags: number): bigint;
  find(library: bigint, name: Uint8Array<ArrayBuffer>): bigint;
  bind(address: bigint, parameters: readonly Parameter[]): ForeignFunction;
}

function linkedLoader({ open, find, bind }: Linker): Loader {
  return (file) => {
    const library = open(text(file), globalFlags());
    if (library === 0n) return null;
    const symbol = (name: string): bigint | null => find(library, text(name)) || null;
    return { symbol, func: (name, parameters) => bind(symbol(name) ?? missing(name), parameters) };
  };
}

/** The first of the C libraries that can be loaded. */
function cLibrary<T>(load: (file: string) => T): T {
  for (const file of C_LIBRARIES) {
    try {
      return load(file);
    } catch (cause) {
      // The next name may be that of this system; what is not permitted is not permitted for any.
      if (cause instanceof Error && /NotCapable|PermissionDenied/.test(cause.name)) throw cause;
    }
  }
  return fail('unsupported', 'mpi: this system has no dlopen to load MPI with. MPI is used on Linux and macOS.');
}

/** As much of Deno as is used here. */
interface DenoFfi {
  dlopen(file: string, symbols: object): { symbols: Record<string, (...given: unknown[]) => bigint> };
  UnsafePointer: { create(address: bigint): object | null };
  UnsafeFnPointer: new (pointer: object | null, definition: object) => { call: ForeignFunction };
}

function denoLoader(deno: DenoFfi): Loader {
  const { dlopen, dlsym } = cLibrary((file) =>
    deno.dlopen(file, {
      dlopen: { parameters: ['buffer', 'i32'], result: 'u64' },
      dlsym: { parameters: ['u64', 'buffer'], result: 'u64' },
    }),
  ).symbols as { dlopen: (...given: unknown[]) => bigint; dlsym: (...given: unknown[]) => bigint };
  const types: Readonly<Record<Parameter, string>> = { int: 'i32', address: 'i64', memory: 'buffer' };
  return linkedLoader({
    open: (name, flags) => BigInt(dlopen(name, flags)),
    find: (library, name) => BigInt(dlsym(library, name)),
    bind(address, parameters) {
      const definition = { parameters: parameters.map((parameter) => types[parameter]), result: 'i32' };
      const pointer = new deno.UnsafeFnPointer(deno.UnsafePointer.create(address), definition);
      return (...given) => pointer.call(...given);
    },
  });
}

/** As much of bun:ffi as is used here. */
interface BunFfi {
  dlopen(file: string, symbols: object): { symbols: Record<string, (...given: unknown[]) => bigint> };
  CFunction(definition: { ptr: bigint; args: readonly string[]; returns: string }): ForeignFunction;
}

async function bunLoader(): Promise<Loader> {
  const name = ['bun', 'ffi'].join(':');
  const bun = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as BunFfi;
  const { dlopen, dlsym } = cLibrary((file) =>
    bun.dlopen(file, {
      dlopen: { args: ['ptr', 'i32'], returns: 'u64' },
      dlsym: { args: ['u64', 'ptr'], returns: 'u64' },
    }),
  ).symbols as { dlopen: (...given: unknown[]) => bigint; dlsym: (...given: unknown[]) => bigint };
  const types: Readonly<Record<Parameter, string>> = { int: 'i32', address: 'i64', memory: 'ptr' };
  return linkedLoader({
    open: (file, flags) => BigInt(dlopen(file, flags)),
    find: (library, symbol) => BigInt(dlsym(library, symbol)),
    bind: (ptr, parameters) =>
      bun.CFunction({ ptr, args: parameters.map((parameter) => types[parameter]), returns: 'i32' }),
  });
}

/** How this runtime loads libraries of C; throws where it cannot, with what to install. */
export async function foreignLoader(): Promise<Loader> {
  const { Deno, Bun } = globalThis as { Deno?: DenoFfi; Bun?: unknown };
  if (Deno?.dlopen !== undefined) {
    try {
      return denoLoader(Deno);
    } catch (cause) {
      if (cause instanceof FettleError) throw cause;
      return fail('unsupported', 'mpi: Deno may not call libraries of C. Run it with --allow-ffi --allow-env.', cause);
    }
  }
  if (Bun !== undefined) return bunLoader();
  if (typeof process !== 'object' || process.versions?.node === undefined) {
    return fail('unsupported', 'mpi: browsers and edge runtimes have no MPI. Use Node with koffi, Deno or Bun.');
  }
  return koffiLoader();
}
