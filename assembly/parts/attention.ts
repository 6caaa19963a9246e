/** Attention and its gradient. */
export { attention_f32 } from '../attention';
export { attention_grad_f32 } from '../attentiongrad';
