export {
  type AffineParameters,
  affine,
  RandomAffine,
  type RandomAffineOptions,
  RandomRotation,
  type RotateOptions,
} from './affine.js';
export {
  AugMix,
  type AugMixOptions,
  AutoAugment,
  RandAugment,
  type RandAugmentOptions,
  TrivialAugment,
  type TrivialAugmentOptions,
  TrivialAugmentWide,
} from './auto.js';
export { GaussianBlur } from './blur.js';
export { type ImageFunction, Lambda, RandomApply, RandomChoice, RandomOrder } from './choose.js';
export { Normalize, ToTensor } from './color.js';
export { CenterCrop, RandomCrop, type RandomCropOptions } from './crop.js';
export { type ElasticOptions, ElasticTransform } from './elastic.js';
export { RandomErasing, type RandomErasingOptions } from './erase.js';
export { RandomHorizontalFlip, RandomVerticalFlip } from './flip.js';
export * as functional from './functional.js';
export {
  ColorJitter,
  type ColorJitterOptions,
  Grayscale,
  RandomAdjustSharpness,
  RandomAutocontrast,
  RandomEqualize,
  RandomGrayscale,
  RandomInvert,
  RandomPosterize,
  RandomSolarize,
} from './jitter.js';
export { CutMix, type Mixed, type MixOptions, MixUp } from './mix.js';
export type { Fill, Size } from './numbers.js';
export { Pad, type Padding, type PaddingMode, type PadOptions } from './pad.js';
export { type PerspectiveOptions, RandomPerspective, type RandomPerspectiveOptions } from './perspective.js';
export type { PolicyName } from './policies.js';
export {
  RandomResizedCrop,
  type RandomResizedCropOptions,
  Resize,
  type ResizeInterpolation,
  type ResizeOptions,
  type ResizeSizeOptions,
} from './resize.js';
export { Compose, type Construction, type Transform, TransformDataset } from './transform.js';
export type { Interpolation, WarpOptions } from './warp.js';
