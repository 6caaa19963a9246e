/** Transforms of images: warps, crops, resizing, blur, colours. */
export { blur_u8, blur_f32 } from '../blur';
export { color_u8, color_f32 } from '../color';
export { pick_b1, pick_b2, pick_b4, erase_b1, erase_b2, erase_b4 } from '../pick';
export { resize_u8, resize_f32 } from '../resize';
export {
  warpAffine_f32,
  warpAffine_u8,
  warpProjective_f32,
  warpProjective_u8,
  warpField_f32,
  warpField_u8,
} from '../warp';
