import { breathe } from '../../core/breathe.js';
import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { crossEntropy } from '../../ops/index.js';
import { Adam } from '../../optim/index.js';
import { Tensor } from '../../tensor.js';
import type { Prepared, RetrainContext, Runnable } from './data.js';

/** Batches in an epoch, where the data knows. */
function lengthOf(batches: object): number | null {
  const { length } = batches as { length?: unknown };
  return typeof length === 'number' ? length : null;
}

/**
 * Trains a model with the caller's function, or else for some epochs with Adam, its learning rate falling to 0 along half a
 * cosine. Masks and codebooks of parameters hold. Afterwards the model is in evaluation mode.
 */
export async function retrain(by: string, data: Prepared, model: Runnable, context: RetrainContext): Promise<void> {
  const { epochs } = context;
  if (epochs === 0) return;
  context.signal?.throwIfAborted();
  if (data.retrain !== null) await data.retrain(model, context);
  else await trainWithAdam(by, data, model, context);
  model.zeroGrad();
  model.eval();
}

async function trainWithAdam(by: string, data: Prepared, model: Runnable, context: RetrainContext): Promise<void> {
  const { epochs, lr, signal, onBatch, loss = (x: Tensor, y: Tensor) => crossEntropy(model.forward(x), y) } = context;
  const { train } = data;
  if (train === null) {
    return fail('argument', `${by}: training needs data.train, batches of inputs and labels, or data.retrain.`);
  }
  const learned = model.parameters().filter(({ requiresGrad }) => requiresGrad);
  if (learned.length === 0) {
    fail('unsupported', `${by}: the model has no parameter left that learns. Train before quantizing, not after.`);
  }
  const each = lengthOf(train);
  const total = each === null ? null : each * epochs;
  const optimizer = new Adam(learned, { lr });
  const pause = breathe();
  let done = 0;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      model.train();
      if ('setEpoch' in train && typeof train.setEpoch === 'function') train.setEpoch(epoch);
      for await (const batch of train) {
        signal?.throwIfAborted();
        const [x, y] = batch instanceof Tensor ? [batch, undefined] : (batch as readonly [Tensor, Tensor?]);
        if (y === undefined) {
          return fail('data', `${by}: training needs batches of inputs and labels. Pass data.retrain for other data.`);
        }
        // Where the length is not known, every epoch falls by as much as the epochs before it tell.
        const progress = total === null ? epoch / epochs : done / total;
        for (const group of optimizer.paramGroups) group.lr = (lr * (1 + elementary.cos(Math.PI * progress))) / 2;
        scope(() => {
          const value = loss(x, y);
          const size = value.item();
          if (!Number.isFinite(size)) fail('state', `${by}: the loss became ${size}. Lower lr.`);
          optimizer.zeroGrad();
          value.backward();
          optimizer.step();
        });
        onBatch?.(++done, total);
        await pause();
      }
      if (done === 0) fail('data', `${by}: data.train gives no batch.`);
    }
  } finally {
    optimizer.dispose();
  }
}
