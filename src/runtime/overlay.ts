import type { Engine } from './engine.js';
import type { Binary } from './variant.js';

/** A binary whose kernels stand in for those of the same names. */
export interface Overlay {
  /** The binary for a memory that threads share, or that they do not. */
  readonly binary: (shared: boolean) => Binary;
  /** Whether they compute the very same, so that strict arithmetic may use them too. */
  readonly exact: boolean;
}

/**
 * Lets the kernels of `binary` stand in for those of the same names on `engine`, until the function it returns is called.
 * `exact` says that they compute the very same; where they do not, strict arithmetic goes without them.
 */
export function lay(engine: Engine, binary: Overlay['binary'], { exact }: { readonly exact: boolean }): () => void {
  const overlay = { binary, exact };
  engine.over = [...engine.over, overlay];
  try {
    engine.enter();
  } catch (error) {
    engine.over = engine.over.filter((other) => other !== overlay);
    throw error;
  }
  return () => {
    engine.over = engine.over.filter((other) => other !== overlay);
    engine.enter();
  };
}
