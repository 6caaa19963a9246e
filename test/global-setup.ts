import { build } from '../scripts/build.mjs';

/** Tests run on the source tree and on the binaries; this makes `npx vitest` enough to have both up to date. */
export default async function setup(): Promise<void> {
  await build({ only: 'wasm' });
}
