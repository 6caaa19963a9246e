import type { Launch } from '../../../core/device.js';
import { type Element, type Pass, reads, type Scratch, scratch, TYPE, writes } from '../pass.js';
import type { Shader } from '../shader.js';
import { named } from './each.js';
import { sorting } from './order.js';

/**
 * Scattering: y[index] = join(y, x), where an index may come more than once. What meets in one place is joined in the order of x,
 * on every run and every GPU the same: a float's atomic additions would come in any order, and their sums differ.
 *
 * Short lists of indices are walked through, by an invocation for each column. Longer ones are sorted, with the places they come from;
 * then an invocation joins what belongs to one index and stands in one stretch of the sorted list, and another the results of an
 * index's stretches, so that one index that comes a million times keeps nobody waiting.
 */

/** Indices of a list that an invocation walks through. */
const SHORT = 128;
/** Columns that keep a GPU busy with longer lists, too. */
const MANY = 1 << 14;

/** Where x and y stand: y [outer, nY, inner], x [outer, n, inner], index as x, or [n] for all columns. */
interface Layout {
  readonly outer: number;
  readonly nY: number;
  readonly n: number;
  readonly inner: number;
  readonly shared: boolean;
}

/** The kernel that joins by `join`, an expression of `y` and `x`, of which that for three is the same in any grouping. */
export function scattered(as: Element, join: string): Shader {
  return (launch) => {
    const [outer = 1, nY = 0, n = 0, inner = 1] = launch.ints ?? [];
    return passes(launch, as, join, { outer, nY, n, inner, shared: false });
  };
}

/** The same for whole rows, by a list of indices. */
export function scatteredRows(as: Element, join: string): Shader {
  return (launch) => {
    const [n = 0, inner = 1] = launch.ints ?? [];
    const nY = inner === 0 ? 0 : (launch.writes[0]?.numel() ?? 0) / inner;
    return passes(launch, as, join, { outer: 1, nY, n, inner, shared: true });
  };
}

function passes(launch: Launch, as: Element, join: string, layout: Layout): Pass | Pass[] {
  const { outer, nY, n, inner, shared } = layout;
  const columns = outer * inner;
  const ints = [outer, nY, n, inner];
  const { name } = named(launch);
  const y = writes(launch.writes[0], { as });
  const x = reads(launch.reads[0], { as });
  const index = reads(launch.reads[1]);
  if (n <= SHORT || (columns >= MANY && n <= 16 * SHORT)) {
    return {
      name: `${name} walk`,
      structure: String(shared),
      bind: { y, x, index },
      ints,
      items: columns,
      text: () => ({
        body: `
          let inner = int(3);
          let column = id % inner;
          let outer = id / inner;
          for (var j = 0; j < int(2); j++) {
            let source = (outer * int(2) + j) * inner + column;
            let spot = load_index(${shared ? 'j' : 'source'});
            if (u32(spot) >= u32(int(1))) { continue; }
            let to = (outer * int(1) + spot) * inner + column;
            let y = load_y(to);
            let x = load_x(source);
            store_y(to, ${join});
          }`,
      }),
    };
  }
  const sequences = shared ? 1 : columns;
  const sorted: Scratch = { scratch: 8 * sequences * n };
  const order = sorting({
    name: `${name} ${shared} sort`,
    sequences,
    n,
    count: n,
    source: { index },
    target: { sorted: scratch(sorted, 'write', 'u32') },
    ints: [inner],
    key: shared
      ? 'return u32(load_index(i));'
      : 'return u32(load_index(((s / int(6)) * int(0) + i) * int(6) + s % int(6)));',
    put: 'let at = 2 * (s * int(0) + i);\nstore_sorted(at, key);\nstore_sorted(at + 1, place);',
  });
  // About as many stretches as a stretch has elements: neither is waited for long.
  const stretch = 2 ** Math.max(5, Math.round(Math.log2(n) / 2));
  const parts: Scratch = { scratch: 4 * columns * n };
  const type = TYPE[as];
  const declare = `
fn joined(y: ${type}, x: ${type}) -> ${type} { return ${join}; }
fn key(s: i32, p: i32) -> u32 { return load_sorted(2 * (s * int(2) + p)); }
fn origin(s: i32, p: i32) -> i32 { return i32(load_sorted(2 * (s * int(2) + p) + 1)); }`;
  const element = `
    let inner = int(3);
    let n = int(2);
    let line = id / inner;
    let column = id - line * inner;
    let outer = line / n;
    let p = line - outer * n;
    let s = ${shared ? '0' : 'outer * inner + column'};
    let own = key(s, p);
    let first = p == 0 || key(s, max(p - 1, 0)) != own;`;
  return [
    ...order,
    {
      name: `${name} stretches`,
      structure: String(shared),
      bind: { x, sorted: scratch(sorted, 'read', 'u32'), parts: scratch(parts, 'write', as) },
      ints: [...ints, stretch],
      items: columns * n,
      text: () => ({
        declare,
        body: `${element}
          if (!first && p % int(4) != 0) { return; }
          let base = outer * n;
          var total = load_x((base + origin(s, p)) * inner + column);
          let end = min(n, p - p % int(4) + int(4));
          for (var q = p + 1; q < end && key(s, q) == own; q++) {
            total = joined(total, load_x((base + origin(s, q)) * inner + column));
          }
          store_parts(id, total);`,
      }),
    },
    {
      name: `${name} together`,
      structure: String(shared),
      bind: { y, sorted: scratch(sorted, 'read', 'u32'), parts: scratch(parts, 'read', as) },
      ints: [...ints, stretch],
      items: columns * n,
      text: () => ({
        declare,
        body: `${element}
          if (!first || own >= u32(int(1))) { return; }
          var total = load_parts(id);
          for (var q = p - p % int(4) + int(4); q < n && key(s, q) == own; q += int(4)) {
            total = joined(total, load_parts((outer * n + q) * inner + column));
          }
          let to = (outer * int(1) + i32(own)) * inner + column;
          store_y(to, joined(load_y(to), total));`,
      }),
    },
  ];
}
