export { type BackwardOptions, backward, type GradOptions, grad } from './backward.js';
export { type Captured, capture } from './capture.js';
export { type Differentiable, type GradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.js';
export { enableGrad, isGradEnabled, noGrad, setGradEnabled } from './mode.js';
export { type Backward, type Grads, record } from './tape.js';
