/** Turning the hue of pixels, by way of hue, saturation and value (Smith 1978), in torchvision's arithmetic. */
import { clampPixels, readPixels, white, writePixels } from './pixels';
import { splat } from './simd';

/** `a` where the mask is set, elsewhere `b`. */
// @ts-ignore: decorator
@inline function pick(mask: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, mask);
}

/** y = x with the hue moved on by `shift` turns; three planes of `pixels` pixels. */
export function hue<T>(y: usize, x: usize, pixels: i32, shift: f32): void {
  const plane = <usize>pixels * sizeof<T>();
  const one = splat(1);
  const six = splat(6);
  for (let i = 0; i < pixels; i += 4) {
    const n = min(4, pixels - i);
    const at = <usize>i * sizeof<T>();
    const r = unit<T>(readPixels<T>(x + at, n));
    const g = unit<T>(readPixels<T>(x + at + plane, n));
    const b = unit<T>(readPixels<T>(x + at + 2 * plane, n));

    const most = f32x4.max(r, f32x4.max(g, b));
    const least = f32x4.min(r, f32x4.min(g, b));
    const range = f32x4.sub(most, least);
    // A colourless pixel has no hue, and whatever is put in place of 0 below ends up weighed with 0.
    const flat = f32x4.eq(most, least);
    const saturation = f32x4.div(range, pick(flat, one, most));
    const divisor = pick(flat, one, range);
    const rc = f32x4.div(f32x4.sub(most, r), divisor);
    const gc = f32x4.div(f32x4.sub(most, g), divisor);
    const bc = f32x4.div(f32x4.sub(most, b), divisor);
    const ofGreen = f32x4.sub(f32x4.add(splat(2), rc), bc);
    const ofBlue = f32x4.sub(f32x4.add(splat(4), gc), rc);
    const isRed = f32x4.eq(most, r);
    const sector = pick(isRed, f32x4.sub(bc, gc), pick(f32x4.eq(most, g), ofGreen, ofBlue));
    // Both are positive before the fraction is taken.
    const before = fraction(f32x4.add(f32x4.div(sector, six), one));
    const turned = fraction(f32x4.add(before, splat(shift)));

    const scaled = f32x4.mul(turned, six);
    const whole = f32x4.floor(scaled);
    const f = f32x4.sub(scaled, whole);
    const p = within(f32x4.mul(most, f32x4.sub(one, saturation)));
    const q = within(f32x4.mul(most, f32x4.sub(one, f32x4.mul(saturation, f))));
    const t = within(f32x4.mul(most, f32x4.sub(one, f32x4.mul(saturation, f32x4.sub(one, f)))));
    const is1 = f32x4.eq(whole, one);
    const is2 = f32x4.eq(whole, splat(2));
    const is3 = f32x4.eq(whole, splat(3));
    const is4 = f32x4.eq(whole, splat(4));
    const is5 = f32x4.eq(whole, splat(5));
    const red = pick(is1, q, pick(v128.or(is2, is3), p, pick(is4, t, most)));
    const green = pick(v128.or(is1, is2), most, pick(is3, q, pick(v128.or(is4, is5), p, t)));
    const blue = pick(is2, t, pick(v128.or(is3, is4), most, pick(is5, q, p)));
    writePixels<T>(y + at, scaledBack<T>(red), n);
    writePixels<T>(y + at + plane, scaledBack<T>(green), n);
    writePixels<T>(y + at + 2 * plane, scaledBack<T>(blue), n);
  }
}

// @ts-ignore: decorator
@inline function fraction(v: v128): v128 {
  return f32x4.sub(v, f32x4.floor(v));
}

// @ts-ignore: decorator
@inline function within(v: v128): v128 {
  return f32x4.min(f32x4.max(v, splat(0)), splat(1));
}

// @ts-ignore: decorator
@inline function unit<T>(v: v128): v128 {
  return isFloat<T>() ? v : f32x4.div(v, splat(white<T>()));
}

// @ts-ignore: decorator
@inline function scaledBack<T>(v: v128): v128 {
  return isFloat<T>() ? v : clampPixels<T>(f32x4.mul(v, splat(white<T>())));
}
