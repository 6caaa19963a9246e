import { currentDevice, setDevice } from '../backend/current.js';
import { evaluate } from '../train/index.js';
import type { Shell } from './options.js';
import { loaderOf, openModel } from './task.js';

/** What `fettle eval` found. */
export interface Score {
  readonly file: string;
  readonly data: string;
  readonly samples: number;
  readonly accuracy: number;
  readonly loss: number;
}

/** Loads a model and scores it on the test part of its data, cut and standardized as they were in training. */
export async function evalFile(file: string, data: string | null, device: Shell['device'] = 'wasm'): Promise<Score> {
  const { model, task } = await openModel(file, data);
  try {
    await setDevice(device);
    model.to(currentDevice().name);
    const { accuracy, loss, samples } = await evaluate(model, loaderOf(task.test, { batchSize: 256 }));
    return { file, data: task.about.data, samples, accuracy, loss };
  } finally {
    model.dispose();
  }
}
