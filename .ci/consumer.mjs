// What a program does that has installed the package: every entry point loads, and the first tensor computes at once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tensor } from 'fettle';

const manifest = JSON.parse(readFileSync('node_modules/fettle/package.json', 'utf8'));
assert.equal(manifest.dependencies, undefined, 'nothing else gets installed');
for (const entry of Object.keys(manifest.exports).filter((name) => !/\.(json|wasm)$/.test(name))) {
  await import(entry.replace('.', 'fettle'));
}

// Whoever brings the binaries finds them by their names.
const bare = await import('fettle/bare');
bare.init({ 'core.strict': readFileSync(new URL(import.meta.resolve('fettle/core.strict.wasm'))) });
assert.deepEqual(bare.tensor([1, 2, 3]).add(1).toArray(), [2, 3, 4]);

const x = tensor([1, 2, 3], { requiresGrad: true });
x.mul(x).sum().backward();
assert.deepEqual(x.grad.toArray(), [2, 4, 6]);
const runtime = globalThis.Deno ? 'Deno' : globalThis.Bun ? 'Bun' : `Node ${process.versions.node}`;
console.log(`fettle ${manifest.version} computes on ${runtime}`);
