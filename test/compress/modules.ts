import type { Module } from '../../src/nn/index.js';

const made = new Set<Module>();

/** Remembers a module whose parameters, which no scope frees, are to be freed by `release`. */
export function tracked<M extends Module>(module: M): M {
  made.add(module);
  return module;
}

/** Frees all modules that were tracked. */
export function release(): void {
  for (const module of made) module.dispose();
  made.clear();
}
