import { BatchNorm1d, BatchNorm2d, Conv2d, Linear, type Module } from '../nn/index.js';
import * as nn from '../nn/index.js';
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

/** Modules that map 0 to 0 unit by unit, so that a silent unit stays silent behind them. */
const SILENT: readonly (abstract new (...args: never[]) => Module)[] = [
  nn.Identity,
  nn.ReLU,
  nn.Tanh,
  nn.SiLU,
  nn.GELU,
  nn.Dropout,
  nn.Flatten,
  nn.MaxPool2d,
  nn.AvgPool2d,
  nn.AdaptiveAvgPool2d,
];

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

/** Follows the units of one layer to the layer that consumes them. */
function follow(call: Call, calledOnce: (call: Call) => boolean): UnitGroup | Uncoupled {
  const { name } = call;
  const producer = call.module as UnitLayer;
  if (producer instanceof Conv2d && producer.groups > 1) return { name, reason: 'its convolution is grouped' };
  const norms: (BatchNorm1d | BatchNorm2d)[] = [];
  let at = call;
  for (;;) {
    if (!calledOnce(at)) return { name, reason: `${at.name} is called more than once` };
    const next = at.users[0];
    if (!at.isPrivate || at.users.length !== 1 || next === undefined) {
      return { name, reason: `the output of ${at.name} is returned, or used outside of modules` };
    }
    at = next;
    const { module } = at;
    if (isUnitLayer(module)) {
      if (!calledOnce(at)) return { name, reason: `${at.name} is called more than once` };
      if (module instanceof Conv2d && module.groups > 1) return { name, reason: `the convolution ${at.name} is grouped` };
      const units = unitsOf(producer);
      const spread = inputsOf(module) / units;
      if (!Number.isInteger(spread)) return { name, reason: `${at.name} does not take its units evenly` };
      return { name, producer, units, norms, consumerName: at.name, consumer: module, spread };
    }
    if (isNorm(module)) norms.push(module);
    else if (!SILENT.some((kind) => module instanceof kind)) {
      return { name, reason: `${at.name} (${module.constructor.name}) does not keep silent units silent` };
    }
  }
}

/** The groups of units of `model` that can be removed together, and the layers whose units cannot, with the reason. */
export function coupleUnits(model: Module, exampleInputs: Tensor | readonly Tensor[]): { groups: UnitGroup[]; uncoupled: Uncoupled[] } {
  const calls = trace(model, exampleInputs);
  const counts = new Map<Module, number>();
  for (const { module } of calls) counts.set(module, (counts.get(module) ?? 0) + 1);
  const calledOnce = (call: Call): boolean => counts.get(call.module) === 1;
  const groups: UnitGroup[] = [];
  const uncoupled: Uncoupled[] = [];
  for (const call of calls) {
    if (!isUnitLayer(call.module)) continue;
    const found = follow(call, calledOnce);
    if ('reason' in found) uncoupled.push(found);
    else groups.push(found);
  }
  return { groups, uncoupled };
}
