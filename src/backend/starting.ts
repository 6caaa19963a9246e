import type { Engine } from '../runtime/engine.js';

/** What is done with the engine as soon as there is one. Modules that a program carries enter what they have to do. */
export const atStart: ((engine: Engine) => void)[] = [];
