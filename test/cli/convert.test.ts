import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { deterministic, noGrad, type Tensor, tensor } from 'fettle';
import type { ImageDataset } from 'fettle/data';
import { Linear, type Module, Sequential } from 'fettle/nn';
import { loadModel, saveModel } from 'fettle/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArguments } from '../../src/cli/arguments.js';
import { convertCommand } from '../../src/cli/commands/convert.js';
import { quantizeCommand } from '../../src/cli/commands/quantize.js';
import { trainCommand } from '../../src/cli/commands/train.js';
import type { Entry } from '../../src/cli/options.js';
import { createProgress } from '../../src/cli/progress.js';
import { loadTask } from '../../src/cli/task.js';
import { UsageError } from '../../src/cli/usage.js';

let folder = '';
const place = (name: string): string => join(folder, name);

async function run(line: string, { json = false } = {}): Promise<string> {
  const command = readArguments(line.split(' '));
  const entries: Record<string, Entry<object>> = {
    convert: convertCommand as Entry<object>,
    quantize: quantizeCommand as Entry<object>,
    train: trainCommand as Entry<object>,
  };
  let text = '';
  const stream = {
    write: (piece: string) => {
      text += piece;
    },
  };
  const progress = createProgress({ stream, json });
  const { signal } = new AbortController();
  await (entries[command.name] as Entry<object>).run(command, { stream, json, device: 'wasm', progress, signal });
  progress.close();
  return text;
}

interface Loaded {
  readonly load: () => Promise<void>;
  readonly predict: (x: Float32Array | readonly number[]) => Float32Array;
  readonly classes: readonly string[];
}

async function open(name: string): Promise<Loaded> {
  const module = (await import(/* @vite-ignore */ pathToFileURL(place(name)).href)) as Loaded;
  await module.load();
  return module;
}

/** What the model gives for it, as it is used from a program. */
function forward(model: Module, x: Tensor): unknown {
  return noGrad(() => (model.forward as (x: Tensor) => Tensor).call(model, x).dataSync());
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fettle-convert-'));
  writeFileSync(place('package.json'), '{ "type": "module" }');
  await deterministic(true);
  await run(`train --model lenet5 --epochs 1 -o ${place('net.safetensors')}`);
  await run(`quantize ${place('net.safetensors')} -o ${place('int8.safetensors')}`);
}, 120_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await deterministic(false);
});

describe('fettle convert --to standalone', () => {
  it('makes a program that takes the data as they are, and says what the model says', async () => {
    const text = await run(`convert ${place('int8.safetensors')} --to standalone`);
    expect(text).toContain('qconv2d_f32');
    expect(text).toContain("import { load, predict } from './int8.js'");
    const { predict, classes } = await open('int8.js');
    expect(classes).toEqual([...'0123456789']);
    const { model, preprocessing } = await loadModel(place('int8.safetensors'));
    const { test } = await loadTask('digits', 0, preprocessing);
    const { images, labels } = test as ImageDataset;
    let right = 0;
    for (let i = 0; i < 50; i++) {
      // Sixteen is white; the task standardizes, the program does it itself.
      const pixels = Float32Array.from(images.subarray(64 * i, 64 * i + 64), (v) => v / 16);
      const scores = predict(pixels);
      const [x] = (await test.get(i)) as [Tensor, Tensor];
      expect(scores).toEqual(forward(model, x.unsqueeze(0)));
      if (scores.indexOf(Math.max(...scores)) === labels[i]) right++;
    }
    expect(right).toBeGreaterThan(40);
    model.dispose();
  });

  it('takes rows of a table, in which a number may be missing', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${(i * 5) % 11},${i % 2 === 0 ? 'even' : 'odd'}`);
    writeFileSync(place('table.csv'), `a,b,kind\n${rows.join('\n')}\n`);
    await run(`train --data csv:${place('table.csv')} --model mlp --epochs 1 -o ${place('rows.safetensors')}`);
    await run(`convert ${place('rows.safetensors')} --to standalone --batch 1,4 --inline`);
    const { predict, classes } = await open('rows.js');
    expect(classes).toEqual(['even', 'odd']);
    const { model, preprocessing } = await loadModel(place('rows.safetensors'));
    const scaled = preprocessing?.transform(tensor([[2, 0]])) as Tensor;
    expect(predict([2, NaN])).toEqual(forward(model, tensor([[scaled.dataSync()[0] as number, 0]])));
    expect(predict([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toHaveLength(10);
    model.dispose();
  });

  it('takes models of other programs, once it knows the shape of their inputs', async () => {
    const model = new Sequential(new Linear(6, 3));
    const file = place('other.safetensors');
    await saveModel(file, model);
    await expect(run(`convert ${file} --to standalone`)).rejects.toThrow('does not say what its inputs are');
    await run(`convert ${file} --to standalone --shape 2,6 --handler -o ${place('made.js')}`);
    expect(readdirSync(folder).filter((name) => name.startsWith('made.'))).toEqual([
      'made.d.ts',
      'made.edge.js',
      'made.handler.js',
      'made.js',
      'made.wasm',
    ]);
    const x = Float32Array.from({ length: 12 }, (_, i) => i);
    expect((await open('made.js')).predict(x)).toEqual(forward(model, tensor(x, [1, 2, 6])));
    await expect(run(`convert ${file} --to standalone --shape 5 -o ${place('none.js')}`)).rejects.toThrow(`${file}: `);
    expect(existsSync(place('none.js'))).toBe(false);
    model.dispose();
  });

  it('prints one JSON object', async () => {
    const said = JSON.parse(await run(`convert ${place('int8.safetensors')} --to standalone`, { json: true }));
    const text = await run(`convert ${place('int8.safetensors')} --to standalone --json`, { json: true });
    expect(JSON.parse(text)).toEqual(said);
    expect(said).toMatchObject({ event: 'result', kernels: expect.arrayContaining(['qgemm_f32']) });
    expect(said.files.map(({ file }: { file: string }) => file)).toContain(place('int8.wasm'));
  });

  it.each([
    ['convert', 'convert needs a model file'],
    ['convert a.safetensors', 'convert needs --to'],
    ['convert a.safetensors --to standalon', 'Did you mean standalone?'],
    ['convert a.safetensors --to standalone -o a.wasm', '--out takes the name of a .js file'],
    ['convert a.safetensors --to standalone --batch 1,x', "--batch takes a whole number ≥ 1, got 'x'"],
  ])('says what is wrong with %s', (line, message) => {
    expect(() => readArguments(line.split(' '))).toThrow(UsageError);
    expect(() => readArguments(line.split(' '))).toThrow(message);
  });
});
