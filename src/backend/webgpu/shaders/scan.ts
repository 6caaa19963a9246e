import type { Launch } from '../../../core/device.js';
import { type Pass, reads, type Scratch, scratch, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { named } from './each.js';

/**
 * Scans along the middle of [outer, n, inner]: assembly/scan.ts, assembly/logscan.ts and the running extremes of assembly/sort.ts.
 *
 * Short sequences, and many of them, are walked through by an invocation each. Longer ones are cut into tiles, for a workgroup each:
 * a first pass leaves what becomes of a tile by itself, a second one what comes before each tile, and the last one scans the tiles
 * with that in front.
 */

/** A scan, as WGSL. */
interface Scan {
  /** Type of what is carried along: `words` 32-bit numbers. */
  readonly type: 'vec2<f32>' | 'vec4<f32>' | 'i32' | 'vec2<i32>';
  readonly words: 1 | 2 | 4;
  /** What is carried before the first element: joined with anything, it gives that. */
  readonly start: string;
  /** What element `x`, the `i`-th of its sequence, is by itself. */
  readonly own: string;
  /** Statements that return what `a`, which comes first, and `b` make together. */
  readonly join: string;
  /** The result where `a` is carried. */
  readonly result: string;
}

const SIZE = 256;
/** Neighbours that an invocation of a workgroup takes. */
const EACH = 4;
const TILE = SIZE * EACH;
/** Sequences up to this length are walked through, and any where there are so many of them. */
const SHORT = 64;
const MANY = 1 << 15;

/** Functions that read and write what is carried. */
function access({ type, words }: Scan, name: string, store: boolean): string {
  const at = (k: number): string => (words === 1 ? 'i' : `${words} * i + ${k}`);
  const parts = Array.from({ length: words }, (_, k) => k);
  if (!store) {
    const bits = parts.map((k) => `load_${name}(${at(k)})`).join(', ');
    return `fn carried(i: i32) -> ${type} { return bitcast<${type}>(${words === 1 ? bits : `vec${words}<u32>(${bits})`}); }`;
  }
  const lines = parts.map((k) => `store_${name}(${at(k)}, bits${words === 1 ? '' : `[${k}]`});`);
  return `fn carry(i: i32, a: ${type}) { let bits = bitcast<${words === 1 ? 'u32' : `vec${words}<u32>`}>(a); ${lines.join(' ')} }`;
}

function functions(scan: Scan, element: string): string {
  return `
fn start() -> ${scan.type} { return ${scan.start}; }
fn own(x: ${element}, i: i32) -> ${scan.type} { return ${scan.own}; }
fn join(a: ${scan.type}, b: ${scan.type}) -> ${scan.type} {\n${scan.join}\n}`;
}

/** Declares `before(local, value)`: what the invocations before this one make together; `whole` is what all of them do. */
function across(scan: Scan): string {
  return `
var<workgroup> values: array<${scan.type}, ${SIZE}>;
fn before(local: u32, value: ${scan.type}) -> ${scan.type} {
  values[local] = value;
  workgroupBarrier();
  for (var far = 1u; far < ${SIZE}u; far <<= 1u) {
    var a = start();
    if (local >= far) { a = values[local - far]; }
    let b = values[local];
    workgroupBarrier();
    values[local] = join(a, b);
    workgroupBarrier();
  }
  if (local == 0u) { return start(); }
  return values[local - 1u];
}`;
}

/** Ints of the passes over tiles: n, inner, tiles, and the launch's own. */
function tiles(scan: Scan, launch: Launch, count: number, from: Scratch | null, to: Scratch | null): Pass {
  const [outer = 1, n = 0, inner = 1, ...rest] = launch.ints ?? [];
  const element = launch.reads[0]?.dtype === 'float32' ? 'f32' : 'i32';
  const leaves = to !== null;
  return {
    name: `${named(launch).name} ${leaves ? 'sums' : from === null ? 'tile' : 'tiles'}`,
    structure: '',
    bind: {
      x: reads(launch.reads[0]),
      ...(leaves ? { sums: scratch(to, 'write', 'u32') } : { y: writes(launch.writes[0]) }),
      ...(from === null ? {} : { sums: scratch(from, 'read', 'u32') }),
    },
    ints: [outer, n, inner, ...rest, count],
    groups: outer * inner * count,
    size: SIZE,
    text: () => ({
      declare: `${functions(scan, element)}${across(scan)}
${leaves ? access(scan, 'sums', true) : from === null ? '' : access(scan, 'sums', false)}`,
      body: `
        let inner = int(2);
        let tiles = int(${3 + rest.length});
        let s = i32(group) / tiles;
        let first = (i32(group) - s * tiles) * ${TILE} + i32(local) * ${EACH};
        let base = (s / inner) * int(1) * inner + s % inner;
        var here: array<${scan.type}, ${EACH}>;
        var a = start();
        for (var k = 0; k < ${EACH}; k++) {
          let i = first + k;
          here[k] = start();
          if (i < int(1)) { here[k] = own(load_x(base + i * inner), i); }
          a = join(a, here[k]);
        }
        a = before(local, a);
        ${
          leaves
            ? `if (local == ${SIZE - 1}u) { carry(i32(group), values[${SIZE - 1}]); }`
            : `${from === null ? '' : 'a = join(carried(i32(group)), a);'}
        for (var k = 0; k < ${EACH}; k++) {
          let i = first + k;
          a = join(a, here[k]);
          if (i < int(1)) { store_y(base + i * inner, ${scan.result}); }
        }`
        }`,
    }),
  };
}

/** From what the tiles of a sequence are by themselves to what comes before each, in place: a workgroup for a sequence. */
function sums(scan: Scan, launch: Launch, count: number, held: Scratch): Pass {
  const element = launch.reads[0]?.dtype === 'float32' ? 'f32' : 'i32';
  const own = launch.ints ?? [];
  return {
    name: `${named(launch).name} before`,
    structure: '',
    bind: { sums: scratch(held, 'write', 'u32') },
    ints: [...own, count],
    groups: (own[0] ?? 1) * (own[2] ?? 1),
    size: SIZE,
    text: () => ({
      declare: `${functions(scan, element)}${across(scan)}\n${access(scan, 'sums', true)}\n${access(scan, 'sums', false)}`,
      body: `
        let tiles = int(${own.length});
        let each = (tiles + ${SIZE - 1}) / ${SIZE};
        let base = i32(group) * tiles;
        let first = min(i32(local) * each, tiles);
        let last = min(first + each, tiles);
        var a = start();
        for (var i = first; i < last; i++) { a = join(a, carried(base + i)); }
        a = before(local, a);
        for (var i = first; i < last; i++) {
          let b = carried(base + i);
          carry(base + i, a);
          a = join(a, b);
        }`,
    }),
  };
}

/** A scan's kernel. */
function scanned(scan: Scan): Shader {
  return (launch) => {
    const [outer = 1, n = 0, inner = 1] = launch.ints ?? [];
    const element = launch.reads[0]?.dtype === 'float32' ? 'f32' : 'i32';
    if (n <= SHORT || outer * inner >= MANY) {
      return {
        ...named(launch),
        name: `${named(launch).name} walk`,
        structure: '',
        bind: { y: writes(launch.writes[0]), x: reads(launch.reads[0]) },
        items: launch.work,
        text: () => ({
          declare: functions(scan, element),
          body: `
            let inner = int(2);
            var at = (id / inner) * int(1) * inner + id % inner;
            var a = start();
            for (var i = 0; i < int(1); i++) {
              a = join(a, own(load_x(at), i));
              store_y(at, ${scan.result});
              at += inner;
            }`,
        }),
      };
    }
    const count = Math.ceil(n / TILE);
    if (count === 1) return tiles(scan, launch, 1, null, null);
    const held = { scratch: 4 * scan.words * outer * inner * count };
    return [
      tiles(scan, launch, count, null, held),
      sums(scan, launch, count, held),
      tiles(scan, launch, count, held, null),
    ];
  };
}

/** Sums with what rounding has lost of them, where other devices have a double. */
const sum: Scan = {
  type: 'vec2<f32>',
  words: 2,
  start: 'vec2<f32>(0.0)',
  own: 'vec2<f32>(x, 0.0)',
  join: 'return pair_sum(a, b);',
  result: 'a.x + a.y',
};

/** Products as pairs of floats and an exponent of 2, so that neither digits nor range are short of a double's. */
const product: Scan = {
  type: 'vec4<f32>',
  words: 4,
  start: 'vec4<f32>(1.0, 0.0, 0.0, 0.0)',
  own: 'scaled_pair(x)',
  join: 'return scaled_product(a, b);',
  result: 'scaled_value(a)',
};

const logarithm: Scan = {
  type: 'vec2<f32>',
  words: 2,
  start: 'vec2<f32>(-infinity(), 0.0)',
  own: 'vec2<f32>(x, 1.0)',
  join: 'return exponential_sum(a, b);',
  result: 'exponential_sum_log(a)',
};

const whole = (start: string, join: string): Scan => ({
  type: 'i32',
  words: 1,
  start,
  own: 'x',
  join: `return ${join};`,
  result: 'a',
});

/** The place of the largest (smallest) so far, of equal ones the last. NaN wins among the smallest as among the largest. */
const place = (rank: string): Scan => ({
  type: 'vec2<i32>',
  words: 2,
  start: 'vec2<i32>(-2147483647 - 1, 0)',
  own: `vec2<i32>(${rank}, i)`,
  join: 'return select(a, b, b.x >= a.x);',
  result: 'a.y',
});

export const scan: Shaders = {
  cumsum_f32: scanned(sum),
  cumprod_f32: scanned(product),
  cumsum_i32: scanned(whole('0', 'a + b')),
  cumprod_i32: scanned(whole('1', 'a * b')),
  logcumsumexp_f32: scanned(logarithm),
  runningPlace_f32: scanned(place('select(order(x) ^ -int(3), 2147483647, is_nan(x))')),
  runningPlace_i32: scanned(place('x ^ -int(3)')),
};
