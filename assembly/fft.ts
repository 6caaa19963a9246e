/**
 * Discrete Fourier transforms of rows, in float64: a complex number is one vector, and a result is float32's nearest but for
 * a few in a million.
 *
 * Stockham's algorithm takes the length apart factor by factor and leaves the result in its natural order, going back and
 * forth between two buffers. Lengths with large prime factors go by way of Bluestein's identity jk = (j² + k² − (k − j)²) / 2,
 * which makes the transform a convolution, and that a product of transforms whose length is a power of two.
 */
import { float, int, pointer, scratch, slot } from './launch';

/** (−1, 1). A constant written in a loop would be built anew in every round. */
const SIGNS: usize = memory.data<f64>([-1, 1]);

/** Bytes of n complex numbers. */
// @ts-ignore: decorator
@inline function complexes(n: i32): usize {
  return (<usize>n) << 4;
}

// @ts-ignore: decorator
@inline function swap(a: v128): v128 {
  return v128.shuffle<i64>(a, a, 1, 0);
}

// @ts-ignore: decorator
@inline function times(a: v128, b: v128): v128 {
  const real = v128.shuffle<i64>(b, b, 0, 0);
  const imaginary = f64x2.mul(v128.shuffle<i64>(b, b, 1, 1), v128.load(SIGNS));
  return f64x2.add(f64x2.mul(a, real), f64x2.mul(swap(a), imaginary));
}

// @ts-ignore: decorator
@inline function conjugate(a: v128): v128 {
  return f64x2.mul(a, swap(v128.load(SIGNS)));
}

/**
 * A stage of radix p takes s interleaved transforms of length n to p s of length n / p. `roots` are the powers of
 * e^(−2πi / (n s)).
 */
function radix4(y: usize, x: usize, roots: usize, n: i32, s: i32): void {
  const m = n >> 2;
  const far = complexes(m * s);
  const near = complexes(s);
  for (let q = 0; q < m; q++) {
    const w1 = v128.load(roots + complexes(q * s));
    const w2 = v128.load(roots + complexes(2 * q * s));
    const w3 = v128.load(roots + complexes(3 * q * s));
    let from = x + complexes(q * s);
    let to = y + complexes(4 * q * s);
    const stop = from + near;
    while (from < stop) {
      const a = v128.load(from);
      const b = v128.load(from + far);
      const c = v128.load(from + 2 * far);
      const d = v128.load(from + 3 * far);
      const even = f64x2.add(a, c);
      const odd = f64x2.add(b, d);
      const apart = f64x2.sub(a, c);
      // −i (b − d)
      const turned = conjugate(swap(f64x2.sub(b, d)));
      v128.store(to, f64x2.add(even, odd));
      v128.store(to + near, times(f64x2.add(apart, turned), w1));
      v128.store(to + 2 * near, times(f64x2.sub(even, odd), w2));
      v128.store(to + 3 * near, times(f64x2.sub(apart, turned), w3));
      from += 16;
      to += 16;
    }
  }
}

function radix2(y: usize, x: usize, roots: usize, n: i32, s: i32): void {
  const m = n >> 1;
  const far = complexes(m * s);
  const near = complexes(s);
  for (let q = 0; q < m; q++) {
    const w = v128.load(roots + complexes(q * s));
    let from = x + complexes(q * s);
    let to = y + complexes(2 * q * s);
    const stop = from + near;
    while (from < stop) {
      const a = v128.load(from);
      const b = v128.load(from + far);
      v128.store(to, f64x2.add(a, b));
      v128.store(to + near, times(f64x2.sub(a, b), w));
      from += 16;
      to += 16;
    }
  }
}

/** The same for any small p, by the definition. */
function radix(p: i32, y: usize, x: usize, roots: usize, n: i32, s: i32): void {
  const m = n / p;
  const far = complexes(m * s);
  for (let q = 0; q < m; q++) {
    for (let k = 0; k < p; k++) {
      const w = v128.load(roots + complexes(q * k * s));
      for (let t = 0; t < s; t++) {
        let from = x + complexes(q * s + t);
        let sum = v128.load(from);
        // r k modulo p.
        let turn = 0;
        for (let r = 1; r < p; r++) {
          from += far;
          turn += k;
          if (turn >= p) turn -= p;
          sum = f64x2.add(sum, times(v128.load(from), v128.load(roots + complexes(turn * m * s))));
        }
        v128.store(y + complexes((p * q + k) * s + t), times(sum, w));
      }
    }
  }
}

/** Transforms `a` in place or into `b`, and returns which of the two has the result. */
function transform(a: usize, b: usize, roots: usize, n: i32, factors: usize, count: i32): usize {
  let s = 1;
  for (let i = 0; i < count; i++) {
    const p = load<i32>(factors + ((<usize>i) << 2));
    if (p == 4) radix4(b, a, roots, n, s);
    else if (p == 2) radix2(b, a, roots, n, s);
    else radix(p, b, a, roots, n, s);
    n /= p;
    s *= p;
    const other = a;
    a = b;
    b = other;
  }
  return a;
}

/** What the inner bins of half a spectrum count for: they stand for their mirror images too. */
// @ts-ignore: decorator
@inline function share(k: i32, n: i32, doubled: bool): f64 {
  return doubled && k > 0 && 2 * k < n ? 2 : 1;
}

/**
 * y[k] = scale · Σ_j x[j] e^(∓2πi jk / n) of rows x of m entries, cut or filled with zeros to n, for the first `count` k.
 * Slots: 0 y [rows, count, 2], or [rows, count] for the real parts alone; 1 x [rows, m, 2], or [rows, m] for real entries;
 * 2 table: `size` float64 roots of unity (cos, −sin), then, where size is not n, the n chirps e^(−πi k² / n);
 * 3 scale, 4 m, 5 n, 6 count, 7 whether x is real, 8 whether y is, 9 whether the exponent is positive, 10 whether inner
 * entries count twice: 1 those of x, 2 those of y, 11 size, 12 number of factors, 13 … the factors of size.
 * Work: rows. Scratch: 32 · size bytes, and 48 · size where size is not n.
 */
export function fft_f32(r: usize, begin: i32, end: i32): void {
  const scale = <f64>float(r, 3);
  const m = int(r, 4);
  const n = int(r, 5);
  const count = int(r, 6);
  const isReal = int(r, 7);
  const wantsReal = int(r, 8);
  const inverse = int(r, 9);
  const doubled = int(r, 10);
  const size = int(r, 11);
  const factors = slot(r, 13);
  const stages = int(r, 12);
  const roots = pointer(r, 2);
  const chirps = roots + complexes(size);
  const a = scratch();
  const b = a + complexes(size);
  const byChirps = size != n;
  const filter = byChirps ? spectrumOfChirps(b + complexes(size), a, b, roots, chirps, n, size, factors, stages) : 0;
  const widthIn: usize = isReal ? 4 : 8;
  const widthOut: usize = wantsReal ? 4 : 8;
  const used = min(m, n);
  for (let row = begin; row < end; row++) {
    const x = pointer(r, 1) + <usize>row * <usize>m * widthIn;
    for (let j = 0; j < used; j++) {
      const p = x + <usize>j * widthIn;
      let v = f64x2.promote_low_f32x4(isReal ? v128.load32_zero(p) : v128.load64_zero(p));
      v = f64x2.mul(v, f64x2.splat(share(j, n, doubled == 1)));
      if (inverse) v = conjugate(v);
      if (byChirps) v = times(v, v128.load(chirps + complexes(j)));
      v128.store(a + complexes(j), v);
    }
    memory.fill(a + complexes(used), 0, complexes(size - used));
    let z = transform(a, b, roots, size, factors, stages);
    if (byChirps) {
      // Conjugated before and after, a transform is its inverse but for the factor `size`.
      for (let k = 0; k < size; k++) {
        const at = z + complexes(k);
        v128.store(at, conjugate(times(v128.load(at), v128.load(filter + complexes(k)))));
      }
      z = transform(z, z == a ? b : a, roots, size, factors, stages);
    }
    const y = pointer(r, 0) + <usize>row * <usize>count * widthOut;
    for (let k = 0; k < count; k++) {
      let v = v128.load(z + complexes(k));
      if (byChirps) {
        v = f64x2.mul(conjugate(v), f64x2.splat(1.0 / <f64>size));
        v = times(v, v128.load(chirps + complexes(k)));
      }
      if (inverse) v = conjugate(v);
      v = f32x4.demote_f64x2_zero(f64x2.mul(v, f64x2.splat(scale * share(k, n, doubled == 2))));
      const p = y + <usize>k * widthOut;
      if (wantsReal) v128.store32_lane(p, v, 0);
      else v128.store64_lane(p, v, 0);
    }
  }
}

/** The transform of the conjugated chirps, laid out around 0, in `to`. */
function spectrumOfChirps(
  to: usize,
  a: usize,
  b: usize,
  roots: usize,
  chirps: usize,
  n: i32,
  size: i32,
  factors: usize,
  stages: i32,
): usize {
  memory.fill(a, 0, complexes(size));
  for (let k = 0; k < n; k++) {
    const v = conjugate(v128.load(chirps + complexes(k)));
    v128.store(a + complexes(k), v);
    if (k > 0) v128.store(a + complexes(size - k), v);
  }
  memory.copy(to, transform(a, b, roots, size, factors, stages), complexes(size));
  return to;
}
