import { basename } from 'node:path';
import { fail } from '../core/errors.js';
import {
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  LayerNorm,
  Linear,
  MaxPool2d,
  ReLU,
  Residual,
  Sequential,
  TransformerEncoder,
  TransformerEncoderLayer,
  Unflatten,
} from '../nn/index.js';
import type { Net } from './demo/nets.js';
import { oneOf } from './options.js';
import { isProgram, modelOf, PROGRAM } from './program.js';

/** The networks that can be named on the command line. */

type Layer = Net;

/** A chain of linear layers with ReLU between them. */
function perceptron(shape: readonly number[], hidden: readonly number[], classes: number): Net {
  const sizes = [shape.reduce((a, b) => a * b, 1), ...hidden, classes];
  const layers: Record<string, Layer> = shape.length > 1 ? { flatten: new Flatten() } : {};
  sizes.slice(1).forEach((size, i) => {
    layers[`fc${i + 1}`] = new Linear(sizes[i] as number, size);
    if (i < sizes.length - 2) layers[`relu${i + 1}`] = new ReLU();
  });
  return new Sequential(layers);
}

function imageSize(name: string, shape: readonly number[]): readonly [number, number, number] {
  const [channels, height, width] = shape;
  if (channels === undefined || height === undefined || width === undefined) {
    return fail('argument', `--model ${name} takes images, and the data are rows of ${shape[0]} numbers. Use mlp.`);
  }
  return [channels, height, width];
}

/** 20 and 50 filters of 5 × 5, then 500 and 10 units, as Caffe has it; images below 20 pixels are padded. */
function lenet5(shape: readonly number[], classes: number): Net {
  const [channels, height, width] = imageSize('lenet5', shape);
  const padding = Math.min(height, width) < 20 ? 2 : 0;
  const after = (size: number): number => (((size + 2 * padding - 4) >> 1) + 2 * padding - 4) >> 1;
  return new Sequential({
    conv1: new Conv2d(channels, 20, 5, { padding }),
    pool1: new MaxPool2d(2),
    conv2: new Conv2d(20, 50, 5, { padding }),
    pool2: new MaxPool2d(2),
    flatten: new Flatten(),
    fc1: new Linear(50 * after(height) * after(width), 500),
    relu: new ReLU(),
    fc2: new Linear(500, classes),
  });
}

function block(from: number, to: number, stride: number): Layer {
  const body = new Sequential({
    conv1: new Conv2d(from, to, 3, { stride, padding: 1, bias: false }),
    bn1: new BatchNorm2d(to),
    relu: new ReLU(),
    conv2: new Conv2d(to, to, 3, { padding: 1, bias: false }),
    bn2: new BatchNorm2d(to),
  });
  const shortcut =
    from === to && stride === 1
      ? undefined
      : new Sequential({ conv: new Conv2d(from, to, 1, { stride, bias: false }), bn: new BatchNorm2d(to) });
  return new Sequential({ add: new Residual(body, shortcut), relu: new ReLU() });
}

/** The residual networks for small images: three stages of `n` blocks with 16, 32 and 64 channels (He et al. 2016). */
function resnet(name: string, n: number, shape: readonly number[], classes: number): Net {
  const [channels] = imageSize(name, shape);
  const layers: Record<string, Layer> = {
    conv: new Conv2d(channels, 16, 3, { padding: 1, bias: false }),
    bn: new BatchNorm2d(16),
    relu: new ReLU(),
  };
  [16, 32, 64].forEach((width, stage) => {
    for (let i = 0; i < n; i++) {
      const isFirst = i === 0 && stage > 0;
      layers[`stage${stage + 1}_${i + 1}`] = block(isFirst ? width / 2 : width, width, isFirst ? 2 : 1);
    }
  });
  return new Sequential({
    ...layers,
    pool: new AdaptiveAvgPool2d(1),
    flatten: new Flatten(),
    fc: new Linear(64, classes),
  });
}

/**
 * Two encoder layers of width 64 with 4 heads. Rows of pixels are the tokens of images, in a row for each channel, numbers those of
 * tables. The norm over all tokens has a weight and a shift for each place, so that attention can tell places apart.
 */
function transformer(shape: readonly number[], classes: number): Net {
  const width = 64;
  const isTable = shape.length === 1;
  const size = isTable ? 1 : (shape.at(-1) as number);
  const tokens = shape.reduce((a, b) => a * b, 1) / size;
  const options = { dimFeedforward: 2 * width, dropout: 0.1, batchFirst: true, normFirst: true };
  return new Sequential({
    tokens: isTable ? new Unflatten(1, [tokens, 1]) : new Flatten(1, -2),
    embed: new Linear(size, width),
    places: new LayerNorm([tokens, width]),
    encoder: new TransformerEncoder(new TransformerEncoderLayer(width, 4, options), 2, new LayerNorm(width)),
    flatten: new Flatten(),
    fc: new Linear(tokens * width, classes),
  });
}

const MODELS = {
  mlp: (shape: readonly number[], classes: number) => perceptron(shape, [128, 64], classes),
  'lenet-300-100': (shape: readonly number[], classes: number) => perceptron(shape, [300, 100], classes),
  lenet5,
  resnet8: (shape: readonly number[], classes: number) => resnet('resnet8', 1, shape, classes),
  resnet20: (shape: readonly number[], classes: number) => resnet('resnet20', 3, shape, classes),
  transformer,
} as const;

export type ModelName = keyof typeof MODELS;

export const MODEL_NAMES = Object.keys(MODELS) as readonly ModelName[];

/** A network of this name, or of the program in this file, for samples of this shape, freshly initialized. */
export async function buildModel(named: string, shape: readonly number[], classes: number): Promise<Net> {
  if (isModelName(named)) return MODELS[named](shape, classes);
  return modelOf(named, shape, classes);
}

export function isModelName(name: string): name is ModelName {
  return Object.hasOwn(MODELS, name);
}

/** The name of a network or of a program that makes one; throws a UsageError for another. */
export function modelName(flag: string, text: string | undefined): string | null {
  if (text !== undefined && isProgram(text)) return text;
  return oneOf(flag, text, MODEL_NAMES, PROGRAM);
}

/** What a network is called where it is shown and saved: 'nets/mine.mjs' → 'mine'. */
export function titleOf(named: string): string {
  return isModelName(named) ? named : basename(named).replace(/\.[^.]+$/, '');
}

/** Whether a network is to be made, rather than read from a model file. */
export function isMade(named: string): boolean {
  return isModelName(named) || isProgram(named);
}
