/**
 * Numbers as they are, whatever the compiler assumes of them: WGSL allows it to take no number for NaN or infinite, and to take
 * subnormal ones for 0. So these look at bits.
 */
export const numbers = /* wgsl */ `
fn infinity() -> f32 { return bitcast<f32>(word(1u)); }
fn nan() -> f32 { return bitcast<f32>(word(1u) | 0x400000u); }
fn magnitude_bits(x: f32) -> u32 { return bitcast<u32>(x) & 0x7fffffffu; }
fn is_nan(x: f32) -> bool { return magnitude_bits(x) > 0x7f800000u; }
fn is_infinite(x: f32) -> bool { return magnitude_bits(x) == 0x7f800000u; }
fn is_zero(x: f32) -> bool { return magnitude_bits(x) == 0u; }
fn is_negative(x: f32) -> bool { return (bitcast<u32>(x) >> 31u) == 1u; }
fn absolute(x: f32) -> f32 { return bitcast<f32>(magnitude_bits(x)); }
fn negated(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }
fn with_sign(x: f32, sign: f32) -> f32 {
  return bitcast<f32>(magnitude_bits(x) | (bitcast<u32>(sign) & 0x80000000u));
}
fn order(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return select(bits, -(bits & 0x7fffffff), bits < 0);
}
fn ordered(a: f32, b: f32) -> bool { return !is_nan(a) && !is_nan(b); }
fn less(a: f32, b: f32) -> bool { return ordered(a, b) && order(a) < order(b); }
fn less_or_equal(a: f32, b: f32) -> bool { return ordered(a, b) && order(a) <= order(b); }
fn equal(a: f32, b: f32) -> bool { return ordered(a, b) && order(a) == order(b); }
fn maximum(a: f32, b: f32) -> f32 {
  if (is_nan(a)) { return a; }
  if (is_nan(b)) { return b; }
  return select(b, a, order(a) > order(b));
}
fn minimum(a: f32, b: f32) -> f32 {
  if (is_nan(a)) { return a; }
  if (is_nan(b)) { return b; }
  return select(b, a, order(a) < order(b));
}
fn at_least(x: f32, low: f32) -> f32 { return select(x, low, less(x, low)); }
fn at_most(x: f32, high: f32) -> f32 { return select(x, high, less(high, x)); }
fn whole_below(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  // A subnormal number may be seen as 0, whose sign it has.
  if (magnitude_bits(x) < 0x00800000u) { return select(with_sign(0.0, x), -1.0, is_negative(x) && !is_zero(x)); }
  return with_sign(floor(x), x);
}
fn square_root(x: f32) -> f32 {
  if (is_nan(x) || is_zero(x)) { return x; }
  if (is_negative(x)) { return nan(); }
  if (is_infinite(x)) { return x; }
  let bits = bitcast<u32>(x);
  // A subnormal number is its bits times 2⁻¹⁴⁹.
  if (bits < 0x00800000u) { return sqrt(f32(bits) * 2.0) * 2.6469779601696886e-23; }
  return sqrt(x);
}
fn quotient(a: f32, b: f32) -> f32 { return a / b; }
fn exact(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ (word(1u) ^ 0x7f800000u)); }
fn two_sum(a: f32, b: f32) -> vec2<f32> {
  // A compiler may take (a + b) - a for b, unless it cannot know the sum.
  let sum = exact(a + b);
  let part = exact(sum - a);
  return vec2<f32>(sum, (a - exact(sum - part)) + (b - part));
}
fn upper_half(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }
fn two_product(a: f32, b: f32) -> vec2<f32> {
  let p = exact(a * b);
  let ah = upper_half(a);
  let bh = upper_half(b);
  let al = a - ah;
  let bl = b - bh;
  return vec2<f32>(p, ((ah * bh - p) + ah * bl + al * bh) + al * bl);
}
fn arithmetic(start: f32, step: f32, i: i32) -> f32 {
  // In pairs of floats, as the double of other devices: an index above 2²⁴ is no float.
  let high = i & ~0xfff;
  let a = two_product(f32(high), step);
  let b = two_product(f32(i - high), step);
  let s = two_sum(a.x, b.x);
  let t = two_sum(s.x, start);
  return t.x + (t.y + (s.y + (a.y + b.y)));
}
fn floor_divide(a: i32, b: i32) -> i32 {
  if (b == 0) { return 0; }
  if (b == -1) { return -a; }
  let q = a / b;
  return select(q, q - 1, a - q * b != 0 && (a < 0) != (b < 0));
}
fn floor_remainder(a: i32, b: i32) -> i32 {
  if (b == 0) { return 0; }
  return a - floor_divide(a, b) * b;
}
fn greatest_divisor(a: i32, b: i32) -> i32 {
  var x = u32(abs(a));
  var y = u32(abs(b));
  while (y != 0u) {
    let rest = x % y;
    x = y;
    y = rest;
  }
  return i32(x);
}
fn whole_power(a: i32, b: i32) -> i32 {
  if (b < 0) {
    if (a == 1) { return 1; }
    return select(0, select(1, -1, (b & 1) == 1), a == -1);
  }
  var y = 1;
  var base = a;
  var left = b;
  while (left > 0) {
    if ((left & 1) == 1) { y *= base; }
    base *= base;
    left >>= 1u;
  }
  return y;
}
fn from_half(bits: u32) -> f32 {
  let sign = (bits & 0x8000u) << 16u;
  let low = bits & 0x7fffu;
  if (low >= 0x7c00u) { return bitcast<f32>(sign | 0x7f800000u | ((low & 0x3ffu) << 13u)); }
  if (low < 0x400u) { return bitcast<f32>(bitcast<u32>(f32(low) * 5.9604644775390625e-8) | sign); }
  return bitcast<f32>(sign | ((low << 13u) + 0x38000000u));
}
fn to_half(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) { return sign | 0x7e00u; }
  if (size >= 0x477ff000u) { return sign | 0x7c00u; }
  if (size < 0x33000000u) { return sign; }
  if (size < 0x38800000u) {
    let shift = 126u - (size >> 23u);
    let whole = (size & 0x7fffffu) | 0x800000u;
    let kept = whole >> shift;
    let rest = whole & ((1u << shift) - 1u);
    let half = 1u << (shift - 1u);
    let up = rest > half || (rest == half && (kept & 1u) == 1u);
    return sign | (kept + select(0u, 1u, up));
  }
  return sign | ((size - 0x38000000u + 0xfffu + ((size >> 13u) & 1u)) >> 13u);
}
fn quantized(x: f32, inverse: f32, zero: i32) -> i32 {
  // The bounds are whole: clamping before rounding changes nothing but what could overflow. A NaN becomes 0, the zero point.
  if (is_nan(x)) { return 0; }
  return i32(round(at_most(at_least(x * inverse, f32(-128 - zero)), f32(127 - zero))));
}
fn to_int(x: f32) -> i32 {
  if (is_nan(x)) { return 0; }
  if (x >= 2147483648.0) { return 2147483647; }
  if (x < -2147483648.0) { return -2147483647 - 1; }
  return i32(x);
}
`;
