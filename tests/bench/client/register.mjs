// How long a page waits until it is registered, from the start of its navigation: ours, JsSIP and SIP.js in the same shell of a page,
// at the same Kamailio, in turns; cold (a browser profile of its own each time) and warm (the page has been there before).
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import puppeteer from 'puppeteer-core';
import { Bench, DOMAIN, passwordOf } from '../../lib/servers/bench.mjs';
import { Kamailio } from '../../lib/servers/kamailio.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const done = `const done = () => { window.registered = performance.now(); };`;

/** What each page runs, given `line`; it calls `done` when the server has said 200. */
const PAGES = {
  bare: `${done} done();`,
  ours: `
    import { Phone, Session } from './client-wasm/js/index.ts';
    ${done}
    const session = await Session.atServer({ server: line.url, addressOfRecord: line.uri, password: line.password });
    const phone = await Phone.open({ session });
    const look = () => { if (phone.registration.state === 'registered') done(); };
    phone.addEventListener('registration', look);
    look();`,
  jssip: `
    import JsSIP from 'jssip';
    ${done}
    const ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(line.url)], uri: line.uri, password: line.password });
    ua.on('registered', done);
    ua.start();`,
  sipjs: `
    import { Registerer, RegistererState, UserAgent } from 'sip.js';
    ${done}
    const agent = new UserAgent({
      uri: UserAgent.makeURI(line.uri), transportOptions: { server: line.url }, authorizationUsername: line.user, authorizationPassword: line.password, logLevel: 'error',
    });
    const registerer = new Registerer(agent);
    registerer.stateChange.addListener((state) => { if (state === RegistererState.Registered) done(); });
    await agent.start();
    await registerer.register();`,
};

const median = (list) => [...list].sort((one, other) => one - other)[list.length >> 1];

async function files(line) {
  const given = `const line = ${JSON.stringify(line)};\n`;
  const entries = await Promise.all(Object.entries(PAGES).map(async ([name, contents]) => {
    // `line` stands behind the imports, which come first wherever they are written.
    const { outputFiles } = await build({
      stdin: { contents: given + contents, resolveDir: ROOT }, bundle: true, minify: true, format: 'esm', write: false, logLevel: 'error', define: { global: 'globalThis' },
    });
    return [`/${name}.js`, ['text/javascript', outputFiles[0].contents]];
  }));
  const shells = Object.keys(PAGES).map((name) => [`/${name}`, ['text/html', `<!doctype html><title>${name}</title><script type="module" src="/${name}.js"></script>`]]);
  const core = [['/wakeline_client_bg.wasm', ['application/wasm', readFileSync(join(ROOT, 'build/client/wakeline_client_bg.wasm'))]]];
  return new Map([...entries, ...shells, ...core].map(([path, [type, body]]) => [path, { type, body: brotliCompressSync(Buffer.from(body)) }]));
}

/** A server of static files as one would be set up: compressed, cached for good but for the page itself. */
async function serve(all) {
  const server = createServer((request, response) => {
    const file = all.get(request.url);
    if (!file) return response.writeHead(404).end();
    const keeps = file.type === 'text/html' ? 'no-cache' : 'public, max-age=31536000, immutable';
    return response.writeHead(200, { 'content-type': file.type, 'content-encoding': 'br', 'cache-control': keeps }).end(file.body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

async function load(context, origin, name) {
  const page = await context.newPage();
  try {
    await page.goto(`${origin}/${name}`);
    await page.waitForFunction('window.registered', { timeout: 20_000, polling: 10 });
    return await page.evaluate('window.registered');
  } finally {
    await page.close();
  }
}

/** `{cold: {ours, jssip, sipjs, bare}, warm: {…}}`, medians in ms from the start of the navigation. */
export async function registerTimes({ rounds = 11 } = {}) {
  const bench = Bench.open();
  const profile = mkdtempSync(join(tmpdir(), 'wakeline-register-'));
  let web;
  let browser;
  try {
    const kamailio = await bench.add(Kamailio, { users: ['page'] });
    web = await serve(await files({ url: kamailio.url, uri: `sip:page@${DOMAIN}`, user: 'page', password: passwordOf('page') }));
    browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true, userDataDir: profile, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
    const found = { cold: {}, warm: {} };
    for (const name of Object.keys(PAGES)) for (const cache of Object.values(found)) cache[name] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const name of Object.keys(PAGES)) {
        const context = await browser.createBrowserContext();
        found.cold[name].push(await load(context, web.origin, name));
        await load(context, web.origin, name);
        found.warm[name].push(await load(context, web.origin, name));
        await context.close();
      }
    }
    return Object.fromEntries(Object.entries(found).map(([cache, by]) => [cache, Object.fromEntries(Object.entries(by).map(([name, list]) => [name, Math.round(median(list) * 10) / 10]))]));
  } finally {
    await browser?.close();
    web?.server.close();
    await bench.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}
