import { reads, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { named } from './each.js';

/**
 * Pooling by windows and the sum of what windows hold: assembly/pool.ts, assembly/avgpool.ts and assembly/windows.ts. An
 * invocation computes an element; gradients gather from the windows that cover an element, in their order.
 */

/** The numbers of a launch by the names of assembly/poolwindow.ts; behind them are dh and dw, or what average pooling has there. */
const NUMBERS = ['h', 'w', 'oh', 'ow', 'kh', 'kw', 'sh', 'sw', 'ph', 'pw'];
const numbers = NUMBERS.map((name, i) => `let ${name} = int(${i + 1});`).join('\n');
const dilation = '\nlet dh = int(11);\nlet dw = int(12);';

/** Sets plane, row and column of element `id` of planes of these sizes. */
export const cell = (height: string, width: string): string => `
let column = id % ${width};
let line = id / ${width};
let row = line % ${height};
let plane = line / ${height};`;

/** Statements for every window (oy, ox) that has element (row, column) at place (i, j): places come in rising order. */
const covering = (body: string): string => `
let y = row + ph;
let x = column + pw;
for (var oy = select(-1, min(oh - 1, y / sh), y >= 0); oy >= 0 && y - oy * sh <= (kh - 1) * dh; oy--) {
  let i = (y - oy * sh) / dh;
  if (i * dh + oy * sh != y) { continue; }
  for (var ox = select(-1, min(ow - 1, x / sw), x >= 0); ox >= 0 && x - ox * sw <= (kw - 1) * dw; ox--) {
    let j = (x - ox * sw) / dw;
    if (j * dw + ox * sw != x) { continue; }
    ${body}
  }
}`;

/** Divisors of average pooling. A window without an element inside has the sum 0, whatever divides it. */
const divisor = `
fn counted(start: i32, size: i32, inside: i32, padding: i32, all: i32) -> i32 {
  if (all != 0) { return min(start + size, inside + padding) - start; }
  return min(start + size, inside) - max(start, 0);
}
fn divisor(y: i32, x: i32) -> f32 {
  if (int(12) != 0) { return f32(int(12)); }
  return f32(counted(y, int(5), int(1), int(9), int(11)) * counted(x, int(6), int(2), int(10), int(11)));
}`;

const size = (ints: readonly number[] | undefined, rows: number): number =>
  (ints?.[0] ?? 0) * (ints?.[rows] ?? 0) * (ints?.[rows + 1] ?? 0);

/** The largest element of windows and its place: of equals the first, of NaNs the last. */
export function largest(candidates: string, head: string, declare = ''): Shader {
  return (launch) => {
    const places = launch.writes[1] ?? null;
    return {
      ...named(launch),
      structure: places === null ? '' : 'places',
      bind: {
        y: writes(launch.writes[0]),
        ...(places === null ? {} : { places: writes(places) }),
        x: reads(launch.reads[0]),
      },
      items: size(launch.ints, 3),
      text: () => ({
        declare,
        body: `${head}
          let first = plane * h * w;
          var best = -infinity();
          var winner = -1;
          ${candidates}
          store_y(id, best);
          ${places === null ? '' : 'store_places(id, winner);'}`,
      }),
    };
  };
}

/** What a candidate at place `at` of a plane does in `largest`. */
export const consider = `
let v = load_x(first + at);
if (winner < 0 || is_nan(v) || less(best, v)) {
  best = v;
  winner = at;
}`;

export const window: Shaders = {
  maxPool2d_f32: largest(
    `for (var i = 0; i < kh; i++) {
       let y = row * sh - ph + i * dh;
       if (y < 0 || y >= h) { continue; }
       for (var j = 0; j < kw; j++) {
         let x = column * sw - pw + j * dw;
         if (x < 0 || x >= w) { continue; }
         let at = y * w + x;
         ${consider}
       }
     }`,
    numbers + dilation + cell('oh', 'ow'),
  ),
  avgPool2d_f32: (launch) => ({
    ...named(launch),
    structure: '',
    bind: { y: writes(launch.writes[0]), x: reads(launch.reads[0]) },
    items: size(launch.ints, 3),
    text: () => ({
      declare: divisor,
      body: `${numbers}${cell('oh', 'ow')}
        let top = row * sh - ph;
        let left = column * sw - pw;
        let first = plane * h * w;
        var sum = 0.0;
        var some = false;
        for (var y = max(top, 0); y < min(top + kh, h); y++) {
          for (var x = max(left, 0); x < min(left + kw, w); x++) {
            sum += load_x(first + y * w + x);
            some = true;
          }
        }
        if (some) { sum = sum / divisor(top, left); }
        store_y(id, sum);`,
    }),
  }),
  avgPool2d_grad_f32: (launch) => ({
    ...named(launch),
    structure: '',
    bind: { dx: writes(launch.writes[0]), dy: reads(launch.reads[0]) },
    items: size(launch.ints, 1),
    text: () => ({
      declare: divisor,
      body: `${numbers}${cell('h', 'w')}
        let first = plane * oh * ow;
        let dh = 1;
        let dw = 1;
        var sum = 0.0;
        ${covering('sum += load_dy(first + oy * ow + ox) / divisor(oy * sh - ph, ox * sw - pw);')}
        store_dx(id, sum);`,
    }),
  }),
  fold_f32: (launch) => ({
    ...named(launch),
    structure: '',
    bind: { x: writes(launch.writes[0]), columns: reads(launch.reads[0]) },
    items: size(launch.ints, 1),
    text: () => ({
      body: `${numbers}${dilation}${cell('h', 'w')}
        var sum = 0.0;
        ${covering('sum += load_columns((((plane * kh + i) * kw + j) * oh + oy) * ow + ox);')}
        store_x(id, sum);`,
    }),
  }),
};
