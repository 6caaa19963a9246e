import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Tensor, tensor } from 'fettle';
import {
  MaxAbsScaler,
  MinMaxScaler,
  Normalizer,
  PCA,
  Pipeline,
  PowerTransformer,
  type Preprocessor,
  QuantileTransformer,
  RobustScaler,
  SimpleImputer,
  StandardScaler,
} from 'fettle/data';
import { Linear } from 'fettle/nn';
import { loadModel, saveModel } from 'fettle/train';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COMMANDS, readArguments } from '../../src/cli/arguments.js';
import { evalFile } from '../../src/cli/eval.js';
import { createProgress } from '../../src/cli/progress.js';

/** Prunes half of the weights of `file`, as the command does. */
async function runPrune(file: string, out: string): Promise<void> {
  const command = readArguments(`prune ${file} --sparsity 0.5 --rounds 1 --epochs 1 -o ${out}`.split(' '));
  const stream = { write: () => {} };
  const progress = createProgress({ stream, json: true });
  const { signal } = new AbortController();
  await COMMANDS.prune.run(command as never, { stream, json: true, device: 'wasm', progress, signal });
  progress.close();
}

/** A model in a file takes its preprocessing along. */

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fettle-preprocessed-'));
});

afterAll(() => rm(folder, { recursive: true }));

const rows = [
  [1, 20, 0.5],
  [2, Number.NaN, 0.25],
  [4, 80, 0.75],
  [8, 40, 1.5],
  [16, 10, 3],
];
const whole = rows.map((row) => row.map((v) => (Number.isNaN(v) ? 5 : v)));

const kinds: readonly Preprocessor[] = [
  new StandardScaler().fit(rows),
  new MinMaxScaler({ featureRange: [-1, 1] }).fit(rows),
  new MaxAbsScaler().fit(rows),
  new RobustScaler().fit(rows),
  new Normalizer({ norm: 'l1' }).fit(whole),
  new PowerTransformer().fit(rows),
  new QuantileTransformer({ nQuantiles: 5 }).fit(rows),
  new SimpleImputer({ strategy: 'median' }).fit(rows),
  new PCA({ whiten: true }).fit(whole),
  new Pipeline([new SimpleImputer(), new PowerTransformer(), new PCA()]).fit(rows),
];

it.each(kinds.map((kind) => [kind.kind, kind] as const))('%s', async (kind, preprocessing) => {
  const path = join(folder, `${kind}.safetensors`);
  const model = new Linear(3, 2);
  await saveModel(path, model, { note: 'mine' }, { preprocessing });
  const loaded = await loadModel(path);
  expect((loaded.about as { note: string }).note).toBe('mine');
  const back = loaded.preprocessing as Preprocessor;
  expect(back.kind).toBe(kind);
  const wanted = preprocessing.transform(whole);
  expect(back.transform(whole)).toEqual(wanted);
  const run = (net: unknown, x: Tensor): unknown => (net as Linear).forward(x).toArray();
  expect(run(loaded.model, back.transform(tensor(whole)))).toEqual(run(model, preprocessing.transform(tensor(whole))));
  model.dispose();
  loaded.model.dispose();
});

it('is read from bytes, a Blob and an address as from a file', async () => {
  const path = join(folder, 'sources.safetensors');
  const model = new Linear(3, 2);
  const preprocessing = new StandardScaler().fit(rows);
  await saveModel(path, model, {}, { preprocessing });
  const bytes = await readFile(path);
  for (const source of [bytes, new Blob([new Uint8Array(bytes)]), pathToFileURL(path)]) {
    const loaded = await loadModel(source);
    expect(loaded.preprocessing?.transform(whole)).toEqual(preprocessing.transform(whole));
    expect((loaded.model as Linear).weight.toArray()).toEqual(model.weight.toArray());
    loaded.model.dispose();
  }
  await expect(loadModel(bytes.subarray(0, 40))).rejects.toThrow(/^bytes: /);
  model.dispose();
});

it('leaves what a program put there alone, and says what cannot be restored', async () => {
  const path = join(folder, 'own.safetensors');
  const model = new Linear(1, 1);
  await saveModel(path, model, { preprocessing: { mean: 3 } });
  const own = await loadModel(path);
  expect([own.preprocessing, own.about]).toEqual([null, { preprocessing: { mean: 3 } }]);
  await saveModel(path, model);
  const none = await loadModel(path);
  expect(none.preprocessing).toBe(null);
  await saveModel(path, model, { preprocessing: { kind: 'Tomorrow' } });
  await expect(loadModel(path)).rejects.toThrow('its preprocessing cannot be restored');
  const preprocessing = new StandardScaler().fit(rows);
  await expect(saveModel(path, model, 3, { preprocessing })).rejects.toThrow('about must be an object');
  await expect(saveModel(path, model, { preprocessing: 1 }, { preprocessing })).rejects.toThrow('without a field');
  await expect(saveModel(path, model, {}, { preprocessing: new StandardScaler() })).rejects.toThrow('fit it first');
  for (const owner of [model, own.model, none.model]) owner.dispose();
});

it('the commands use it', async () => {
  // The labels follow from the first column, which a pipeline makes even; the table has holes.
  const lines = Array.from(
    { length: 60 },
    (_, i) => `${i % 2 === 0 ? 1 + (i % 5) : 100 + i},${i % 7 === 0 ? '' : i % 3},${i % 2}`,
  );
  const csv = join(folder, 'table.csv');
  await writeFile(csv, `a,b,c\n${lines.join('\n')}\n`);
  const table = lines.map((line) =>
    line
      .split(',')
      .slice(0, 2)
      .map((v) => (v === '' ? Number.NaN : Number(v))),
  );
  const preprocessing = new Pipeline([new SimpleImputer(), new PowerTransformer()]).fit(table);
  const model = new Linear(2, 2);
  model.loadStateDict({
    weight: tensor([
      [-1, 0],
      [1, 0],
    ]),
    bias: tensor([0, 0]),
  });
  const file = join(folder, 'model.safetensors');
  const about = { data: `csv:${csv}`, seed: 0, classes: ['0', '1'], shape: [2] };
  await saveModel(file, model, about, { preprocessing });
  model.dispose();
  const score = await evalFile(file, null);
  expect(score.accuracy).toBe(1);
  const out = join(folder, 'pruned.safetensors');
  await runPrune(file, out);
  const pruned = await loadModel(out);
  pruned.model.dispose();
  expect(pruned.preprocessing?.toJSON()).toEqual(preprocessing.toJSON());
  expect((await evalFile(out, null)).samples).toBe(score.samples);
});
