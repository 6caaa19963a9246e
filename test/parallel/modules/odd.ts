/** What the threads of tests run: fettle's replica, with losses that end, hang or break. Bundled by the test. */
import { mseLoss, type Tensor } from 'fettle';
import { BatchNorm1d, Linear, Sequential } from 'fettle/nn';
import { serveParallel } from 'fettle/parallel';

/** Words that tests and threads share: how often something has happened. */
let words = new Int32Array(new SharedArrayBuffer(16));

/** A model that is no structure of layers of fettle/nn. */
class Shared extends Linear {
  constructor(shared: Uint8Array) {
    super(3, 1);
    words = new Int32Array(shared.buffer as SharedArrayBuffer);
  }
}

class SharedNorm extends Sequential {
  constructor(shared: Uint8Array) {
    super(new Linear(3, 4), new BatchNorm1d(4), new Linear(4, 1));
    words = new Int32Array(shared.buffer as SharedArrayBuffer);
  }
}

const isFirst = (at: number): boolean => Atomics.add(words, at, 1) === 0;

/** Ends the first thread that computes it. */
function dies(output: Tensor, target: Tensor): Tensor {
  if (isFirst(0)) process.exit(7);
  return mseLoss(output, target);
}

function alwaysDies(): Tensor {
  process.exit(9);
}

function hangs(output: Tensor, target: Tensor): Tensor {
  if (isFirst(1)) for (;;);
  return mseLoss(output, target);
}

/** How often it is called until something happens, in all threads together: after steps that made the others known. */
const LATE = 8;

const isLate = (): boolean => Atomics.add(words, 2, 1) === LATE;

function diesLate(output: Tensor, target: Tensor): Tensor {
  if (isLate()) process.exit(7);
  return mseLoss(output, target);
}

function hangsLate(output: Tensor, target: Tensor): Tensor {
  if (isLate()) for (;;);
  return mseLoss(output, target);
}

function tornLate(output: Tensor, target: Tensor): Tensor {
  if (isLate()) throw new RangeError('torn');
  return mseLoss(output, target);
}

function torn(): Tensor {
  throw new RangeError('torn');
}

/** Breaks for the second part alone, where the first value of the target is large. */
function tornLater(output: Tensor, target: Tensor): Tensor {
  if ((target.dataSync()[0] as number) > 50) throw new RangeError('torn');
  return mseLoss(output, target);
}

await serveParallel({ Shared, SharedNorm, dies, alwaysDies, diesLate, hangs, hangsLate, torn, tornLate, tornLater });
