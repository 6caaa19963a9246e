import { quantized } from '#binary';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { checkIndices } from './indices.js';
import { convert, dense, empty } from './op.js';

/**
 * Matrices that are stored in 4, 8 or 16 bits a number and widened as they are read. Arithmetic is float32; nothing here is
 * recorded.
 */

/** The stored form of a number, in the order of assembly/storedrows.ts. */
export const STORED_FORMATS = ['int8', 'int4', 'float16', 'bfloat16'] as const;
export type StoredFormat = (typeof STORED_FORMATS)[number];

/** Bytes that kernels may read behind the last row. */
const SLACK = 32;

/** Most rows of an input that are multiplied with the stored form itself: for more of them widening it pays. */
const FEW_ROWS: { readonly [F in StoredFormat]: number } = { int8: 8, int4: 8, float16: 1, bfloat16: 1 };

/** A stored matrix [rows, columns]. */
export interface StoredMatrix {
  readonly format: StoredFormat;
  readonly rows: number;
  readonly columns: number;
  /** Neighbours in a row that share a scale: a multiple of 32. */
  readonly group: number;
  /** `storedBytes` of them. */
  readonly weight: Tensor<'uint8'>;
  /** float32 and int8 [rows, ceil(columns / group)]; null for float16 and bfloat16. */
  readonly scale: Tensor | null;
  readonly zero: Tensor | null;
}

/** Bytes of a row of `columns` numbers. */
export function rowBytes(format: StoredFormat, columns: number): number {
  if (format === 'int8') return columns;
  return format === 'int4' ? Math.ceil(columns / 2) : 2 * columns;
}

/** Bytes of a whole matrix, with what may be read behind it. */
export function storedBytes(format: StoredFormat, rows: number, columns: number): number {
  return rows * rowBytes(format, columns) + SLACK;
}

/** All rows of the matrix, [rows, columns], or those at `index` [count] with the rest: [count, columns]; in float32. */
export function storedRows(matrix: StoredMatrix, index: Tensor | null = null): Tensor<'float32'> {
  const { format, rows, columns, group, weight, scale, zero } = matrix;
  if (index !== null && (traits[index.dtype].isFloat || index.dtype === 'bool')) {
    fail('dtype', `storedRows: indices must be whole numbers, got ${index.dtype} ${show(index.shape)}. Use .int().`);
  }
  const places = index === null ? null : dense(convert(index, 'int32'));
  if (places !== null) checkIndices('storedRows', places, rows);
  const count = places === null ? rows : places.numel();
  const y = empty(weight, [count, columns], 'float32', 'storedRows');
  y.storage.device.launch({
    kernel: quantized.kernel('storedRows_f32'),
    work: columns === 0 ? 0 : count,
    grain: Math.max(1, Math.floor(16384 / Math.max(columns, 1))),
    writes: [y],
    reads: [weight, scale, zero, places],
    ints: [columns, group, STORED_FORMATS.indexOf(format)],
  });
  return y;
}

/** Whether `rows` rows are few enough for `storedLinear`. */
export function areFew(rows: number, format: StoredFormat): boolean {
  return rows <= FEW_ROWS[format];
}

/**
 * act(x · matrixᵀ + bias) for few rows of x: float32 [M, columns] → float32 [M, rows], reading each stored number once. Against
 * int8 and int4, a row of x is rounded to 16 bits: by at most 1 / 65534 of its largest magnitude.
 */
export function storedLinear(
  x: Tensor,
  { format, rows, columns, group, weight, scale, zero }: StoredMatrix,
  bias: Tensor | null,
  activation: 'relu' | null = null,
): Tensor<'float32'> {
  const [m, k] = x.shape as [number, number];
  if (k !== columns) fail('shape', `storedLinear: expected [.., ${columns}], got ${show(x.shape)}.`);
  const y = empty(x, [m, rows], 'float32', 'storedLinear');
  const padded = 32 * Math.ceil(k / 32);
  y.storage.device.launch({
    kernel: quantized.kernel('storedDots_f32'),
    work: m === 0 ? 0 : rows,
    grain: Math.max(1, Math.ceil(2 ** 20 / Math.max(1, m * k))),
    writes: [y],
    reads: [dense(convert(x, 'float32')), weight, scale, zero, bias],
    ints: [m, rows, k, group, STORED_FORMATS.indexOf(format), activation === 'relu' ? 1 : 0],
    scratch: m * (4 * padded + padded / 8 + 32) + 160,
  });
  return y;
}
