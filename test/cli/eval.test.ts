import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FettleError, manualSeed, tensor } from 'fettle';
import { StandardScaler } from 'fettle/data';
import { Flatten, Linear, Sequential } from 'fettle/nn';
import { saveModel } from 'fettle/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadParts } from '../../src/cli/demo/source.js';
import { evalFile } from '../../src/cli/eval.js';

let folder = '';
const file = (): string => join(folder, 'model.safetensors');

const digits = Array.from({ length: 10 }, (_, i) => String(i));
const preprocessing = () => new StandardScaler().fit(tensor([[0], [1]])).toJSON();
const about = () => ({ data: 'digits', seed: 5, classes: digits, shape: [1, 8, 8], preprocessing: preprocessing() });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fettle-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Saves a model that always says 7. */
async function save(description: unknown): Promise<void> {
  manualSeed(0);
  const model = new Sequential(new Flatten(), new Linear(64, 10));
  const bias = Float32Array.from(digits, (_, i) => Number(i === 7));
  model.loadStateDict({ '1.weight': tensor(new Float32Array(640), [10, 64]), '1.bias': tensor(bias) });
  await saveModel(file(), model, description);
  model.dispose();
}

describe('evalFile', () => {
  it('scores on the test part of the seed that the model was trained with', async () => {
    await save(about());
    const { test } = await loadParts('digits', 5);
    const sevens = test.labels.filter((label) => label === 7).length;
    const score = await evalFile(file(), null);
    expect(score.accuracy).toBe(sevens / test.labels.length);
    expect(score.samples).toBe(test.labels.length);
    const loss = Math.log(9 + Math.E);
    expect(score.loss).toBeCloseTo(loss - score.accuracy, 5);
    expect(await evalFile(file(), 'digits')).toEqual(score);
  });

  it.each([
    ['nothing', () => null, 'does not say what data it was trained on'],
    ['a list', () => [], 'does not say what data it was trained on'],
    ['no shape', () => ({ ...about(), shape: undefined }), 'does not say what data it was trained on'],
    ['no preprocessing', () => ({ ...about(), preprocessing: null }), 'does not say how its inputs are preprocessed'],
    [
      'another shape',
      () => ({ ...about(), shape: [3, 8, 8] }),
      'takes images [3, 8, 8] of 10 classes, digits has images [1, 8, 8]',
    ],
    [
      'other classes',
      () => ({ ...about(), classes: ['a', 'b'] }),
      'of 2 classes, digits has images [1, 8, 8] of 10 classes',
    ],
    ['data that is gone', () => ({ ...about(), data: 'mnist:/nowhere' }), 'pass --data if that is elsewhere now'],
    ['data of no kind', () => ({ ...about(), data: 'letters' }), "got 'letters'"],
  ])('refuses a model that says %s about itself', async (_, description, message) => {
    await save(description());
    await expect(evalFile(file(), null)).rejects.toThrow(FettleError);
    await expect(evalFile(file(), null)).rejects.toThrow(message);
  });

  it('refuses a file that is none, and data that is not there', async () => {
    await save(about());
    await expect(evalFile(join(folder, 'none'), null)).rejects.toThrow('there is no such file');
    await expect(evalFile(file(), 'mnist:/nowhere')).rejects.toThrow('/nowhere');
  });
});
