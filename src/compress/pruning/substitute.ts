import type { HookHandle, Module, Parameter } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';

/**
 * Lets `module` compute with what `make` gives in place of one of its parameters. The parameter keeps its place and its name:
 * only while the module's forward runs does the other tensor stand there, and gradients flow through it.
 */
export function substitute(module: Module, property: string, make: (parameter: Parameter) => Tensor): HookHandle {
  const holder = module as unknown as Record<string, Tensor>;
  const parameter = holder[property] as Parameter;
  const before = module.registerForwardPreHook(() => {
    holder[property] = make(parameter);
    return undefined;
  });
  const after = module.registerForwardHook<unknown>(() => {
    holder[property] = parameter;
    return undefined;
  });
  return {
    remove: () => {
      holder[property] = parameter;
      before.remove();
      after.remove();
    },
  };
}

/** A parameter of a layer, with the name of both. */
export interface Held {
  readonly name: string;
  readonly module: Module;
  readonly property: string;
  readonly parameter: Parameter;
}

/** Every place in which a module holds the parameters called `property`, with two dimensions or more, by their full names. */
export function weightsHeld(model: Module, except: readonly string[]): Held[] {
  return model.namedModules().flatMap(([path, module]): Held[] => {
    const parameter = (module as { weight?: Parameter }).weight;
    const isWeight = module.parameters(false).some((own) => own === parameter) && (parameter as Parameter).ndim >= 2;
    if (!isWeight || except.includes(path)) return [];
    return [{ name: path, module, property: 'weight', parameter: parameter as Parameter }];
  });
}
