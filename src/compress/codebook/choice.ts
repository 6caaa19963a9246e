import { fail } from '../../core/errors.js';
import type { Module, Parameter } from '../../nn/index.js';

/** Which weights get a codebook, and of how many entries. */

/** Bits of a code: one number for all layers, numbers by name, or a function of a layer's name and module. */
export type Bits = number | Readonly<Record<string, number>> | ((name: string, layer: Module) => number);

const MOST_BITS = 12;

/** A weight: a parameter of two dimensions or more. */
export interface NamedWeight {
  /** As in the state dict: 'fc1.weight'. */
  readonly name: string;
  /** Name of the module that holds it: 'fc1'. */
  readonly layer: string;
  readonly module: Module;
  readonly parameter: Parameter;
}

/** All weights of a model; one that is shared stands under its first name. */
export function clusterable(model: Module): NamedWeight[] {
  const seen = new Set<Parameter>();
  return model.namedModules().flatMap(([layer, module]) =>
    module.namedParameters({ recurse: false }).flatMap(([own, parameter]): NamedWeight[] => {
      if (parameter.ndim < 2 || parameter.numel() === 0 || seen.has(parameter)) return [];
      seen.add(parameter);
      return [{ name: layer === '' ? own : `${layer}.${own}`, layer, module, parameter }];
    }),
  );
}

/** Whether `names` mean this weight: by its own name or its layer's. */
export function isNamed({ name, layer }: NamedWeight, names: readonly string[]): boolean {
  return names.includes(name) || names.includes(layer);
}

/** Throws for a name that means no weight. */
export function checkNames(op: string, names: readonly string[], weights: readonly NamedWeight[]): void {
  for (const name of names) {
    if (!weights.some((weight) => isNamed(weight, [name]))) {
      const known = weights.map(({ layer }) => layer || "''").join(', ') || 'none';
      fail('argument', `${op}: there is no layer '${name}' with weights. There are: ${known}.`);
    }
  }
}

/** Bits for one weight. A record names every layer that is to have a codebook. */
export function bitsOf(op: string, bits: Bits, weight: NamedWeight): number {
  const { name, layer, module } = weight;
  const found =
    typeof bits === 'function' ? bits(layer, module) : typeof bits === 'number' ? bits : (bits[name] ?? bits[layer]);
  if (!(Number.isInteger(found) && (found as number) >= 1 && (found as number) <= MOST_BITS)) {
    fail('argument', `${op}: bits of '${name}' must be a whole number in [1, ${MOST_BITS}], got ${String(found)}.`);
  }
  return found as number;
}
