import type { Tensor } from '../../../core/tensor.js';

/**
 * Attention without the matrix of weights, and its gradient: assembly/attention.ts and assembly/attentiongrad.ts, where the
 * method and the slots stand. A workgroup has ROWS queries (in the gradients of keys and values: keys) and goes through the others COLUMNS
 * at a time: an invocation has 4 × 4 scores of each block, in rows `ty + 16 i` and columns `4 tx + j`, and of the result the same
 * rows and every eighth four of columns. Two products make a block: scores from rows of both operands, staged 16 elements at a time, and sums
 * of the other operand's rows, weighted by a tile of scores.
 */
export const ROWS = 64;
export const COLUMNS = 32;
export const SIZE = 128;

/** Elements of rows that are staged together for scores, in fours. */
export const DEEP = 4;
/** Columns of a result that an invocation's first four belongs to. */
export const STRIP = 32;
/** Strips of a result that a workgroup has at most; more are other workgroups'. */
export const STRIPS = 8;

/** From one row to the next in the tile of scores, in fours: one more than there are, so that rows lie in different banks. */
export const PITCH = COLUMNS / 4 + 1;

export const FOUR = [0, 1, 2, 3];
export const lines = (of: (i: number) => string): string => FOUR.map(of).join('\n');

/** Where lists stand among the integers: row strides, those of the batch. */
interface Lists {
  readonly tensors: number;
}

export const FORWARD: Lists = { tensors: 5 };
export const BACKWARD: Lists = { tensors: 9 };

/** Where an item of the batch begins in tensor `list`; five integers come before the row strides, one of the mask's columns and ndim behind. */
export const itemText = ({ tensors }: Lists): string => `
fn item_begin(item: i32, list: i32) -> i32 {
  let ndim = int(${tensors + 6});
  var rest = item;
  var at = 0;
  for (var d = ndim - 1; d >= 0; d--) {
    let size = int(${tensors + 7} + d);
    at += (rest % size) * int(${tensors + 7} + ndim * (list + 1) + d);
    rest = rest / size;
  }
  return at;
}`;

/** Declares `four_NAME(begin, row, rows, e)`: elements e … e + 3 of a row of `length` elements, zeros beyond these and beyond the rows. */
export const fours = (name: string, list: number, length: string, wide: boolean): string => `
fn four_${name}(begin: i32, row: i32, rows: i32, e: i32) -> vec4<f32> {
  var v = vec4<f32>();
  if (row >= rows || e >= ${length}) { return v; }
  let at = begin + row * int(${5 + list}) + e;
  ${
    wide
      ? `v = load4_${name}(at / 4);`
      : lines((i) =>
          i === 0 ? `v.x = load_${name}(at);` : `if (e + ${i} < ${length}) { v[${i}] = load_${name}(at + ${i}); }`,
        )
  }
  return v;
}`;

export const shared = `
var<workgroup> staged: array<vec4<f32>, ${DEEP * (ROWS + COLUMNS)}>;
var<workgroup> tile: array<vec4<f32>, ${ROWS * PITCH}>;`;

export const place = `
let ty = i32(local) / 8;
let tx = i32(local) % 8;`;

/** The operands of a product: a call of four_NAME for `row` and `e`. */
export type Rows = (row: string, e: string) => string;

/** Adds to NAME0 … NAME3 the products of rows and columns, `length` elements each. */
export const scores = (name: string, length: string, row: Rows, column: Rows): string => `
for (var e0 = 0; e0 < ${length}; e0 += ${4 * DEEP}) {
  for (var t = i32(local); t < ${DEEP * ROWS}; t += ${SIZE}) {
    staged[(t % ${DEEP}) * ${ROWS} + t / ${DEEP}] = ${row(`t / ${DEEP}`, `e0 + 4 * (t % ${DEEP})`)};
  }
  {
    // Columns lie so that the invocations of a row read neighbours.
    let column = i32(local) / ${DEEP};
    let four = i32(local) % ${DEEP};
    staged[${DEEP * ROWS} + four * ${COLUMNS} + (column % 4) * 8 + column / 4] = ${column('column', 'e0 + 4 * four')};
  }
  workgroupBarrier();
  for (var e = 0; e < ${DEEP}; e++) {
    ${lines((j) => `let c${j} = staged[${DEEP * ROWS} + e * ${COLUMNS} + ${8 * j} + tx];`)}
    ${lines((i) => `let r${i} = staged[e * ${ROWS} + ty + ${16 * i}];`)}
    ${lines((i) => `${name}${i} += vec4<f32>(${FOUR.map((j) => `dot(r${i}, c${j})`).join(', ')});`)}
  }
  workgroupBarrier();
}`;

/** Puts four rows of scores into the tile. Who reads them comes by a barrier first, and by another one afterwards. */
export const keep = (name: string): string => lines((i) => `tile[(ty + ${16 * i}) * ${PITCH} + tx] = ${name}[${i}];`);

/** Adds to NAME{i}_{j} the rows of the other operand, weighted by the tile, strip by strip from column `first` on. */
export const spread = (name: string, strips: number, first: string, row: Rows): string =>
  Array.from(
    { length: strips },
    (_, j) => `
for (var t = i32(local); t < ${8 * COLUMNS}; t += ${SIZE}) {
  staged[t] = ${row('t / 8', `${first} + ${STRIP * j} + 4 * (t % 8)`)};
}
workgroupBarrier();
for (var c = 0; c < ${COLUMNS / 4}; c++) {
  ${lines((i) => `let p${i} = tile[(ty + ${16 * i}) * ${PITCH} + c];`)}
  ${lines((u) => `let v${u} = staged[(4 * c + ${u}) * 8 + tx];`)}
  ${lines((i) => lines((u) => `${name}${i}_${j} = fma(vec4<f32>(p${i}[${u}]), v${u}, ${name}${i}_${j});`))}
}
workgroupBarrier();`,
  ).join('\n');

export const zeros = (name: string, strips: number): string =>
  lines((i) => Array.from({ length: strips }, (_, j) => `var ${name}${i}_${j} = vec4<f32>();`).join('\n'));

/** Writes a result, each row times its entry of `factors`. Loops, since text that is written out takes drivers long. */
export const put = (
  name: string,
  strips: number,
  begin: string,
  list: number,
  length: string,
  rows: string,
  factors = 'vec4<f32>(1.0)',
): string => `
{
  var all = array<vec4<f32>, ${4 * strips}>(${FOUR.flatMap((i) => Array.from({ length: strips }, (_, j) => `${name}${i}_${j}`)).join(', ')});
  let factors = ${factors};
  for (var i = 0; i < 4; i++) {
    let row = row0 + ty + 16 * i;
    let at = ${begin} + row * int(${5 + list});
    for (var j = 0; j < ${strips}; j++) {
      let e = strip0 + ${STRIP} * j + 4 * tx;
      let four = all[${strips} * i + j] * factors[i];
      for (var u = 0; u < 4; u++) {
        if (row < ${rows} && e + u < ${length}) { store_${name}(at + e + u, four[u]); }
      }
    }
  }
}`;

/** Whether the elements of these tensors can be read in fours, rows of `sizes` elements and all strides given. */
export const inFours = (
  tensors: readonly (Tensor | null | undefined)[],
  sizes: readonly number[],
  strides: readonly number[],
): boolean => [...tensors.map((t) => t?.offset ?? 0), ...sizes, ...strides].every((n) => n % 4 === 0);

export const itemsOf = (ints: readonly number[], { tensors }: Lists): number =>
  ints.slice(tensors + 7, tensors + 7 + (ints[tensors + 6] as number)).reduce((a, b) => a * b, 1);

/** The strides of tensor `list`: of rows and of the batch. */
export const stridesOf = (ints: readonly number[], { tensors }: Lists, list: number): number[] => {
  const ndim = ints[tensors + 6] as number;
  const first = tensors + 7 + ndim * (list + 1);
  return [ints[5 + list] as number, ...ints.slice(first, first + ndim)];
};

export const stripsOf = (size: number): { each: number; chunks: number } => {
  const all = Math.ceil(size / STRIP);
  const chunks = Math.ceil(all / STRIPS);
  return { each: Math.ceil(all / chunks), chunks };
};

/** Four exponentials at once: `exponential` of the library, without its branches. */
export const powers = `
fn powers(v: vec4<f32>) -> vec4<f32> {
  let x = clamp(v, vec4<f32>(-110.0), vec4<f32>(89.0));
  let n = round(x * 1.44269504);
  let r = fma(n, vec4<f32>(2.1219444e-4), fma(n, vec4<f32>(-0.693359375), x));
  var p = vec4<f32>(1.98756915e-4);
  p = fma(p, r, vec4<f32>(1.3981999507e-3));
  p = fma(p, r, vec4<f32>(8.3334519073e-3));
  p = fma(p, r, vec4<f32>(4.1665795894e-2));
  p = fma(p, r, vec4<f32>(1.6666665459e-1));
  p = fma(p, r, vec4<f32>(5.0000001201e-1));
  let whole = vec4<i32>(n);
  let half = whole >> vec4<u32>(1u);
  let low = bitcast<vec4<f32>>((half + 127) << vec4<u32>(23u));
  let high = bitcast<vec4<f32>>((whole - half + 127) << vec4<u32>(23u));
  let y = (fma(p, r * r, r) + 1.0) * low * high;
  return select(y, v, (bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u));
}`;
