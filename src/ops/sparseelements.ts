/** Where the elements of a sparse matrix stand: numbers of rows and columns, and no values. */
import { headsOf, type Layout, ordered, visitElements } from './sparseproduct.js';

/** The elements of blocks, one by one. */
export function byElements(blocks: Layout): Layout {
  const [lines, places, order]: [number[], number[], number[]] = [[], [], []];
  visitElements(blocks, (row, column, value) => {
    lines.push(row);
    places.push(column);
    order.push(value);
  });
  const rows = (blocks.heads.length - 1) * blocks.block[0];
  return { heads: headsOf(rows, lines), places: Int32Array.from(places), order: Int32Array.from(order), block: [1, 1] };
}

/** The elements of a matrix in any order; `order` has the place of the value of each. */
export interface Elements {
  readonly rows: Int32Array<ArrayBuffer>;
  readonly columns: Int32Array<ArrayBuffer>;
  readonly order: Int32Array<ArrayBuffer>;
}

/** The elements of the given lines, numbered anew. */
export function pickLines({ heads, places, order }: Layout, lines: Int32Array): Elements {
  const starts = new Int32Array(lines.length + 1);
  lines.forEach((line, i) => {
    starts[i + 1] = (starts[i] as number) + (heads[line + 1] as number) - (heads[line] as number);
  });
  const count = starts[lines.length] as number;
  const [rows, columns, values] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)];
  lines.forEach((line, i) => {
    const [from, to] = [starts[i] as number, starts[i + 1] as number];
    rows.fill(i, from, to);
    for (let k = from, p = heads[line] as number; k < to; k++, p++) {
      columns[k] = places[p] as number;
      values[k] = order === null ? p : (order[p] as number);
    }
  });
  return { rows, columns, order: values };
}

export function elementsOf(layout: Layout, count: number): Elements {
  const [rows, columns, order] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)];
  let at = 0;
  visitElements(layout, (row, column, value) => {
    rows[at] = row;
    columns[at] = column;
    order[at++] = value;
  });
  return { rows, columns, order };
}

/** What blocks there are to be, in order, and the place of the value of each element in them. */
export interface Arranged {
  readonly lines: Int32Array<ArrayBuffer>;
  readonly places: Int32Array<ArrayBuffer>;
  /** By the place that the value had. */
  readonly targets: Int32Array<ArrayBuffer>;
}

/**
 * Sorts elements, whose values are among `count`, into blocks of which there are down × across: row by row, or else column by
 * column. Equal places become one.
 */
export function arranged(
  { rows, columns, order }: Elements,
  count: number,
  [down, across]: readonly [number, number],
  [height, width]: readonly [number, number],
  byRows: boolean,
): Arranged {
  const [lines, places] = [
    height === 1 ? rows : rows.map((row) => Math.floor(row / height)),
    width === 1 ? columns : columns.map((column) => Math.floor(column / width)),
  ];
  const sorted = byRows ? ordered(lines, down, ordered(places, across)) : ordered(places, across, ordered(lines, down));
  const targets = new Int32Array(count);
  const [keptLines, keptPlaces] = [new Int32Array(sorted.length), new Int32Array(sorted.length)];
  let kept = 0;
  for (const i of sorted) {
    const [line, place] = [lines[i] as number, places[i] as number];
    if (kept === 0 || keptLines[kept - 1] !== line || keptPlaces[kept - 1] !== place) {
      keptLines[kept] = line;
      keptPlaces[kept++] = place;
    }
    const within = ((rows[i] as number) % height) * width + ((columns[i] as number) % width);
    targets[order[i] as number] = (kept - 1) * height * width + within;
  }
  return { lines: keptLines.slice(0, kept), places: keptPlaces.slice(0, kept), targets };
}
