/** Pooling and resampling of images. */
export { adaptiveAvgPool2d_f32, adaptiveAvgPool2d_grad_f32, adaptiveMaxPool2d_f32 } from '../adaptivepool';
export { avgPool2d_f32, avgPool2d_grad_f32 } from '../avgpool';
export { maxPool2d_f32, maxPool2d_grad_f32 } from '../pool';
export { resample_f32 } from '../resample';
