/**
 * fettle/parallel: training and inference on several threads, each with an engine of its own; groups of ranks, and training on
 * them.
 */
export type { AllReduceOptions, BroadcastOptions, Collective, ReduceOp, Shared } from './collective.js';
export { DataParallel } from './dataparallel.js';
export type { LossSource } from './describe.js';
export { DistributedDataParallel, type DistributedDataParallelOptions } from './distributed.js';
export { alone, inProcess } from './inprocess.js';
export { type ParallelMapOptions, parallelMap } from './map.js';
export type { Batches, BatchResult, DataParallelOptions, Measured } from './options.js';
export { serveParallel } from './serve.js';
