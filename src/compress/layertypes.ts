import { fail } from '../core/errors.js';
import { type LayerTypes, layerType, layerTypes, type Module, typeNameOf } from '../nn/index.js';
import { QATConv2d, QATEmbedding, QATLinear } from './quantization/fakelayers.js';
import { QuantizedConv2d, QuantizedLinear } from './quantization/quantized.js';
import { WeightOnlyConv2d, WeightOnlyEmbedding, WeightOnlyLinear } from './quantization/stored.js';
import { SparseConv2d } from './sparsity/sparseconv2d.js';
import { SparseLinear } from './sparsity/sparselinear.js';

/** The layers that compression makes, by name: pass them where a saved model is built. */
export const compressedTypes: LayerTypes = {
  QuantizedLinear: {
    type: QuantizedLinear,
    describe: (module) => {
      const m = module as QuantizedLinear;
      return [
        m.inFeatures,
        m.outFeatures,
        { bias: m.bias !== null, ...(m.inputScale === null ? { dynamic: true } : {}) },
      ];
    },
    build: (args) => new QuantizedLinear(...(args as ConstructorParameters<typeof QuantizedLinear>)),
  },
  QuantizedConv2d: {
    type: QuantizedConv2d,
    describe: (module) => {
      const m = module as QuantizedConv2d;
      return [m.inChannels, m.outChannels, m.kernelSize, { ...m.options, bias: m.bias !== null }];
    },
    build: (args) => new QuantizedConv2d(...(args as ConstructorParameters<typeof QuantizedConv2d>)),
  },
  WeightOnlyLinear: layerType(WeightOnlyLinear, (m) => [
    m.inFeatures,
    m.outFeatures,
    { bias: m.bias !== null, ...m.storedOptions() },
  ]),
  WeightOnlyConv2d: layerType(WeightOnlyConv2d, (m) => [
    m.inChannels,
    m.outChannels,
    m.kernelSize,
    { ...m.options, bias: m.bias !== null, ...m.storedOptions() },
  ]),
  WeightOnlyEmbedding: layerType(WeightOnlyEmbedding, (m) => [m.numEmbeddings, m.embeddingDim, m.storedOptions()]),
  QATLinear: layerType(QATLinear, (m) => [m.inFeatures, m.outFeatures, unlinked(m).options]),
  QATConv2d: layerType(QATConv2d, (m) => [m.inChannels, m.outChannels, m.kernelSize, unlinked(m).options]),
  QATEmbedding: layerType(QATEmbedding, (m) => [m.numEmbeddings, m.embeddingDim, m.options]),
  SparseConv2d: {
    type: SparseConv2d,
    describe: (module) => {
      const m = module as SparseConv2d;
      const { stride, padding, dilation, groups } = m.options;
      const sizes = { stride, padding, dilation, groups };
      return [m.inChannels, m.outChannels, m.kernelSize, { ...sizes, ...m.stored() }];
    },
    build: (args) => new SparseConv2d(...(args as ConstructorParameters<typeof SparseConv2d>)),
  },
  SparseLinear: {
    type: SparseLinear,
    describe: (module) => {
      const m = module as SparseLinear;
      return [m.inFeatures, m.outFeatures, m.stored()];
    },
    build: (args) => new SparseLinear(...(args as ConstructorParameters<typeof SparseLinear>)),
  },
};

/** What the type of a module is called, even where a minifier has renamed its class; of a class of one's own, what that is called. */
export function typeOf(module: Module): string {
  return typeNameOf(module, layerTypes) ?? typeNameOf(module, compressedTypes) ?? module.constructor.name;
}

/** The layer, unless a batch norm elsewhere in the model belongs to it, which no description of the layer can say. */
function unlinked<M extends QATLinear | QATConv2d>(layer: M): M {
  if (layer.behind === null) return layer;
  return fail(
    'unsupported',
    `describe: a ${layer.constructor.name} trains with the batch norm behind it, so that its structure cannot be saved. ` +
      'Save quantize.convert(model), or stateDict() alone and load it into quantize.qat of the same model.',
  );
}
