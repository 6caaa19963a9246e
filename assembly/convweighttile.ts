/**
 * The inner loops of the gradient of a convolution's weight: inner products of channels of dy with what taps saw.
 *
 * Four outputs that are neighbours in dy and in the source are a step. dy has been packed for a panel of channels,
 * [step][channel][4], so that one pointer serves all of them; the source is read where it lies, through a list of byte
 * offsets, one a step and the same for every tap. The sums of four lanes stay in registers, and nothing is transposed.
 */
import { LARGE } from './convtile';
import { madd } from './simd';

/** LARGE channels × 2 taps. `to` receives the vectors of partial sums, channel by channel. */
export function largePair(step: usize, stop: usize, x: usize, y: usize, dy: usize, to: usize): void {
  let a0 = i32x4.splat(0);
  let b0 = a0;
  let a1 = a0;
  let b1 = a0;
  let a2 = a0;
  let b2 = a0;
  let a3 = a0;
  let b3 = a0;
  let a4 = a0;
  let b4 = a0;
  let a5 = a0;
  let b5 = a0;
  while (step < stop) {
    const at = load<usize>(step);
    const u = v128.load(x + at);
    const v = v128.load(y + at);
    const t0 = v128.load(dy);
    a0 = madd(t0, u, a0);
    b0 = madd(t0, v, b0);
    const t1 = v128.load(dy, 16);
    a1 = madd(t1, u, a1);
    b1 = madd(t1, v, b1);
    const t2 = v128.load(dy, 32);
    a2 = madd(t2, u, a2);
    b2 = madd(t2, v, b2);
    const t3 = v128.load(dy, 48);
    a3 = madd(t3, u, a3);
    b3 = madd(t3, v, b3);
    const t4 = v128.load(dy, 64);
    a4 = madd(t4, u, a4);
    b4 = madd(t4, v, b4);
    if (LARGE == 6) {
      const t5 = v128.load(dy, 80);
      a5 = madd(t5, u, a5);
      b5 = madd(t5, v, b5);
    }
    step += 4;
    dy += 16 * LARGE;
  }
  // Nothing but stores of the raw sums may follow the loop, or V8's scheduler spills them within it.
  v128.store(to, a0);
  v128.store(to, b0, 16);
  v128.store(to, a1, 32);
  v128.store(to, b1, 48);
  v128.store(to, a2, 64);
  v128.store(to, b2, 80);
  v128.store(to, a3, 96);
  v128.store(to, b3, 112);
  v128.store(to, a4, 128);
  v128.store(to, b4, 144);
  if (LARGE == 6) {
    v128.store(to, a5, 160);
    v128.store(to, b5, 176);
  }
}

/** 4 channels × 2 taps. */
export function smallPair(step: usize, stop: usize, x: usize, y: usize, dy: usize, to: usize): void {
  let a0 = i32x4.splat(0);
  let b0 = a0;
  let a1 = a0;
  let b1 = a0;
  let a2 = a0;
  let b2 = a0;
  let a3 = a0;
  let b3 = a0;
  while (step < stop) {
    const at = load<usize>(step);
    const u = v128.load(x + at);
    const v = v128.load(y + at);
    const t0 = v128.load(dy);
    a0 = madd(t0, u, a0);
    b0 = madd(t0, v, b0);
    const t1 = v128.load(dy, 16);
    a1 = madd(t1, u, a1);
    b1 = madd(t1, v, b1);
    const t2 = v128.load(dy, 32);
    a2 = madd(t2, u, a2);
    b2 = madd(t2, v, b2);
    const t3 = v128.load(dy, 48);
    a3 = madd(t3, u, a3);
    b3 = madd(t3, v, b3);
    step += 4;
    dy += 64;
  }
  v128.store(to, a0);
  v128.store(to, b0, 16);
  v128.store(to, a1, 32);
  v128.store(to, b1, 48);
  v128.store(to, a2, 64);
  v128.store(to, b2, 80);
  v128.store(to, a3, 96);
  v128.store(to, b3, 112);
}

/** 1 channel × 5 taps, for depthwise convolution and for the channel that panels leave over. */
export function single(step: usize, stop: usize, offsets: usize, x: usize, dy: usize, to: usize): void {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  const x0 = x + load<usize>(offsets);
  const x1 = x + load<usize>(offsets, 4);
  const x2 = x + load<usize>(offsets, 8);
  const x3 = x + load<usize>(offsets, 12);
  const x4 = x + load<usize>(offsets, 16);
  while (step < stop) {
    const at = load<usize>(step);
    const t = v128.load(dy);
    s0 = madd(t, v128.load(x0 + at), s0);
    s1 = madd(t, v128.load(x1 + at), s1);
    s2 = madd(t, v128.load(x2 + at), s2);
    s3 = madd(t, v128.load(x3 + at), s3);
    s4 = madd(t, v128.load(x4 + at), s4);
    step += 4;
    dy += 16;
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to, s4, 64);
}

/**
 * 1 channel × 3 × 3 taps side by side, `down` bytes from one row of the source to the next: depthwise convolution in one
 * pass.
 */
export function square(step: usize, stop: usize, x: usize, down: usize, dy: usize, to: usize): void {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  let s8 = s0;
  while (step < stop) {
    const t = v128.load(dy);
    let from = x + load<usize>(step);
    s0 = madd(t, v128.load(from), s0);
    s1 = madd(t, v128.load(from, 4), s1);
    s2 = madd(t, v128.load(from, 8), s2);
    from += down;
    s3 = madd(t, v128.load(from), s3);
    s4 = madd(t, v128.load(from, 4), s4);
    s5 = madd(t, v128.load(from, 8), s5);
    from += down;
    s6 = madd(t, v128.load(from), s6);
    s7 = madd(t, v128.load(from, 4), s7);
    s8 = madd(t, v128.load(from, 8), s8);
    step += 4;
    dy += 16;
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to, s4, 64);
  v128.store(to, s5, 80);
  v128.store(to, s6, 96);
  v128.store(to, s7, 112);
  v128.store(to, s8, 128);
}
