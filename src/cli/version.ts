import { createRequire } from 'node:module';

/** fettle's version, from its own package.json. */
export const version = (createRequire(import.meta.url)('fettle/package.json') as { version: string }).version;
