// Messages decoded per second beside JsSIP and SIP.js, in Node and in Chromium: the same bundle in both.
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import puppeteer from 'puppeteer-core';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '../../..');
const WASM = join(ROOT, 'build/sip-bench/wakeline_sip_bench_bg.wasm');
const FIXTURES = join(ROOT, 'sip-core/tests/fixtures');

function corpus() {
  const files = readdirSync(FIXTURES).filter((file) => file.endsWith('.sip'));
  return Object.fromEntries(files.map((file) => [basename(file, '.sip'), readFileSync(join(FIXTURES, file), 'utf8')]));
}

/** `{invite: {node: {ours, jssip, sipjs}, chromium: {…}}, …}`, per second. */
export async function parseRates({ rounds, ms } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'wakeline-parse-'));
  const outfile = join(dir, 'contest.mjs');
  try {
    await build({ entryPoints: [join(HERE, 'contest.js')], bundle: true, minify: true, format: 'esm', outfile, logLevel: 'error', define: { global: 'globalThis', 'process.env.DEBUG': '""' } });
    const { contest } = await import(pathToFileURL(outfile));
    const node = await contest({ corpus: corpus(), module: readFileSync(WASM), rounds, ms });
    const chromium = await inChromium(readFileSync(outfile), { rounds, ms });
    return Object.fromEntries(Object.keys(node).map((name) => [name, { node: node[name], chromium: chromium[name] }]));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function inChromium(bundle, options) {
  const files = { '/': ['text/html', '<!doctype html><title>parse</title>'], '/contest.mjs': ['text/javascript', bundle], '/core.wasm': ['application/wasm', readFileSync(WASM)] };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url] ?? ['text/plain', ''];
    response.writeHead(files[request.url] ? 200 : 404, { 'content-type': type }).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu'], protocolTimeout: 180_000 });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await page.evaluate(async (given) => {
      const { contest } = await import('/contest.mjs');
      return contest({ ...given, module: '/core.wasm' });
    }, { corpus: corpus(), ...options });
  } finally {
    await browser.close();
    server.close();
  }
}
