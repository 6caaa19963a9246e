import { noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { Tensor } from '../../tensor.js';
import type { Runnable } from './convert.js';

/** A batch of inputs, or inputs and what belongs to them. */
export type Batch = Tensor | readonly Tensor[];

/** Batches that come at once or in time. */
export type Batches = Iterable<Batch> | AsyncIterable<Batch>;

/** The inputs of a batch. */
export function inputOf(by: string, batch: Batch): Tensor {
  const x: unknown = batch instanceof Tensor ? batch : (batch as readonly unknown[])?.[0];
  if (x instanceof Tensor) return x;
  return fail('data', `${by}: a batch must be a Tensor, or an array that begins with one. Map the loader's batches.`);
}

/** Throws unless `data` can be gone through. */
export function checkBatches(by: string, data: unknown): asserts data is Batches {
  const isIterable =
    typeof data === 'object' && data !== null && (Symbol.iterator in data || Symbol.asyncIterator in data);
  if (!isIterable || data instanceof Tensor) {
    fail('argument', `${by}: expected a loader or a list of batches. Wrap a single one: [x].`);
  }
}

/** Runs every batch through `model`, recording nothing. Returns how many there were. */
export async function runThrough(by: string, model: Runnable, data: Batches): Promise<number> {
  checkBatches(by, data);
  let batches = 0;
  for await (const batch of data) {
    const x = inputOf(by, batch);
    scope(() => {
      noGrad(() => model.forward(x));
    });
    batches++;
  }
  if (batches === 0) fail('data', `${by}: calibration gave no batch. Pass a loader over some training data.`);
  return batches;
}
