/** The same in one file. */
export * from './lenet5.js';
