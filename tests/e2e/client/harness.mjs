// Pages that have nothing but the client: the JS API in headless browsers against the real edge, no
// page of the product between. Each browser is a process with a tone of its own at its microphone.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import puppeteer from 'puppeteer-core';
import { writeTone } from '../../lib/audio.mjs';
import { Edge } from '../../lib/edge.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
];

// Everything a test wants to know of a page is kept there in `seen`.
const PAGE = `
import * as wakeline from './client/index.js';
const seen = { registration: [], incoming: [], waking: [], roles: [], states: {} };
const watch = (call) => {
  const states = (seen.states[call.id] ??= [[call.state, call.stage]]);
  call.addEventListener('state', () => states.push([call.state, call.stage]));
  call.addEventListener('media', () => { if (call.remoteStream) document.querySelector('audio').srcObject = call.remoteStream; });
  return call;
};
const open = async (o) => {
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const phone = window.phone = await wakeline.Phone.open({ audio, ...o });
  seen.registration.push(phone.registration.state);
  phone.addEventListener('registration', () => seen.registration.push(phone.registration.state));
  phone.addEventListener('role', () => seen.roles.push(phone.role));
  phone.addEventListener('incoming', (e) => { seen.incoming.push(e.call.id); window.call = watch(e.call); });
  phone.addEventListener('waking', (e) => seen.waking.push(e.wake));
  return phone;
};
// A call that came by itself, after a transfer.
const take = (call) => {
  window.call = watch(call);
  if (call.remoteStream) document.querySelector('audio').srcObject = call.remoteStream;
};
const dial = async (number, options) => { window.call = watch(await window.phone.call(number, options)); };
Object.assign(window, { wakeline, seen, open, dial, take, loaded: true });
`;

export class Stage {
  /** `also` may write more files into the folder that the edge serves, `prepare` a page before it is loaded; `secrets` are the site's. */
  static async open(site, { also = async () => {}, prepare = async () => {}, secrets } = {}) {
    const stage = new Stage();
    stage.dir = mkdtempSync(join(tmpdir(), 'wakeline-client-'));
    const assets = join(stage.dir, 'assets');
    await build({
      entryPoints: { index: join(ROOT, 'client-wasm/js/index.ts'), media: join(ROOT, 'client-wasm/js/media/index.ts') },
      bundle: true, splitting: true, format: 'esm', outdir: join(assets, 'client'), logLevel: 'error',
    });
    cpSync(join(ROOT, 'build/client/wakeline_client_bg.wasm'), join(assets, 'client/wakeline_client_bg.wasm'));
    writeFileSync(join(assets, 'index.html'), '<!doctype html><title>client</title><audio autoplay></audio><script type="module" src="/page.js"></script>');
    writeFileSync(join(assets, 'page.js'), PAGE);
    await also(assets);
    stage.prepare = prepare;
    stage.edge = await Edge.open({ assets, sites: [site ?? {}], secrets });
    stage.browsers = [];
    return stage;
  }

  async account(number, display_name) {
    const answer = await this.edge.api('POST', '/v1/accounts', { body: { number, password: `secret of ${number}`, display_name } });
    if (answer.status !== 201) throw new Error(`account: ${JSON.stringify(answer)}`);
  }

  /** A browser with a profile of its own, whose microphone plays this tone. */
  async browser(hz) {
    const tone = writeTone(join(this.dir, `${hz}.wav`), hz);
    return this.#launch({ args: [...FLAGS, `--use-file-for-fake-audio-capture=${tone}`] });
  }

  /** A browser whose permissions are a person's to give and to take, and whose microphones are those of this desktop's sound server. */
  async personal({ env }) {
    return this.#launch({ args: FLAGS.filter((flag) => !/^--use-fake-/.test(flag)), env });
  }

  async #launch(more) {
    const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true, ignoreDefaultArgs: ['--mute-audio'], protocolTimeout: 60_000, ...more });
    this.browsers.push(browser);
    return browser;
  }

  /** `before` runs in the page ahead of everything of its own. */
  async page(browser, path = '/', { before } = {}) {
    const page = await browser.newPage();
    if (before) await page.evaluateOnNewDocument(before);
    // The driver polls by animation frame unless told otherwise, and a tab behind another one is painted at no certain time.
    const wait = page.waitForFunction.bind(page);
    page.waitForFunction = (predicate, options, ...args) => wait(predicate, { polling: 50, ...options }, ...args);
    page.on('console', (message) => { if (process.env.WAKELINE_CONSOLE) console.error(`[page] ${message.text()}`); });
    page.on('pageerror', (error) => { page.failure ??= error; if (process.env.WAKELINE_CONSOLE) console.error(`[page] ${error.stack}`); });
    await this.prepare(page);
    await page.goto(this.edge.origin + path);
    await page.waitForFunction('window.loaded');
    return page;
  }

  /** A page that is signed in and registered. */
  async signedIn(browser, number, options) {
    const page = await this.page(browser, '/', options);
    await page.evaluate(async (edge, number) => {
      window.session = await wakeline.Session.signIn({ edge, number, password: `secret of ${number}` });
      await session.bindDevice({ label: 'test', lang: 'en' });
      await open({ session });
    }, this.edge.origin, number);
    await page.waitForFunction(`phone.registration.state === 'registered'`);
    return page;
  }

  async close() {
    await Promise.all(this.browsers.map((browser) => browser.close().catch(() => {})));
    await this.edge?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Calls a number; after how many ms the INVITE left. */
export function left(page, number) {
  return page.evaluate(async (number) => {
    const began = performance.now();
    await dial(number);
    await new Promise((resolve) => {
      const look = () => { if (call.state !== 'new') resolve(); };
      call.addEventListener('state', look);
      look();
    });
    return performance.now() - began;
  }, number);
}

/** The loudest frequency that a page's audio element plays within `ms`, and how loud it was. */
export function hear(page, ms = 1500) {
  return page.evaluate(async (ms) => {
    const stream = document.querySelector('audio').srcObject;
    if (!stream?.getAudioTracks().length) return { hz: 0, rms: 0 };
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(analyser);
    const spectrum = new Float32Array(analyser.frequencyBinCount);
    const wave = new Float32Array(analyser.fftSize);
    let best = { hz: 0, rms: 0 };
    const until = performance.now() + ms;
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      analyser.getFloatFrequencyData(spectrum);
      analyser.getFloatTimeDomainData(wave);
      const rms = Math.sqrt(wave.reduce((sum, sample) => sum + sample * sample, 0) / wave.length);
      const top = spectrum.reduce((at, level, i) => (level > spectrum[at] ? i : at), 1);
      if (rms > best.rms) best = { hz: (top * context.sampleRate) / analyser.fftSize, rms };
    }
    await context.close();
    return best;
  }, ms);
}

/** Until that tone is the loudest that this page plays: an answered call is heard when its two ends have found each other, which takes its time. */
export async function hears(page, hz, ms = 20_000) {
  let heard;
  for (const until = Date.now() + ms; Date.now() < until;) {
    heard = await hear(page, 400);
    if (Math.abs(heard.hz - hz) <= hz * 0.02) return heard;
  }
  return assert.fail(`heard ${heard.hz} Hz at ${heard.rms}, not ${hz}`);
}

/** Until next to nothing of what was so `loud` is left. */
export async function hearsNothing(page, loud) {
  let heard;
  for (const until = Date.now() + 20_000; Date.now() < until;) {
    heard = await hear(page, 400);
    if (heard.rms < loud / 20) return;
  }
  assert.fail(`still hears ${heard.hz} Hz at ${heard.rms}`);
}

/**
 * Runs in a page: how much of each tone of the tests, and of one that nobody has, is in a second near the beginning of `recording` and in
 * one near its end.
 */
export async function tonesIn() {
  const blob = await recording.file;
  const context = new AudioContext();
  const sound = await context.decodeAudioData(await blob.arrayBuffer());
  const wave = sound.getChannelData(0);
  await context.close();
  // Goertzel: how much of a tone is in a second of it.
  const strength = (hz, from) => {
    const [n, w] = [sound.sampleRate, (2 * Math.PI * hz) / sound.sampleRate];
    let [a, b] = [0, 0];
    for (let at = from; at < Math.min(from + n, wave.length); at += 1) [a, b] = [wave[at] + 2 * Math.cos(w) * a - b, a];
    return Math.sqrt(a * a + b * b - 2 * Math.cos(w) * a * b) / n;
  };
  const early = Math.floor(sound.sampleRate * 0.8);
  const late = wave.length - Math.floor(sound.sampleRate * 1.2);
  return { type: blob.type, seconds: sound.duration, tones: [early, late].map((from) => [440, 1000, 2600].map((hz) => strength(hz, from))) };
}
