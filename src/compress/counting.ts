import { noGrad } from '../autograd/index.js';
import { scope } from '../core/scoping.js';
import { type HookHandle, type Module, MultiheadAttention, type Parameter } from '../nn/index.js';
import { Tensor } from '../tensor.js';
import { typeOf } from './layertypes.js';

/** What a model holds and computes, counted while it runs once. */

/** One module that computes, or holds parameters of its own. */
export interface LayerCount {
  readonly name: string;
  /** The name of its class. */
  readonly type: string;
  /** Numbers in its own parameters, without those of an earlier layer that it shares. */
  readonly parameters: number;
  /** Multiplications with an addition in all its calls. */
  readonly multiplyAdds: number;
  /** How many of them are between activations, as those of attention's scores, and need no parameter. */
  readonly between: number;
}

export interface ModelCount {
  readonly layers: readonly LayerCount[];
  readonly parameters: number;
  readonly multiplyAdds: number;
  /** How often each number of a parameter is multiplied: a weight that is removed saves as many. */
  readonly uses: ReadonlyMap<Parameter, number>;
}

/** What one call of a module multiplies. */
interface Products {
  /** Uses of each number of the module's own parameters, by the property or state name of the parameter. */
  readonly uses: readonly (readonly [Parameter | null | undefined, number])[];
  /** Multiply-adds without a parameter. */
  readonly between: number;
}

const NONE: Products = { uses: [], between: 0 };

/** The first tensor in a result: itself, the first of several, or the rows of a packed sequence. */
function firstTensor(value: unknown): Tensor | null {
  if (value instanceof Tensor) return value;
  if (Array.isArray(value)) return firstTensor(value[0]);
  const data = (value as { data?: unknown } | null | undefined)?.data;
  return data instanceof Tensor ? data : null;
}

/** Rows of a tensor [.., features]. */
function rowsOf(x: Tensor): number {
  return x.numel() / Math.max(1, x.shape[x.ndim - 1] ?? 1);
}

/** The numbers that tell a layer's size, by PyTorch's names, whatever class it is of. */
interface Sizes {
  readonly inFeatures?: number;
  readonly outFeatures?: number;
  readonly inChannels?: number;
  readonly outChannels?: number;
  readonly groups?: number;
  readonly kernelSize?: readonly number[];
}

function attentionProducts(module: MultiheadAttention, inputs: readonly unknown[]): Products {
  const [query, key] = inputs as [Tensor, Tensor];
  const [rows, others] = [rowsOf(query), rowsOf(key)];
  const along = query.ndim === 3 && module.batchFirst ? 1 : 0;
  const seen = (key.shape[along] as number) + Number(module.biasK !== null) + Number(module.addZeroAttn);
  return {
    uses: [
      // A third of the joint matrix projects the queries, the rest keys and values.
      [module.inProjWeight, (rows + 2 * others) / 3],
      [module.qProjWeight, rows],
      [module.kProjWeight, others],
      [module.vProjWeight, others],
      [module.outProj.weight, rows],
    ],
    // Every query meets every key, once for the score and once for the value.
    between: 2 * rows * seen * module.embedDim,
  };
}

/**
 * What one call multiplies. Where convolutions are transposed, every number of a channel that is read takes each weight of
 * its channel once; otherwise every number that is made does. Biases only add and are not counted; norms scale each number
 * once, as they do in evaluation.
 */
function productsOf(module: Module, inputs: readonly unknown[], result: unknown): Products {
  if (module instanceof MultiheadAttention) return attentionProducts(module, inputs);
  const [input, output] = [firstTensor(inputs[0]), firstTensor(result)];
  if (input === null || output === null) return NONE;
  const type = typeOf(module);
  const own = module.namedParameters({ recurse: false });
  if (/^(RNN|LSTM|GRU)(Cell)?$/.test(type)) {
    return { uses: own.filter(([, p]) => p.ndim === 2).map(([, p]) => [p, rowsOf(input)]), between: 0 };
  }
  const weight = own.find(([name]) => name === 'weight')?.[1];
  if (/Norm(\dd)?$/.test(type)) {
    return weight === undefined
      ? { uses: [], between: output.numel() }
      : { uses: [[weight, output.numel() / weight.numel()]], between: 0 };
  }
  const sizes = module as Sizes;
  const { inChannels, outChannels, outFeatures } = sizes;
  if (/^ConvTranspose\dd$/.test(type)) return { uses: [[weight, input.numel() / (inChannels as number)]], between: 0 };
  const made = outFeatures ?? outChannels;
  if (made === undefined || made === 0) return NONE;
  const uses = output.numel() / made;
  if (weight !== undefined) return { uses: [[weight, uses]], between: 0 };
  // A layer whose weights are not parameters, such as an int8 one, tells by its sizes what it multiplies.
  const { inFeatures, groups = 1, kernelSize = [] } = sizes;
  const each = inFeatures ?? kernelSize.reduce((a, b) => a * b, 1) * ((inChannels ?? 0) / groups);
  return { uses: [], between: output.numel() * each };
}

/**
 * Parameters and multiply-adds of `model`, layer by layer, for one pass over `exampleInputs` in evaluation mode: give a batch
 * of one for the numbers of one example. Counted are linear layers, convolutions, transposed or not, recurrent layers,
 * attention and norms; looking up embeddings multiplies nothing, and what is computed outside of modules is not seen.
 * Zeros among the weights count like other numbers.
 */
export function countModel(model: Module, exampleInputs: Tensor | readonly Tensor[]): ModelCount {
  const inputs = exampleInputs instanceof Tensor ? [exampleInputs] : exampleInputs;
  const uses = new Map<Parameter, number>();
  const work = new Map<Module, { multiplyAdds: number; between: number }>();
  const add = (module: Module, products: Products): void => {
    const sum = work.get(module) ?? { multiplyAdds: 0, between: 0 };
    sum.multiplyAdds += products.between;
    sum.between += products.between;
    for (const [parameter, count] of products.uses) {
      if (parameter === null || parameter === undefined) continue;
      sum.multiplyAdds += parameter.numel() * count;
      uses.set(parameter, (uses.get(parameter) ?? 0) + count);
    }
    work.set(module, sum);
  };
  const handles: HookHandle[] = [];
  const modules = model.namedModules();
  const modes = modules.map(([, module]) => module.training);
  try {
    for (const [, module] of modules) {
      handles.push(
        module.registerForwardHook<unknown>((_, given, output) => {
          add(module, productsOf(module, given, output));
          return undefined;
        }),
      );
    }
    model.eval();
    scope(() => {
      noGrad(() => model.forward(...(inputs as never[])));
    });
  } finally {
    for (const handle of handles) handle.remove();
    modules.forEach(([, module], i) => {
      module.training = modes[i] as boolean;
    });
  }
  const counted = new Set<Parameter>();
  const layers = modules.flatMap(([name, module]): LayerCount[] => {
    const fresh = module.parameters(false).filter((p) => !counted.has(p));
    for (const parameter of fresh) counted.add(parameter);
    const { multiplyAdds = 0, between = 0 } = work.get(module) ?? {};
    const parameters = fresh.reduce((n, p) => n + p.numel(), 0);
    if (parameters === 0 && multiplyAdds === 0) return [];
    return [{ name, type: typeOf(module), parameters, multiplyAdds, between }];
  });
  const total = (key: 'parameters' | 'multiplyAdds'): number => layers.reduce((n, layer) => n + layer[key], 0);
  return { layers, parameters: total('parameters'), multiplyAdds: total('multiplyAdds'), uses };
}
