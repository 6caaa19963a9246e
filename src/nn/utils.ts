/** Helpers of layers, under PyTorch's paths: nn.utils and nn.utils.rnn. */
export { fuseConvBn } from './fusion.js';
export * as rnn from './sequence.js';
export { parametersToVector, vectorToParameters } from './vector.js';
