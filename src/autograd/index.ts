export { backward, type BackwardOptions, grad, type GradOptions } from './backward.js';
export { type Differentiable, gradcheck, type GradcheckOptions, gradgradcheck } from './gradcheck.js';
export { enableGrad, isGradEnabled, noGrad, setGradEnabled } from './mode.js';
export { type Backward, type Grads, record } from './tape.js';
