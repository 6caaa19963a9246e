import { FettleError, fail } from '../core/errors.js';
import { DataLoader, preprocessorFromJSON, StandardScaler } from '../data/index.js';
import { evaluate, loadModel } from '../train/index.js';
import type { Net } from './demo/nets.js';
import { datasetOf, loadParts } from './demo/source.js';

/** What `fettle eval` found. */
export interface Score {
  readonly file: string;
  readonly data: string;
  readonly samples: number;
  readonly accuracy: number;
  readonly loss: number;
}

/** What the demonstration saves beside a model. */
interface About {
  readonly data: string;
  readonly seed: number;
  readonly shape: readonly number[];
  readonly classes: readonly string[];
  readonly preprocessing: unknown;
}

function isAbout(value: unknown): value is About {
  const about = value as Partial<About> | null;
  if (typeof about !== 'object' || about === null) return false;
  const { data, seed, shape, classes } = about;
  return typeof data === 'string' && typeof seed === 'number' && Array.isArray(shape) && Array.isArray(classes);
}

/** Loads a model and scores it on the test part of its data, cut and standardized as they were in training. */
export async function evalFile(file: string, data: string | null): Promise<Score> {
  const { model, about } = await loadModel(file);
  try {
    if (!isAbout(about)) {
      fail(
        'format',
        `${file}: the model does not say what data it was trained on. Use a model that fettle demo saved.`,
      );
    }
    const scaler = preprocessorFromJSON(about.preprocessing);
    if (!(scaler instanceof StandardScaler)) {
      fail('format', `${file}: the model's preprocessing is not a StandardScaler.`);
    }
    const source = data ?? about.data;
    const parts = await loadParts(source, about.seed).catch((error: unknown) => {
      if (data !== null || !(error instanceof FettleError)) throw error;
      return fail(
        error.code,
        `${error.message} ${file} was trained on ${source}; pass --data if that is elsewhere now.`,
      );
    });
    const mine = `[${about.shape.join(', ')}] of ${about.classes.length} classes`;
    const theirs = `[${parts.shape.join(', ')}] of ${parts.classes.length} classes`;
    if (mine !== theirs) fail('shape', `${file}: the model takes images ${mine}, ${source} has images ${theirs}.`);
    const test = datasetOf(parts.test, scaler);
    const { accuracy, loss, samples } = await evaluate(model as Net, new DataLoader(test, { batchSize: 256 }));
    return { file, data: source, samples, accuracy, loss };
  } finally {
    model.dispose();
  }
}
