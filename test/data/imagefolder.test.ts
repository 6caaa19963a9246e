import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FettleError, memory, type Tensor } from 'fettle';
import {
  CenterCrop,
  Compose,
  DataLoader,
  decodeImage,
  type HostArray,
  ImageFolder,
  Normalize,
  RandomHorizontalFlip,
  RandomResizedCrop,
  RandomRotation,
  ToTensor,
  type Transform,
} from 'fettle/data';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { errorOf } from '../support/errors.js';

const golden = JSON.parse(readFileSync(new URL('golden/images.json', import.meta.url), 'utf8')) as {
  cases: { name: string; file: string }[];
};

function fileOf(name: string): Buffer<ArrayBuffer> {
  const found = golden.cases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no golden ${name}`);
  return Buffer.from(found.file, 'base64') as Buffer<ArrayBuffer>;
}

/** Of one size, 31 × 37. */
const photos = ['jpeg 4:4:4', 'jpeg 4:2:2', 'jpeg 4:2:0', 'jpeg 4:4:4 progressive'].map(fileOf) as [
  Buffer<ArrayBuffer>,
  ...Buffer<ArrayBuffer>[],
];
const [photo] = photos;
const png = fileOf('png rgb 8 bit');

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fettle-folder-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), bytes);
}

/** Paths below the root. */
const paths = (folder: ImageFolder): string[] => folder.samples.map(([path]) => path.slice(root.length + 1));

describe('ImageFolder', () => {
  it('finds classes and images in the order of torchvision', async () => {
    put('dog/b.jpg', photo);
    put('dog/a.PNG', png);
    put('dog/more/deep/1.jpeg', photo);
    put('dog/more-of-them/2.jpg', photo);
    put('cat.v1.2/10.jpg', photo);
    put('cat.v1.2/9.JPG', photo);
    put('cat.v1.2/notes.txt', 'no image');
    put('Zebra/z.jpg', photo);
    // Hidden things and files beside the classes count for nothing.
    put('.cache/x.jpg', photo);
    put('dog/._b.jpg', 'what macOS keeps');
    put('dog/.thumbnails/b.jpg', photo);
    put('readme.jpg', photo);
    for (const folder of [new ImageFolder(root), await ImageFolder.load(`${root}/`)]) {
      expect(folder.classes).toEqual(['Zebra', 'cat.v1.2', 'dog']);
      expect(folder.classToIdx).toEqual({ Zebra: 0, 'cat.v1.2': 1, dog: 2 });
      expect(paths(folder)).toEqual([
        'Zebra/z.jpg',
        'cat.v1.2/10.jpg',
        'cat.v1.2/9.JPG',
        'dog/a.PNG',
        'dog/b.jpg',
        // The whole path decides: a dash comes before a slash.
        'dog/more-of-them/2.jpg',
        'dog/more/deep/1.jpeg',
      ]);
      expect([...folder.targets]).toEqual([0, 1, 1, 2, 2, 2, 2]);
      expect(folder.length).toBe(7);
      expect(folder.root.startsWith(root)).toBe(true);
    }
  });

  it('follows links, and none that lead back', () => {
    put('a/1.jpg', photo);
    put('elsewhere.of.b/2.jpg', photo);
    rmSync(join(root, 'elsewhere.of.b'), { recursive: true });
    const other = mkdtempSync(join(tmpdir(), 'fettle-linked-'));
    try {
      writeFileSync(join(other, '2.jpg'), photo);
      symlinkSync(other, join(root, 'b'));
      symlinkSync(join(root, 'a/1.jpg'), join(root, 'a/link.jpg'));
      symlinkSync(join(root, 'gone.jpg'), join(root, 'a/gone.jpg'));
      symlinkSync(root, join(root, 'a/loop'));
      symlinkSync(join(root, 'a'), join(other, 'a'));
      const folder = new ImageFolder(root);
      expect(folder.classes).toEqual(['a', 'b']);
      // Through a/loop and b/a the root and a are seen once more each, where they do not lie around the link itself.
      expect(new Set(paths(folder))).toEqual(
        new Set(['a/1.jpg', 'a/link.jpg', 'b/2.jpg', 'b/a/1.jpg', 'b/a/link.jpg']),
      );
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it('takes other extensions, or a function that says which files count', () => {
    put('a/1.img', photo);
    put('a/2.jpg', photo);
    expect(paths(new ImageFolder(root, { extensions: '.IMG' }))).toEqual(['a/1.img']);
    expect(paths(new ImageFolder(root, { extensions: ['.img', '.jpg'] }))).toEqual(['a/1.img', 'a/2.jpg']);
    expect(paths(new ImageFolder(root, { isValidFile: (path) => path.endsWith('a/2.jpg') }))).toEqual(['a/2.jpg']);
    expect(() => new ImageFolder(root, { extensions: '.img', isValidFile: () => true })).toThrow(/exclude each other/);
  });

  it('says which images are left out because of their kind, once', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      put('a/1.jpg', photo);
      put('a/2.webp', 'RIFF');
      put('a/3.BMP', 'BM');
      new ImageFolder(root);
      new ImageFolder(root);
      expect(warned.mock.calls.flat().join()).toMatch(/2 images are left out because they are neither PNG nor JPEG/);
      expect(warned).toHaveBeenCalledTimes(1);
    } finally {
      warned.mockRestore();
    }
  });

  it('says what to do about a root without classes, a class without images, no folder at all', async () => {
    put('1.jpg', photo);
    expect(() => new ImageFolder(root)).toThrow(/has no class folders. Put the images of each class into a folder/);
    expect((await errorOf(ImageFolder.load(root))).code).toBe('data');
    put('a/1.jpg', photo);
    put('b/readme.txt', '');
    put('c/readme.txt', '');
    expect(() => new ImageFolder(root)).toThrow(
      /no images for the classes b, c; their names end with \.jpg, \.jpeg, \.png\. Remove the empty folders, or pass allowEmpty/,
    );
    const folder = await ImageFolder.load(root, { allowEmpty: true });
    expect([folder.classes, folder.length]).toEqual([['a', 'b', 'c'], 1]);
    expect(() => new ImageFolder(join(root, 'nowhere'))).toThrow(
      /nowhere: cannot be listed: there is no such file or folder/,
    );
    expect((await errorOf(ImageFolder.load(join(root, '1.jpg')))).message).toMatch(
      /1.jpg: cannot be listed: it is no folder/,
    );
  });

  it('gives images as numbers: brightness, or bytes', async () => {
    put('a/1.jpg', photo);
    put('b/2.png', png);
    const { data: bytes, shape } = await decodeImage(photo);
    const [image, label] = await new ImageFolder(root).get(0);
    expect([image.data.constructor, image.shape, label]).toEqual([Float32Array, shape, 0]);
    expect([...image.data]).toEqual(Array.from(bytes, (byte) => Math.fround(byte / 255)));
    const [raw] = await new ImageFolder(root, { dtype: 'uint8' }).get(0);
    expect(raw).toEqual({ data: bytes, shape });
    const [gray] = await new ImageFolder(root, { dtype: 'uint8', mode: 'gray' }).get(1);
    expect(gray).toEqual(await decodeImage(png, { mode: 'gray' }));
    expect((await errorOf(new ImageFolder(root).get(2))).message).toMatch(/sample 2 does not exist/);
  });

  it('transforms bytes with the random numbers of the sample', async () => {
    put('a/1.jpg', photo);
    put('a/2.jpg', photo);
    const seen: string[] = [];
    const spy: Transform = {
      forward(input) {
        seen.push(`${input.dtype} ${input.shape.join()}`);
        return input;
      },
    };
    const folder = new ImageFolder(root, { transform: Compose([spy, RandomRotation(30), RandomHorizontalFlip()]) });
    const before = memory().tensors;
    const pass = { seed: 3, epoch: 1 };
    const [first] = await folder.get(0, pass);
    expect(seen).toEqual(['uint8 3,31,37']);
    expect(first.data).toBeInstanceOf(Float32Array);
    expect(Math.max(...first.data)).toBeLessThanOrEqual(1);
    expect(await folder.get(0, pass)).toEqual([first, 0]);
    expect((await folder.get(1, pass))[0].data).not.toEqual(first.data);
    expect((await folder.get(0, { ...pass, epoch: 2 }))[0].data).not.toEqual(first.data);
    expect(memory().tensors).toBe(before);

    const normalized = new ImageFolder(root, {
      transform: Compose([ToTensor(), Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])]),
    });
    const { data: bytes } = await decodeImage(photo);
    const [image] = await normalized.get(0);
    const want = Float32Array.from(bytes, (byte) => (byte / 255 - 0.5) / 0.5);
    want.forEach((value, i) => {
      expect(image.data[i]).toBeCloseTo(value, 6);
    });
    const floats = new ImageFolder(root, { transform: ToTensor(), dtype: 'uint8' });
    expect((await errorOf(floats.get(0))).message).toMatch(/gives float32, and dtype 'uint8' was asked for/);
  });

  it('feeds a loader, with and without fetching ahead', async () => {
    photos.forEach((bytes, i) => {
      put(`${i % 2 ? 'odd' : 'even'}/${i}.jpg`, bytes);
    });
    const folder = new ImageFolder(root, { transform: RandomRotation(20) });
    const read = async (prefetch: number): Promise<number[][]> => {
      const batches: number[][] = [];
      for await (const [images, labels] of new DataLoader(folder, { batchSize: 3, shuffle: true, seed: 5, prefetch })) {
        const typed: [Tensor, Tensor] = [images, labels];
        expect([typed[0].dtype, typed[1].dtype]).toEqual(['float32', 'int32']);
        expect(images.shape.slice(1)).toEqual([3, 31, 37]);
        batches.push([...(labels.toArray() as number[]), images.sum().item()]);
      }
      return batches;
    };
    const batches = await read(0);
    expect(batches.map(({ length }) => length)).toEqual([4, 2]);
    expect(await read(2)).toEqual(batches);
  });

  it('feeds rotated, cropped and flipped images of one size, whatever size the files have', async () => {
    put('a/1.jpg', photo);
    put('a/2.png', png);
    put('b/3.jpg', fileOf('jpeg gray'));
    put('b/4.jpg', fileOf('jpeg orientation 6'));
    const transform = Compose([RandomRotation(15), RandomResizedCrop(224), RandomHorizontalFlip()]);
    const folder = new ImageFolder(root, { transform });
    const sums: number[] = [];
    for await (const [x, y] of new DataLoader(folder, { batchSize: 64, shuffle: true, seed: 1 })) {
      expect([x.dtype, ...x.shape]).toEqual(['float32', 4, 3, 224, 224]);
      expect([y.dtype, ...y.shape]).toEqual(['int32', 4]);
      expect([x.amin().item() >= 0, x.amax().item() <= 1]).toEqual([true, true]);
      sums.push(x.sum().item());
    }
    // What happens to a sample follows from seed, epoch and index alone.
    const [alone] = await folder.get(2, { seed: 1, epoch: 0 });
    for await (const [x, y] of new DataLoader(folder, { batchSize: 1, seed: 1, sampler: [2] })) {
      expect([...x.dataSync()]).toEqual([...alone.data]);
      expect(y.toArray()).toEqual([1]);
    }
    expect(sums).toHaveLength(1);
  });

  it('is read by worker threads, with the same result', async () => {
    photos.forEach((bytes, i) => {
      put(`${i % 2 ? 'odd' : 'even'}/${i}.jpg`, bytes);
    });
    put('odd/cmyk.jpg', fileOf('cmyk jpeg'));
    put('even/palette.png', fileOf('png palette 4 bit'));
    const transform = Compose([RandomRotation(15), RandomResizedCrop(224), RandomHorizontalFlip()]);
    const folder = new ImageFolder(root, { transform });
    const read = async (numWorkers: number): Promise<number[]> => {
      const seen: number[] = [];
      for await (const [x, y] of new DataLoader(folder, { batchSize: 4, shuffle: true, seed: 4, numWorkers })) {
        seen.push(...x.shape, x.sum().item(), ...(y.toArray() as number[]));
      }
      return seen;
    };
    expect(await read(2)).toEqual(await read(0));
    // Bytes and Blobs in place of files go along.
    const pairs = [
      ['a/1.jpg', photo],
      ['b/2.png', new Blob([png])],
    ] as const;
    const given = await ImageFolder.fromFiles(pairs, { transform: CenterCrop(8), dtype: 'uint8' });
    for await (const [x, y] of new DataLoader(given, { batchSize: 2, numWorkers: 1 })) {
      expect([x.dtype, ...x.shape, ...(y.toArray() as number[])]).toEqual(['uint8', 2, 3, 8, 8, 0, 1]);
    }
    put('odd/1.jpg', photo.subarray(0, 300));
    const error = await errorOf(read(2));
    expect(error.message).toMatch(/sample 3 .*class 'odd': .*odd\/1\.jpg: cut short at byte 300/);
  }, 60_000);

  it('is made anew from what portable() says', async () => {
    put('a/1.jpg', photo);
    put('b/2.png', png);
    const folder = await ImageFolder.load(root, { dtype: 'uint8', isValidFile: () => true });
    const { type, args } = folder.portable();
    expect(type).toBe('ImageFolder');
    const [list, options] = structuredClone(args) as ConstructorParameters<typeof ImageFolder>;
    const again = new ImageFolder(list, options);
    expect([again.classes, again.samples, again.classToIdx]).toEqual([
      folder.classes,
      folder.samples,
      folder.classToIdx,
    ]);
    expect(await again.get(1)).toEqual(await folder.get(1));
  });

  it('refuses lists that fit no classes', () => {
    expect(() => new ImageFolder({ root: 'x', classes: ['a'], samples: [['a/1.jpg', 1]] })).toThrow(
      /none of 1 classes/,
    );
    expect(() => new ImageFolder({ root: 'x', classes: ['a'], samples: [['1', 0]], sources: [] })).toThrow(
      /as many sources/,
    );
  });

  it.each([
    [{ onError: 'ignore' }, "onError must be 'throw' or 'skip', got 'ignore'"],
    [{ dtype: 'float16' }, "dtype must be 'float32' or 'uint8'"],
    [{ mode: 'unchanged' }, 'different channels'],
  ])('checks options %j before it looks for files', (options, message) => {
    expect(() => new ImageFolder('/nowhere', options as object)).toThrow(message);
  });
});

describe('a broken image', () => {
  const damaged = Buffer.from(png);
  damaged[damaged.length - 20] = (damaged[damaged.length - 20] as number) ^ 1;

  beforeEach(() => {
    put('cat/1.png', png);
    put('cat/2.jpg', photo.subarray(0, 200));
    put('cat/3.png', damaged);
    put('cat/4.jpg', photo);
    put('dog/1.jpg', '');
    put('dog/2.jpg', photo);
  });

  it('is an error that names file and class when it is read', async () => {
    const folder = await ImageFolder.load(root);
    expect(folder.length).toBe(6);
    const error = await errorOf(folder.get(1));
    expect(error.code).toBe('data');
    expect(error.message).toMatch(/^ImageFolder: class 'cat': .*cat\/2\.jpg: cut short/);
    expect((await errorOf(folder.get(2))).message).toMatch(/cat\/3\.png: damaged: chunk IDAT at byte \d+ has CRC/);
    expect((await errorOf(folder.get(4))).message).toMatch(/dog\/1\.jpg: the file is empty/);
    rmSync(join(root, 'dog/2.jpg'));
    expect((await errorOf(folder.get(5))).message).toMatch(/dog\/2\.jpg: cannot be read: there is no such file/);
    const loader = new DataLoader(folder, { batchSize: 6 });
    const reading = (async () => {
      for await (const _ of loader);
    })();
    expect((await errorOf(reading)).message).toMatch(/sample \d could not be read: ImageFolder: class '(cat|dog)'/);
  });

  it('is left out and reported, or replaced once the length is told', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      const folder = await ImageFolder.load(root, { onError: 'skip', dtype: 'uint8' });
      expect(paths(folder)).toEqual(['cat/1.png', 'cat/3.png', 'cat/4.jpg', 'dog/2.jpg']);
      expect(folder.skipped).toEqual([
        {
          path: join(root, 'cat/2.jpg'),
          className: 'cat',
          reason: expect.stringMatching(/cut short/),
          replacedBy: null,
        },
        { path: join(root, 'dog/1.jpg'), className: 'dog', reason: expect.stringMatching(/empty/), replacedBy: null },
      ]);
      // Damage in the middle of a file shows when it is decoded: the next image of the class stands in.
      const replaced = await folder.get(1);
      expect(replaced).toEqual(await folder.get(2));
      expect(await folder.get(1)).toEqual(replaced);
      expect(folder.skipped).toHaveLength(3);
      expect(folder.skipped[2]).toEqual({
        path: join(root, 'cat/3.png'),
        className: 'cat',
        reason: expect.stringMatching(/chunk IDAT/),
        replacedBy: join(root, 'cat/4.jpg'),
      });
      expect(warned.mock.calls.flat().join('\n')).toMatch(/2 of 6 images are left out(.|\n)*4\.jpg stands in for it/);
      // The last of its class has nobody to stand in for it.
      rmSync(join(root, 'dog/2.jpg'));
      expect((await errorOf(folder.get(3))).message).toMatch(/No other image of the class can be read either/);
    } finally {
      warned.mockRestore();
    }
  });

  it('may be the only one of a class', async () => {
    rmSync(join(root, 'dog/2.jpg'));
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      const error = await errorOf(ImageFolder.load(root, { onError: 'skip' }));
      expect(error.message).toMatch(/no images for the class dog/);
    } finally {
      warned.mockRestore();
    }
  });

  it('is no reason to blame a transform, nor a transform to blame an image', async () => {
    const folder = new ImageFolder(root, {
      onError: 'skip',
      transform: {
        forward() {
          throw new FettleError('shape', 'my transform: no.');
        },
      },
    });
    expect((await errorOf(folder.get(0))).message).toBe('my transform: no.');
    expect(folder.skipped).toEqual([]);
  });
});

describe('ImageFolder.fromFiles', () => {
  /** As an input of a browser gives it. */
  function picked(path: string, bytes: Uint8Array<ArrayBuffer>): File {
    const file = new File([bytes], path.split('/').at(-1) as string);
    Object.defineProperty(file, 'webkitRelativePath', { value: path });
    return file;
  }

  it('takes the files of a folder that was picked', async () => {
    const folder = await ImageFolder.fromFiles([
      picked('pets/dog/2.jpg', photo),
      picked('pets/cat/9.png', png),
      picked('pets/cat/a-b/1.jpg', photo),
      picked('pets/cat/a/1.jpg', photo),
      picked('pets/cat/._9.png', png),
      picked('pets/notes.jpg', photo),
    ]);
    expect(folder.classes).toEqual(['cat', 'dog']);
    expect(folder.samples).toEqual([
      ['cat/9.png', 0],
      ['cat/a/1.jpg', 0],
      ['cat/a-b/1.jpg', 0],
      ['dog/2.jpg', 1],
    ]);
    const [image, label] = await folder.get(3);
    expect([(image as HostArray).shape, label]).toEqual([[3, 31, 37], 1]);
  });

  it('takes pairs of a path and a source, and skips what is broken', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      const folder = await ImageFolder.fromFiles(
        [
          ['a/1.png', png],
          ['a/2.png', new Blob([png])],
          ['b/1.jpg', photo.subarray(0, -1)],
          ['b/2.jpg', photo],
          ['b/3.png', new Blob([png.subarray(0, 40)])],
        ],
        { onError: 'skip' },
      );
      expect(folder.samples.map(([path]) => path)).toEqual(['a/1.png', 'a/2.png', 'b/2.jpg']);
      expect(folder.skipped.map(({ path }) => path)).toEqual(['b/1.jpg', 'b/3.png']);
      expect(await folder.get(0)).toEqual(await folder.get(1));
    } finally {
      warned.mockRestore();
    }
    const error = await errorOf((await ImageFolder.fromFiles([['a/1.png', png.subarray(0, 50)]])).get(0));
    expect(error.message).toMatch(/class 'a': a\/1\.png: cut short/);
    expect((await errorOf(ImageFolder.fromFiles([['1.png', png]]))).message).toMatch(
      /the files given has no class folders/,
    );
  });
});
