import type { Launch } from '../../../core/device.js';
import type { Chip } from '../executor.js';
import { type Argument, type Pass, reads, type Scratch, scratch, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { named } from './each.js';
import { across } from './workgroup.js';

/**
 * Products and convolutions with int8 weights, exact in int32: assembly/qgemm.ts and assembly/qconv.ts.
 *
 * Four neighbours along k stand in a word, of which an instruction makes the sum of products. The left operand is quantized into such
 * words first; what is multiplied is q itself, and the zero point, times the sum of the weights, is taken off the sums. The words of
 * a tile are brought into shared memory, as in a float32 product.
 */

const SIZE = 256;
/** Words of a tile along k, columns of a tile, and columns that an invocation has; the rows are 16 times those that it has. */
const DEPTH = 8;
const COLUMNS = 64;
const EACH = 4;

/** How the input is quantized: `inverse()`, `scale_in()` and `zero_in()`. */
const STATIC = (zero: string): string => `
fn inverse() -> f32 { return float(0); }
fn scale_in() -> f32 { return float(1); }
fn zero_in() -> i32 { return ${zero}; }`;
const DYNAMIC = `
fn inverse() -> f32 { return load_map(0); }
fn scale_in() -> f32 { return load_map(1); }
fn zero_in() -> i32 { return i32(load_map(2)); }`;

const dot = (chip: Chip): string =>
  chip.packedDot
    ? 'fn dot4(a: u32, b: u32) -> i32 { return dot4I8Packed(a, b); }'
    : `
fn lane4(a: u32, k: u32) -> i32 { return extractBits(bitcast<i32>(a), 8u * k, 8u); }
fn dot4(a: u32, b: u32) -> i32 {
  return lane4(a, 0u) * lane4(b, 0u) + lane4(a, 1u) * lane4(b, 1u) + lane4(a, 2u) * lane4(b, 2u) + lane4(a, 3u) * lane4(b, 3u);
}`;

interface Product {
  readonly name: string;
  readonly structure: string;
  readonly bind: Readonly<Record<string, Argument>>;
  readonly floats: readonly number[] | undefined;
  /** Of which the last are M, N and the words along k. */
  readonly ints: readonly number[];
  readonly m: number;
  readonly n: number;
  /** Functions `word_a(row, k)`, `word_b(column, k)`, `zero_in()` and what `put` needs. */
  readonly declare: string;
  /** Statements that store `sum: i32` at row `i` and column `j`. */
  readonly put: string;
}

function product(p: Product, chip: Chip): Pass {
  const at = p.ints.length - 3;
  const down = p.m <= 16 ? 1 : 4;
  const rows = 16 * down;
  const list = (n: number, line: (i: number) => string): string =>
    Array.from({ length: n }, (_, i) => line(i)).join('\n');
  return {
    name: p.name,
    structure: `${p.structure} ${down}`,
    bind: p.bind,
    floats: p.floats,
    ints: p.ints,
    groups: Math.ceil(p.m / rows) * Math.ceil(p.n / COLUMNS),
    size: SIZE,
    text: () => ({
      declare: `
var<workgroup> tile_a: array<u32, ${DEPTH * (rows + 1)}>;
var<workgroup> tile_b: array<u32, ${DEPTH * (COLUMNS + 1)}>;
var<workgroup> weights: array<atomic<i32>, ${COLUMNS}>;
${dot(chip)}
${p.declare}`,
      body: `
        let m = int(${at});
        let n = int(${at + 1});
        let words = int(${at + 2});
        let tiles = (n + ${COLUMNS - 1}) / ${COLUMNS};
        let row0 = (i32(group) / tiles) * ${rows};
        let column0 = (i32(group) % tiles) * ${COLUMNS};
        let ty = i32(local) / 16;
        let tx = i32(local) % 16;
        // What an invocation fetches of b is of one column.
        let mine = i32(local) / 4;
        var own = 0;
        var sums: array<array<i32, ${EACH}>, ${down}>;
        if (local < ${COLUMNS}u) { atomicStore(&weights[local], 0); }
        for (var k0 = 0; k0 < words; k0 += ${DEPTH}) {
          for (var t = i32(local); t < ${rows * DEPTH}; t += ${SIZE}) {
            let k = t % ${DEPTH};
            let i = t / ${DEPTH};
            var value = 0u;
            if (k0 + k < words && row0 + i < m) { value = word_a(row0 + i, k0 + k); }
            tile_a[k * ${rows + 1} + i] = value;
          }
          for (var h = 0; h < ${(DEPTH * COLUMNS) / SIZE}; h++) {
            let k = i32(local) % 4 + 4 * h;
            var value = 0u;
            if (k0 + k < words && column0 + mine < n) { value = word_b(column0 + mine, k0 + k); }
            tile_b[k * ${COLUMNS + 1} + mine] = value;
            own += dot4(value, 0x01010101u);
          }
          workgroupBarrier();
          for (var k = 0; k < ${DEPTH}; k++) {
            ${list(down, (i) => `let a${i} = tile_a[k * ${rows + 1} + ty + ${16 * i}];`)}
            ${list(EACH, (j) => `let b${j} = tile_b[k * ${COLUMNS + 1} + tx + ${16 * j}];`)}
            ${list(down, (i) => list(EACH, (j) => `sums[${i}][${j}] += dot4(a${i}, b${j});`))}
          }
          workgroupBarrier();
        }
        atomicAdd(&weights[mine], own);
        workgroupBarrier();
        for (var u = 0; u < ${down}; u++) {
          for (var v = 0; v < ${EACH}; v++) {
            let i = row0 + ty + 16 * u;
            let j = column0 + tx + 16 * v;
            if (i < m && j < n) {
              let sum = sums[u][v] - zero_in() * atomicLoad(&weights[tx + 16 * v]);
              ${p.put}
            }
          }
        }`,
    }),
  };
}

/** What follows the sum of column j; `relu` is the place of the activation among the ints. */
const finished = (bias: boolean, relu: string): string => `
  var y = f32(sum) * (load_scale(j) * scale_in());
  ${bias ? 'y += load_bias(j);' : ''}
  if (${relu} == 1 && less(y, 0.0)) { y = 0.0; }`;

/** The range of x, widened to hold 0, as a map to int8: [inverse, scale, zero point] in `to`. */
function ranged(x: Argument, count: number, to: Scratch): Pass[] {
  const groups = Math.max(1, Math.min(SIZE, Math.ceil(count / 4096)));
  const found: Scratch = { scratch: 8 * groups };
  const declare = (chip: Chip): string =>
    across(chip, 'vec2<f32>', 'vec2<f32>(minimum(a.x, b.x), maximum(a.y, b.y))', SIZE, SIZE);
  return [
    {
      name: 'range of x',
      structure: '',
      ints: [count, groups],
      bind: { x, found: scratch(found, 'write', 'f32') },
      groups,
      size: SIZE,
      text: (chip) => ({
        declare: declare(chip),
        body: `
          var a = vec2<f32>(0.0);
          for (var i = i32(group) * ${SIZE} + i32(local); i < int(0); i += int(1) * ${SIZE}) {
            let x = load_x(i);
            if (less(x, a.x)) { a.x = x; }
            if (less(a.y, x)) { a.y = x; }
          }
          a = across(local, a);
          if (local == 0u) {
            store_found(2 * i32(group), a.x);
            store_found(2 * i32(group) + 1, a.y);
          }`,
      }),
    },
    {
      name: 'map of a range',
      structure: '',
      ints: [groups],
      bind: { found: scratch(found, 'read', 'f32'), map: scratch(to, 'write', 'f32') },
      groups: 1,
      size: SIZE,
      text: (chip) => ({
        declare: declare(chip),
        body: `
          var a = vec2<f32>(0.0);
          if (i32(local) < int(0)) { a = vec2<f32>(load_found(2 * i32(local)), load_found(2 * i32(local) + 1)); }
          a = across(local, a);
          let span = a.y - a.x;
          var scale = 1.0;
          var zero = 0.0;
          if (less(0.0, span) && !is_infinite(span)) {
            scale = at_least(span / 255.0, 1.1754943508222875e-38);
            zero = clamp(-128.0 - round(a.x / scale), -128.0, 127.0);
          }
          if (local == 0u) {
            store_map(0, 1.0 / scale);
            store_map(1, scale);
            store_map(2, zero);
          }`,
      }),
    },
  ];
}

/** Rows of x as words of four int8; what is missing to four is the zero point. */
function words(
  launch: Launch,
  rows: number,
  k: number,
  of: 'i8' | 'f32',
  map: Readonly<Record<string, Argument>>,
  how: string,
  zero: number,
  to: Scratch,
): Pass {
  return {
    name: `${named(launch).name} words`,
    structure: of,
    floats: launch.floats,
    ints: [k, Math.ceil(k / 4), zero],
    bind: { x: reads(launch.reads[0]), ...map, to: scratch(to, 'write', 'u32') },
    items: rows * Math.ceil(k / 4),
    text: () => ({
      declare: how,
      body: `
        let row = id / int(1);
        let first = 4 * (id - row * int(1));
        var word = 0u;
        for (var j = 0; j < 4; j++) {
          var q = 0;
          if (first + j < int(0)) {
            let x = load_x(row * int(0) + first + j);
            q = ${of === 'i8' ? 'x' : 'quantized(x, inverse(), zero_in()) + zero_in()'};
          }
          word = insertBits(word, bitcast<u32>(q), u32(8 * j), 8u);
        }
        store_to(id, word);`,
    }),
  };
}

/** A linear product. ints: M, N, K, zero point, activation. */
function gemm(of: 'i8' | 'f32', dynamic: boolean): Shader {
  return (launch, chip) => {
    const [m = 0, n = 0, k = 0, zero = 0, relu = 0] = launch.ints ?? [];
    const [x, panels, scale, bias] = launch.reads;
    const perRow = Math.ceil(k / 4);
    const held: Scratch = { scratch: 4 * Math.max(1, m * perRow) };
    const map: Scratch = { scratch: 16 };
    const bound: Readonly<Record<string, Argument>> = dynamic ? { map: scratch(map, 'read', 'f32') } : {};
    const isFloat = of === 'f32';
    const last = product(
      {
        name: named(launch).name,
        structure: `${bias != null}`,
        bind: {
          y: writes(launch.writes[0]),
          a: scratch(held, 'read', 'u32'),
          panels: reads(panels, { as: 'u32' }),
          ...(isFloat ? { scale: reads(scale) } : {}),
          ...(isFloat && bias != null ? { bias: reads(bias) } : {}),
          ...bound,
        },
        floats: launch.floats,
        ints: [zero, relu, k, m, n, perRow],
        m,
        n,
        declare: `
fn word_a(row: i32, k: i32) -> u32 { return load_a(row * int(5) + k); }
fn word_b(column: i32, k: i32) -> u32 {
  // A panel of eight columns has pairs of k side by side: two of them make four.
  let pairs = (int(2) + 1) / 2;
  let at = (column / 8) * pairs * 4 + 2 * k * 4 + (column % 8) / 2;
  let shift = 16u * u32(column & 1);
  let low = (load_panels(at) >> shift) & 0xffffu;
  var high = 0u;
  if (2 * k + 1 < pairs) { high = (load_panels(at + 4) >> shift) & 0xffffu; }
  return low | (high << 16u);
}
${dynamic ? DYNAMIC : STATIC('int(0)')}`,
        put: isFloat ? `${finished(bias != null, 'int(1)')}\nstore_y(i * n + j, y);` : 'store_y(i * n + j, sum);',
      },
      chip,
    );
    const how = dynamic ? DYNAMIC : STATIC('int(2)');
    return [...(dynamic ? ranged(reads(x), m * k, map) : []), words(launch, m, k, of, bound, how, zero, held), last];
  };
}

/** Place of tap (c, i, j) of an output channel among the panels of packConv2d, counted in int16; ints from 0 on as in `conv2d`. */
const TAPS = `
fn tap_of(unit: i32, c: i32, i: i32, j: i32) -> i32 {
  let channels = int(1);
  let kh = int(7);
  let kw = int(8);
  let tall = int(17);
  let half = (channels / 2) * kh * kw;
  let pairs = half + (channels % 2) * kh * ((kw + 1) / 2);
  let height = select(4, 5, unit < tall);
  let spot = select((unit - tall) % 4, unit % 5, unit < tall);
  var pair = (c / 2) * kh * kw + i * kw + j;
  var second = c & 1;
  // A channel left over has two taps of a row in a pair.
  if (c == channels - 1 && (channels & 1) == 1) {
    pair = half + i * ((kw + 1) / 2) + j / 2;
    second = j & 1;
  }
  return 2 * pairs * (unit - spot) + 2 * spot + 2 * height * pair + second;
}`;

/**
 * A convolution: the product of the windows of x, whose channels stand four in a word, with the filters laid out likewise. What lies
 * beyond an edge is the zero point. ints: N, C, H, W, OC, OH, OW, KH, KW, SH, SW, PH, PW, DH, DW, zero point, activation, tall, band.
 */
const conv2d: Shader = (launch, chip) => {
  const [n = 0, c = 0, h = 0, w = 0, oc = 0, oh = 0, ow = 0, kh = 0, kw = 0] = launch.ints ?? [];
  const [x, panels, scale, bias] = launch.reads;
  const own = launch.ints?.slice(0, 18) ?? [];
  const fours = Math.ceil(c / 4);
  const perRow = fours * kh * kw;
  const pixels: Scratch = { scratch: 4 * Math.max(1, n * fours * h * w) };
  const filters: Scratch = { scratch: 4 * Math.max(1, oc * perRow) };
  const { name } = named(launch);
  const m = n * oh * ow;
  return [
    {
      name: `${name} pixels`,
      structure: '',
      floats: launch.floats,
      ints: own,
      bind: { x: reads(x), to: scratch(pixels, 'write', 'u32') },
      items: n * fours * h * w,
      text: () => ({
        declare: STATIC('int(15)'),
        body: `
          let plane = int(2) * int(3);
          let fours = (int(1) + 3) / 4;
          let four = id / plane;
          let place_in = id - four * plane;
          let image = four / fours;
          let first = 4 * (four - image * fours);
          var word = 0u;
          for (var j = 0; j < 4; j++) {
            var q = 0;
            if (first + j < int(1)) { q = quantized(load_x((image * int(1) + first + j) * plane + place_in), inverse(), zero_in()) + zero_in(); }
            word = insertBits(word, bitcast<u32>(q), u32(8 * j), 8u);
          }
          store_to(id, word);`,
      }),
    },
    {
      name: `${name} filters`,
      structure: '',
      ints: own,
      bind: { panels: reads(panels, { as: 'u32' }), to: scratch(filters, 'write', 'u32') },
      items: oc * perRow,
      text: () => ({
        declare: TAPS,
        body: `
          let window = int(7) * int(8);
          let perRow = ((int(1) + 3) / 4) * window;
          let unit = id / perRow;
          let rest = id - unit * perRow;
          let first = 4 * (rest / window);
          let i = (rest % window) / int(8);
          let j = rest % int(8);
          var word = 0u;
          for (var k = 0; k < 4; k++) {
            if (first + k < int(1)) {
              let at = tap_of(unit, first + k, i, j);
              word = insertBits(word, load_panels(at / 2) >> (16u * u32(at & 1)), u32(8 * k), 8u);
            }
          }
          store_to(id, word);`,
      }),
    },
    product(
      {
        name,
        structure: `${bias != null}`,
        bind: {
          y: writes(launch.writes[0]),
          a: scratch(pixels, 'read', 'u32'),
          b: scratch(filters, 'read', 'u32'),
          scale: reads(scale),
          ...(bias == null ? {} : { bias: reads(bias) }),
        },
        floats: launch.floats,
        ints: [...own, m, oc, perRow],
        m,
        n: oc,
        declare: `
fn word_b(column: i32, k: i32) -> u32 { return load_b(column * int(20) + k); }
fn word_a(row: i32, k: i32) -> u32 {
  let window = int(7) * int(8);
  let four = k / window;
  let i = (k - four * window) / int(8);
  let j = k - four * window - i * int(8);
  let outputs = int(5) * int(6);
  let image = row / outputs;
  let output = row - image * outputs;
  let yy = (output / int(6)) * int(9) - int(11) + i * int(13);
  let xx = (output % int(6)) * int(10) - int(12) + j * int(14);
  if (yy < 0 || yy >= int(2) || xx < 0 || xx >= int(3)) { return (bitcast<u32>(int(15)) & 0xffu) * 0x01010101u; }
  return load_a(((image * ((int(1) + 3) / 4) + four) * int(2) + yy) * int(3) + xx);
}
${STATIC('int(15)')}`,
        put: `${finished(bias != null, 'int(16)')}
              let outputs = int(5) * int(6);
              store_y((i / outputs * n + j) * outputs + i % outputs, y);`,
      },
      chip,
    ),
  ];
};

export const qgemm: Shaders = {
  qgemm_i32: gemm('i8', false),
  qgemm_f32: gemm('f32', false),
  qgemm_dynamic_f32: gemm('f32', true),
  qconv2d_f32: conv2d,
};
