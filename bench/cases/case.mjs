/** What a case is, and the tools that cases are made with. */
import { noGrad, scope } from 'fettle';

/** @typedef {import('fettle').Tensor} Tensor */

/**
 * Something that is timed. `work` is floating point operations ('flops': held against arithmetic in registers), or bytes that
 * have to move ('bytes': held against a loop that copies as many, 'reads': that reads as many). `elements` is given where a
 * rate by element says more. Numbers of `result` at the places of `expected` are the float64 ones, within `tolerance`.
 *
 * @typedef {object} Case
 * @property {string} group
 * @property {string} name
 * @property {'flops' | 'bytes' | 'reads'} kind
 * @property {number} work
 * @property {number} [elements]
 * @property {() => unknown} run
 * @property {() => ArrayLike<number>} result
 * @property {(i: number) => number} expected
 * @property {number} tolerance absolute
 */

/** Places that are compared: the ends, and some in between that hit every row and column sooner or later.
 *
 * @param {number} size
 */
export function places(size) {
  const step = Math.max(1, Math.floor(size / 23)) | 1;
  return [...new Set([0, size - 1, ...Array.from({ length: 23 }, (_, i) => (i * step) % size)])];
}

/** Throws where a case's answer is not the float64 one. @param {Case} entry */
export function check({ group, name, result, expected, tolerance }) {
  const got = result();
  for (const i of places(got.length)) {
    const [a, b] = [Number(got[i]), expected(i)];
    if (!(Math.abs(a - b) <= tolerance)) throw new Error(`${group} ${name}: element ${i} is ${a}, expected ${b}`);
  }
}

/** A case whose work is one call: `f` gives the tensor that is compared.
 *
 * @param {Omit<Case, 'run' | 'result'> & { f: () => Tensor }} given
 * @returns {Case}
 */
export function call({ f, ...rest }) {
  return {
    ...rest,
    run: () => scope(() => noGrad(() => void f())),
    result: () => scope(() => noGrad(() => f().dataSync())),
  };
}

/** @type {(values: ArrayLike<number>, i: number) => number} */
export const at = (values, i) => /** @type {number} */ (values[i]);
