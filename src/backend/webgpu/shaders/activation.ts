import type { Shaders } from '../shader.js';
import { map, zip } from './each.js';

/** Activation functions and their gradients: assembly/activation.ts and assembly/gradient.ts. */
export const activation: Shaders = {
  relu_f32: map('at_least(x, 0.0)'),
  relu6_f32: map('at_most(at_least(x, 0.0), 6.0)'),
  sigmoid_f32: map('sigmoid(x)'),
  logSigmoid_f32: map('log_sigmoid(x)'),
  silu_f32: map('x * sigmoid(x)'),
  mish_f32: map('x * tanh_softplus(x)'),
  softsign_f32: map('x / (1.0 + absolute(x))'),
  gelu_f32: map('gelu(x)'),
  geluTanh_f32: map('gelu_tanh(x)'),
  hardsigmoid_f32: map('at_most(at_least(x + 3.0, 0.0), 6.0) / 6.0'),
  hardswish_f32: map('x * at_most(at_least(x + 3.0, 0.0), 6.0) / 6.0'),
  softplus_f32: map('select(softplus(x * float(0)) / float(0), x, less(float(1), x * float(0)))'),
  leakyRelu_f32: map('select(x * float(0), x, less(0.0, x))'),
  elu_f32: map('select(x, float(0) * exponential_less_1(x), less_or_equal(x, 0.0))'),
  celu_f32: map('select(x, float(0) * exponential_less_1(x * (1.0 / float(0))), less_or_equal(x, 0.0))'),
  selu_f32: map('select(x * 1.0507009873554805, 1.7580993408473769 * exponential_less_1(x), less_or_equal(x, 0.0))'),
  clamp_f32: map('at_most(at_least(x, float(0)), float(1))'),
  hardtanh_f32: map('at_most(at_least(x, float(0)), float(1))'),
  threshold_f32: map('select(x, float(1), less_or_equal(x, float(0)))'),
  relu_grad_f32: zip('select(a, 0.0, less_or_equal(b, 0.0))'),
  sigmoid_grad_f32: zip('a * (1.0 - b) * b'),
  tanh_grad_f32: zip('a * fma(-b, b, 1.0)'),
  silu_grad_f32: zip('silu_gradient(a, b)'),
  gelu_grad_f32: zip('a * gelu_slope(b)'),
  geluTanh_grad_f32: zip('a * gelu_tanh_slope(b)'),
};
