/** Weights of few bits: products and convolutions of 8-bit integers, their training, and what is stored by codes. */
export { fakeQuantize_f32, fakeQuantizeGrad_f32, observeRange_f32 } from '../fakequantize';
export { qconv2d_f32 } from '../qconv';
export { qgemm_i32, qgemm_f32, qgemm_dynamic_f32 } from '../qgemm';
export { quantize_i8 } from '../quantize';
export { storedRows_f32, storedDots_f32 } from '../storedrows';
