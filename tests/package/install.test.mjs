// The npm package as others have it: packed, installed into new projects of Vite and webpack, served as plain files, opened in a worker.
// In a real browser each finds its wasm without a word, compiles it while it loads, and calls through the real edge. What runs are the
// examples of the documentation.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import puppeteer from 'puppeteer-core';
import { build, createServer } from 'vite';
import webpack from 'webpack';
import { writeTone } from '../lib/audio.mjs';
import { Edge } from '../lib/edge.mjs';
import { freePort } from '../lib/ports.mjs';
import { hear } from '../e2e/client/harness.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
];
const run = promisify(execFile);

/** What each project's page is; the bundlers take it from there. */
const PAGE = (script) => `<!doctype html><title>project</title><audio autoplay></audio><button id="take">take</button><button id="leave">leave</button><input id="keys">
<script type="module" src="${script}"></script>`;
const MAIN = `import * as wakeline from 'wakeline';
import { call } from './examples/call.js';
import { answer } from './examples/answer.js';
import { pbx } from './examples/pbx.js';
Object.assign(window, { wakeline, call, answer, pbx });
`;

/** Runs ahead of a page: how its wasm came. */
function countCompiles() {
  window.compiled = [];
  const { instantiateStreaming, instantiate } = WebAssembly;
  WebAssembly.instantiateStreaming = async (...args) => {
    const result = await instantiateStreaming(...args);
    window.compiled.push('streaming');
    return result;
  };
  WebAssembly.instantiate = (...args) => {
    window.compiled.push('whole');
    return instantiate(...args);
  };
}

let dir, project, edge, browsers, viteOrigin;

before(async () => {
  const made = join(ROOT, 'build/dist');
  const packed = process.env.WAKELINE_PACKAGE ?? join(made, readdirSync(made).find((name) => /^wakeline-\d.*\.tgz$/.test(name)) ?? 'cargo-xtask-dist-makes-it.tgz');
  dir = mkdtempSync(join(tmpdir(), 'wakeline-package-'));
  project = join(dir, 'project');
  mkdirSync(project);
  cpSync(join(ROOT, 'examples'), join(project, 'examples'), { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  // It has no dependencies: nothing is asked of a registry.
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', packed], { cwd: project });
  writeFileSync(join(project, 'index.html'), PAGE('/main.js'));
  writeFileSync(join(project, 'main.js'), MAIN);

  const assets = join(dir, 'assets');
  await build({ configFile: false, root: project, base: '/vite/', logLevel: 'warn', build: { outDir: join(assets, 'vite') } });
  await pack(join(assets, 'webpack'));
  plain(join(assets, 'plain'));

  const port = await freePort();
  viteOrigin = `http://127.0.0.1:${port}`;
  edge = await Edge.open({ assets, sites: [{ origins: [viteOrigin] }] });
  for (const number of ['1001', '1002']) await edge.account(number, { password: `secret of ${number}` });
  browsers = await Promise.all([440, 1000].map((hz) => puppeteer.launch({
    executablePath: '/usr/bin/chromium', headless: true, ignoreDefaultArgs: ['--mute-audio'],
    args: [...FLAGS, `--use-file-for-fake-audio-capture=${writeTone(join(dir, `${hz}.wav`), hz)}`],
  })));
}, { timeout: 180_000 });

after(async () => {
  await Promise.all((browsers ?? []).map((browser) => browser.close().catch(() => {})));
  await edge?.close();
  if (dir) rmSync(dir, { recursive: true, force: true });
}, { timeout: 30_000 });

/** The same project, by webpack, with nothing configured but where it goes. */
async function pack(out) {
  const compiler = webpack({ mode: 'production', context: project, entry: './main.js', output: { path: out, filename: 'main.js', publicPath: 'auto' }, performance: { hints: false } });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  assert.equal(stats.hasErrors() || stats.hasWarnings(), false, stats.toString({ all: false, errors: true, warnings: true }));
  writeFileSync(join(out, 'index.html'), PAGE('main.js'));
}

/** The package's own files and an import map: no tool at all. A worker beside the page does the same. */
function plain(out) {
  cpSync(join(project, 'node_modules/wakeline'), join(out, 'wakeline'), { recursive: true });
  cpSync(join(project, 'examples'), join(out, 'examples'), { recursive: true });
  writeFileSync(join(out, 'main.js'), MAIN);
  writeFileSync(join(out, 'worker.js'), `import { Phone, Problem, Session, preload } from '/plain/wakeline/index.js';
preload().then(() => postMessage({ loaded: [Phone, Problem, Session].map((it) => typeof it) }), (error) => postMessage({ failed: String(error) }));`);
  writeFileSync(join(out, 'index.html'), `<script type="importmap">{"imports":{"wakeline":"/plain/wakeline/index.js"}}</script>${PAGE('main.js')}`);
}

async function open(browser, url) {
  const page = await browser.newPage();
  page.on('pageerror', (error) => { page.failure ??= error; });
  const wait = page.waitForFunction.bind(page);
  page.waitForFunction = (predicate, options, ...args) => wait(predicate, { polling: 50, ...options }, ...args);
  await page.evaluateOnNewDocument(countCompiles);
  await page.goto(url);
  await page.waitForFunction('window.wakeline').catch((error) => { throw page.failure ?? error; });
  return page;
}

const near = (heard, hz) => Math.abs(heard - hz) <= hz * 0.02;

/** One call from a page of one make to a page of another, by the examples. */
async function talk(from, to) {
  const [caller, callee] = await Promise.all([open(browsers[0], `${edge.origin}/${from}/`), open(browsers[1], `${edge.origin}/${to}/`)]);
  await callee.evaluate(async (edge) => {
    const [audio, take, leave, keys] = ['audio', '#take', '#leave', '#keys'].map((name) => document.querySelector(name));
    window.phone = await answer({ edge, number: '1002', password: 'secret of 1002', audio, take, leave, keys });
  }, edge.origin);
  await callee.waitForFunction(`phone.registration.state === 'registered'`);
  await caller.evaluate(async (edge, token) => {
    window.made = await call({ edge, token, number: '1002', audio: document.querySelector('audio') });
  }, edge.origin, await edge.token('1001'));
  await callee.waitForFunction(`phone.calls.some((call) => call.state === 'incoming')`);
  await callee.click('#take');
  await caller.waitForFunction(`made.state === 'active'`);
  const [atCaller, atCallee] = await Promise.all([hear(caller), hear(callee)]);
  assert.ok(near(atCaller.hz, 1000) && near(atCallee.hz, 440), `the caller hears ${atCaller.hz} Hz, the callee ${atCallee.hz}`);
  await callee.type('#keys', '5');
  await callee.click('#leave');
  await caller.waitForFunction(`made.state === 'ended'`);
  for (const page of [caller, callee]) {
    assert.deepEqual(await page.evaluate('compiled'), ['streaming']);
    assert.equal(page.failure, undefined);
    await page.close();
  }
}

test('what is installed is the entry, the wasm beside it and the types, free of side effects', () => {
  const installed = join(project, 'node_modules/wakeline');
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  assert.equal(manifest.sideEffects, false);
  for (const entry of Object.values(manifest.exports)) {
    for (const file of typeof entry === 'string' ? [entry] : Object.values(entry)) assert.ok(existsSync(join(installed, file)), file);
  }
  assert.ok(existsSync(join(installed, 'wakeline_client_bg.wasm')));
});

test('its types are whole: a project in TypeScript compiles against them', { timeout: 60_000 }, async () => {
  writeFileSync(join(project, 'sample.ts'), `import { Phone, type Call, type CallEnd } from 'wakeline';
export async function sample(edge: string, token: string): Promise<CallEnd | null> {
  const phone = await Phone.open({ edge, token });
  const call: Call = await phone.call('1002');
  // @ts-expect-error a number is text
  await phone.call(1002);
  return call.end;
}`);
  await run(join(ROOT, 'node_modules/.bin/tsc'), ['--noEmit', '--strict', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'esnext,dom,dom.iterable', '--types', '', 'sample.ts'], { cwd: project })
    .catch(({ stdout }) => assert.fail(stdout));
});

test('a project of Vite calls a project of webpack, and both hear each other', { timeout: 60_000 }, () => talk('vite', 'webpack'));

test('a page without any tool calls a project of Vite', { timeout: 60_000 }, () => talk('plain', 'vite'));

test('Vite serves it to a developer without a build', { timeout: 60_000 }, async () => {
  const server = await createServer({ configFile: false, root: project, logLevel: 'error', server: { host: '127.0.0.1', port: Number(new URL(viteOrigin).port), hmr: false } });
  await server.listen();
  try {
    const page = await open(browsers[0], viteOrigin);
    await page.evaluate(async (edge, token) => { window.phone = await wakeline.Phone.open({ edge, token }); }, edge.origin, await edge.token('1001'));
    await page.waitForFunction(`phone.registration.state === 'registered'`);
    assert.deepEqual(await page.evaluate('compiled'), ['streaming']);
    await page.close();
  } finally {
    await server.close();
  }
});

test('it loads inside a worker', { timeout: 30_000 }, async () => {
  const page = await open(browsers[0], `${edge.origin}/plain/`);
  const told = await page.evaluate(() => new Promise((resolve) => {
    const worker = new Worker('/plain/worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => resolve({ failed: message });
  }));
  assert.deepEqual(told, { loaded: ['function', 'function', 'function'] });
  await page.close();
});

test('a line at a SIP server registers by its password, and a wrong one is said to be refused', { timeout: 60_000 }, async () => {
  const page = await open(browsers[0], `${edge.origin}/plain/`);
  const line = { server: `${edge.origin.replace('http', 'ws')}/sip`, addressOfRecord: `sip:1001@${edge.domain}` };
  const states = await page.evaluate(async (line) => {
    const phone = await pbx({ ...line, password: 'secret of 1001' });
    const state = phone.registration.state;
    await phone.close();
    return [state, await pbx({ ...line, password: 'nonsense' }).then(() => 'registered', (error) => error.message)];
  }, line);
  assert.equal(states[0], 'registered');
  assert.match(states[1], /the server said 4\d\d/);
  await page.close();
});
