import { noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { Conv2d, cloneModule, Embedding, Linear, type Module } from '../../nn/index.js';
import { copy_, tensor } from '../../ops/index.js';
import type { Affine } from '../../ops/quantized.js';
import type { StoredFormat } from '../../ops/storedweight.js';
import type { Tensor } from '../../tensor.js';
import { replaceModule } from '../layers.js';
import { QuantizedConv2d, type QuantizedConvOptions, QuantizedLinear } from './quantized.js';
import { WeightOnlyConv2d, WeightOnlyEmbedding, WeightOnlyLinear } from './stored.js';
import { type IntegerWeights, storeWeights, weightsOf } from './weights.js';

/** From layers in float32 to layers in fewer bits. */

/** A model that takes one tensor. */
export type Runnable = Module & { forward(x: Tensor): Tensor };

/** The layers that can be quantized. */
export type FloatLayer = Linear | Conv2d | Embedding;

/** Most products that int8 can sum up within int32, whatever they are. */
const LONGEST_SUM = Math.floor(2 ** 31 / (255 * 127));

/** Why `module` cannot be a layer in fewer bits, null if it can. Of a subclass it is not known what it computes. */
export function reasonToKeep(module: Module): string | null {
  const type = module.constructor;
  if (!(module instanceof Linear || module instanceof Conv2d || module instanceof Embedding)) return 'no such layer';
  if (type !== Linear && type !== Conv2d && type !== Embedding) {
    return `${type.name} extends a layer, and may compute something else`;
  }
  if (module instanceof Embedding && module.maxNorm !== null) return 'it shortens its rows as it reads them (maxNorm)';
  return null;
}

/** Why `layer` cannot multiply in int8, null if it can. */
export function reasonNotToMultiply(layer: Linear | Conv2d): string | null {
  if (layer instanceof Conv2d && layer.groups > 1) return `its channels are in ${layer.groups} groups`;
  const products = layer.weight.numel() / Math.max(1, layer.weight.shape[0] as number);
  return products > LONGEST_SUM ? `${products} products could exceed int32` : null;
}

/** Puts `made` in every place of `old` in `root`; returns the model, which is `made` itself where `old` was all of it. */
export function swap<M extends Module>(by: string, root: M, old: Module, made: Module): M {
  made.train(old.training);
  if (root === (old as Module)) return made as Module as M;
  for (const [path, module] of root.namedModules({ removeDuplicate: false })) {
    if (module === old) replaceModule(by, root, path, made);
  }
  return root;
}

/** Frees what the layers that were taken out of `root` held, but for what others of its layers still use. */
export function disposeUnused(root: Module, gone: readonly Module[]): void {
  const used = new Set<Tensor>([...root.parameters(), ...root.buffers()]);
  for (const module of gone) {
    for (const held of [...module.parameters(), ...module.buffers()]) if (!used.has(held)) held.dispose();
  }
}

/**
 * A copy of `model` in evaluation mode whose layers `change` has replaced; it notes which are gone. What is left of its parameters learns nothing any
 * more, so that calling it records nothing.
 */
export function converted<M extends Module>(model: M, change: (copy: M, gone: Module[]) => M): M {
  const copy = cloneModule(model).eval();
  const gone: Module[] = [];
  try {
    return finished(change(copy, gone), gone);
  } catch (error) {
    for (const module of [copy, ...gone]) module.dispose();
    throw error;
  }
}

/** A model for inference, once the layers that are gone from it are freed. */
export function finished<M extends Module>(root: M, gone: readonly Module[]): M {
  disposeUnused(root, gone);
  return root.eval().requiresGrad_(false);
}

/** Writes values into the buffers of a layer. */
function fill(entries: readonly (readonly [Tensor | null, Tensor | null])[]): void {
  noGrad(() => {
    for (const [to, from] of entries) if (to !== null && from !== null) copy_(to, from.detach());
  });
}

/** Columns left and right, rows above and below that a convolution puts around an image, if it has to be put there first. */
export function borderOf({ padding, paddingMode, kernelSize, dilation }: Conv2d): {
  readonly padding: readonly [number, number];
  readonly border: readonly [number, number, number, number] | null;
} {
  if (padding === 'valid') return { padding: [0, 0], border: null };
  const total = kernelSize.map((k, i) => (dilation[i] as number) * (k - 1)) as [number, number];
  const sides = padding === 'same' ? ([total[0] / 2, total[1] / 2] as const) : padding;
  const isEven = sides.every(Number.isInteger);
  const [rows, columns] = sides;
  if (isEven && (paddingMode === 'zeros' || rows + columns === 0)) return { padding: [rows, columns], border: null };
  const border = [Math.floor(columns), Math.ceil(columns), Math.floor(rows), Math.ceil(rows)] as const;
  return { padding: [0, 0], border };
}

/** What a convolution's layer in fewer bits needs to know of it. */
function windowOf(layer: Conv2d): QuantizedConvOptions {
  const { padding, border } = borderOf(layer);
  const { stride, dilation, paddingMode } = layer;
  const around = border === null ? {} : { border, ...(paddingMode === 'zeros' ? {} : { paddingMode }) };
  return { stride, padding, dilation, bias: layer.bias !== null, ...around };
}

/** The layer in int8. Without a map of the input, which a convolution needs, it finds one for each input. */
export function integerLayer(layer: Linear | Conv2d, { values, scales }: IntegerWeights, input: Affine | null): Module {
  const bias = layer.bias !== null;
  if (layer instanceof Conv2d && input === null)
    fail('argument', 'quantize: a convolution needs the range of its input.');
  const made =
    layer instanceof Linear
      ? new QuantizedLinear(layer.inFeatures, layer.outFeatures, { bias, dynamic: input === null })
      : new QuantizedConv2d(layer.inChannels, layer.outChannels, layer.kernelSize, windowOf(layer));
  scope(() =>
    fill([
      [made.weight, tensor(values, layer.weight.shape)],
      [made.scale, tensor(scales)],
      [made.bias, layer.bias],
      [made.inputScale, input && tensor(input.scale)],
      [made.inputZeroPoint, input && tensor(input.zeroPoint, { dtype: 'int32' })],
    ]),
  );
  return made;
}

export interface StoreOptions {
  readonly dtype: StoredFormat;
  /** Null for one scale a row. */
  readonly groupSize: number | null;
  readonly symmetric: boolean;
}

/** The layer with its weights stored in fewer bits. */
export function storedLayer(name: string, layer: FloatLayer, { dtype, groupSize, symmetric }: StoreOptions): Module {
  const rows = layer.weight.shape[0] as number;
  const columns = layer.weight.numel() / Math.max(1, rows);
  const group = groupSize ?? 32 * Math.max(1, Math.ceil(columns / 32));
  const source = weightsOf(`the weight of '${name}'`, layer.weight);
  const { bytes, scales, zeros } = storeWeights(`the weight of '${name}'`, source, rows, {
    format: dtype,
    group,
    symmetric,
  });
  const stored = { dtype, groupSize: group };
  const made =
    layer instanceof Linear
      ? new WeightOnlyLinear(layer.inFeatures, layer.outFeatures, { bias: layer.bias !== null, ...stored })
      : layer instanceof Conv2d
        ? new WeightOnlyConv2d(layer.inChannels, layer.outChannels, layer.kernelSize, {
            ...windowOf(layer),
            groups: layer.groups,
            ...stored,
          })
        : new WeightOnlyEmbedding(layer.numEmbeddings, layer.embeddingDim, stored);
  scope(() => {
    const { weight, scale, zero } = made;
    fill([
      [weight, tensor(bytes, { dtype: 'uint8' })],
      [scale, scale && tensor(scales, scale.shape)],
      [zero, zero && tensor(zeros, zero.shape)],
      ...(made instanceof WeightOnlyEmbedding || layer instanceof Embedding ? [] : [[made.bias, layer.bias] as const]),
    ]);
  });
  return made;
}
