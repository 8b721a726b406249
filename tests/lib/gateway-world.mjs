// The world of `play gateway`: a mobile caller and the callee's mobile behind a voice gateway, a real call server with our shipped
// configuration, and the callee's page, which registers there while the edge wakes it.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { writeTone } from './audio.mjs';
import { Chromium } from './browsers/chromium.mjs';
import { Firefox } from './browsers/firefox.mjs';
import { Desktop } from './desktop.mjs';
import { Edge } from './edge.mjs';
import { GcmPush } from './push/gcm.mjs';
import { MozillaPush } from './push/mozilla.mjs';
import { asterisk } from './servers/asterisk-shipped.mjs';
import { Baresip } from './servers/baresip.mjs';
import { Bench } from './servers/bench.mjs';
import { Gateway } from './servers/gateway.mjs';
import { kamailio } from './servers/kamailio-shipped.mjs';
import { Wire } from './wire.mjs';
import { NUMBERS, World } from './world.mjs';

/** The call servers: a module each (`scheme`, `path`, `open`). */
export const CALL_SERVERS = { kamailio, asterisk };
/** What each side's microphone sends. */
export const TONES = { caller: 620, callee: 950, mobile: 440 };
export const MOBILE_CALLER = { number: '13800138000', name: 'Ada' };
const SERVER = 'pbx';

export class GatewayWorld extends World {
  /** Opens it with one of `CALL_SERVERS`. */
  static open({ server = 'kamailio', ...options } = {}) {
    const open = class extends GatewayWorld { kind = server; };
    return super.open.call(open, options);
  }

  async start(site) {
    const chromium = this.browserName === 'chromium';
    const { scheme, path, open, says } = CALL_SERVERS[this.kind];
    this.says = says;
    this.desktop = await Desktop.open({ sound: true });
    this.notifications = this.desktop.notifications;
    this.push = chromium ? await GcmPush.open({ dir: this.desktop.dir }) : await MozillaPush.open();
    const sides = { '127.0.0.1': 'callee' };
    // The page's way to the call server is watched as well; its port is known before the server is.
    const behind = {};
    this.sipWire = await Wire.open({ edge: behind, sides });
    const sipSecret = randomBytes(24).toString('base64url');
    const domain = 'wakeline.test';
    this.site = {
      domain, call_servers: [{ id: SERVER, may: ['wake', 'gateway'] }],
      sip: { servers: [`ws://127.0.0.1:${this.sipWire.port}${path}`], domain, scheme }, ...site,
    };
    this.edge = await Edge.open({ sites: [this.site], secrets: { sip_secret: sipSecret }, outbound: chromium ? this.push.address : undefined });
    this.wire = await Wire.open({ edge: this.edge, sides });
    this.origins = { callee: this.wire.origin('callee') };
    this.accounts = { callee: await this.edge.account(NUMBERS.callee, { display_name: 'Grace' }) };

    this.bench = Bench.open();
    this.gateway = await Gateway.open();
    const [secret] = this.edge.secrets[this.edge.sites[0].id].call_servers[SERVER];
    this.server = await open(this.bench, {
      edge: this.edge.origin, credential: `${SERVER}.${secret}`, domain, lines: [NUMBERS.callee], secret: sipSecret, gateway: this.gateway.address,
    });
    behind.port = Number(new URL(this.server.url).port);
    const phone = { server: this.gateway.address, domain, register: false };
    this.mobileCaller = await this.bench.add(Baresip, { ...phone, user: MOBILE_CALLER.number, display: MOBILE_CALLER.name, tone: TONES.caller });
    this.mobile = await this.bench.add(Baresip, { ...phone, user: NUMBERS.callee, tone: TONES.mobile });
    this.gateway.connect({ server: this.server.sip, caller: this.mobileCaller, mobile: this.mobile });

    const callee = chromium
      ? await Chromium.open({ desktop: this.desktop, push: this.push, tone: writeTone(join(this.desktop.dir, 'callee.wav'), TONES.callee), origins: [this.origins.callee] })
            // Its candidates leave out loopback, where the call server's media are, unless it is told.
      : await Firefox.open({ desktop: this.desktop, push: this.push, tone: TONES.callee, prefs: { 'media.peerconnection.ice.loopback': true } });
    this.browsers = { callee };
  }

  /** The mobile caller dials; `signal` is how well the gateway receives the callee's mobile. Answers a mark of each log just before. */
  async mobileDials({ number = NUMBERS.callee, signal = null } = {}) {
    const marks = {
      wire: this.wire.log.mark(), sip: this.sipWire.log.mark(), push: this.push.log.mark(), notifications: this.notifications.log.mark(),
      gateway: this.gateway.log.mark(), caller: this.mobileCaller.events.mark(), mobile: this.mobile.events.mark(),
    };
    this.gateway.signal = signal;
    await this.mobileCaller.command('dial', `sip:${number}@${this.edge.domain}`);
    const invite = await this.gateway.log.wait((event) => event.name === 'asked' && /^INVITE /.test(event.text), { since: marks.gateway, what: 'the mobile’s INVITE' });
    return { ...marks, invite };
  }

  /** Awaits that the mobile caller is told this. */
  told(call, match, { ms = 20_000, what = `the mobile caller is told ${match}` } = {}) {
    return this.gateway.log.wait((event) => event.name === 'told' && /^CSeq:\s*\d+ INVITE/im.test(event.text) && match.test(event.text), { since: call.gateway, ms, what });
  }

  /** Nobody is in a call, the callee sleeps, nothing is on the screen. */
  async rest() {
    await this.mobileCaller.command('hangup').catch(() => {});
    await this.closeCalleePages();
    await this.notifications.dismissAll();
  }

  async evidence(label) {
    const file = await super.evidence(label);
    const { writeFileSync } = await import('node:fs');
    const brief = (events) => events.map((event) => `${new Date(event.at).toISOString().slice(14)} ${JSON.stringify(event)}`).join('\n');
    writeFileSync(join(file, 'sip.txt'), brief(this.sipWire?.log.events ?? []));
    writeFileSync(join(file, 'gateway.txt'), brief(this.gateway?.log.events ?? []));
    writeFileSync(join(file, 'servers.txt'), this.bench?.logs() ?? '');
    return file;
  }

  async close() {
    try {
      await super.close();
    } finally {
      await this.sipWire?.close();
      await this.gateway?.close();
      await this.bench?.close();
    }
  }
}
