/** Philox 4x32-10: see assembly/random.ts. The 64-bit products are made of 16-bit halves. */
export const philox = /* wgsl */ `
fn high_word(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let low = a0 * b0;
  let middle = a1 * b0 + (low >> 16u);
  let cross = a0 * b1 + (middle & 0xffffu);
  return a1 * b1 + (middle >> 16u) + (cross >> 16u);
}
fn philox(key: vec2<u32>, counter: vec2<u32>) -> vec4<u32> {
  var c = vec4<u32>(counter, 0u, 0u);
  var k = key;
  for (var round = 0; round < 10; round++) {
    c = vec4<u32>(high_word(0xcd9e8d57u, c.z) ^ c.y ^ k.x, 0xcd9e8d57u * c.z, high_word(0xd2511f53u, c.x) ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
fn unit(word: u32) -> f32 { return f32(word >> 8u) * 5.9604644775390625e-8; }
fn sine_of_quadrant(r: f32, quadrant: u32) -> f32 {
  let z = r * r;
  var y = 0.0;
  if ((quadrant & 1u) == 0u) {
    y = fma(fma(fma(fma(-1.9515295891e-4, z, 8.3321608736e-3), z, -1.6666654611e-1) * z, r, r), 1.0, 0.0);
  } else {
    y = fma(fma(fma(2.443315711809948e-5, z, -1.388731625493765e-3), z, 4.166664568298827e-2) * z, z, fma(-0.5, z, 1.0));
  }
  return select(y, -y, (quadrant & 2u) != 0u);
}
fn normal(a: u32, b: u32, odd: i32, mean: f32, deviation: f32) -> f32 {
  let radius = sqrt(-2.0 * logarithm(1.0 - unit(a))) * deviation;
  let quadrant = (b + 0x20000000u) >> 30u;
  let angle = f32(bitcast<i32>(b - (quadrant << 30u))) * 1.462918079267159e-9;
  return fma(radius, sine_of_quadrant(angle, quadrant + 1u - u32(odd)), mean);
}
`;
