/** Steps of recurrent networks behind their products, and their gradients. Every kernel's work items are rows. */
import { sigmoid, tanh } from './hyperbolic';
import { int, pointer } from './launch';
import { loadUpTo4, storeUpTo4 } from './row';
import { bytes, splat } from './simd';

// Rows of gates hold all units of the first gate, then all of the second, …. Tails go through the same instructions as
// the rest, and a gradient that nothing flowed into is a null pointer.

// @ts-ignore: decorator
@inline function loadOrZero(p: usize, offset: usize, n: i32): v128 {
  return p ? loadUpTo4(p + offset, n) : i32x4.splat(0);
}

/** to = σ(x + s) for n numbers: two vectors at a time, because each is one long chain of dependent instructions. */
function sigmoids(to: usize, x: usize, s: usize, n: i32): void {
  for (; n >= 8; n -= 8) {
    const a = sigmoid(f32x4.add(v128.load(x), v128.load(s)));
    const b = sigmoid(f32x4.add(v128.load(x, 16), v128.load(s, 16)));
    v128.store(to, a);
    v128.store(to, b, 16);
    to += 32;
    x += 32;
    s += 32;
  }
  for (; n > 0; n -= 4) {
    storeUpTo4(to, sigmoid(f32x4.add(loadUpTo4(x, n), loadUpTo4(s, n))), n);
    to += 16;
    x += 16;
    s += 16;
  }
}

/** to = tanh(x + factor · s) for n numbers, without a factor where it is null. */
function tangents(to: usize, x: usize, s: usize, factor: usize, n: i32): void {
  for (; n >= 8; n -= 8) {
    let a = v128.load(s);
    let b = v128.load(s, 16);
    if (factor) {
      a = f32x4.mul(a, v128.load(factor));
      b = f32x4.mul(b, v128.load(factor, 16));
      factor += 32;
    }
    a = tanh(f32x4.add(v128.load(x), a));
    b = tanh(f32x4.add(v128.load(x, 16), b));
    v128.store(to, a);
    v128.store(to, b, 16);
    to += 32;
    x += 32;
    s += 32;
  }
  for (; n > 0; n -= 4) {
    let a = loadUpTo4(s, n);
    if (factor) {
      a = f32x4.mul(a, loadUpTo4(factor, n));
      factor += 16;
    }
    storeUpTo4(to, tanh(f32x4.add(loadUpTo4(x, n), a)), n);
    to += 16;
    x += 16;
    s += 16;
  }
}

/**
 * i, f, o = σ, g = tanh of x + s; c = f · before + i · g; h = o · tanh(c). Keeps the gates for the gradient.
 * Slots: 0 h, 1 c, 2 gates, 3 x, 4 s, 5 before, 6 hidden. Work: rows.
 */
export function lstmCell_f32(r: usize, begin: i32, end: i32): void {
  const hidden = int(r, 6);
  const gate = bytes(hidden);
  for (let row = <usize>begin; row < <usize>end; row++) {
    let h = pointer(r, 0) + row * gate;
    let c = pointer(r, 1) + row * gate;
    let gates = pointer(r, 2) + row * 4 * gate;
    const x = pointer(r, 3) + row * 4 * gate;
    const s = pointer(r, 4) + row * 4 * gate;
    let before = pointer(r, 5) + row * gate;
    sigmoids(gates, x, s, 2 * hidden);
    tangents(gates + 2 * gate, x + 2 * gate, s + 2 * gate, 0, hidden);
    sigmoids(gates + 3 * gate, x + 3 * gate, s + 3 * gate, hidden);
    let n = hidden;
    for (; n >= 8; n -= 8) {
      const a = lstmState(c, gates, before, gate, 4);
      const b = lstmState(c + 16, gates + 16, before + 16, gate, 4);
      v128.store(h, f32x4.mul(v128.load(gates + 3 * gate), tanh(a)));
      v128.store(h, f32x4.mul(v128.load(gates + 3 * gate, 16), tanh(b)), 16);
      h += 32;
      c += 32;
      gates += 32;
      before += 32;
    }
    for (; n > 0; n -= 4) {
      const a = lstmState(c, gates, before, gate, n);
      storeUpTo4(h, f32x4.mul(loadUpTo4(gates + 3 * gate, n), tanh(a)), n);
      h += 16;
      c += 16;
      gates += 16;
      before += 16;
    }
  }
}

/** c = f · before + i · g of four units, or the last n. */
// @ts-ignore: decorator
@inline function lstmState(c: usize, gates: usize, before: usize, gate: usize, n: i32): v128 {
  const kept = f32x4.mul(loadUpTo4(gates + gate, n), loadUpTo4(before, n));
  const state = f32x4.add(kept, f32x4.mul(loadUpTo4(gates, n), loadUpTo4(gates + 2 * gate, n)));
  storeUpTo4(c, state, n);
  return state;
}

/**
 * From the gradients of h and c, either of which may be null, to those of x + s and of the cell before.
 * Slots: 0 dx, 1 dbefore, 2 dh, 3 dc, 4 gates, 5 c, 6 before, 7 hidden. Work: rows.
 */
export function lstmCell_grad_f32(r: usize, begin: i32, end: i32): void {
  const hidden = int(r, 7);
  const gate = bytes(hidden);
  const one = splat(1);
  const gh = pointer(r, 2);
  const gc = pointer(r, 3);
  for (let row = <usize>begin; row < <usize>end; row++) {
    let at = row * gate;
    let dx = pointer(r, 0) + row * 4 * gate;
    let gates = pointer(r, 4) + row * 4 * gate;
    for (let n = hidden; n > 0; n -= 4) {
      const i = loadUpTo4(gates, n);
      const f = loadUpTo4(gates + gate, n);
      const g = loadUpTo4(gates + 2 * gate, n);
      const o = loadUpTo4(gates + 3 * gate, n);
      const dh = loadOrZero(gh, at, n);
      const t = tanh(loadUpTo4(pointer(r, 5) + at, n));
      const through = f32x4.mul(f32x4.mul(dh, o), f32x4.sub(one, f32x4.mul(t, t)));
      const dc = f32x4.add(loadOrZero(gc, at, n), through);
      const before = loadUpTo4(pointer(r, 6) + at, n);
      const di = f32x4.mul(f32x4.mul(dc, g), f32x4.mul(i, f32x4.sub(one, i)));
      const df = f32x4.mul(f32x4.mul(dc, before), f32x4.mul(f, f32x4.sub(one, f)));
      const dg = f32x4.mul(f32x4.mul(dc, i), f32x4.sub(one, f32x4.mul(g, g)));
      const dout = f32x4.mul(f32x4.mul(dh, t), f32x4.mul(o, f32x4.sub(one, o)));
      storeUpTo4(dx, di, n);
      storeUpTo4(dx + gate, df, n);
      storeUpTo4(dx + 2 * gate, dg, n);
      storeUpTo4(dx + 3 * gate, dout, n);
      storeUpTo4(pointer(r, 1) + at, f32x4.mul(dc, f), n);
      dx += 16;
      gates += 16;
      at += 16;
    }
  }
}

/**
 * r, z = σ(x + s); n = tanh(x + r · s); h = n + z · (before - n). Keeps the gates for the gradient.
 * Slots: 0 h, 1 gates, 2 x, 3 s, 4 before, 5 hidden. Work: rows.
 */
export function gruCell_f32(r: usize, begin: i32, end: i32): void {
  const hidden = int(r, 5);
  const gate = bytes(hidden);
  for (let row = <usize>begin; row < <usize>end; row++) {
    let h = pointer(r, 0) + row * gate;
    let gates = pointer(r, 1) + row * 3 * gate;
    const x = pointer(r, 2) + row * 3 * gate;
    const s = pointer(r, 3) + row * 3 * gate;
    let before = pointer(r, 4) + row * gate;
    sigmoids(gates, x, s, 2 * hidden);
    tangents(gates + 2 * gate, x + 2 * gate, s + 2 * gate, gates, hidden);
    for (let n = hidden; n > 0; n -= 4) {
      const fresh = loadUpTo4(gates + 2 * gate, n);
      const way = f32x4.sub(loadUpTo4(before, n), fresh);
      storeUpTo4(h, f32x4.add(fresh, f32x4.mul(loadUpTo4(gates + gate, n), way)), n);
      h += 16;
      gates += 16;
      before += 16;
    }
  }
}

/**
 * From the gradient of h to those of x, of s and of the state before.
 * Slots: 0 dx, 1 ds, 2 dbefore, 3 dh, 4 gates, 5 s, 6 before, 7 hidden. Work: rows.
 */
export function gruCell_grad_f32(r: usize, begin: i32, end: i32): void {
  const hidden = int(r, 7);
  const gate = bytes(hidden);
  const one = splat(1);
  for (let row = <usize>begin; row < <usize>end; row++) {
    let at = row * gate;
    let wide = row * 3 * gate;
    for (let n = hidden; n > 0; n -= 4) {
      const dx = pointer(r, 0) + wide;
      const ds = pointer(r, 1) + wide;
      const gates = pointer(r, 4) + wide;
      const reset = loadUpTo4(gates, n);
      const keep = loadUpTo4(gates + gate, n);
      const fresh = loadUpTo4(gates + 2 * gate, n);
      const dh = loadUpTo4(pointer(r, 3) + at, n);
      const before = loadUpTo4(pointer(r, 6) + at, n);
      const dfresh = f32x4.mul(f32x4.mul(dh, f32x4.sub(one, keep)), f32x4.sub(one, f32x4.mul(fresh, fresh)));
      const dkeep = f32x4.mul(f32x4.mul(dh, f32x4.sub(before, fresh)), f32x4.mul(keep, f32x4.sub(one, keep)));
      const product = loadUpTo4(pointer(r, 5) + wide + 2 * gate, n);
      const dreset = f32x4.mul(f32x4.mul(dfresh, product), f32x4.mul(reset, f32x4.sub(one, reset)));
      storeUpTo4(dx, dreset, n);
      storeUpTo4(dx + gate, dkeep, n);
      storeUpTo4(dx + 2 * gate, dfresh, n);
      storeUpTo4(ds, dreset, n);
      storeUpTo4(ds + gate, dkeep, n);
      storeUpTo4(ds + 2 * gate, f32x4.mul(dfresh, reset), n);
      storeUpTo4(pointer(r, 2) + at, f32x4.mul(dh, keep), n);
      at += 16;
      wide += 16;
    }
  }
}
