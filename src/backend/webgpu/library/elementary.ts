/**
 * Elementary functions to float32's last places. WGSL's own may be off by many of them (its sine by 2⁻¹¹, its exponential by
 * three and twice the argument's size), and no runtime's is another's. The approximations are those of assembly/math.ts and its
 * neighbours, where their origins stand.
 */
export const elementary = /* wgsl */ `
fn power_of_two(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }
fn scaled(y: f32, n: i32) -> f32 {
  let half = n >> 1u;
  return y * power_of_two(half) * power_of_two(n - half);
}
fn expm1_fraction(r: f32) -> f32 {
  var p = 1.98756915e-4;
  p = fma(p, r, 1.3981999507e-3);
  p = fma(p, r, 8.3334519073e-3);
  p = fma(p, r, 4.1665795894e-2);
  p = fma(p, r, 1.6666665459e-1);
  p = fma(p, r, 5.0000001201e-1);
  return fma(p, r * r, r);
}
fn ln2_remainder(x: f32, n: f32) -> f32 { return fma(n, 2.1219444e-4, fma(n, -0.693359375, x)); }
fn exponential(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (x > 88.8) { return infinity(); }
  if (x < -104.0) { return 0.0; }
  let n = round(x * 1.44269504);
  return scaled(expm1_fraction(ln2_remainder(x, n)) + 1.0, i32(n));
}
fn exponential2(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (x >= 128.0) { return infinity(); }
  if (x < -150.0) { return 0.0; }
  let n = round(x);
  let r = x - n;
  var p = 1.53264555e-4;
  p = fma(p, r, 1.33908074e-3);
  p = fma(p, r, 9.61850584e-3);
  p = fma(p, r, 5.55035993e-2);
  p = fma(p, r, 2.40226477e-1);
  p = fma(p, r, 6.93147182e-1);
  return scaled(fma(p, r, 1.0), i32(n));
}
fn exponential_less_1(x: f32) -> f32 {
  if (is_nan(x) || is_zero(x)) { return x; }
  if (x > 88.8) { return infinity(); }
  if (x < -18.0) { return -1.0; }
  let n = round(x * 1.44269504);
  let half = power_of_two(i32(n) - 1);
  let y = fma(expm1_fraction(ln2_remainder(x, n)), half, half - 0.5);
  return with_sign(y + y, x);
}
fn exponent_of(bits: u32) -> i32 { return bitcast<i32>(bits - 0x3f3504f3u) >> 23u; }
fn log_cubic(f: f32, square: f32) -> f32 {
  var p = 7.0376836292e-2;
  p = fma(p, f, -1.151461031e-1);
  p = fma(p, f, 1.167699874e-1);
  p = fma(p, f, -1.2420140846e-1);
  p = fma(p, f, 1.4249322787e-1);
  p = fma(p, f, -1.6668057665e-1);
  p = fma(p, f, 2.0000714765e-1);
  p = fma(p, f, -2.4999993993e-1);
  p = fma(p, f, 3.3333331174e-1);
  return p * f * square;
}
fn log_of(f: f32, e: f32) -> f32 {
  let square = f * f;
  let small = fma(-0.5, square, fma(e, -2.1219444e-4, log_cubic(f, square)));
  return fma(e, 0.693359375, f + small);
}
fn log_is_odd(x: f32) -> bool { let bits = bitcast<u32>(x); return bits == 0u || bits >= 0x7f800000u; }
fn log_edge(x: f32) -> f32 {
  if (is_zero(x)) { return -infinity(); }
  if (is_nan(x) || is_negative(x)) { return nan(); }
  return x;
}
fn lifted_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if (bits >= 0x00800000u) { return bits; }
  return bitcast<u32>(f32(bits)) - (126u << 23u);
}
fn lifted_exponent(x: f32, e: i32) -> f32 { return f32(e) - select(0.0, 23.0, bitcast<u32>(x) < 0x00800000u); }
fn logarithm(x: f32) -> f32 {
  if (log_is_odd(x)) { return log_edge(x); }
  let bits = lifted_bits(x);
  let e = exponent_of(bits);
  return log_of(bitcast<f32>(bits - (bitcast<u32>(e) << 23u)) - 1.0, lifted_exponent(x, e));
}
fn logarithm2(x: f32) -> f32 {
  if (log_is_odd(x)) { return log_edge(x); }
  let bits = lifted_bits(x);
  let e = exponent_of(bits);
  let f = bitcast<f32>(bits - (bitcast<u32>(e) << 23u)) - 1.0;
  let square = f * f;
  let tail = fma(-0.5, square, log_cubic(f, square));
  let k = 0.44269504088896340736;
  return fma(f, k, tail * k) + tail + f + lifted_exponent(x, e);
}
fn logarithm10(x: f32) -> f32 {
  if (log_is_odd(x)) { return log_edge(x); }
  let bits = lifted_bits(x);
  let exponent = exponent_of(bits);
  let f = bitcast<f32>(bits - (bitcast<u32>(exponent) << 23u)) - 1.0;
  let e = lifted_exponent(x, exponent);
  let square = f * f;
  let tail = fma(-0.5, square, log_cubic(f, square));
  var y = tail * 7.00731903251827651129e-4;
  y = fma(f, 7.00731903251827651129e-4, y);
  y = fma(e, 2.48745663981195213739e-4, y);
  y = fma(tail, 4.3359375e-1, y);
  y = fma(f, 4.3359375e-1, y);
  return fma(e, 3.0078125e-1, y);
}
fn logarithm_1_plus(x: f32) -> f32 {
  if (is_nan(x) || is_zero(x)) { return x; }
  if (log_is_odd(1.0 + x)) { return log_edge(1.0 + x); }
  let u = exact(x + 1.0);
  let e = exponent_of(bitcast<u32>(u));
  let shift = bitcast<u32>(e) << 23u;
  // What u has lost of x, exactly: the smaller of the two terms less what has come of it.
  let error = select(x - exact(u - 1.0), 1.0 - exact(u - x), absolute(x) >= 1.0);
  let scale = bitcast<f32>(bitcast<u32>(max(bitcast<i32>(0x3f800000u - shift), 0)));
  let f = bitcast<f32>(bitcast<u32>(u) - shift) - 1.0;
  return with_sign(log_of(fma(error, scale, f), f32(e)), x);
}
fn sigmoid(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let e = exponential(-absolute(x));
  return select(1.0, e, x < 0.0) / (e + 1.0);
}
fn exponential_sum(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let top = maximum(a.x, b.x);
  if (is_nan(top) || is_infinite(top)) { return vec2<f32>(top, 1.0); }
  return vec2<f32>(top, a.y * exponential(a.x - top) + b.y * exponential(b.x - top));
}
fn exponential_sum_log(a: vec2<f32>) -> f32 {
  if (is_nan(a.x) || is_infinite(a.x)) { return a.x; }
  return a.x + logarithm(a.y);
}
fn silu_gradient(g: f32, x: f32) -> f32 {
  let s = sigmoid(x);
  return g * s * fma(x, 1.0 - s, 1.0);
}
fn softplus(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  return max(x, 0.0) + logarithm_1_plus(exponential(-absolute(x)));
}
fn log_sigmoid(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  return min(x, 0.0) - logarithm_1_plus(exponential(-absolute(x)));
}
fn tanh_softplus(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let e = exponential(min(x, 20.0));
  let n = fma(e, e, e + e);
  return n / (n + 2.0);
}
fn hyperbolic_tangent(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = absolute(x);
  if (a > 0.625) { return with_sign(1.0 - 2.0 / (exponential(min(a + a, 88.0)) + 1.0), x); }
  let z = x * x;
  var p = -5.70498872745e-3;
  p = fma(p, z, 2.06390887954e-2);
  p = fma(p, z, -5.37397155531e-2);
  p = fma(p, z, 1.33314422036e-1);
  p = fma(p, z, -3.33332819422e-1);
  return with_sign(fma(p * z, a, a), x);
}
fn error_function(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = absolute(x);
  let z = x * x;
  if (a > 0.927734375) {
    if (a > 6.0) { return with_sign(1.0, x); }
    var far = fma(-1.7285347e-5, a, 3.83197126e-4);
    far = fma(far, z, fma(-3.88396438e-3, a, 2.42546219e-2));
    far = fma(far, a, -1.06777877e-1);
    far = fma(far, a, -6.34846687e-1);
    far = fma(far, a, -1.28717512e-1);
    return with_sign(1.0 - exponential(fma(far, a, -a)), x);
  }
  var near = -5.96761703e-4;
  near = fma(near, z, 4.99119423e-3);
  near = fma(near, z, -2.67681349e-2);
  near = fma(near, z, 1.12819925e-1);
  near = fma(near, z, -3.76125336e-1);
  near = fma(near, z, 1.28379166e-1);
  return with_sign(fma(near, a, a), x);
}
fn bell(x: f32) -> f32 {
  // The square of x's upper half is exact; what it lacks of x² goes through an exponential of its own.
  let h = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  return exponential(-0.5 * h * h) * exponential(-0.5 * (x - h) * (x + h));
}
fn tail_polynomial(q: f32) -> f32 {
  var p = 0.0322648101;
  p = fma(p, q, -0.177074268);
  p = fma(p, q, 0.382873654);
  p = fma(p, q, -0.374711543);
  p = fma(p, q, 0.119973592);
  p = fma(p, q, -0.027051907);
  p = fma(p, q, 0.0913901329);
  p = fma(p, q, 0.133131579);
  p = fma(p, q, 0.159628078);
  p = fma(p, q, 0.15957588);
  return p;
}
fn upper_tail(a: f32) -> f32 {
  let q = 1.0 / fma(a, 0.4, 1.0);
  return q * tail_polynomial(q) * bell(a);
}
fn gelu(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_infinite(x)) { return select(x, nan(), is_negative(x)); }
  let a = min(absolute(x), 14.8);
  let tail = a * upper_tail(a);
  return select(x - tail, -tail, x < 0.0);
}
fn gelu_slope(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_infinite(x)) { return nan(); }
  let a = min(absolute(x), 14.8);
  let tail = upper_tail(a);
  return fma(with_sign(a, x) * 0.3989422804, bell(a), select(1.0 - tail, tail, x < 0.0));
}
fn gelu_tanh(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_infinite(x)) { return select(x, nan(), is_negative(x)); }
  let a = min(absolute(x), 12.0);
  let e = exponential(a * fma(a * a, -0.07135481282556105, -1.595769121605731));
  return select(x, select(x * e, -12.0 * e, x < -12.0), x < 0.0) / (1.0 + e);
}
fn gelu_tanh_slope(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = min(absolute(x), 12.0);
  let e = exponential(a * fma(a * a, -0.07135481282556105, -1.595769121605731));
  let q = 1.0 / (1.0 + e);
  let far = e * q;
  let s = select(q, far, x < 0.0);
  let slope = fma(a * a, 0.2140644488, 1.5957691216);
  return fma(with_sign(a, x) * slope * far, q, s);
}
`;
