import { fail } from '../core/errors.js';
import { hasFiles, listFolder } from '../runtime/files.node.js';
import { readIdx } from './idx.js';
import { ImageDataset, type ImageOptions, type LabelledImages } from './images/imagedataset.js';
import { holdOut } from './parts.js';
import { isAddress, nameOf, type Source } from './source.js';

/** The two files of one part, where they do not lie in a folder under their usual names. */
export interface IdxPair {
  readonly images: Source;
  readonly labels: Source;
}

export interface MnistOptions extends ImageOptions {
  /** The training part (60,000 images), default, or with false the test part (10,000). */
  readonly train?: boolean;
}

/** The names a file goes under: with a dash or a dot before `idx`, gzipped or not. */
function namesOf(stem: string, rank: number): string[] {
  return ['-', '.'].flatMap((sign) => [`${stem}${sign}idx${rank}-ubyte`, `${stem}${sign}idx${rank}-ubyte.gz`]);
}

/** The file of a part in a folder of files. */
async function findFile(folder: string, stem: string, rank: number): Promise<string> {
  // torchvision puts the files of the data set MNIST into MNIST/raw.
  for (const below of ['', 'raw', 'MNIST/raw', 'FashionMNIST/raw']) {
    const path = below === '' ? folder : `${folder}/${below}`;
    const present = new Set(await listFolder(path));
    const name = namesOf(stem, rank).find((candidate) => present.has(candidate));
    if (name !== undefined) return `${path}/${name}`;
  }
  return fail('data', `${folder}: expected a folder that holds ${namesOf(stem, rank).slice(0, 2).join(' or ')}.`);
}

async function pairIn(folder: string | URL, part: 'train' | 't10k'): Promise<IdxPair> {
  const text = String(folder);
  if (typeof folder === 'string' && hasFiles() && !isAddress(folder)) {
    const path = folder.replace(/[\\/]+$/, '') || '/';
    return { images: await findFile(path, `${part}-images`, 3), labels: await findFile(path, `${part}-labels`, 1) };
  }
  // An address cannot be listed; the data set is distributed gzipped, under these names.
  const base = text.endsWith('/') ? text : `${text}/`;
  return { images: `${base}${part}-images-idx3-ubyte.gz`, labels: `${base}${part}-labels-idx1-ubyte.gz` };
}

function isPair(source: string | URL | IdxPair): source is IdxPair {
  return typeof source === 'object' && 'images' in source && 'labels' in source;
}

async function readPair(
  source: string | URL | IdxPair,
  classes: readonly string[],
  options: MnistOptions,
): Promise<LabelledImages> {
  const pair = isPair(source) ? source : await pairIn(source, options.train === false ? 't10k' : 'train');
  const images = await readIdx(pair.images, { rank: 3 });
  const labels = await readIdx(pair.labels, { rank: 1 });
  const [inName, lnName] = [nameOf(pair.images), nameOf(pair.labels)];
  if (!(images.data instanceof Uint8Array)) return fail('format', `${inName}: pixels must be uint8.`);
  if (!(labels.data instanceof Uint8Array)) return fail('format', `${lnName}: labels must be uint8.`);
  const [count, height, width] = images.shape as [number, number, number];
  if (count !== labels.data.length) {
    fail('format', `${inName} has ${count} images, ${lnName} has ${labels.data.length} labels; they must be as many.`);
  }
  const odd = labels.data.findIndex((label) => label >= classes.length);
  if (odd >= 0) fail('format', `${lnName}: label ${odd} is ${labels.data[odd]}, expected 0 … ${classes.length - 1}.`);
  return { images: images.data, labels: labels.data, classes, shape: [1, height, width], white: 255 };
}

/**
 * Handwritten digits, 28 × 28 (LeCun, Cortes and Burges), read from IDX files, gzipped or not. Samples are float32
 * [1, 28, 28] of brightness 0 … 1 and an int32 label.
 */
export class MNIST extends ImageDataset {
  static readonly classes: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

  /**
   * Reads the training or the test part from a folder with the files under their usual names, from a URL of such a folder,
   * or from two sources. Files that are cut short, too long, or not what they should be throw an error of code 'format'.
   */
  static async load(source: string | URL | IdxPair, options: MnistOptions = {}): Promise<MNIST> {
    const dataset = new MNIST(await readPair(source, MNIST.classes, options), options);
    return options.train === false ? holdOut(dataset, 'the test part of MNIST') : dataset;
  }
}

/** Articles of clothing in MNIST's format (Xiao, Rasul and Vollgraf, "Fashion-MNIST", 2017). */
export class FashionMNIST extends ImageDataset {
  static readonly classes: readonly string[] = [
    'T-shirt/top',
    'Trouser',
    'Pullover',
    'Dress',
    'Coat',
    'Sandal',
    'Shirt',
    'Sneaker',
    'Bag',
    'Ankle boot',
  ];

  /** As `MNIST.load`. */
  static async load(source: string | URL | IdxPair, options: MnistOptions = {}): Promise<FashionMNIST> {
    const dataset = new FashionMNIST(await readPair(source, FashionMNIST.classes, options), options);
    return options.train === false ? holdOut(dataset, 'the test part of FashionMNIST') : dataset;
  }
}
