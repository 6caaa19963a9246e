import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadModel } from 'fettle/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** `--model FILE.js`: in a process of its own, since such a file imports fettle as it is built. */

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder = '';

function run(...args: string[]): Promise<{ code: number; text: string; wrong: string }> {
  return new Promise((resolve) => {
    const command = [join(root, 'dist/node/cli/main.js'), ...args];
    execFile(process.execPath, command, { cwd: join(root, 'test/cli/programs') }, (error, text, wrong) => {
      resolve({ code: Number(error?.code ?? 0), text, wrong });
    });
  });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fettle-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a network of one’s own', () => {
  it('is trained under the name of its file, and its model needs that no more', async () => {
    const out = join(folder, 'narrow.safetensors');
    const { code, text } = await run('train', '--model', 'narrow.mjs', '--epochs', '8', '--out', out, '--json');
    expect(code).toBe(0);
    const result = JSON.parse(text.trim().split('\n').at(-1) as string);
    expect(result).toMatchObject({ event: 'result', model: 'narrow.mjs', parameters: 64 * 12 + 12 + 12 * 10 + 10 });
    expect(result.test).toBeGreaterThan(0.5);
    const { model } = await loadModel(out);
    expect(model.namedParameters().map(([name]) => name)).toEqual(['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias']);
    model.dispose();
    expect((await run('profile', './narrow.mjs')).text).toContain('fc1');
  }, 60_000);

  it.each([
    ['unsaved.mjs', "unsaved.mjs: describe: 'Own' is not a known layer type"],
    ['wide.mjs', 'wide.mjs: for one sample [1, 1, 8, 8] expected logits [1, 10], got [1, 11].'],
    ['nothing.mjs', 'nothing.mjs: expected a default export that is a function, got undefined.'],
    ['nowhere.mjs', 'nowhere.mjs: there is no such file.'],
  ])(
    '%s is refused before anything is trained',
    async (file, message) => {
      const { code, wrong } = await run('train', '--model', file, '--epochs', '1', '--out', join(folder, 'refused'));
      expect(code).toBe(1);
      expect(wrong).toContain(message);
      expect(readdirSync(folder)).not.toContain('refused');
    },
    60_000,
  );
});
