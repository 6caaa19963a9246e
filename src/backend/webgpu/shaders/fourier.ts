import { type Argument, type Pass, reads, type Scratch, scratch, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { named } from './each.js';

/**
 * The discrete Fourier transform of rows: assembly/fft.ts, in pairs of floats where that has doubles. Stockham's algorithm, a pass for
 * each factor of the length, between two buffers of complex numbers; lengths with large prime factors by way of Bluestein's
 * convolution. A complex number is a vector: two pairs, of which the second is the imaginary part.
 */

/** Roots of unity and chirps stand in doubles. */
const COMPLEX = `
fn from_double(i: i32) -> vec2<f32> {
  let low = load_table(2 * i);
  let high = load_table(2 * i + 1);
  let e = i32((high >> 20u) & 0x7ffu) - 1023;
  if (e < -60) { return vec2<f32>(0.0); }
  let first = f32(0x800000u | ((high & 0xfffffu) << 3u) | (low >> 29u)) * power_of_two(e - 23);
  let y = renewed(first, f32(low & 0x1fffffffu) * power_of_two(e - 52));
  return select(y, -y, (high >> 31u) == 1u);
}
fn root(k: i32) -> vec4<f32> { return vec4<f32>(from_double(2 * k), from_double(2 * k + 1)); }
fn plus(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> { return vec4<f32>(pair_sum(a.xy, b.xy), pair_sum(a.zw, b.zw)); }
fn minus(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(pair_difference(a.xy, b.xy), pair_difference(a.zw, b.zw));
}
fn times(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(
    pair_difference(pair_product(a.xy, b.xy), pair_product(a.zw, b.zw)),
    pair_sum(pair_product(a.xy, b.zw), pair_product(a.zw, b.xy)));
}
fn conjugate(a: vec4<f32>) -> vec4<f32> { return vec4<f32>(a.xy, pair_negative(a.zw)); }`;

const complex = (memory: Scratch, access: 'read' | 'write'): Argument => scratch(memory, access, 'f32', { wide: true });

/** Sums of p numbers turned by the roots of a stage, p² multiplications; four have a shorter way. */
function butterfly(p: number): string {
  if (p === 4) {
    return `
      let even = plus(v[0], v[2]);
      let odd = plus(v[1], v[3]);
      let apart = minus(v[0], v[2]);
      let across = minus(v[1], v[3]);
      // −i (b − d)
      let quarter = vec4<f32>(across.zw, pair_negative(across.xy));
      var sums = array<vec4<f32>, 4>(plus(even, odd), plus(apart, quarter), minus(even, odd), minus(apart, quarter));`;
  }
  if (p === 2) return 'var sums = array<vec4<f32>, 2>(plus(v[0], v[1]), minus(v[0], v[1]));';
  return `
      var sums: array<vec4<f32>, ${p}>;
      for (var k = 0; k < ${p}; k++) {
        var sum = v[0];
        for (var r = 1; r < ${p}; r++) { sum = plus(sum, times(v[r], root(((r * k) % ${p}) * m * s))); }
        sums[k] = sum;
      }`;
}

/** The passes that transform `rows` rows of `size` numbers, and where the result is: in one of the two. */
function stages(
  table: Argument,
  rows: number,
  size: number,
  factors: readonly number[],
  from: Scratch,
  to: Scratch,
): { passes: Pass[]; result: Scratch; other: Scratch } {
  const passes: Pass[] = [];
  let [n, s] = [size, 1];
  let [a, b] = [from, to];
  for (const p of factors) {
    passes.push({
      name: `fft radix ${p}`,
      structure: '',
      ints: [size, n, s],
      bind: { table, a: complex(a, 'read'), b: complex(b, 'write') },
      items: (rows * size) / p,
      text: () => ({
        declare: COMPLEX,
        body: `
          let size = int(0);
          let s = int(2);
          let m = int(1) / ${p};
          let perRow = size / ${p};
          let row = id / perRow;
          let i = id - row * perRow;
          let q = i / s;
          let t = i - q * s;
          var v: array<vec4<f32>, ${p}>;
          for (var r = 0; r < ${p}; r++) { v[r] = load4_a(row * size + q * s + t + r * m * s); }
          ${butterfly(p)}
          for (var k = 0; k < ${p}; k++) { store4_b(row * size + (${p} * q + k) * s + t, times(sums[k], root(q * k * s))); }`,
      }),
    });
    n /= p;
    s *= p;
    [a, b] = [b, a];
  }
  return { passes, result: a, other: b };
}

/** ints: m, n, count, x is real, y is, inverse, doubled, size, number of factors, factors. */
const fft: Shader = (launch) => {
  const [m = 0, n = 1, count = 0, isReal = 0, wantsReal = 0, inverse = 0, doubled = 0, size = 1, many = 0] =
    launch.ints ?? [];
  const factors = launch.ints?.slice(9, 9 + many) ?? [];
  const rows = launch.work;
  const byChirps = size !== n;
  const { name } = named(launch);
  const table = reads(launch.reads[1], { as: 'u32' });
  const ints = [m, n, count, inverse, doubled, size];
  const structure = `${isReal} ${wantsReal} ${byChirps}`;
  const bytes = 16 * rows * size;
  const share = `
fn share(k: i32, way: i32) -> f32 { return select(1.0, 2.0, int(4) == way && k > 0 && 2 * k < int(1)); }`;
  const first = { scratch: bytes };
  const passes: Pass[] = [
    {
      name: `${name} in`,
      structure,
      ints,
      bind: { a: complex(first, 'write'), x: reads(launch.reads[0]), table },
      items: rows * size,
      text: () => ({
        declare: COMPLEX + share,
        body: `
          let row = id / int(5);
          let j = id - row * int(5);
          var v = vec4<f32>(0.0);
          if (j < min(int(0), int(1))) {
            let at = row * int(0) + j;
            v = ${isReal === 1 ? 'vec4<f32>(load_x(at), 0.0, 0.0, 0.0)' : 'vec4<f32>(load_x(2 * at), 0.0, load_x(2 * at + 1), 0.0)'} * share(j, 1);
            if (int(3) == 1) { v = conjugate(v); }
            ${byChirps ? 'v = times(v, root(int(5) + j));' : ''}
          }
          store4_a(id, v);`,
      }),
    },
  ];
  const forth = stages(table, rows, size, factors, first, { scratch: bytes });
  passes.push(...forth.passes);
  let result = forth.result;
  if (byChirps) {
    // The transform of the conjugated chirps, laid out around 0, which the rows are multiplied with.
    const chirps = { scratch: 16 * size };
    passes.push({
      name: `${name} chirps`,
      structure: '',
      ints,
      bind: { a: complex(chirps, 'write'), table },
      items: size,
      text: () => ({
        declare: COMPLEX,
        body: `
          var k = id;
          if (k >= int(1)) { k = int(5) - k; }
          store4_a(id, select(vec4<f32>(0.0), conjugate(root(int(5) + min(k, int(1) - 1))), k < int(1)));`,
      }),
    });
    const filter = stages(table, 1, size, factors, chirps, { scratch: 16 * size });
    passes.push(...filter.passes, {
      name: `${name} times`,
      structure: '',
      ints,
      bind: { a: complex(result, 'write'), filtering: complex(filter.result, 'read') },
      items: rows * size,
      text: () => ({
        declare: COMPLEX.slice(COMPLEX.indexOf('fn plus')),
        // Conjugated before and after, a transform is its inverse but for the factor size.
        body: 'store4_a(id, conjugate(times(load4_a(id), load4_filtering(id % int(5)))));',
      }),
    });
    const back = stages(table, rows, size, factors, result, forth.other);
    passes.push(...back.passes);
    result = back.result;
  }
  passes.push({
    name: `${name} out`,
    structure,
    ints,
    floats: launch.floats,
    bind: { y: writes(launch.writes[0]), a: complex(result, 'read'), table },
    items: rows * count,
    text: () => ({
      declare: `${COMPLEX}${share}
fn rescaled(a: vec2<f32>) -> f32 { let y = pair_product(a, vec2<f32>(float(0), 0.0)); return y.x + y.y; }`,
      body: `
        let row = id / int(2);
        let k = id - row * int(2);
        var v = load4_a(row * int(5) + k);
        ${byChirps ? 'v = times(conjugate(v) * (1.0 / f32(int(5))), root(int(5) + k));' : ''}
        if (int(3) == 1) { v = conjugate(v); }
        v *= share(k, 2);
        ${wantsReal === 1 ? 'store_y(id, rescaled(v.xy));' : 'store_y(2 * id, rescaled(v.xy));\nstore_y(2 * id + 1, rescaled(v.zw));'}`,
    }),
  });
  return passes;
};

export const fourier: Shaders = { fft_f32: fft };
