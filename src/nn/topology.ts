import { fail } from '../core/errors.js';
import * as activation from './activation.js';
import * as adaptive from './adaptivepool.js';
import { ModuleList, Sequential } from './container.js';
import { Conv1d, Conv2d, Conv3d } from './conv.js';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from './convtranspose.js';
import { Fold, Unfold } from './fold.js';
import { Linear } from './linear.js';
import type { Module } from './module.js';
import { BatchNorm1d, BatchNorm2d, LayerNorm } from './norm.js';
import * as padding from './padding.js';
import * as pool from './pool.js';
import * as simple from './simple.js';
import * as unpool from './unpool.js';

/**
 * A model's structure as data, so that a file can hold a whole model and be loaded without the source that defined it.
 */
export interface Topology {
  /** Name of the module's type. */
  readonly type: string;
  /** What its constructor was given. */
  readonly args?: readonly unknown[];
  readonly children?: readonly (readonly [name: string, child: Topology])[];
}

/** How modules of one type become data and come back. */
export interface LayerType<M extends Module = Module> {
  /** What the constructor needs to make such a module again, as JSON. */
  describe(module: M): readonly unknown[];
  build(args: readonly unknown[], children: readonly (readonly [string, Module])[]): M;
}

export type LayerTypes = Readonly<Record<string, LayerType>>;

/** A type of module, by its class and its constructor's arguments. */
export function layerType<C extends new (...args: never) => Module>(
  make: C,
  describe: (module: InstanceType<C>) => readonly unknown[],
): LayerType {
  return {
    describe: (module) => describe(module as InstanceType<C>),
    build: (args) => new make(...(args as never)),
  };
}

/** The layers of fettle/nn, by name. */
export const layerTypes: LayerTypes = {
  Sequential: {
    describe: () => [],
    build: (_, children) => new Sequential(Object.fromEntries(children) as ConstructorParameters<typeof Sequential>[0]),
  },
  ModuleList: { describe: () => [], build: (_, children) => new ModuleList(children.map(([, child]) => child)) },
  Linear: layerType(Linear, (m) => [m.inFeatures, m.outFeatures, { bias: m.bias !== null }]),
  Conv1d: layerType(Conv1d, convArguments),
  Conv2d: layerType(Conv2d, convArguments),
  Conv3d: layerType(Conv3d, convArguments),
  ConvTranspose1d: layerType(ConvTranspose1d, convTransposeArguments),
  ConvTranspose2d: layerType(ConvTranspose2d, convTransposeArguments),
  ConvTranspose3d: layerType(ConvTranspose3d, convTransposeArguments),
  BatchNorm1d: layerType(BatchNorm1d, batchNormArguments),
  BatchNorm2d: layerType(BatchNorm2d, batchNormArguments),
  LayerNorm: layerType(LayerNorm, (m) => [m.normalizedShape, { eps: m.eps, elementwiseAffine: m.weight !== null }]),
  Identity: layerType(simple.Identity, () => []),
  ReLU: layerType(simple.ReLU, () => []),
  Sigmoid: layerType(simple.Sigmoid, () => []),
  Tanh: layerType(simple.Tanh, () => []),
  SiLU: layerType(simple.SiLU, () => []),
  GELU: layerType(simple.GELU, (m) => [m.options]),
  ReLU6: layerType(activation.ReLU6, () => []),
  LeakyReLU: layerType(activation.LeakyReLU, (m) => [m.negativeSlope]),
  ELU: layerType(activation.ELU, (m) => [m.alpha]),
  SELU: layerType(activation.SELU, () => []),
  CELU: layerType(activation.CELU, (m) => [m.alpha]),
  Mish: layerType(activation.Mish, () => []),
  Softplus: layerType(activation.Softplus, (m) => [m.beta, m.threshold]),
  Softsign: layerType(activation.Softsign, () => []),
  LogSigmoid: layerType(activation.LogSigmoid, () => []),
  Hardsigmoid: layerType(activation.Hardsigmoid, () => []),
  Hardswish: layerType(activation.Hardswish, () => []),
  Hardtanh: layerType(activation.Hardtanh, (m) => [m.minVal, m.maxVal]),
  Threshold: layerType(activation.Threshold, (m) => [m.threshold, m.value]),
  GLU: layerType(activation.GLU, (m) => [m.dim]),
  PReLU: layerType(activation.PReLU, (m) => [m.numParameters, m.init]),
  Softmax: layerType(simple.Softmax, (m) => [m.dim]),
  LogSoftmax: layerType(simple.LogSoftmax, (m) => [m.dim]),
  Flatten: layerType(simple.Flatten, (m) => [m.startDim, m.endDim]),
  Dropout: layerType(simple.Dropout, (m) => [m.p]),
  MaxPool1d: layerType(pool.MaxPool1d, (m) => [m.kernelSize, m.options]),
  MaxPool2d: layerType(pool.MaxPool2d, (m) => [m.kernelSize, m.options]),
  MaxPool3d: layerType(pool.MaxPool3d, (m) => [m.kernelSize, m.options]),
  AvgPool1d: layerType(pool.AvgPool1d, (m) => [m.kernelSize, m.options]),
  AvgPool2d: layerType(pool.AvgPool2d, (m) => [m.kernelSize, m.options]),
  AvgPool3d: layerType(pool.AvgPool3d, (m) => [m.kernelSize, m.options]),
  AdaptiveAvgPool1d: layerType(adaptive.AdaptiveAvgPool1d, (m) => [m.outputSize]),
  AdaptiveAvgPool2d: layerType(adaptive.AdaptiveAvgPool2d, (m) => [m.outputSize]),
  AdaptiveAvgPool3d: layerType(adaptive.AdaptiveAvgPool3d, (m) => [m.outputSize]),
  AdaptiveMaxPool1d: layerType(adaptive.AdaptiveMaxPool1d, (m) => [m.outputSize, m.options]),
  AdaptiveMaxPool2d: layerType(adaptive.AdaptiveMaxPool2d, (m) => [m.outputSize, m.options]),
  AdaptiveMaxPool3d: layerType(adaptive.AdaptiveMaxPool3d, (m) => [m.outputSize, m.options]),
  MaxUnpool1d: layerType(unpool.MaxUnpool1d, (m) => [m.kernelSize, m.options]),
  MaxUnpool2d: layerType(unpool.MaxUnpool2d, (m) => [m.kernelSize, m.options]),
  MaxUnpool3d: layerType(unpool.MaxUnpool3d, (m) => [m.kernelSize, m.options]),
  LPPool1d: layerType(unpool.LPPool1d, (m) => [m.normType, m.kernelSize, m.options]),
  LPPool2d: layerType(unpool.LPPool2d, (m) => [m.normType, m.kernelSize, m.options]),
  Fold: layerType(Fold, (m) => [m.outputSize, m.kernelSize, m.options]),
  Unfold: layerType(Unfold, (m) => [m.kernelSize, m.options]),
  ConstantPad1d: layerType(padding.ConstantPad1d, (m) => [m.padding, m.value]),
  ConstantPad2d: layerType(padding.ConstantPad2d, (m) => [m.padding, m.value]),
  ConstantPad3d: layerType(padding.ConstantPad3d, (m) => [m.padding, m.value]),
  ZeroPad1d: layerType(padding.ZeroPad1d, (m) => [m.padding]),
  ZeroPad2d: layerType(padding.ZeroPad2d, (m) => [m.padding]),
  ZeroPad3d: layerType(padding.ZeroPad3d, (m) => [m.padding]),
  ReflectionPad1d: layerType(padding.ReflectionPad1d, (m) => [m.padding]),
  ReflectionPad2d: layerType(padding.ReflectionPad2d, (m) => [m.padding]),
  ReflectionPad3d: layerType(padding.ReflectionPad3d, (m) => [m.padding]),
  ReplicationPad1d: layerType(padding.ReplicationPad1d, (m) => [m.padding]),
  ReplicationPad2d: layerType(padding.ReplicationPad2d, (m) => [m.padding]),
  ReplicationPad3d: layerType(padding.ReplicationPad3d, (m) => [m.padding]),
  CircularPad1d: layerType(padding.CircularPad1d, (m) => [m.padding]),
  CircularPad2d: layerType(padding.CircularPad2d, (m) => [m.padding]),
  CircularPad3d: layerType(padding.CircularPad3d, (m) => [m.padding]),
};

function convArguments(m: Conv1d | Conv2d | Conv3d): readonly unknown[] {
  const { stride, padding, dilation, groups, paddingMode } = m;
  const options = { stride, padding, dilation, groups, bias: m.bias !== null };
  // Files of models that pad with zeros are as they were before there was a choice.
  return [m.inChannels, m.outChannels, m.kernelSize, paddingMode === 'zeros' ? options : { ...options, paddingMode }];
}

function convTransposeArguments(m: ConvTranspose1d | ConvTranspose2d | ConvTranspose3d): readonly unknown[] {
  const { stride, padding, outputPadding, groups, dilation } = m;
  const options = { stride, padding, outputPadding, groups, bias: m.bias !== null, dilation };
  return [m.inChannels, m.outChannels, m.kernelSize, options];
}

function batchNormArguments(m: BatchNorm1d | BatchNorm2d): readonly unknown[] {
  const { eps, momentum } = m;
  return [m.numFeatures, { eps, momentum, affine: m.weight !== null, trackRunningStats: m.runningMean !== null }];
}

function isContainer(type: string): boolean {
  return type === 'Sequential' || type === 'ModuleList';
}

/** The structure of `module`. Throws for a module whose type is not among `types`. */
export function describe(module: Module, types: LayerTypes = layerTypes): Topology {
  const type = module.constructor.name;
  const known = types[type];
  if (known === undefined) {
    return fail(
      'unsupported',
      `describe: '${type}' is not a known layer type, so its structure cannot be saved. ` +
        'Build the model from layers and Sequential, pass types for your own layers, or save its stateDict() alone.',
    );
  }
  const children = isContainer(type)
    ? module.namedChildren().map(([name, child]) => [name, describe(child, types)] as const)
    : [];
  const args = known.describe(module);
  return { type, ...(args.length > 0 ? { args } : {}), ...(children.length > 0 ? { children } : {}) };
}

/** A module of the given structure, freshly initialized. */
export function construct(topology: Topology, types: LayerTypes = layerTypes): Module {
  const known = Object.hasOwn(types, topology.type) ? types[topology.type] : undefined;
  if (known === undefined) {
    return fail(
      'format',
      `construct: unknown layer type '${topology.type}'. Known are ${Object.keys(types).join(', ')}.`,
    );
  }
  const children = (topology.children ?? []).map(([name, child]) => [name, construct(child, types)] as const);
  return known.build(topology.args ?? [], children);
}

/** A copy of `module` with parameters of its own. */
export function cloneModule<M extends Module>(module: M, types: LayerTypes = layerTypes): M {
  const copy = construct(describe(module, types), types) as M;
  copy.loadStateDict(module.stateDict());
  copy.train(module.training);
  return copy;
}
