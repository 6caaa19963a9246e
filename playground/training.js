/** The network and its training: the same program for every device. */
import { crossEntropy, manualSeed, setDevice } from 'fettle';
import { DataLoader, Digits, Subset, stratifiedSplit } from 'fettle/data';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { evaluate } from 'fettle/train';

/**
 * @typedef {{ step: number, epoch: number, loss: number }} Step   a batch that was trained on, once its loss has come
 * @typedef {{ accuracy: number, predictions: readonly { label: number, predicted: number }[] }} Test   of the unseen part, in order
 */

const EPOCHS = 12;
const BATCH = 64;

/** The digits, and which of them are trained on and which tested on, the same ones every time. */
export function parts() {
  const dataset = new Digits();
  const [train, test] = stratifiedSplit(dataset.labels, [0.8, 0.2], 1);
  return { dataset, train, test };
}

function network() {
  return new nn.Sequential(
    new nn.Conv2d(1, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(16, 32, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(128, 64),
    new nn.ReLU(),
    new nn.Linear(64, 10),
  );
}

/**
 * Trains on `device` until it is done or `signal` aborts. A loss is asked for and not waited for, so that a GPU always has work:
 * it is told when it has come.
 *
 * @param {'wasm' | 'webgpu'} device
 * @param {{ signal: AbortSignal, onStep: (step: Step) => void, onTest: (test: Test) => void }} options
 */
export async function train(device, { signal, onStep, onTest }) {
  await setDevice(device);
  manualSeed(0);
  const data = parts();
  const model = network();
  const optimizer = new Adam(model.parameters(), { lr: 2e-3 });
  const loader = new DataLoader(new Subset(data.dataset, data.train), { batchSize: BATCH, shuffle: true, seed: 0 });
  const unseen = new DataLoader(new Subset(data.dataset, data.test), { batchSize: data.test.length });
  try {
    let step = 0;
    for (let epoch = 1; epoch <= EPOCHS && !signal.aborted; epoch++) {
      model.train();
      /** @type {Promise<void>[]} */
      const told = [];
      for await (const [x, y] of loader) {
        if (signal.aborted) break;
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(x), y);
        loss.backward();
        optimizer.step();
        const at = { step: ++step, epoch };
        told.push(loss.data().then(([value]) => onStep({ ...at, loss: Number(value) })));
        // The page draws in between.
        if (step % 4 === 0) await new Promise((resolve) => setTimeout(resolve));
      }
      await Promise.all(told);
      if (!signal.aborted) onTest(await evaluate(model, unseen));
    }
  } finally {
    model.dispose();
    await setDevice('wasm');
  }
}
