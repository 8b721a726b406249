// The invitation was tapped, and yet no call came of it: page and caller are each told which it was (row A5). And a tap
// that comes in the last second of the limit.
import assert from 'node:assert/strict';
import { answer, ringing } from '../plays/wake.mjs';
import { ended, final, hangsUp, invitation, invites, missedNotice } from '../lib/ends.mjs';
import { until } from '../lib/events.mjs';
import { inChinese } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { wakeOf } from '../lib/timeline.mjs';
import { mainBrowsers } from '../lib/world.mjs';

/** Seconds; both together are more than the 6 that a page is given before it calls itself stuck, and what it takes to load on a busy machine. */
const READY = 10;
const GRACE = 4;

const isRegister = (text) => /^REGISTER /.test(text);

/** Taps the invitation once `before` stands between page and edge. */
async function tapped(world, between) {
  const call = await world.callerDials();
  await invitation(world, call);
  world.wire.between('callee', between);
  call.tap = await world.notifications.click();
  call.page = await world.calleePage();
  return call;
}

/** What the page says at the end, and that it offers to call back. */
async function tooLate(call, why, { en, zh }) {
  await call.page.until('too-late', { outcome: 'expired', why, ms: 20_000 });
  assert.match(await call.page.text('ended-reason'), en);
  assert.match(await inChinese(call.page, 'ended-reason'), zh);
  assert.equal(await call.page.count('missed-call-back'), 1);
}

for (const browser of mainBrowsers()) {
  suite('tapped, but', { browser, site: { limits: { ready_s: READY, tap_grace_s: GRACE, ring_s: 60 } } }, (check) => {
    check('REGISTER is refused', async (world) => {
      const call = await tapped(world, { sip: (text) => isRegister(text) && { status: 403, reason: 'Forbidden' } });
      await call.page.until('connecting', { why: 'refused', ms: 12_000 });
      assert.match(await call.page.text('hindered'), /server refused/);
      assert.match(await inChinese(call.page, 'hindered'), /服务器拒绝/);
      await ended(world, call, { code: 480, state: 'expired', why: 'refused', says: /1002.*tapped your call.*server refused/ });
      assert.match(await inChinese(world.caller, 'ended-reason'), /已点开您的来电.*服务器拒绝/);
      await missedNotice(world, call);
      await tooLate(call, 'refused', { en: /You came in time.*refused/, zh: /您及时点开了.*拒绝/ });
      assert.deepEqual(invites(world, call), [], 'no INVITE went to a page that is not registered');
    });

    check('REGISTER is refused, and accepted when the person tries again', async (world) => {
      const call = await tapped(world, { sip: (text) => isRegister(text) && { status: 403, reason: 'Forbidden' } });
      await call.page.until('connecting', { why: 'refused', ms: 12_000 });
      world.wire.leaveAlone();
      await call.page.press('wake-again');
      await ringing(world, call);
      await answer(world, call);
      await hangsUp(world, call, call.page);
    });

    check('REGISTER hangs: the socket takes it, and nobody answers', async (world) => {
      const call = await tapped(world, { sip: (text) => isRegister(text) && 'swallow' });
      await call.page.until('connecting', { why: 'unregistered', ms: 14_000 });
      assert.match(await call.page.text('hindered'), /does not answer/);
      assert.match(await inChinese(call.page, 'hindered'), /未回应/);
      await ended(world, call, { code: 480, state: 'expired', why: 'unregistered', says: /1002.*tapped your call.*could not connect/ });
      assert.match(await inChinese(world.caller, 'ended-reason'), /未能及时连接/);
      await missedNotice(world, call);
      await tooLate(call, 'unregistered', { en: /You came in time.*could not connect/, zh: /未能在来电结束前连接/ });
    });

    check('"ready" never arrives', async (world) => {
      const call = await tapped(world, { http: (method, path) => (/\/ready$/.test(path) ? 'swallow' : undefined) });
      await call.page.until('connecting', { why: 'unready', ms: 14_000 });
      assert.match(await call.page.text('hindered'), /connected.*ready/);
      assert.match(await inChinese(call.page, 'hindered'), /未确认其就绪/);
      await ended(world, call, { code: 480, state: 'expired', why: 'unready', says: /1002.*connected.*never ready/ });
      assert.match(await inChinese(world.caller, 'ended-reason'), /始终未就绪/);
      await missedNotice(world, call);
      await tooLate(call, 'unready', { en: /connected.*never took its word/, zh: /未确认其就绪/ });
      assert.deepEqual(invites(world, call), [], 'no INVITE before "ready"');
    });

    check('"ready" gets through at the third try: it rings, once', async (world) => {
      let tries = 0;
      const call = await tapped(world, {
        http: (method, path) => {
          if (!/\/ready$/.test(path)) return undefined;
          tries += 1;
          return tries === 1 ? { status: 503, reason: 'Not now' } : tries === 2 ? 'swallow' : undefined;
        },
      });
      await ringing(world, call);
      assert.equal(tries, 3);
      assert.equal(invites(world, call).length, 1);
      await answer(world, call);
      await hangsUp(world, call, call.page);
    });

    check('the edge answers nothing at all: the page says so, and learns the end when it is back', async (world) => {
      const call = await tapped(world, { sip: (text) => isRegister(text) && 'swallow', http: (method, path) => (path.startsWith('/v1/') ? 'swallow' : undefined) });
      await call.page.until('connecting', { why: 'unreachable', ms: 14_000 });
      assert.match(await call.page.text('hindered'), /cannot be reached/);
      // Not even the tap was heard of.
      await ended(world, call, { code: 480, state: 'expired', why: 'unopened', outcome: 'expired', says: /notified, but did not come/ });
      world.wire.leaveAlone();
      await call.page.until('too-late', { outcome: 'expired', why: 'unopened', ms: 30_000 });
      await until(async () => /Ada called/.test(await call.page.text('ended-reason')), { what: 'who it was' });
    });

    /** Taps so that the edge hears of it in the last second of its limit; nothing else of the page gets through yet. */
    async function tapLate(world, { registers }) {
      const call = await world.callerDials();
      await invitation(world, call);
      const end = call.invite.at + READY * 1000;
      const at = (time) => new Promise((resolve) => setTimeout(resolve, time - Date.now()));
      let heard;
      world.wire.between('callee', {
        // The way is slow: what the worker says of the tap arrives in the last second, REGISTER after the limit.
        http: (method, path) => {
          if (!/\/opened$/.test(path) || heard) return undefined;
          heard = at(end - 500);
          return heard;
        },
        sip: (text) => isRegister(text) && (registers ? at(end + 1500) : 'swallow'),
      });
      await at(end - 2500);
      call.tap = await world.notifications.click();
      call.page = await world.calleePage();
      return { call, end };
    }

    check('a tap then gets more time: it rings after the limit', async (world) => {
      const { call, end } = await tapLate(world, { registers: true });
      const { ringingSent } = await ringing(world, call);
      assert.ok(ringingSent > end, `rang ${ringingSent - end} ms after the limit`);
      await answer(world, call);
      await hangsUp(world, call, call.page);
    });

    check('and no more than that: page and caller are told', async (world) => {
      const { call, end } = await tapLate(world, { registers: false });
      const refusal = await ended(world, call, { code: 480, state: 'expired', why: 'unregistered', says: /could not connect/ });
      const late = refusal.at - end - GRACE * 1000;
      assert.ok(Math.abs(late) < 1500, `ended ${late} ms after the grace`);
      await call.page.until('too-late', { why: 'unregistered', ms: 20_000 });
    });

    check('a tap after the limit is too late', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const held = final(world, call, 480);
      world.wire.between('callee', { http: (method, path) => (/\/opened$/.test(path) ? held : undefined), sip: (text) => isRegister(text) && held });
      await world.notifications.click();
      call.page = await world.calleePage();
      const refusal = await ended(world, call, { code: 480, state: 'expired', why: 'unopened', outcome: 'expired' });
      assert.equal(wakeOf(refusal.text).state, 'expired');
      await call.page.until('too-late', { outcome: 'expired', ms: 20_000 });
    });
  });
}
