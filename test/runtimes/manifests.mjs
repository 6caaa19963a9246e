/** What those say of package.json and of the types who look at packages for a living. */
import { join } from 'node:path';
import { run, tool } from './workshop.mjs';

/** @param {{ code: number | null, output: string }} ended */
const wrong = ({ code, output }) => (code === 0 ? '' : output);

/** @type {import('./run.mjs').Target[]} */
export const manifests = [
  {
    name: 'the package itself',
    async run(shop) {
      const folder = await tool('manifests', { publint: '0.3.25', '@arethetypeswrong/cli': '0.18.5' });
      const bin = (/** @type {string} */ name) => join(folder, 'node_modules/.bin', name);
      return {
        manifest: wrong(await run(bin('publint'), [shop.tarball, '--strict'])),
        types: wrong(await run(bin('attw'), [shop.tarball, '--profile', 'esm-only', '--no-emoji'])),
      };
    },
  },
];
