import { joinBytes } from '../../core/bytes.js';
import { fail } from '../../core/errors.js';
import { instructionsOf, renumber, type Space, walk } from './body.js';
import { list, number, type Piece, section, signed, sized, text } from './bytes.js';
import { type Stretch, segmentsOf } from './image.js';
import type { WasmModule } from './module.js';

/**
 * Makes one module of the kernels that a program needs: from several modules it takes the functions that can be reached, and what
 * those need, and adds the memory and, for each program, a function that calls its kernels one after another.
 */

/** A kernel of one of the modules, at work on a record. */
export interface Call {
  /** Which of the modules. */
  readonly module: number;
  readonly kernel: string;
  /** The address of the record, and its work items. */
  readonly record: number;
  readonly work: number;
  /** Whether the kernel may refuse its input. */
  readonly checks: boolean;
}

export interface Parts {
  readonly modules: readonly WasmModule[];
  /** By the names that their functions are exported by: each gives 0, or the number, from 1 on, of the call that refused. */
  readonly programs: Readonly<Record<string, readonly Call[]>>;
  /** What memory holds to begin with, besides the static data of the modules. */
  readonly image: readonly Stretch[];
  /** Where kernels find memory to work with. */
  readonly scratch: number;
  /** Bytes of memory. */
  readonly bytes: number;
}

const PAGE = 65536;
/** Of a function object: its place in the table, and what it is bound to. */
const OBJECT_BYTES = 8;
const I32 = 0x7f;
const FUNCREF = 0x70;
const [NOTHING, RUNS] = [
  [0x60, 0, 0],
  [0x60, 0, 1, I32],
] as const;
/** Globals that all modules share, in the order in which they are written. */
const SHARED = ['scratch', 'refused'] as const;
const REFUSED = SHARED.indexOf('refused');

const keyOf = (type: Piece): string => type.join();

/** One of the modules, with what is kept of it. */
class Source {
  private readonly kept = new Set<number>();
  private readonly keptGlobals = new Set<number>();
  /** Whether its functions call others by their places in the table. */
  indirect = false;
  /** Signatures that are called so, and places that are named. */
  private readonly called = new Set<string>();
  private readonly named = new Set<number>();
  /** Places in the table by the addresses of the objects that hold them. */
  private readonly objects: ReadonlyMap<number, number>;

  constructor(readonly module: WasmModule) {
    this.objects = functionObjects(module);
    // Where a place has no object that code could name, all of them may be called.
    const known = new Set(this.objects.values());
    if ([...module.table.keys()].some((place) => !known.has(place))) this.named = new Set(module.table.keys());
  }

  get functions(): readonly number[] {
    return [...this.kept].sort((a, b) => a - b);
  }

  get globals(): readonly number[] {
    return [...this.keptGlobals].sort((a, b) => a - b);
  }

  /** Keeps a function and all that it can reach. */
  keep(index: number): void {
    const waiting = [index];
    const name = (address: number): void => {
      const place = this.objects.get(address);
      if (place !== undefined) this.named.add(place);
    };
    while (waiting.length > 0) {
      const next = waiting.pop() as number;
      if (!this.kept.has(next)) {
        this.kept.add(next);
        const { body } = this.module.functions[next] as WasmModule['functions'][number];
        const visit = (space: Space, i: number): void => {
          if (space === 'function') waiting.push(i);
          else if (space === 'global') this.keepGlobal(i);
          else if (space === 'type') this.call(i);
        };
        walk(body, instructionsOf(body), visit, name);
      }
      if (waiting.length === 0) waiting.push(...this.callable());
    }
  }

  private keepGlobal(index: number): void {
    this.keptGlobals.add(index);
    const own = this.module.globals[index - this.module.imported.length];
    if (own !== undefined) walk(own.value, 0, (_, other) => this.keepGlobal(other));
  }

  private call(type: number): void {
    this.indirect = true;
    this.called.add(keyOf(this.module.types[type] as Uint8Array));
  }

  /** The functions that calls through the table can reach: those of their signatures whose places are named. */
  private callable(): number[] {
    const { types, table, functions } = this.module;
    const signature = (index: number): string =>
      keyOf(types[(functions[index] as WasmModule['functions'][number]).type] as Uint8Array);
    return [...table]
      .filter(([place, index]) => this.named.has(place) && !this.kept.has(index) && this.called.has(signature(index)))
      .map(([, index]) => index);
  }
}

/**
 * AssemblyScript keeps a function that is passed on as an object in static data: a header, of which the last word is the size, 8,
 * then its place in the table. Code names the address behind the header.
 */
function functionObjects({ table, data }: WasmModule): Map<number, number> {
  const found = new Map<number, number>();
  for (const { at, bytes } of data) {
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = (4 - (at % 4)) % 4; i + 8 <= bytes.length; i += 4) {
      const place = words.getUint32(i + 4, true);
      if (words.getUint32(i, true) === OBJECT_BYTES && table.has(place)) found.set(at + i + 4, place);
    }
  }
  return found;
}

/** The list that a new module has of something, which each is put into once. */
class Numbering {
  readonly pieces: Piece[] = [];
  private readonly known = new Map<string, number>();

  add(key: string, piece: Piece): number {
    const index = this.known.get(key) ?? this.pieces.push(piece) - 1;
    this.known.set(key, index);
    return index;
  }
}

/** Links the parts. Throws where a kernel is not there, or imports what no program here has. */
export function link({ modules, programs, image, scratch, bytes }: Parts): Uint8Array<ArrayBuffer> {
  const sources = modules.map((module) => new Source(module));
  for (const calls of Object.values(programs)) {
    for (const call of calls) (sources[call.module] as Source).keep(kernelOf(modules, call));
  }
  for (const source of sources) if (source.module.start !== null) source.keep(source.module.start);

  const types = new Numbering();
  const typeOf = (type: Piece): number => types.add(keyOf(type), type);
  const functions = new Map<string, number>();
  const globals = new Map<string, number>();
  const tables = new Map<Source, number>();
  const globalPieces: Piece[] = [
    [I32, 0, 0x41, ...signed(scratch), 0x0b],
    [I32, 1, 0x41, 0, 0x0b],
  ];

  // All get their numbers first, since they name one another.
  let ownGlobals = SHARED.length;
  sources.forEach((source, s) => {
    const { module } = source;
    for (const i of source.functions) functions.set(`${s} ${i}`, functions.size);
    for (const i of source.globals) {
      const name = module.imported[i];
      const shared = SHARED.indexOf(name as (typeof SHARED)[number]);
      if (name !== undefined && shared < 0) fail('format', `standalone: a kernel imports '${name}'.`);
      globals.set(`${s} ${i}`, name === undefined ? ownGlobals++ : shared);
    }
    if (source.indirect) tables.set(source, tables.size);
  });

  const signatures: Piece[] = [];
  const bodies: Piece[] = [];
  const elements: Piece[] = [];
  sources.forEach((source, s) => {
    const { module } = source;
    const to = (space: Space, index: number): number => {
      if (space === 'function') return functions.get(`${s} ${index}`) as number;
      if (space === 'global') return globals.get(`${s} ${index}`) as number;
      if (space === 'table') return tables.get(source) as number;
      return typeOf(module.types[index] as Uint8Array);
    };
    for (const i of source.functions) {
      const { type, body } = module.functions[i] as WasmModule['functions'][number];
      signatures.push(number(typeOf(module.types[type] as Uint8Array)));
      bodies.push(sized(renumber(body, instructionsOf(body), to)));
    }
    for (const i of source.globals) {
      const own = module.globals[i - module.imported.length];
      if (own !== undefined) globalPieces.push(joinBytes([own.type, renumber(own.value, 0, to)]));
    }
    const table = tables.get(source);
    if (table !== undefined) {
      for (const [place, index] of module.table) {
        if (!functions.has(`${s} ${index}`)) continue;
        const at = [0x41, ...signed(place), 0x0b];
        const one = list([number(to('function', index))]);
        elements.push(joinBytes(table === 0 ? [[0], at, one] : [[2], number(table), at, [0], one]));
      }
    }
  });

  const add = (type: readonly number[], body: readonly Piece[]): number => {
    signatures.push(number(typeOf(type)));
    // No variables.
    return bodies.push(sized(joinBytes([[0], ...body, [0x0b]]))) - 1;
  };
  const numberOf = (module: number, index: number): number => functions.get(`${module} ${index}`) as number;
  const starts = modules.flatMap(({ start }, m) => (start === null ? [] : [[0x10, ...number(numberOf(m, start))]]));
  const start = starts.length === 0 ? null : add(NOTHING, starts);
  const exports = Object.entries(programs).map(([name, calls]) => {
    const body = calls.map((call, i) => callOf(call, numberOf(call.module, kernelOf(modules, call)), i + 1));
    return joinBytes([text(name), [0], number(add(RUNS, [[0x41, 0, 0x24, REFUSED], ...body, [0x41, 0]]))]);
  });

  const lengths = [...tables.keys()].map(({ module }) => Math.max(0, ...module.table.keys()) + 1);
  const data = modules.flatMap((module) => module.data);
  return joinBytes([
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types.pieces),
    ...section(3, signatures),
    ...section(
      4,
      lengths.map((length) => [FUNCREF, 0, ...number(length)]),
    ),
    ...section(5, [[0, ...number(Math.ceil(bytes / PAGE))]]),
    ...section(6, globalPieces),
    ...section(7, [joinBytes([text('memory'), [2, 0]]), ...exports]),
    ...(start === null ? [] : [[8], sized(joinBytes([number(start)]))]),
    ...section(9, elements),
    ...section(10, bodies),
    ...section(11, segmentsOf([...data, ...image])),
  ]);
}

function kernelOf(modules: readonly WasmModule[], { module, kernel }: Call): number {
  return (
    modules[module]?.exports.get(kernel) ??
    fail('unsupported', `standalone: there is no kernel '${kernel}'. This dtype may not be supported.`)
  );
}

/** Calls a kernel for all its work items; where it has refused, ends with the number of the call. */
function callOf({ record, work, checks }: Call, index: number, place: number): Piece {
  const call = [0x41, ...signed(record), 0x41, 0, 0x41, ...signed(work), 0x10, ...number(index)];
  return checks ? [...call, 0x23, REFUSED, 0x04, 0x40, 0x41, ...signed(place), 0x0f, 0x0b] : call;
}
