import { deterministic, memory, rand, type Tensor, tensor } from 'fettle';
import {
  Compose,
  ConcatDataset,
  CSVDataset,
  DataLoader,
  type DataLoaderOptions,
  type Dataset,
  Digits,
  fromModule,
  RandomAffine,
  RandomHorizontalFlip,
  SparseDataset,
  Subset,
  TensorDataset,
  TextDataset,
  type Transform,
  TransformDataset,
} from 'fettle/data';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SparseTensor } from '../../src/ops/sparse.js';

interface Square {
  readonly square: Float32Array;
  readonly thread: string;
}

interface SquareOptions {
  readonly broken?: number;
  readonly dies?: number;
  readonly deaths?: Int32Array;
  readonly endless?: number;
  readonly unsendable?: number;
  readonly slow?: number;
  readonly begun?: Int32Array;
}

const MODULE = new URL('./modules/squares.mjs', import.meta.url);
const squares = (length: number, options: SquareOptions = {}) => fromModule<Dataset<Square>>(MODULE, length, options);
const count = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A batch as plain data, to the last bit: of a tensor its dtype, its shape and its numbers. */
function plain(value: unknown): unknown {
  if (value instanceof SparseTensor) {
    return [value.format, value.shape, [...value.crowIndices], [...value.colIndices], plain(value.values)];
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null && 'dataSync' in value) {
    const x = value as Tensor;
    return { dtype: x.dtype, shape: x.shape, numbers: [...x.dataSync()] };
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
    : value;
}

/** Two passes over a dataset. */
async function passes<T, B>(dataset: Dataset<T, B>, options: DataLoaderOptions<T, B>): Promise<unknown[]> {
  const loader = ended(new DataLoader(dataset, { ...options, collate: undefined }));
  const seen: unknown[] = [];
  for (let epoch = 0; epoch < 2; epoch++) for await (const batch of loader) seen.push(plain(batch));
  return seen;
}

/** The first numbers of the samples of each batch of one pass. */
async function roots(loader: DataLoader<Square>, most = Number.POSITIVE_INFINITY): Promise<number[][]> {
  const seen: number[][] = [];
  for await (const { square } of loader) {
    seen.push((square.toArray() as number[][]).map(([first]) => Math.sqrt(first as number)));
    if (seen.length >= most) break;
  }
  return seen;
}

const chunks = (n: number, size: number): number[][] =>
  upTo(Math.ceil(n / size)).map((b) => upTo(n).slice(b * size, (b + 1) * size));

const loaders: { dispose(): void }[] = [];

/** The threads of this loader end with the test. */
function ended<L extends { dispose(): void }>(loader: L): L {
  loaders.push(loader);
  return loader;
}

afterEach(() => {
  for (const loader of loaders.splice(0)) loader.dispose();
});

describe('worker threads of a DataLoader', () => {
  const table = Array.from({ length: 30 }, (_, i) => `${i},${i / 3},${'abc'[i % 3]}`).join('\n');
  const sparse = Array.from({ length: 25 }, (_, i) => `${i % 2} ${1 + (i % 5)}:${i / 7} ${9 + i}:2`).join('\n');
  const datasets: readonly (readonly [string, () => Dataset | Promise<Dataset>])[] = [
    [
      'tensors of every dtype',
      () =>
        new TensorDataset(
          rand([37, 3, 2]),
          tensor(Int32Array.from(upTo(37))),
          rand([37, 5]).to('float16'),
          tensor(Uint8Array.from(upTo(37 * 3)), [37, 3]),
          rand([37]).gt(0.5),
          tensor(Int8Array.from(upTo(37))),
        ),
    ],
    [
      'images with random transforms',
      () => {
        const transform = Compose([RandomAffine(20, { interpolation: 'bilinear' }), RandomHorizontalFlip()]);
        return new Subset(
          new Digits({ transform }),
          upTo(50).map((i) => i * 7),
        );
      },
    ],
    [
      'parts joined, one of them transformed',
      () => {
        const digits = new Digits();
        const turned = new TransformDataset(new Subset(digits, upTo(20)), RandomAffine(90));
        return new ConcatDataset([turned, new Subset(digits, upTo(13)), turned]);
      },
    ],
    [
      'images with a transform of a module',
      async () => {
        const { Negative } = (await import(MODULE.href)) as { Negative: new () => Transform };
        return new TransformDataset(new Subset(new Digits(), upTo(40)), new Negative());
      },
    ],
    ['a table', () => CSVDataset.parse(table, { header: false })],
    ['sparse rows', () => SparseDataset.load(new TextEncoder().encode(sparse))],
    ['a text', () => new TextDataset(upTo(100), { blockSize: 6, stride: 3 })],
  ];

  it.each(datasets)('read %s to the same bits as this thread', async (_name, make) => {
    const dataset = await make();
    const common = { batchSize: 8, shuffle: true, seed: 3 };
    const here = await passes(dataset, common);
    expect(here.length).toBeGreaterThan(4);
    for (const [numWorkers, prefetch] of [
      [1, 1],
      [2, 2],
      [2, 5],
      [4, 0],
    ] as const) {
      expect(await passes(dataset, { ...common, numWorkers, prefetch })).toEqual(here);
    }
  });

  it('compute with the arithmetic that is in force', async () => {
    const transform = RandomAffine(90, { interpolation: 'bilinear', scale: [0.7, 1.3] });
    const dataset = new Subset(new Digits({ transform }), upTo(64));
    deterministic(true);
    try {
      const here = await passes(dataset, { batchSize: 32, seed: 1 });
      expect(await passes(dataset, { batchSize: 32, seed: 1, numWorkers: 2 })).toEqual(here);
    } finally {
      deterministic(false);
    }
  });

  it('read datasets of a module, and stay for the next pass', async () => {
    const loader = ended(new DataLoader(await squares(10), { batchSize: 2, numWorkers: 2 }));
    const threads = new Set<string>();
    for (let epoch = 0; epoch < 3; epoch++) {
      const seen: number[] = [];
      for await (const { square, thread } of loader) {
        seen.push(...square.select(1, 0).dataSync());
        expect([...square.select(1, 1).dataSync()]).toEqual([epoch, epoch]);
        for (const name of thread) threads.add(name);
      }
      expect(seen).toEqual(upTo(10).map((i) => i * i));
    }
    expect(threads.size).toBe(2);
    expect(threads.has('0')).toBe(false);
    loader.dispose();
    for await (const { thread } of loader) expect(threads.has(thread[0] as string)).toBe(false);
  });

  it('send samples where a function joins them', async () => {
    const collate = (samples: Square[]) => samples.map(({ square }) => square[0] as number);
    const own = ended(new DataLoader(await squares(5), { batchSize: 2, numWorkers: 2, collate }));
    const seen: number[][] = [];
    for await (const batch of own) seen.push(batch);
    expect(seen).toEqual([[0, 1], [4, 9], [16]]);
    // What this thread would hand to the function, it gets from others too: tensors.
    const images = new Subset(new Digits(), upTo(6));
    const first = (samples: [Tensor, Tensor][]) => samples[0]?.[0] as Tensor;
    const tensors = ended(
      new DataLoader(images, {
        batchSize: 3,
        numWorkers: 1,
        collate: (s) => first(s as [Tensor, Tensor][]),
      }),
    );
    const brightness: number[] = [];
    for await (const image of tensors) brightness.push(image.sum().item());
    expect(brightness).toEqual([0, 3].map((i) => images.get(i) as [Tensor, Tensor]).map(([x]) => x.sum().item()));
  });

  it('go on in the middle of an epoch', async () => {
    const dataset = await squares(40);
    const make = (numWorkers: number) => new DataLoader(dataset, { batchSize: 3, shuffle: true, seed: 5, numWorkers });
    const whole = make(0);
    const epochs = [await roots(whole), await roots(whole), await roots(whole)];
    const one = ended(make(2));
    await roots(one);
    await roots(one, 4);
    const state = one.state();
    expect(state).toEqual({ seed: 5, epoch: 1, position: 12, samples: 40 });
    const other = ended(make(2));
    other.loadState(JSON.parse(JSON.stringify(state)) as typeof state);
    expect(await roots(other)).toEqual(epochs[1]?.slice(4));
    expect(await roots(other)).toEqual(epochs[2]);
    expect(await roots(one)).toEqual(epochs[2]);
  });

  it.each([
    [1, 1],
    [2, 1],
    [2, 3],
  ])('have no more than %i × %i batches in flight', async (numWorkers, prefetch) => {
    const begun = count();
    const loader = ended(new DataLoader(await squares(60, { begun }), { batchSize: 2, numWorkers, prefetch }));
    let taken = 0;
    for await (const _ of loader) {
      taken++;
      // Long enough for threads that nothing holds back to run away.
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(Atomics.load(begun, 0)).toBeLessThanOrEqual(2 * (taken + numWorkers * prefetch));
    }
    expect(taken).toBe(30);
    expect(Atomics.load(begun, 0)).toBe(60);
  });

  it('give up what they have not begun when the loop is left', async () => {
    const begun = count();
    const loader = ended(new DataLoader(await squares(100, { begun, slow: 20 }), { numWorkers: 1, prefetch: 20 }));
    expect(await roots(loader, 1)).toEqual([[0]]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // The first; what was being read when it was left; perhaps one more whose turn had come.
    expect(Atomics.load(begun, 0)).toBeLessThanOrEqual(3);
    expect((await roots(loader, 2)).flat()).toEqual([0, 1]);
  });

  it('serve passes within and beside one another', async () => {
    const loader = ended(new DataLoader(await squares(6), { batchSize: 2, numWorkers: 2 }));
    const seen: unknown[] = [];
    for await (const { square } of loader) {
      const inner = (await roots(loader)).flat();
      seen.push([square.sum().item(), inner]);
    }
    // Squares, and the epoch beside each of them.
    expect(seen).toEqual([1, 13, 41].map((sum) => [sum, upTo(6)]));
    const beside = await Promise.all([roots(loader), roots(loader)]);
    expect(beside).toEqual([chunks(6, 2), chunks(6, 2)]);
  });

  it('leave memory as it was', async () => {
    const loader = ended(new DataLoader(new Subset(new Digits(), upTo(64)), { batchSize: 8, numWorkers: 2 }));
    const before = memory();
    for (let epoch = 0; epoch < 3; epoch++) {
      for await (const [x] of loader) {
        x.add(1);
        expect(memory().tensors - before.tensors).toBeLessThanOrEqual(3);
      }
    }
    expect(memory().tensors).toBe(before.tensors);
    expect(memory().bytes).toBe(before.bytes);
  });
});

describe('what goes wrong in a worker thread', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const failureOf = async (work: Promise<unknown>): Promise<Error> => {
    const failure = await work.then(
      () => new Error('nothing failed'),
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(Error);
    return failure as Error;
  };

  it('is said with the sample, the message and the stack there', async () => {
    const dataset = await squares(20, { broken: 13 });
    const loader = ended(new DataLoader(dataset, { batchSize: 4, numWorkers: 2 }));
    const seen: unknown[] = [];
    const failure = await failureOf(
      (async () => {
        for await (const batch of loader) seen.push(batch);
      })(),
    );
    expect(failure).toMatchObject({ code: 'data' });
    expect(failure.message).toBe('DataLoader: sample 13 could not be read: no square of 13');
    expect(failure.cause).toMatchObject({ name: 'RangeError', message: 'no square of 13' });
    expect((failure.cause as Error).stack).toContain('modules/squares.mjs');
    expect(seen).toHaveLength(3);
    // The loader is as good as before.
    expect(await roots(loader, 3)).toEqual(chunks(12, 4));
    expect((await failureOf(roots(loader))).message).toContain('sample 13');
  });

  it('is said of a sample of a batch that is read as a whole', async () => {
    const odd = new TransformDataset(new Subset(new Digits(), upTo(4)), await fromModule(brokenTransform));
    const loader = ended(new DataLoader(odd, { batchSize: 4, numWorkers: 1 }));
    const failure = await failureOf(passOver(loader));
    expect(failure.message).toBe('DataLoader: sample 0 could not be read: cannot turn this');
  });

  it('is said of a sample that cannot be sent', async () => {
    const loader = ended(new DataLoader(await squares(4, { unsendable: 2 }), { numWorkers: 1 }));
    expect((await failureOf(roots(loader))).message).toMatch(/square.* is a function, which cannot be sent/);
  });

  it('may be the end of a thread: another one reads what it had to read', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const dataset = await squares(40, { dies: 17, deaths: count() });
    const loader = ended(new DataLoader(dataset, { batchSize: 4, numWorkers: 2, prefetch: 3 }));
    expect(await roots(loader)).toEqual(chunks(40, 4));
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('ended while it read (it ended with exit code 3)'));
    expect(await roots(loader)).toEqual(chunks(40, 4));
  });

  it('is an error when a batch ends every thread that reads it', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const loader = ended(new DataLoader(await squares(40, { dies: 17 }), { batchSize: 4, numWorkers: 2 }));
    const failure = await failureOf(roots(loader));
    expect(failure.message).toContain(
      '2 worker threads ended while they read samples 16, 17, 18, 19: it ended with exit',
    );
    expect(await roots(loader, 4)).toEqual(chunks(16, 4));
  });

  it('is an error when a batch does not come in time', async () => {
    const dataset = await squares(12, { endless: 5 });
    const loader = ended(new DataLoader(dataset, { batchSize: 2, numWorkers: 2, timeout: 3000 }));
    const failure = await failureOf(roots(loader));
    expect(failure.message).toContain('samples 4, 5 did not arrive within 3000 ms (timeout)');
    expect(await roots(loader, 2)).toEqual(chunks(4, 2));
  });

  it('is an error when no thread can be started', async () => {
    const worker = new URL('./modules/missing.mjs', import.meta.url);
    const loader = ended(new DataLoader(await squares(4), { numWorkers: 2, worker }));
    const failure = await failureOf(roots(loader));
    expect(failure).toMatchObject({ code: 'state' });
    expect(failure.message).toMatch(/a worker thread could not be started: Cannot find module.*serveLoader/s);
    const odd = ended(new DataLoader(await squares(4), { numWorkers: 1, worker: () => 3 }));
    expect((await failureOf(roots(odd))).message).toContain('expected a function that gives a Worker, it gave 3');
  });

  it('is an error when the loader is disposed meanwhile', async () => {
    const loader = new DataLoader(await squares(40, { slow: 5 }), { batchSize: 4, numWorkers: 2 });
    const failure = await failureOf(
      (async () => {
        for await (const _ of loader) loader.dispose();
      })(),
    );
    expect(failure.message).toContain('disposed while it was read');
  });
});

const brokenTransform = `data:text/javascript,${encodeURIComponent(
  "export default () => ({ forward() { throw new Error('cannot turn this'); } });",
)}`;

async function passOver(loader: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of loader);
}
