// Firefox on the private desktop: a profile and a process of its own, driven over WebDriver BiDi.
// Autoplay is the default; the microphone and notifications have been allowed beforehand, as a
// person did at set-up. The microphone is Firefox's own test device, a tone of the asked frequency.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { until } from '../events.mjs';
import { deadPort, freePort } from '../ports.mjs';
import { end } from '../processes.mjs';
import { inOlderWords } from './pages.mjs';

const QUIET = {
  // No first-run pages, no questions on closing, no reports.
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'browser.startup.homepage': 'about:blank',
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.aboutwelcome.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.tabs.warnOnClose': false,
  'browser.warnOnQuit': false,
  'browser.sessionstore.resume_from_crash': false,
  'toolkit.startup.max_resumed_crashes': -1,
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.policy.dataSubmissionPolicyBypassNotification': true,
  'termsofuse.bypassNotification': true,
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.server': '',
  // Nothing is fetched from outside.
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'extensions.update.enabled': false,
  'browser.search.update': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'browser.region.network.url': '',
  'browser.topsites.contile.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.manage-offline-status': false,
  'network.dns.disablePrefetch': true,
  'network.prefetch-next': false,
  // The last tab may be closed while the browser stays.
  'browser.tabs.closeWindowWithLastTab': false,
  // What pages and workers write to their consoles goes to the log of the process, too.
  'devtools.console.stdout.content': true,
  // The remote agent's own recommendations would turn push off.
  'remote.prefs.recommended': false,
};

export class Firefox {
  name = 'firefox';

  /** Makes a profile and starts the browser. `push` is a `MozillaPush`, `tone` the microphone's Hz. */
  static async open({ desktop, push, tone, headless = false, prefs = {} }) {
    const browser = new Firefox();
    browser.desktop = desktop;
    browser.headless = headless;
    browser.profile = mkdtempSync(join(desktop.dir, 'firefox-'));
    const proxy = await deadPort();
    browser.#writeProfile({
      ...QUIET,
      'network.proxy.type': 1,
      'network.proxy.http': '127.0.0.1',
      'network.proxy.http_port': proxy,
      'network.proxy.ssl': '127.0.0.1',
      'network.proxy.ssl_port': proxy,
      'dom.push.enabled': true,
      'dom.push.connection.enabled': true,
      ...(push && { 'dom.push.serverURL': push.clientUrl, 'dom.push.testing.allowInsecureServerURL': true }),
      'dom.push.retryBaseInterval': 300,
      'alerts.useSystemBackend': true,
      'dom.webnotifications.actions.enabled': true,
      'dom.webnotifications.requireinteraction.enabled': true,
      'permissions.default.desktop-notification': 1,
      'permissions.default.microphone': 1,
      'permissions.default.camera': 1,
      'media.navigator.streams.fake': true,
      'media.navigator.audio.fake_frequency': tone,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      ...prefs,
    });
    await browser.start();
    return browser;
  }

  #writeProfile(prefs) {
    mkdirSync(this.profile, { recursive: true });
    const lines = Object.entries(prefs).map(([key, value]) => `user_pref(${JSON.stringify(key)}, ${JSON.stringify(value)});`);
    writeFileSync(join(this.profile, 'user.js'), `${lines.join('\n')}\n`);
  }

  /** Starts the process on the profile; after `stop`, the same person starts the browser again. */
  async start() {
    const port = await freePort();
    const headless = this.headless ? ['--headless'] : [];
    this.process = this.desktop.start('firefox-esr', [...headless, '--no-remote', '--new-instance', '--profile', this.profile, '--remote-debugging-port', String(port), 'about:blank'], {
      env: { ...this.desktop.env, MOZ_CRASHREPORTER_DISABLE: '1' },
      name: this.profile.split('/').at(-1),
    });
    this.endpoint = `ws://127.0.0.1:${port}/session`;
    await this.attach();
  }

  /** Puts the driver to the browser. */
  async attach() {
    this.driver = await until(
      () => puppeteer.connect({ browserWSEndpoint: this.endpoint, protocol: 'webDriverBiDi', defaultViewport: null }).then(inOlderWords, () => null),
      { ms: 60_000, every: 100, what: 'Firefox takes a WebDriver BiDi session' },
    );
  }

  /**
   * Takes the driver away, with all that it has the browser tell: a Firefox that is watched works at each request of a
   * page for that, on its main thread. Handles of pages are of no use afterwards.
   */
  async detach() {
    await this.driver.disconnect();
  }

  /** The pages' processes are killed: no page says goodbye. */
  crash() {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const group = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')[2];
        const isContent = /-isForBrowser.*[\0 ]tab\0*$/s.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
        if (Number(group) === this.process.pid && isContent) process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  /** Ends the process as a person quitting it would; the profile stays. */
  async stop() {
    const { driver, process } = this;
    this.driver = null;
    await Promise.race([driver?.close().catch(() => {}), process.exited]);
    await end(process, 10_000);
  }

  async close() {
    if (this.driver) await this.stop();
  }

  /** What pages and service workers have written to their consoles since the profile is there. */
  consoleLines() {
    return (this.process?.logText() ?? '').split('\n').filter((line) => /^(console\.\w+:|JavaScript (error|warning):)/.test(line));
  }
}
