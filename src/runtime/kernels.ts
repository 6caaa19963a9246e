import type { KernelName } from '../core/device.js';
import type { Instance, Kernel } from './module.js';
import type { Part } from './part.js';

/** A kernel at work. */
export interface Entry {
  readonly run: Kernel;
  /** Its place in the function table, which is what records hold. */
  readonly index: number;
}

/** A part at work. */
export interface Loaded {
  readonly part: Part;
  readonly instance: Instance;
}

/**
 * Places in the function table from here on belong to kernels; below are the functions that the core calls by reference
 * itself, some hundred of them.
 */
const FIRST = 1024;

/** Places that a part has, of which there are more than it has kernels. */
const MOST = 128;

/**
 * Puts the kernels of a part into the function table of a thread, and gives them by name. Where an instance of `over` has a kernel
 * of the same name it takes the place; the last one counts.
 */
export function install(
  table: WebAssembly.Table,
  part: number,
  instance: Instance,
  over: readonly Instance[],
): readonly (readonly [name: string, entry: Entry])[] {
  const first = FIRST + part * MOST;
  const wanted = first + instance.kernels.size;
  if (table.length < wanted) table.grow(wanted - table.length);
  return [...instance.kernels].map(([name, own], i) => {
    let run: Kernel = own;
    for (const { kernels } of over) run = kernels.get(name) ?? run;
    table.set(first + i, run);
    return [name, { run, index: first + i }];
  });
}

/**
 * The kernels at work. Each has one place in the function table for good, which follows from its part and its place there: so a
 * record means the same whichever binary the kernel comes from, whichever part was loaded first, and on every thread.
 */
export class Kernels {
  private entries = new Map<KernelName, Entry>();

  /** The kernel, unless it is that of a part which is not loaded, or there is none. */
  get(kernel: KernelName): Entry | undefined {
    return this.entries.get(kernel);
  }

  /**
   * From now on the kernels of `parts` are at work, but for those that an instance of `over` has too: the last one counts. The
   * first part is the core, whose table it is.
   */
  use(parts: readonly Loaded[], over: readonly Instance[]): void {
    const { table } = (parts[0] as Loaded).instance;
    this.entries = new Map();
    for (const { part, instance } of parts) {
      for (const [name, entry] of install(table, part.index, instance, over)) {
        this.entries.set(part.index === 0 ? name : part.kernel(name), entry);
      }
    }
  }
}
