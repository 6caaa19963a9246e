export {
  type AffineParameters,
  affine,
  type Interpolation,
  RandomAffine,
  type RandomAffineOptions,
  RandomHorizontalFlip,
  RandomRotation,
  type RandomRotationOptions,
  RandomVerticalFlip,
  type WarpOptions,
} from './affine.js';
export { Normalize, ToTensor } from './color.js';
export { Compose, type Transform, TransformDataset } from './transform.js';
