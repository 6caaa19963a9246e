/**
 * What the installed package has to do wherever JavaScript runs. It is imported by a program of each runtime and of each bundler,
 * so it uses nothing but the language, and is given fettle, which not all of them come by in the same way.
 */
import { NETS, PARTS, trainedInParts, trainedWhole, WHOLE } from './samebits.mjs';

/** @typedef {typeof import('../../../src/single/index.js')} Library */
/** Whether modules of threads are at hand, as they are beside the installed package. @typedef {{ threads: boolean }} Options */

/**
 * @param {boolean} holds
 * @param {string} what
 */
function ensure(holds, what) {
  if (!holds) throw new Error(what);
}

/** @typedef {import('fettle').Tensor} Tensor */

/**
 * The checks by name. One that throws has failed.
 *
 * @param {Library} library
 * @param {Options} options
 */
function checksOf(library, options) {
  const { compress, data, io, nn, optim, train, ...fettle } = library;
  const { crossEntropy, manualSeed, matmul, noGrad, randn, scope, tensor } = fettle;
  const { Distiller, Pruner, pack, quantize, shrink, sparsity, unpack } = compress;
  const { DataLoader, StandardScaler, TensorDataset } = data;
  const { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } = nn;

  /** Two half moons, 128 points. */
  function moons() {
    const points = Array.from({ length: 128 }, (_, i) => {
      const angle = (Math.PI * (i >> 1)) / 64;
      return i % 2 === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    });
    const classes = Int32Array.from(points, (_, i) => i % 2);
    return { x: tensor(points), y: tensor(classes, [128], { dtype: 'int32' }) };
  }

  /** @param {number} width */
  const classifier = (width) => new Sequential(new Linear(2, width), new ReLU(), new Linear(width, 2));

  /**
   * @param {InstanceType<Library['nn']['Sequential']>} model
   * @param {Tensor} x
   * @param {Tensor} y
   */
  const accuracy = (model, x, y) => noGrad(() => model.forward(x).argmax(1).eq(y).float().mean().item());

  /** A classifier of the two moons, trained. */
  function trained() {
    manualSeed(0);
    const { x, y } = moons();
    const model = classifier(32);
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
    for (let step = 0; step < 150; step++) {
      scope(() => {
        optimizer.zeroGrad();
        crossEntropy(model.forward(x), y).backward();
        optimizer.step();
      });
    }
    return { model, x, y };
  }

  /** @type {Record<string, () => void | Promise<void>>} */
  const checks = {
    product() {
      const y = matmul(tensor([[1, 2, 3]]), tensor([[4], [5], [6]])).item();
      ensure(y === 32, `expected 32, got ${y}`);
    },
    async 'same bits'() {
      await strictly(async () => {
        for (const net of NETS) equal(net, await trainedWhole(library, net), WHOLE[net]);
      });
    },
    gradient() {
      const x = tensor([1, 2, 3], { requiresGrad: true });
      x.mul(x).sum().backward();
      ensure(String(x.grad?.toArray()) === '2,4,6', `expected 2,4,6, got ${x.grad?.toArray()}`);
    },
    train() {
      const { model, x, y } = trained();
      const share = accuracy(model, x, y);
      ensure(share > 0.97, `expected an accuracy above 0.97, got ${share}`);
    },
    convolve() {
      manualSeed(0);
      const model = new Sequential(new Conv2d(1, 4, 3), new ReLU(), new MaxPool2d(2), new Flatten(), new Linear(36, 3));
      const loss = crossEntropy(model.forward(randn([2, 1, 8, 8])), tensor([0, 2], { dtype: 'int32' }));
      loss.backward();
      ensure(
        model.parameters().every((p) => p.grad !== null),
        'every parameter has a gradient',
      );
    },
    async load() {
      const { x, y } = moons();
      const scaled = new StandardScaler().fitTransform(x);
      const loader = new DataLoader(new TensorDataset(scaled, y), { batchSize: 32, shuffle: true, seed: 1 });
      const model = classifier(16);
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
      const step = (/** @type {[Tensor, Tensor]} */ [input, target]) => ({
        loss: crossEntropy(model.forward(input), target),
      });
      await new train.Trainer({ model, optimizer, step }).fit(loader, 20);
      const share = accuracy(model, scaled, y);
      ensure(share > 0.85, `expected an accuracy above 0.85, got ${share}`);
    },
    prune() {
      const { model, x, y } = trained();
      new Pruner(model, { exampleInputs: x, granularity: 'neuron', target: { sparsity: 0.25 } }).step();
      ensure(sparsity(model).sparsity > 0, 'weights are zero');
      const before = accuracy(model, x, y);
      const whole = model.parameters().reduce((n, p) => n + p.numel(), 0);
      shrink(model, x);
      const left = model.parameters().reduce((n, p) => n + p.numel(), 0);
      ensure(left < whole, `expected fewer than ${whole} parameters, got ${left}`);
      const after = accuracy(model, x, y);
      ensure(before === after, `expected ${before} as of the masked model, got ${after}`);
    },
    distill() {
      const { model: teacher, x, y } = trained();
      const student = classifier(8);
      const distiller = new Distiller({ teacher, student, temperature: 2, alpha: 0.7 });
      const optimizer = new optim.Adam(student.parameters(), { lr: 0.02 });
      for (let step = 0; step < 150; step++) {
        scope(() => {
          optimizer.zeroGrad();
          distiller.loss(x, y).backward();
          optimizer.step();
        });
      }
      const share = accuracy(student, x, y);
      ensure(share > 0.85, `expected an accuracy above 0.85, got ${share}`);
    },
    async quantize() {
      const { model, x, y } = trained();
      const int8 = await quantize.static(model, [x]);
      const [before, after] = [
        accuracy(model, x, y),
        accuracy(/** @type {InstanceType<typeof Sequential>} */ (int8), x, y),
      ];
      ensure(Math.abs(before - after) < 0.03, `expected about ${before}, got ${after}`);
    },
    /** Where the runtime has a GPU, which is nowhere a must. */
    async webgpu() {
      const steps = async () => {
        manualSeed(3);
        const { x, y } = moons();
        const model = classifier(16);
        const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
        const losses = [];
        for (let step = 0; step < 5; step++) {
          const loss = scope(() => {
            optimizer.zeroGrad();
            const loss = crossEntropy(model.forward(x), y);
            loss.backward();
            optimizer.step();
            return loss.detach();
          });
          losses.push(Number((await loss.data())[0]));
        }
        return { device: x.device, losses };
      };
      const here = await steps();
      if (typeof navigator !== 'object' || !('gpu' in navigator)) return;
      try {
        await fettle.setDevice('webgpu');
      } catch (error) {
        ensure(/no GPU can be had/.test(String(error)), `says what is missing, got ${error}`);
        return;
      }
      const there = await steps().finally(() => fettle.setDevice('wasm'));
      ensure(there.device === 'webgpu', `expected tensors on webgpu, got ${there.device}`);
      here.losses.forEach((loss, i) => {
        ensure(
          Math.abs(loss - Number(there.losses[i])) < 1e-4,
          `expected the losses ${here.losses}, got ${there.losses}`,
        );
      });
    },
    async save() {
      const { model, x } = trained();
      const before = model.forward(x).sum().item();
      const again = classifier(32);
      again.loadStateDict(io.parse(await io.serialize(model.stateDict())).tensors);
      ensure(again.forward(x).sum().item() === before, 'a state dict gives the same model');
      const unpacked = /** @type {InstanceType<typeof Sequential>} */ (unpack(pack(model)).model);
      ensure(unpacked.forward(x).sum().item() === before, 'a packed file gives the same model');
    },
  };
  if (!options.threads) return checks;
  checks['same bits, threads'] = async () => {
    await strictly(async () => {
      for (const threads of [2, 3, 4]) {
        // Where a page has no shared memory it is one, and that has been seen above.
        if ((await fettle.setThreads(threads)) === 1) return;
        for (const net of NETS) equal(`${net}, ${threads} threads`, await trainedWhole(library, net), WHOLE[net]);
      }
    });
    await fettle.setThreads(1);
  };
  checks['same bits, workers'] = () =>
    strictly(async () => {
      for (const workers of [1, 2, 4]) {
        for (const net of NETS)
          equal(`${net}, ${workers} workers`, await trainedInParts(library, net, workers), PARTS[net]);
      }
    });
  return checks;

  /** @param {() => Promise<void>} body */
  async function strictly(body) {
    await fettle.deterministic(true);
    try {
      await body();
    } finally {
      await fettle.deterministic(false);
    }
  }
}

/**
 * @param {string} what
 * @param {string} got
 * @param {string} expected
 */
function equal(what, got, expected) {
  ensure(got === expected, `${what}: the weights' SHA-256 is ${got}, expected ${expected}`);
}

/**
 * Runs all checks, one after another.
 *
 * @param {Library} library
 * @param {Options} [options]
 * @returns {Promise<Record<string, string>>} what went wrong, by check; an empty text where nothing did
 */
export async function smoke(library, options = { threads: false }) {
  /** @type {Record<string, string>} */
  const results = {};
  for (const [name, check] of Object.entries(checksOf(library, options))) {
    try {
      await check();
      results[name] = '';
    } catch (error) {
      results[name] = error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
    }
  }
  return results;
}
