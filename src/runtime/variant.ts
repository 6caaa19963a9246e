/** The four binaries built from assembly/, and what a runtime must have to run each. */

/** Strict or relaxed arithmetic, private or shared memory. */
export type Variant = 'strict' | 'relaxed' | 'strict-shared' | 'relaxed-shared';

/** A compiled module where the runtime insists on it, otherwise the bytes of one. */
export type Binary = WebAssembly.Module | Uint8Array<ArrayBuffer>;

// (func (result v128) v128.const … i8x16.popcnt), and the same with f32x4.relaxed_madd: the smallest modules that validate
// only where the feature is there. Validation is allowed even where compilation is not.
const ZERO = [253, 12, ...new Array<number>(16).fill(0)];
const SIMD = module([...ZERO, 253, 98]);
const RELAXED = module([...ZERO, ...ZERO, ...ZERO, 253, 133, 2]);

function module(body: readonly number[]): Uint8Array<ArrayBuffer> {
  const code = [0, ...body, 11];
  return Uint8Array.from([
    ...[0, 97, 115, 109, 1, 0, 0, 0],
    ...[1, 5, 1, 96, 0, 1, 123],
    ...[3, 2, 1, 0],
    ...[10, code.length + 2, 1, code.length, ...code],
  ]);
}

/** Whether this runtime executes SIMD; fettle cannot run without it. */
export function hasSimd(): boolean {
  return WebAssembly.validate(SIMD);
}

/** Whether this runtime executes relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED);
}
