// Each way a call can end, seen from everywhere at once: status, record and screens.
import assert from 'node:assert/strict';
import { answer, ringing, wakeAndTap } from '../plays/wake.mjs';
import { ended, final, hangsUp, invitation, missedNotice, nothingRings, ringsByHand } from '../lib/ends.mjs';
import { until } from '../lib/events.mjs';
import { suite } from '../lib/suite.mjs';
import { NUMBERS, mainBrowsers } from '../lib/world.mjs';

/** Seconds; the time a test of a limit takes. */
const READY = 4;
const RING = 3;
const PATIENT = { ready_s: 60, tap_grace_s: 15, ring_s: 60 };

for (const browser of mainBrowsers()) {
  suite('ends', { browser, site: { limits: PATIENT } }, (check) => {
    check('declined from the notification: 603 at once, and no page opens', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const { at } = await world.notifications.press('Decline');
      const refusal = await ended(world, call, { code: 603, state: 'declined', missed: false });
      assert.ok(refusal.at - at < 2000, `603 ${refusal.at - at} ms after the button`);
      const pages = (await world.browsers.callee.driver.pages()).map((page) => page.url()).filter((url) => url.startsWith(world.origins.callee));
      assert.deepEqual(pages, []);
    });

    check('declined on the ringing page: 603', async (world) => {
      const call = await wakeAndTap(world);
      await ringing(world, call);
      await call.page.press('decline');
      await ended(world, call, { code: 603, state: 'declined', missed: false });
      await call.page.until('ended');
      assert.equal(await call.page.playing(), 0);
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
      await hangsUp(world, call, world.caller);
    });

    check('the caller hangs up before the tap: the invitation becomes a missed call', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      await world.caller.press('hang-up');
      await ended(world, call, { code: 487, state: 'cancelled' });
      await missedNotice(world, call);
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
      await ended(world, call, { code: 487, state: 'cancelled' });
    });

    check('a line without a device: 480, unbound', async (world) => {
      await world.edge.account('1003');
      const call = await world.callerDials('1003');
      await ended(world, call, { code: 480, state: 'unbound', number: '1003', says: /no device that could ring/ });
    });

    check('an unknown line: 404', async (world) => {
      const call = await world.callerDials('4040');
      await final(world, call, 404);
      await world.caller.until('ended', { outcome: 'unknown' });
      assert.deepEqual(await world.edge.rows("SELECT id FROM calls WHERE callee = '4040'"), [], 'strangers\' slips are not kept');
    });

    check('the page opened by hand while an invitation waits rings', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      call.page = await world.calleeByHand();
      await call.page.until('ringing');
      await answer(world, call);
      await nothingRings(world);
      await hangsUp(world, call, call.page);
    });

    check('an open page rings without a push', async (world) => {
      const call = await ringsByHand(world);
      await answer(world, call);
      assert.equal(world.push.log.filter('push', call.push).length, 0, 'nothing was pushed');
      await hangsUp(world, call, call.page);
    });
  });

  suite('limits', { browser, site: { limits: { ready_s: READY, tap_grace_s: 15, ring_s: RING } } }, (check) => {
    check('never tapped: 480 with a reason, "missed call", shown at the next start', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const refusal = await ended(world, call, { code: 480, state: 'expired', why: 'unopened', outcome: 'expired' });
      assert.ok(Math.abs(refusal.at - call.invite.at - READY * 1000) < 1500, `ended ${refusal.at - call.invite.at} ms after the INVITE`);
      await missedNotice(world, call);
      const page = await world.calleeByHand();
      await page.until(['keypad', 'missed'], { registration: 'registered' });
      await page.press('nav-missed');
      await page.until('missed');
      assert.match(await page.text('missed-item'), /Ada/);
    });

    check('a missed call that was seen is still on the list after a reload, and a list that cannot be had says so', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const { wake } = await ended(world, call, { code: 480, state: 'expired', why: 'unopened', outcome: 'expired' });
      const page = await world.calleeByHand();
      const opened = async () => {
        await page.until(['keypad', 'missed'], { registration: 'registered' });
        await page.press('nav-missed');
        await page.until('missed');
      };
      await opened();
      // Its tag is on the newest, which stands first.
      assert.match(await page.text('missed-item'), /Ada\s+New/);
      await until(async () => {
        const { body } = await world.edge.api('GET', '/v1/missed', { token: await world.edge.token(NUMBERS.callee) });
        return body.missed.some(({ id, seen }) => id === wake && seen);
      }, { what: 'the edge knows that it was seen' });

      await page.page.reload();
      await opened();
      assert.match(await page.text('missed-item'), /Ada/);
      assert.doesNotMatch(await page.text('missed-item'), /New/);

      await page.page.reload();
      world.wire.between('callee', { http: (method, path) => (path === '/v1/missed' ? { status: 503, reason: 'Service Unavailable' } : undefined) });
      await opened();
      assert.match(await page.text('missed-failed'), /could not be loaded/);
      assert.equal(await page.count('missed-item'), 0);
      assert.equal(await page.count('missed-none'), 0, 'nobody has said that there are none');
      world.wire.leaveAlone();
      await page.press('missed-again');
      assert.match(await page.text('missed-item'), /Ada/);
      assert.equal(await page.count('missed-failed'), 0);
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
      const refusal = await ended(world, call, { code: 480, state: 'unanswered' });
      assert.ok(Math.abs(refusal.at - ringingSent - RING * 1000) < 1500, `rang ${refusal.at - ringingSent} ms`);
      await call.page.until('ended', { ms: 2000 });
      assert.equal(await call.page.playing(), 0);
    });
  });
}
