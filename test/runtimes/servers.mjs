/** Node in four versions, Deno and Bun: the package is loaded from its folder; and Deno with the package as JSR has it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, resultsOf, root, run, tool } from './workshop.mjs';

const NODES = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];

/** Node of a version. @param {string} version */
export async function nodeOf(version) {
  const name = `node-${process.platform}-${process.arch}`;
  return join(await tool(`node-${version}`, { [name]: version }), 'node_modules', name, 'bin/node');
}

/** @type {import('./run.mjs').Target[]} */
export const servers = [
  ...NODES.map((version) => ({
    name: `Node ${version.split('.')[0]}`,
    /** @param {import('./workshop.mjs').Workshop} shop */
    async run(shop) {
      return resultsOf(await run(await nodeOf(version), ['main.mjs'], { cwd: shop.folder }));
    },
  })),
  {
    name: 'Deno',
    async run(shop) {
      const folder = await tool('deno', { deno: '2.9.6' });
      const deno = join(folder, 'node_modules/.bin/deno');
      const program = async (/** @type {string} */ name) =>
        resultsOf(await run(deno, ['run', '--allow-read', '--allow-env', name], { cwd: shop.folder }));
      // The one of these runtimes whose own WebGPU may have 16-bit arithmetic.
      return { ...(await program('main.mjs')), ...(await program('halves.mjs')) };
    },
  },
  {
    name: 'Bun',
    async run(shop) {
      const folder = await tool('bun', { bun: '1.4.5' });
      return resultsOf(await run(join(folder, 'node_modules/.bin/bun'), ['run', 'main.mjs'], { cwd: shop.folder }));
    },
  },
  {
    name: 'Deno, from JSR',
    async run(shop) {
      const deno = join(await tool('deno', { deno: '2.9.6' }), 'node_modules/.bin/deno');
      // Somewhere else, where no package of npm is in sight.
      const folder = mkdtempSync(join(tmpdir(), 'fettle-jsr-'));
      try {
        const published = await run(deno, ['publish', '--dry-run', '--allow-dirty'], { cwd: root });
        const place = (/** @type {string[]} */ ...names) => join(folder, ...names);
        cpSync(join(root, 'dist'), place('package/dist'), { recursive: true });
        // A package that is linked says by this name what jsr.json says to the registry.
        cpSync(join(root, 'jsr.json'), place('package/deno.json'));
        for (const name of ['main.mjs', 'installed.mjs', 'smoke.mjs', 'samebits.mjs', 'standalone.mjs', 'expected.mjs'])
          cpSync(shop.path(name), place('program', name));
        for (const name of ['js', 'wasm', 'handler.js'])
          cpSync(shop.path(`lenet5.${name}`), place('program', `lenet5.${name}`));
        const { name, version } = JSON.parse(readFileSync(join(root, 'jsr.json'), 'utf8'));
        const imports = { fettle: `jsr:${name}@${version}`, 'fettle/': `jsr:/${name}@${version}/` };
        writeFileSync(place('program/deno.json'), JSON.stringify({ links: ['../package'], imports }));
        writeFileSync(
          place('program/types.ts'),
          "import { type Tensor, tensor } from 'fettle';\nimport { Linear } from 'fettle/nn';\n" +
            'export const y: Tensor = new Linear(2, 3).forward(tensor([[1, 2]])).relu();\n',
        );
        const inside = { cwd: place('program') };
        await must(deno, ['check', 'types.ts'], inside);
        // The network of standalone.mjs lies beside its module; fettle itself reads nothing.
        const results = resultsOf(await run(deno, ['run', '--no-prompt', '--allow-read', 'main.mjs'], inside));
        return { ...results, manifest: published.code === 0 ? '' : published.output };
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
];
