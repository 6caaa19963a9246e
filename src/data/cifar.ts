import { fail } from '../core/errors.js';
import { hasFiles, listFolder } from '../runtime/files.node.js';
import { ImageDataset, type ImageOptions, type LabelledImages } from './images/imagedataset.js';
import { holdOut } from './parts.js';
import { isAddress, nameOf, readSource, type Source } from './source.js';

/**
 * CIFAR's binary files (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): records of one label
 * byte (CIFAR-100: two, the coarse class and the fine) and 3 × 32 × 32 pixels, red, green and blue planes.
 */

const PIXELS = 3 * 32 * 32;

export interface CifarOptions extends ImageOptions {
  /** The training part (50,000 images), default, or with false the test part (10,000). */
  readonly train?: boolean;
}

export interface Cifar100Options extends CifarOptions {
  /** The 20 coarse classes instead of the 100 fine ones. Default false. */
  readonly coarse?: boolean;
}

/** What tells the two formats apart. */
interface Format {
  readonly folders: readonly string[];
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** Label bytes before the pixels, and which of them counts. */
  readonly labels: number;
  readonly label: number;
  readonly classes: readonly string[];
}

/** The files of a part in a folder, or under an address. */
async function filesIn(folder: string | URL, { folders, train, test }: Format, isTrain: boolean): Promise<Source[]> {
  const names = isTrain ? train : test;
  const text = String(folder);
  if (typeof folder === 'string' && hasFiles() && !isAddress(folder)) {
    const path = folder.replace(/[\\/]+$/, '') || '/';
    for (const below of ['', ...folders]) {
      const at = below === '' ? path : `${path}/${below}`;
      const present = new Set(await listFolder(at));
      if (names.every((name) => present.has(name))) return names.map((name) => `${at}/${name}`);
    }
    return fail('data', `${folder}: expected a folder that holds ${names.join(', ')}.`);
  }
  const base = text.endsWith('/') ? text : `${text}/`;
  return names.map((name) => base + name);
}

async function readParts(sources: readonly Source[], { labels, label, classes }: Format): Promise<LabelledImages> {
  const record = labels + PIXELS;
  const parts: { readonly name: string; readonly bytes: Uint8Array }[] = [];
  for (const source of sources) {
    const name = nameOf(source);
    const bytes = await readSource(source);
    if (bytes.length === 0 || bytes.length % record !== 0) {
      fail(
        'format',
        `${name}: expected records of ${record} bytes, ${bytes.length} bytes are ${(bytes.length / record).toFixed(2)} of them. ` +
          'Is it the binary version, and is the file whole?',
      );
    }
    parts.push({ name, bytes });
  }
  const count = parts.reduce((n, { bytes }) => n + bytes.length / record, 0);
  const images = new Uint8Array(count * PIXELS);
  const numbers = new Uint8Array(count);
  let n = 0;
  for (const { name, bytes } of parts) {
    for (let at = 0; at < bytes.length; at += record, n++) {
      const found = bytes[at + label] as number;
      if (found >= classes.length) {
        fail('format', `${name}: label ${at / record} is ${found}, expected 0 … ${classes.length - 1}.`);
      }
      numbers[n] = found;
      images.set(bytes.subarray(at + labels, at + record), n * PIXELS);
    }
  }
  return { images, labels: numbers, classes, shape: [3, 32, 32], white: 255 };
}

async function read(
  source: string | URL | readonly Source[],
  format: Format,
  options: CifarOptions,
): Promise<LabelledImages> {
  const sources =
    typeof source === 'string' || source instanceof URL ? await filesIn(source, format, options.train ?? true) : source;
  if (sources.length === 0) fail('argument', 'CIFAR: expected at least one file.');
  return readParts(sources, format);
}

/** Small colour photographs, 32 × 32, of ten kinds. Samples are float32 [3, 32, 32] of brightness 0 … 1 and an int32 label. */
export class CIFAR10 extends ImageDataset {
  static readonly classes: readonly string[] = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');

  /**
   * Reads the training or the test part of the binary version from a folder with the files under their usual names, from a
   * URL of such a folder, or from the files given. Files of a wrong length or with unknown labels throw, code 'format'.
   */
  static async load(source: string | URL | readonly Source[], options: CifarOptions = {}): Promise<CIFAR10> {
    const format: Format = {
      folders: ['cifar-10-batches-bin'],
      train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
      test: ['test_batch.bin'],
      labels: 1,
      label: 0,
      classes: CIFAR10.classes,
    };
    const dataset = new CIFAR10(await read(source, format, options), options);
    return options.train === false ? holdOut(dataset, 'the test part of CIFAR10') : dataset;
  }
}

/** The same of a hundred kinds in twenty groups. */
export class CIFAR100 extends ImageDataset {
  static readonly classes: readonly string[] = (
    'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle ' +
    'caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish ' +
    'forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle ' +
    'mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine ' +
    'possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar ' +
    'sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale ' +
    'willow_tree wolf woman worm'
  ).split(' ');

  static readonly coarseClasses: readonly string[] = (
    'aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture ' +
    'insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores ' +
    'medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2'
  ).split(' ');

  /** As `CIFAR10.load`. */
  static async load(source: string | URL | readonly Source[], options: Cifar100Options = {}): Promise<CIFAR100> {
    const coarse = options.coarse ?? false;
    const format: Format = {
      folders: ['cifar-100-binary'],
      train: ['train.bin'],
      test: ['test.bin'],
      labels: 2,
      label: coarse ? 0 : 1,
      classes: coarse ? CIFAR100.coarseClasses : CIFAR100.classes,
    };
    const dataset = new CIFAR100(await read(source, format, options), options);
    return options.train === false ? holdOut(dataset, 'the test part of CIFAR100') : dataset;
  }
}
