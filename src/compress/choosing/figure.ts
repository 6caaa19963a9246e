import { FettleError } from '../../core/errors.js';
import type { LayerTypes, Module } from '../../nn/index.js';
import { countModel } from '../counting.js';
import { pack, packedBytes } from '../storing/pack.js';
import type { Prepared, Runnable } from './data.js';
import { countWeights } from './profile.js';

/** The figures of a model by which it is compared with others. */
export interface Figures {
  /** What evaluate gave. */
  readonly metric: number;
  /** Numbers it computes with, and those of them that are not 0. */
  readonly parameters: number;
  readonly nonzero: number;
  /**
   * Bytes of the file that `pack` makes; of the tensors alone, as it stores them, where no file can describe the model's
   * layers.
   */
  readonly bytes: number;
  /** Multiplications with an addition in one pass over the example inputs. */
  readonly multiplyAdds: number;
}

function storedBytes(model: Module, types: LayerTypes): number {
  try {
    return pack(model, { types }).length;
  } catch (error) {
    if (!(error instanceof FettleError) || error.code !== 'unsupported') throw error;
  }
  return packedBytes(model);
}

/** Everything about a model but its time. */
export async function figuresOf(model: Runnable, data: Prepared, types: LayerTypes): Promise<Figures> {
  model.eval();
  const metric = await data.evaluate(model);
  return {
    metric,
    ...countWeights(model),
    bytes: storedBytes(model, types),
    multiplyAdds: countModel(model, data.inputs).multiplyAdds,
  };
}
