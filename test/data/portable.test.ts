import { tensor } from 'fettle';
import {
  Compose,
  ConcatDataset,
  type Construction,
  DataLoader,
  type Dataset,
  Digits,
  fromModule,
  Subset,
  TensorDataset,
  TransformDataset,
} from 'fettle/data';
import { describe, expect, it, vi } from 'vitest';
import { checkPortable, portableParcel } from '../../src/data/workers/describe.js';
import type { Parcel } from '../../src/data/workers/parcel.js';

const MODULE = new URL('./modules/squares.mjs', import.meta.url);

/** The arrays in a parcel. */
function arraysIn(parcel: Parcel): ArrayBufferView[] {
  if (parcel.kind === 'array') return [parcel.array];
  if (parcel.kind === 'tensor' || parcel.kind === 'host') return [parcel.bytes];
  if (parcel.kind === 'list' || parcel.kind === 'record') return parcel.items.flatMap(arraysIn);
  return parcel.kind === 'made' ? parcel.args.flatMap(arraysIn) : [];
}

describe('a dataset for other threads', () => {
  it('has its arrays in shared memory, each of them once', () => {
    const digits = new Digits();
    const both = new ConcatDataset([new Subset(digits, [1, 2]), new Subset(digits, [3])]);
    const arrays = arraysIn(portableParcel(both));
    expect(arrays.every(({ buffer }) => buffer instanceof SharedArrayBuffer)).toBe(true);
    // Images, labels and two lists of samples; the images of both parts are one array.
    expect(new Set(arrays.map(({ buffer }) => buffer)).size).toBe(4);
    expect(arrays[0]).toEqual(digits.images);
    expect(arrays[0]).toBe(arrays[3]);
  });

  it('shares memory that is shared already', async () => {
    const begun = new Int32Array(new SharedArrayBuffer(8), 4);
    const dataset = await fromModule(MODULE, 3, { begun });
    expect(arraysIn(portableParcel(dataset))[0]).toBe(begun);
  });

  it('keeps kinds and places of arrays', async () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
    const args = [new Float64Array(bytes.buffer, 8, 2), new DataView(bytes.buffer, 3, 5), bytes.subarray(60)] as const;
    const dataset = await fromModule(MODULE, 3, { args });
    const [a, b, c] = arraysIn(portableParcel(dataset)) as [Float64Array, DataView, Uint8Array];
    expect(a).toEqual(args[0]);
    expect([b.byteLength, b.getUint8(0), [...c]]).toEqual([5, 3, [60, 61, 62, 63]]);
  });

  it('is checked when the loader is made, and copied only when it is read', () => {
    const x = tensor([1, 2, 3]);
    const dataset = new TensorDataset(x);
    const read = vi.spyOn(x.storage.device, 'readSync');
    new DataLoader(dataset, { numWorkers: 2 });
    expect(read).not.toHaveBeenCalled();
    read.mockRestore();
    expect(arraysIn(portableParcel(dataset))[0]).toEqual(new Uint8Array(Float32Array.of(1, 2, 3).buffer));
  });

  it('is refused with what helps', () => {
    const plain: Dataset<number> = { length: 1, get: (i) => i };
    expect(() => new DataLoader(plain, { numWorkers: 2 })).toThrow(
      /worker threads make the dataset anew, and its get is a function\. Make it by fromModule\(new URL.*portable\(\).*numWorkers: 0/,
    );
    class Mine implements Dataset<number> {
      length = 1;
      get(i: number): number {
        return i;
      }
    }
    expect(() => new DataLoader(new Mine(), { numWorkers: 1 })).toThrow('the dataset is a Mine. Make it by fromModule');
    const inner = new Subset(new Mine(), [0]);
    expect(() => checkPortable(inner)).toThrow('its Subset, argument 1 is a Mine');
    const transform = { forward: (x: unknown) => x };
    const turned = new TransformDataset(new Digits(), Compose([transform as never]));
    expect(() => checkPortable(turned)).toThrow(
      /its TransformDataset, argument 2: Compose, argument 1\[0\]\.forward is a function/,
    );
    class Upside extends Digits {
      override get(index: number): ReturnType<Digits['get']> {
        return super.get(this.length - 1 - index);
      }
    }
    expect(() => checkPortable(new Upside())).toThrow(
      'is a Upside, and would be made anew as the ImageDataset it derives',
    );
    class Named extends Digits {}
    expect(() => checkPortable(new Named())).not.toThrow();
    class Round extends Mine {
      portable(): Construction {
        return { type: 'Subset', args: [this, []] };
      }
    }
    expect(() => checkPortable(new Round())).toThrow('Subset, argument 1 holds itself');
  });
});

describe('fromModule', () => {
  it('constructs a class, or waits for what a function gives', async () => {
    const dataset = await fromModule<Dataset<unknown>>(MODULE, 7);
    expect(dataset.length).toBe(7);
    const late = 'data:text/javascript,export default async (n) => ({ length: n, get: (i) => i })';
    expect((await fromModule<Dataset<number>>(late, 4)).length).toBe(4);
  });

  it('says what is wrong with a module', async () => {
    await expect(fromModule('./squares.mjs')).rejects.toThrow(
      "expected an address, got './squares.mjs'. Write new URL(",
    );
    await expect(fromModule(new URL('./modules/missing.mjs', import.meta.url))).rejects.toThrow(
      /missing\.mjs cannot be imported/,
    );
    await expect(fromModule('data:text/javascript,export const a = 1')).rejects.toThrow(
      "has no export 'default', only a",
    );
    await expect(fromModule('data:text/javascript,export default 3')).rejects.toThrow(
      'expected a class or a function, got number',
    );
    await expect(fromModule(new URL('./modules/none.mjs', import.meta.url))).rejects.toThrow(
      'to give an object, it gave null',
    );
  });
});
