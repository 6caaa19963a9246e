/** fettle/standalone: a network as a program of its own, with nothing but the kernels and weights that it needs. */
export type { Network, Outputs } from './network.js';
export { type Standalone, type StandaloneOptions, standalone } from './standalone.js';
