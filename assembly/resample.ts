/** Linear maps along one dimension whose rows have few terms: resizing in every mode, and its adjoint. */
import { int, pointer } from './launch';
import { loadUpTo4, storeUpTo4 } from './row';
import { bytes, madd } from './simd';

/**
 * y[o, p, i] = Σ weights[k] x[o, places[k], i] over the k from begins[p] up to, not including, begins[p + 1].
 * Slots: 0 y [outer, P, inner], 1 x [outer, Q, inner], 2 begins [P + 1], 3 places, 4 weights, 5 P, 6 Q, 7 inner.
 * Work: outer · P.
 */
export function resample_f32(r: usize, begin: i32, end: i32): void {
  const begins = pointer(r, 2);
  const rows = int(r, 5);
  const inner = int(r, 7);
  const line = bytes(inner);
  const plane = <usize>int(r, 6) * line;
  let y = pointer(r, 0) + <usize>begin * line;
  let p = begin % rows;
  let x = pointer(r, 1) + <usize>(begin / rows) * plane;
  for (let item = begin; item < end; item++) {
    const first = bytes(load<i32>(begins + bytes(p)));
    const last = bytes(load<i32>(begins + bytes(p), 4));
    const places = pointer(r, 3) + first;
    const weights = pointer(r, 4) + first;
    const stop = pointer(r, 3) + last;
    for (let i = 0; i < inner; i += 4) blend(y + bytes(i), x + bytes(i), inner - i, line, places, weights, stop);
    y += line;
    p++;
    if (p == rows) {
      p = 0;
      x += plane;
    }
  }
}

/** Up to four neighbours of one row. The first term starts the sum, so that a weight of 1 copies, the sign of 0 too. */
function blend(y: usize, x: usize, n: i32, line: usize, places: usize, weights: usize, stop: usize): void {
  let sum = i32x4.splat(0);
  if (places < stop) {
    sum = f32x4.mul(v128.load32_splat(weights), loadUpTo4(x + <usize>load<i32>(places) * line, n));
    places += 4;
    weights += 4;
  }
  while (places < stop) {
    sum = madd(v128.load32_splat(weights), loadUpTo4(x + <usize>load<i32>(places) * line, n), sum);
    places += 4;
    weights += 4;
  }
  storeUpTo4(y, sum, n);
}
