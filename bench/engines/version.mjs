import { readFileSync } from 'node:fs';

/** The version of a package in bench/peers.
 *
 * @param {string} name
 * @returns {string}
 */
export function versionOf(name) {
  const file = new URL(`../peers/node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}
