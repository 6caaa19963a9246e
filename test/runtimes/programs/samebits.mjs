/**
 * Trainings of 200 steps in strict arithmetic whose weights have the same SHA-256 on every engine, at any number of threads, and,
 * of batches in parts of a fixed size, at any number of workers. The nets are small, but some of their ops are large enough to be
 * shared among threads.
 */
/** @typedef {import('./smoke.mjs').Library} Library */
/** @typedef {import('fettle').Tensor} Tensor */
/** @typedef {InstanceType<Library['nn']['Sequential']>} Model */
/** @typedef {{ model: Model, optimizer: { step(): unknown, zeroGrad(): void }, batches: AsyncIterable<Tensor[]>, after: () => void }} Training */
/** @typedef {'mlp' | 'cnn' | 'transformer'} Net */

/** @type {Net[]} */
export const NETS = ['mlp', 'cnn', 'transformer'];

/** Of whole batches, at any number of threads. @type {Record<Net, string>} */
export const WHOLE = {
  mlp: '555b07d379ff49f1170a4d81c451493111c13cb7d7fea873509df6db734765af',
  cnn: '377da4b307fb2415f33e149c52f79e6b3e675fedc6f8f9ac026400beab80cb44',
  transformer: 'ca11d1e480d7ea7fee196a739cdbbb3a822e07c791b840cc0deeef9c56718301',
};

/** Of batches in parts of PART samples, at any number of workers. @type {Record<Net, string>} */
export const PARTS = {
  mlp: '74288c377281f446466d4ce3d0cb5e2ccacab19a5677a71352ffdcbfaa5c886d',
  cnn: '9158dc8be2236ea81693a0efd64408cdf20869cac9a724c6a4d44baed9cde29d',
  transformer: '9fed8c895e28621eae1ac9126dc779fe125ed1668d76b98897b98b58b53d9814',
};

const STEPS = 200;
const PART = 11;

/**
 * What is trained, with what, on what.
 *
 * @param {Library} library
 * @param {Net} net
 * @returns {Training}
 */
function trainingOf({ data, nn, optim, ...fettle }, net) {
  const { lrScheduler } = optim;
  fettle.manualSeed(2024);
  /** Batches for `STEPS` steps. @param {any} loader */
  async function* endless(loader) {
    for (let epoch = 0, step = 0; ; epoch++) {
      loader.setEpoch(epoch);
      for await (const batch of loader) {
        if (step++ === STEPS) return;
        yield batch;
      }
    }
  }
  const { Linear, Sequential } = nn;
  if (net === 'mlp') {
    const model = new Sequential(new nn.Flatten(), new Linear(64, 512), new nn.GELU(), new Linear(512, 10));
    const optimizer = new optim.Adam(model.parameters(), { lr: 2e-3, weightDecay: 1e-4 });
    const schedule = new lrScheduler.ExponentialLR(optimizer, { gamma: 0.99 });
    const loader = new data.DataLoader(new data.Digits(), { batchSize: 32, shuffle: true, dropLast: true, seed: 1 });
    return { model, optimizer, batches: endless(loader), after: () => schedule.step() };
  }
  if (net === 'cnn') {
    const model = new Sequential(
      ...[new nn.Conv2d(1, 12, 3, { padding: 1 }), new nn.BatchNorm2d(12), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.Dropout(0.2), new nn.Conv2d(12, 16, 3, { padding: 1 }), new nn.SiLU(), new nn.Flatten()],
      ...[new nn.Dropout(0.3), new Linear(256, 10)],
    );
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9, nesterov: true });
    const schedule = new lrScheduler.CosineAnnealingLR(optimizer, STEPS);
    const transform = new data.transforms.Compose([
      new data.transforms.RandomAffine(20, {
        translate: [0.1, 0.1],
        scale: [0.8, 1.2],
        shear: 10,
        interpolation: 'bilinear',
      }),
      new data.transforms.RandomErasing(),
    ]);
    const digits = new data.Digits({ transform });
    const loader = new data.DataLoader(digits, { batchSize: 32, shuffle: true, dropLast: true, seed: 2 });
    return { model, optimizer, batches: endless(loader), after: () => schedule.step() };
  }
  const model = new Sequential(
    new nn.Embedding(20, 32),
    new nn.TransformerEncoderLayer(32, 4, { dimFeedforward: 64, dropout: 0.1, batchFirst: true, activation: 'gelu' }),
    new nn.LayerNorm(32),
    new nn.Flatten(),
    new Linear(32 * 8, 20),
  );
  const optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3 });
  const schedule = new lrScheduler.OneCycleLR(optimizer, { maxLr: 5e-3, totalSteps: STEPS + 1 });
  const tokens = fettle.randint(0, 20, [256, 8]);
  // What is to be told is a token, which the second one points to.
  const labels = tokens.gather(1, tokens.narrow(1, 1, 1).remainder(8)).squeeze(1);
  const set = new data.TensorDataset(tokens, labels);
  const loader = new data.DataLoader(set, { batchSize: 32, shuffle: true, seed: 3 });
  const after = () => {
    schedule.step();
  };
  return { model, optimizer, batches: endless(loader), after };
}

/** @param {Model} model */
async function hashOf(model) {
  const bytes = Object.values(model.stateDict()).map((x) => new Uint8Array(x.dataSync().buffer.slice(0)));
  const all = new Uint8Array(bytes.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const part of bytes) {
    all.set(part, at);
    at += part.length;
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', all));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Trains on this thread, and gives the SHA-256 of the weights.
 *
 * @param {Library} library
 * @param {Net} net
 */
export async function trainedWhole(library, net) {
  const { clipGradNorm } = library.optim;
  const { model, optimizer, batches, after } = trainingOf(library, net);
  for await (const batch of batches) {
    const [x, y] = /** @type {[Tensor, Tensor]} */ (batch);
    library.scope(() => {
      optimizer.zeroGrad();
      library.crossEntropy(model.forward(x), y).backward();
      clipGradNorm(model.parameters(), 1);
      optimizer.step();
      after();
    });
  }
  return hashOf(model);
}

/**
 * The same on workers, in parts of PART samples.
 *
 * @param {Library} library
 * @param {Net} net
 * @param {number} workers
 */
export async function trainedInParts(library, net, workers) {
  const { clipGradNorm } = library.optim;
  const { model, optimizer, batches, after } = trainingOf(library, net);
  const parallel = new library.parallel.DataParallel(model, { workers, loss: 'crossEntropy', microBatch: PART });
  try {
    const beforeStep = () => void clipGradNorm(model.parameters(), 1);
    for await (const _ of parallel.fit(batches, optimizer, { beforeStep })) after();
    return await hashOf(model);
  } finally {
    await parallel.close();
  }
}
