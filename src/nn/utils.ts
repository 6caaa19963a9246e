/** Helpers of layers, under PyTorch's path: nn.utils. */
export { parametersToVector, vectorToParameters } from './vector.js';
