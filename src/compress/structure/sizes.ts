import {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  Bilinear,
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  Embedding,
  EmbeddingBag,
  GRU,
  GRUCell,
  GroupNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  Linear,
  LSTM,
  LSTMCell,
  type Module,
  MultiheadAttention,
  type Parameter,
  PReLU,
  RNN,
  RNNCell,
} from '../../nn/index.js';

/** Sizes that a module tells beside its parameters, by property. */
export type Sizes = Readonly<Record<string, number>>;

const CONVOLUTIONS = [Conv1d, Conv2d, Conv3d] as const;
const TRANSPOSED = [ConvTranspose1d, ConvTranspose2d, ConvTranspose3d] as const;
const NORMS = [
  ...[BatchNorm1d, BatchNorm2d, BatchNorm3d],
  ...[InstanceNorm1d, InstanceNorm2d, InstanceNorm3d],
] as const;

export type Norm = InstanceType<(typeof NORMS)[number]>;

/** Whether a module normalizes each channel on its own and tells how many there are. */
export function isNorm(module: Module): module is Norm {
  return NORMS.some((type) => module instanceof type);
}

function sizeOf(parameter: Parameter | null | undefined, dim: number): number {
  return parameter?.shape[dim] ?? 0;
}

/**
 * The sizes that fit a module's parameters as they are now, where its own sizes still are what they were before these changed.
 * Empty for a module of a type that is not known here.
 */
export function fittingSizes(module: Module): Sizes {
  if (module instanceof Linear) return { outFeatures: sizeOf(module.weight, 0), inFeatures: sizeOf(module.weight, 1) };
  if (CONVOLUTIONS.some((type) => module instanceof type)) {
    const { weight, groups, outChannels, inChannels } = module as Conv2d;
    const [rows, own] = [sizeOf(weight, 0), sizeOf(weight, 1)];
    // The groups of a depthwise convolution are its channels, and go with them.
    const left = groups === inChannels ? (rows * groups) / outChannels : groups;
    return { outChannels: rows, inChannels: own * (groups === 1 ? 1 : left), groups: groups === 1 ? 1 : left };
  }
  if (TRANSPOSED.some((type) => module instanceof type)) {
    const { weight, groups, inChannels } = module as ConvTranspose2d;
    const [rows, own] = [sizeOf(weight, 0), sizeOf(weight, 1)];
    const left = groups === 1 ? 1 : groups === inChannels ? rows : groups;
    return { inChannels: rows, outChannels: own * left, groups: left };
  }
  if (module instanceof Embedding || module instanceof EmbeddingBag) return { embeddingDim: sizeOf(module.weight, 1) };
  if (module instanceof LSTM || module instanceof GRU || module instanceof RNN) {
    const state = sizeOf(module.weight_hh_l0, 1);
    const projection = module.projSize > 0 ? module.weight_hr_l0 : undefined;
    return {
      inputSize: sizeOf(module.weight_ih_l0, 1),
      hiddenSize: projection === undefined ? state : sizeOf(projection, 1),
      projSize: projection === undefined ? 0 : state,
    };
  }
  if (module instanceof LSTMCell || module instanceof GRUCell || module instanceof RNNCell) {
    return { inputSize: sizeOf(module.weight_ih, 1), hiddenSize: sizeOf(module.weight_hh, 1) };
  }
  if (module instanceof MultiheadAttention) {
    const { inProjWeight, qProjWeight, kProjWeight, vProjWeight, headDim } = module;
    const rows = inProjWeight === null ? sizeOf(qProjWeight, 0) : sizeOf(inProjWeight, 0) / 3;
    return {
      embedDim: sizeOf(inProjWeight ?? qProjWeight, 1),
      kdim: sizeOf(inProjWeight ?? kProjWeight, 1),
      vdim: sizeOf(inProjWeight ?? vProjWeight, 1),
      numHeads: rows / headDim,
      headDim,
    };
  }
  if (module instanceof Bilinear) {
    const [outFeatures = 0, in1Features = 0, in2Features = 0] = module.weight.shape;
    return { outFeatures, in1Features, in2Features };
  }
  if (module instanceof GroupNorm && module.weight !== null) {
    const numChannels = module.weight.numel();
    return { numChannels, numGroups: (module.numGroups * numChannels) / module.numChannels };
  }
  if (module instanceof PReLU) return { numParameters: module.weight.numel() };
  return {};
}
