import { fail } from '../core/errors.js';
import type { Instance, Kernel } from './module.js';

/** A kernel at work. */
export interface Entry {
  readonly run: Kernel;
  /** Its place in the function table, which is what records hold. */
  readonly index: number;
}

/**
 * Places in the function table from here on belong to kernels; below are the functions that a binary calls by reference
 * itself, some hundred of them.
 */
const FIRST = 1024;

/**
 * The kernels at work, by name. A name keeps its place in the function table for good, whichever binary its kernel comes
 * from, so that a record means the same before and after binaries are exchanged.
 */
export class Kernels {
  private readonly places = new Map<string, number>();
  private entries = new Map<string, Entry>();

  /** The kernel of this name; throws where there is none. */
  get(name: string): Entry {
    return (
      this.entries.get(name) ??
      fail(
        'unsupported',
        `${name}: the wasm device has no such kernel. This dtype may not be supported; cast with .to('float32').`,
      )
    );
  }

  /** From now on the kernels of `main` are at work, but for those that an instance of `over` has too: the last one counts. */
  use(main: Instance, over: readonly Instance[]): void {
    const found = new Map<string, Kernel>(main.kernels);
    for (const instance of over) for (const [name, run] of instance.kernels) found.set(name, run);
    for (const name of found.keys()) if (!this.places.has(name)) this.places.set(name, FIRST + this.places.size);
    const { table } = main;
    const wanted = FIRST + this.places.size;
    if (table.length < wanted) table.grow(wanted - table.length);
    this.entries = new Map();
    for (const [name, run] of found) {
      const index = this.places.get(name) as number;
      table.set(index, run);
      this.entries.set(name, { run, index });
    }
  }
}
