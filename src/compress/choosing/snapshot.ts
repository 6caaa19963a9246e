import { cloneModule, type LayerTypes, type Module } from '../../nn/index.js';
import { codebookOf, setCodebook } from '../codebook/codebook.js';
import { copyMasks } from '../pruning/mask.js';
import { pack } from '../storing/pack.js';
import { unpack } from '../storing/unpack.js';

/** A copy of a model with parameters of its own, pruned and clustered where the model is. */
export function copyModel<M extends Module>(model: M): M {
  const copy = cloneModule(model);
  try {
    copyMasks(model, copy);
    const targets = new Map(copy.namedParameters());
    for (const [name, parameter] of model.namedParameters()) {
      const book = codebookOf(parameter);
      const target = targets.get(name);
      if (book === null || target === undefined) continue;
      const centroids = Float32Array.from(new Set(parameter.dataSync())).filter((value) => value !== 0);
      setCodebook(target, centroids.sort(), book.update);
    }
  } catch (error) {
    copy.dispose();
    throw error;
  }
  return copy;
}

/** The bytes of a model, with its masks and codebooks, from which `readSnapshot` makes it again. */
export function writeSnapshot(model: Module, types: LayerTypes): Uint8Array {
  return pack(model, { types });
}

/** The model in a snapshot, in evaluation mode. `name` says in errors where it comes from. */
export function readSnapshot(bytes: Uint8Array, name: string, types: LayerTypes): Module {
  return unpack(bytes, { file: name, types }).model;
}
