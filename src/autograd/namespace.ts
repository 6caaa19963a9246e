/** Autograd under the names that `torch.autograd` has; `autograd.Function` is here what shadows nothing. */
export { backward, grad } from './backward.js';
export { AutogradFunction as Function } from './function.js';
export * as functional from './functional.js';
export { gradcheck, gradgradcheck } from './gradcheck.js';
export { enableGrad, inferenceMode, noGrad, setGradEnabled } from './mode.js';
