/** Which weights of a layer are kept, as a sparse matrix has them. */

/** Rows and columns of what is stored together: single weights, or blocks that have kernels of their own. */
export type BlockSize = readonly [1, 1] | readonly [4, 1] | readonly [4, 4];

export const BLOCK_SIZES: readonly BlockSize[] = [
  [1, 1],
  [4, 1],
  [4, 4],
];

/** The kept weights of a matrix, compressed by rows (of blocks). */
export interface Structure {
  /** Where each row begins among the entries: rows / height + 1. */
  readonly heads: Int32Array<ArrayBuffer>;
  /** The column of each entry, counted in blocks. */
  readonly places: Int32Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
  /** Which of the values are kept, where blocks hold some that are not; else null. */
  readonly kept: Float32Array<ArrayBuffer> | null;
}

/** The entries of the matrix `numbers`, [rows, columns], that hold a weight whose `keep` is not 0. */
export function compressRows(
  numbers: ArrayLike<number>,
  keep: ArrayLike<number>,
  rows: number,
  columns: number,
  [height, width]: BlockSize,
): Structure {
  const heads = new Int32Array(rows / height + 1);
  const places: number[] = [];
  const isKept = (row: number, column: number): boolean => {
    for (let r = row; r < row + height; r++) {
      for (let c = column; c < column + width; c++) if (keep[r * columns + c] !== 0) return true;
    }
    return false;
  };
  for (let row = 0; row < rows; row += height) {
    for (let column = 0; column < columns; column += width) if (isKept(row, column)) places.push(column / width);
    heads[row / height + 1] = places.length;
  }
  const values = new Float32Array(places.length * height * width);
  const kept = new Float32Array(values.length);
  let entry = 0;
  for (let line = 0; line + 1 < heads.length; line++) {
    for (; entry < (heads[line + 1] as number); entry++) {
      for (let i = 0; i < height * width; i++) {
        const row = line * height + Math.floor(i / width);
        const from = row * columns + (places[entry] as number) * width + (i % width);
        const isThere = keep[from] !== 0;
        values[entry * height * width + i] = isThere ? (numbers[from] as number) : 0;
        kept[entry * height * width + i] = isThere ? 1 : 0;
      }
    }
  }
  return { heads, places: Int32Array.from(places), values, kept: kept.includes(0) ? kept : null };
}

/** Indices of as many entries as there are, one after another from the first row on: valid, and to be loaded over. */
export function placeholder(entries: number, lines: number, across: number): Pick<Structure, 'heads' | 'places'> {
  return {
    heads: Int32Array.from({ length: lines + 1 }, (_, line) => Math.min(entries, line * across)),
    places: Int32Array.from({ length: entries }, (_, entry) => entry % across),
  };
}
