/**
 * All of fettle as one module, for programs without a bundler and places that fetch nothing: `fettle/inline` carries the
 * binaries with it as text, `fettle/bare` is given them by `init`.
 */
export * as compress from '../compress/index.js';
export * as data from '../data/index.js';
export * from '../index.js';
export * as io from '../io/index.js';
export * as nn from '../nn/index.js';
export * as optim from '../optim/index.js';
export * as parallel from '../parallel/index.js';
export { init } from '../runtime/load.single.js';
export * as train from '../train/index.js';
