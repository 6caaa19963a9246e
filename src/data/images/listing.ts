import { fail, warnOnce } from '../../core/errors.js';
import { type FolderEntry, readFolder, readFolderSync } from '../../runtime/files.node.js';

/** Which files of a class count. */
export interface FileChoice {
  /** Endings of names, in any case. Default: .jpg, .jpeg and .png. */
  readonly extensions?: string | readonly string[];
  /** Whether a file counts, in place of `extensions`; it is given the path. */
  readonly isValidFile?: (path: string) => boolean;
  /** Whether a class may have no images. Default false. */
  readonly allowEmpty?: boolean;
}

/** Files by class. */
export interface Listing {
  /** Names of the classes, sorted. */
  readonly classes: readonly string[];
  /** Path and class of each image: class by class, within one sorted by folder and name. */
  readonly samples: readonly (readonly [path: string, label: number])[];
}

export const EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png'];

/** Kinds of images that torchvision reads and fettle does not. They are not passed over in silence. */
const OTHER_IMAGES = /\.(ppm|bmp|pgm|tiff?|webp)$/i;

function extensionsOf({ extensions }: FileChoice): readonly string[] {
  const all = typeof extensions === 'string' ? [extensions] : (extensions ?? EXTENSIONS);
  return all.map((extension) => extension.toLowerCase());
}

/** Whether a path counts, and a count of those that may have been meant to. */
export function filterOf(name: string, choice: FileChoice): { counts: (path: string) => boolean; warn: () => void } {
  const { extensions, isValidFile } = choice;
  if (extensions !== undefined && isValidFile !== undefined) {
    fail('argument', `${name}: extensions and isValidFile exclude each other. Pass one of them.`);
  }
  const endings = extensionsOf(choice);
  let others = 0;
  const counts = (path: string): boolean => {
    if (isValidFile !== undefined) return isValidFile(path);
    const lower = path.toLowerCase();
    if (endings.some((ending) => lower.endsWith(ending))) return true;
    if (extensions === undefined && OTHER_IMAGES.test(path)) others++;
    return false;
  };
  const warn = (): void => {
    if (others === 0) return;
    warnOnce(
      `${name}: ${others} images are left out because they are neither PNG nor JPEG (.bmp, .webp, .tiff, .ppm or .pgm). ` +
        'Convert them, or pass extensions to say that they are not meant.',
    );
  };
  return { counts, warn };
}

/** Names that begin with a dot belong to the system: folders of tools, and what macOS puts beside files. */
export function isHidden(name: string): boolean {
  return name.startsWith('.');
}

const byName = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** A folder, and where it and those around it really are, so that links that lead back are seen. */
interface Place {
  readonly path: string;
  readonly real: string;
  readonly around: readonly string[];
}

function within({ path, real, around }: Place, entry: FolderEntry): Place | null {
  const place = entry.real ?? `${real}/${entry.name}`;
  const outer = [...around, real];
  return outer.includes(place) ? null : { path: `${path}/${entry.name}`, real: place, around: outer };
}

/** Lists `root`, asking for what folders hold, so that one walk serves callers that wait and callers that cannot. */
function* walk(name: string, root: string, choice: FileChoice): Generator<string, Listing, FolderEntry[]> {
  const { counts, warn } = filterOf(name, choice);
  const path = root.replace(/[\\/]+$/, '') || '/';
  const top: Place = { path: path === '/' ? '' : path, real: path, around: [] };
  const folders = (yield path).filter((entry) => entry.kind === 'folder' && !isHidden(entry.name));
  folders.sort((a, b) => byName(a.name, b.name));
  const samples: [string, number][] = [];
  for (const [label, folder] of folders.entries()) {
    const found: { folder: string; names: string[] }[] = [];
    const waiting = [within(top, folder)];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      if (place === null) continue;
      const names: string[] = [];
      for (const entry of yield place.path) {
        if (isHidden(entry.name)) continue;
        if (entry.kind === 'folder') waiting.push(within(place, entry));
        else if (entry.kind === 'file' && counts(`${place.path}/${entry.name}`)) names.push(entry.name);
      }
      found.push({ folder: place.path, names: names.sort(byName) });
    }
    found.sort((a, b) => byName(a.folder, b.folder));
    for (const { folder: at, names } of found) for (const each of names) samples.push([`${at}/${each}`, label]);
  }
  warn();
  const classes = folders.map((folder) => folder.name);
  return checkListing(name, root, { classes, samples }, choice);
}

/** A listing that can be trained on, or an error that says what is missing. */
export function checkListing(name: string, root: string, listing: Listing, choice: FileChoice): Listing {
  const { classes, samples } = listing;
  if (classes.length === 0) {
    fail(
      'data',
      `${name}: ${root} has no class folders. Put the images of each class into a folder of its name there.`,
    );
  }
  const seen = new Set(samples.map(([, label]) => label));
  const empty = classes.filter((_, label) => !seen.has(label));
  if (empty.length > 0 && choice.allowEmpty !== true) {
    const kinds = choice.isValidFile
      ? 'isValidFile decides which'
      : `their names end with ${extensionsOf(choice).join(', ')}`;
    fail(
      'data',
      `${name}: ${root} has no images for the class${empty.length > 1 ? 'es' : ''} ${empty.join(', ')}; ${kinds}. ` +
        'Remove the empty folders, or pass allowEmpty: true.',
    );
  }
  return listing;
}

/** The images below `root`, a folder for each class. */
export async function listClasses(name: string, root: string, choice: FileChoice): Promise<Listing> {
  const steps = walk(name, root, choice);
  let step = steps.next();
  while (!step.done) step = steps.next(await readFolder(step.value));
  return step.value;
}

/** The same at once. */
export function listClassesSync(name: string, root: string, choice: FileChoice): Listing {
  const steps = walk(name, root, choice);
  let step = steps.next();
  while (!step.done)
    step = steps.next(readFolderSync(step.value, 'Use await ImageFolder.load(), or ImageFolder.fromFiles().'));
  return step.value;
}
