import { crossEntropy, manualSeed, randint, randn } from 'fettle';
import * as nn from 'fettle/nn';
import { DataParallel } from 'fettle/parallel';
import { expect, it, vi } from 'vitest';
import { sharedMemoryOf } from '../../src/parallel/bytes.js';

// As in a page that is not cross-origin isolated.
vi.mock(import('../../src/backend/threads.js'), async (original) => ({
  ...(await original()),
  shareHeap: async () => 'this test shares nothing',
}));

it('sends gradients and values where memory cannot be shared', async () => {
  const warning = vi.spyOn(console, 'warn').mockImplementation(() => {});
  manualSeed(1);
  const model = new nn.Sequential(new nn.Linear(6, 16), new nn.BatchNorm1d(16), new nn.Linear(16, 4));
  const parallel = new DataParallel(model, { workers: 2, loss: 'crossEntropy', microBatch: 4 });
  const alone = nn.cloneModule(model);
  const [x, y] = [randn([10, 6]), randint(0, 4, [10])];
  // Several times, so that memory that was sent goes back and is used again.
  const losses: number[] = [];
  for (let step = 0; step < 3; step++)
    losses.push((await parallel.step([x, y], { step() {}, zeroGrad: () => model.zeroGrad() })).loss);
  expect(new Set(losses).size).toBe(1);
  expect(sharedMemoryOf(model.parameters()[0] as nn.Parameter)).toBe(undefined);
  expect(warning.mock.calls.join()).toMatch(/gradients are sent.*this test shares nothing/);
  // Each part is normalized with its own statistics.
  for (const [begin, size] of [
    [0, 4],
    [4, 4],
    [8, 2],
  ] as const) {
    crossEntropy(alone.forward(x.narrow(0, begin, size)), y.narrow(0, begin, size))
      .mul(size / 10)
      .backward();
  }
  model.parameters().forEach((parameter, i) => {
    const expected = alone.parameters()[i]?.grad?.dataSync() as Float32Array;
    parameter.grad?.dataSync().forEach((value, k) => expect(value).toBeCloseTo(expected[k] as number, 5));
  });
  const refused = new DataParallel(model, { loss: 'crossEntropy', syncBatchNorm: true });
  await expect(refused.backward([x, y])).rejects.toThrow(/syncBatchNorm needs shared memory/);
  await parallel.close();
  await refused.close();
  for (const m of [model, alone]) {
    m.zeroGrad();
    for (const value of [...m.parameters(), ...m.buffers()]) value.dispose();
  }
});
