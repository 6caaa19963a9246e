import type { Tensor } from '../core/tensor.js';
import { isGradEnabled } from './mode.js';
import { type Backward, edgeOf, Node } from './node.js';
import { View } from './view.js';

/**
 * Records that `outputs` came from `inputs`, if gradients are wanted. `saved` are the values the gradient needs; they are
 * held until backward() has used them. An output in the first input's memory is a view of it, recorded or not.
 */
export function record(
  name: string,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  saved: readonly Tensor[],
  backward: Backward,
): void {
  const [input] = inputs;
  const [output] = outputs;
  if (input !== undefined && output !== undefined && output.storage === input.storage && output !== input) {
    output.link = new View(input, name, backward, isGradEnabled() ? 'recorded' : 'noGrad');
  }
  if (!isGradEnabled()) return;
  const edges = inputs.map(edgeOf);
  if (edges.every((edge) => edge === null)) return;
  const node = new Node(name, edges, outputs.length, backward);
  for (let i = 0; i < outputs.length; i++) {
    const made = outputs[i] as Tensor;
    made.node = node;
    made.outputIndex = i;
  }
  // Saved after the outputs know their node, so that an output saved here can be differentiated again.
  node.save(saved);
}
