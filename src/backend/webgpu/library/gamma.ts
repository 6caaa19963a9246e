/** The logarithm of the gamma function and its derivatives: assembly/gamma.ts, in pairs of floats where that has doubles. */
export const gamma = /* wgsl */ `
fn pair_logarithm(a: f32) -> vec2<f32> {
  let f = log_fraction(a);
  let z = f.x * f.x;
  var p = 0.18181818182;
  p = fma(p, z, 0.22222222222);
  p = fma(p, z, 0.28571428571);
  p = fma(p, z, 0.4);
  p = fma(p, z, 0.66666666667);
  let whole = pair_product(vec2<f32>(f.z, 0.0), vec2<f32>(0.693147182, -1.9046542e-9));
  return pair_sum(pair_sum(whole, 2.0 * f.xy), vec2<f32>(f.x * z * p, 0.0));
}
fn pair_logarithm_of(a: vec2<f32>) -> vec2<f32> {
  return pair_sum(pair_logarithm(a.x), vec2<f32>(a.y / a.x, 0.0));
}
fn from_whole(x: f32) -> f32 { return x - round(x); }
fn is_pole(x: f32) -> bool {
  if (is_zero(x)) { return true; }
  if (!is_negative(x)) { return false; }
  return is_infinite(x) || x <= -8388608.0 || (absolute(x) >= 0.5 && round(x) == x);
}
fn log_gamma(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_infinite(x) || is_pole(x) || is_zero(x)) { return infinity(); }
  if (x == 1.0 || x == 2.0) { return 0.0; }
  // Stirling's first terms overflow where the sum does.
  if (x > 4.0850034e36) { return infinity(); }
  // Near 0, Γ(x) is 1 / x − γ.
  if (magnitude_bits(x) < 0x33800000u) { return -logarithm(absolute(x)); }
  // Below ½ by way of Γ(x) Γ(1 − x) = π / sin πx; above, Γ(x + 1) = x Γ(x) leads to where Stirling's series is good.
  let mirrored = x < 0.5;
  var product = vec2<f32>(1.0, 0.0);
  var z = vec2<f32>(x, 0.0);
  if (mirrored) {
    product.x = 3.14159265 / absolute(sine(3.14159265 * from_whole(x)));
    z = two_sum(1.0, -x);
  }
  while (z.x < 10.0) {
    product = pair_product(product, z);
    z = pair_sum(z, vec2<f32>(1.0, 0.0));
  }
  let square = 1.0 / (z.x * z.x);
  var series = 1.0 / 156.0;
  series = fma(series, square, -691.0 / 360360.0);
  series = fma(series, square, 1.0 / 1188.0);
  series = fma(series, square, -1.0 / 1680.0);
  series = fma(series, square, 1.0 / 1260.0);
  series = fma(series, square, -1.0 / 360.0);
  let rest = pair_quotient(pair_sum(vec2<f32>(0.083333336, -2.4835269e-9), vec2<f32>(series * square, 0.0)), z);
  var y = pair_product(pair_difference(z, vec2<f32>(0.5, 0.0)), pair_logarithm_of(z));
  y = pair_difference(y, z);
  y = pair_sum(y, vec2<f32>(0.918938518, 1.4875786e-8));
  y = pair_sum(y, rest);
  y = pair_difference(y, pair_logarithm_of(product));
  return select(1.0, -1.0, mirrored) * (y.x + y.y);
}
fn digamma_of(start: f32) -> f32 {
  if (is_zero(start)) { return with_sign(infinity(), negated(start)); }
  if (is_nan(start)) { return start; }
  if (is_infinite(start) && !is_negative(start)) { return start; }
  if (is_pole(start)) { return nan(); }
  var x = vec2<f32>(start, 0.0);
  var y = vec2<f32>(0.0);
  if (start < 0.0) {
    // cos πr by way of the sine of what is missing to a right angle, which is exact where the cosine is small.
    let r = from_whole(start);
    y.x = -3.14159265 * sine(3.14159265 * (0.5 - absolute(r))) / sine(3.14159265 * r);
    x = two_sum(1.0, -start);
  }
  while (x.x < 10.0) {
    y = pair_difference(y, pair_quotient(vec2<f32>(1.0, 0.0), x));
    x = pair_sum(x, vec2<f32>(1.0, 0.0));
  }
  let z = 1.0 / (x.x * x.x);
  var series = 1.0 / 12.0;
  series = fma(series, z, -691.0 / 32760.0);
  series = fma(series, z, 1.0 / 132.0);
  series = fma(series, z, -1.0 / 240.0);
  series = fma(series, z, 1.0 / 252.0);
  series = fma(series, z, -1.0 / 120.0);
  series = fma(series, z, 1.0 / 12.0);
  y = pair_sum(y, pair_logarithm_of(x));
  y = pair_difference(y, pair_quotient(vec2<f32>(0.5, 0.0), x));
  y = pair_difference(y, vec2<f32>(series * z, 0.0));
  return y.x + y.y;
}
fn power_whole(start: f32, n: i32) -> f32 {
  var x = start;
  var y = 1.0;
  for (var left = n; left > 0; left >>= 1u) {
    if ((left & 1) == 1) { y *= x; }
    x *= x;
  }
  return y;
}
fn zeta_of(s: i32, start: f32) -> f32 {
  var x = start;
  var y = vec2<f32>(0.0);
  while (x < 10.0 + f32(s)) {
    y = pair_sum(y, vec2<f32>(1.0 / power_whole(x, s), 0.0));
    x += 1.0;
  }
  var term = 1.0 / power_whole(x, s);
  var rest = term * (x / f32(s - 1) + 0.5);
  let z = 1.0 / (x * x);
  term *= f32(s) / x;
  rest += term / 12.0;
  term *= f32((s + 1) * (s + 2)) * z;
  rest -= term / 720.0;
  term *= f32((s + 3) * (s + 4)) * z;
  rest += term / 30240.0;
  term *= f32((s + 5) * (s + 6)) * z;
  rest -= term / 1209600.0;
  term *= f32((s + 7) * (s + 8)) * z;
  return y.x + (y.y + (rest + term / 47900160.0));
}
fn polygamma_of(n: i32, x: f32) -> f32 {
  if (is_nan(x) || (is_infinite(x) && is_negative(x))) { return nan(); }
  var factor = select(-1.0, 1.0, (n & 1) == 1);
  for (var k = 2; k <= n; k++) { factor *= f32(k); }
  if (is_pole(x)) { return with_sign(infinity(), factor); }
  if (is_infinite(x)) { return with_sign(0.0, factor); }
  if (n > 1 || x > 0.0) { return factor * zeta_of(n + 1, x); }
  let s = sine(3.14159265 * from_whole(x)) * 0.318309886;
  return 1.0 / (s * s) - zeta_of(2, 1.0 - x);
}
`;
