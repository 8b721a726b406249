// Chromium on the private desktop: a profile and a process of its own, driven over the DevTools
// protocol. Autoplay is the default; the microphone and notifications have been allowed for the
// page's origins in the profile's preferences, as a person did at set-up. The microphone is
// Chromium's test device, which plays a file.
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { deadPort } from '../ports.mjs';
import { inOlderWords } from './pages.mjs';

// A service worker with a debugger attached never sleeps: these are left alone.
const PAGES = (target) => target.type() !== 'service_worker';
// What puppeteer adds by itself and a person's browser has not: with the first of them Web Push is off.
const NOT_OURS = [
  '--disable-background-networking',
  '--disable-notifications',
  '--mute-audio',
  '--disable-component-extensions-with-background-pages',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

export class Chromium {
  #written = [];
  name = 'chromium';

  /**
   * `push` is a `GcmPush`, `tone` a WAV file for the microphone (null: this machine's own, if it has one), `origins` where
   * the page lives.
   */
  static async open({ desktop, push, tone, origins, headless = false, flags = [] }) {
    const browser = new Chromium();
    Object.assign(browser, { desktop, headless });
    browser.profile = mkdtempSync(join(desktop.dir, 'chromium-'));
    browser.log = join(browser.profile, 'console.log');
    browser.#writePreferences(origins);
    browser.flags = [
      '--no-sandbox',
      '--no-first-run',
      '--disable-gpu',
      '--disable-quic',
      '--disable-sync',
      '--disable-component-update',
      '--window-size=1000,800',
      // What pages and workers write to their consoles, without a debugger at them.
      '--enable-logging',
      `--log-file=${browser.log}`,
      '--log-level=0',
      `--proxy-server=127.0.0.1:${await deadPort()}`,
      // Loopback is reached directly even so: Chromium's proxy rules bypass it by default.
      ...(tone ? ['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${tone}`] : []),
      '--enable-features=NativeNotifications,SystemNotifications',
      ...(push?.flags ?? []),
      ...flags,
    ];
    await browser.start();
    return browser;
  }

  // Values as the browser itself writes them when a person clicks "allow" (1).
  #writePreferences(origins) {
    const allowed = Object.fromEntries(origins.map((origin) => [`${origin},*`, { last_modified: '13400000000000000', setting: 1 }]));
    const preferences = {
      profile: {
        content_settings: { exceptions: { notifications: allowed, media_stream_mic: allowed, media_stream_camera: allowed } },
        exit_type: 'Normal',
      },
      browser: { has_seen_welcome_page: true },
    };
    mkdirSync(join(this.profile, 'Default'), { recursive: true });
    writeFileSync(join(this.profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  }

  /** The page's process crashes: it says no goodbye, and the driver hears no answer. */
  async crash(page) {
    const session = await page.createCDPSession();
    session.send('Page.crash').catch(() => {});
  }

  async start() {
    this.driver = inOlderWords(await puppeteer.launch({
      executablePath: '/usr/bin/chromium',
      headless: this.headless,
      userDataDir: this.profile,
      defaultViewport: null,
      ignoreDefaultArgs: NOT_OURS,
      args: this.flags,
      env: this.desktop.env,
      protocolTimeout: 60_000,
      targetFilter: PAGES,
    }));
    this.endpoint = this.driver.wsEndpoint();
    this.process = this.driver.process();
    // This tab stays, so that the browser does when the page is closed.
    this.keeper = (await this.driver.pages())[0];
  }

  /** Puts the driver back to the browser. */
  async attach() {
    this.driver = inOlderWords(await puppeteer.connect({ browserWSEndpoint: this.endpoint, defaultViewport: null, protocolTimeout: 60_000, targetFilter: PAGES }));
    this.keeper = (await this.driver.pages()).find((page) => page.url() === 'about:blank');
  }

  /** Takes the driver away: nobody looks into the browser. Handles of pages are of no use afterwards. */
  async detach() {
    await this.driver.disconnect();
  }

  async stop() {
    const { driver } = this;
    this.driver = null;
    await driver?.close().catch(() => {});
    // A driver that was put back does not wait for the process, one that was taken away cannot end it.
    const { process } = this;
    if (process?.exitCode === null && process.signalCode === null) {
      await once(process, 'exit', { signal: AbortSignal.timeout(10_000) }).catch(() => process.kill('SIGKILL'));
    }
    this.process = null;
    // The next start begins the file anew.
    this.#written.push(...this.#consoleNow());
  }

  async close() {
    await this.stop();
  }

  /** What pages and service workers have written to their consoles since the profile is there. */
  consoleLines() {
    return this.driver ? [...this.#written, ...this.#consoleNow()] : this.#written;
  }

  #consoleNow() {
    if (!existsSync(this.log)) return [];
    return readFileSync(this.log, 'utf8').split('\n').filter((line) => /:CONSOLE[:(]/.test(line));
  }

  /** The preferences as they stand on disk, for a test that doubts them. */
  preferences() {
    return JSON.parse(readFileSync(join(this.profile, 'Default', 'Preferences'), 'utf8'));
  }
}
