/** Convolutions and their gradients. */
export { conv2d_f32, conv2d_fused_f32, conv2d_grad_input_f32 } from '../conv';
export { conv2d_grad_weight_f32 } from '../convweight';
export { fold_f32 } from '../windows';
