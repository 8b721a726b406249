// Each way a call can end other than by being answered and hung up.
import assert from 'node:assert/strict';
import { answer, ringing, wakeAndTap } from '../plays/wake.mjs';
import { until } from '../lib/events.mjs';
import { suite } from '../lib/suite.mjs';
import { header, status, wakeOf } from '../lib/timeline.mjs';
import { mainBrowsers, NUMBERS } from '../lib/world.mjs';

/** Seconds; the time a test of a limit takes. */
const READY = 4;
const RING = 3;
const PATIENT = { ready_s: 60, tap_grace_s: 15, ring_s: 60 };

const invitation = (world, call) => world.notifications.shown((one) => /Ada.*is calling/.test(one.title), { since: call.notifications, what: 'the invitation' });
const missedNotice = (world, call, ms = 15_000) => world.notifications.shown((one) => /Missed call.*Ada/.test(one.title), { since: call.notifications, ms, what: 'the notification to say "missed call"' });
const final = (world, call, code, ms = 20_000) => world.wire.sip('caller', 'received', (text) => status(text) === code && /^CSeq:\s*\d+ INVITE/im.test(text), { since: call.wire, ms, what: `${code} at the caller` });
/** Nothing on the screen still rings. */
const nothingRings = (world) => until(() => ![...world.notifications.displayed.values()].some((one) => /is calling/.test(one.title)), { ms: 2000, what: 'no notification rings 2 s after the end' });

for (const browser of mainBrowsers()) {
  suite('ends', { browser, site: { limits: PATIENT } }, (check) => {
    check('declined from the notification: 603 at once, and no page opens', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const { at } = await world.notifications.press('Decline');
      const refusal = await final(world, call, 603);
      assert.equal(wakeOf(refusal.text).state, 'declined');
      assert.ok(refusal.at - at < 2000, `603 ${refusal.at - at} ms after the button`);
      await world.caller.until('ended', { outcome: 'declined' });
      await nothingRings(world);
      const pages = (await world.browsers.callee.driver.pages()).map((page) => page.url()).filter((url) => url.startsWith(world.origins.callee));
      assert.deepEqual(pages, []);
    });

    check('declined on the ringing page: 603', async (world) => {
      const call = await wakeAndTap(world);
      await ringing(world, call);
      await call.page.press('decline');
      const refusal = await final(world, call, 603);
      assert.equal(wakeOf(refusal.text).state, 'declined');
      await world.caller.until('ended', { outcome: 'declined' });
    });

    check('the notification\'s Answer leads to a call', async (world) => {
      const call = await wakeAndTap(world, { button: 'Answer' });
      const { state } = await call.page.until(['active', 'ringing'], { ms: 20_000 });
      if (state === 'ringing') {
        // Either the browser let it answer by itself, or there is one Answer to press.
        await until(async () => (await call.page.look()).state !== 'ringing', { ms: 1500, what: 'answered by itself' }).catch(() => answer(world, call));
      }
      await call.page.until('active');
      await world.caller.until('active');
      await world.caller.press('hang-up');
      await call.page.until('ended', { outcome: 'hungup' });
    });

    check('the caller hangs up before the tap: the invitation becomes a missed call', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      await world.caller.press('hang-up');
      await world.caller.until('ended', { outcome: 'cancelled' });
      await missedNotice(world, call);
      await nothingRings(world);
      assert.equal(world.notifications.displayed.size, 1, 'it replaced the invitation');
    });

    check('the caller hangs up while it rings: the page falls silent and says so', async (world) => {
      const call = await wakeAndTap(world);
      await ringing(world, call);
      const at = Date.now();
      await world.caller.press('hang-up');
      await call.page.until('ended', { outcome: 'cancelled' });
      assert.ok(Date.now() - at < 2000, 'quiet within 2 s');
      assert.equal(await call.page.playing(), 0);
      await nothingRings(world);
    });

    check('a line without a device: 480, unbound', async (world) => {
      await world.edge.account('1003');
      const call = await world.callerDials('1003');
      const refusal = await final(world, call, 480);
      assert.equal(wakeOf(refusal.text).state, 'unbound');
      assert.match(header(refusal.text, 'Reason') ?? '', /cause=\d+/);
      await world.caller.until('ended', { outcome: 'unbound' });
    });

    check('an unknown line: 404', async (world) => {
      const call = await world.callerDials('4040');
      await final(world, call, 404);
      await world.caller.until('ended', { outcome: 'unknown' });
    });

    check('the page opened by hand while an invitation waits rings', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      call.page = await world.calleeByHand();
      await call.page.until('ringing');
      await answer(world, call);
      await nothingRings(world);
      await call.page.press('hang-up');
      await world.caller.until('ended', { outcome: 'hungup' });
    });

    check('an open page rings without a push', async (world) => {
      const page = await world.calleeByHand();
      await page.until('keypad', { registration: 'registered' });
      const call = { ...(await world.callerDials()), page };
      await page.until('ringing');
      await answer(world, call);
      assert.equal(world.push.log.filter('push', call.push).length, 0, 'nothing was pushed');
      await page.press('hang-up');
      await world.caller.until('ended', { outcome: 'hungup' });
    });
  });

  suite('limits', { browser, site: { limits: { ready_s: READY, tap_grace_s: 15, ring_s: RING } } }, (check) => {
    check('never tapped: 480 with a reason, "missed call", shown at the next start', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const refusal = await final(world, call, 480);
      assert.equal(wakeOf(refusal.text).state, 'expired');
      assert.match(header(refusal.text, 'Reason') ?? '', /cause=480/);
      assert.ok(Math.abs(refusal.at - call.invite.at - READY * 1000) < 1500, `ended ${refusal.at - call.invite.at} ms after the INVITE`);
      await world.caller.until('ended', { outcome: 'expired' });
      await missedNotice(world, call);
      await nothingRings(world);
      const page = await world.calleeByHand();
      await page.until(['keypad', 'missed'], { registration: 'registered' });
      await page.press('nav-missed');
      await page.until('missed');
      assert.match(await page.text('missed-item'), /Ada/);
    });

    check('tapped too late: who called, and one tap calls back', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      await world.caller.until('ended', { outcome: 'expired' });
      await missedNotice(world, call);
      await world.notifications.click();
      const page = await world.calleePage();
      await page.until('too-late');
      assert.match(await page.text('remote-name'), /Ada/);
      await world.caller.press('ended-close');
      await page.press('missed-call-back');
      await world.caller.until('ringing');
      await world.caller.press('answer');
      await page.until('active');
      await world.caller.until('active');
      await page.press('hang-up');
      await world.caller.until('ended', { outcome: 'hungup' });
    });

    check('ringing, not answered: 480, both end, a missed call', async (world) => {
      const call = await wakeAndTap(world);
      const { ringingSent } = await ringing(world, call);
      const refusal = await final(world, call, 480);
      assert.equal(wakeOf(refusal.text).state, 'unanswered');
      assert.ok(Math.abs(refusal.at - ringingSent - RING * 1000) < 1500, `rang ${refusal.at - ringingSent} ms`);
      await world.caller.until('ended', { outcome: 'unanswered' });
      await call.page.until('ended', { ms: 2000 });
      assert.equal(await call.page.playing(), 0);
      const { body } = await world.edge.api('GET', '/v1/missed', { token: await world.edge.token(NUMBERS.callee) });
      assert.ok(body.missed.some((one) => one.outcome === 'unanswered' && one.caller.number === NUMBERS.caller));
    });
  });
}
