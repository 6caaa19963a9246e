import { fail } from '../core/errors.js';
import { Conv2d, Linear, type Module, ModuleDict, ModuleList, Sequential } from '../nn/index.js';
import type { Tensor } from '../tensor.js';

/** The layers of a model, as compression looks for them and puts others in their place. */

/** A layer of units: neurons, or channels. */
export type UnitLayer = Linear | Conv2d;

export function isUnitLayer(module: Module): module is UnitLayer {
  return module instanceof Linear || module instanceof Conv2d;
}

/** Output units of a layer. */
export function unitsOf(layer: UnitLayer): number {
  return layer instanceof Linear ? layer.outFeatures : layer.outChannels;
}

/** Inputs of a layer: features, or channels. */
export function inputsOf(layer: UnitLayer): number {
  return layer instanceof Linear ? layer.inFeatures : layer.inChannels;
}

/** The linear layers and convolutions of a model, by name. */
export function unitLayers(model: Module): [string, UnitLayer][] {
  return model.namedModules().filter((entry): entry is [string, UnitLayer] => isUnitLayer(entry[1]));
}

/** Puts `made` in the place of the module called `path`, which is not the root itself. `by` names the caller in errors. */
export function replaceModule(by: string, root: Module, path: string, made: Module): void {
  if (path === '') fail('argument', `${by}: the model itself has no place in which to put another module.`);
  const dot = path.lastIndexOf('.');
  const parent = dot < 0 ? root : root.getSubmodule(path.slice(0, dot));
  const name = path.slice(dot + 1);
  if (parent instanceof Sequential) parent.replace(name, made as Module & { forward(x: Tensor): Tensor });
  else if (parent instanceof ModuleList) parent.set(Number(name), made);
  else if (parent instanceof ModuleDict) parent.set(name, made);
  else if (Object.hasOwn(parent, name)) Object.assign(parent, { [name]: made });
  else fail('unsupported', `${by}: ${parent.constructor.name} holds '${path}' in a way that lets no other module in.`);
}
