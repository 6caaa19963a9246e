import type { Launch } from '../../../core/device.js';
import type { Chip } from '../executor.js';
import { type Pass, reads, type Scratch, scratch, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { named } from './each.js';
import { across, lanesOf } from './workgroup.js';

/**
 * Reductions: x is contiguous [outer, red, inner], y is [outer, inner]. See assembly/fold.ts and its neighbours.
 *
 * Where inner is 1 the lanes of a workgroup share a row, or several short ones; elsewhere each invocation has a column, and
 * neighbours read neighbours. What has few results and many elements is cut into segments, whose accumulators a second pass joins.
 */

/** A reduction, as WGSL. */
export interface Fold {
  /** Type of an accumulator: one or two 32-bit numbers. */
  readonly type: 'f32' | 'i32' | 'vec2<f32>' | 'vec2<i32>';
  /** The accumulator of nothing. */
  readonly start: string;
  /** Takes an element `x`, which is the `at`-th of its row, into accumulator `a`. */
  readonly join: string;
  /** Of accumulators `a` and `b`, of which `a` comes first. */
  readonly merge: string;
  /** The result of accumulator `a`. */
  readonly result?: string;
}

/** Invocations of a workgroup. */
const SIZE = 256;
/** Elements that an invocation takes one behind another before it is worth a second pass to share them out. */
const SERIAL = 64;
/** Invocations that keep a GPU busy. */
const BUSY = 1 << 16;

const wordsOf = ({ type }: Fold): number => (type.startsWith('vec2') ? 2 : 1);

/** Functions that read and write the accumulators of segments. */
function partials(fold: Fold): string {
  const { type } = fold;
  if (wordsOf(fold) === 1) {
    return `
fn load_part(i: i32) -> ${type} { return bitcast<${type}>(load_parts(i)); }
fn store_part(i: i32, a: ${type}) { store_parts(i, bitcast<u32>(a)); }`;
  }
  return `
fn load_part(i: i32) -> ${type} { return bitcast<${type}>(vec2<u32>(load_parts(2 * i), load_parts(2 * i + 1))); }
fn store_part(i: i32, a: ${type}) {
  let bits = bitcast<vec2<u32>>(a);
  store_parts(2 * i, bits.x);
  store_parts(2 * i + 1, bits.y);
}`;
}

interface Layout {
  readonly outer: number;
  readonly red: number;
  readonly inner: number;
}

/** Segments into which rows are cut, 1 where that is of no use. */
function segmentsOf({ outer, red, inner }: Layout): number {
  const lanes = inner === 1 ? SIZE : 1;
  if (red <= 2 * lanes * SERIAL) return 1;
  const wanted = Math.ceil(BUSY / (outer * inner * lanes));
  return Math.max(1, Math.min(wanted, Math.ceil(red / (lanes * SERIAL)), 1024));
}

/**
 * One pass: from x to accumulators of `segments` segments (`parts`), from these to y, or from x to y. Ints behind the launch's own:
 * rows, length of a row, length of a segment, segments, inner.
 */
function pass(
  fold: Fold,
  launch: Launch,
  layout: Layout,
  segments: number,
  from: Scratch | null,
  to: Scratch | null,
): Pass {
  const { outer, red, inner } = layout;
  const own = launch.ints ?? [];
  const length = Math.ceil(red / segments);
  const ints = [...own, red, length, segments, inner, outer * segments * inner];
  const n = own.length;
  const lanes = inner === 1 ? lanesOf(length) : 1;
  const rows = outer * segments;
  const join = from === null ? 'joined(a, load_x(at), i)' : 'merged(a, load_part(at))';
  const finish =
    to === null
      ? `store_y(${inner === 1 ? 'row' : 'id'}, ${fold.result ?? 'a'});`
      : `store_part(${inner === 1 ? 'row' : 'id'}, a);`;
  return {
    ...named(launch),
    name: `${named(launch).name} ${from === null ? 'x' : 'parts'}-${to === null ? 'y' : 'parts'}`,
    structure: `${inner === 1 ? lanes : 'columns'}`,
    bind: {
      ...(to === null ? { y: writes(launch.writes[0], { atomic: launch.writes[0]?.elementSize() === 1 }) } : {}),
      ...(from === null ? { x: reads(launch.reads[0]) } : {}),
      ...(from === null ? {} : { parts: scratch(from, 'read', 'u32') }),
      ...(to === null ? {} : { parts: scratch(to, 'write', 'u32') }),
    },
    ints,
    ...(inner === 1 ? { groups: Math.ceil(rows / (SIZE / lanes)) } : { items: rows * inner }),
    size: SIZE,
    text: (chip) => {
      const element = launch.reads[0]?.dtype === 'float32' ? 'f32' : 'i32';
      const access =
        from === null && to === null
          ? ''
          : from === null
            ? partials(fold).replace(/fn load_part\(.*\n/, '')
            : partials(fold).replace(/fn store_part[\s\S]*/, '');
      const declare = `
fn joined(a: ${fold.type}, x: ${element}, at: i32) -> ${fold.type} { ${fold.join} }
fn merged(a: ${fold.type}, b: ${fold.type}) -> ${fold.type} { ${fold.merge} }
${access}`;
      if (inner === 1) {
        return {
          declare: declare + across(chip, fold.type, 'merged(a, b)', lanes, SIZE),
          body: `
            let row = i32(group * ${SIZE / lanes}u + local / ${lanes}u);
            let lane = i32(local % ${lanes}u);
            let segments = int(${n + 2});
            let many = row < int(${n + 4});
            let begin = (row % segments) * int(${n + 1});
            let end = select(0, min(begin + int(${n + 1}), int(${n})), many);
            let first = (row / segments) * int(${n});
            var a = ${fold.start};
            for (var i = begin + lane; i < end; i += ${lanes}) { let at = first + i; a = ${join}; }
            a = across(local, a);
            if (lane == 0 && many) { ${finish} }`,
        };
      }
      return {
        declare,
        body: `
          let inner = int(${n + 3});
          let segments = int(${n + 2});
          let column = id % inner;
          let row = id / inner;
          let begin = (row % segments) * int(${n + 1});
          let end = min(begin + int(${n + 1}), int(${n}));
          let first = (row / segments) * int(${n}) * inner + column;
          var a = ${fold.start};
          for (var i = begin; i < end; i++) { let at = first + i * inner; a = ${join}; }
          ${finish}`,
      };
    },
  };
}

/** The kernel of a fold. `layout` is the place of outer, red, inner among the ints. */
export function reduced(fold: Fold): Shader {
  return (launch: Launch, _chip: Chip) => {
    const [outer = 1, red = 1, inner = 1] = launch.ints ?? [];
    const layout = { outer, red, inner };
    const segments = segmentsOf(layout);
    if (segments === 1) return pass(fold, launch, layout, 1, null, null);
    const parts = { scratch: 4 * wordsOf(fold) * outer * segments * inner };
    return [
      pass(fold, launch, layout, segments, null, parts),
      pass(fold, launch, { outer, red: segments, inner }, 1, parts, null),
    ];
  };
}

/** Sums with what rounding has lost of them (Knuth's two-sum): no drift, however many terms there are. */
const sumOf = (term: string): Fold => ({
  type: 'vec2<f32>',
  start: 'vec2<f32>(0.0)',
  join: `let s = two_sum(a.x, ${term}); return vec2<f32>(s.x, a.y + s.y);`,
  merge: 'let s = two_sum(a.x, b.x); return vec2<f32>(s.x, a.y + b.y + s.y);',
  // What is lost of an infinite sum is NaN.
  result: '(a.x + select(a.y, 0.0, is_nan(a.y) || is_infinite(a.y))) * float(0)',
});

const simple = (type: 'f32' | 'i32', start: string, join: string, merge = join.replaceAll('x', 'b')): Fold => ({
  type,
  start,
  join: `return ${join};`,
  merge: `return ${merge};`,
});

/** The place of the largest key: of equal ones the first. */
const place = (key: string): Fold => ({
  type: 'vec2<i32>',
  start: 'vec2<i32>(-2147483647 - 1, 2147483647)',
  join: `let key = ${key}; return select(a, vec2<i32>(key, at), key > a.x || (key == a.x && at < a.y));`,
  merge: 'return select(a, b, b.x > a.x || (b.x == a.x && b.y < a.y));',
  result: 'a.y',
});

export const reduce: Shaders = {
  sum_f32: reduced(sumOf('x')),
  sumSquares_f32: reduced(sumOf('x * x')),
  sumAbs_f32: reduced(sumOf('absolute(x)')),
  prod_f32: reduced(simple('f32', '1.0', 'a * x')),
  max_f32: reduced(simple('f32', '-infinity()', 'maximum(a, x)', 'maximum(a, b)')),
  min_f32: reduced(simple('f32', 'infinity()', 'minimum(a, x)', 'minimum(a, b)')),
  countNonzero_f32: reduced(simple('i32', '0', 'a + i32(!is_zero(x))', 'a + b')),
  sum_i32: reduced(simple('i32', '0', 'a + x')),
  prod_i32: reduced(simple('i32', '1', 'a * x')),
  max_i32: reduced(simple('i32', '-2147483647 - 1', 'max(a, x)', 'max(a, b)')),
  min_i32: reduced(simple('i32', '2147483647', 'min(a, x)', 'min(a, b)')),
  any_u8: reduced(simple('i32', '0', 'select(a, 1, x != 0)', 'a | b')),
  all_u8: reduced(simple('i32', '1', 'select(a, 0, x == 0)', 'a & b')),
  argmax_f32: reduced(place('select(order(x), 2147483647, is_nan(x))')),
  argmin_f32: reduced(place('select(~order(x), 2147483647, is_nan(x))')),
  argmax_i32: reduced(place('x')),
  argmin_i32: reduced(place('~x')),
  // The largest element so far, and the sum of the exponentials above it.
  logsumexp_f32: reduced({
    type: 'vec2<f32>',
    start: 'vec2<f32>(-infinity(), 0.0)',
    join: 'return exponential_sum(a, vec2<f32>(x, 1.0));',
    merge: 'return exponential_sum(a, b);',
    result: 'exponential_sum_log(a)',
  }),
};
