/** The transforms with fixed parameters, under torchvision's names in camelCase: functions of images and numbers. */
export {
  adjustBrightness,
  adjustContrast,
  adjustGamma,
  adjustHue,
  adjustSaturation,
  adjustSharpness,
  autocontrast,
  equalize,
  invert,
  posterize,
  rgbToGrayscale,
  solarize,
} from './adjust.js';
export { affine, rotate } from './affine.js';
export { gaussianBlur } from './blur.js';
export { centerCrop, crop, fiveCrop, tenCrop } from './crop.js';
export { elastic, elastic as elasticTransform } from './elastic.js';
export { erase } from './erase.js';
export { hflip, vflip } from './flip.js';
export { pad } from './pad.js';
export { perspective } from './perspective.js';
export { resize, resizedCrop } from './resize.js';
