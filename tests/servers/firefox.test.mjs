// Firefox with a microphone that its person has blocked, and with a screen that is shared, in calls with Chromium through Kamailio; and what its check
// before a call says of STUN servers, of which it tells no error.
// (A permission that is taken away in the middle of a call cannot be played there: WebDriver BiDi sets none of the microphone in Firefox.)
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { hear, loudness, SILENCE } from '../lib/audio.mjs';
import { Bench } from '../lib/servers/bench.mjs';
import { Coturn } from '../lib/servers/coturn.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';

const WAIT = { timeout: 30_000 };
const TONES = { other: 440, firefox: 1000 };
const BLOCKED = { 'permissions.default.microphone': 2, 'media.navigator.permission.disabled': false };

describe('Firefox', () => {
  let bench, pages, server, other;
  const opened = [];
  before(async () => {
    bench = Bench.open();
    server = await bench.add(Kamailio, { users: ['other', 'fox'] });
    pages = await Pages.open();
    other = await pages.registered(await pages.browser('chromium', TONES.other), server, 'other');
  }, { timeout: 120_000 });
  after(async () => {
    await pages?.close();
    await bench?.close();
  }, { timeout: 60_000 });
  afterEach(async (t) => {
    for (const page of opened.splice(0)) {
      if (!t.passed) t.diagnostic(JSON.stringify(await Promise.all([page, other].map((one) => one.evaluate('[seen.states, window.call?.end]')))));
      await page.evaluate('phone.close()').catch(() => {});
      await page.close();
    }
    await other.waitForFunction('phone.calls.length === 0', WAIT);
    await other.evaluate('window.call = undefined');
  });

  async function fox(prefs) {
    const page = await pages.registered(await pages.browser('firefox', TONES.firefox, prefs), server, 'fox');
    opened.push(page);
    return page;
  }
  const hears = async (page, hz) => {
    const heard = await hear(page, hz, { ms: 15_000 });
    assert.ok(Math.abs(heard.hz - hz) <= hz * 0.02, `${JSON.stringify(heard)} instead of ${hz} Hz`);
  };

  test('a microphone that is blocked: nobody is called, and a call that comes rings on until it is taken to listen', { timeout: 120_000 }, async () => {
    const page = await fox(BLOCKED);
    await page.evaluate(`dial('other')`);
    await page.waitForFunction(`call.state === 'ended'`, WAIT);
    assert.deepEqual(await page.evaluate('[call.end.outcome, call.end.reason, call.end.by]'), ['failed', 'NotAllowedError', 'local']);
    assert.equal(await page.evaluate(`wire.filter((one) => one.startsWith('> INVITE')).length`), 0);

    await page.evaluate('window.call = undefined');
    await other.evaluate(`dial('fox')`);
    await page.waitForFunction(`window.call?.state === 'incoming'`, WAIT);
    await other.waitForFunction(`call.state === 'ringing'`, WAIT);
    await page.evaluate('call.answer().catch(() => {})');
    assert.deepEqual([await page.evaluate('call.state'), await other.evaluate('call.state')], ['incoming', 'ringing']);
    await page.evaluate('call.answer({ microphone: false })');
    await other.waitForFunction(`call.state === 'active'`, WAIT);
    await hears(page, TONES.other);
    assert.equal(await page.evaluate('call.silent'), true);
    assert.ok(await loudness(other, 800).catch(() => 0) < SILENCE, 'nothing is heard of it');
    // Asked for in vain, it ends nothing.
    assert.equal(await page.evaluate(`call.useMicrophone().then(() => 'given', ({ title }) => title)`), 'NotAllowedError');
    assert.deepEqual([await page.evaluate('call.state'), await other.evaluate('call.state')], ['active', 'active']);
    await other.evaluate('call.hangUp()');
    await page.waitForFunction(`call.state === 'ended'`, WAIT);
  });

  test('a screen is shared in a call of sound, seen by the other side, and taken back; the sound goes on', { timeout: 120_000 }, async () => {
    const page = await fox();
    await page.evaluate(`dial('other')`);
    await other.waitForFunction(`window.call?.state === 'incoming'`, WAIT);
    await other.evaluate('call.answer()');
    for (const one of [page, other]) {
      await one.waitForFunction(`call.state === 'active'`, WAIT);
      await one.evaluate('call.video().then((video) => { window.video = video; })');
    }
    await page.evaluate('video.shareScreen()');
    assert.equal(await page.evaluate('video.source'), 'screen');
    await other.waitForFunction('video.remote', WAIT);
    await other.waitForFunction(async () => [...(await call.connection.getStats()).values()].some((one) => one.type === 'inbound-rtp' && one.kind === 'video' && one.framesDecoded > 0 && one.frameWidth > 0), WAIT);
    await page.evaluate('video.stopSharing()');
    await other.waitForFunction('video.remote === null', WAIT);
    assert.equal(await page.evaluate('video.source'), null);
    await hears(other, TONES.firefox);
    await page.evaluate('call.hangUp()');
    await other.waitForFunction(`call.state === 'ended'`, WAIT);
  });

  test('a STUN server whose name nobody knows fails the check before a call; one that has nothing to add does not', { timeout: 120_000 }, async () => {
    const { port } = await bench.add(Coturn);
    // Where IPv6 is on, `localhost` is an address more, at which nobody answers.
    const browser = await pages.browser('firefox', TONES.firefox, { 'network.dns.disableIPv6': true });
    const checked = async (...urls) => {
      const page = await pages.registered(browser, server, 'fox', { iceServers: [{ urls }] });
      opened.push(page);
      const { steps } = await page.evaluate('wakeline.preflight(phone, { loopbackMs: 1000 })');
      await page.evaluate('phone.close()');
      return steps.filter(({ name }) => name === 'stun').map(({ result, why }) => `${result}: ${why}`).join();
    };
    assert.equal(await checked('stun:nowhere.invalid'), 'failed: timeout');
    assert.equal(await checked(`stun:localhost:${port}`), 'skipped: direct');
    assert.equal(await checked(`stun:127.0.0.1:${port}`), 'skipped: direct');
    assert.equal(await checked('stun:nowhere.invalid', `stun:localhost:${port}`), 'skipped: direct');
  });
});
