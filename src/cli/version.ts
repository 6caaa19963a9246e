import { readFileSync } from 'node:fs';

/** fettle's version, from its package.json, which stands two folders up both in the source tree and in the package. */
export const version = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
