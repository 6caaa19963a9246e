/**
 * Pairs of floats whose sum is the number: about twice the digits of one, for what other devices compute in double. A float's
 * product and sum are split into what is kept and what rounding takes (Dekker 1971, Knuth's two-sum).
 */
export const pairs = /* wgsl */ `
fn is_finite(x: f32) -> bool { return magnitude_bits(x) < 0x7f800000u; }
fn renewed(high: f32, low: f32) -> vec2<f32> {
  let s = exact(high + low);
  if (!is_finite(s)) { return vec2<f32>(s, 0.0); }
  return vec2<f32>(s, low - exact(s - high));
}
fn pair_sum(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let s = two_sum(a.x, b.x);
  if (!is_finite(s.x)) { return vec2<f32>(s.x, 0.0); }
  let t = two_sum(a.y, b.y);
  let u = renewed(s.x, s.y + t.x);
  return renewed(u.x, u.y + t.y);
}
fn pair_negative(a: vec2<f32>) -> vec2<f32> { return vec2<f32>(negated(a.x), negated(a.y)); }
fn pair_difference(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> { return pair_sum(a, pair_negative(b)); }
fn pair_product(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let p = two_product(a.x, b.x);
  if (!is_finite(p.x)) { return vec2<f32>(p.x, 0.0); }
  return renewed(p.x, p.y + (a.x * b.y + a.y * b.x));
}
fn pair_quotient(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let q = exact(a.x / b.x);
  if (!is_finite(q) || is_zero(q)) { return vec2<f32>(q, 0.0); }
  let r = pair_difference(a, pair_product(b, vec2<f32>(q, 0.0)));
  let q2 = exact(r.x / b.x);
  let r2 = pair_difference(r, pair_product(b, vec2<f32>(q2, 0.0)));
  let sum = renewed(q, q2);
  return pair_sum(sum, vec2<f32>(r2.x / b.x, 0.0));
}
fn scaled_pair(x: f32) -> vec4<f32> {
  let bits = magnitude_bits(x);
  if (bits == 0u || bits >= 0x7f800000u) { return vec4<f32>(x, 0.0, 0.0, 0.0); }
  var m = bits;
  var e = 0;
  // A subnormal number is its bits times 2⁻¹⁴⁹.
  if (bits < 0x00800000u) {
    m = bitcast<u32>(f32(bits));
    e = -149;
  }
  e += i32(m >> 23u) - 127;
  return vec4<f32>(with_sign(bitcast<f32>((m & 0x7fffffu) | 0x3f800000u), x), 0.0, f32(e), 0.0);
}
fn scaled_product(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  let high = a.x * b.x;
  if (is_zero(high) || !is_finite(high)) { return vec4<f32>(high, 0.0, 0.0, 0.0); }
  let p = pair_product(a.xy, b.xy);
  let large = absolute(p.x) >= 2.0;
  return vec4<f32>(p * select(1.0, 0.5, large), a.z + b.z + select(0.0, 1.0, large), 0.0);
}
fn scaled_value(a: vec4<f32>) -> f32 {
  if (is_zero(a.x) || !is_finite(a.x)) { return a.x; }
  return scaled(a.x + a.y, i32(clamp(a.z, -252.0, 252.0)));
}
`;
