import { noGrad } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { Tensor } from '../core/tensor.js';
import { Module } from '../nn/module.js';
import { fill_ } from '../ops/inplace.js';

/** A layer whose running statistics can be gathered anew. */
interface Gathers extends Module {
  readonly runningMean: Tensor | null;
  readonly runningVar: Tensor | null;
  readonly numBatchesTracked: Tensor | null;
  momentum: number | null;
}

function gathers(module: Module): module is Gathers {
  return 'numBatchesTracked' in module && module.numBatchesTracked instanceof Tensor && 'momentum' in module;
}

/** A model that is called with the first part of a batch. */
type Model = Module & { forward(input: Tensor): unknown };

function inputOf(batch: unknown): Tensor {
  const input: unknown = Array.isArray(batch) ? batch[0] : batch;
  if (input instanceof Tensor) return input;
  return fail(
    'argument',
    'updateBn: a batch must be a tensor, or a list whose first element is the input of the model.',
  );
}

/**
 * Gathers the running statistics of batch norm anew, as even averages over all batches of `loader`: for weights that were
 * averaged, and so have no statistics of their own. A batch is a tensor, or a list whose first element is one. Momentum and
 * training mode of the model are left as they were.
 *
 * @example
 * const model = new nn.BatchNorm1d(2);
 * await optim.updateBn([tensor([[1, 2], [3, 6]])], model);
 * model.runningMean?.toArray(); // → [2, 4]
 */
export async function updateBn(loader: Iterable<unknown> | AsyncIterable<unknown>, model: Module): Promise<void> {
  if (!(model instanceof Module)) fail('argument', 'updateBn: the second argument must be a Module.');
  const layers = [...model.modules()].filter(gathers);
  if (layers.length === 0) return;
  const momenta = layers.map(({ momentum }) => momentum);
  const wasTraining = model.training;
  noGrad(() => {
    for (const layer of layers) {
      if (layer.runningMean) fill_(layer.runningMean, 0);
      if (layer.runningVar) fill_(layer.runningVar, 1);
      if (layer.numBatchesTracked) fill_(layer.numBatchesTracked, 0);
      layer.momentum = null;
    }
  });
  model.train();
  try {
    for await (const batch of loader) {
      noGrad(() =>
        scope(() => {
          (model as Model).forward(inputOf(batch));
        }),
      );
    }
  } finally {
    layers.forEach((layer, i) => {
      layer.momentum = momenta[i] as number | null;
    });
    model.train(wasTraining);
  }
}
