import * as nn from '../nn/index.js';
import { BatchNorm1d, BatchNorm2d, Conv2d, Flatten, Linear, type Module, Parameter } from '../nn/index.js';
import type { Tensor } from '../tensor.js';
import { type Call, trace } from './trace.js';

/** A layer whose output units can be removed. */
export type UnitLayer = Linear | Conv2d;

/** The units of one layer, with everything that has to go when one of them goes. */
export interface UnitGroup {
  readonly name: string;
  readonly producer: UnitLayer;
  readonly units: number;
  readonly norms: readonly (BatchNorm1d | BatchNorm2d)[];
  readonly consumerName: string;
  readonly consumer: UnitLayer;
  /** Inputs of the consumer that one unit feeds: more than one where an image was flattened. */
  readonly spread: number;
}

/** Why the units of a layer stay. */
export interface Uncoupled {
  readonly name: string;
  readonly reason: string;
}

type Kind = abstract new (...args: never) => Module;

/** Modules that work element by element and map 0 to 0, so that a silent unit stays silent behind them. */
const SILENT: readonly Kind[] = [
  ...[nn.Identity, nn.Dropout, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU],
  ...[nn.Tanh, nn.SiLU, nn.GELU, nn.Mish, nn.Softsign, nn.Hardswish],
];

/** Modules that do so within each image plane: the last two dimensions. */
const POOLS: readonly Kind[] = [nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d];

/** Where the units of a layer stand in a tensor: one behind another along `dim`, each taking `width` places. */
interface Place {
  readonly dim: number;
  readonly width: number;
}

export function isUnitLayer(module: Module): module is UnitLayer {
  return module instanceof Linear || module instanceof Conv2d;
}

export function unitsOf(layer: UnitLayer): number {
  return layer instanceof Linear ? layer.outFeatures : layer.outChannels;
}

export function inputsOf(layer: UnitLayer): number {
  return layer instanceof Linear ? layer.inFeatures : layer.inChannels;
}

function isNorm(module: Module): module is BatchNorm1d | BatchNorm2d {
  return module instanceof BatchNorm1d || module instanceof BatchNorm2d;
}

/** Where the units stand behind a module that is neither a layer nor a norm, or why they cannot be followed through it. */
function pass({ name, module, inputShape }: Call, { dim, width }: Place): Place | string {
  const isOf = (kinds: readonly Kind[]): boolean => kinds.some((kind) => module instanceof kind);
  if (isOf(SILENT)) return { dim, width };
  if (isOf(POOLS)) return dim < inputShape.length - 2 ? { dim, width } : `${name} pools across its units`;
  if (!(module instanceof Flatten)) return `${name} (${module.constructor.name}) does not keep silent units silent`;
  const [start, end] = [module.startDim, module.endDim].map((d) => (d < 0 ? d + inputShape.length : d)) as [
    number,
    number,
  ];
  if (dim < start) return { dim, width };
  if (dim > end) return { dim: dim - (end - start), width };
  const sizeOf = (from: number, to: number): number => inputShape.slice(from, to).reduce((a, b) => a * b, 1);
  if (sizeOf(start, dim) !== 1) return `${name} mixes its units with other dimensions`;
  return { dim: start, width: width * sizeOf(dim + 1, end + 1) };
}

/** Whether `module` takes units that stand at `place`, all of them and nothing else, as its inputs or features. */
function takes(
  module: UnitLayer | BatchNorm1d | BatchNorm2d,
  { inputShape }: Call,
  { dim, width }: Place,
  units: number,
): boolean {
  if (isNorm(module)) return dim === 1 && width === 1 && module.numFeatures === units;
  return dim === (module instanceof Linear ? inputShape.length - 1 : 1) && inputsOf(module) === units * width;
}

/** Follows the units of one layer to the layer that consumes them. */
function follow(
  call: Call,
  calledOnce: (call: Call) => boolean,
  isShared: (module: Module) => boolean,
): UnitGroup | Uncoupled {
  const { name } = call;
  const producer = call.module as UnitLayer;
  const units = unitsOf(producer);
  if (producer instanceof Conv2d && producer.groups > 1) return { name, reason: 'its convolution is grouped' };
  const norms: (BatchNorm1d | BatchNorm2d)[] = [];
  let place: Place = { dim: producer instanceof Linear ? call.outputShape.length - 1 : 1, width: 1 };
  let at = call;
  for (;;) {
    if (!calledOnce(at)) return { name, reason: `${at.name} is called more than once` };
    if (isShared(at.module)) return { name, reason: `${at.name} shares parameters with another module` };
    const next = at.users[0];
    if (at.module !== producer && isUnitLayer(at.module)) {
      return { name, producer, units, norms, consumerName: at.name, consumer: at.module, spread: place.width };
    }
    if (!at.isPrivate || at.users.length !== 1 || next === undefined) {
      return { name, reason: `the output of ${at.name} is returned, or used outside of modules` };
    }
    at = next;
    const { module } = at;
    if (isUnitLayer(module) || isNorm(module)) {
      if (module instanceof Conv2d && module.groups > 1)
        return { name, reason: `the convolution ${at.name} is grouped` };
      if (!takes(module, at, place, units)) return { name, reason: `${at.name} does not take its units one by one` };
      if (isNorm(module)) norms.push(module);
    } else {
      const passed = pass(at, place);
      if (typeof passed === 'string') return { name, reason: passed };
      place = passed;
    }
  }
}

/** Tells whether a module holds a parameter that another module holds too. */
function sharing(model: Module): (module: Module) => boolean {
  const holders = new Map<unknown, number>();
  const held = (module: Module): Parameter[] =>
    Object.values(module).filter((value): value is Parameter => value instanceof Parameter);
  for (const module of model.modules())
    for (const parameter of held(module)) holders.set(parameter, (holders.get(parameter) ?? 0) + 1);
  return (module) => held(module).some((parameter) => (holders.get(parameter) ?? 0) > 1);
}

/** The groups of units of `model` that can be removed together, and the layers whose units cannot, with the reason. */
export function coupleUnits(
  model: Module,
  exampleInputs: Tensor | readonly Tensor[],
): { groups: UnitGroup[]; uncoupled: Uncoupled[] } {
  const calls = trace(model, exampleInputs);
  const counts = new Map<Module, number>();
  for (const { module } of calls) counts.set(module, (counts.get(module) ?? 0) + 1);
  const calledOnce = (call: Call): boolean => counts.get(call.module) === 1;
  const isShared = sharing(model);
  const groups: UnitGroup[] = [];
  const uncoupled: Uncoupled[] = [];
  for (const call of calls) {
    if (!isUnitLayer(call.module)) continue;
    const found = follow(call, calledOnce, isShared);
    if ('producer' in found) groups.push(found);
    else if (!uncoupled.some(({ name }) => name === found.name)) uncoupled.push(found);
  }
  return { groups, uncoupled };
}
