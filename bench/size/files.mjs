/** What the package weighs: packed, unpacked, its binaries, and a network that is exported from it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { root } from './bundles.mjs';

/** @returns {import('../size.mjs').Figure[]} */
export function packed() {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const [{ size, unpackedSize, entryCount }] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }));
  const note = `${entryCount} files`;
  return [
    { name: 'tarball', value: size, unit: 'bytes', note },
    { name: 'unpacked', value: unpackedSize, unit: 'bytes', note },
  ];
}

/** @returns {import('../size.mjs').Figure[]} */
export function binaries() {
  const folder = `${root}dist/runtime/`;
  /** @type {Map<string, number[]>} */
  const sizes = new Map();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.wasm'))) {
    const variant = /\.([\w-]+)\.wasm$/.exec(file)?.[1] ?? 'others';
    sizes.set(variant, [...(sizes.get(variant) ?? []), statSync(folder + file).size]);
  }
  return [...sizes].map(([variant, all]) => {
    const value = all.reduce((sum, bytes) => sum + bytes, 0);
    return { name: `kernels, ${variant}`, value, unit: 'bytes', note: `${all.length} files` };
  });
}

/** An int8 LeNet-5 as a program of its own: its files, but for the weights. @returns {Promise<import('../size.mjs').Figure[]>} */
export async function exported() {
  const { scope, randn } = await import('../../dist/index.js');
  const { quantize } = await import('../../dist/compress/index.js');
  const { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } = await import('../../dist/nn/index.js');
  const { standalone } = await import('../../dist/standalone/index.js');
  const features = [new Conv2d(1, 20, 5), new MaxPool2d(2), new Conv2d(20, 50, 5), new MaxPool2d(2), new Flatten()];
  const lenet5 = new Sequential(...features, new Linear(800, 500), new ReLU(), new Linear(500, 10));
  const model = await quantize.static(lenet5, [randn([8, 1, 28, 28])]);
  return scope(() => {
    const { files } = standalone(model, randn([1, 1, 28, 28]));
    const shipped = Object.entries(files).filter(([name]) => !name.endsWith('.d.ts'));
    const whole = shipped.reduce((sum, [, { length }]) => sum + length, 0);
    const weights = Object.values(model.stateDict()).reduce((sum, x) => sum + x.dataSync().byteLength, 0);
    const note = `not compressed; its weights are ${(weights / 1000).toFixed(1)} kB more`;
    return [{ name: 'standalone int8 LeNet-5', value: whole - weights, unit: 'bytes', note }];
  });
}
