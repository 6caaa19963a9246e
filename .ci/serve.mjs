import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * Serves files while `use` runs with the address. `fileOf` gives the file of a request, or answers it itself and gives null.
 */
export async function serve(fileOf, use) {
  const server = createServer((request, response) => {
    const file = fileOf(new URL(request.url, 'http://localhost').pathname, response);
    if (file === null) return;
    if (!existsSync(file)) response.writeHead(404, { 'content-type': 'text/html' }).end('no');
    else createReadStream(file).pipe(response.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain'));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  try {
    return await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
