// The page that every contestant gets, and the server of it: bundled and compressed alike, the core beside the scripts.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');

export const median = (list) => [...list].sort((one, other) => one - other)[list.length >> 1];

async function bundled(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT }, bundle: true, minify: true, format: 'esm', write: false, logLevel: 'error', define: { global: 'globalThis' },
  });
  return outputFiles[0].contents;
}

/** Each of `pages` (`{name: script}`) as `/name` in the same shell; `given` stands in each as `line`. `headers` go with every file. */
export async function serve(pages, given, headers = {}) {
  const files = new Map();
  const add = (path, type, body) => files.set(path, { type, body: brotliCompressSync(Buffer.from(body)) });
  for (const [name, script] of Object.entries(pages)) {
    // `line` stands behind the imports, which come first wherever they are written.
    add(`/${name}.js`, 'text/javascript', await bundled(`const line = ${JSON.stringify(given)};\n${script}`));
    add(`/${name}`, 'text/html', `<!doctype html><title>${name}</title><script type="module" src="/${name}.js"></script>`);
  }
  add('/wakeline_client_bg.wasm', 'application/wasm', readFileSync(join(ROOT, 'build/client/wakeline_client_bg.wasm')));
  // As a server of static files would be set up: compressed, cached for good but for the page itself.
  const server = createServer((request, response) => {
    const file = files.get(request.url);
    if (!file) return response.writeHead(404).end();
    const keeps = file.type === 'text/html' ? 'no-cache' : 'public, max-age=31536000, immutable';
    return response.writeHead(200, { 'content-type': file.type, 'content-encoding': 'br', 'cache-control': keeps, ...headers }).end(file.body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
