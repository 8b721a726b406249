// The clock of the machine is wrong by a day, or is set while the page is open: it rings all the same, and the times shown make sense.
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { pageWithClock } from '../lib/clock.mjs';
import { ended, hangsUp, invitation, missedNotice } from '../lib/ends.mjs';
import { until } from '../lib/events.mjs';
import { suite } from '../lib/suite.mjs';
import { mainBrowsers } from '../lib/world.mjs';
import { answer, ringing, wakeAndTap } from '../plays/wake.mjs';

const HOUR = 3_600_000;
/** Seconds. A page renews a token when a quarter of its life is left. */
const TOKEN = 20;
const setClock = (phone, by) => phone.page.evaluate((ms) => globalThis.setMachineClock(ms), by);

for (const browser of mainBrowsers()) {
  for (const [how, off] of [['a day ahead', 24 * HOUR], ['a day behind', -24 * HOUR]]) {
    const { assets, remove } = pageWithClock(off);
    after(remove);
    suite(`a clock ${how}`, { browser, assets, site: { token_ttl_s: TOKEN, limits: { ready_s: 25, ring_s: 60 } } }, (check) => {
      check('a sleeping phone is woken and answered; the time of the call counts from zero', async (world) => {
        const call = await wakeAndTap(world);
        await ringing(world, call);
        const seen = await call.page.page.evaluate(() => [Date.now(), new Date().getTime(), performance.timeOrigin + performance.now()]);
        for (const at of seen) assert.ok(Math.abs(at - Date.now() - off) < 60_000, `the page's clock is off by ${at - Date.now()} ms`);
        await answer(world, call);
        assert.match(await call.page.text('timer'), /^0:0\d$/);
        await hangsUp(world, call, call.page);
        assert.match(await call.page.text('ended-reason'), /It lasted 0:0\d/);
      });

      check('a missed call is one of a moment ago', async (world) => {
        const call = await world.callerDials();
        await invitation(world, call);
        await world.caller.press('hang-up');
        await ended(world, call, { code: 487, state: 'cancelled' });
        await missedNotice(world, call);
        await world.notifications.click();
        const page = await world.calleePage();
        await page.until('too-late', { outcome: 'cancelled' });
        await page.page.waitForFunction(() => /Ada called/.test(document.querySelector('[data-testid="ended-reason"]')?.textContent ?? ''), { polling: 50 });
        assert.match(await page.text('ended-reason'), /Ada called (this minute|\d+ minutes? ago)/);
        await page.press('ended-close');
        await page.press('nav-missed');
        await page.until('missed');
        assert.match(await page.text('missed-item'), /this minute|\d+ minutes? ago/);
      });

      check('the token is renewed by the device, signed with the edge\'s time, and not again and again', async (world) => {
        const page = await world.calleeByHand();
        await page.until(['keypad', 'missed'], { registration: 'registered' });
        const renewals = () => world.wire.log.filter((event) => event.name === 'response' && event.side === 'callee' && event.path === '/v1/tokens/renew');
        // Ahead it is held for ended at once; behind, for good: then the edge says so when it is used.
        const ended = Date.now() + (TOKEN + 1) * 1000;
        await until(() => renewals().some(({ status }) => status === 200) || Date.now() > ended, { ms: (TOKEN + 5) * 1000, every: 250, what: 'a renewed token, or its end' });
        await page.press('nav-devices');
        await page.page.waitForSelector('ul.list[aria-busy="false"] li');
        await until(() => renewals().some(({ status }) => status === 200), { what: 'a renewed token' });
        // One try with the machine's time and one with the edge's, for each token that came to its end.
        const most = 2 * Math.ceil((Date.now() - world.asleepSince) / (TOKEN * 500)) + 4;
        assert.ok(renewals().length <= most, `${renewals().length} renewals`);
        assert.equal((await page.look()).registration, 'registered');
      });
    });
  }

  const { assets, remove } = pageWithClock(0);
  after(remove);
  suite('a clock that is set', { browser, assets, site: { limits: { ready_s: 60, ring_s: 60 } } }, (check) => {
    /** They talk, and the clock of each is set. */
    async function talkAndSet(world) {
      const page = await world.calleeByHand();
      await page.until(['keypad', 'missed'], { registration: 'registered' });
      const call = { ...(await world.callerDials()), page };
      await page.until('ringing');
      await answer(world, call);
      const since = world.wire.log.mark();
      await setClock(page, 2 * HOUR);
      await setClock(world.caller, -2 * HOUR);
      assert.ok(await page.page.evaluate(() => Date.now() - performance.timeOrigin - performance.now()) > HOUR, 'the clock was set');
      return { call, page, since };
    }
    async function talkOn(world, page) {
      for (const phone of [page, world.caller]) {
        assert.equal((await phone.look()).state, 'active');
        assert.match(await phone.text('timer'), /^0:\d\d$|^1:\d\d$/);
      }
    }

    check('in a call, forward here and back there: both go on, and time counts on', async (world) => {
      const { call, page } = await talkAndSet(world);
      await talkOn(world, page);
      // And once more, over a new socket: pauses and limits are those of the steady clock.
      await setClock(page, -3 * HOUR);
      const cut = world.wire.log.mark();
      world.wire.cut('callee');
      await world.wire.sip('callee', 'received', /^SIP\/2\.0 200 [\s\S]*CSeq: \d+ REGISTER/i, { since: cut, ms: 20_000, what: 'the callee registers again' });
      await hangsUp(world, call, world.caller);
      assert.match(await page.text('ended-reason'), /It lasted [01]:\d\d/);
    });

    const quiet = { skip: !process.env.WAKELINE_FULL && 'waits for 25 s: with --full', timeout: 120_000 };
    check('what both do by a timer of their own, they still do: a sign of life while it is quiet', async (world) => {
      const { call, page, since } = await talkAndSet(world);
      const alive = (side) => world.wire.sip(side, 'sent', (text) => /^[\r\n]*$/.test(text), { since, ms: 60_000, what: `the ${side} shows life by its timer` });
      await Promise.all([alive('caller'), alive('callee')]);
      await talkOn(world, page);
      await hangsUp(world, call, world.caller);
    }, quiet);
  });
}
