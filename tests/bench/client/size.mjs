// What a page downloads for a phone, beside JsSIP and SIP.js: each bundled by esbuild in the same way.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const CORE = join(ROOT, 'build/client/wakeline_client_bg.wasm');

async function bundle(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT }, bundle: true, minify: true, format: 'esm', write: false, logLevel: 'error', define: { global: 'globalThis' },
  });
  return outputFiles[0].contents;
}

const brotli = (octets) => brotliCompressSync(octets, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: octets.length } }).length;
const sizes = (...files) => ({
  min: files.reduce((sum, file) => sum + file.length, 0),
  gzip: files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0),
  brotli: files.reduce((sum, file) => sum + brotli(file), 0),
});

/** Octets by contestant; `ours` is JavaScript and wasm. Nothing of ours is loaded later: `ours_all` is the same. */
export async function size() {
  const javascript = await bundle(`export * from './client-wasm/js/index.ts'`);
  const ours = sizes(javascript, readFileSync(CORE));
  const features = /** @type {string} */ (await exportsOf(javascript));
  return {
    ours, ours_all: ours,
    ours_parts: { javascript: sizes(javascript), wasm: sizes(readFileSync(CORE)) },
    jssip: sizes(await bundle(`import JsSIP from 'jssip'; export default JsSIP;`)),
    sipjs: sizes(await bundle(`export * from 'sip.js';`)),
    features,
  };
}

async function exportsOf(javascript) {
  const { metafile } = await build({ stdin: { contents: Buffer.from(javascript).toString(), loader: 'js' }, bundle: false, format: 'esm', write: false, metafile: true, logLevel: 'error' });
  return Object.values(metafile.outputs)[0].exports.sort();
}
