import type { Shaders } from '../shader.js';
import { map } from './each.js';

/**
 * Conversions between element types: assembly/cast.ts. Loading and storing do most of it: the text sees 8-bit integers as i32, of
 * which the low byte is kept, and float16 as f32.
 */
export const cast: Shaders = {
  cast_i8_i32: map('x'),
  cast_u8_i32: map('x', { x: 'u8' }),
  cast_i8_u8: map('x'),
  cast_u8_i8: map('x', { x: 'u8' }),
  cast_i32_f32: map('f32(x)'),
  cast_i8_f32: map('f32(x)'),
  cast_u8_f32: map('f32(x)'),
  cast_f32_i32: map('to_int(x)'),
  cast_f32_i8: map('to_int(x)'),
  cast_f32_u8: map('to_int(x)'),
  cast_i32_i8: map('x'),
  cast_i32_u8: map('x'),
  cast_f32_bool: map('i32(!is_zero(x))'),
  cast_i32_bool: map('i32(x != 0)'),
  cast_i8_bool: map('i32(x != 0)'),
  cast_u8_bool: map('i32(x != 0)'),
  cast_f16_f32: map('x'),
  cast_f32_f16: map('x'),
};
