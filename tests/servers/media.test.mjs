// What media needs of the other side and of the server between, with a browser of another make at each end: candidates that come late, a
// recording that is told, levels and quality. The server passes on what it does not know, INFO too; the sound goes page to page.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { tonesIn } from '../e2e/client/harness.mjs';
import { hear } from '../lib/audio.mjs';
import { until } from '../lib/events.mjs';
import { Bench } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { Translator, behind } from '../lib/translator.mjs';

const TONES = { caller: 440, callee: 1000 };
const [TALK, PATIENCE] = [30_000, 90_000];

for (const [callerIs, calleeIs] of [['chromium', 'firefox'], ['firefox', 'chromium']]) {
  describe(`${callerIs} calls ${calleeIs}, whose address is translated, through Kamailio`, () => {
    let bench, nat, pages, caller, callee;

    before(async () => {
      bench = Bench.open();
      nat = await Translator.open();
      const server = await bench.add(Kamailio, { users: ['caller', 'callee'] });
      pages = await Pages.open();
      [caller, callee] = await Promise.all([['caller', callerIs], ['callee', calleeIs]].map(async ([user, make]) => pages.registered(
        await pages.browser(make, TONES[user]), server, user, { before: behind, ...(user === 'callee' && { iceServers: [{ urls: `stun:127.0.0.1:${nat.port}` }] }) },
      )));
    }, { timeout: 180_000 });
    after(async () => {
      await pages?.close();
      await bench?.close();
      nat?.close();
    }, { timeout: 60_000 });
    afterEach(async (t) => {
      if (!t.passed) t.diagnostic(bench.logs());
    });

    async function hears(page, hz) {
      let heard;
      await until(async () => {
        heard = await hear(page, hz, { ms: 3000 });
        return Math.abs(heard.hz - hz) <= hz * 0.02;
      }, { ms: TALK, what: 'the tone' }).catch(() => assert.fail(`a page hears ${JSON.stringify(heard)} instead of ${hz} Hz`));
    }

    test('candidates that come late travel by INFO, and are what the two then talk by', { timeout: PATIENCE }, async () => {
      await caller.evaluate(`dial('callee')`);
      await callee.waitForFunction(`window.call?.state === 'incoming'`, { timeout: TALK });
      await callee.evaluate('call.answer()');
      await caller.waitForFunction(`call.state === 'active'`, { timeout: TALK });
      const [answer] = await caller.evaluate('described');
      assert.match(answer, / typ host/);
      assert.doesNotMatch(answer, / typ srflx/);
      await Promise.all([hears(caller, TONES.callee), hears(callee, TONES.caller)]);
      assert.match(await caller.evaluate('call.connection.remoteDescription.sdp'), / typ srflx/);
      assert.equal(await caller.evaluate('described.length'), 1, 'no further description was needed');
    });

    test('each side is told that the other records, says so, and has both in its file; levels and quality are told', { timeout: PATIENCE }, async () => {
      for (const [page, other] of [[caller, callee], [callee, caller]]) {
        await page.evaluate(() => {
          window.loudest = { input: 0, output: 0 };
          window.seconds = [];
          window.stopLevels = wakeline.watchLevels(call, ({ input, output }) => { loudest = { input: Math.max(input, loudest.input), output: Math.max(output, loudest.output) }; });
          window.quality = new wakeline.CallQuality(call);
          quality.addEventListener('quality', ({ judgement, sample }) => seconds.push({ ...judgement, ...sample }));
          window.recording = new wakeline.Recording(call);
        });
        await other.waitForFunction('call.recorded', { timeout: TALK });
        await page.waitForFunction('call.recordingTold', { timeout: TALK });
        await page.waitForFunction('loudest.input > 0.05 && loudest.output > 0.05', { timeout: TALK });
        await page.waitForFunction('seconds.filter(({ packets }) => packets > 20).length >= 3 && seconds.at(-1).rtt !== null', { timeout: TALK });
        const last = await page.evaluate('seconds.at(-1)');
        assert.ok(last.mos > 1 && last.mos <= 4.5 && last.grade && last.rtt !== null && last.jitter < 1000, JSON.stringify(last));
        await page.evaluate('stopLevels(); quality.stop(); recording.stop(); undefined');
        await other.waitForFunction('!call.recorded', { timeout: TALK });
        const file = await page.evaluate(tonesIn);
        assert.match(file.type, /^audio\//);
        for (const [one, two, nobody] of file.tones) assert.ok(one > nobody * 20 && two > nobody * 20, JSON.stringify(file));
      }
      await caller.evaluate('call.hangUp()');
      await callee.waitForFunction(`call.state === 'ended'`, { timeout: TALK });
    });
  });
}
