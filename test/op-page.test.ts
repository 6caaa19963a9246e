import { expect, test } from 'vitest';
import { opPage } from './support/oppage.js';

test('docs/OPS.md says what the sources say; npm run docs writes it', async () => {
  await expect(opPage()).toMatchFileSnapshot('../docs/OPS.md');
});
