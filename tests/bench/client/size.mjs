// What a page downloads for a phone, beside JsSIP and SIP.js: each bundled by esbuild in the same way.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const CORE = join(ROOT, 'build/client/wakeline_client_bg.wasm');
/** The agent of the core behind an empty driver: what SIP costs before anything of a browser is driven. */
const FLOOR = join(ROOT, 'build/sip-floor/wakeline_sip_floor_bg.wasm');

const options = { bundle: true, minify: true, format: 'esm', write: false, logLevel: 'error', define: { global: 'globalThis' } };

async function bundle(contents) {
  const { outputFiles } = await build({ stdin: { contents, resolveDir: ROOT }, ...options });
  return outputFiles[0].contents;
}

/** Our scripts: those that a phone is made of, and those that come when they are wanted (video; `wakeline/media`). */
async function ours() {
  const entryPoints = { index: join(ROOT, 'client-wasm/js/index.ts'), media: join(ROOT, 'client-wasm/js/media/index.ts') };
  const { outputFiles, metafile } = await build({ entryPoints, splitting: true, outdir: '/ours', absWorkingDir: '/', metafile: true, ...options });
  const files = new Map(outputFiles.map(({ path, contents }) => [path, contents]));
  const first = new Set();
  const follow = (path) => {
    if (first.has(path)) return;
    first.add(path);
    for (const { path: to, kind } of metafile.outputs[path.slice(1)].imports) if (kind === 'import-statement') follow(`/${to}`);
  };
  follow('/ours/index.js');
  return {
    first: [...first].map((path) => files.get(path)), later: [...files].filter(([path]) => !first.has(path)).map(([, file]) => file),
    exports: metafile.outputs['ours/index.js'].exports.sort(),
  };
}

const brotli = (octets) => brotliCompressSync(octets, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: octets.length } }).length;
const sizes = (...files) => ({
  min: files.reduce((sum, file) => sum + file.length, 0),
  gzip: files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0),
  brotli: files.reduce((sum, file) => sum + brotli(file), 0),
});

/** Octets by contestant; `ours` is what a phone needs, JavaScript and wasm, `ours_all` with all that may come later. */
export async function size() {
  const { first, later, exports } = await ours();
  const core = readFileSync(CORE);
  return {
    ours: sizes(...first, core), ours_all: sizes(...first, ...later, core),
    ours_parts: { javascript: sizes(...first), wasm: sizes(core), 'on demand': sizes(...later) },
    floor: sizes(readFileSync(FLOOR)),
    jssip: sizes(await bundle(`import JsSIP from 'jssip'; export default JsSIP;`)),
    sipjs: sizes(await bundle(`export * from 'sip.js';`)),
    features: exports,
  };
}
