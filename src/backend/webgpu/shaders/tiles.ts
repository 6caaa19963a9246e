import type { Text } from '../pass.js';

/**
 * Products by tiles: a workgroup has a tile of the result, `rows` × `columns`, and goes along K in steps of `depth`. Both operands'
 * parts are brought into shared memory, and each invocation multiplies a tile of registers from there, `down` × `across`. All
 * are taken by fours.
 */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly down: number;
  readonly across: number;
}

/** Each takes less than 10 KiB of shared memory, of which a device has 16 at least. */
export const LARGE: Tile = { rows: 128, columns: 128, depth: 8, down: 8, across: 8 };
export const MIDDLE: Tile = { rows: 64, columns: 64, depth: 16, down: 4, across: 4 };
export const NARROW: Tile = { rows: 32, columns: 128, depth: 8, down: 4, across: 4 };
export const FLAT: Tile = { rows: 8, columns: 256, depth: 8, down: 4, across: 4 };

/** Workgroups that keep a GPU busy. */
export const BUSY = 128;

/** The tile for `batch` products of m × n. */
export function tileFor(m: number, n: number, batch: number): Tile {
  if (m <= FLAT.rows) return FLAT;
  if (m <= NARROW.rows) return NARROW;
  return m > MIDDLE.rows && tilesOf(LARGE, m, n) * batch >= BUSY ? LARGE : MIDDLE;
}

/** How many tiles m × n takes. */
export const tilesOf = (t: Tile, m: number, n: number): number => Math.ceil(m / t.rows) * Math.ceil(n / t.columns);

/** Invocations of a workgroup. */
export const lanesOfTile = (t: Tile): number => (t.rows / t.down) * (t.columns / t.across);

/** What is multiplied. All are statements. */
export interface Operands {
  readonly declare?: string;
  /** Sets `begin` and `end`, the range of K, equal in all invocations, and what the others want. */
  readonly setup: string;
  /** Sets `value: vec4<f32>` to rows `r` … r + 3 of the tile at `k: i32` of the left operand; zeros where k is not below `end`. */
  readonly left: string;
  /** The same for columns `c` … c + 3 of the right one. */
  readonly right: string;
  /** Whether neighbours fetch along K (else along columns, so that an invocation always has the columns of `4 * (local % fours)`). */
  readonly rightAlongK: boolean;
  /** Takes four results, `values`: row `r` and columns `c` … c + 3 of the tile, which may lie beyond the result's edge. */
  readonly store: string;
}

const times = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

/** The text of a pass of `lanesOfTile` invocations a workgroup. */
export function product(tile: Tile, { declare = '', setup, left, right, rightAlongK, store }: Operands): Text {
  const { rows, columns, depth, down, across } = tile;
  const [tall, wide] = [rows / 4, columns / 4];
  const [above, beside] = [down / 4, across / 4];
  const [high, broad] = [tall / above, wide / beside];
  const size = lanesOfTile(tile);
  // A row more than there is, so that fours of neighbouring k do not lie in one bank.
  const pitch = { left: tall + 1, right: rightAlongK ? wide + 1 : wide };
  const fetch = (which: 'left' | 'right', count: number, alongK: boolean, first: string, text: string): string => `
    for (var t = i32(local); t < ${count * depth}; t += ${size}) {
      let p = ${alongK ? `t % ${depth}` : `t / ${count}`};
      let four = ${alongK ? `t / ${depth}` : `t % ${count}`};
      let k = k0 + p;
      let ${first} = 4 * four;
      var value = vec4<f32>();
      ${text}
      ${which}_tile[p * ${pitch[which]} + four] = value;
    }`;
  return {
    declare: `${declare}
var<workgroup> left_tile: array<vec4<f32>, ${depth * pitch.left}>;
var<workgroup> right_tile: array<vec4<f32>, ${depth * pitch.right}>;`,
    body: `
      let ty = i32(local) / ${broad};
      let tx = i32(local) % ${broad};
      ${setup}
      ${times(down, (i) => times(beside, (j) => `var s${i}_${j} = vec4<f32>();`))}
      for (var k0 = begin; k0 < end; k0 += ${depth}) {
        ${fetch('left', tall, true, 'r', left)}
        ${fetch('right', wide, rightAlongK, 'c', right)}
        workgroupBarrier();
        for (var p = 0; p < ${depth}; p++) {
          ${times(above, (i) => `let a${i} = left_tile[p * ${pitch.left} + ty + ${i * high}];`)}
          ${times(beside, (j) => `let b${j} = right_tile[p * ${pitch.right} + tx + ${j * broad}];`)}
          ${times(down, (i) => times(beside, (j) => `s${i}_${j} = fma(vec4<f32>(a${i >> 2}[${i & 3}]), b${j}, s${i}_${j});`))}
        }
        workgroupBarrier();
      }
      // Loops from here on: text that is written out for each result takes drivers long.
      var results = array<vec4<f32>, ${down * beside}>(${Array.from({ length: down * beside }, (_, t) => `s${Math.floor(t / beside)}_${t % beside}`).join(', ')});
      for (var t = 0; t < ${down * beside}; t++) {
        let i = t / ${beside};
        let r = 4 * (ty + (i / 4) * ${high}) + i % 4;
        let c = 4 * (tx + (t % ${beside}) * ${broad});
        let values = results[t];
        ${store}
      }`,
  };
}
