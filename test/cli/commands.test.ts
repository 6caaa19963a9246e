import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FettleError } from 'fettle';
import { encodePng } from 'fettle/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS, readArguments } from '../../src/cli/arguments.js';
import { evalFile } from '../../src/cli/eval.js';
import type { Entry } from '../../src/cli/options.js';
import { createProgress } from '../../src/cli/progress.js';
import { UsageError } from '../../src/cli/usage.js';
import { Generator } from '../../src/core/random.js';

let folder = '';
const place = (name: string): string => join(folder, name);

/** Runs a command line as main does, and gives what it printed. */
async function run(line: string, { json = false, stopAt = '' } = {}): Promise<string> {
  const command = readArguments(line.split(' '));
  if (!(command.name in COMMANDS)) throw new Error(`no command: ${line}`);
  const entry: Entry<object> = COMMANDS[command.name as keyof typeof COMMANDS];
  const abort = new AbortController();
  let text = '';
  const stream = {
    write: (piece: string) => {
      text += piece;
      if (stopAt !== '' && text.includes(stopAt)) abort.abort(new Error('stopped'));
    },
  };
  const progress = createProgress({ stream, json });
  await entry.run(command, { stream, json, device: 'wasm', progress, signal: abort.signal });
  progress.close();
  return text;
}

const last = (text: string) => JSON.parse(text.trim().split('\n').at(-1) as string);

/** Points of the plane in two classes, as a table. */
function writeTable(name: string): void {
  const generator = new Generator(3);
  const rows = Array.from({ length: 240 }, (_, i) => {
    const [x, y] = [generator.normal(), generator.normal()];
    return `${(x + (i % 2) * 4).toFixed(3)},${i % 40 === 7 ? '' : (100 * y).toFixed(3)},${i % 2 === 0 ? 'left' : 'right'}`;
  });
  writeFileSync(place(name), `x,y,side\n${rows.join('\n')}\n`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fettle-'));
  await run(`train --model mlp --epochs 8 -o ${place('mlp.safetensors')}`);
  writeTable('table.csv');
}, 120_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Images of two sizes in which the upper, or the left, half is light: a folder for each. */
async function writeImages(root: string, count: number): Promise<void> {
  const generator = new Generator(5);
  for (const name of ['left', 'upper']) {
    mkdirSync(place(`${root}/${name}`), { recursive: true });
    for (let i = 0; i < count; i++) {
      const [height, width] = i % 2 === 0 ? [12, 18] : [20, 16];
      const pixels = Uint8Array.from({ length: 3 * height * width }, (_, at) => {
        const [y, x] = [Math.floor(at / width) % height, at % width];
        const light = name === 'left' ? x < width / 2 : y < height / 2;
        return (light ? 140 : 60) + generator.below(50);
      });
      writeFileSync(place(`${root}/${name}/${i}.png`), await encodePng({ data: pixels, shape: [3, height, width] }));
    }
  }
}

describe('fettle bench', () => {
  it('times networks by name and from files', async () => {
    const { models, batch, threads } = last(
      await run(`bench mlp ${place('mlp.safetensors')} --batch 8`, { json: true }),
    );
    expect([batch, threads]).toEqual([8, 1]);
    expect(models.map(({ shape, parameters }: { shape: number[]; parameters: number }) => [shape, parameters])).toEqual(
      [
        [[1, 28, 28], 109_386],
        [[1, 8, 8], 64 * 128 + 128 + 128 * 64 + 64 + 650],
      ],
    );
    for (const { one, many, step, captured } of models) {
      for (const time of [one, many, step, captured]) expect(time).toBeGreaterThan(0);
    }
    const small = place('bench-int8.safetensors');
    await run(`quantize ${place('mlp.safetensors')} -o ${small}`);
    const [int8] = last(await run(`bench ${small} --batch 8`, { json: true })).models;
    expect(int8).toMatchObject({ parameters: 0, step: null, captured: null });
    expect(int8.one).toBeGreaterThan(0);
    expect(await run('bench mlp')).toMatch(/^mlp +1x28x28 +109,386( +[\d.]+ ms){4}$/m);
  }, 60_000);
});

describe('fettle train and eval', () => {
  it('saves a network that scores as it said', async () => {
    const text = await run(`train --model lenet-300-100 --epochs 1 -o ${place('lenet.safetensors')}`, { json: true });
    const result = last(text);
    expect(result).toMatchObject({ event: 'result', data: 'digits', model: 'lenet-300-100' });
    expect(result.parameters).toBe(64 * 300 + 300 + 300 * 100 + 100 + 1000 + 10);
    expect((await evalFile(place('lenet.safetensors'), null)).accuracy).toBe(result.test);
    expect(await run(`eval ${place('lenet.safetensors')}`)).toContain('test images of digits right');
  }, 60_000);

  it('knows residual networks, which load without their source', async () => {
    await run(`train --model resnet8 --epochs 1 -o ${place('resnet.safetensors')}`);
    expect((await evalFile(place('resnet.safetensors'), null)).accuracy).toBeGreaterThan(0.3);
  }, 120_000);

  it('knows a transformer, for images and for tables', async () => {
    for (const data of ['digits', `csv:${place('table.csv')}`]) {
      const out = place('transformer.safetensors');
      const { test } = last(await run(`train --model transformer --data ${data} --epochs 3 -o ${out}`, { json: true }));
      expect(test).toBeGreaterThan(0.8);
      expect((await evalFile(out, null)).accuracy).toBe(test);
    }
  }, 120_000);

  it('goes on where it was stopped, to the same result, and refuses other options', async () => {
    const line = (out: string, more = '') => `train --model mlp --epochs 4 -o ${place(out)}${more}`;
    const whole = last(await run(line('whole'), { json: true }));
    await expect(run(line('part'), { json: true, stopAt: '"epoch":3' })).rejects.toThrow('stopped');
    expect(existsSync(place('part.checkpoint'))).toBe(true);
    await expect(run(line('part', ' --lr 0.01 --resume'))).rejects.toThrow(
      'that training has --lr 0.002, this one 0.01',
    );
    const text = await run(line('part', ' --resume'), { json: true });
    expect(text).toContain('goes on after epoch');
    const part = last(text);
    expect([part.validation, part.test]).toEqual([whole.validation, whole.test]);
    expect(readFileSync(place('part'))).toEqual(readFileSync(place('whole')));
    expect(existsSync(place('part.checkpoint'))).toBe(false);
    const fresh = await run(`train --model mlp --epochs 1 -o ${place('fresh')} --resume`);
    expect(fresh).toContain('there is no');
  });

  it('runs as the only rank of a distributed training too', async () => {
    const text = await run(`train --epochs 1 --batch 50 --distributed -o ${place('rank')}`);
    expect(text).toContain('one rank alone: mpirun -n 4');
    expect(COMMANDS.train.goOn?.(readArguments('train --distributed --lr 0.1 -o a'.split(' ')) as never)).toBe(
      'mpirun … fettle train --distributed --lr 0.1 --out a --resume',
    );
    expect(() => readArguments(['train', '--timeout', '3'])).toThrow('--timeout goes with --distributed');
  });

  it('learns from images in folders, cut into parts or within train and val', async () => {
    await writeImages('pictures', 30);
    const data = `folder:${place('pictures')}`;
    const text = await run(`train --data ${data} --size 12 --epochs 12 -o ${place('pictures.safetensors')}`, {
      json: true,
    });
    expect(last(text)).toMatchObject({ event: 'result', data });
    const score = await evalFile(place('pictures.safetensors'), null);
    expect(score).toMatchObject({ data, samples: 12 });
    expect(score.accuracy).toBeGreaterThan(0.9);
    expect(await run(`eval ${place('pictures.safetensors')}`)).toContain('test images of folder:');
    await expect(evalFile(place('pictures.safetensors'), 'digits')).rejects.toThrow(
      'takes images [3, 12, 12] of 2 classes',
    );

    await writeImages('parts/train', 20);
    await writeImages('parts/val', 6);
    expect((await evalFile(place('pictures.safetensors'), `folder:${place('parts')}`)).samples).toBe(12);
    await writeImages('parts/test', 3);
    expect((await evalFile(place('pictures.safetensors'), `folder:${place('parts')}/`)).samples).toBe(6);
    mkdirSync(place('parts/test/lower'));
    writeFileSync(place('parts/test/lower/1.png'), 'no image');
    await expect(evalFile(place('pictures.safetensors'), `folder:${place('parts')}`)).rejects.toThrow(
      /class 'lower': .*1\.png: neither a PNG nor a JPEG/,
    );
    writeFileSync(place('parts/test/lower/1.png'), readFileSync(place('parts/test/left/1.png')));
    await expect(evalFile(place('pictures.safetensors'), `folder:${place('parts')}`)).rejects.toThrow(
      'the class lower is not among those of the training part',
    );
    await expect(run(`train --data folder:${place('nowhere')}`)).rejects.toThrow('nowhere: cannot be listed');
  }, 60_000);

  it('learns from a table, some numbers of which are missing', async () => {
    await run(`train --data csv:${place('table.csv')} --epochs 20 -o ${place('table.safetensors')}`);
    const text = await run(`eval ${place('table.safetensors')}`);
    expect(text).toContain('test samples of csv:');
    expect((await evalFile(place('table.safetensors'), null)).accuracy).toBeGreaterThan(0.9);
    await expect(evalFile(place('table.safetensors'), 'digits')).rejects.toThrow('takes rows [2] of 2 classes');
    await expect(run(`train --model lenet5 --data csv:${place('table.csv')}`)).rejects.toThrow('lenet5 takes images');
  }, 60_000);
});

describe('fettle profile', () => {
  it('prints a table, or JSON', async () => {
    const text = await run(`profile ${place('mlp.safetensors')} --batch 8`);
    expect(text).toMatch(/fc1 +Linear +8,320/);
    expect(text).toMatch(/^[\n -~]+$/);
    const result = last(await run('profile lenet5', { json: true }));
    expect(result.layers.map(({ name }: { name: string }) => name)).toContain('conv2');
  }, 60_000);
});

describe('fettle prune, distill and quantize', () => {
  it('removes weights, which a second pruning keeps removed', async () => {
    const [file, out] = [place('mlp.safetensors'), place('pruned.safetensors')];
    const result = last(await run(`prune ${file} --sparsity 0.8 --rounds 2 --epochs 1 -o ${out}`, { json: true }));
    expect(result.bytes.after).toBeLessThan(result.bytes.before * 0.45);
    expect(result.test.after).toBe((await evalFile(out, null)).accuracy);
    expect(result.test.after).toBeGreaterThan(0.8);
    const further = last(await run(`prune ${out} --sparsity 0.9 --rounds 1 --epochs 1`, { json: true }));
    expect(further.original.nonzero).toBe(result.steps[0].nonzero);
    expect(further.steps[0].nonzero).toBeLessThan(result.steps[0].nonzero * 0.6);
    expect(existsSync(place('pruned-pruned.safetensors'))).toBe(true);
  }, 60_000);

  it('cuts units out', async () => {
    const line = `prune ${place('mlp.safetensors')} --sparsity 0.5 --granularity neuron --importance taylor --epochs 1`;
    const text = await run(`${line} -o ${place('cut.safetensors')}`);
    expect(text).toMatch(/shrink +0\.\d+/);
    expect(text).toContain('score it again with: fettle eval');
    expect(text).toMatch(/^[\n -~]+$/);
    const profiled = last(await run(`profile ${place('cut.safetensors')}`, { json: true }));
    expect(profiled.parameters).toBeLessThan(17_226 * 0.6);
  }, 60_000);

  it('teaches a student: a network by name, or one from a file', async () => {
    const [file, out] = [place('mlp.safetensors'), place('student.safetensors')];
    await run(`distill ${file} --student lenet-300-100 --epochs 2 -o ${out}`);
    expect((await evalFile(out, null)).accuracy).toBeGreaterThan(0.8);
    const before = readFileSync(out);
    await run(`distill ${file} --student ${out} --loss dkd --epochs 1 -o ${place('again.safetensors')}`);
    expect(readFileSync(out)).toEqual(before);
    await expect(run(`distill ${file} --student ${place('none.safetensors')}`)).rejects.toThrow('no such file');
  }, 60_000);

  it.each([
    ['static', '--mode static --observer mse', 0.45],
    ['dynamic', '--mode dynamic', 0.45],
    ['qat', '--mode qat --epochs 1', 0.45],
    ['int4 weights', '--mode weights --dtype int4', 0.3],
  ])(
    'quantizes: %s',
    async (_, options, share) => {
      const out = place('q.safetensors');
      const result = last(await run(`quantize ${place('mlp.safetensors')} ${options} -o ${out}`, { json: true }));
      expect(result.bytes.after).toBeLessThan(result.bytes.before * share);
      expect(result.test.after).toBeGreaterThan(result.test.before - 0.03);
      expect((await evalFile(out, null)).accuracy).toBe(result.test.after);
    },
    60_000,
  );

  it('leaves nothing behind when it is stopped or fails', async () => {
    const out = place('stopped.safetensors');
    const line = `prune ${place('mlp.safetensors')} --sparsity 0.5 --rounds 3 --epochs 2 -o ${out}`;
    await expect(run(line, { stopAt: 'prune 2/3' })).rejects.toThrow('stopped');
    expect(readdirSync(folder).filter((name) => name.startsWith('stopped'))).toEqual([]);
    await expect(run(`quantize ${place('nothing.safetensors')}`)).rejects.toThrow(FettleError);
  }, 60_000);
});

describe('fettle search', () => {
  it('is stopped and goes on to the best model, a table and a picture', async () => {
    const out = place('found');
    const line = `search ${place('mlp.safetensors')} --max-drop 0.03 --trials 5 --epochs 1 --out ${out}`;
    await expect(run(line, { stopAt: '\n  2  ' })).rejects.toThrow('stopped');
    expect(existsSync(join(out, 'search.json'))).toBe(false);
    await expect(run(line)).rejects.toThrow(UsageError);
    await expect(run(line)).rejects.toThrow('--resume');
    const text = await run(`search --resume ${out}`);
    expect(text).toContain('5 chains tried');
    expect(text).toMatch(/^[\n -~]+$/);
    expect(readdirSync(out).sort()).toEqual(['best.safetensors', 'search.json', 'search.svg']);
    const result = JSON.parse(readFileSync(join(out, 'search.json'), 'utf8'));
    expect(result.trials).toHaveLength(6);
    expect(result.best.drop).toBeLessThanOrEqual(0.03 + 1e-9);
    expect((await evalFile(join(out, 'best.safetensors'), null)).accuracy).toBe(result.test.after);
    expect(readFileSync(join(out, 'search.svg'), 'utf8')).toContain('</svg>');
    await expect(run(line)).rejects.toThrow('holds a finished search');
    await expect(run(`search --resume ${place('nowhere')}`)).rejects.toThrow('no interrupted search');
  }, 120_000);
});
