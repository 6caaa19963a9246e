import { gzipSync } from 'node:zlib';
import { crossEntropy, sparse, tensor, zeros } from 'fettle';
import { DataLoader, SparseDataset, Subset } from 'fettle/data';
import { SGD } from 'fettle/optim';
import { describe, expect, it } from 'vitest';

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const text = '+1 1:0.5 4:2 # a comment\n-1 qid:3 2:-1e-1\n\n1\r\n-1 3:7 4:1';

describe('SparseDataset', () => {
  it('reads samples of classes', async () => {
    const data = await SparseDataset.load(bytes(text));
    expect([data.length, data.features, data.classes, [...data.targets]]).toEqual([4, 4, ['-1', '1'], [1, 0, 1, 0]]);
    const [x, y] = data.getBatch(Int32Array.of(3, 0, 2));
    expect([x.shape, x.nnz]).toEqual([[3, 4], 4]);
    expect([...x.toDense().dataSync()]).toEqual([0, 0, 7, 1, 0.5, 0, 0, 2, 0, 0, 0, 0]);
    expect([y.dtype, y.toArray()]).toEqual(['int32', [0, 1, 1]]);
    const [one, label] = data.get(1);
    expect([...one.toDense().dataSync(), label.item()]).toEqual([0, Math.fround(-0.1), 0, 0, 0]);
    const zipped = await SparseDataset.load(new Uint8Array(gzipSync(text)));
    expect([...zipped.targets]).toEqual([...data.targets]);
  });

  it('counts columns from 0 where it must, and takes numbers as targets', async () => {
    const data = await SparseDataset.load(bytes('0.5 0:1 2:3\n-2 1:1\n'), { targetType: 'number', features: 9 });
    expect([data.features, [...data.targets], data.classes]).toEqual([9, [0.5, -2], []]);
    const based = await SparseDataset.load(bytes('1 1:1\n'), { zeroBased: true });
    expect(based.features).toBe(2);
    const known = await SparseDataset.load(bytes('b 1:1\n'), { classes: ['a', 'b', 'c'] });
    expect([...known.targets]).toEqual([1]);
  });

  it.each([
    ['1 1:2 1:3', 'bytes:1: indices must ascend, 1 follows 1'],
    ['1 1:2\n1 x:3', "bytes:2: expected index:value, got 'x:3'"],
    ['1 1:', "got '1:'"],
    ['1 -3:2', "got '-3:2'"],
    ['1 1:inf', "got '1:inf'"],
    ['\n\n', 'holds no samples'],
  ])('says what is wrong with %j', async (wrong, message) => {
    await expect(SparseDataset.load(bytes(wrong))).rejects.toThrow(message);
  });

  it('says what does not fit its options', async () => {
    await expect(SparseDataset.load(bytes('1 5:1'), { features: 4 })).rejects.toThrow('there is a column 5');
    await expect(SparseDataset.load(bytes('1 0:1'), { zeroBased: false })).rejects.toThrow('zeroBased: true');
    await expect(SparseDataset.load(bytes('z 1:1'), { classes: ['a'] })).rejects.toThrow("class 'z' of sample 0");
    await expect(SparseDataset.load(bytes('z 1:1'), { targetType: 'number' })).rejects.toThrow("got 'z'");
    await expect(SparseDataset.load(new Uint8Array([31, 139, 8, 0, 1]))).rejects.toThrow('gzip stream is damaged');
  });

  it('trains a logistic regression on a million features without making them dense', async () => {
    const features = 1_000_000;
    // Two classes that differ in which half of a few telling words they use.
    const lines = Array.from({ length: 64 }, (_, i) => {
      const label = i % 2;
      const telling = 1000 + 2 * ((i * 7) % 5) + label;
      return `${label} ${telling}:1 ${500_000 + ((i * 7919) % 400_000)}:1 ${features}:0.5`;
    });
    const data = await SparseDataset.load(bytes(lines.join('\n')));
    expect(data.features).toBe(features);
    const w = zeros([features, 2], { requiresGrad: true }).keep();
    const optimizer = new SGD([w], { lr: 1 });
    const loader = new DataLoader(
      new Subset(
        data,
        Array.from({ length: 64 }, (_, i) => i),
      ),
      { batchSize: 32 },
    );
    for (let epoch = 0; epoch < 6; epoch++) {
      for await (const [x, y] of loader) {
        optimizer.zeroGrad();
        crossEntropy(sparse.matmul(x, w), y).backward();
        optimizer.step();
      }
    }
    const [x, y] = data.getBatch(Int32Array.from({ length: 64 }, (_, i) => i));
    const right = sparse.matmul(x, w).argmax(1).eq(y).sum().item();
    expect(right).toBe(64);
    expect(tensor([0]).item()).toBe(0);
    w.grad?.dispose();
    w.dispose();
  });
});
