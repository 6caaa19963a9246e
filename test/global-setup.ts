import { build, buildWorkers } from '../scripts/build.mjs';
import { bundleThread } from './support/gpu/bundle.js';

/** Tests run on the source tree and on the binaries; this makes `npx vitest` enough to have both up to date, and what threads run. */
export default async function setup(): Promise<void> {
  await build({ only: 'wasm' });
  await buildWorkers();
  await bundleThread();
}
