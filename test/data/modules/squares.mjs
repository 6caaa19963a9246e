/** A dataset of one's own, as a program has it in a module: sample i is i², and what the options say happens on the way. */
import { threadId } from 'node:worker_threads';

/**
 * @typedef {object} Options
 * @property {number} [broken]      the sample that throws
 * @property {number} [dies]        the sample that ends its thread: once, if the threads share a count of deaths
 * @property {Int32Array} [deaths]
 * @property {number} [endless]     the sample that never comes
 * @property {number} [unsendable]  the sample that holds a function
 * @property {number} [slow]        milliseconds that every sample takes
 * @property {Int32Array} [begun]   how many samples were begun, in shared memory
 */

/**
 * Sleeps without letting anything else happen in the thread.
 *
 * @param {number} milliseconds
 */
function block(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

export default class Squares {
  /**
   * @param {number} length
   * @param {Options} options
   */
  constructor(length, options = {}) {
    this.length = length;
    this.options = options;
  }

  /**
   * @param {number} index
   * @param {{ epoch: number }} pass
   */
  get(index, pass) {
    const { broken, dies, deaths, endless, unsendable, slow = 0, begun } = this.options;
    if (begun !== undefined) Atomics.add(begun, 0, 1);
    if (slow > 0) block(slow);
    if (index === broken) throw new RangeError(`no square of ${index}`);
    if (index === dies && (deaths === undefined || Atomics.add(deaths, 0, 1) === 0)) process.exit(3);
    while (index === endless) block(1000);
    if (index === unsendable) return { square: () => index };
    return { square: Float32Array.of(index * index, pass.epoch), thread: `${threadId}` };
  }
}

/** A transform of one's own, which says itself how it is made. */
export class Negative {
  /** @param {{ neg(): object }} input */
  forward(input) {
    return input.neg();
  }

  portable() {
    return { type: 'Negative', args: [], module: import.meta.url };
  }
}
