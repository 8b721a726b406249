// How good a call is, told while its network is bad: two pages talk through a real coturn, and what goes there and comes from there is lost,
// late and out of order for a while. And the check before a call, with a relay that answers and with one that does not.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Bench, passwordOf } from '../lib/servers/bench.mjs';
import { Coturn } from '../lib/servers/coturn.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { deadPort } from '../lib/ports.mjs';
import { Rough } from '../lib/rough.mjs';

const WAIT = { timeout: 60_000 };

/** Whatever the page asks for, its connections have relay candidates only. */
function relayOnly() {
  const Native = RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(configuration) { super({ ...configuration, iceTransportPolicy: 'relay' }); }

    setConfiguration(configuration) { super.setConfiguration({ ...configuration, iceTransportPolicy: 'relay' }); }
  };
}

/** In the page: each second of the call, and what was warned of and taken back, in its order. */
function watch() {
  window.told = { seconds: [], warnings: [] };
  window.quality = new wakeline.CallQuality(call);
  quality.addEventListener('quality', ({ judgement, sample }) => told.seconds.push({ ...sample, mos: judgement.mos, grade: judgement.grade, warnings: judgement.warnings }));
  quality.addEventListener('warning', ({ warning }) => told.warnings.push(`+${warning}`));
  quality.addEventListener('cleared', ({ warning }) => told.warnings.push(`-${warning}`));
}

const makes = process.env.WAKELINE_FULL ? ['chromium', 'firefox'] : ['chromium'];

describe('a network that turns bad', () => {
  let bench, turn, server, rough, pages;
  const opened = [];
  before(async () => {
    bench = Bench.open();
    turn = await bench.add(Coturn);
    rough = await Rough.open(turn.port);
    server = await bench.add(Kamailio, { users: ['caller', 'callee'] });
    pages = await Pages.open();
  }, { timeout: 120_000 });
  after(async () => {
    await pages?.close();
    await rough?.close();
    await bench?.close();
  }, { timeout: 60_000 });
  afterEach(async (t) => {
    for (const page of opened.splice(0)) {
      if (!t.passed) t.diagnostic(JSON.stringify(await page.evaluate('[seen.states, window.told]')));
      await page.evaluate('phone.close()').catch(() => {});
      await page.close();
    }
    Object.assign(rough, { loss: 0, delay: 0, jitter: 0 });
  });

  const servers = (port, ...kinds) => kinds.map((kind) => ({ urls: [`${kind}:127.0.0.1:${port}`], ...(kind === 'turn' && { username: 'turn', credential: passwordOf('turn') }) }));

  for (const make of makes) {
    test(`${make} warns of loss, jitter and delay while they last, and takes it back`, { timeout: 150_000 }, async () => {
      for (const user of ['caller', 'callee']) opened.push(await pages.registered(await pages.browser(user === 'callee' ? make : 'chromium', 440), server, user, { before: relayOnly, iceServers: servers(rough.port, 'turn') }));
      const [caller, callee] = opened;
      await caller.evaluate(`dial('callee')`);
      await callee.waitForFunction(`window.call?.state === 'incoming'`, WAIT);
      await callee.evaluate('call.answer()');
      for (const page of [caller, callee]) await page.waitForFunction(`call.state === 'active' && call.connection.connectionState === 'connected'`, WAIT);
      await callee.evaluate(watch);
      await callee.waitForFunction('told.seconds.filter(({ packets }) => packets > 20).length >= 4', WAIT);
      assert.deepEqual(await callee.evaluate('told.warnings'), [], 'the way through the relay is good');
      const good = await callee.evaluate('told.seconds.at(-1)');
      assert.ok(good.mos > 4 && good.loss < 0.05 && good.rtt < 200, JSON.stringify(good));

      Object.assign(rough, { loss: 0.15, delay: 150, jitter: 150 });
      await callee.waitForFunction(`['+mos', '+jitter', '+rtt'].every((one) => told.warnings.includes(one))`, WAIT);
      const [bad, warnings] = await callee.evaluate('[told.seconds.at(-1), told.warnings]');
      assert.ok(bad.mos < 3 && bad.grade === 'degraded' && bad.jitter > 30 && bad.rtt > 400, JSON.stringify(bad));
      assert.deepEqual(warnings.filter((one) => one.startsWith('-')), [], 'nothing is taken back while it is bad');
      assert.equal(await callee.evaluate('call.state'), 'active');

      Object.assign(rough, { loss: 0, delay: 0, jitter: 0 });
      await callee.waitForFunction(`['-mos', '-jitter', '-rtt'].every((one) => told.warnings.includes(one)) && told.seconds.at(-1).warnings.length === 0`, WAIT);
      const again = await callee.evaluate('told.seconds.at(-1)');
      assert.ok(again.mos > 3.5 && again.jitter < 30 && again.rtt < 400, JSON.stringify(again));
    });
  }

  for (const make of makes) {
    test(`the check before a call, in ${make}: servers that answer pass, servers that do not fail, each by itself`, { timeout: 120_000 }, async () => {
      const checked = async (iceServers, loopbackMs = 1000) => {
        const page = await pages.registered(await browser, server, 'caller', { iceServers });
        opened.push(page);
        const report = await page.evaluate((loopbackMs) => wakeline.preflight(phone, { loopbackMs }), loopbackMs);
        await page.evaluate('phone.close()');
        return [report.passed, Object.fromEntries(report.steps.map(({ name, result, why }) => [name, why ? `${result}: ${why}` : result]))];
      };
      const browser = pages.browser(make, 440);
      const dead = await deadPort();
      // The address that the server sees is not the page's own.
      const [passed, all] = await checked(servers(rough.port, 'stun', 'turn'), 2500);
      assert.deepEqual([all.microphone, all.registration, all.stun, all.turn, all.loopback], ['passed', 'passed', 'passed', 'passed', 'passed'], JSON.stringify(all));
      assert.equal(passed, true);
      // Each is waited for eight seconds.
      const [failed, none] = await checked(servers(dead, ...(process.env.WAKELINE_FULL ? ['stun', 'turn'] : ['turn'])));
      assert.deepEqual([none.registration, none.stun, none.turn], ['passed', process.env.WAKELINE_FULL ? 'failed: timeout' : 'skipped: none', 'failed: timeout'], JSON.stringify(none));
      assert.equal(failed, false);
      // Firefox does not say why a server gave nothing.
      if (make === 'firefox') return;
      const [, refused] = await checked([...servers(rough.port, 'stun'), { ...servers(rough.port, 'turn')[0], credential: 'wrong' }]);
      assert.deepEqual([refused.stun, refused.turn], ['passed', 'failed: refused'], JSON.stringify(refused));
      // One that sees the page's own address has nothing to add; one whose name nobody knows is no such.
      const [, direct] = await checked(servers(turn.port, 'stun'));
      assert.equal(direct.stun, 'skipped: direct');
      const [, unknown] = await checked([{ urls: 'stun:nowhere.invalid' }]);
      assert.equal(unknown.stun, 'failed: timeout');
      const [, twice] = await checked([{ urls: 'stun:nowhere.invalid' }, { urls: 'stun:nowhere.invalid' }]);
      assert.equal(twice.stun, 'failed: timeout');
      const [, both] = await checked([{ urls: 'stun:nowhere.invalid' }, ...servers(turn.port, 'stun')]);
      assert.equal(both.stun, 'skipped: direct');
    });
  }
});
