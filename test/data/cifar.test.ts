import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CIFAR10, CIFAR100 } from 'fettle/data';
import { describe, expect, it } from 'vitest';

const PIXELS = 3072;

/** Records with the given label bytes, and pixels that tell record, channel, row and column apart. */
function records(labels: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const size = (labels[0]?.length ?? 1) + PIXELS;
  const bytes = new Uint8Array(labels.length * size);
  labels.forEach((own, n) => {
    bytes.set(own, n * size);
    for (let i = 0; i < PIXELS; i++) bytes[n * size + own.length + i] = (n * 31 + i * 7) % 256;
  });
  return bytes;
}

describe('CIFAR', () => {
  it('reads the files of a folder, part by part', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fettle-cifar-'));
    try {
      const below = join(folder, 'cifar-10-batches-bin');
      await mkdir(below);
      for (let i = 1; i <= 5; i++) await writeFile(join(below, `data_batch_${i}.bin`), records([[i], [9]]));
      await writeFile(join(below, 'test_batch.bin'), records([[3]]));
      const train = await CIFAR10.load(folder);
      expect([train.length, [...train.labels]]).toEqual([10, [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]]);
      const test = await CIFAR10.load(below, { train: false });
      const [image, label] = test.get(0);
      expect([image.shape, label.item(), test.classes[3]]).toEqual([[3, 32, 32], 3, 'cat']);
      expect(image.select(0, 2).select(0, 1).select(0, 5).item()).toBeCloseTo(
        (((2 * 1024 + 32 + 5) * 7) % 256) / 255,
        6,
      );
      await expect(CIFAR10.load(`${folder}/none`)).rejects.toThrow('expected a folder that holds data_batch_1.bin');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('takes the fine or the coarse classes', async () => {
    const file = records([
      [4, 99],
      [19, 0],
    ]);
    const fine = await CIFAR100.load([file]);
    expect([[...fine.labels], fine.classes.length, fine.classes[99]]).toEqual([[99, 0], 100, 'worm']);
    const coarse = await CIFAR100.load([file], { coarse: true });
    expect([[...coarse.labels], coarse.classes.length, coarse.classes[4]]).toEqual([
      [4, 19],
      20,
      'fruit_and_vegetables',
    ]);
  });

  it('says what is wrong with a file', async () => {
    await expect(CIFAR10.load([records([[1]]).subarray(0, 3000)])).rejects.toThrow('records of 3073 bytes');
    await expect(CIFAR10.load([records([[1], [10]])])).rejects.toThrow('label 1 is 10, expected 0 … 9');
    await expect(CIFAR10.load([new Uint8Array(0)])).rejects.toThrow('0.00 of them');
    await expect(CIFAR10.load([])).rejects.toThrow('at least one file');
  });
});
