import { fail } from '../../core/errors.js';
import { Conv2d, cloneModule, Embedding, Linear, type Module } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';
import { copyMasks } from '../pruning/mask.js';
import { converted, integerLayer, type Runnable, reasonNotToMultiply, storedLayer, swap } from './convert.js';
import { QATConv2d, QATEmbedding, QATLinear } from './fakelayers.js';
import { type Foldable, foldNorms, type NormPair, normPairs } from './fold.js';
import { integerWeights, layersOf, TABLE } from './quantize.js';

/** Training that knows of the quantization to come. */

export interface QATOptions {
  /** One scale for each output unit instead of one for all of a layer's weights. Default true. */
  readonly perChannel?: boolean;
  /** Whether activations are mapped symmetrically around 0. Default false. */
  readonly symmetric?: boolean;
  /** The share of a batch in the moving average of activation ranges. Default 0.01. */
  readonly averagingConstant?: number;
  /**
   * An input of the model. Batch norms in a Sequential are found without it; those in modules of one's own are found by running
   * it, and are otherwise left behind their layers, in float32.
   */
  readonly exampleInputs?: Tensor | readonly Tensor[];
  /** Names of layers, or of modules that hold them, to leave as they are. */
  readonly skip?: readonly string[];
}

/** Puts the parameters of `from` into `to`, which is of the same shape. */
function adopt(to: Linear | Conv2d | Embedding, from: Linear | Conv2d | Embedding): void {
  to.weight.dispose();
  to.weight = from.weight;
  if (to instanceof Embedding || from instanceof Embedding) return;
  to.bias?.dispose();
  to.bias = from.bias;
}

function fakeLayer(layer: Linear | Conv2d | Embedding, options: QATOptions): Linear | Conv2d | Embedding {
  if (layer instanceof Embedding) {
    const { paddingIdx, scaleGradByFreq } = layer;
    return new QATEmbedding(layer.numEmbeddings, layer.embeddingDim, { paddingIdx, scaleGradByFreq });
  }
  const { perChannel = true, symmetric = false, averagingConstant = 0.01 } = options;
  const fake = { bias: layer.bias !== null, perChannel, symmetric, averagingConstant };
  if (layer instanceof Linear) return new QATLinear(layer.inFeatures, layer.outFeatures, fake);
  const { stride, padding, dilation, groups, paddingMode } = layer;
  const conv = { stride, padding, dilation, groups, paddingMode };
  return new QATConv2d(layer.inChannels, layer.outChannels, layer.kernelSize, { ...conv, ...fake });
}

/**
 * A copy of `model`, in training mode, whose linear layers, convolutions and embeddings compute as int8 will, in float32 and with
 * gradients. Parameters keep their names, and masks their places, so that a recipe that trains the model trains the copy. Train
 * it, and pass it to `quantize.convert`.
 */
export function qat<M extends Runnable>(model: M, options: QATOptions = {}): M {
  const by = 'quantize.qat';
  const { exampleInputs = null, skip = [] } = options;
  if (model.modules().some(isFake))
    fail('state', `${by}: the model is prepared already. Train it, then quantize.convert(model).`);
  const copy = cloneModule(model);
  try {
    copyMasks(model, copy);
    const example = exampleInputs as Tensor | readonly Tensor[] | null;
    const x = Array.isArray(example) ? (example[0] as Tensor) : (example as Tensor | null);
    const pairs = new Map(normPairs(copy, x));
    let root = copy;
    for (const [name, layer] of layersOf(by, copy, skip)) {
      if (!(layer instanceof Embedding) && reasonNotToMultiply(layer) !== null) continue;
      const made = fakeLayer(layer, options);
      adopt(made, layer);
      const norm = pairs.get(name);
      if (norm !== undefined && (made instanceof QATLinear || made instanceof QATConv2d)) {
        made.behind = { norm: copy.getSubmodule(norm) as NonNullable<QATConv2d['behind']>['norm'] };
      }
      root = swap(by, root, layer, made);
    }
    return root.train();
  } catch (error) {
    copy.dispose();
    throw error;
  }
}

function isFake(module: Module): module is QATLinear | QATConv2d | QATEmbedding {
  return module instanceof QATLinear || module instanceof QATConv2d || module instanceof QATEmbedding;
}

/** The layer that a prepared one stands for, with the same parameters. */
function plainLayer(layer: QATLinear | QATConv2d | QATEmbedding): Linear | Conv2d | Embedding {
  if (layer instanceof QATEmbedding) {
    const { paddingIdx, scaleGradByFreq } = layer;
    return new Embedding(layer.numEmbeddings, layer.embeddingDim, { paddingIdx, scaleGradByFreq });
  }
  const bias = layer.bias !== null;
  if (layer instanceof QATLinear) return new Linear(layer.inFeatures, layer.outFeatures, { bias });
  const { stride, padding, dilation, groups, paddingMode } = layer;
  return new Conv2d(layer.inChannels, layer.outChannels, layer.kernelSize, {
    stride,
    padding,
    dilation,
    groups,
    bias,
    paddingMode,
  });
}

/** The norms behind prepared layers, by name. */
function linkedNorms(model: Module): NormPair[] {
  const names = new Map(model.namedModules().map(([name, module]) => [module, name]));
  return model.namedModules().flatMap(([name, module]): NormPair[] => {
    const norm = module instanceof QATLinear || module instanceof QATConv2d ? module.behind?.norm : undefined;
    const path = norm === undefined ? undefined : names.get(norm);
    return path === undefined ? [] : [[name, path]];
  });
}

/**
 * A copy in evaluation mode of a model that `quantize.qat` prepared, whose layers multiply in int8: what it computes is what the
 * prepared model does in evaluation, to rounding. Layers that no batch has reached are plain ones again.
 */
export function convert<M extends Runnable>(model: M): M {
  const by = 'quantize.convert';
  if (!model.modules().some(isFake))
    fail('state', `${by}: the model has no prepared layer. Call quantize.qat(model) first, and train that.`);
  return converted(model, (copy, gone) => {
    const pairs = linkedNorms(copy);
    let root = copy;
    const inputs = new Map<Module, QATLinear | QATConv2d>();
    const tables = new Set<Module>();
    for (const [, layer] of copy.namedModules()) {
      if (!isFake(layer)) continue;
      const plain = plainLayer(layer);
      adopt(plain, layer);
      root = swap(by, root, layer, plain);
      if (layer instanceof QATEmbedding) tables.add(plain);
      else inputs.set(plain, layer);
      gone.push(layer);
    }
    foldNorms(root, pairs);
    for (const [name, layer] of layersOf(by, root)) {
      const fake = inputs.get(layer);
      if (!tables.has(layer) && !(fake?.inputFakeQuant.isReady ?? false)) continue;
      const made =
        layer instanceof Embedding
          ? storedLayer(name, layer, TABLE)
          : integerLayer(
              layer as Foldable,
              integerWeights(name, layer as Foldable, fake?.options.perChannel ?? true),
              (fake as QATLinear).inputFakeQuant.affine(),
            );
      root = swap(by, root, layer, made);
      gone.push(layer);
    }
    return root;
  });
}
