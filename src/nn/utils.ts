/** Helpers of layers, under PyTorch's path: nn.utils.rnn. */
export * as rnn from './sequence.js';
