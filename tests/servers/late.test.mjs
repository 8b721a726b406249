// A second device that is ready while the first one rings, and answers: a mobile and that page hear each other, through each call server
// as we ship it. The branch came to the call when its sound was described already.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hear, loudness, SILENCE } from '../lib/audio.mjs';
import { until } from '../lib/events.mjs';
import { hasAsterisk } from '../lib/servers/asterisk.mjs';
import { AsteriskWorld } from '../lib/servers/asterisk-world.mjs';
import { Baresip } from '../lib/servers/baresip.mjs';
import { Gateway } from '../lib/servers/gateway.mjs';
import { KamailioWorld } from '../lib/servers/kamailio-world.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { phoneHears, phoneHearsTone } from '../plays/phone.mjs';

const TONES = { mobile: 620, page: 950 };
const MOBILE = '13800138000';
const NUMBER = '1034';
const SITE = { limits: { ready_s: 60, ring_s: 60 } };
const near = (heard, hz) => Math.abs(heard - hz) <= hz * 0.02;
const SERVERS = {
  kamailio: () => KamailioWorld.open({ site: SITE, more: { RING_MS: 60_000 } }),
  ...(hasAsterisk() && Object.fromEntries(['dialplan', 'stasis'].map((wakenBy) => [
    `asterisk, by ${wakenBy}`, (callers) => AsteriskWorld.open({ wakenBy, callers, site: SITE, limits: { ring_s: 60, direct_s: 3 } }),
  ]))),
};

describe('the sound of a page that came late', () => {
  let pages, browser;
  before(async () => {
    pages = await Pages.open();
    browser = await pages.browser('chromium', TONES.page);
  }, { timeout: 90_000 });
  after(() => pages?.close(), { timeout: 30_000 });

  for (const [name, open] of Object.entries(SERVERS)) {
    test(`through ${name}: both hear the other, and silence while the other is muted`, { timeout: 180_000 }, async () => {
      const gateway = await Gateway.open();
      const world = await open([gateway.address]);
      let heard;
      try {
        const { page: first, sink } = await world.sleeping(NUMBER);
        const { page: second } = await world.another(NUMBER);
        const phone = await world.bench.add(Baresip, { user: MOBILE, server: gateway.address, domain: world.edge.domain, register: false, tone: TONES.mobile });
        gateway.connect({ server: world.server.sip, caller: phone, mobile: phone });
        await phone.command('dial', `sip:${NUMBER}@${world.edge.domain}`);
        const { wake } = await sink.push('invitation');
        const rings = await world.comes(first, wake);
        rings.ring();
        await world.state(wake, 'ringing');

        // The page of the second device, in a browser: it registers at the call server, and only then says "ready".
        heard = await pages.registered(browser, world.server, NUMBER, { addressOfRecord: `sip:${NUMBER}@${world.edge.domain}`, user: second.username, password: second.password });
        await world.ready(second, wake);
        await heard.waitForFunction(`window.call?.state === 'incoming'`, { timeout: 30_000 });
        await heard.evaluate('call.answer()');
        await heard.waitForFunction(`call.state === 'active'`, { timeout: 30_000 });
        await phone.event('CALL_ESTABLISHED');
        await rings.sees('CANCEL');

        const atPage = await hear(heard, TONES.mobile, { tolerance: 0.02 });
        assert.ok(near(atPage.hz, TONES.mobile) && atPage.rms > SILENCE, `the page hears ${atPage.hz} Hz of ${TONES.mobile}`);
        const atPhone = await phoneHearsTone(phone, TONES.page);
        assert.ok(near(atPhone.hz, TONES.page) && atPhone.rms > SILENCE, `the mobile hears ${atPhone.hz} Hz of ${TONES.page}`);
        await heard.evaluate('call.mute(true)');
        await until(async () => (await phoneHears(phone)).rms < SILENCE, { ms: 20_000, what: 'the mobile hears silence while the page is muted' });
        await phone.command('mute');
        await until(async () => (await loudness(heard, 600)) < SILENCE, { ms: 20_000, what: 'the page hears silence while the mobile is muted' });
        await phone.command('hangup');
        await heard.waitForFunction(`call.state === 'ended'`, { timeout: 20_000 });
        assert.equal((await world.record(wake)).outcome, 'answered');
      } finally {
        await heard?.evaluate('phone.close()').catch(() => {});
        await heard?.close();
        await world.close();
        await gateway.close();
      }
    });
  }
});
