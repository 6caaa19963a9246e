import { fail, warnOnce } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { tensor } from '../../ops/index.js';
import { hasFiles } from '../../runtime/files.node.js';
import type { HostArray } from '../collate.js';
import { checkIndex, type Dataset, type Pass, streamsOf } from '../dataset.js';
import { isAddress, readSource, type Source } from '../source.js';
import type { Construction, Transform } from '../transforms/transform.js';
import { type DecodedImage, decodeBytes } from './decode.js';
import {
  checkListing,
  type FileChoice,
  filterOf,
  isHidden,
  type Listing,
  listClasses,
  listClassesSync,
} from './listing.js';
import { checkMode, type ImageMode } from './pixels.js';
import { probeImage } from './probe.js';
import { Turns } from './turns.js';

export interface ImageFolderOptions extends FileChoice {
  /** Applied to each image, uint8 [C, H, W]. */
  readonly transform?: Transform;
  /**
   * What becomes of an image that cannot be read. 'throw' (default) throws an error that names the file and its class.
   * 'skip' reports it in `skipped` and goes on without: see `skipped`.
   */
  readonly onError?: 'throw' | 'skip';
  /** 'float32' (default) gives brightness 0 … 1 where the transform left bytes; 'uint8' gives the bytes. */
  readonly dtype?: 'float32' | 'uint8';
  /** Channels of the images: 'rgb' (default), 'gray' or 'rgba'. */
  readonly mode?: Exclude<ImageMode, 'unchanged'>;
}

/** An image [C, H, W] as numbers, and its class. The DataLoader makes tensors of them: float32 or uint8, and int32. */
export type ImageSample = [image: HostArray, label: number];

/** An image that could not be read. */
export interface SkippedImage {
  readonly path: string;
  readonly className: string;
  /** What is wrong with it. */
  readonly reason: string;
  /** The image that stands in for it; null for one that was left out when the folder was listed. */
  readonly replacedBy: string | null;
}

/** Many samples as two values, which other threads can be handed at once: paths with NULs between them, and their classes. */
export interface PackedSamples {
  readonly paths: string;
  readonly labels: Int32Array;
}

/** Images that were listed before. */
export interface ImageList extends Pick<Listing, 'classes'> {
  /** What the listing is of, for messages. */
  readonly root: string;
  /** Path and class of each image. */
  readonly samples: Listing['samples'] | PackedSamples;
  /** Where the bytes of each sample come from, if not from its path. */
  readonly sources?: readonly Source[];
  /** Images that were left out. */
  readonly skipped?: readonly SkippedImage[];
}

/** Files that are open side by side. */
const AT_A_TIME = 32;

const NAME = 'ImageFolder';
/** No path has one in it. */
const SEPARATOR = '\0';

/**
 * Images in folders, one for each class: `root/cat/1.jpg`, `root/dog/kennel/2.png`; torchvision's ImageFolder. Classes are
 * the sorted names of the folders, samples the images in and below them. Links are followed. Names that begin with a dot are
 * left out, and so are files that end with none of `extensions`.
 *
 * Sample i is read, decoded and transformed when it is asked for. On Node, Deno and Bun `new ImageFolder(root)` lists the
 * folder at once and `await ImageFolder.load(root)` without blocking; where there are no folders, `ImageFolder.fromFiles`
 * takes the files of an input or a drop.
 */
export class ImageFolder implements Dataset<ImageSample> {
  readonly root: string;
  /** Names of the classes, sorted. */
  readonly classes: readonly string[];
  /** The number of each class. */
  readonly classToIdx: Readonly<Record<string, number>>;
  /** Path and class of each image. */
  readonly samples: readonly (readonly [path: string, label: number])[];
  /** The class of each image. */
  readonly targets: Int32Array;
  readonly length: number;
  private readonly sources: readonly Source[] | undefined;
  private readonly options: ImageFolderOptions;
  /** Images that could not be read, and those that stand in for them. */
  private readonly broken = new Map<number, number>();
  private readonly reports: SkippedImage[];
  private readonly turns = new Turns(AT_A_TIME);

  /** Lists the folder `root`, or takes a list that was made before. No file is opened. */
  constructor(root: string | ImageList, options: ImageFolderOptions = {}) {
    checkOptions(options);
    const list: ImageList = typeof root === 'string' ? { root, ...listClassesSync(NAME, root, options) } : root;
    const { classes, sources } = list;
    const samples = 'paths' in list.samples ? unpacked(list.samples) : list.samples;
    if (sources !== undefined && sources.length !== samples.length) {
      fail('argument', `${NAME}: ${samples.length} samples need as many sources, got ${sources.length}.`);
    }
    const odd = samples.findIndex(([, label]) => classes[label] === undefined);
    if (odd >= 0)
      fail('data', `${NAME}: class ${samples[odd]?.[1]} of sample ${odd} is none of ${classes.length} classes.`);
    this.root = list.root;
    this.classes = [...classes];
    // Entries rather than assignments: a class may be called __proto__.
    this.classToIdx = Object.fromEntries(classes.map((name, label) => [name, label]));
    this.samples = samples;
    this.targets = Int32Array.from(samples, ([, label]) => label);
    this.length = samples.length;
    this.sources = sources?.map(movable);
    this.options = options;
    this.reports = [...(list.skipped ?? [])];
  }

  /**
   * Lists the folder `root`. With `onError: 'skip'` the beginning and the end of each file are looked at too, and images that
   * are cut short, empty, or no images are left out and reported.
   */
  static async load(root: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
    checkOptions(options);
    if (typeof root !== 'string' || !hasFiles()) {
      fail('unsupported', `${NAME}: folders can be listed on Node, Deno and Bun. Use ${NAME}.fromFiles(files) here.`);
    }
    const listing = await listClasses(NAME, root, options);
    return new ImageFolder(await withoutBroken({ root, ...listing }, options), options);
  }

  /**
   * The same of files: those of `<input type="file" webkitdirectory>`, whose paths begin with the folder that was picked; or
   * pairs of a path below the root, such as 'cat/1.jpg', and what to read there. Files that lie in no class are left out.
   */
  static async fromFiles(
    files: Iterable<File | readonly [path: string, source: Source]>,
    options: ImageFolderOptions = {},
  ): Promise<ImageFolder> {
    checkOptions(options);
    const { counts, warn } = filterOf(NAME, options);
    const found: { parts: string[]; path: string; source: Source }[] = [];
    const folders = new Set<string>();
    for (const file of files) {
      const [path, source]: readonly [string, Source] = isPair(file) ? file : [file.webkitRelativePath, file];
      // The picked folder is the root.
      const parts = path
        .split('/')
        .filter((part) => part !== '' && part !== '.')
        .slice(isPair(file) ? 0 : 1);
      if (parts.length < 2 || parts.some(isHidden)) continue;
      folders.add(parts[0] as string);
      const below = parts.join('/');
      if (counts(below)) found.push({ parts, path: below, source });
    }
    warn();
    const classes = [...folders].sort();
    const order = (folder: string[]): string => folder.slice(0, -1).join('/');
    const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
    found.sort(
      (a, b) =>
        compare(a.parts[0] as string, b.parts[0] as string) ||
        compare(order(a.parts), order(b.parts)) ||
        compare(a.parts.at(-1) as string, b.parts.at(-1) as string),
    );
    const labels = new Map(classes.map((name, label) => [name, label]));
    const samples = found.map(({ parts, path }) => [path, labels.get(parts[0] as string) as number] as const);
    const listing = checkListing(NAME, 'the files given', { classes, samples }, options);
    const list = { root: '', ...listing, sources: found.map(({ source }) => source) };
    return new ImageFolder(await withoutBroken(list, options), options);
  }

  /**
   * Images that could not be read, with `onError: 'skip'`. What `load` and `fromFiles` find is left out, and `length` is
   * without it. What shows only in the middle of a run (a file damaged between its ends, or deleted since) cannot change
   * `length` any more: the next readable image of the same class stands in for it, transformed by the random numbers of the
   * one that was asked for; classes keep their weights, and every run gives the same. In worker threads each has a list of its
   * own; all print a warning.
   */
  get skipped(): readonly SkippedImage[] {
    return this.reports;
  }

  /** Reads, decodes and transforms sample `index`. */
  async get(index: number, pass?: Pass): Promise<ImageSample> {
    checkIndex(NAME, index, this.length);
    const from = this.broken.get(index) ?? index;
    let image: DecodedImage;
    try {
      image = await this.decoded(from);
    } catch (error) {
      if (this.options.onError !== 'skip') throw error;
      image = await this.replaced(index, error);
    }
    return [await this.transformed(image, index, pass), this.targets[index] as number];
  }

  /** What another thread makes the same dataset of. */
  portable(): Construction {
    const { root, classes, sources } = this;
    const samples: PackedSamples = { paths: this.samples.map(([path]) => path).join(SEPARATOR), labels: this.targets };
    const { isValidFile: _, ...options } = this.options;
    return { type: NAME, args: [{ root, classes, samples, ...(sources ? { sources } : {}) }, options] };
  }

  private async decoded(index: number): Promise<DecodedImage> {
    const [path, label] = this.samples[index] as readonly [string, number];
    try {
      return await this.turns.take(async () => {
        const bytes = await readSource(this.sources?.[index] ?? path);
        return decodeBytes(path, bytes, { mode: this.options.mode ?? 'rgb' });
      });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      return fail('data', `${NAME}: class '${this.classes[label]}': ${message}`, cause);
    }
  }

  /** The next image of the class that can be read, in place of image `index`, whose error is given. */
  private async replaced(index: number, error: unknown): Promise<DecodedImage> {
    const label = this.targets[index];
    for (let step = 1; step < this.length; step++) {
      const other = (index + step) % this.length;
      if (this.targets[other] !== label || this.broken.has(other)) continue;
      const image = await this.decoded(other).catch(() => null);
      if (image === null) continue;
      if (!this.broken.has(index)) this.report(index, other, error);
      return image;
    }
    return fail('data', `${errorText(error)} No other image of the class can be read either.`, error);
  }

  private report(index: number, other: number, error: unknown): void {
    this.broken.set(index, other);
    const path = this.samples[index]?.[0] as string;
    const replacedBy = this.samples[other]?.[0] as string;
    const className = this.classes[this.targets[index] as number] as string;
    this.reports.push({ path, className, reason: errorText(error), replacedBy });
    warnOnce(`${errorText(error)} ${replacedBy} stands in for it.`);
  }

  private async transformed({ data, shape }: DecodedImage, index: number, pass: Pass | undefined): Promise<HostArray> {
    const { transform, dtype = 'float32' } = this.options;
    if (transform === undefined) return { data: dtype === 'uint8' ? data : brightness(data), shape };
    // The tensors are this call's own: a scope that is open elsewhere may end before the numbers are there.
    const y = scope(() => transform.forward(tensor(data, shape), streamsOf([index], pass)).keep());
    try {
      if (dtype === 'uint8' && y.dtype !== 'uint8') {
        fail('dtype', `${NAME}: the transform gives ${y.dtype}, and dtype 'uint8' was asked for. Leave out dtype.`);
      }
      const numbers = await y.data();
      if (y.dtype !== 'uint8') return { data: Float32Array.from(numbers), shape: [...y.shape] };
      return { data: dtype === 'uint8' ? numbers : brightness(numbers), shape: [...y.shape] };
    } finally {
      y.dispose();
    }
  }
}

function checkOptions({ onError = 'throw', dtype = 'float32', mode = 'rgb' }: ImageFolderOptions): void {
  if (onError !== 'throw' && onError !== 'skip') {
    fail('argument', `${NAME}: onError must be 'throw' or 'skip', got '${String(onError)}'.`);
  }
  if (dtype !== 'float32' && dtype !== 'uint8') {
    fail('argument', `${NAME}: dtype must be 'float32' or 'uint8', got '${String(dtype)}'.`);
  }
  checkMode(NAME, mode);
  if ((mode as ImageMode) === 'unchanged') {
    fail('argument', `${NAME}: mode 'unchanged' gives images of different channels. Use 'rgb', 'rgba' or 'gray'.`);
  }
}

/** A source in a form that other threads can be handed: addresses as texts, bytes as plain arrays. */
function movable(source: Source): Source {
  if (source instanceof URL) return source.href;
  return ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : source;
}

function unpacked({ paths, labels }: PackedSamples): [string, number][] {
  if (labels.length === 0) return [];
  return paths.split(SEPARATOR).map((path, i) => [path, labels[i] as number]);
}

function isPair(file: File | readonly [string, Source]): file is readonly [string, Source] {
  return Array.isArray(file);
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Bytes as brightness 0 … 1. */
function brightness(bytes: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < values.length; i++) values[i] = (bytes[i] as number) / 255;
  return values;
}

/** The list without the images whose ends show that they cannot be read, if those are to be skipped. */
async function withoutBroken(list: ImageList & Listing, options: ImageFolderOptions): Promise<ImageList> {
  if (options.onError !== 'skip') return list;
  const { samples, classes, sources } = list;
  const reasons = new Array<string | null>(samples.length).fill(null);
  const turns = new Turns(AT_A_TIME);
  const look = async (i: number): Promise<void> => {
    const source = sources?.[i] ?? (samples[i]?.[0] as string);
    // An address cannot be read in part.
    if (source instanceof URL || (typeof source === 'string' && isAddress(source))) return;
    await probeImage(source).catch((error: unknown) => {
      reasons[i] = errorText(error);
    });
  };
  await Promise.all(samples.map((_, i) => turns.take(() => look(i))));
  const skipped = samples.flatMap(([path, label], i): SkippedImage[] => {
    const reason = reasons[i];
    return reason == null ? [] : [{ path, className: classes[label] as string, reason, replacedBy: null }];
  });
  if (skipped.length === 0) return list;
  const whole = <T>(_: T, i: number): boolean => reasons[i] === null;
  const kept = { ...list, samples: samples.filter(whole), skipped };
  const [{ reason }] = skipped as [SkippedImage];
  warnOnce(
    `${NAME}: ${skipped.length} of ${samples.length} images are left out, the first because ${reason} See skipped.`,
  );
  checkListing(NAME, list.root || 'the files given', kept, options);
  return sources ? { ...kept, sources: sources.filter(whole) } : kept;
}
