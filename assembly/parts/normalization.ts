/** Batch and layer normalization. */
export { batchNormStats_f32, batchNormApply_f32, batchNorm_grad_f32 } from '../batchnorm';
export { layerNorm_f32, layerNorm_grad_f32, layerNorm_grad_weight_f32 } from '../norm';
