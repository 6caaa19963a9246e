/** The same at the edge. */
export { default } from './lenet5.handler.js';
