import type { Engine } from './engine.js';
import { type Instance, instanceOf, start } from './module.js';
import type { Binary } from './variant.js';

/** An instance whose kernels stand in for those of the main binary. */
export interface Overlay {
  readonly instance: Instance;
  /** Whether they compute the very same, so that strict arithmetic may use them too. */
  readonly exact: boolean;
}

/**
 * Lets the kernels of `binary` stand in for those of the same names on `engine`, until the function it returns is called.
 * `exact` says that they compute the very same; where they do not, strict arithmetic goes without them.
 */
export function lay(engine: Engine, binary: Binary, { exact }: { readonly exact: boolean }): () => void {
  const overlay = { instance: instanceOf(start(binary, engine.memory)), exact };
  engine.over = [...engine.over, overlay];
  engine.enter();
  return () => {
    engine.over = engine.over.filter((other) => other !== overlay);
    engine.enter();
  };
}
