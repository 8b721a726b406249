// What is done in a call, between pages and a real phone through real servers: hold, digits, transfer. What counts is what the other
// side's program says it got, and what is heard.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { hear, SILENCE } from '../lib/audio.mjs';
import { until } from '../lib/events.mjs';
import { Asterisk, hasAsterisk } from '../lib/servers/asterisk.mjs';
import { Baresip } from '../lib/servers/baresip.mjs';
import { Bench, DOMAIN } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { RtpEngine } from '../lib/servers/rtpengine.mjs';
import { phoneHearsTone } from '../plays/phone.mjs';

const TONES = { page: 1000, other: 1800, third: 2600, phone: 440 };
const [TALK, PATIENCE] = [30_000, 90_000];

const SERVERS = {
  kamailio: async (bench) => {
    const media = await bench.add(RtpEngine);
    return bench.add(Kamailio, { users: Object.keys(TONES), media });
  },
  asterisk: (bench) => bench.add(Asterisk, { pages: ['page', 'other', 'third'], phones: ['phone'], more: { third: ['dtmf_mode=info'] } }),
};

for (const [name, serve] of Object.entries(SERVERS)) {
  describe(`through ${name}`, { skip: name === 'asterisk' && !hasAsterisk() && 'no Asterisk on this machine' }, () => {
    let bench, server, phone, pages, page, other, third;

    before(async () => {
      bench = Bench.open();
      server = await serve(bench);
      phone = await bench.add(Baresip, { user: 'phone', server: server.sip, tone: TONES.phone });
      pages = await Pages.open();
      [page, other, third] = await Promise.all(['page', 'other', 'third'].map(async (user) => pages.registered(await pages.browser('chromium', TONES[user]), server, user)));
    }, { timeout: 180_000 });
    after(async () => {
      await pages?.close();
      await bench?.close();
    }, { timeout: 60_000 });

    let since;
    beforeEach(() => { since = phone.events.mark(); });
    afterEach(async (t) => {
      if (!t.passed) t.diagnostic(`${bench.logs()}\n${JSON.stringify(phone.events.events.slice(since))}`);
      for (const one of [page, other, third]) {
        await one.evaluate('for (const call of phone.calls) call.hangUp()');
        await one.waitForFunction('phone.calls.length === 0');
        await one.evaluate(`window.call = undefined; document.querySelector('audio').srcObject = null`);
      }
      await phone.idle();
    }, { timeout: 60_000 });

    const active = (one) => one.waitForFunction(`window.call?.state === 'active'`, { timeout: TALK });

    /** A call of the page to the phone that stands. */
    async function talk() {
      await page.evaluate(`dial('phone')`);
      await phone.event('CALL_ESTABLISHED', { since, ms: TALK });
      await active(page);
    }
    /** A page takes the call that comes to it. */
    async function takes(one) {
      await one.waitForFunction(`window.call?.state === 'incoming'`, { timeout: TALK });
      await one.evaluate('call.answer()');
      await active(one);
    }
    async function pageHears(one, hz) {
      let heard;
      await until(async () => {
        heard = await hear(one, hz, { ms: 3000 });
        return Math.abs(heard.hz - hz) <= hz * 0.02;
      }, { ms: TALK, what: 'the tone' }).catch(() => assert.fail(`a page hears ${JSON.stringify(heard)} instead of ${hz} Hz`));
    }
    async function phoneTone(hz) {
      const heard = await phoneHearsTone(phone, hz);
      assert.ok(Math.abs(heard.hz - hz) <= hz * 0.02 && heard.rms > SILENCE, `the phone hears ${JSON.stringify(heard)} instead of ${hz} Hz`);
    }
    // A browser takes the track of a held call out of its stream.
    const pageSilent = (one) => until(async () => {
      const { error, rms } = await hear(one, 0, { ms: 600 });
      return Boolean(error) || rms < SILENCE;
    }, { ms: TALK, what: 'the page hears nothing' });
    /** The phone gets what a page dials in the call; by sound, it hears the page. */
    async function digits(from, dialled, by, ms = TALK) {
      const mark = phone.events.mark();
      await from.evaluate((digits, by) => window.call.dtmf(digits, { by }), dialled, by);
      const got = () => phone.events.filter((e) => e.type === 'CALL_DTMF_START', mark).map((e) => e.param).join('');
      await until(() => got().length >= dialled.length, { ms, what: 'the digits' }).catch(() => {});
      assert.equal(got(), dialled, by);
    }
    /** What a page sends: the loudest level of half a second. */
    const speaks = (one) => one.evaluate(async () => {
      const levels = [];
      for (let look = 0; look < 12; look += 1) {
        const source = [...(await window.call.stats()).values()].find((it) => it.type === 'media-source' && it.kind === 'audio');
        levels.push(source?.audioLevel ?? 0);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return Math.max(...levels);
    });

    test('the page holds the phone, and the phone the page; each talks again', { timeout: PATIENCE }, async () => {
      await talk();
      await Promise.all([pageHears(page, TONES.phone), phoneTone(TONES.page)]);
      assert.ok(await speaks(page) > 0.1);
      await page.evaluate('call.hold()');
      await page.waitForFunction('call.held', { timeout: TALK });
      await pageSilent(page);
      await until(async () => await speaks(page) < SILENCE, { ms: TALK, what: 'the page says nothing' });
      await page.evaluate('call.hold(false)');
      await page.waitForFunction('!call.held', { timeout: TALK });
      await pageHears(page, TONES.phone);
      assert.ok(await speaks(page) > 0.1);
      await digits(page, '3', 'sound');

      // The digit still sounds.
      await phone.command('hold');
      await page.waitForFunction('call.remoteHeld', { timeout: TALK });
      await pageSilent(page);
      await phone.command('resume');
      await page.waitForFunction('!call.remoteHeld', { timeout: TALK });
      await pageHears(page, TONES.phone);
      // This phone has just begun anew with its stream, and may not take the first event that comes.
      await until(() => digits(page, '4', 'sound', 2000).then(() => true, () => false), { ms: TALK, what: 'the phone hears the page' });
      assert.equal(await page.evaluate('call.state'), 'active');
    });

    test('the phone gets the digits of the page, with the sound and by INFO; the page hears those of the phone', { timeout: PATIENCE }, async () => {
      await talk();
      // The phone hears the page before it is dialled to: of a stream that has just begun it may not take the first event.
      await Promise.all([pageHears(page, TONES.phone), phoneTone(TONES.page)]);
      await digits(page, '159D*#', 'sound');
      // A server that says both kinds in one way confuses a digit with one that still sounds.
      await until(() => phone.events.filter((e) => e.type === 'CALL_DTMF_END', since).length === 6, { ms: TALK, what: 'all are said' });
      await digits(page, '7*0#', 'info');
      // 9 is 852 and 1477 Hz; the browser plays what an RTP event says, a tenth of a second of it.
      await until(async () => {
        const heard = [852, 1477].map((hz) => hear(page, hz, { ms: 2500, enough: 1 }));
        await phone.command('sndcode', '9');
        return (await Promise.all(heard)).some(({ hits }) => hits > 0);
      }, { ms: TALK, every: 0, what: 'the page hears a 9' });
    });

    test('a recording is told by an offer that the phone takes; who does not say that it shows it is not believed to', { timeout: PATIENCE }, async () => {
      /** Records in the page, from and until the other side has agreed to what tells of it; the bytes of the file. */
      const records = async (check) => {
        const agreed = (what) => page.evaluate(async (what) => {
          const told = new Promise((resolve) => {
            call.connection.addEventListener('signalingstatechange', () => { if (call.connection.signalingState === 'stable') resolve(); });
          });
          if (what === 'begin') window.recording = new wakeline.Recording(call);
          else window.file = recording.stop();
          await told;
        }, what);
        await agreed('begin');
        await check();
        await agreed('end');
        assert.ok(await page.evaluate('file.then(({ size }) => size)') > 1000);
        await page.waitForFunction('!call.recordingTold', { timeout: TALK });
      };
      await talk();
      await pageHears(page, TONES.phone);
      await records(async () => {
        await Promise.all([pageHears(page, TONES.phone), phoneTone(TONES.page)]);
        assert.equal(await page.evaluate('call.recordingTold'), false);
      });
      await Promise.all([pageHears(page, TONES.phone), phoneTone(TONES.page)]);
      await page.evaluate('call.hangUp()');
      await page.waitForFunction('phone.calls.length === 0');

      await page.evaluate(`dial('other')`);
      await takes(other);
      await active(page);
      await records(async () => {
        // Asterisk is an end of each call by itself: what is told to it, it tells nobody.
        const passes = name === 'kamailio';
        if (passes) await other.waitForFunction('call.recorded', { timeout: TALK });
        if (passes) await page.waitForFunction('call.recordingTold', { timeout: TALK });
        await Promise.all([pageHears(page, TONES.other), pageHears(other, TONES.page)]);
        assert.deepEqual([await page.evaluate('call.recordingTold'), await other.evaluate('call.recorded')], [passes, passes]);
      });
      await other.waitForFunction('!call.recorded', { timeout: TALK });
    });

    test('a blind transfer by the page: phone and third page talk, and the one who transferred is out of it', { timeout: PATIENCE }, async () => {
      await talk();
      await page.evaluate(`window.progress = []; call.addEventListener('transfer', (e) => progress.push(e.progress))`);
      await page.evaluate(`call.transfer('other')`);
      await takes(other);
      await page.waitForFunction(`call.state === 'ended'`, { timeout: TALK });
      assert.equal((await page.evaluate('progress')).at(-1), 'done');
      await pageHears(other, TONES.phone);
      await phoneTone(TONES.other);
    });

    test('a transfer to nobody is refused, and the call goes on', { timeout: PATIENCE }, async () => {
      await talk();
      await page.evaluate(`window.refused = null; call.addEventListener('refused', (e) => { refused = [e.what, e.status]; })`);
      await page.evaluate(`call.transfer('nobody')`);
      await page.waitForFunction('refused', { timeout: TALK });
      assert.deepEqual(await page.evaluate('refused'), ['transfer', 404]);
      await Promise.all([pageHears(page, TONES.phone), phoneTone(TONES.page)]);
    });

    test('a blind transfer by the phone: the page talks with the third, and the phone is out of it', { timeout: PATIENCE }, async () => {
      await talk();
      await phone.command('transfer', `sip:other@${DOMAIN}`);
      await takes(other);
      await phone.event('CALL_CLOSED', { since, ms: TALK });
      await page.waitForFunction(`phone.calls.length === 1 && phone.calls[0].state === 'active'`, { timeout: TALK });
      await page.evaluate('take(phone.calls[0])');
      await Promise.all([pageHears(page, TONES.other), pageHears(other, TONES.page)]);
    });

    test('two calls, one talks; then the two others are connected', { timeout: PATIENCE }, async () => {
      // Through Kamailio the replaced dialog is the business of the two ends, and this phone knows no Replaces (RFC 3891).
      if (name === 'asterisk') await talk();
      else {
        await page.evaluate(`dial('third')`);
        await takes(third);
        await active(page);
      }
      await page.evaluate('window.first = call');
      await page.evaluate(`dial('other')`);
      await takes(other);
      await active(page);
      await page.waitForFunction('first.held && !call.held', { timeout: TALK });
      if (name === 'kamailio') await third.waitForFunction('call.remoteHeld');
      await pageHears(page, TONES.other);
      await page.evaluate('first.transfer(call)');
      await page.waitForFunction(`first.state === 'ended' && call.state === 'ended'`, { timeout: TALK });
      if (name === 'asterisk') {
        await pageHears(other, TONES.phone);
        return digits(other, '5', 'sound');
      }
      for (const one of [third, other]) {
        await one.waitForFunction(`phone.calls.length === 1 && phone.calls[0].replaces && phone.calls[0].state === 'active'`, { timeout: TALK });
        await one.evaluate('take(phone.calls[0])');
      }
      await Promise.all([pageHears(third, TONES.other), pageHears(other, TONES.third)]);
    });

    if (name === 'asterisk') {
      test('a menu of Asterisk reads the digits, and says them back in its way', { timeout: PATIENCE }, async () => {
        for (const [one, by, digits] of [[page, 'sound', '1590'], [page, 'info', '2461'], [third, 'sound', '7*35']]) {
          await server.cli('dialplan set global READ none');
          await one.evaluate(`dial('menu')`);
          await active(one);
          await one.evaluate(`window.digits = ''; call.addEventListener('digit', (e) => { digits += e.digit; })`);
          await one.evaluate((by, digits) => window.call.dtmf(digits, { by }), by, digits);
          await until(async () => (await server.cli('dialplan show globals')).includes(`READ=${digits}`), { ms: TALK, every: 200, what: `Asterisk reads ${digits} by ${by}` });
          // A line that is set to INFO is told what it answers so. (Of RTP events alone Chromium makes no sound.)
          if (one === third) await one.waitForFunction(`digits === '666'`, { timeout: TALK });
          await one.evaluate('call.hangUp()');
          await one.waitForFunction('phone.calls.length === 0');
        }
      });
    }
  });
}
