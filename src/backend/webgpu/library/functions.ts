/**
 * Trigonometric, hyperbolic and inverse functions, powers and remainders: assembly/trigonometry.ts, assembly/hyperbolic.ts,
 * assembly/gaussian.ts and assembly/power.ts, where the origins of the approximations stand. Where those compute in double, these take
 * pairs of floats or whole numbers.
 */
export const functions = /* wgsl */ `
const two_over_pi = array<u32, 10>(
  0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u, 0u);
fn word_from(bit: u32) -> u32 {
  var words = two_over_pi;
  let at = bit >> 5u;
  let shift = bit & 31u;
  if (shift == 0u) { return words[at]; }
  return (words[at] << shift) | (words[min(at + 1u, 9u)] >> (32u - shift));
}
struct Turn { angle: f32, quadrant: u32 }
fn turned(a: f32) -> Turn {
  // Payne and Hanek's reduction for any a ≥ 0: quarter turns modulo 4 as a fixed-point number of 64 bits, two of them whole.
  if (a <= 0.78539816) { return Turn(a, 0u); }
  let bits = bitcast<u32>(a);
  let m = (bits & 0x7fffffu) | 0x800000u;
  // The first word is 0, for numbers so small that bits before the point of 2/π meet them.
  let skipped = (bits >> 23u) - 120u;
  let w0 = word_from(skipped);
  let w1 = word_from(skipped + 32u);
  let w2 = word_from(skipped + 64u);
  var low = m * w1;
  var top = m * w0 + high_word(m, w1);
  let more = high_word(m, w2);
  low += more;
  if (low < more) { top += 1u; }
  let quadrant = (top + 0x20000000u) >> 30u;
  top -= quadrant << 30u;
  let negative = (top >> 31u) == 1u;
  if (negative) {
    low = ~low + 1u;
    top = ~top + select(0u, 1u, low == 0u);
  }
  var zeros = countLeadingZeros(top);
  if (top == 0u) { zeros = 32u + countLeadingZeros(low); }
  var head = low << (zeros & 31u);
  if (zeros < 32u) { head = top << zeros; if (zeros > 0u) { head |= low >> (32u - zeros); } }
  let angle = f32(head) * 1.5707964 * power_of_two(-30 - i32(min(zeros, 63u)));
  return Turn(select(angle, -angle, negative), quadrant & 3u);
}
fn sine(x: f32) -> f32 {
  if (is_nan(x) || is_infinite(x)) { return nan(); }
  // Below it x is its own sine, and need not be looked at as a number.
  if (magnitude_bits(x) < 0x39000000u) { return x; }
  let t = turned(absolute(x));
  let y = sine_of_quadrant(t.angle, t.quadrant);
  return select(y, negated(y), is_negative(x));
}
fn cosine(x: f32) -> f32 {
  if (is_nan(x) || is_infinite(x)) { return nan(); }
  let t = turned(absolute(x));
  return sine_of_quadrant(t.angle, t.quadrant + 1u);
}
fn tangent(x: f32) -> f32 {
  if (is_nan(x) || is_infinite(x)) { return nan(); }
  if (magnitude_bits(x) < 0x39000000u) { return x; }
  let t = turned(absolute(x));
  let z = t.angle * t.angle;
  var p = 9.38540185543e-3;
  p = fma(p, z, 3.11992232697e-3);
  p = fma(p, z, 2.44301354525e-2);
  p = fma(p, z, 5.34112807005e-2);
  p = fma(p, z, 1.33387994085e-1);
  p = fma(p, z, 3.33331568548e-1);
  var y = fma(p * z, t.angle, t.angle);
  if ((t.quadrant & 1u) == 1u) { y = -1.0 / y; }
  return select(y, negated(y), is_negative(x));
}
fn arc_fraction(t: f32) -> f32 {
  let z = t * t;
  var p = -0.00178751873;
  p = fma(p, z, 0.0108872745);
  p = fma(p, z, -0.0311269071);
  p = fma(p, z, 0.057906501);
  p = fma(p, z, -0.0840047449);
  p = fma(p, z, 0.109511748);
  p = fma(p, z, -0.142640516);
  p = fma(p, z, 0.19998531);
  p = fma(p, z, -0.333332986);
  return fma(p * z, t, t);
}
fn to_right_angle(y: f32) -> f32 { return 1.57079637 - (y + 4.37113883e-8); }
fn arc_tangent(x: f32) -> f32 {
  if (is_nan(x) || magnitude_bits(x) < 0x39000000u) { return x; }
  let a = absolute(x);
  if (is_infinite(x)) { return with_sign(1.57079637, x); }
  if (a > 1.0) { return with_sign(to_right_angle(arc_fraction(1.0 / a)), x); }
  return with_sign(arc_fraction(a), x);
}
fn arc_sine_fraction(s: f32, z: f32) -> f32 {
  var p = 4.2163199048e-2;
  p = fma(p, z, 2.4181311049e-2);
  p = fma(p, z, 4.5470025998e-2);
  p = fma(p, z, 7.4953002686e-2);
  p = fma(p, z, 1.6666752422e-1);
  return fma(p * z, s, s);
}
fn arc_sine(x: f32) -> f32 {
  if (is_nan(x) || magnitude_bits(x) < 0x39000000u) { return x; }
  if (magnitude_bits(x) > 0x3f800000u) { return nan(); }
  let a = absolute(x);
  if (a <= 0.5) { return with_sign(arc_sine_fraction(a, a * a), x); }
  let z = 0.5 * (1.0 - a);
  let y = arc_sine_fraction(square_root(z), z);
  return with_sign(to_right_angle(y + y), x);
}
fn arc_cosine(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (magnitude_bits(x) > 0x3f800000u) { return nan(); }
  let a = absolute(x);
  if (a <= 0.5) { return to_right_angle(with_sign(arc_sine_fraction(a, a * a), x)); }
  let z = 0.5 * (1.0 - a);
  let y = arc_sine_fraction(square_root(z), z);
  if (is_negative(x)) { return 3.14159274 - (y + y + 8.74227766e-8); }
  return y + y;
}
fn angle_of(y: f32, x: f32) -> f32 {
  if (is_nan(y) || is_nan(x)) { return nan(); }
  let steep = magnitude_bits(y) > magnitude_bits(x);
  let small = absolute(select(y, x, steep));
  let large = absolute(select(x, y, steep));
  var t = 0.0;
  if (is_infinite(small)) { t = 1.0; } else if (!is_zero(small) && !is_infinite(large)) {
    let a = scaled_pair(small);
    let b = scaled_pair(large);
    t = scaled(a.x / b.x, i32(max(a.z - b.z, -200.0)));
  }
  var angle = arc_fraction(t);
  if (steep) { angle = to_right_angle(angle); }
  if (is_negative(x)) { angle = 3.14159274 - (angle + 8.74227766e-8); }
  return with_sign(angle, y);
}
fn half_exponential(a: f32) -> f32 {
  if (a > 90.0) { return infinity(); }
  let n = round(a * 1.44269504);
  return scaled(expm1_fraction(ln2_remainder(a, n)) + 1.0, i32(n) - 1);
}
fn hyperbolic_sine(x: f32) -> f32 {
  if (is_nan(x) || magnitude_bits(x) < 0x39000000u) { return x; }
  if (is_infinite(x)) { return x; }
  let a = absolute(x);
  if (a > 1.0) {
    let half = half_exponential(a);
    if (is_infinite(half)) { return with_sign(half, x); }
    return with_sign(half - 0.25 / half, x);
  }
  let z = a * a;
  var p = 2.03721912945e-4;
  p = fma(p, z, 8.33028376239e-3);
  p = fma(p, z, 1.66667160211e-1);
  return with_sign(fma(p * z, a, a), x);
}
fn hyperbolic_cosine(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_infinite(x)) { return absolute(x); }
  let half = half_exponential(absolute(x));
  if (is_infinite(half)) { return half; }
  return half + 0.25 / half;
}
fn arc_hyperbolic_sine(x: f32) -> f32 {
  if (is_nan(x) || is_infinite(x) || magnitude_bits(x) < 0x39000000u) { return x; }
  let a = absolute(x);
  if (a > 33554432.0) { return with_sign(logarithm(a) + 0.693147182, x); }
  let z = a * a;
  return with_sign(logarithm_1_plus(a + z / (1.0 + square_root(z + 1.0))), x);
}
fn arc_hyperbolic_cosine(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (less(x, 1.0)) { return nan(); }
  if (is_infinite(x)) { return x; }
  if (x > 33554432.0) { return logarithm(x) + 0.693147182; }
  let t = x - 1.0;
  return logarithm_1_plus(t + square_root(t * (t + 2.0)));
}
fn arc_hyperbolic_tangent(x: f32) -> f32 {
  if (is_nan(x) || magnitude_bits(x) < 0x39000000u) { return x; }
  if (magnitude_bits(x) == 0x3f800000u) { return with_sign(infinity(), x); }
  if (magnitude_bits(x) > 0x3f800000u) { return nan(); }
  let a = absolute(x);
  return with_sign(0.5 * logarithm_1_plus((a + a) / (1.0 - a)), x);
}
fn complementary_error(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = select(absolute(x), 12.0, magnitude_bits(x) > 0x41400000u);
  let q = 1.0 / fma(a, 0.5656854249, 1.0);
  let h = upper_half(a);
  let tail = 2.0 * (q * tail_polynomial(q)) * exponential(-h * h) * exponential(-(a - h) * (a + h));
  return select(tail, 2.0 - tail, is_negative(x));
}
fn inverse_error(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (magnitude_bits(x) >= 0x3f800000u) {
    if (magnitude_bits(x) > 0x3f800000u) { return nan(); }
    return with_sign(infinity(), x);
  }
  let a = absolute(x);
  let w = -logarithm((1.0 - a) * (1.0 + a));
  if (w < 5.0) {
    let s = w - 2.5;
    var p = -8.79105647e-9;
    p = fma(p, s, 2.32326443e-8);
    p = fma(p, s, 4.66170664e-7);
    p = fma(p, s, -3.46270476e-6);
    p = fma(p, s, -4.96334785e-6);
    p = fma(p, s, 2.18344439e-4);
    p = fma(p, s, -1.25274188e-3);
    p = fma(p, s, -4.17738678e-3);
    p = fma(p, s, 2.46640286e-1);
    p = fma(p, s, 1.50140936);
    return x * p;
  }
  let t = square_root(w) - 3.0;
  var p = -1.87621268e-4;
  p = fma(p, t, 1.03540916e-4);
  p = fma(p, t, 1.32711791e-3);
  p = fma(p, t, -3.67690564e-3);
  p = fma(p, t, 5.75083028e-3);
  p = fma(p, t, -7.62094217e-3);
  p = fma(p, t, 9.43716049e-3);
  p = fma(p, t, 1.00167393);
  p = fma(p, t, 2.83297696);
  return x * p;
}
fn log_fraction(a: f32) -> vec4<f32> {
  // a = m · 2^e with √½ ≤ m < √2; (m − 1) / (m + 1) as a pair, and e.
  let p = scaled_pair(a);
  let high = p.x > 1.41421356;
  let m = select(p.x, 0.5 * p.x, high);
  let s = pair_quotient(vec2<f32>(m - 1.0, 0.0), two_sum(m, 1.0));
  return vec4<f32>(s, p.z + select(0.0, 1.0, high), 0.0);
}
fn pair_logarithm2(a: f32) -> vec2<f32> {
  let f = log_fraction(a);
  let z = f.x * f.x;
  var p = 0.2829211581657825;
  p = fma(p, z, 0.31990430797875385);
  p = fma(p, z, 0.4122092840726208);
  p = fma(p, z, 0.5770779420754305);
  p = fma(p, z, 0.9617966941142475);
  let first = pair_product(f.xy, vec2<f32>(2.8853900432586670, 3.8519257e-8));
  return pair_sum(pair_sum(vec2<f32>(f.z, 0.0), first), vec2<f32>(f.x * z * p, 0.0));
}
fn positive_power(a: f32, y: f32) -> f32 {
  let e = pair_product(pair_logarithm2(a), vec2<f32>(y, 0.0));
  if (magnitude_bits(e.x) > 0x43190000u) { return select(infinity(), 0.0, is_negative(e.x)); }
  let n = round(e.x);
  return scaled(exponential2((e.x - n) + e.y), i32(n));
}
fn power(x: f32, y: f32) -> f32 {
  if (is_zero(y) || bitcast<u32>(x) == 0x3f800000u) { return 1.0; }
  if (is_nan(x) || is_nan(y)) { return nan(); }
  let a = absolute(x);
  let usual = !is_zero(x) && !is_infinite(x) && !is_infinite(y);
  var p = 1.0;
  if (magnitude_bits(x) != 0x3f800000u) {
    if (usual) { p = positive_power(a, y); } else {
      p = select(infinity(), 0.0, (magnitude_bits(x) > 0x3f800000u) == is_negative(y));
    }
  }
  if (!is_negative(x)) { return p; }
  // From 2²³ on there are whole numbers alone, from 2²⁴ on even ones.
  let size = magnitude_bits(y);
  let whole = size >= 0x4b000000u || (size >= 0x3f800000u && round(y) == y);
  let odd = whole && size < 0x4b800000u && (i32(y) & 1) == 1;
  if (usual && !whole) { return nan(); }
  return select(p, negated(p), odd);
}
fn whole_mantissa(x: f32) -> vec2<i32> {
  let bits = magnitude_bits(x);
  if (bits < 0x00800000u) { return vec2<i32>(i32(bits), -149); }
  return vec2<i32>(i32((bits & 0x7fffffu) | 0x800000u), i32(bits >> 23u) - 150);
}
fn float_remainder(a: f32, b: f32) -> f32 {
  if (is_nan(b)) { return b; }
  if (is_nan(a) || is_infinite(a) || is_zero(b)) { return nan(); }
  if (magnitude_bits(b) > magnitude_bits(a)) { return a; }
  // A long division of eight bits a step.
  let m = whole_mantissa(a);
  let n = whole_mantissa(b);
  let divisor = u32(n.x);
  var r = u32(m.x) % divisor;
  var left = m.y - n.y;
  while (left > 0) {
    let step = u32(min(left, 8));
    r = (r << step) % divisor;
    left -= i32(step);
  }
  if (r == 0u) { return with_sign(0.0, a); }
  let place = 31 - i32(countLeadingZeros(r));
  let e = place + n.y;
  if (e < -126) { return with_sign(bitcast<f32>(r << u32(n.y + 149)), a); }
  return with_sign(bitcast<f32>((u32(e + 127) << 23u) | ((r << u32(23 - place)) & 0x7fffffu)), a);
}
fn remainder_of(a: f32, b: f32) -> f32 {
  let r = float_remainder(a, b);
  if (is_nan(r) || is_zero(r) || is_negative(r) == is_negative(b)) { return r; }
  return r + b;
}
fn floor_quotient(a: f32, b: f32) -> f32 {
  let ratio = a / b;
  if (is_zero(b)) { return ratio; }
  let r = float_remainder(a, b);
  if (is_nan(r)) { return r; }
  let down = !is_zero(r) && is_negative(r) != is_negative(b);
  let whole = (a - r) / b - select(0.0, 1.0, down);
  if (is_zero(whole)) { return with_sign(0.0, bitcast<f32>(bitcast<u32>(a) ^ bitcast<u32>(b))); }
  let low = floor(whole);
  return select(low, low + 1.0, whole - low > 0.5);
}
fn hypotenuse(a: f32, b: f32) -> f32 {
  if (is_infinite(a) || is_infinite(b)) { return infinity(); }
  if (is_nan(a) || is_nan(b)) { return nan(); }
  let steep = magnitude_bits(a) > magnitude_bits(b);
  let large = scaled_pair(absolute(select(b, a, steep)));
  let small = scaled_pair(absolute(select(a, b, steep)));
  if (is_zero(large.x)) { return 0.0; }
  let m = select(scaled(small.x, i32(max(small.z - large.z, -200.0))), 0.0, is_zero(small.x));
  return scaled(sqrt(fma(large.x, large.x, m * m)), i32(large.z));
}
`;
