import { ones, randn, tensor } from 'fettle';
import { BatchNorm1d, Linear, type Module, Sequential } from 'fettle/nn';
import { updateBn } from 'fettle/optim';
import { describe, expect, it } from 'vitest';

describe('updateBn', () => {
  it('averages the statistics of all batches, and leaves momentum and mode as they were', async () => {
    const norm = new BatchNorm1d(2, { momentum: 0.3 });
    const model = new Sequential(norm).eval();
    norm.runningMean?.fill_(9);
    const batches = [
      [
        tensor([
          [1, 2],
          [3, 6],
        ]),
        ones([2]),
      ],
      [
        tensor([
          [5, 0],
          [7, 4],
        ]),
        ones([2]),
      ],
    ];
    await updateBn(batches, model);
    expect(norm.runningMean?.toArray()).toEqual([4, 3]);
    expect(norm.runningVar?.toArray()).toEqual([2, 8]);
    expect(norm.numBatchesTracked?.item()).toBe(2);
    expect([norm.momentum, norm.training, model.training]).toEqual([0.3, false, false]);
    model.dispose();
  });

  it('takes batches one after another as they come, and puts the model back where one is wrong', async () => {
    const norm = new BatchNorm1d(3);
    const stream = async function* () {
      yield randn([4, 3]);
      yield 'nothing';
    };
    await expect(updateBn(stream(), norm)).rejects.toThrow('a batch must be a tensor');
    expect([norm.momentum, norm.training]).toEqual([0.1, true]);
    norm.dispose();
  });

  it('leaves a model without batch norm alone', async () => {
    const model: Module = new Linear(2, 2);
    await updateBn([], model.eval());
    expect(model.training).toBe(false);
    await expect(updateBn([], {} as never)).rejects.toThrow('must be a Module');
    model.dispose();
  });
});
