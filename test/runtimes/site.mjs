/** A small web server for the programs of a folder, with the headers that a case asks for. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = /** @type {Record<string, string>} */ ({
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
});

/**
 * @typedef {object} Site
 * @property {string} folder
 * @property {Record<string, string>} [pages]     texts of HTML that are not files; the start page is '/'
 * @property {Record<string, string>} [headers]   of every answer
 * @property {Record<string, string>} [types]     by extension, before the usual ones
 * @property {string[]} [missing]                 files that are not found
 * @property {number} [port]                      Default: any that is free.
 */

/**
 * Serves the files of a folder while `use` runs with its address.
 *
 * @template T
 * @param {Site} site
 * @param {(url: string) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function serve({ folder, pages = {}, headers = {}, types = {}, missing = [], port = 0 }, use) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const page = pages[pathname];
    if (page !== undefined) {
      response.setHeader('content-type', 'text/html').end(page);
      return;
    }
    const file = join(folder, normalize(pathname), pathname.endsWith('/') ? 'index.html' : '');
    if (missing.includes(pathname) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<!doctype html>not here');
      return;
    }
    response.setHeader('content-type', { ...TYPES, ...types }[extname(file)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(undefined));
  });
  try {
    const address = /** @type {import('node:net').AddressInfo} */ (server.address());
    return await use(`http://127.0.0.1:${address.port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
