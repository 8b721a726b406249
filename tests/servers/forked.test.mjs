// A name with two phones behind it: Kamailio forks the page's call to both, and each answers for itself. Both ring, one is heard before
// it answers, and the call is with whichever answers, by sound; the other one is told that it may stop ringing.
// (Firefox, which connects nothing by a provisional answer and is given it as the answer: with the long tests.)
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { hear } from '../lib/audio.mjs';
import { until } from '../lib/events.mjs';
import { Baresip } from '../lib/servers/baresip.mjs';
import { Bench } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { RtpEngine } from '../lib/servers/rtpengine.mjs';
import { Trunk } from '../lib/servers/trunk.mjs';
import { phoneHearsTone } from '../plays/phone.mjs';

const WAIT = { timeout: 30_000 };
const TONES = { page: 1000, announces: 620, rings: 440 };

const BROWSERS = ['chromium', ...(process.env.WAKELINE_FULL ? ['firefox'] : [])];

for (const browser of BROWSERS) describe(`a call that Kamailio forks to two phones, in ${browser}`, () => {
  let bench, pages, page, announces, another, rings;
  before(async () => {
    bench = Bench.open();
    const media = await bench.add(RtpEngine);
    [announces, another] = await Promise.all(['announces', 'another'].map((number) => Trunk.open({ number })));
    for (const phone of [announces, another]) phone.hangsUp = true;
    const [one, other] = [announces, another].map(({ contact }) => contact.slice(1, -1));
    // To a phone that registers and to one that does not; to two that do not.
    const first = `if (is_method("INVITE") && $rU=~"^(team|both)$") {
        record_route();
        if ($rU=="team") { lookup("location"); } else { $ru = "${other}"; }
        append_branch("${one}");
        route(RELAY);
    }`;
    const server = await bench.add(Kamailio, { users: ['page', 'team', 'both'], media, first });
    rings = await bench.add(Baresip, { user: 'team', server: server.sip, tone: TONES.rings, answer: 'manual' });
    pages = await Pages.open();
    page = await pages.registered(await pages.browser(browser, TONES.page), server, 'page');
  }, { timeout: 120_000 });
  after(async () => {
    await pages?.close();
    await bench?.close();
    for (const phone of [announces, another]) await phone?.close();
  }, { timeout: 60_000 });
  afterEach(async (t) => {
    if (!t.passed) t.diagnostic(`${JSON.stringify(await page.evaluate('[seen.states, window.call?.end]'))}\n${(await page.evaluate('wire')).join('\n')}\n${bench.logs()}`);
    announces.hush();
    await page.evaluate(`wire.length = 0; if (call.state !== 'ended') call.hangUp()`);
    await page.waitForFunction('phone.calls.length === 0', WAIT);
  });

  const said = (start, words = '') => page.evaluate((start, words) => wire.filter((one) => one.startsWith(start) && one.includes(words)), start, words);
  const tag = (message) => /\r\nTo:[^\r]*;tag=([^;\r]+)/i.exec(message)?.[1];
  const hears = async (hz) => {
    let heard;
    await until(async () => {
      heard = await hear(page, hz, { ms: 2000 });
      return Math.abs(heard.hz - hz) <= hz * 0.02;
    }, { ms: 30_000, what: 'the tone' }).catch(() => assert.fail(`the page hears ${JSON.stringify(heard)} instead of ${hz} Hz`));
  };

  /** Both ring, each in an early dialog of its own, and the page hears the announcement of one. */
  async function rung() {
    const since = { announces: announces.log.mark(), rings: rings.events.mark() };
    await page.evaluate(`dial('team')`);
    const call = await announces.incoming({ since: since.announces });
    await rings.event('CALL_INCOMING', { since: since.rings });
    announces.respond(call.invite, 183, 'Session Progress', { headers: [`Contact: ${announces.contact}`, 'Content-Type: application/sdp'], body: announces.sdp });
    announces.speak(TONES.announces, call.invite.body);
    await hears(TONES.announces);
    assert.equal(new Set((await said('< SIP/2.0 18')).map(tag)).size, 2, 'two early dialogs');
    assert.equal(await page.evaluate('call.state'), 'ringing');
    return { call, since: since.rings };
  }

  test('the one that was heard answers: it is heard on, and the other one is told to stop ringing', { timeout: 90_000 }, async () => {
    const { call, since } = await rung();
    await call.answer();
    await rings.event('CALL_CLOSED', { since });
    await page.waitForFunction(`call.state === 'active'`, WAIT);
    await hears(TONES.announces);
    const heard = await announces.hearsSound();
    assert.ok(Math.abs(heard.hz - TONES.page) <= 20, `the phone hears ${JSON.stringify(heard)}`);
    assert.deepEqual([...new Set((await said('> ACK sip:announces')).map(tag))], [call.invite.ourTag]);
    assert.equal((await said('> BYE')).length, 0);
    await page.evaluate('call.hangUp()');
    await call.sees('BYE');
  });

  test('the one that was not heard answers: the sound is with it, and the other one is told to stop', { timeout: 90_000 }, async () => {
    const { call, since } = await rung();
    await rings.command('accept');
    await rings.event('CALL_ESTABLISHED', { since });
    await call.sees('CANCEL');
    await page.waitForFunction(`call.state === 'active'`, WAIT);
    await hears(TONES.rings);
    const heard = await phoneHearsTone(rings, TONES.page);
    assert.ok(Math.abs(heard.hz - TONES.page) <= 20, `the phone hears ${JSON.stringify(heard)}`);
    await page.evaluate('call.hangUp()');
    await rings.event('CALL_CLOSED', { since });
  });

  test('both answer, the second before it has read that it may stop: it is thanked and hung up on, the call is with the first', { timeout: 60_000 }, async () => {
    const since = [announces, another].map(({ log }) => log.mark());
    await page.evaluate(`dial('both')`);
    const [quick, slow] = await Promise.all([announces, another].map((phone, at) => phone.incoming({ since: since[at] })));
    for (const call of [quick, slow]) call.ring();
    await page.waitForFunction(`call.state === 'ringing'`, WAIT);
    // It has been taken there, and the answer is about to leave: its CANCEL comes too late.
    slow.invite.final = true;
    await quick.answer({ ms: 20_000 });
    await slow.sees('CANCEL');
    await slow.answer({ ms: 20_000 });
    await page.waitForFunction(`call.state === 'active'`, WAIT);
    assert.deepEqual((await said('< SIP/2.0 200', 'INVITE')).map(tag), [quick, slow].map(({ invite }) => invite.ourTag));
    await slow.sees('BYE', { ms: 20_000 });
    assert.deepEqual((await said('> BYE')).map(tag), [slow.invite.ourTag]);
    assert.equal(await page.evaluate('call.state'), 'active');
    await page.evaluate('call.hangUp()');
    await quick.sees('BYE');
    await page.waitForFunction(`call.state === 'ended' && phone.calls.length === 0`, WAIT);
  });
});
