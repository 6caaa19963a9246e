/** Activation functions beyond relu, and their gradients. */
export {
  sigmoid_f32,
  logSigmoid_f32,
  relu6_f32,
  silu_f32,
  mish_f32,
  softsign_f32,
  gelu_f32,
  geluTanh_f32,
  hardsigmoid_f32,
  hardswish_f32,
  softplus_f32,
  leakyRelu_f32,
  elu_f32,
  celu_f32,
  selu_f32,
  hardtanh_f32,
  threshold_f32,
} from '../activation';
export { sigmoid_grad_f32, tanh_grad_f32, silu_grad_f32, gelu_grad_f32, geluTanh_grad_f32 } from '../gradient';
