// Everything a scenario plays in: a desktop, a push service, the edge, the wire, the callee's real
// browser with a person's permissions, and a caller's browser beside it.
import { join } from 'node:path';
import webpush from 'web-push';
import { writeTone } from './audio.mjs';
import { Chromium } from './browsers/chromium.mjs';
import { Firefox } from './browsers/firefox.mjs';
import { assertSilent } from './console.mjs';
import { Desktop } from './desktop.mjs';
import { Edge } from './edge.mjs';
import { until } from './events.mjs';
import { PhonePage } from './phone.mjs';
import { GcmPush } from './push/gcm.mjs';
import { MozillaPush } from './push/mozilla.mjs';
import { Wire } from './wire.mjs';

/** What each side's microphone sends. */
export const TONES = { caller: 620, callee: 950 };
export const NUMBERS = { caller: '1001', callee: '1002' };
const SIDES = { localhost: 'caller', '127.0.0.1': 'callee', 'third.localhost': 'third' };

/** The browsers that tests run in: WAKELINE_BROWSERS=firefox,chromium. */
export const browsers = () => (process.env.WAKELINE_BROWSERS ?? 'chromium,firefox').split(',');

/** Every browser with `cargo xtask test --full`; else the first, where both would say the same. */
export const mainBrowsers = () => (process.env.WAKELINE_FULL ? browsers() : browsers().slice(0, 1));

export class World {
  /**
   * Opens a world whose callee uses `browser`; `site` overrides the site's configuration. Without `microphone` the
   * callee's machine has none (Chromium only); `assets` is a page other than ours.
   */
  static async open({ browser = 'chromium', site = {}, microphone = true, assets } = {}) {
    const world = new this();
    world.browserName = browser;
    try {
      await world.start(site, { microphone, assets });
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** @protected */
  async start(site, { microphone, assets }) {
    const chromium = this.browserName === 'chromium';
    this.desktop = await Desktop.open({ sound: true });
    this.notifications = this.desktop.notifications;
    this.push = chromium ? await GcmPush.open({ dir: this.desktop.dir }) : await MozillaPush.open();
    this.site = site;
    this.edge = await Edge.open({ sites: [site], outbound: chromium ? this.push.address : undefined, assets });
    this.wire = await Wire.open({ edge: this.edge, sides: SIDES });
    this.origins = { caller: this.wire.origin('caller'), callee: this.wire.origin('callee') };
    this.accounts = {
      caller: await this.edge.account(NUMBERS.caller, { display_name: 'Ada' }),
      callee: await this.edge.account(NUMBERS.callee, { display_name: 'Grace' }),
    };
    const tone = (side) => writeTone(join(this.desktop.dir, `${side}.wav`), TONES[side]);
    const { desktop, push, origins } = this;
    // One that fails leaves the other to be closed.
    const opened = await Promise.allSettled([
      // A caller sits elsewhere: what moves on their screen must not take this machine's time while the callee's is watched.
      Chromium.open({ desktop, tone: tone('caller'), origins: [origins.caller], headless: true, flags: ['--force-prefers-reduced-motion'] }),
      chromium
        ? Chromium.open({ desktop, push, tone: microphone && tone('callee'), origins: [origins.callee] })
        : Firefox.open({ desktop, push, tone: TONES.callee }),
    ]);
    this.browsers = { caller: opened[0].value, callee: opened[1].value };
    for (const { reason } of opened) if (reason) throw reason;
  }

  /** The caller signs in and stays on the keypad. */
  async callerReady() {
    if (!this.caller) {
      this.caller = await PhonePage.open(this.browsers.caller, `${this.origins.caller}/`, 'caller');
      await this.caller.signIn(this.accounts.caller);
      const { state } = await this.caller.until(['set-up', 'keypad']);
      if (state === 'set-up') await this.caller.press('setup-skip');
    }
    await this.caller.until('keypad', { registration: 'registered' });
    return this.caller;
  }

  /** The callee signs in, sets up, and closes the page: from now on only a push reaches them. */
  async calleeAsleep() {
    if (!this.subscription) {
      const page = await PhonePage.open(this.browsers.callee, `${this.origins.callee}/`, 'callee');
      await page.signIn(this.accounts.callee);
      const since = this.wire.log.mark();
      // A profile whose permissions are granted already needs no set-up: the page subscribes by itself.
      const { state } = await page.until(['set-up', 'keypad']);
      if (state === 'set-up') await page.press('setup-allow');
      await page.until('keypad', { registration: 'registered', ms: 30_000 });
      await this.push.log.wait('registered', { ms: 30_000, what: 'the callee subscribes to push' });
      this.subscription = await until(
        () => page.page.evaluate(async () => (await (await navigator.serviceWorker.ready).pushManager.getSubscription())?.toJSON()),
        { what: 'the callee has a push subscription' },
      );
      await this.wire.log.wait(
        (event) => event.name === 'response' && event.side === 'callee' && event.method === 'PUT' && /^\/v1\/devices\/[^/]+$/.test(event.path) && event.status < 300 && event.asked >= this.push.log.find('registered').at,
        { since, what: 'the callee binds the device with its subscription' },
      );
      this.device = /devices\/([^/]+)/.exec(this.wire.log.filter((event) => event.name === 'response' && event.method === 'PUT' && event.side === 'callee').at(-1).path)[1];
      // A push works only while the browser holds its connection to the push service.
      await this.push.log.wait('hello', { ms: 30_000, what: 'the callee’s browser is connected to its push service' });
      this.asleepSince = Date.now();
    }
    await this.closeCalleePages();
    await this.notifications.dismissAll();
  }

  /** Closes every page of the callee; the browser stays. */
  async closeCalleePages() {
    const pages = (await this.browsers.callee.driver.pages()).filter((page) => page.url().startsWith(this.origins.callee));
    const open = this.wire.openSockets('callee');
    for (const page of pages) await page.close();
    if (open > 0) await until(() => this.wire.openSockets('callee') === 0, { what: 'the sockets of the closed page close' });
  }

  /** The page that a tap opens. */
  calleePage(options) {
    return PhonePage.opened(this.browsers.callee, this.origins.callee, 'callee', options);
  }

  /** The callee opens the page by hand. */
  async calleeByHand(path = '/') {
    return PhonePage.open(this.browsers.callee, this.origins.callee + path, 'callee');
  }

  /** Dials, by this control of the keypad, and answers a mark of each log taken just before, with the INVITE as it left. */
  async callerDials(number = NUMBERS.callee, dial = 'dial-call') {
    const marks = { wire: this.wire.log.mark(), push: this.push.log.mark(), notifications: this.notifications.log.mark() };
    await this.caller.dial(number, dial);
    const invite = await this.wire.sip('caller', 'sent', /^INVITE /, { since: marks.wire });
    return { ...marks, invite };
  }

  /** Restarts the edge with other limits, storage kept; the caller's page is registered again after. */
  async configure(site) {
    this.site = { ...this.site, ...site };
    const since = this.wire.log.mark();
    await this.edge.restart({ sites: [this.site] });
    if (!this.caller) return;
    await this.wire.sip('caller', 'received', /^SIP\/2\.0 200 [\s\S]*CSeq: \d+ REGISTER/i, { since, ms: 40_000, what: 'the caller registers again after the edge restarted' });
    await this.caller.until('keypad', { registration: 'registered', ms: 30_000 });
  }

  /** Pushes to the callee’s browser from the test itself, signed by the site’s VAPID key. */
  async pushToCallee(payload, { ttl = 60, topic, vapid = this.edge.vapid } = {}) {
    const details = webpush.generateRequestDetails(this.subscription, JSON.stringify(payload), {
      TTL: ttl,
      topic,
      urgency: 'high',
      contentEncoding: 'aes128gcm',
      vapidDetails: { subject: 'mailto:operator@wakeline.test', publicKey: vapid.public_key, privateKey: vapid.private_key },
    });
    const response = await fetch(this.push.origin + new URL(details.endpoint).pathname, { method: 'POST', headers: details.headers, body: details.body });
    if (response.status !== 201) throw new Error(`push service: ${response.status} ${await response.text()}`);
  }

  /** Between tests: nobody is in a call, the callee sleeps, nothing is on the screen. */
  async rest() {
    this.wire.leaveAlone();
    Object.assign(this.push, { answer: null, answers: [] });
    await this.closeCalleePages();
    const { state } = await this.caller.look();
    if (['calling', 'answering', 'active'].includes(state)) {
      await this.caller.press('hang-up');
      await this.caller.until('ended');
    }
    if (state === 'ringing') await this.caller.press('decline');
    if ((await this.caller.until(['ended', 'keypad', 'missed'])).state === 'ended') await this.caller.press('ended-close');
    await this.caller.page.$('[data-testid="nav-keypad"]').then((key) => key?.click());
    await this.caller.until('keypad', { registration: 'registered' });
    await this.notifications.dismissAll();
  }

  /** What helps when a test fails. */
  async evidence(label) {
    const file = join(process.env.WAKELINE_EVIDENCE ?? '.wakeline/evidence', label.replace(/\W+/g, '-'));
    const { mkdirSync, writeFileSync } = await import('node:fs');
    mkdirSync(file, { recursive: true });
    await this.desktop?.picture(join(file, 'desktop.png')).catch(() => {});
    await this.caller?.page.screenshot({ path: join(file, 'caller.png') }).catch(() => {});
    const brief = (events) => events.map((event) => `${new Date(event.at).toISOString().slice(14)} ${JSON.stringify(event)}`).join('\n');
    writeFileSync(join(file, 'wire.txt'), brief(this.wire?.log.events ?? []));
    writeFileSync(join(file, 'push.txt'), brief(this.push?.log.events ?? []));
    writeFileSync(join(file, 'notifications.txt'), brief(this.notifications?.log.events ?? []));
    writeFileSync(join(file, 'edge.txt'), (this.edge?.lines ?? []).join('\n'));
    return file;
  }

  async close() {
    this.wire?.leaveAlone();
    await Promise.all(Object.values(this.browsers ?? {}).map((browser) => browser?.close()));
    try {
      // Once all of it has been written.
      assertSilent(this);
    } finally {
      await this.wire?.close();
      await this.edge?.close();
      await this.push?.close();
      await this.desktop?.close();
    }
  }
}
