// Pages that have nothing but our client, registered at a plain SIP server over WebSocket: no edge, no page of the product.
import { createServer } from 'node:http';
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeTone } from '../audio.mjs';
import { Chromium } from '../browsers/chromium.mjs';
import { Firefox } from '../browsers/firefox.mjs';
import { Desktop } from '../desktop.mjs';
import { start } from '../processes.mjs';
import { DOMAIN, passwordOf } from './bench.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const PAGE = `
import * as wakeline from './client.js';
// Each SIP message of this page, whole: '> ' what it sent, '< ' what it got.
const wire = window.wire = [];
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (data) {
  const text = (one) => (typeof one === 'string' ? one : new TextDecoder().decode(one));
  if (!this.watched) this.addEventListener('message', ({ data: got }) => wire.push('< ' + text(got)));
  this.watched = true;
  wire.push('> ' + text(data));
  return send.call(this, data);
};
const seen = { registration: [], states: [] };
const watch = (call) => {
  window.call = call;
  seen.states = [call.state];
  call.addEventListener('state', () => seen.states.push(call.state));
  call.addEventListener('media', () => { if (call.remoteStream) document.querySelector('audio').srcObject = call.remoteStream; });
};
window.open = async (line) => {
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const phone = window.phone = await wakeline.Phone.open({ ...line, audio });
  seen.registration.push(phone.registration);
  phone.addEventListener('registration', () => seen.registration.push(phone.registration));
  phone.addEventListener('incoming', (event) => watch(event.call));
};
// A call that came by itself, after a transfer.
window.take = (call) => {
  watch(call);
  if (call.remoteStream) document.querySelector('audio').srcObject = call.remoteStream;
};
window.dial = async (to) => { window.call = undefined; watch(await phone.call(to)); };
Object.assign(window, { wakeline, seen, loaded: true });
`;

export class Pages {
  /** A server of static files on loopback, and browsers to come. `whole`: with what others load from npm, beside calls too. */
  static async open({ whole = false } = {}) {
    const built = join(ROOT, whole ? 'build/package' : 'build/client');
    const glue = { name: 'glue', setup: (b) => b.onResolve({ filter: /wakeline_client\.js$/ }, () => ({ path: join(built, 'wakeline_client.js') })) };
    const pages = new Pages();
    pages.dir = mkdtempSync(join(tmpdir(), 'wakeline-pages-'));
    pages.browsers = [];
    const client = join(pages.dir, 'client.js');
    const contents = `export * from './${whole ? 'package' : 'index'}.ts'; export * from './media/index.ts';`;
    await build({ stdin: { contents, resolveDir: join(ROOT, 'client-wasm/js'), loader: 'ts' }, plugins: [glue], bundle: true, format: 'esm', outfile: client, logLevel: 'error' });
    const files = {
      '/': ['text/html', '<!doctype html><title>phone</title><audio autoplay></audio><script type="module" src="/page.js"></script>'],
      '/page.js': ['text/javascript', PAGE],
      '/client.js': ['text/javascript', readFileSync(client)],
      '/wakeline_client_bg.wasm': ['application/wasm', readFileSync(join(built, 'wakeline_client_bg.wasm'))],
    };
    pages.server = createServer((request, response) => {
      const [type, body] = files[new URL(request.url, 'http://x').pathname] ?? [null, ''];
      response.writeHead(type ? 200 : 404, { 'content-type': type ?? 'text/plain' }).end(body);
    });
    await new Promise((resolve) => pages.server.listen(0, '127.0.0.1', resolve));
    pages.origin = `http://127.0.0.1:${pages.server.address().port}`;
    return pages;
  }

  /** A headless browser of its own whose microphone plays this tone. `prefs` are more of Firefox's. */
  async browser(name, hz, prefs = {}) {
    const run = (command, args, options = {}) => start(command, args, { env: process.env, logDir: this.dir, ...options });
    const desktop = { dir: this.dir, env: process.env, start: run };
    // Firefox hears nothing where no sound server runs: its audio clock stands still.
    if (name === 'firefox') this.desktop ??= await Desktop.open({ sound: true });
    const browser = name === 'firefox'
      ? await Firefox.open({
        desktop: this.desktop, tone: hz, headless: true,
        // Firefox leaves loopback out of its candidates unless told, and plays nothing by itself without a gesture.
        prefs: { 'media.peerconnection.ice.loopback': true, 'media.autoplay.default': 0, 'media.navigator.permission.disabled': true, ...prefs },
      })
      : await Chromium.open({
        desktop, tone: writeTone(join(this.dir, `${hz}.wav`), hz), origins: [this.origin], headless: true,
        flags: ['--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required', '--use-fake-ui-for-media-stream'],
      });
    this.browsers.push(browser);
    return browser;
  }

  /** A loaded page, not registered anywhere yet. `before` runs in it ahead of everything of its own. */
  async page(browser, { before } = {}) {
    const page = await browser.driver.newPage();
    if (before) await page.evaluateOnNewDocument(before);
    // The driver polls by animation frame unless told otherwise, and a tab behind another one is painted at no certain time.
    const wait = page.waitForFunction.bind(page);
    page.waitForFunction = (predicate, options, ...args) => wait(predicate, { polling: 50, ...options }, ...args);
    page.on('console', (message) => { if (process.env.WAKELINE_CONSOLE) console.error(`[page] ${message.text()}`); });
    await page.goto(this.origin);
    await page.waitForFunction('window.loaded');
    return page;
  }

  /** A page that is registered at `server` (`Kamailio`, `Asterisk`) as `user`. */
  async registered(browser, server, user, { before, ...more } = {}) {
    const page = await this.page(browser, { before });
    const line = { server: server.url, addressOfRecord: `sip:${user}@${DOMAIN}`, displayName: `Page ${user}`, password: passwordOf(user), ...more };
    await page.evaluate((options) => window.open(options), line);
    await page.waitForFunction(`phone.registration.state === 'registered'`, { timeout: 20_000 }).catch(async (error) => {
      throw new Error(`not registered: ${JSON.stringify(await page.evaluate('seen.registration'))}; ${error.message}`);
    });
    return page;
  }

  async close() {
    await Promise.all(this.browsers.map((browser) => browser.close().catch(() => {})));
    await this.desktop?.close();
    this.server.close();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}
