import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { deterministic, manualSeed, noGrad, randn, type Tensor, tensor, zeros } from 'fettle';
import { quantize } from 'fettle/compress';
import { StandardScaler } from 'fettle/data';
import {
  Conv2d,
  Dropout,
  Flatten,
  GELU,
  LayerNorm,
  Linear,
  LSTM,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
  Softmax,
  TransformerEncoderLayer,
} from 'fettle/nn';
import { type Network, type Standalone, type StandaloneOptions, standalone } from 'fettle/standalone';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cells, Mobile, ResNet, Tagger } from '../compress/nets.js';

interface Loaded {
  readonly load: (source?: unknown) => Promise<void>;
  readonly predict: (...inputs: unknown[]) => Float32Array & Record<string, Float32Array>;
  readonly classes?: readonly string[];
  readonly inputs: readonly { name: string; shape: number[] }[];
}

let folder = '';
let count = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fettle-standalone-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  await deterministic(true);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await deterministic(false);
});

function write({ files }: Standalone): string {
  const place = join(folder, String(count++));
  mkdirSync(place);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(place, name), bytes);
  return place;
}

/** The module that was written, loaded as Node loads any. */
async function open(made: Standalone, name = 'model'): Promise<Loaded> {
  const module = (await import(/* @vite-ignore */ pathToFileURL(join(write(made), `${name}.js`)).href)) as Loaded;
  await module.load();
  return module;
}

/** What the network itself gives. */
function direct(network: Network, ...inputs: Tensor[]): Float32Array | Int32Array {
  const forward = (network instanceof Module ? network.eval().forward.bind(network) : network) as (
    ...inputs: Tensor[]
  ) => Tensor;
  return noGrad(() => forward(...inputs).dataSync()) as Float32Array;
}

/** The network and the program that is made of it agree to the bit. */
async function same(
  network: Network,
  examples: Tensor[],
  options?: StandaloneOptions,
  tests = examples,
): Promise<Loaded> {
  const loaded = await open(standalone(network, examples, options));
  expect(loaded.predict(...tests.map((x) => x.dataSync()))).toEqual(direct(network, ...tests));
  return loaded;
}

/** LeNet-5 as Caffe has it, with weights that were drawn. */
function lenet5(): Sequential {
  manualSeed(1);
  return new Sequential(
    ...[new Conv2d(1, 20, 5), new MaxPool2d(2), new Conv2d(20, 50, 5), new MaxPool2d(2), new Flatten()],
    ...[new Linear(800, 500), new ReLU(), new Linear(500, 10)],
  );
}

describe('standalone', () => {
  it('makes an int8 LeNet-5 of its weights and less than 30 kB', async () => {
    const net = lenet5();
    const int8 = (await quantize.static(net, [randn([64, 1, 28, 28])])) as Sequential;
    const made = standalone(int8, zeros([1, 1, 28, 28]), { classes: [...'0123456789'] });
    const weights = Object.values(int8.stateDict()).reduce((sum, x) => sum + x.dataSync().byteLength, 0);
    const size = (file: string): number => (made.files[file] as Uint8Array).length;
    // Not compressed.
    expect(size('model.js') + size('model.wasm') - weights).toBeLessThan(30_000);
    expect(made.kernels).toEqual(['maxPool2d_f32', 'qconv2d_f32', 'qgemm_f32']);
    const { predict, classes, inputs } = await open(made);
    const x = randn([3, 1, 28, 28]);
    expect(predict(x.dataSync())).toEqual(direct(int8, x));
    expect(classes).toEqual([...'0123456789']);
    expect(inputs).toEqual([{ name: 'input', shape: [1, 28, 28] }]);
    int8.dispose();
    net.dispose();
  });

  const resnet = () => new ResNet('A', [8, 8, 8], [8, 8, 8]);
  const encoder = () => new TransformerEncoderLayer(16, 4, { dimFeedforward: 32, batchFirst: true });
  const mixed = () =>
    new Sequential(new Linear(6, 12), new GELU(), new LayerNorm(12), new Dropout(0.5), new Softmax(-1));
  it.each<[string, () => Module, number[]]>([
    ['a LeNet-5', lenet5, [2, 1, 28, 28]],
    ['residual blocks with normalization', resnet, [2, 3, 8, 8]],
    ['depthwise and grouped convolutions', () => new Mobile(), [1, 3, 16, 16]],
    ['an encoder layer of a transformer', encoder, [2, 5, 16]],
    ['activations, normalization and dropout', mixed, [3, 6]],
    ['recurrent cells', () => new Cells(6, 5), [4, 2, 3]],
  ])('computes %s to the bit', async (_, make, shape) => {
    manualSeed(2);
    const model = make();
    const { predict } = await same(model, [randn(shape)]);
    // Another input, and memory as the first run left it.
    const x = randn(shape);
    expect(predict(x.dataSync())).toEqual(direct(model, x));
    model.dispose();
  });

  it.each(['dynamic', 'int8', 'int4', 'float16'] as const)('computes weights of %s to the bit', async (kind) => {
    manualSeed(3);
    const model = new Sequential(new Linear(64, 96), new ReLU(), new Linear(96, 7));
    const less = kind === 'dynamic' ? quantize.dynamic(model) : quantize.weightOnly(model, { dtype: kind });
    await same(less, [randn([1, 64])]);
    for (const one of new Set([model, less])) one.dispose();
  });

  it('takes along the loop that each elementwise op passes on, and no other', async () => {
    const x = randn([3, 5]).transpose(0, 1);
    const ops: Record<string, (x: Tensor) => Tensor> = {
      abs: (x) => x.abs(),
      add: (x) => x.add(x),
      compare: (x) => x.lt(0).float(),
      exp: (x) => x.exp(),
      relu: (x) => x.relu(),
      round: (x) => x.round(),
      sum: (x) => x.sum(0),
      argmax: (x) => x.argmax(1),
      tanh: (x) => x.tanh(),
      where: (x) => x.where(x.gt(0), x.mul(2)),
      whole: (x) => x.mul(10).int().mul(3),
    };
    for (const [name, op] of Object.entries(ops)) {
      const made = standalone((x) => op(x.t()), x.contiguous());
      const { predict } = await open(made);
      expect(predict(x.dataSync()), name).toEqual(direct((x) => op(x.t()), x));
      expect(made.bytes.code, name).toBeLessThan(12_000);
    }
  });

  it('takes indices, and refuses those that no table has', async () => {
    const model = new Tagger(LSTM, 6, 8);
    const { predict } = await same(model, [tensor([[1, 2, 3]], { dtype: 'int32' })]);
    expect(() => predict([1, 2, 11])).toThrow('out of range');
    // It has refused, and works on.
    expect(predict([[4, 5, 10]])).toEqual(direct(model, tensor([[4, 5, 10]], { dtype: 'int32' })));
    model.dispose();
  });

  it('takes several inputs and gives several outputs by name', async () => {
    const both = (x: Tensor, y: Tensor) => ({ sum: x.add(y), largest: x.mul(y).argmax(1) });
    const { predict } = await open(standalone(both, [zeros([2, 3]), zeros([2, 3])]));
    const x = [1, 2, 3, -4, 5, 6];
    const { sum, largest } = predict(x, [1, 1, 2, 2, 2, 2]);
    expect(sum).toEqual(Float32Array.of(2, 3, 5, -2, 7, 8));
    expect(largest).toEqual(Int32Array.of(2, 2));
    expect(() => predict(x)).toThrow('expected 2 inputs, got 1');
    expect(() => predict(x, [1, 2, 3])).toThrow('samples');
  });

  it('computes any number of samples in pieces of the sizes that it has', async () => {
    const model = lenet5();
    const made = standalone(model, zeros([1, 1, 28, 28]), { batch: [1, 4] });
    const one = standalone(model, zeros([1, 1, 28, 28]));
    const [wide, narrow] = [made, one].map(({ files }) => (files['model.wasm'] as Uint8Array).length) as [
      number,
      number,
    ];
    // The weights are there once.
    expect(wide - narrow).toBeLessThan(1000);
    const { predict } = await open(made);
    const x = randn([11, 1, 28, 28]);
    // Each piece is a batch of its own: how products are rounded depends on how many there are.
    const pieces = [4, 4, 1, 1, 1].map((samples, i) => x.narrow(0, i < 2 ? 4 * i : 6 + i, samples).contiguous());
    expect([...predict(x.dataSync())]).toEqual(pieces.flatMap((piece) => [...direct(model, piece)]));
    const fours = await open(standalone(model, zeros([1, 1, 28, 28]), { batch: 4 }));
    expect(fours.predict(x.dataSync().subarray(0, 8 * 784))).toEqual(predict(x.dataSync().subarray(0, 8 * 784)));
    expect(() => fours.predict(x.dataSync())).toThrow('4 samples at a time, and of 11 there are 3 left');
    model.dispose();
  });

  it('says what it takes when it is given something else', async () => {
    const model = new Sequential(new Linear(4, 2));
    const { predict } = await open(standalone(model, zeros([1, 4]), { name: 'small' }), 'small');
    const expected = 'small: input must have a multiple of 4 numbers ([4] a sample), got';
    expect(() => predict([1, 2, 3])).toThrow(`${expected} 3.`);
    expect(() => predict([])).toThrow(`${expected} 0.`);
    expect(() => predict()).toThrow('expected 1 inputs, got 0');
    expect(() => predict({})).toThrow(`${expected} object.`);
    model.dispose();
  });

  it('carries the binary in one file, compiled when it is first wanted', async () => {
    const model = lenet5();
    const made = standalone(model, zeros([1, 1, 28, 28]), { inline: true });
    expect(Object.keys(made.files)).toEqual(['model.js', 'model.d.ts']);
    const file = join(write(made), 'model.js');
    const { predict, load } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Loaded;
    const x = randn([1, 1, 28, 28]);
    expect(predict(x.dataSync())).toEqual(direct(model, x));
    await load();
    expect(predict(x.dataSync())).toEqual(direct(model, x));
    model.dispose();
  });

  it('rounds weights to float16 where that is asked for', async () => {
    const model = lenet5();
    const full = standalone(model, zeros([1, 1, 28, 28]));
    const half = standalone(model, zeros([1, 1, 28, 28]), { weights: 'float16' });
    expect(half.bytes.weights).toBeLessThan(0.51 * full.bytes.weights);
    const { predict } = await open(half);
    for (const parameter of model.parameters()) {
      // As many as are worth rounding.
      if (parameter.numel() >= 256) noGrad(() => parameter.copy_(parameter.half().float()));
    }
    const x = randn([2, 1, 28, 28]);
    expect(predict(x.dataSync())).toEqual(direct(model, x));
    model.dispose();
  });

  it('leaves out zeros that stand together', () => {
    const model = new Sequential(new Linear(256, 256, { bias: false }));
    const full = standalone(model, zeros([1, 256]));
    noGrad(() => (model.parameters()[0] as Tensor).narrow(0, 0, 128).zero_());
    expect(standalone(model, zeros([1, 256])).bytes.weights).toBeLessThan(0.51 * full.bytes.weights);
    model.dispose();
  });

  it('prepares inputs, where the network is a function that does', async () => {
    const scaler = new StandardScaler().fit(randn([20, 4]).mul(3).add(1));
    const model = new Sequential(new Linear(4, 2));
    const { predict } = await same((x) => model.forward(scaler.transform(x)), [randn([1, 4])]);
    expect(predict([1, 2, 3, 4])).toHaveLength(2);
    model.dispose();
  });

  it('gives out its input and its weights as they are', async () => {
    const table = tensor([1, 2, 3]);
    const { predict } = await open(standalone((x) => ({ x, table, part: x.narrow(0, 1, 2) }), zeros([4])));
    const given = Float32Array.of(4, 5, 6, 7);
    expect(predict(given)).toEqual({ x: given, table: Float32Array.of(1, 2, 3), part: Float32Array.of(5, 6) });
  });

  it('has types', () => {
    const model = new Sequential(new Linear(4, 2));
    const named = standalone((x, y) => ({ sum: x.add(y), 'the largest': x.argmax(1) }), [zeros([2, 3]), zeros([2, 3])]);
    const [one, several] = [write(standalone(model, zeros([1, 4]), { classes: ['a', 'b'] })), write(named)];
    const program = `import { classes, inputs, load, outputs, predict } from '${one}/model.js';
import * as several from '${several}/model.js';
const name: string | undefined = classes[0] ?? inputs[0]?.name;
await load();
await load(new URL('file:///x.wasm'));
await load(new Uint8Array(3));
await load(fetch('x.wasm'));
const scores: Float32Array = predict([1, 2, 3, 4]);
predict([[1, 2], [3, 4]]);
predict(new Uint8Array(4));
const { sum, 'the largest': largest } = several.predict([1], [2]);
const both: [Float32Array, Int32Array] = [sum, largest];
// @ts-expect-error
predict('text');
// @ts-expect-error
several.predict([1]);
export const all = [name, scores, both, outputs[0]?.shape];
`;
    const file = join(folder, 'types.mts');
    writeFileSync(file, program);
    const checked = ts.createProgram([file], {
      ...{
        strict: true,
        noEmit: true,
        skipDefaultLibCheck: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        types: [],
      },
      ...{ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] },
    });
    const problems = ts
      .getPreEmitDiagnostics(checked)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
    expect(problems).toEqual([]);
    model.dispose();
  }, 90_000);

  it('leaves the network as it was', () => {
    const model = new Sequential(new Linear(4, 2), new Dropout(0.5));
    standalone(model, zeros([1, 4]));
    expect([...model.modules()].map(({ training }) => training)).toEqual([true, true, true]);
    model.dispose();
  });

  it.each<[string, Network, StandaloneOptions, string]>([
    ['reads a value', (x) => x.mul(x.sum().item()), {}, 'standalone: the step reads a value'],
    ['has a size that values decide', (x) => x.nonzero(), {}, 'standalone: the step reads a value'],
    ['draws random numbers', (x) => x.add(randn([2, 4])), {}, 'draws random numbers'],
    ['writes into its input', (x) => x.add_(1), {}, 'writes into the network, or into its input'],
    ['gives something else', () => ({ a: 3 }) as unknown as Tensor, {}, 'its a is number'],
    ['has an output of no array', (x) => x.half(), {}, 'an input or output is float16'],
    ['has a bad name', (x) => x, { name: '../x' }, 'name must be that of a file'],
    ['has a bad batch', (x) => x, { batch: [1, 0] }, 'batch must be a whole number ≥ 1'],
    ['has no batch', (x) => x, { batch: [] }, 'batch must be a whole number ≥ 1'],
    ['has an output without samples', (x) => x.sum(), { batch: [1, 2] }, 'the first size of every output'],
  ])('refuses a network that %s', (_, network, options, message) => {
    expect(() => standalone(network, zeros([2, 4]), options)).toThrow(message);
  });

  it('refuses what is no example', () => {
    const network = (x: Tensor): Tensor => x;
    expect(() => standalone(network, [])).toThrow('expected an example of the input, got none');
    expect(() => standalone(network, zeros([0, 3]))).toThrow('an example of the input is empty');
    expect(() => standalone(network, zeros([]), { batch: 2 })).toThrow('one is a scalar');
    expect(() => standalone(network, [[1, 2]] as unknown as Tensor)).toThrow('examples of inputs must be tensors');
  });

  it('explains what is no WebAssembly', async () => {
    const model = new Sequential(new Linear(4, 2));
    const module = join(write(standalone(model, zeros([1, 4]))), 'model.js');
    const { load, predict } = (await import(/* @vite-ignore */ pathToFileURL(module).href)) as Loaded;
    expect(() => predict([1, 2, 3, 4])).toThrow('it is not loaded yet. Call await load()');
    await expect(load(new TextEncoder().encode('<!doctype html>'))).rejects.toThrow(
      'expected model.wasm, but got other',
    );
    const page = () => new Response('<!doctype html>', { status: 404, headers: { 'content-type': 'text/html' } });
    await expect(load(page())).rejects.toThrow('status 404, content type text/html');
    model.dispose();
  });
});

describe('the handler', () => {
  it('answers requests, and says what is wrong with others', async () => {
    const model = new Sequential(new Linear(2, 2));
    const place = write(standalone(model, zeros([1, 2]), { classes: ['no', 'yes'], handler: true }));
    const module = await import(/* @vite-ignore */ pathToFileURL(join(place, 'model.handler.js')).href);
    const { default: service, handler } = module as {
      default: { fetch(request: Request): Promise<Response> };
      handler(event: unknown): Promise<{ statusCode: number; body: string }>;
    };
    const ask = (body: unknown, method = 'POST') =>
      service.fetch(
        new Request('http://host/', method === 'POST' ? { method, body: JSON.stringify(body) } : { method }),
      );
    const y = [...(direct(model, tensor([[1, 2]])) as Float32Array)];
    const said = { output: [y, y], class: Array(2).fill((y[0] as number) > (y[1] as number) ? 'no' : 'yes') };
    const response = await ask({
      input: [
        [1, 2],
        [1, 2],
      ],
    });
    expect([response.status, await response.json()]).toEqual([200, said]);
    const { statusCode, body } = await handler({ body: JSON.stringify({ input: [1, 2, 1, 2] }) });
    expect([statusCode, JSON.parse(body)]).toEqual([200, said]);
    const encoded = await handler({ body: btoa('{ "input": [1, 2, 1, 2] }'), isBase64Encoded: true });
    expect(JSON.parse(encoded.body)).toEqual(said);
    for (const wrong of [
      null,
      3,
      {},
      { input: 1 },
      { input: ['1', 2] },
      { input: [null, 2] },
      { input: [1] },
      { input: [] },
    ]) {
      const { status } = await ask(wrong);
      expect(status, JSON.stringify(wrong)).toBe(400);
    }
    expect((await ask(null, 'GET')).status).toBe(405);
    expect((await handler({ body: '{' })).statusCode).toBe(400);
    expect((await handler({})).statusCode).toBe(400);
    model.dispose();
  });
});
