import type { Kernel, KernelName } from '../core/device.js';
import type { Binary, Variant } from './variant.js';

/** A kernel of a part, as launches name it. */
export interface PartKernel extends Kernel {
  readonly part: Part;
}

/** What a kernel is called in messages. */
export function nameOf(kernel: KernelName): string {
  return typeof kernel === 'string' ? kernel : kernel.name;
}

/**
 * A part of the binary: the kernels of one family of ops. Only what names a kernel of a part brings the part along, so that a
 * bundle carries, and a program starts, the parts that are used.
 */
export class Part {
  private readonly kernels = new Map<string, PartKernel>();

  constructor(
    readonly name: string,
    /** Its place among the parts, from which its kernels have theirs in the function table. The core is part 0. */
    readonly index: number,
    /** Gives its binaries; throws where one is not at hand. */
    readonly binaries: Readonly<Record<Variant, () => Binary>>,
  ) {}

  /** The kernel of this name: the same object each time. */
  kernel(name: string): PartKernel {
    const known = this.kernels.get(name);
    if (known !== undefined) return known;
    const kernel = { part: this, name };
    this.kernels.set(name, kernel);
    return kernel;
  }
}
