// JsSIP as a foreign client of the edge: its own user agent in a bare page, told what to do by the test.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const AUDIO = '{ mediaConstraints: { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false }, video: false } }';

// Every event of a session is kept in `seen` with what matters of it.
const PAGE = `
import JsSIP from 'jssip';
const seen = window.seen = [];
const note = (name, more = {}) => seen.push({ name, ...more });
const sounds = (connection) => connection.addEventListener('track', ({ streams }) => { document.querySelector('audio').srcObject = streams[0]; });
window.start = (options) => {
  const ua = window.ua = new JsSIP.UA({ session_timers: false, ...options, sockets: [new JsSIP.WebSocketInterface(options.url)] });
  ua.on('registered', ({ response }) => note('registered', { waiting: response.getHeader('Wakeline-Waiting') ?? null }));
  ua.on('unregistered', () => note('unregistered'));
  ua.on('registrationFailed', ({ cause, response }) => note('registrationFailed', { cause, status: response?.status_code }));
  ua.on('disconnected', ({ reason }) => note('disconnected', { reason }));
  ua.on('newRTCSession', ({ session, originator, request }) => {
    window.session = session;
    note('session', { originator, from: request.from?.uri?.user, display: request.from?.display_name ?? null });
    session.on('peerconnection', ({ peerconnection }) => sounds(peerconnection));
    if (session.connection) sounds(session.connection);
    session.on('progress', ({ response }) => note('progress', { status: response?.status_code, reason: response?.reason_phrase }));
    for (const name of ['accepted', 'confirmed']) session.on(name, () => note(name));
    for (const name of ['ended', 'failed']) session.on(name, ({ originator, cause, message }) => note(name, { originator, cause, status: message?.status_code, reason: message?.reason_phrase }));
    for (const name of ['hold', 'unhold']) session.on(name, ({ originator }) => note(name, { originator }));
    session.on('newDTMF', ({ originator, dtmf }) => note('dtmf', { originator, tone: dtmf.tone }));
  });
  ua.start();
};
window.dial = (target) => { ua.call(target, { ...${AUDIO}, pcConfig: { iceServers: [] } }); };
window.take = () => session.answer({ ...${AUDIO}, pcConfig: { iceServers: [] } });
// Resolves when the other side has answered the re-INVITE; JsSIP refuses while one is under way, and says so by false.
window.hold = (on) => new Promise((done) => {
  const ask = () => session[on ? 'hold' : 'unhold']({}, done) || setTimeout(ask, 20);
  ask();
});
window.loaded = true;
`;

/** Writes `/jssip/` into the folder that the edge serves. */
export async function writePage(assets) {
  const folder = join(assets, 'jssip');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>JsSIP</title><audio autoplay></audio><script type="module" src="/jssip/page.js"></script>');
  await build({
    stdin: { contents: PAGE, resolveDir: ROOT }, bundle: true, format: 'esm', outfile: join(folder, 'page.js'), logLevel: 'error',
    define: { global: 'globalThis' },
  });
}

/** A JsSIP page of a line, by digest. */
export class JsSip {
  static async open(stage, browser, number, { instance, register = true } = {}) {
    const page = await stage.page(browser, '/jssip/');
    const phone = new JsSip();
    Object.assign(phone, { page, number, mark: 0 });
    await page.evaluate((options) => window.start(options), {
      url: `${stage.edge.origin.replace('http', 'ws')}/sip`, uri: `sip:${number}@${stage.edge.domain}`, password: `secret of ${number}`,
      display_name: `JsSIP ${number}`, register_expires: 600, register, ...(instance && { instance_id: instance }),
    });
    if (register) await phone.sees('registered');
    return phone;
  }

  /** Only what happens from now on is looked at. */
  async forget() {
    this.mark = await this.page.evaluate('seen.length');
  }

  /** Awaits an event; `fields` are compared. */
  async sees(name, fields = {}, ms = 20_000) {
    const match = (name, fields, mark) => window.seen.slice(mark).find((one) => one.name === name && Object.entries(fields).every(([key, value]) => one[key] === value));
    const handle = await this.page.waitForFunction(match, { timeout: ms }, name, fields, this.mark).catch(async (error) => {
      throw new Error(`${this.number} did not see ${name} ${JSON.stringify(fields)}: ${JSON.stringify(await this.page.evaluate('seen'))}; ${error.message}`);
    });
    return handle.jsonValue();
  }

  run(code) {
    return this.page.evaluate(code);
  }

  async close() {
    await this.page.close();
  }
}
