import { noGrad } from '../../autograd/index.js';
import { scope } from '../../core/scoping.js';
import { Conv2d, Linear, Parameter } from '../../nn/index.js';
import { clone, reshape } from '../../ops/index.js';
import type { UnitLayer } from '../layers.js';
import { maskOf, setMask } from '../pruning/mask.js';
import { SparseConv2d } from './sparseconv2d.js';
import { SparseLinear } from './sparselinear.js';
import { type BlockSize, compressRows } from './structure.js';

/** Dense layers as sparse ones, and back. Both share the bias, and each has weights of its own. */

export type SparseUnitLayer = SparseLinear | SparseConv2d;

/** Which weights live: those that a mask keeps; without one, those that are not 0. */
export function liveWeights({ weight }: UnitLayer): Float32Array<ArrayBuffer> {
  const numbers = maskOf(weight)?.dataSync() ?? weight.dataSync();
  return Float32Array.from(numbers, (number) => (number === 0 ? 0 : 1));
}

/** The layer with its `live` weights stored sparse. Its bias is the layer's own, so that one of the two is to be let go. */
export function toSparse(layer: UnitLayer, live: ArrayLike<number>, blockSize: BlockSize): SparseUnitLayer {
  const { weight } = layer;
  const rows = weight.shape[0] as number;
  const columns = rows === 0 ? 0 : weight.numel() / rows;
  const structure = compressRows(weight.dataSync(), live, rows, columns, blockSize);
  const options = { entries: structure.places.length, blockSize, bias: false };
  const made =
    layer instanceof Linear
      ? new SparseLinear(layer.inFeatures, layer.outFeatures, options)
      : new SparseConv2d(layer.inChannels, layer.outChannels, layer.kernelSize, {
          ...options,
          stride: layer.stride,
          padding: layer.padding,
          dilation: layer.dilation,
          groups: layer.groups,
        });
  made.fill(structure);
  made.bias = layer.bias;
  made.values.requiresGrad = weight.requiresGrad;
  return made.train(layer.training) as SparseUnitLayer;
}

/** The layer with its weights in full. What was not kept is 0 and masked, so that training leaves it so. */
export function toDense(layer: SparseUnitLayer): UnitLayer {
  const made =
    layer instanceof SparseLinear
      ? new Linear(layer.inFeatures, layer.outFeatures, { bias: false })
      : new Conv2d(layer.inChannels, layer.outChannels, layer.kernelSize, {
          stride: layer.options.stride,
          padding: layer.options.padding,
          dilation: layer.options.dilation,
          groups: layer.options.groups,
          bias: false,
        });
  const { shape } = made.weight;
  made.weight.dispose();
  made.weight = new Parameter(
    noGrad(() => scope(() => clone(reshape(layer.toDense(), shape)))),
    layer.values.requiresGrad,
  );
  const kept = layer.keptPlaces();
  if (kept.includes(0)) setMask(made.weight, kept);
  made.bias = layer.bias;
  return made.train(layer.training) as UnitLayer;
}
