import type { Block, Storage } from '../core/storage.js';

/** Storages that wait for a place in the safety net: so few that they cost little where they were forgotten. */
const MOST_YOUNG = 1024;

/**
 * A safety net for tensors that were neither disposed nor in a scope: their memory comes back when the garbage collector
 * notices, which is never before the event loop turns. Code that allocates in a loop needs a scope.
 */
export class SafetyNet<B extends Block> {
  private readonly forgotten: FinalizationRegistry<B>;
  /**
   * Storages too young for the net. Most are freed within microseconds, and an entry in a FinalizationRegistry costs more
   * than everything else about a small tensor, most of all in a loop that never lets the event loop turn.
   */
  private young: Storage[] = [];

  constructor(free: (block: B) => void) {
    this.forgotten = new FinalizationRegistry(free);
  }

  add(storage: Storage): void {
    // As soon as the program pauses, whatever still lives goes into the net, and is held by nobody but the program.
    if (this.young.push(storage) === 1) queueMicrotask(this.settle);
    else if (this.young.length === MOST_YOUNG) this.settle();
  }

  private readonly settle = (): void => {
    for (const storage of this.young) {
      if (!storage.freed) this.forgotten.register(storage, storage.block as B);
    }
    this.young = [];
  };
}
